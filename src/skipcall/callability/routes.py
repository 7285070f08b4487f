"""Whether a contact may be called."""

from uuid import UUID

import msgspec

from skipcall import clock
from skipcall.api_keys.model import Caller
from skipcall.callability import actions
from skipcall.callability.model import Callability, GetCallability
from skipcall.http.request import Answer, Request
from skipcall.http.routing import operation
from skipcall.phone_numbers.model import with_plus


@operation(
    "GET",
    "/v1/contacts/{id}/callability",
    tag="Consents",
    scope="contacts:read",
    answers=Callability,
    noun="Contact",
    statuses=(410,),
)
async def get_contact_callability(request: Request, id: UUID, query: GetCallability) -> Answer:
    """Ask whether a contact may be called.

    By `allowPhoneCalls`, the do-not-call list, the ledger of consent, the calls so far, and the rule set of the workspace (`NONE`
    unless its operator chose another). With `at`, at another moment, by what is known now. `nextAllowedAt` is the first moment at
    which nothing known speaks against a call. This is no legal advice: `callable` says what this server knows, not what the law
    allows.
    """
    caller: Caller = request.caller
    answer = await actions.get_callability(
        request.database,
        caller,
        id,
        at=query.at or clock.now(),
        phone_number=query.phone_number and with_plus(query.phone_number),
        secret=request.archive.secret,
    )
    return Answer(msgspec.json.encode(answer))
