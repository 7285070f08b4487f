"""Operations on sequences, their contacts and their runs."""

from uuid import UUID

import msgspec

from skipcall.api_keys.model import Caller
from skipcall.errors import NotFound, PreconditionFailed
from skipcall.http.conditional import answer_versioned, etag
from skipcall.http.request import Answer, Request
from skipcall.http.routing import canonical_uuid, operation
from skipcall.page import Page, Place, decode_cursor, encode_cursor, make_page, make_page_of_ids
from skipcall.sequences import actions, contacts, queries, runs
from skipcall.sequences.model import (
    AddedContacts,
    AddSequenceContacts,
    CreateSequence,
    CreateSequenceQuery,
    ListSequenceContacts,
    ListSequenceRuns,
    ListSequences,
    RemoveSequenceContacts,
    Sequence,
    SequenceContact,
    SequenceRun,
    UpdateSequence,
)

_SEQUENCES, _CONTACTS, _RUNS = "s", "q", "r"

encode = msgspec.json.Encoder().encode


@operation("GET", "/v1/sequences", tag="Sequences", scope="sequences:read", answers=Page[Sequence])
async def list_sequences(request: Request, query: ListSequences) -> Answer:
    """List sequences.

    Newest first, over all workspaces in the key's scope.
    """
    caller: Caller = request.caller
    found, total = await queries.list_sequences(
        request.database,
        query.narrow(caller.scope.workspace_ids),
        before=query.before(_SEQUENCES),
        limit=query.size + 1,
        offset=query.offset,
    )
    return Answer(encode(make_page_of_ids(query, _SEQUENCES, found, total)))


@operation(
    "POST",
    "/v1/sequences",
    tag="Sequences",
    scope="sequences:write",
    answers=Sequence,
    noun="Workspace",
    success=201,
    statuses=(404,),
    headers=("ETag",),
)
async def create_sequence(request: Request, body: CreateSequence, query: CreateSequenceQuery) -> Answer:
    """Create a sequence.

    In the workspace given by `workspaceId`, or in the key's default workspace. It is `ACTIVE` from the beginning. `creatorId`
    and `assignedToIds` are `organizationMembershipId`s of `/v1/users`.
    """
    caller: Caller = request.caller
    workspace_id = canonical_uuid(query.workspace_id) if query.workspace_id else caller.default_workspace_id
    if workspace_id is None:
        raise NotFound("Workspace")
    written = await actions.create_sequence(request.database, caller, workspace_id, body, request_id=request.id)
    content = encode(written.sequence)
    location = ("location", f"/v1/sequences/{written.sequence.id}")
    return Answer(content, 201, (location, ("etag", etag(written.sequence.id, written.version, content))))


@operation(
    "GET",
    "/v1/sequences/{id}",
    tag="Sequences",
    scope="sequences:read",
    answers=Sequence,
    noun="Sequence",
    conditional=True,
)
async def get_sequence(request: Request, id: UUID) -> Answer:
    """Get a sequence.

    Answers 404 for a sequence in a workspace outside the scope of the API key, as for one that does not exist.
    """
    sequence, version = await _get(request, id)
    return answer_versioned(request, sequence.id, version, encode(sequence))


@operation(
    "PATCH",
    "/v1/sequences/{id}",
    tag="Sequences",
    scope="sequences:write",
    answers=Sequence,
    noun="Sequence",
    conditional=True,
)
async def update_sequence(request: Request, id: UUID, body: UpdateSequence) -> Answer:
    """Update a sequence.

    Changes only what is given. `assignedToIds` replaces all assignees; contacts that have one already keep theirs.
    """
    caller: Caller = request.caller
    written = await actions.update_sequence(
        request.database, caller, id, body, versions=request.versions, request_id=request.id
    )
    if written.stale:
        await _refuse_stale(request, id)
    return answer_versioned(request, written.sequence.id, written.version, encode(written.sequence))


@operation(
    "DELETE",
    "/v1/sequences/{id}",
    tag="Sequences",
    scope="sequences:write",
    noun="Sequence",
    success=204,
    conditional=True,
)
async def delete_sequence(request: Request, id: UUID) -> Answer:
    """Delete a sequence.

    From then on it is in no list and answers 404. Its contacts and calls stay.
    """
    caller: Caller = request.caller
    deleted = await queries.delete_sequence(
        request.database,
        caller.scope.workspace_ids,
        id,
        versions=request.versions,
        source="API",
        api_key_id=caller.api_key_id,
        request_id=request.id,
    )
    if not deleted:
        await _refuse_stale(request, id)
    return Answer(b"", 204)


@operation(
    "GET",
    "/v1/sequences/{id}/contacts",
    tag="Sequences",
    scope="sequences:read",
    answers=Page[SequenceContact],
    noun="Sequence",
)
async def list_sequence_contacts(request: Request, id: UUID, query: ListSequenceContacts) -> Answer:
    """List contacts of a sequence.

    Each with its tags and its calls within the sequence, in the order in which the contacts were created. A page costs the
    same in a sequence of any length; with `status` or `tagLabel` it costs more in one with many calls.
    """
    caller: Caller = request.caller
    answered = await contacts.list_sequence_contacts(
        request.database,
        query.narrow(caller.scope.workspace_ids),
        id,
        assignee=query.assigned_to_workspace_membership_id,
        status=query.status,
        tag_label=query.tag_label,
        after=query.after(_CONTACTS),
        limit=query.size + 1,
        offset=query.offset,
    )
    if answered is None:
        raise NotFound("Sequence")
    found, total = answered
    cursor = (
        encode_cursor(_CONTACTS, Place(UUID(found[query.size - 1].contact_id))) if len(found) > query.size else None
    )
    return Answer(encode(make_page(query, found, total, cursor)))


@operation(
    "POST",
    "/v1/sequences/{id}/contacts",
    tag="Sequences",
    scope="sequences:write",
    answers=AddedContacts,
    noun="Sequence",
)
async def add_sequence_contacts(request: Request, id: UUID, body: AddSequenceContacts) -> Answer:
    """Add contacts to a sequence.

    A contact without `assignedToWorkspaceMembershipId` goes to the assignee with the fewest contacts of the sequence, in turn.
    May be repeated: contacts that are in the sequence already, that stand twice in the body or that are none in the key's
    scope are passed over. Contacts that had been removed come back with the assignee they had.
    """
    answer = await actions.add_sequence_contacts(request.database, request.caller, id, body)
    return Answer(encode(answer))


@operation(
    "DELETE",
    "/v1/sequences/{id}/contacts",
    tag="Sequences",
    scope="sequences:write",
    noun="Sequence",
    success=204,
)
async def remove_sequence_contacts(request: Request, id: UUID, body: RemoveSequenceContacts) -> Answer:
    """Remove contacts from a sequence.

    The body is an array of ids of contacts; those that are not in the sequence are passed over. Their calls stay.
    """
    caller: Caller = request.caller
    if not await contacts.remove_contacts(request.database, caller.scope.workspace_ids, id, body):
        raise NotFound("Sequence")
    return Answer(b"", 204)


@operation(
    "GET",
    "/v1/sequences/{id}/runs",
    tag="Sequences",
    scope="sequences:read",
    answers=Page[SequenceRun],
    noun="Sequence",
)
async def list_sequence_runs(request: Request, id: UUID, query: ListSequenceRuns) -> Answer:
    """List runs of a sequence.

    The sessions in which users called its contacts, newest first. A run begins with the first call that names it.
    """
    caller: Caller = request.caller
    answered = await runs.list_sequence_runs(
        request.database,
        query.narrow(caller.scope.workspace_ids),
        id,
        before=decode_cursor(query.cursor, _RUNS) if query.cursor else None,
        limit=query.size + 1,
        offset=query.offset,
    )
    if answered is None:
        raise NotFound("Sequence")
    found, places, total = answered
    cursor = encode_cursor(_RUNS, places[query.size - 1]) if len(found) > query.size else None
    return Answer(encode(make_page(query, found, total, cursor)))


async def _get(request: Request, id: UUID) -> tuple[Sequence, int]:
    caller: Caller = request.caller
    found = await queries.find_sequence(request.database, caller.scope.workspace_ids, id)
    if found is None:
        raise NotFound("Sequence")
    return found


async def _refuse_stale(request: Request, id: UUID) -> None:
    """Raise `PreconditionFailed` with the tag of the sequence as it is now, or `NotFound`."""
    sequence, version = await _get(request, id)
    raise PreconditionFailed(etag(sequence.id, version, encode(sequence)))
