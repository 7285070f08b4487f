"""Operations on contacts that are one person."""

from uuid import UUID

import msgspec

from skipcall.api_keys.model import Caller
from skipcall.contacts.actions import refuse_missing
from skipcall.contacts.model import Contact, ContactView
from skipcall.contacts.queries import find_contact
from skipcall.errors import PreconditionFailed
from skipcall.http.conditional import etag
from skipcall.http.request import Answer, Request
from skipcall.http.routing import operation
from skipcall.merges import actions, duplicates
from skipcall.merges.model import (
    DuplicatesMeta,
    DuplicatesPage,
    ListDuplicates,
    MergeContact,
    MergedContact,
    UnmergedContact,
)
from skipcall.page import FIRST_ID, Place, decode_cursor, encode_cursor

_ORDERS = {"phoneNumber": "d", "email": "e", "linkedinUrl": "l"}

encode = msgspec.json.Encoder().encode


@operation("GET", "/v1/contacts/duplicates", tag="Contacts", scope="contacts:read", answers=DuplicatesPage)
async def list_duplicates(request: Request, query: ListDuplicates) -> Answer:
    """List contacts that may be one person.

    Groups of contacts of one workspace that share a phone number or, with `by`, an e-mail address in any case or a LinkedIn address in
    any form; each group once, at its oldest contact. A page looks at a number of contacts, so it may hold few groups or none: go on
    while `meta.hasMore` is true. What very many contacts share makes no group, and is in `meta.sharedByMany`.
    """
    caller: Caller = request.caller
    order = _ORDERS[query.by]
    groups, common, place = await duplicates.list_duplicates(
        request.database,
        query.narrow(caller.scope.workspace_ids),
        query.by,
        after=decode_cursor(query.cursor, order).id if query.cursor else FIRST_ID,
        view=query.view,
    )
    cursor = None if place is None else encode_cursor(order, Place(place))
    return Answer(encode(DuplicatesPage(groups, DuplicatesMeta(place is not None, cursor, common))))


@operation(
    "POST",
    "/v1/contacts/{id}/merge",
    tag="Contacts",
    scope="contacts:write",
    answers=MergedContact,
    noun="Contact",
    statuses=(410,),
    conditional=True,
)
async def merge_contact(request: Request, id: UUID, body: MergeContact, query: ContactView) -> Answer:
    """Merge another contact into this one.

    What this contact lacks it gets from the other, `fields` chooses where both have a value; phone numbers are put together, and
    `allowPhoneCalls` is false if either was. All calls of the other contact become calls of this one, and it takes its place in
    sequences. The other contact is gone: its id answers 410 `CONTACT_MERGED` with a `Link` to this one. With `dryRun` the answer is the
    same and nothing is changed. For 30 days a merge can be undone.
    """
    caller: Caller = request.caller
    made = await actions.merge_contact(
        request.database, caller, id, body, versions=request.versions, request_id=request.id, view=query
    )
    if made is None:
        found = await find_contact(request.database, caller.scope.workspace_ids, id, query)
        if found is None:
            await refuse_missing(request.database, caller, id)
        raise PreconditionFailed(_etag(*found))
    merged, version = made
    return Answer(encode(merged), 200, () if body.dry_run else (("etag", _etag(merged.contact, version)),))


@operation(
    "POST",
    "/v1/contacts/{id}/unmerge",
    tag="Contacts",
    scope="contacts:write",
    answers=UnmergedContact,
    noun="Contact",
    statuses=(410,),
    headers=("ETag",),
)
async def unmerge_contact(request: Request, id: UUID, query: ContactView) -> Answer:
    """Undo the merge of a contact.

    Of the contact that went, within 30 days. It is there again as it was, with those of its calls that are still with the other
    contact and in those of its sequences that the other is still in; but `allowPhoneCalls` is false if that of the other is, since a refusal of
    meanwhile is of both. The other contact loses what it got by the merge, except what
    was changed since: `kept` names these properties.
    """
    unmerged, version = await actions.unmerge_contact(
        request.database, request.caller, id, secret=request.archive.secret, request_id=request.id, view=query
    )
    return Answer(encode(unmerged), 200, (("etag", _etag(unmerged.contact, version)),))


def _etag(contact: Contact, version: int) -> str:
    return etag(contact.id, version, encode(contact))
