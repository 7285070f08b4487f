"""One server for one database: a lock in the database itself, held by a connection of this process.

Behind a transaction pooler a session's lock means nothing, because the next statement may run in another session.
"""

import asyncio
import contextlib
import logging
import threading

from skipcall.errors import Unavailable
from skipcall.postgres.db import DatabaseRefusal, Session, Statement, connect

LOOK_SECONDS = 2.0
_KEY = 5_247_002  # any number that nothing else locks
_TRY_LOCK = Statement("SELECT pg_try_advisory_lock(:key)")

log = logging.getLogger("skipcall.postgres")


def take_serve_lock(url: str) -> bool:
    """Take the lock until this process ends; return False when another server has it. Raises `Unavailable`.

    A thread takes it again whenever its connection was lost.
    """
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="serve-lock", daemon=True).start()
    session = asyncio.run_coroutine_threadsafe(_lock(url), loop).result()
    if session is None:
        return False
    asyncio.run_coroutine_threadsafe(_keep(url, session), loop)
    return True


async def _lock(url: str) -> Session | None:
    session = await connect(url)
    if await session.fetch_value(_TRY_LOCK, key=_KEY):
        return session
    session.connection.terminate()
    return None


async def _keep(url: str, session: Session) -> None:
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if not session.connection.is_closed():
            continue
        with contextlib.suppress(Unavailable, DatabaseRefusal):  # a database that is away: next time
            again = await _lock(url)
            if again is None:
                log.error("another server uses this database: the rate limit is not exact; stop one of them")
            else:
                session = again
