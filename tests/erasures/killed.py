"""A process that is killed while it erases: killed.py URL FOLDER STEP [ORGANIZATION WORKSPACE CONTACT].

With a contact it erases that, and dies after so many statements; without, it is a worker that dies right after a step.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from skipcall.api_keys.model import Caller, KeyUse
from skipcall.erasures.actions import Eraser, erase_contact
from skipcall.plans.model import Subscription
from skipcall.postgres.db import Database, Row, Session, Statement
from skipcall.workspaces.model import Scope
from tests.deadly import Deadly, die
from tests.serving import SECRET


def die_after(statements: int) -> None:
    left = iter(range(statements))
    fetch_rows, fetch_row = Session.fetch_rows, Session.fetch_row

    async def rows(self: Session, statement: Statement, **values: Any) -> list[Row]:
        found = await fetch_rows(self, statement, **values)
        if next(left, None) is None:
            die()
        return found

    async def row(self: Session, statement: Statement, **values: Any) -> Row | None:
        found = await fetch_row(self, statement, **values)
        if next(left, None) is None:
            die()
        return found

    Session.fetch_rows, Session.fetch_row = rows, row  # type: ignore[method-assign]


async def main() -> None:
    url, folder, step, *ids = sys.argv[1:]
    database = Database(url, 2)
    await database.open()
    if not ids:
        await Eraser(database, Deadly(Path(folder), step)).step()
        return
    organization, workspace, contact = map(UUID, ids)
    caller = Caller(
        api_key_id=UUID(int=0),
        name="Test",
        mode="LIVE",
        scopes=frozenset(),
        scope=Scope(organization, (workspace,)),
        default_workspace_id=workspace,
        expires_at=None,
        subscription=Subscription("EXPERT", "ACTIVE", None, None),
        use=KeyUse(),
    )
    die_after(int(step))
    await erase_contact(database, caller, contact, secret=SECRET.encode(), request_id="req_test")


asyncio.run(main())
