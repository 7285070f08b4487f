"""Operations on the do-not-call list."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from skipcall.api_keys.model import Caller
from skipcall.do_not_call import actions, queries
from skipcall.do_not_call.model import Checked, CheckNumbers, CreateDoNotCallEntry, DoNotCallEntry, ListDoNotCall
from skipcall.errors import NotFound
from skipcall.http.request import Answer, Request
from skipcall.http.routing import canonical_uuid, operation
from skipcall.page import COUNT_MAX, Page, make_page_of_ids
from skipcall.phone_numbers.model import with_plus

_ORDER = "d"
_TAG = "Do not call"

encode = msgspec.json.Encoder().encode


class OfWorkspace(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Whose list."""

    workspace_id: Annotated[
        str | None, Meta(description="The workspace whose list it is; the key's default workspace if absent")
    ] = None


@operation("GET", "/v1/do-not-call", tag=_TAG, scope="do_not_call:read", answers=Page[DoNotCallEntry])
async def list_do_not_call(request: Request, query: ListDoNotCall) -> Answer:
    """List the numbers that are not to be called.

    Those in force, newest first, over all workspaces in the key's scope; each workspace has a list of its own. Filtered, `meta.total` is counted up to 10,000.
    """
    caller: Caller = request.caller
    among = query.narrow(caller.scope.workspace_ids)
    number = None
    if query.phone_number is not None:
        home, written = caller.home_among(among), with_plus(query.phone_number)
        number = await actions.read_number(request.database, caller, home, written, query.region, "/query/phoneNumber")
    is_filtered = query.phone_number is not None or query.reason is not None
    entries, total = await queries.list_do_not_call(
        request.database,
        among,
        secret=request.archive.secret,
        phone_number=number,
        reason=query.reason,
        before=query.before(_ORDER),
        limit=query.size + 1,
        offset=query.offset,
        count_max=COUNT_MAX + 1 if is_filtered else None,
    )
    is_more = is_filtered and total > COUNT_MAX
    return Answer(
        encode(make_page_of_ids(query, _ORDER, entries, COUNT_MAX if is_more else total, lower_bound=is_more))
    )


@operation(
    "POST",
    "/v1/do-not-call",
    tag=_TAG,
    scope="do_not_call:write",
    answers=DoNotCallEntry,
    noun="Workspace",
    success=201,
    statuses=(404,),
    other_successes={200: "The number was on the list for this reason already, for at least as long"},
)
async def create_do_not_call(request: Request, body: CreateDoNotCallEntry, query: OfWorkspace) -> Answer:
    """Put a number on the do-not-call list.

    It is refused from then on in this workspace, whichever contacts have it, come or go. A number that is on the list for this reason, and for
    at least as long, answers its entry with 200; an entry of this reason that ends sooner is replaced. Entries of other reasons stand beside
    it. The list is a tool: which numbers belong on it, and for
    how long, is for you to know.
    """
    entry, is_new = await actions.create_entry(
        request.database,
        request.caller,
        _workspace_id(request, query),
        body,
        secret=request.archive.secret,
        request_id=request.id,
    )
    return Answer(encode(entry), 201 if is_new else 200, (("location", f"/v1/do-not-call/{entry.id}"),))


@operation(
    "GET",
    "/v1/do-not-call/{id}",
    tag=_TAG,
    scope="do_not_call:read",
    answers=DoNotCallEntry,
    noun="Do-not-call entry",
)
async def get_do_not_call(request: Request, id: UUID) -> Answer:
    """Get an entry of the do-not-call list.

    Also one that has expired or was lifted: what was on the list, why and how long, stays known.
    """
    caller: Caller = request.caller
    entry = await queries.find_entry(request.database, caller.scope.workspace_ids, id)
    if entry is None:
        raise NotFound("Do-not-call entry")
    return Answer(encode(entry))


@operation(
    "DELETE",
    "/v1/do-not-call/{id}",
    tag=_TAG,
    scope="do_not_call:write",
    noun="Do-not-call entry",
    success=204,
)
async def delete_do_not_call(request: Request, id: UUID) -> Answer:
    """Lift an entry of the do-not-call list.

    It is in no list any more and refuses nothing, but can still be read by its id. The number may still be listed for another reason. One that is not in force answers 404.
    """
    caller: Caller = request.caller
    lifted = await queries.lift_entry(
        request.database, caller.scope.workspace_ids, id, api_key_id=caller.api_key_id, request_id=request.id
    )
    if not lifted:
        raise NotFound("Do-not-call entry")
    return Answer(b"", 204)


@operation(
    "POST",
    "/v1/do-not-call/check",
    tag=_TAG,
    scope="do_not_call:read",
    answers=Checked,
    noun="Workspace",
    statuses=(404,),
)
async def check_do_not_call(request: Request, body: CheckNumbers, query: OfWorkspace) -> Answer:
    """Check numbers before they are called.

    Up to 1,000 at once; the answer has one item for each, in their order. A number is not callable if it is on the list, or if
    a contact of the workspace that has it has `allowPhoneCalls` false. `callable` says that nothing known here speaks against a
    call, not that the law allows it.
    """
    checked = await actions.check_numbers(
        request.database,
        request.caller,
        _workspace_id(request, query),
        body.phone_numbers,
        body.region,
        secret=request.archive.secret,
    )
    return Answer(encode(Checked(checked)))


def _workspace_id(request: Request, query: OfWorkspace) -> UUID:
    caller: Caller = request.caller
    workspace_id = canonical_uuid(query.workspace_id) if query.workspace_id else caller.default_workspace_id
    if workspace_id not in caller.scope.workspace_ids:
        raise NotFound("Workspace")
    return workspace_id
