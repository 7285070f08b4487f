"""Operations on the recording of a call."""

import base64
import binascii
import re
import time
from uuid import UUID

import msgspec

from skipcall.api_keys.model import Caller
from skipcall.errors import Fault, Invalid, NotFound, PreconditionFailed
from skipcall.http.bodies import stream_body
from skipcall.http.objects import NOT_STORED, PART, SHOWN, answer_object
from skipcall.http.request import Answer, Request
from skipcall.http.routing import canonical_uuid, operation
from skipcall.recordings import actions, queries
from skipcall.recordings.actions import Archive, Author, Precondition
from skipcall.recordings.links import PATH, SECONDS_MAX, read_link, sign_link
from skipcall.recordings.model import (
    MEDIA_TYPES,
    AudioView,
    Found,
    Recording,
    RecordingFailed,
    RecordingView,
    recording_of,
)
from skipcall.settings import RECORDING_BYTES_MAX
from skipcall.storage.model import ObjectMissing

_TYPES = tuple(MEDIA_TYPES.values())
# A digest field (RFC 9530) holds a dictionary; of it only this member is looked at.
_SHA256 = re.compile(r"(?:^|,)\s*sha-256\s*=\s*:([A-Za-z0-9+/=]*):")
_DIGEST_FIELDS = ("repr-digest", "content-digest")
_STRONG_TAG = re.compile(r'(?<!W/)"[!#-~]*"')

encode = msgspec.json.Encoder().encode


@operation(
    "GET",
    "/v1/calls/{id}/recording",
    tag="Calls",
    scope="recordings:read",
    answers=Recording,
    noun="Call",
    statuses=(409, 410),
)
async def get_recording(request: Request, id: UUID, query: RecordingView) -> Answer:
    """Get a call's recording.

    Of several, the one that was uploaded, or else the longest. The refusals tell apart what cannot be heard: 404 `NOT_FOUND`
    if the call was not recorded, `RECORDING_ABSENT` or `RECORDING_FAILED` if there is none and why, 409
    `RECORDING_PROCESSING` if it is not here yet, 410 `RECORDING_ERASED`.
    """
    every = await _find(request, id)
    one = _pick(every, query.recording_id)
    return Answer(encode(recording_of(one, every if query.include else None)))


@operation(
    "GET",
    "/v1/calls/{id}/recording/audio",
    tag="Calls",
    scope="recordings:read",
    noun="Call",
    statuses=(409, 410, 416),
    headers=SHOWN,
    conditional=True,
    answer_types=_TYPES,
    other_successes={206: PART, 302: "With `redirect=true`: `Location` is an address that needs no API key"},
)
async def get_recording_audio(request: Request, id: UUID, query: AudioView) -> Answer:
    """Get the audio of a call's recording.

    One address for as long as the recording exists. Takes `Range`, so that players can seek, and HEAD. With
    `redirect=true` it answers an address that is good for 15 minutes and needs no API key, to hand to a player. What cannot
    be heard is refused as by the recording itself.
    """
    one = _pick(await _find(request, id), query.recording_id)
    if not query.redirect:
        return await _answer_audio(request, one)
    return Answer(b"", 302, (("location", await _address(request.archive, one)), NOT_STORED), "text/plain")


@operation(
    "GET",
    PATH + "{token}",
    tag="Calls",
    scope=None,
    noun="Recording",
    statuses=(410, 416),
    headers=SHOWN,
    conditional=True,
    answer_types=_TYPES,
    other_successes={206: PART},
)
async def get_linked_audio(request: Request, token: str) -> Answer:
    """Get audio by a signed address.

    What `redirect=true` leads to where recordings are kept by the server itself. The address is good for 15 minutes,
    after which this answers 410 `RECORDING_LINK_EXPIRED`.
    """
    archive: Archive = request.archive
    ids = read_link(archive.secret, token, time.time())
    one = await queries.find_recording(request.database, *ids) if ids else None
    if one is None:
        raise NotFound("Recording")
    _check(one)
    return await _answer_audio(request, one)


@operation(
    "PUT",
    "/v1/calls/{id}/recording/audio",
    tag="Calls",
    scope="recordings:write",
    answers=Recording,
    noun="Call",
    success=201,
    statuses=(410,),
    conditional=True,
    body_types=_TYPES,
    body_bytes_max=RECORDING_BYTES_MAX,
    other_successes={200: "The audio took the place of what was uploaded before"},
)
async def put_recording_audio(request: Request, id: UUID) -> Answer:
    """Upload the audio of a call.

    WAV, MP3, OGG or M4A, told by its first bytes; 415 for anything else. Sent again, it takes the place of what was uploaded
    before; recordings of a provider stay beside it. With a `Repr-Digest` or `Content-Digest` (RFC 9530) that holds a SHA-256,
    only those very bytes are taken. An upload that breaks off leaves nothing.
    """
    caller: Caller = request.caller
    archive: Archive = request.archive
    digest = _digest_in(request)
    accepts = _precondition(request)
    shown = (await _find(request, id))[0]
    if accepts is not None and not accepts(shown if shown.object_key else None):
        raise PreconditionFailed(shown.etag if shown.object_key else "")
    stored = await actions.store_recording(
        request.database,
        archive,
        caller.scope.workspace_ids,
        id,
        None,
        stream_body(request, archive.bytes_max),
        author=_author(request),
        digest=digest,
        accepts=accepts,
    )
    assert stored is not None  # uploaded audio is always taken
    one = next(one for one in await _find(request, id) if one.id == stored.recording_id)
    headers: tuple[tuple[str, str], ...] = (("location", f"/v1/calls/{id}/recording/audio"),)
    if one.object_key:  # unless it was erased in this very moment
        headers = (*headers, ("etag", one.etag))
    return Answer(encode(recording_of(one, None)), 200 if stored.was_there else 201, headers)


@operation(
    "DELETE",
    "/v1/calls/{id}/recording",
    tag="Calls",
    scope="recordings:write",
    noun="Call",
    success=204,
    statuses=(410,),
)
async def delete_recording(request: Request, id: UUID) -> Answer:
    """Erase a call's recording.

    All of its recordings, for good; the call stays, and so does its transcription. From then on the recording answers 410
    `RECORDING_ERASED`.
    """
    caller: Caller = request.caller
    await actions.erase_recordings(
        request.database, request.archive, caller.scope.workspace_ids, id, author=_author(request)
    )
    return Answer(b"", 204)


async def _find(request: Request, id: UUID) -> list[Found]:
    """Return the recordings of a call, or one without an id. Raises `NotFound`."""
    caller: Caller = request.caller
    found = await queries.find_recordings(request.database, caller.scope.workspace_ids, id)
    if not found:
        raise NotFound("Call")
    return found


def _pick(every: list[Found], recording_id: str | None) -> Found:
    """Return the recording that is asked for. Raises what tells why it cannot be heard."""
    one: Found | None = every[0]
    if recording_id is not None:
        wanted = canonical_uuid(recording_id)
        one = next((one for one in every if one.id == wanted), None) if wanted else None
    if one is None:
        raise NotFound("Recording")
    _check(one)
    return one


def _check(one: Found) -> None:
    refusal = one.refusal()
    if refusal is not None:
        raise refusal


def _author(request: Request) -> Author:
    caller: Caller = request.caller
    return Author("API", caller.api_key_id, request.id)


async def _address(archive: Archive, one: Found) -> str:
    """Return an address that opens the audio for some minutes."""
    assert one.id is not None
    assert one.object_key is not None
    signed = await archive.storage.sign(one.object_key, SECONDS_MAX)
    if signed is not None:
        return signed
    expires_at = int(time.time()) + SECONDS_MAX
    token = sign_link(archive.secret, one.workspace_id, one.call_id, one.id, expires_at)
    return f"{archive.public_url or ''}{PATH}{token}"


async def _answer_audio(request: Request, one: Found) -> Answer:
    """Return the audio, or the part of it that is asked for."""
    assert one.object_key is not None
    assert one.format is not None
    assert one.sha256 is not None
    assert one.size_bytes is not None
    try:
        return await answer_object(
            request,
            request.archive.storage,
            one.object_key,
            size=one.size_bytes,
            sha256=one.sha256,
            etag=one.etag,
            disposition=f'inline; filename="call-{one.call_id}.{one.format}"',
            media_type=MEDIA_TYPES[one.format],
        )
    except ObjectMissing:
        raise RecordingFailed(actions.LOST_REASON) from None


def _digest_in(request: Request) -> bytes | None:
    """Return the SHA-256 that the headers state, None if they state none. Raises `Invalid` for one that is none."""
    headers = request.scope.headers
    found: set[bytes] = set()
    for name in _DIGEST_FIELDS:
        for text in _SHA256.findall(", ".join(headers.get_all(name))):
            try:
                digest = base64.b64decode(text, validate=True)
            except binascii.Error:
                digest = b""
            if len(digest) != 32:  # noqa: PLR2004 - bytes of a SHA-256
                pointer = "/header/Repr-Digest" if name == "repr-digest" else "/header/Content-Digest"
                raise Invalid([Fault(pointer, "INVALID_FORMAT", "Must be sha-256=:…: with the digest in base64")])
            found.add(digest)
    if len(found) > 1:
        raise Invalid([Fault("/header/Repr-Digest", "DIGEST_MISMATCH", "The digests in the headers differ")])
    return found.pop() if found else None


def _precondition(request: Request) -> Precondition | None:
    """Return what `If-Match` asks of the audio that the call shows, None without one."""
    if "if-match" not in request.scope.headers:
        return None
    text = ", ".join(request.scope.headers.get_all("if-match")).strip()
    tags = _STRONG_TAG.findall(text)
    return lambda shown: shown is not None and (text == "*" or shown.etag in tags)
