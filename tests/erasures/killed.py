"""A process that is killed while it erases: killed.py URL FOLDER STEP [ORGANIZATION WORKSPACE CONTACT].

With a contact it erases that, and dies after so many statements; without, it is a worker that dies right after a step.
"""

import asyncio
import sys
from pathlib import Path
from uuid import UUID

from skipcall.api_keys.model import Caller, KeyUse
from skipcall.erasures.actions import Eraser, erase_contact
from skipcall.plans.model import Subscription
from skipcall.postgres.db import Database
from skipcall.workspaces.model import Scope
from tests.deadly import Deadly, die_after
from tests.serving import SECRET


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
