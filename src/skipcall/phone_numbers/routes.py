"""Operations on managed phone numbers."""

from uuid import UUID

import msgspec

from skipcall.api_keys.model import Caller
from skipcall.errors import NotFound
from skipcall.http.request import Answer, Request
from skipcall.http.routing import operation
from skipcall.page import Page, make_page_of_ids
from skipcall.phone_numbers import queries
from skipcall.phone_numbers.model import ListPhoneNumbers, ManagedPhoneNumber

_ORDER = "p"


@operation(
    "GET", "/v1/phone-numbers", tag="Phone numbers", scope="phone_numbers:read", answers=Page[ManagedPhoneNumber]
)
async def list_phone_numbers(request: Request, query: ListPhoneNumbers) -> Answer:
    """List phone numbers.

    Answers the managed phone numbers of all workspaces in the key's scope, in the order in which they were added. Numbers
    that were given back are not among them.
    """
    caller: Caller = request.caller
    numbers, total = await queries.list_phone_numbers(
        request.database,
        query.narrow(caller.scope.workspace_ids),
        after=query.after(_ORDER),
        limit=query.size + 1,
        offset=query.offset,
    )
    return Answer(msgspec.json.encode(make_page_of_ids(query, _ORDER, numbers, total)))


@operation(
    "GET",
    "/v1/phone-numbers/{id}",
    tag="Phone numbers",
    scope="phone_numbers:read",
    answers=ManagedPhoneNumber,
    noun="Phone number",
)
async def get_phone_number(request: Request, id: UUID) -> Answer:
    """Get a phone number.

    `managedPhoneNumberId` of a call names one. Answers 404 once the number was given back.
    """
    caller: Caller = request.caller
    number = await queries.find_phone_number(request.database, caller.scope.workspace_ids, id)
    if number is None:
        raise NotFound("Phone number")
    return Answer(msgspec.json.encode(number))
