"""A process that stores a recording and is killed right after one of its steps: killed.py URL FOLDER WORKSPACE CALL STEP."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

from skipcall.postgres.db import Database
from skipcall.recordings.actions import Archive, Author, store_recording
from tests.deadly import Deadly, die
from tests.recordings.sounds import wav


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
