"""Objects as files in a folder."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, cast

from skipcall.storage.model import READ_BYTES, ObjectMissing, StorageUnavailable, Stored

LIST_BATCH = 1_000
_FOLDER_MODE, _FILE_MODE = 0o700, 0o600


class Folder:
    """A storage in a folder, which is made when the first object comes; only its owner may look into it.

    Plain files, and not the `LocalStore` of obstore: that one never syncs to the disk, and its listing hides what a
    killed process left half-written.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    async def put(self, key: str, chunks: AsyncIterator[bytes], content_type: str) -> None:  # noqa: ARG002 - not kept
        path = self.path(key)
        with _refusing():
            file = await asyncio.to_thread(_create, self._root, path)
        try:
            with file:
                async for chunk in chunks:
                    with _refusing():
                        await asyncio.to_thread(file.write, chunk)
                with _refusing():
                    await asyncio.to_thread(_flush, file)
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    async def move(self, key: str, new_key: str) -> None:
        with _refusing():
            await asyncio.to_thread(_move, self._root, self.path(key), self.path(new_key))

    async def size(self, key: str) -> int | None:
        try:
            with _refusing():
                return self.path(key).stat().st_size
        except ObjectMissing:
            return None

    async def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        with _refusing():
            file = await asyncio.to_thread(self.path(key).open, "rb")
        with file:
            file.seek(start)
            while start < end:
                with _refusing():
                    piece = await asyncio.to_thread(file.read, min(READ_BYTES, end - start))
                if not piece:
                    return
                start += len(piece)
                yield piece

    async def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            with _refusing():
                await asyncio.to_thread(self.path(key).unlink, missing_ok=True)

    async def list(self, prefix: str) -> AsyncIterator[list[Stored]]:
        with _refusing():
            found = sorted(await asyncio.to_thread(lambda: [*_files(self._root / prefix)]))
        for first in range(0, len(found), LIST_BATCH):
            batch = []
            for path in found[first : first + LIST_BATCH]:
                with contextlib.suppress(ObjectMissing), _refusing():
                    status = path.stat()
                    moment = datetime.fromtimestamp(status.st_mtime, UTC)
                    batch.append(Stored(str(path.relative_to(self._root)), status.st_size, moment))
            yield batch

    def path(self, key: str) -> Path:
        return self._root / key

    async def sign(self, key: str, seconds: int) -> str | None:  # noqa: ARG002 - a folder has no address
        return None


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """Turn what the system says into what a storage raises."""
    try:
        yield
    except FileNotFoundError as missing:
        raise ObjectMissing from missing
    except OSError as failure:
        raise StorageUnavailable from failure


def _create(root: Path, path: Path) -> BinaryIO:
    """Open a new file for writing, for nobody else."""
    _make_folders(root, path.parent)
    return cast("BinaryIO", os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE), "wb"))


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _move(root: Path, path: Path, new_path: Path) -> None:
    _make_folders(root, new_path.parent)
    path.rename(new_path)
    _sync(new_path.parent)


def _make_folders(root: Path, folder: Path) -> None:
    """Make a folder and those above it up to the root; each is on the disk before a file is in it."""
    if folder.is_dir():
        return
    if folder == root:
        folder.parent.mkdir(parents=True, exist_ok=True)
    else:
        _make_folders(root, folder.parent)
    folder.mkdir(_FOLDER_MODE, exist_ok=True)
    _sync(folder.parent)


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _files(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        yield from (Path(place, name) for name in names)
