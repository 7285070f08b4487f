"""What a storage can do, whichever it is."""

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import msgspec

from skipcall.errors import Unavailable

READ_BYTES = 1 << 18  # of one piece; a reader holds two or three
PENDING = "pending"  # where objects are until they are whole; the sweep removes what stays there
ORPHAN_AGE = timedelta(hours=24)  # nothing is on its way for so long


class StorageUnavailable(Unavailable):
    """The storage does not answer, refuses, or is full. What exactly, only the log tells."""

    def __init__(self) -> None:
        super().__init__("The storage of recordings does not answer; try again", retry_after_seconds=5)


class ObjectMissing(Exception):
    """There is no object of this key."""


class Stored(msgspec.Struct, frozen=True):
    """An object as a listing shows it."""

    key: str
    size: int
    modified_at: datetime


class Storage(Protocol):
    """Objects by key: `/` between its parts, which are letters, digits, `-` and `_`.

    Every operation raises `StorageUnavailable` if the storage cannot do it now.
    """

    async def put(self, key: str, chunks: AsyncIterator[bytes], content_type: str) -> None:
        """Keep what an iterator yields; nothing is left of it if the iterator raises."""

    async def move(self, key: str, new_key: str) -> None:
        """Give an object another key, for good: it is there after a loss of power. Raises `ObjectMissing`."""

    async def size(self, key: str) -> int | None:
        """Return the bytes of an object, None if there is none."""

    def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield the bytes from `start` to before `end`, at most `READ_BYTES` at a time. Raises `ObjectMissing`."""

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; those that are not there are no fault."""

    def list(self, prefix: str) -> AsyncIterator[list[Stored]]:
        """Yield the objects below a prefix, in the order of their keys, in batches of bounded size."""

    def path(self, key: str) -> Path | None:
        """Return the file that an object is, None if it is none."""

    async def sign(self, key: str, seconds: int) -> str | None:
        """Return an address at which anybody may read the object for some time, None if there cannot be one."""


async def remove_objects(storage: Storage, keys: Sequence[str]) -> None:
    """Remove objects that no row names any more. If that fails, a sweep does it."""
    with contextlib.suppress(StorageUnavailable):
        await storage.delete(keys)


async def remove_orphans(storage: Storage, prefix: str, is_named: Callable[[str], bool], now: datetime) -> int:
    """Remove the objects below a prefix that no row names and that are old; return how many."""
    removed = 0
    async for batch in storage.list(prefix):
        orphans = [one.key for one in batch if now - one.modified_at > ORPHAN_AGE and not is_named(one.key)]
        await storage.delete(orphans)
        removed += len(orphans)
    return removed
