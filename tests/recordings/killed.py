"""A process that stores a recording and is killed right after one of its steps: killed.py URL FOLDER WORKSPACE CALL STEP."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

from skipcall.postgres.db import Database
from skipcall.recordings.actions import Archive, Author, store_recording
from skipcall.storage.folder import Folder
from tests.recordings.sounds import wav


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Deadly(Folder):
    """A folder in which one step is the last."""

    def __init__(self, root: Path, step: str) -> None:
        super().__init__(root)
        self.step = step

    async def put(self, key: str, chunks: AsyncIterator[bytes], content_type: str) -> None:
        await super().put(key, self.cut(chunks), content_type)
        if self.step == "pending":
            die()

    async def cut(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for chunk in chunks:
            yield chunk
            if self.step == "writing":
                die()

    async def move(self, key: str, new_key: str) -> None:
        await super().move(key, new_key)
        if self.step == "promoted":
            die()


async def sound() -> AsyncIterator[bytes]:
    content = wav(2)
    yield content[:20_000]
    yield content[20_000:]


async def main() -> None:
    url, folder, workspace, call, step = sys.argv[1:]
    database = Database(url, 1)
    await database.open()
    archive = Archive(Deadly(Path(folder), step), 1_000_000, b"", None)
    await store_recording(database, archive, [UUID(workspace)], UUID(call), None, sound(), author=Author())
    if step == "committed":
        die()
    print("stored", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
