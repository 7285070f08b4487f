"""Operations on tags."""

from uuid import UUID

import msgspec
from msgspec import UNSET

from skipcall.api_keys.model import Caller
from skipcall.errors import NotFound
from skipcall.http.request import Answer, Request
from skipcall.http.routing import canonical_uuid, operation
from skipcall.page import Page, make_page_of_ids
from skipcall.tags import queries
from skipcall.tags.model import CreateTag, CreateTagQuery, ListTags, Tag, UpdateTag

_ORDER = "t"


@operation("GET", "/v1/tags", tag="Tags", scope="tags:read", answers=Page[Tag])
async def list_tags(request: Request, query: ListTags) -> Answer:
    """List tags.

    Answers the tags of all workspaces in the key's scope, in the order in which they were created.
    """
    caller: Caller = request.caller
    tags, total = await queries.list_tags(
        request.database,
        query.narrow(caller.scope.workspace_ids),
        after=query.after(_ORDER),
        limit=query.size + 1,
        offset=query.offset,
    )
    return Answer(msgspec.json.encode(make_page_of_ids(query, _ORDER, tags, total)))


@operation(
    "POST",
    "/v1/tags",
    tag="Tags",
    scope="tags:write",
    answers=Tag,
    noun="Workspace",
    success=201,
    statuses=(404, 409),
)
async def create_tag(request: Request, body: CreateTag, query: CreateTagQuery) -> Answer:
    """Create a tag.

    In the workspace given by `workspaceId`, or in the key's default workspace. With `isSuccessTag` it stands for a
    successful outcome of a call.
    """
    caller: Caller = request.caller
    workspace_id = canonical_uuid(query.workspace_id) if query.workspace_id else caller.default_workspace_id
    if workspace_id not in caller.scope.workspace_ids:
        raise NotFound("Workspace")
    tag = await queries.create_tag(
        request.database,
        workspace_id,
        body.label,
        is_success_tag=body.is_success_tag,
        source="API",
        api_key_id=caller.api_key_id,
        request_id=request.id,
    )
    return Answer(msgspec.json.encode(tag), 201, (("location", f"/v1/tags/{tag.id}"),))


@operation("GET", "/v1/tags/{id}", tag="Tags", scope="tags:read", answers=Tag, noun="Tag")
async def get_tag(request: Request, id: UUID) -> Answer:
    """Get a tag.

    Answers 404 for a tag in a workspace outside the scope of the API key, as for one that does not exist.
    """
    caller: Caller = request.caller
    tag = await queries.find_tag(request.database, caller.scope.workspace_ids, id)
    if tag is None:
        raise NotFound("Tag")
    return Answer(msgspec.json.encode(tag))


@operation("PATCH", "/v1/tags/{id}", tag="Tags", scope="tags:write", answers=Tag, noun="Tag", statuses=(409,))
async def update_tag(request: Request, id: UUID, body: UpdateTag) -> Answer:
    """Update a tag.

    Changes only what is given; calls that have the tag show it as it then is. Answers 409 `LAST_SUCCESS_TAG` where the
    workspace would be left without a success tag.
    """
    caller: Caller = request.caller
    tag = await queries.update_tag(
        request.database,
        caller.scope.workspace_ids,
        id,
        label=None if body.label is UNSET else body.label,
        is_success_tag=None if body.is_success_tag is UNSET else body.is_success_tag,
        source="API",
        api_key_id=caller.api_key_id,
        request_id=request.id,
    )
    if tag is None:
        raise NotFound("Tag")
    return Answer(msgspec.json.encode(tag))


@operation("DELETE", "/v1/tags/{id}", tag="Tags", scope="tags:write", noun="Tag", success=204, statuses=(409,))
async def delete_tag(request: Request, id: UUID) -> Answer:
    """Delete a tag.

    It can be given to no call any more; calls that have it keep it. The last success tag of a workspace cannot be deleted:
    409 `LAST_SUCCESS_TAG`.
    """
    caller: Caller = request.caller
    found = await queries.archive_tag(
        request.database,
        caller.scope.workspace_ids,
        id,
        source="API",
        api_key_id=caller.api_key_id,
        request_id=request.id,
    )
    if not found:
        raise NotFound("Tag")
    return Answer(b"", 204)
