"""What can be done to a recording: keep audio, erase it; and the sweep that holds rows and objects together.

Audio goes to `pending/` first, then to its place, then the row is written: at whichever step a process ends, what was
answered is kept, and the sweep removes the rest.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from skipcall.calls.actions import missing
from skipcall.contacts.model import Source
from skipcall.errors import PreconditionFailed, Refusal
from skipcall.http.problems import BodyTimeout
from skipcall.postgres.db import Session
from skipcall.recordings import queries
from skipcall.recordings.audio import Reader
from skipcall.recordings.model import MEDIA_TYPES, DigestMismatch, Found, Stored
from skipcall.settings import IMPORT_BYTES_MAX
from skipcall.storage.model import ORPHAN_AGE, PENDING, Storage, remove_objects, remove_orphans

STORE_SECONDS_MAX = 3_600.0  # for one recording, however slowly it comes
LOST_MAX = 100  # more missing objects than these are rather a wrong storage than lost recordings
KEYS_MAX = 1_000  # of rows read at once
RECORDINGS = "recordings"
LOST_REASON = "the storage does not have it any more"

log = logging.getLogger("skipcall.recordings")

Precondition = Callable[[Found | None], bool]


class Archive(msgspec.Struct, frozen=True):
    """What a server process keeps files with. `secret` signs addresses; `public_url` is what they start with."""

    storage: Storage
    bytes_max: int
    secret: bytes
    public_url: str | None
    import_bytes_max: int = IMPORT_BYTES_MAX


class Author(msgspec.Struct, frozen=True):
    """Who stores or erases, for the event."""

    source: Source = "SKIPCALL"
    api_key_id: UUID | None = None
    request_id: str | None = None


class Swept(msgspec.Struct, frozen=True):
    """What a sweep did: removed objects that no row names, and marked rows whose object is gone."""

    removed: int
    lost: int


async def store_recording(
    db: Session,
    archive: Archive,
    workspace_ids: Sequence[UUID],
    call_id: UUID,
    recording_id: UUID | None,
    chunks: AsyncIterator[bytes],
    *,
    author: Author,
    digest: bytes | None = None,
    accepts: Precondition | None = None,
) -> Stored | None:
    """Keep audio as a recording, or without an id as the uploaded audio of the call.

    `digest` is the SHA-256 that it must have; `accepts` is asked about what the call shows now, right before the write.
    Returns None if the recording does not take audio: it was stored, erased or found absent meanwhile. Raises `NotAudio`,
    `PayloadTooLarge`, `DigestMismatch`, `NotFound`, `PreconditionFailed`, `StorageUnavailable`, and what `chunks` raises; then
    nothing is left.
    """
    reader = Reader(archive.bytes_max)
    name = secrets.token_hex(16)
    pending, key = f"{PENDING}/{name}", f"{RECORDINGS}/{name[:2]}/{name}"
    try:
        async with asyncio.timeout(STORE_SECONDS_MAX):
            await _put(archive.storage, pending, reader, chunks)
    except TimeoutError:
        raise BodyTimeout(f"The audio did not arrive within {STORE_SECONDS_MAX:.0f} seconds") from None
    intake = reader.intake
    if digest is not None and digest != intake.sha256:
        await remove_objects(archive.storage, [pending])
        raise DigestMismatch
    await archive.storage.move(pending, key)
    refusal: Refusal | None = None
    stored: Stored | None = None
    # Should the way to the database be lost at the end, nobody knows whether the row was written: the object then stays,
    # and the sweep decides.
    async with db.begin() as session:
        workspace_id = await queries.lock_call(session, workspace_ids, call_id)
        if workspace_id is None:
            refusal = await missing(session, workspace_ids, call_id)
        elif accepts is not None:
            (shown, *_) = await queries.find_recordings(session, workspace_ids, call_id)
            if not accepts(shown if shown.object_key else None):
                refusal = PreconditionFailed(shown.etag if shown.object_key else "")
        if workspace_id is not None and refusal is None:
            stored = await queries.store_recording(
                session,
                workspace_id,
                call_id,
                recording_id,
                intake,
                key,
                source=author.source,
                api_key_id=author.api_key_id,
                request_id=author.request_id,
            )
    if stored is None:
        await remove_objects(archive.storage, [key])
    if refusal is not None:
        raise refusal
    return stored


async def _put(storage: Storage, key: str, reader: Reader, chunks: AsyncIterator[bytes]) -> None:
    """Put what passes a reader; its format must be known before."""
    watched = reader.watch(chunks)
    head: list[bytes] = []
    while reader.format is None:  # raises NotAudio at the end
        head.append(await anext(watched))

    async def whole() -> AsyncIterator[bytes]:
        for chunk in head:
            yield chunk
        async for chunk in watched:
            yield chunk

    await storage.put(key, whole(), MEDIA_TYPES[reader.format])


async def erase_recordings(
    db: Session, archive: Archive, workspace_ids: Sequence[UUID], call_id: UUID, *, author: Author
) -> None:
    """Erase every recording of a call; doing so again changes nothing. Raises `NotFound` for no such call."""
    async with db.begin() as session:
        workspace_id = await queries.lock_call(session, workspace_ids, call_id)
        if workspace_id is None:
            raise await missing(session, workspace_ids, call_id)
        keys = await queries.erase_recordings(
            session,
            workspace_id,
            call_id,
            source=author.source,
            api_key_id=author.api_key_id,
            request_id=author.request_id,
        )
    await remove_objects(archive.storage, keys)


async def sweep(db: Session, storage: Storage, now: datetime) -> Swept:
    """Remove objects that no row names and that are older than a day; mark rows whose object is gone as failed.

    If many are gone, the storage is probably another one than it was: then no row is changed, and the log says so.
    """
    removed = await remove_orphans(storage, PENDING, lambda _: False, now)
    lost: list[str] = []
    for shard in range(256):
        prefix = f"{RECORDINGS}/{shard:02x}"
        after, end = f"{prefix}/", f"{prefix}/~"
        async for batch in storage.list(prefix):
            if not batch:
                continue
            named, until = await _names(db, after, batch[-1].key), batch[-1].key
            objects = {one.key: one.modified_at for one in batch}
            removed += await _remove_old(storage, {key: objects[key] for key in objects.keys() - named}, now)
            lost += await _lost(storage, named - objects.keys(), len(lost))
            after = until
        lost += await _lost(storage, await _names(db, after, end), len(lost))
    if len(lost) > LOST_MAX:
        log.error("more recordings are missing than can be lost: is this the right storage?", extra={"fields": {}})
        return Swept(removed, 0)
    for key in lost:
        log.warning("the object of a recording is gone", extra={"fields": {"objectKey": key}})
        await queries.fail_lost_recording(db, key, reason=LOST_REASON)
    return Swept(removed, len(lost))


async def _remove_old(storage: Storage, moments: dict[str, datetime], now: datetime) -> int:
    old = [key for key, moment in moments.items() if now - moment > ORPHAN_AGE]
    await storage.delete(old)
    return len(old)


async def _names(db: Session, after: str, until: str) -> set[str]:
    """Return the keys that rows name after one key and up to another."""
    found: set[str] = set()
    while keys := await queries.list_object_keys(db, after=after, until=until, limit=KEYS_MAX):
        found.update(keys)
        after = keys[-1]
    return found


async def _lost(storage: Storage, keys: set[str], known: int) -> list[str]:
    """Return those of some keys that really have no object: it may have come after the listing."""
    wanted = sorted(keys)[: max(0, LOST_MAX + 1 - known)]
    return [key for key in wanted if await storage.size(key) is None]
