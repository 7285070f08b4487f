"""Operations on custom fields."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta

from skipcall.api_keys.model import Caller
from skipcall.custom_fields import queries
from skipcall.custom_fields.model import CreateCustomField, CustomField, ListCustomFields, UpdateCustomField
from skipcall.errors import NotFound
from skipcall.http.request import Answer, Request
from skipcall.http.routing import canonical_uuid, operation
from skipcall.page import Page, Place, decode_cursor, encode_cursor, make_page

_ORDER = "f"
_FIRST = UUID(int=0)


class InWorkspace(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Where to create."""

    workspace_id: Annotated[
        str | None, Meta(description="The workspace to create in; the key's default workspace if absent")
    ] = None


@operation("GET", "/v1/custom-fields", tag="Custom fields", scope="custom_fields:read", answers=Page[CustomField])
async def list_custom_fields(request: Request, query: ListCustomFields) -> Answer:
    """List custom fields.

    Answers the fields of all workspaces in the key's scope, in the order in which they were created. `slug` never
    changes and is the key to use in `customFields`; `name` is what people see.
    """
    caller: Caller = request.caller
    after = decode_cursor(query.cursor, _ORDER).id if query.cursor else _FIRST
    fields, total = await queries.list_custom_fields(
        request.database,
        query.narrow(caller.scope.workspace_ids),
        after=after,
        limit=query.size + 1,
        offset=query.offset,
    )
    cursor = encode_cursor(_ORDER, Place(UUID(fields[query.size - 1].id))) if len(fields) > query.size else None
    return Answer(msgspec.json.encode(make_page(query, fields, total, cursor)))


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
async def create_custom_field(request: Request, body: CreateCustomField, query: InWorkspace) -> Answer:
    """Create a custom field.

    The slug is made from the name and stays as it is when the name changes.
    """
    caller: Caller = request.caller
    workspace_id = canonical_uuid(query.workspace_id) if query.workspace_id else caller.default_workspace_id
    if workspace_id not in caller.scope.workspace_ids:
        raise NotFound("Workspace")
    field = await queries.create_custom_field(request.database, workspace_id, body.name)
    return Answer(msgspec.json.encode(field), 201, (("location", f"/v1/custom-fields/{field.id}"),))


@operation(
    "GET",
    "/v1/custom-fields/{id}",
    tag="Custom fields",
    scope="custom_fields:read",
    answers=CustomField,
    noun="Custom field",
)
async def get_custom_field(request: Request, id: UUID) -> Answer:
    """Get a custom field.

    Answers its name as it is now, and its slug.
    """
    caller: Caller = request.caller
    field = await queries.find_custom_field(request.database, caller.scope.workspace_ids, id)
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
async def update_custom_field(request: Request, id: UUID, body: UpdateCustomField) -> Answer:
    """Update a custom field.

    Gives it another name. The slug stays, so integrations that use it go on working. Answers to contacts show the new name at once.
    """
    caller: Caller = request.caller
    if body.name is UNSET:
        field = await queries.find_custom_field(request.database, caller.scope.workspace_ids, id)
    else:
        field = await queries.rename_custom_field(request.database, caller.scope.workspace_ids, id, body.name)
    if field is None:
        raise NotFound("Custom field")
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

    The field and its values disappear from every contact. Its slug is not given to another field.
    """
    caller: Caller = request.caller
    if not await queries.archive_custom_field(request.database, caller.scope.workspace_ids, id):
        raise NotFound("Custom field")
    return Answer(b"", 204)
