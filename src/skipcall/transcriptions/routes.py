"""Operations on the transcription of a call."""

from uuid import UUID

import msgspec

from skipcall.api_keys.model import Caller
from skipcall.calls.actions import missing
from skipcall.errors import Fault, Invalid, NotFound, PreconditionFailed
from skipcall.http.conditional import answer_versioned, etag
from skipcall.http.request import Answer, Request
from skipcall.http.routing import operation
from skipcall.recordings.queries import lock_call
from skipcall.transcriptions import queries
from skipcall.transcriptions.model import BODY_BYTES_MAX, PutTranscription, Transcription

encode = msgspec.json.Encoder().encode


@operation(
    "GET",
    "/v1/calls/{id}/transcription",
    tag="Calls",
    scope="transcriptions:read",
    answers=Transcription,
    noun="Call",
    conditional=True,
)
async def get_transcription(request: Request, id: UUID) -> Answer:
    """Get a call's transcription.

    Who said what and when, in seconds from the start of the recording, and a summary. 404 if the call has none.
    """
    caller: Caller = request.caller
    found = await queries.find_transcription(request.database, caller.scope.workspace_ids, id)
    if found is None:
        raise NotFound("Call")
    transcription, version = found
    if transcription is None:
        raise NotFound("Transcription")
    return answer_versioned(request, str(id), version, encode(transcription))


@operation(
    "PUT",
    "/v1/calls/{id}/transcription",
    tag="Calls",
    scope="transcriptions:write",
    answers=Transcription,
    noun="Call",
    statuses=(410,),
    conditional=True,
    body_bytes_max=BODY_BYTES_MAX,
)
async def put_transcription(request: Request, id: UUID, body: PutTranscription) -> Answer:
    """Write a call's transcription.

    One that was made elsewhere, whole: it takes the place of the one that is there. Sent again, it changes nothing.
    """
    caller: Caller = request.caller
    scope = caller.scope.workspace_ids
    if body.status == "COMPLETED" and body.transcript is None and body.summary is None:
        raise Invalid([Fault("/transcript", "REQUIRED", "What is COMPLETED has a transcript or a summary")])
    must_exist = "if-match" in request.scope.headers
    async with request.database.begin() as session:
        workspace_id = await lock_call(session, scope, id)
        if workspace_id is None:
            raise await missing(session, scope, id)
        is_written = await queries.put_transcription(
            session,
            workspace_id,
            id,
            status=body.status,
            transcript=None if body.transcript is None else encode(body.transcript).decode(),
            summary=body.summary,
            language=body.language,
            versions=request.versions,
            must_exist=must_exist,
            source="API",
            api_key_id=caller.api_key_id,
            request_id=request.id,
        )
        found = await queries.find_transcription(session, scope, id)
    assert found is not None  # the call was locked
    transcription, version = found
    if transcription is None:
        raise PreconditionFailed("")
    content = encode(transcription)
    if not is_written and request.versions is not None and version not in request.versions:
        raise PreconditionFailed(etag(str(id), version, content))
    return answer_versioned(request, str(id), version, content)
