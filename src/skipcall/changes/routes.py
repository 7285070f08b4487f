"""Operations on changes."""

from uuid import UUID

import msgspec

from skipcall.api_keys.model import Caller
from skipcall.changes import queries
from skipcall.changes.cursors import Cursor, check_age, decode_cursor, encode_cursor
from skipcall.changes.model import Changes, ChangesMeta, HistoryEntry, ListChanges, ListContactHistory, Object
from skipcall.errors import NotFound
from skipcall.http.request import Answer, Request
from skipcall.http.routing import operation
from skipcall.page import Page, Place, make_page
from skipcall.page import decode_cursor as decode_place
from skipcall.page import encode_cursor as encode_place

_HISTORY = "h"
_LAST = Place(UUID(int=0), total=2**63 - 1)

encode = msgspec.json.Encoder().encode


@operation("GET", "/v1/changes", tag="Changes", scope="contacts:read", answers=Changes, statuses=(410,))
async def list_changes(request: Request, query: ListChanges) -> Answer:
    """List changes.

    What was done to contacts and, if the key has `calls:read`, to calls: created, updated, deleted, restored, merged, erased, in the order in which each was
    changed. Nothing is left out and nothing comes twice, whoever writes at the same time, and a change is there as soon as it is
    committed. Keep `meta.nextCursor` with what you have stored and ask with it again; while `hasMore` is true, at once. `contact` is the
    contact as it is now, and in items of a call that of the call with its `callCount` and `lastCallAt`. So who applies every answer in turn, and reads a contact again from
    which a call was taken (`changes.contactId`), ends with what is here, except for an included `consent` and names of custom fields, which make no change
    of a contact.

    Without a cursor the feed begins with the oldest change that is kept; the last change of everything always is. With
    `start=now` it begins here: list the contacts after that. A cursor older than what is kept answers 410 `CURSOR_EXPIRED`; begin anew
    then.
    """
    caller: Caller = request.caller
    cursor = decode_cursor(query.cursor) if query.cursor else Cursor()
    objects: list[Object] = ["contact"]
    if "calls:read" in caller.scopes:
        objects.append("call")
    is_now = query.start == "now"
    changes, look = await queries.list_changes(
        request.database,
        query.narrow(caller.scope.workspace_ids),
        cursor,
        objects=[one for one in objects if query.object in (None, one)],
        own_key_id=caller.api_key_id if query.skip_own else None,
        limit=0 if is_now else query.size + 1,
        view=query.view,
    )
    check_age(cursor, look)
    is_inside = len(changes) > query.size
    # Behind a window that was opened some answers ago there may be a next one already.
    following = cursor.within(look, int(changes[query.size - 1].id)) if is_inside else cursor.behind(look)
    meta = ChangesMeta(is_inside or bool(cursor.target), encode_cursor(following))
    return Answer(encode(Changes(changes[: query.size], meta)))


@operation(
    "GET",
    "/v1/contacts/{id}/history",
    tag="Changes",
    scope="contacts:read",
    answers=Page[HistoryEntry],
    noun="Contact",
)
async def list_contact_history(request: Request, id: UUID, query: ListContactHistory) -> Answer:
    """List the history of a contact.

    Who changed what, when, by which request, with old and new values; newest first. Also of a deleted contact. It reaches back as
    far as changes are kept.
    """
    caller: Caller = request.caller
    before = decode_place(query.cursor, _HISTORY) if query.cursor else _LAST
    found = await queries.list_contact_history(
        request.database,
        query.narrow(caller.scope.workspace_ids),
        id,
        before=before.total,
        limit=query.size + 1,
        offset=query.offset,
    )
    if found is None:
        raise NotFound("Contact")
    entries, total = found
    cursor = None
    if len(entries) > query.size:
        cursor = encode_place(_HISTORY, Place(UUID(int=0), total=int(entries[query.size - 1].id)))
    return Answer(encode(make_page(query, entries, total, cursor)))
