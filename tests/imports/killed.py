"""A worker that is killed after so many statements of an import: killed.py URL STATEMENTS [LEASE_SECONDS], with the settings of its storage."""

import asyncio
import os
import sys

from skipcall.imports import running, undoing
from skipcall.postgres import leases
from skipcall.postgres.db import Database
from skipcall.settings import load
from skipcall.storage.choice import open_storage
from tests.deadly import die_after
from tests.serving import SECRET

BATCH_ROWS = 10


async def main() -> None:
    url, statements, *lease = sys.argv[1:]
    leases.LEASE_SECONDS = float(*lease) or leases.LEASE_SECONDS
    database = Database(url, 2)
    await database.open()
    running.BATCH_ROWS = undoing.EVENTS_AT_ONCE = BATCH_ROWS
    die_after(int(statements))
    await running.Importer(database, open_storage(load(os.environ)), SECRET.encode()).step()


asyncio.run(main())
