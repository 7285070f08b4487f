"""Operations on everything that is known of a person."""

from uuid import UUID

import msgspec

from skipcall.api_keys.model import Caller
from skipcall.erasures import actions, personal_data, queries
from skipcall.erasures.model import Erasure, ListErasures, PersonalData
from skipcall.errors import NotFound
from skipcall.http.request import Answer, Request
from skipcall.http.routing import operation
from skipcall.page import Page, make_page_of_ids

_ORDER = "r"
_TAG = "Personal data"
GATHERED_AT_ONCE_MAX = 2  # in a process: each may hold some tens of megabytes

encode = msgspec.json.Encoder().encode


@operation(
    "GET",
    "/v1/contacts/{id}/personal-data",
    tag=_TAG,
    scope="personal_data:read",
    answers=PersonalData,
    noun="Contact",
    statuses=(410,),
    at_once_max=GATHERED_AT_ONCE_MAX,
)
async def get_personal_data(request: Request, id: UUID) -> Answer:
    """Get everything that is known of a person.

    In one piece, to be handed over: the contact, deleted or not, with all that were merged into it, what the person said about being
    called, calls with recordings and transcriptions, sequences, and the history with old values. `incomplete` names the lists that
    are too long for one answer; the rest of them is in their own lists.
    """
    caller: Caller = request.caller
    person = await actions.find_person(request.database, caller, id)
    return Answer(encode(await personal_data.gather(request.database, caller.scope, person, request.archive.secret)))


@operation(
    "POST",
    "/v1/contacts/{id}/erase",
    tag=_TAG,
    scope="personal_data:erase",
    answers=Erasure,
    noun="Contact",
    success=202,
    statuses=(410,),
    headers=("Location",),
    other_successes={200: "There is no file to remove: it is complete, or was before"},
)
async def erase_contact(request: Request, id: UUID) -> Answer:
    """Erase a person.

    For good: the contact, deleted or not, all that were merged into it, and what is kept of them anywhere, as the receipt counts it.
    When this answers nothing of it can be read any more; files of recordings, exports and imports are removed within seconds. Calls stay in
    lists and statistics without number, notes and contact; an entry of the do-not-call list stays in force. The id answers 410 `CONTACT_ERASED`
    from then on, and who tries to create the person again, by an import too, is refused with `PERSON_ERASED`. Done again, it
    answers the same erasure.
    """
    erasure = await actions.erase_contact(
        request.database, request.caller, id, secret=request.archive.secret, request_id=request.id
    )
    status = 202 if erasure.status == "RUNNING" else 200
    return Answer(encode(erasure), status, (("location", f"/v1/erasures/{erasure.id}"),))


@operation("GET", "/v1/erasures", tag=_TAG, scope="personal_data:read", answers=Page[Erasure])
async def list_erasures(request: Request, query: ListErasures) -> Answer:
    """List erasures.

    Newest first. They are kept for good, and hold nothing of the person.
    """
    caller: Caller = request.caller
    erasures, total = await queries.list_erasures(
        request.database,
        query.narrow(caller.scope.workspace_ids),
        before=query.before(_ORDER),
        limit=query.size + 1,
        offset=query.offset,
    )
    return Answer(encode(make_page_of_ids(query, _ORDER, erasures, total)))


@operation("GET", "/v1/erasures/{id}", tag=_TAG, scope="personal_data:read", answers=Erasure, noun="Erasure")
async def get_erasure(request: Request, id: UUID) -> Answer:
    """Get an erasure.

    Its receipt says how much was erased where, when and by which request.
    """
    caller: Caller = request.caller
    erasure = await queries.find_erasure(request.database, caller.scope.workspace_ids, id)
    if erasure is None:
        raise NotFound("Erasure")
    return Answer(encode(erasure))
