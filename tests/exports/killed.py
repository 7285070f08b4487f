"""A worker that makes an export and is killed right after one of its steps: killed.py URL FOLDER STEP."""

import asyncio
import sys
from pathlib import Path

from skipcall.exports.actions import Exporter
from skipcall.postgres.db import Database
from tests.deadly import Deadly


async def main() -> None:
    url, folder, step = sys.argv[1:]
    database = Database(url, 2)
    await database.open()
    await Exporter(database, Deadly(Path(folder), step)).step()


asyncio.run(main())
