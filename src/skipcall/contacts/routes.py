"""Operations on contacts."""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from skipcall.api_keys.model import Caller
from skipcall.contacts import actions, finding, listing, phone_numbers, queries
from skipcall.contacts.lookup import ContactMatches, LookupContacts
from skipcall.contacts.model import (
    Contact,
    ContactView,
    CreateContact,
    CreateContactQuery,
    ListContacts,
    UpdateContact,
)
from skipcall.contacts.phone_numbers import AddPhoneNumber
from skipcall.contacts.search import JSON_DEPTH_MAX, SearchContacts, SearchView
from skipcall.errors import NotFound, PreconditionFailed
from skipcall.http.conditional import answer_versioned, etag
from skipcall.http.request import Answer, Request
from skipcall.http.routing import canonical_uuid, operation
from skipcall.page import COUNT_MAX, Page, PageQuery, Place, decode_cursor, encode_cursor, make_page, make_page_of_ids

# Since when the name of a custom field as a key is deprecated (RFC 9745), and where it says so.
_NAME_DEPRECATED = (
    ("deprecation", "@1767225600"),
    ("link", '</docs/deprecations#custom-field-names>; rel="deprecation"'),
)
_NEWEST, _OLDEST, _CHANGED = "n", "o", "c"

encode = msgspec.json.Encoder().encode


@operation("GET", "/v1/contacts", tag="Contacts", scope="contacts:read", answers=Page[Contact])
async def list_contacts(request: Request, query: ListContacts) -> Answer:
    """List contacts.

    Newest first, over all workspaces in the key's scope. `updatedSince` lists what has changed instead, in the order of
    the changes; start the next run of a sync a few seconds before the last `updatedAt` it saw, since a change shows once
    it is committed. `callCount`, `lastCallAt` and an included `consent` move no `updatedAt`. With `includeDeleted` it tells of deletions too;
    `GET /v1/changes` does both without looking back. With a cursor every
    page costs the same; `meta.total` is exact, or with `updatedSince` or `includeDeleted` counted up to 10,000 (`totalIsLowerBound`).
    """
    caller: Caller = request.caller
    workspace_ids = query.narrow(caller.scope.workspace_ids)
    limit = query.size + 1
    if query.updated_since is None:
        order = _NEWEST if query.sort == "-createdAt" else _OLDEST
        contacts, total = await listing.list_contacts(
            request.database,
            workspace_ids,
            newest_first=order == _NEWEST,
            after=query.before(order) if order == _NEWEST else query.after(order),
            limit=limit,
            offset=query.offset,
            view=query.view,
            with_deleted=query.include_deleted,
        )
        lower_bound = query.include_deleted and total > COUNT_MAX
        total = COUNT_MAX if lower_bound else total
        return Answer(encode(make_page_of_ids(query, order, contacts, total, lower_bound=lower_bound)))
    contacts, moments, total = await listing.list_changed_contacts(
        request.database,
        workspace_ids,
        since=query.updated_since,
        place=decode_cursor(query.cursor, _CHANGED) if query.cursor else None,
        limit=limit,
        offset=query.offset,
        view=query.view,
        count_max=COUNT_MAX,
        with_deleted=query.include_deleted,
    )
    cursor = None
    if len(contacts) == limit:
        cursor = encode_cursor(_CHANGED, Place(UUID(contacts[query.size - 1].id), moments[query.size - 1], total))
    page = make_page(query, contacts, min(total, COUNT_MAX), cursor, lower_bound=total > COUNT_MAX)
    return Answer(encode(page))


@operation(
    "POST",
    "/v1/contacts",
    tag="Contacts",
    scope="contacts:write",
    answers=Contact,
    noun="Workspace",
    success=201,
    statuses=(404,),
    headers=("ETag", "Deprecation", "Link"),
)
async def create_contact(request: Request, body: CreateContact, query: CreateContactQuery) -> Answer:
    """Create a contact.

    In the workspace given by `workspaceId`, or in the key's default workspace. Somebody who was erased is refused with 409
    `PERSON_ERASED`, unless `allowErased` says that they came back by their own will.
    """
    caller: Caller = request.caller
    workspace_id = canonical_uuid(query.workspace_id) if query.workspace_id else caller.default_workspace_id
    if workspace_id is None:
        raise NotFound("Workspace")
    written = await actions.create_contact(
        request.database,
        caller,
        workspace_id,
        body,
        secret=request.archive.secret,
        allow_erased=query.allow_erased,
        request_id=request.id,
        view=query,
    )
    note_deprecation(request, caller, written.contact.team_id, written.names_used)
    content = encode(written.contact)
    location = ("location", f"/v1/contacts/{written.contact.id}")
    return Answer(content, 201, (location, ("etag", etag(written.contact.id, written.version, content))))


@operation("GET", "/v1/contacts/lookup", tag="Contacts", scope="contacts:read", answers=ContactMatches)
async def lookup_contacts(request: Request, query: LookupContacts) -> Answer:
    """Look up contacts.

    By what identifies a person: finds every contact that one of the given keys matches, the last called first, at most 50,
    and tells why. A phone number finds contacts by any of their numbers, also where the same mobile number is written with and
    without a mark: Brazil's ninth digit, Mexico's 1, Argentina's 9. Nothing found is an empty list.
    """
    return Answer(encode(await finding.lookup_contacts(request.database, request.caller, query)))


@operation(
    "POST",
    "/v1/contacts/search",
    tag="Contacts",
    scope="contacts:read",
    answers=Page[Contact],
    body_depth_max=JSON_DEPTH_MAX,
)
async def search_contacts(request: Request, body: SearchContacts, query: SearchView) -> Answer:
    """Search contacts.

    By any conditions on their properties and custom fields, together with words of free text. What is written is found at
    once. Letter case and accents of texts do not matter. Further pages go by `cursor` alone, at the same cost, and relative dates
    stand for what they were on the first. `meta.total` is counted up to 10,000 (`totalIsLowerBound`), among very many contacts
    only if `countTotal` asks for it.
    """
    found = await finding.search_contacts(request.database, request.searches, request.caller, body, query)
    page = make_page(
        PageQuery(size=body.size), found.contacts, found.total, found.cursor, lower_bound=found.is_lower_bound
    )
    return Answer(encode(page))


@operation(
    "GET",
    "/v1/contacts/{id}",
    tag="Contacts",
    scope="contacts:read",
    answers=Contact,
    noun="Contact",
    statuses=(410,),
    conditional=True,
)
async def get_contact(request: Request, id: UUID, query: ContactView) -> Answer:
    """Get a contact.

    Answers 404 for a contact in a workspace outside the scope of the API key, as for one that does not exist.
    """
    contact, version = await _get(request, id, query)
    return answer_versioned(request, contact.id, version, encode(contact))


@operation(
    "PATCH",
    "/v1/contacts/{id}",
    tag="Contacts",
    scope="contacts:write",
    answers=Contact,
    noun="Contact",
    statuses=(410,),
    headers=("Deprecation", "Link"),
    conditional=True,
    contract=True,
)
async def update_contact(request: Request, id: UUID, body: UpdateContact, query: ContactView) -> Answer:
    """Update a contact.

    Changes only what is given. Answers 404 for a contact in a workspace outside the scope of the API key.
    """
    caller: Caller = request.caller
    written = await actions.update_contact(
        request.database,
        caller,
        id,
        body,
        versions=request.versions,
        request_id=request.id,
        view=query,
    )
    if written.stale:
        await _refuse_stale(request, id, query)
    note_deprecation(request, caller, written.contact.team_id, written.names_used)
    return answer_versioned(request, written.contact.id, written.version, encode(written.contact))


@operation(
    "DELETE",
    "/v1/contacts/{id}",
    tag="Contacts",
    scope="contacts:write",
    noun="Contact",
    success=204,
    statuses=(410,),
    conditional=True,
)
async def delete_contact(request: Request, id: UUID) -> Answer:
    """Delete a contact.

    From then on it is in no list and answers 404, like one in a workspace outside the scope of the API key. For 30 days it can be
    restored.
    """
    caller: Caller = request.caller
    deleted = await queries.delete_contact(
        request.database,
        caller.scope.workspace_ids,
        id,
        versions=request.versions,
        source="API",
        api_key_id=caller.api_key_id,
        request_id=request.id,
    )
    if not deleted:
        await _refuse_stale(request, id, ContactView())
    return Answer(b"", 204)


@operation(
    "POST",
    "/v1/contacts/{id}/restore",
    tag="Contacts",
    scope="contacts:write",
    answers=Contact,
    noun="Contact",
    statuses=(410,),
    headers=("ETag",),
)
async def restore_contact(request: Request, id: UUID, query: ContactView) -> Answer:
    """Restore a deleted contact.

    As it was, with its calls, for 30 days after its deletion; then 410 `RESTORE_EXPIRED`. It does not return into the sequences that it
    was in: nobody is called by surprise. A contact that is not deleted is answered as it is. 409 `EXTERNAL_ID_TAKEN` names the contact
    that has its `externalId` by now; a contact that was merged comes back when the merge is undone.
    """
    caller: Caller = request.caller
    contact, version = await actions.restore_contact(request.database, caller, id, request_id=request.id, view=query)
    return answer_versioned(request, contact.id, version, encode(contact))


@operation(
    "POST",
    "/v1/contacts/{id}/phone-numbers",
    tag="Contacts",
    scope="contacts:write",
    answers=Contact,
    noun="Contact",
    statuses=(410,),
    conditional=True,
)
async def add_phone_number(request: Request, id: UUID, body: AddPhoneNumber, query: ContactView) -> Answer:
    """Add a phone number.

    At the end, or where `position` says; the other numbers stay, whoever writes them meanwhile. A number that the contact has
    already changes nothing and stays where it is.
    """
    written = await phone_numbers.add_phone_number(
        request.database, request.caller, id, body, versions=request.versions, request_id=request.id, view=query
    )
    if written is None:
        await actions.refuse_missing(request.database, request.caller, id)
    if written.stale:
        await _refuse_stale(request, id, query)
    return answer_versioned(request, written.contact.id, written.version, encode(written.contact))


@operation(
    "DELETE",
    "/v1/contacts/{id}/phone-numbers/{number}",
    tag="Contacts",
    scope="contacts:write",
    answers=Contact,
    noun="Contact",
    statuses=(409, 410),
    conditional=True,
)
async def remove_phone_number(request: Request, id: UUID, number: str, query: ContactView) -> Answer:
    """Remove a phone number.

    `number` is in E.164 form, its `+` written as `%2B`. Answers the contact with the numbers that it keeps. The last number
    cannot be removed.
    """
    written = await phone_numbers.remove_phone_number(
        request.database, request.caller, id, number, versions=request.versions, request_id=request.id, view=query
    )
    if written is None:
        await actions.refuse_missing(request.database, request.caller, id)
    if written.stale:
        await _refuse_stale(request, id, query)
    return answer_versioned(request, written.contact.id, written.version, encode(written.contact))


async def _get(request: Request, id: UUID, view: ContactView) -> tuple[Contact, int]:
    caller: Caller = request.caller
    found = await queries.find_contact(request.database, caller.scope.workspace_ids, id, view)
    if found is None:
        await actions.refuse_missing(request.database, caller, id)
    return found


async def _refuse_stale(request: Request, id: UUID, view: ContactView) -> None:
    """Raise `PreconditionFailed` with the tag of the contact as it is now, or `NotFound`."""
    contact, version = await _get(request, id, view)
    raise PreconditionFailed(etag(contact.id, version, encode(contact)))


def note_deprecation(request: Request, caller: Caller, workspace_id: str, names_used: Mapping[str, str]) -> None:
    if names_used:
        request.notes.extend(_NAME_DEPRECATED)
        caller.use.note_names(UUID(workspace_id), names_used)
