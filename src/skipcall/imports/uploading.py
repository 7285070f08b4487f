"""A file on its way in: streamed to the storage while its beginning is looked at. Nothing of it is held in memory whole."""

import asyncio
import contextlib
import hashlib
import secrets
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import msgspec

from skipcall.custom_fields import queries as custom_fields
from skipcall.errors import Fault, Invalid
from skipcall.http.problems import BodyTimeout
from skipcall.imports import jobs
from skipcall.imports.jobs import KeptFile
from skipcall.imports.model import CreateImport, Import, ImportStatusMismatch, UnusableFile
from skipcall.imports.reading import Reading, inspect
from skipcall.postgres.db import Session
from skipcall.storage.model import PENDING, Storage, remove_objects

IMPORTS = "imports"
HEAD_BYTES = 1 << 20  # that are looked at before the upload is accepted; the worker looks at all
STORE_SECONDS_MAX = 3_600.0


def key_of(id: UUID | str, upload: int | None) -> str:
    """Return where an upload is kept."""
    return f"{IMPORTS}/{id}-{upload}"


def id_in(key: str) -> str:
    """Return the id of the import of which an upload has a key."""
    return key.removeprefix(f"{IMPORTS}/").rpartition("-")[0]


async def remove_uploads(storage: Storage, id: UUID | str, uploads: int) -> None:
    """Remove so many uploads of an import, as far as they are there."""
    await remove_objects(storage, [key_of(id, upload) for upload in range(1, uploads + 1)])


async def store_file(db: Session, storage: Storage, found: Import, chunks: AsyncIterator[bytes]) -> Import:
    """Keep the file of an import and let it be worked on.

    Raises `ImportStatusMismatch`, `Invalid` for a file that cannot be read, `StorageUnavailable`, and what `chunks` raises; then
    nothing of it is left, and another may be sent.
    """
    workspace_id, id = UUID(found.workspace_id), UUID(found.id)
    settings = msgspec.json.decode(found.settings, type=CreateImport)
    upload = await jobs.begin_upload(db, workspace_id, id)
    if upload is None:
        raise await _mismatch(db, workspace_id, id)
    intake = _Intake(chunks)
    pending, key = f"{PENDING}/{secrets.token_hex(16)}", key_of(id, upload)
    try:
        async with asyncio.timeout(STORE_SECONDS_MAX):
            await storage.put(pending, intake.watch(), "application/octet-stream")
        reading = await _inspect(db, workspace_id, settings, bytes(intake.head))
    except TimeoutError:
        raise BodyTimeout(f"The file did not arrive within {STORE_SECONDS_MAX:.0f} seconds") from None
    except Invalid:
        await remove_objects(storage, [pending])
        raise
    await storage.move(pending, key)
    file = KeptFile(
        upload, reading.format, intake.size_bytes, intake.lines + 1, intake.hashed.digest(), reading.columns()
    )
    kept = await jobs.keep_file(db, workspace_id, id, file, check=settings.dry_run)
    if kept is None:
        await remove_objects(storage, [key])
        raise await _mismatch(db, workspace_id, id)
    return kept


class _Intake:
    """What is noted of a file that passes."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self.hashed = hashlib.sha256()
        self.head = bytearray()
        self.size_bytes = self.lines = 0

    async def watch(self) -> AsyncIterator[bytes]:
        async for chunk in self._chunks:
            self.hashed.update(chunk)
            self.size_bytes += len(chunk)
            self.lines += chunk.count(b"\n")
            self.head += chunk[: HEAD_BYTES - len(self.head)]
            yield chunk


async def _inspect(db: Session, workspace_id: UUID, settings: CreateImport, head: bytes) -> Reading:
    definitions = await custom_fields.list_definitions(db, workspace_id)
    if len(head) == HEAD_BYTES and b"\n" in head:
        head = head[: head.rindex(b"\n") + 1]  # no half a character

    def look() -> Reading:
        with tempfile.TemporaryDirectory(prefix="skipcall-") as folder:
            path = Path(folder) / "the file"  # as messages call it
            path.write_bytes(head)
            return inspect(path, settings, definitions)

    try:
        return await asyncio.to_thread(look)
    except UnusableFile as unusable:
        raise Invalid([Fault("", "UNUSABLE_FILE", sentence(unusable))]) from None


def sentence(unusable: UnusableFile) -> str:
    """Return what is wrong with a file as a sentence."""
    text = str(unusable)
    return text[:1].upper() + text[1:]


async def _mismatch(db: Session, workspace_id: UUID, id: UUID) -> ImportStatusMismatch:
    now = await jobs.find_import(db, [workspace_id], id)
    return ImportStatusMismatch(now.status if now else "CANCELED", ["AWAITING_FILE"])


@contextlib.asynccontextmanager
async def local_file(storage: Storage, key: str, size: int) -> AsyncIterator[Path]:
    """Lend a file of the storage as one of this machine. Raises `ObjectMissing`."""
    path = storage.path(key)
    if path is not None:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="skipcall-") as folder:
        path = Path(folder) / "the file"
        with path.open("wb") as file:
            async for piece in storage.read(key, 0, size):
                await asyncio.to_thread(file.write, piece)
        yield path
