"""Operations on custom fields."""

from uuid import UUID

import msgspec
from msgspec import UNSET

from skipcall.api_keys import queries as api_keys
from skipcall.api_keys.model import Caller
from skipcall.clock import timestamp
from skipcall.custom_fields import actions, queries
from skipcall.custom_fields.model import (
    CreateCustomField,
    CreateCustomFieldQuery,
    CustomField,
    CustomFieldView,
    FieldNamed,
    ListCustomFields,
    ListNameUses,
    NameUse,
    UpdateCustomField,
    merge_options,
)
from skipcall.errors import NotFound
from skipcall.http.request import Answer, Request
from skipcall.http.routing import canonical_uuid, operation
from skipcall.page import Page, Place, encode_cursor, make_page, make_page_of_ids

_FIELDS, _NAME_USES = "f", "u"


@operation("GET", "/v1/custom-fields", tag="Custom fields", scope="custom_fields:read", answers=Page[CustomField])
async def list_custom_fields(request: Request, query: ListCustomFields) -> Answer:
    """List custom fields.

    Answers the fields of all workspaces in the key's scope, in the order in which they were created. `slug` never
    changes and is the key to use in `customFields`; `name` is what people see. `status=archived` lists those that were
    deleted and can be restored.
    """
    caller: Caller = request.caller
    fields, total = await queries.list_custom_fields(
        request.database,
        query.narrow(caller.scope.workspace_ids),
        after=query.after(_FIELDS),
        limit=query.size + 1,
        offset=query.offset,
        status=query.status,
        details=query.include is not None,
    )
    return Answer(msgspec.json.encode(make_page_of_ids(query, _FIELDS, fields, total)))


@operation(
    "POST",
    "/v1/custom-fields",
    tag="Custom fields",
    scope="custom_fields:write",
    answers=CustomField,
    noun="Workspace",
    success=201,
    statuses=(404, 409),
)
async def create_custom_field(request: Request, body: CreateCustomField, query: CreateCustomFieldQuery) -> Answer:
    """Create a custom field.

    The slug is made from the name and stays as it is when the name changes. The type stays too; values are texts
    whatever it is: a decimal such as `-12.50`, a day such as `2026-11-23`, the key of an option (its label is understood),
    an absolute address, `true` or `false`.
    """
    caller: Caller = request.caller
    workspace_id = canonical_uuid(query.workspace_id) if query.workspace_id else caller.default_workspace_id
    if workspace_id not in caller.scope.workspace_ids:
        raise NotFound("Workspace")
    field = await queries.create_custom_field(
        request.database,
        workspace_id,
        body.name,
        type=body.type,
        options=() if body.options is UNSET else merge_options((), body.options),
        is_required=body.is_required,
        is_unique=body.is_unique,
        details=query.include is not None,
    )
    return Answer(msgspec.json.encode(field), 201, (("location", f"/v1/custom-fields/{field.id}"),))


@operation(
    "GET",
    "/v1/custom-fields/name-uses",
    tag="Custom fields",
    scope="custom_fields:read",
    answers=Page[NameUse],
)
async def list_custom_field_name_uses(request: Request, query: ListNameUses) -> Answer:
    """List who still uses names of custom fields.

    The API keys that have sent the name of a field in `customFields` instead of its slug, which is deprecated. Of the
    organization's keys in force, those that open no workspace outside the scope of the key that asks. Counted within some
    seconds.
    """
    caller: Caller = request.caller
    rows, total = await api_keys.list_name_uses(
        request.database,
        caller.scope.organization_id,
        query.narrow(caller.scope.workspace_ids),
        after=query.after(_NAME_USES),
        limit=query.size + 1,
        offset=query.offset,
    )
    uses = [
        NameUse(
            str(row["id"]),
            row["name"],
            row["custom_field_names_used"],
            None if row["custom_field_name_used_at"] is None else timestamp(row["custom_field_name_used_at"]),
            msgspec.json.decode(row["fields_named"], type=list[FieldNamed]),
        )
        for row in rows
    ]
    cursor = encode_cursor(_NAME_USES, Place(rows[query.size - 1]["id"])) if len(rows) > query.size else None
    return Answer(msgspec.json.encode(make_page(query, uses, total, cursor)))


@operation(
    "GET",
    "/v1/custom-fields/{id}",
    tag="Custom fields",
    scope="custom_fields:read",
    answers=CustomField,
    noun="Custom field",
)
async def get_custom_field(request: Request, id: UUID, query: CustomFieldView) -> Answer:
    """Get a custom field.

    Answers its name as it is now, and its slug.
    """
    caller: Caller = request.caller
    details = query.include is not None
    field = await queries.find_custom_field(request.database, caller.scope.workspace_ids, id, details=details)
    if field is None:
        raise NotFound("Custom field")
    return Answer(msgspec.json.encode(field))


@operation(
    "PATCH",
    "/v1/custom-fields/{id}",
    tag="Custom fields",
    scope="custom_fields:write",
    answers=CustomField,
    noun="Custom field",
    statuses=(409,),
)
async def update_custom_field(request: Request, id: UUID, body: UpdateCustomField, query: CustomFieldView) -> Answer:
    """Update a custom field.

    A new name leaves the slug as it is, so integrations that use it go on working; answers to contacts show the name at
    once. `options` replaces the list: what is left out is archived, and stays on the contacts that have it. A field that
    becomes required asks nothing of the contacts there are until somebody changes their value.
    """
    caller: Caller = request.caller
    field = await actions.update_custom_field(
        request.database, caller.scope.workspace_ids, id, body, details=query.include is not None
    )
    return Answer(msgspec.json.encode(field))


@operation(
    "DELETE",
    "/v1/custom-fields/{id}",
    tag="Custom fields",
    scope="custom_fields:write",
    noun="Custom field",
    success=204,
)
async def delete_custom_field(request: Request, id: UUID) -> Answer:
    """Delete a custom field.

    The field and its values disappear from every contact, until it is restored. Its slug is not given to another field.
    """
    caller: Caller = request.caller
    if not await queries.archive_custom_field(request.database, caller.scope.workspace_ids, id):
        raise NotFound("Custom field")
    return Answer(b"", 204)


@operation(
    "POST",
    "/v1/custom-fields/{id}/restore",
    tag="Custom fields",
    scope="custom_fields:write",
    answers=CustomField,
    noun="Custom field",
    statuses=(409,),
)
async def restore_custom_field(request: Request, id: UUID, query: CustomFieldView) -> Answer:
    """Restore a custom field.

    Brings a deleted field back, with the values that contacts had in it. `GET /v1/custom-fields?status=archived` lists
    what can be restored.
    """
    caller: Caller = request.caller
    field = await queries.restore_custom_field(
        request.database, caller.scope.workspace_ids, id, details=query.include is not None
    )
    if field is None:
        raise NotFound("Custom field")
    return Answer(msgspec.json.encode(field))
