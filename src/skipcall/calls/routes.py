"""Operations on calls."""

from uuid import UUID

import msgspec

from skipcall.api_keys.model import Caller
from skipcall.calls import actions, listing, queries
from skipcall.calls.model import Call, CallView, CreateCall, CreateCallQuery, ListCalls, UpdateCall
from skipcall.calls.queries import Author, View
from skipcall.errors import NotFound, PreconditionFailed
from skipcall.http.conditional import answer_versioned, etag
from skipcall.http.request import Answer, Request
from skipcall.http.routing import canonical_uuid, operation
from skipcall.page import COUNT_MAX, Page, Place, decode_cursor, encode_cursor, make_page

_NEWEST, _CHANGED = "k", "l"

encode = msgspec.json.Encoder().encode


@operation("GET", "/v1/calls", tag="Calls", scope="calls:read", answers=Page[Call])
async def list_calls(request: Request, query: ListCalls) -> Answer:
    """List calls.

    Newest first, over all workspaces in the key's scope; any filters together. `updatedAfter` and `updatedBefore` list by
    the last change instead, in the order of the changes; start the next run of a sync a few seconds before the last
    `updatedAt` it saw, since a change shows once it is committed. With a cursor every page costs the same. `meta.total` is
    exact without a filter, otherwise counted up to 10,000 (`totalIsLowerBound`).
    """
    caller: Caller = request.caller
    order = _NEWEST if query.updated_after is None and query.updated_before is None else _CHANGED
    found = await listing.list_calls(
        request.database,
        query.narrow(caller.scope.workspace_ids),
        query,
        decode_cursor(query.cursor, order) if query.cursor else None,
        _view(caller, query.include),
    )
    cursor = None
    if len(found.calls) > query.size:
        place = Place(UUID(found.calls[query.size - 1].id), total=found.total)
        cursor = encode_cursor(
            order, place._replace(moment=found.moments[query.size - 1]) if order == _CHANGED else place
        )
    total = COUNT_MAX if found.is_lower_bound else found.total
    return Answer(encode(make_page(query, found.calls, total, cursor, lower_bound=found.is_lower_bound)))


@operation(
    "POST",
    "/v1/calls",
    tag="Calls",
    scope="calls:write",
    answers=Call,
    noun="Workspace",
    success=201,
    statuses=(404,),
    headers=("ETag",),
)
async def create_call(request: Request, body: CreateCall, query: CreateCallQuery) -> Answer:
    """Log a call.

    For calls that no connected telephony reports. In the workspace given by `workspaceId`, or in the key's default
    workspace. Without `contactId` the call goes to the contact that has the number: of several, the one that was called
    last. A session (`sequenceRunId`) begins with the first call that names it.
    """
    caller: Caller = request.caller
    workspace_id = canonical_uuid(query.workspace_id) if query.workspace_id else caller.default_workspace_id
    if workspace_id is None:
        raise NotFound("Workspace")
    written = await actions.create_call(
        request.database, caller, workspace_id, body, request_id=request.id, view=_view(caller, query.include)
    )
    content = encode(written.call)
    location = ("location", f"/v1/calls/{written.call.id}")
    return Answer(content, 201, (location, ("etag", etag(written.call.id, written.version, content))))


@operation("GET", "/v1/calls/{id}", tag="Calls", scope="calls:read", answers=Call, noun="Call", conditional=True)
async def get_call(request: Request, id: UUID, query: CallView) -> Answer:
    """Get a call.

    Answers 404 for a call in a workspace outside the scope of the API key, as for one that does not exist.
    """
    caller: Caller = request.caller
    call, version = await _get(request, id, _view(caller, query.include))
    return answer_versioned(request, call.id, version, encode(call))


@operation(
    "PATCH",
    "/v1/calls/{id}",
    tag="Calls",
    scope="calls:write",
    answers=Call,
    noun="Call",
    statuses=(410,),
    conditional=True,
)
async def update_call(request: Request, id: UUID, body: UpdateCall, query: CallView) -> Answer:
    """Update a call.

    Changes only what is given: notes, outcome (`tagIds`), contact, your id, when it was synced with your CRM.
    """
    caller: Caller = request.caller
    view = _view(caller, query.include)
    written = await actions.update_call(
        request.database, caller, id, body, versions=request.versions, request_id=request.id, view=view
    )
    if written.stale:
        await _refuse_stale(request, id, view)
    return answer_versioned(request, written.call.id, written.version, encode(written.call))


@operation("DELETE", "/v1/calls/{id}", tag="Calls", scope="calls:write", noun="Call", success=204, conditional=True)
async def delete_call(request: Request, id: UUID) -> Answer:
    """Delete a call.

    From then on it is in no list, counts for no contact and answers 404.
    """
    caller: Caller = request.caller
    deleted = await queries.delete_call(
        request.database,
        caller.scope.workspace_ids,
        id,
        versions=request.versions,
        author=Author("API", caller.api_key_id, request.id),
    )
    if not deleted:
        await _refuse_stale(request, id, _view(caller, None))
    return Answer(b"", 204)


def _view(caller: Caller, include: str | None) -> View:
    wanted = {one.strip() for one in include.split(",")} if include else set()
    return View(caller.scope.organization_id, "details" in wanted, "tags" in wanted)


async def _get(request: Request, id: UUID, view: View) -> tuple[Call, int]:
    caller: Caller = request.caller
    found = await queries.find_call(request.database, caller.scope.workspace_ids, id, view)
    if found is None:
        raise NotFound("Call")
    return found


async def _refuse_stale(request: Request, id: UUID, view: View) -> None:
    """Raise `PreconditionFailed` with the tag of the call as it is now, or `NotFound`."""
    call, version = await _get(request, id, view)
    raise PreconditionFailed(etag(call.id, version, encode(call)))
