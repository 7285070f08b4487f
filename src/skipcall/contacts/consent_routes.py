"""Operations on the ledger of what a contact said about being called."""

from uuid import UUID

import msgspec

from skipcall.api_keys.model import Caller
from skipcall.consents import queries
from skipcall.consents.model import Consent, ListContactConsents, RecordConsent
from skipcall.contacts.actions import refuse_missing
from skipcall.errors import NotFound
from skipcall.http.request import Answer, Request
from skipcall.http.routing import operation
from skipcall.page import Page, Place, decode_cursor, encode_cursor, make_page

_ORDER = "l"
_NOWHERE = UUID(int=0)

encode = msgspec.json.Encoder().encode


@operation(
    "GET",
    "/v1/contacts/{id}/consents",
    tag="Consents",
    scope="contacts:read",
    answers=Page[Consent],
    noun="Contact",
)
async def list_contact_consents(request: Request, id: UUID, query: ListContactConsents) -> Answer:
    """List what a contact said about being called.

    Newest first, also of a deleted contact; where contacts are answered, `include=consent` shows what was said last. Entries are never changed or removed, and each holds the hash of the one before. Of an
    erased contact the words are gone, and `source` is empty.
    """
    caller: Caller = request.caller
    found = await queries.list_contact_consents(
        request.database,
        query.narrow(caller.scope.workspace_ids),
        id,
        before=decode_cursor(query.cursor, _ORDER).total if query.cursor else queries.LAST_POSITION,
        limit=query.size + 1,
        offset=query.offset,
    )
    if found is None:
        raise NotFound("Contact")
    entries, total = found
    cursor = None
    if len(entries) > query.size:
        cursor = encode_cursor(_ORDER, Place(_NOWHERE, total=entries[query.size - 1].position))
    return Answer(encode(make_page(query, entries, total, cursor)))


@operation(
    "POST",
    "/v1/contacts/{id}/consents",
    tag="Consents",
    scope="contacts:write",
    answers=Consent,
    noun="Contact",
    success=201,
    statuses=(410,),
)
async def record_contact_consent(request: Request, id: UUID, body: RecordConsent) -> Answer:
    """Record what a contact said about being called.

    `refused`, `withdrawn` and `objected` set the contact's `allowPhoneCalls` to false at the same time. `given` does not set it
    to true: that remains a decision of its own, by `PATCH`. The ledger keeps what it is told; whether a basis is enough in law is
    for you to know.
    """
    caller: Caller = request.caller
    entry = await queries.record_consent(
        request.database, caller.scope.workspace_ids, id, body, api_key_id=caller.api_key_id, request_id=request.id
    )
    if entry is None:
        await refuse_missing(request.database, caller, id)
    return Answer(encode(entry), 201)
