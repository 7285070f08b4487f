"""A worker that is killed after so many statements of an import: killed.py URL FOLDER STATEMENTS."""

import asyncio
import sys
from pathlib import Path

from skipcall.imports import running, undoing
from skipcall.postgres.db import Database
from skipcall.storage.folder import Folder
from tests.deadly import die_after
from tests.serving import SECRET

BATCH_ROWS = 10


async def main() -> None:
    url, folder, statements = sys.argv[1:]
    database = Database(url, 2)
    await database.open()
    running.BATCH_ROWS = undoing.EVENTS_AT_ONCE = BATCH_ROWS
    die_after(int(statements))
    await running.Importer(database, Folder(Path(folder)), SECRET.encode()).step()


asyncio.run(main())
