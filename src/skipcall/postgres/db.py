"""Talking to PostgreSQL: statements with named parameters, a pool, transactions.

The only file that knows the driver. Rows come back as tuples-by-name (`Row`); a query builds its own struct.
"""

import asyncio
import contextlib
import logging
import re
from collections import deque
from collections.abc import AsyncGenerator, Hashable, Sequence
from typing import Any

import asyncpg
from asyncpg.connection import Connection

from skipcall.errors import Unavailable

STATEMENT_TIMEOUT_SECONDS = 10.0
CONNECT_TIMEOUT_SECONDS = 5.0
WAIT_FOR_CONNECTION_SECONDS = 1.0
WAITERS_MAX = 1024
PREPARED_STATEMENTS_MAX = 100
# Every statement is planned once for each connection. Left to choose, the server plans `= ANY(:workspace_ids)` anew in
# each call, since it fears ten workspaces where a key has one: planning is then three quarters of a read
# (docs/decisions/0002). `jit` would compile such a plan for longer than it runs.
SESSION_SETTINGS = {"plan_cache_mode": "force_generic_plan", "jit": "off"}
# Where a statement is planned for its values each time (docs/decisions/0011): one process each, and pages mostly in memory.
SEARCH_SETTINGS = {
    "plan_cache_mode": "force_custom_plan",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "random_page_cost": "1.1",
    "work_mem": "32MB",  # for the pages of a million contacts: a bitmap that is too small makes them be looked at one by one
    "cpu_index_tuple_cost": "0.07",  # what GIN really takes for each contact that has frequent trigrams
}

Row = asyncpg.Record
UniqueViolation = asyncpg.UniqueViolationError
DatabaseRefusal = asyncpg.PostgresError  # whatever the server answers instead of a result

log = logging.getLogger("skipcall.postgres")

_PARAMETER = re.compile(r"(?<![:\w]):([a-z][a-z0-9_]*)")
# What the driver raises when the server, or the way to it, is gone. A statement that was refused is not here.
_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
_RETRY = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.QueryCanceledError)


class Statement:
    """SQL with `:name` parameters, rewritten once to the `$1` form that the server reads.

    `names` is the order in which values are sent.
    """

    __slots__ = ("names", "text")

    def __init__(self, text: str) -> None:
        numbers: dict[str, int] = {}

        def number(match: re.Match[str]) -> str:
            return f"${numbers.setdefault(match[1], len(numbers) + 1)}"

        self.text = _PARAMETER.sub(number, text)
        self.names = tuple(numbers)


class Session:
    """One connection, in a transaction or not.

    `known` is for what its users found in the database and will not change; the connections of a pool share it.
    """

    __slots__ = ("connection", "known")

    def __init__(self, connection: "Connection[Row]", known: set[Hashable]) -> None:
        self.connection = connection
        self.known = known

    async def fetch_row(self, statement: Statement, **values: Any) -> Row | None:
        """Run a statement and return its first row, or None."""
        return await self.connection.fetchrow(
            statement.text, *[values[name] for name in statement.names], timeout=STATEMENT_TIMEOUT_SECONDS
        )

    async def fetch_rows(self, statement: Statement, **values: Any) -> list[Row]:
        """Run a statement and return all its rows."""
        return await self.connection.fetch(
            statement.text, *[values[name] for name in statement.names], timeout=STATEMENT_TIMEOUT_SECONDS
        )

    async def fetch_value(self, statement: Statement, **values: Any) -> Any:
        """Run a statement and return the first value of its first row, or None."""
        row = await self.fetch_row(statement, **values)
        return None if row is None else row[0]

    async def execute(self, statement: Statement, **values: Any) -> None:
        """Run a statement for what it does."""
        await self.fetch_rows(statement, **values)

    async def analyze(self, *tables: str) -> None:
        """Let the planner look at tables anew, however long that takes."""
        await self.connection.execute(f"ANALYZE {', '.join(tables)}")

    async def copy_rows(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Append rows to a table by COPY, the fastest way in."""
        await self.connection.copy_records_to_table(table, records=rows, columns=list(columns))

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncGenerator[None]:
        """Commit what the block does, or undo it if it raises."""
        async with self.connection.transaction():
            yield

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncGenerator["Session"]:
        """Lend this connection in a transaction; inside another one the block is a part of that."""
        async with self.transaction():
            yield self


async def connect(url: str) -> Session:
    """Open one connection. Raises `Unavailable` if the server cannot be reached."""
    return await _connect(url, 0 if await is_behind_pooler(url) else PREPARED_STATEMENTS_MAX, set(), SESSION_SETTINGS)


async def is_behind_pooler(url: str) -> bool:
    """Tell whether a transaction pooler (PgBouncer) stands between, where prepared statements get lost.

    It shows by the backend's own process id, which is not the one announced when the connection was made.
    Raises `Unavailable` if the server cannot be reached.
    """
    session = await _connect(url, 0, set(), SESSION_SETTINGS)
    try:
        return bool(await session.fetch_value(_BACKEND_PID) != session.connection.get_server_pid())
    finally:
        session.connection.terminate()


async def _connect(
    url: str, prepared_statements: int, known: set[Hashable], session_settings: dict[str, str]
) -> Session:
    # A pooler refuses settings that it does not know, and without prepared statements there is no plan to keep.
    settings = session_settings if prepared_statements else None
    try:
        return Session(
            await asyncpg.connect(
                url,
                timeout=CONNECT_TIMEOUT_SECONDS,
                statement_cache_size=prepared_statements,
                server_settings=settings,
            ),
            known,
        )
    except _LOST as lost:
        raise Unavailable from lost


_BACKEND_PID = Statement("SELECT pg_backend_pid()")


class Database(Session):
    """A pool: the same calls as a session, each on a connection of its own.

    asyncpg's own pool pays a reset query and a proxy object for every use, about half of a read's cost
    (docs/decisions/0002). Ours resets nothing, since no statement of ours changes a session; it mends itself by opening
    a new connection in place of a lost one.
    """

    __slots__ = ("_free", "_opened", "_prepared_statements", "_settings", "_waiting", "connections_max", "url")

    def __init__(self, url: str, connections_max: int, settings: dict[str, str] = SESSION_SETTINGS) -> None:
        self.known = set()
        self.url = url
        self.connections_max = connections_max
        self._free: list[Session] = []
        self._waiting: deque[asyncio.Future[Session | None]] = deque()
        self._opened = 0
        self._prepared_statements = 0
        self._settings = settings

    async def open(self) -> None:
        """Open the first connection, so that a wrong address is known at the start. Raises `Unavailable`."""
        self._prepared_statements = 0 if await is_behind_pooler(self.url) else PREPARED_STATEMENTS_MAX
        self._release(await self._take())

    async def close(self) -> None:
        """Close what is free; connections in use are closed by their server's end of the socket."""
        self._opened = self.connections_max  # nothing new
        free, self._free = self._free, []
        await asyncio.gather(*(session.connection.close(timeout=2) for session in free), return_exceptions=True)

    async def fetch_row(self, statement: Statement, **values: Any) -> Row | None:
        session = await self._take()
        try:
            return await session.connection.fetchrow(
                statement.text, *[values[name] for name in statement.names], timeout=STATEMENT_TIMEOUT_SECONDS
            )
        except _LOST as lost:
            raise Unavailable from lost
        except asyncpg.DiskFullError as full:
            raise Unavailable("The database has no disk space left") from full
        except _RETRY as refused:
            raise Unavailable("The database could not finish this in time; try again") from refused
        finally:
            self._release(session)

    async def fetch_rows(self, statement: Statement, **values: Any) -> list[Row]:
        async with self.session() as session:
            return await session.fetch_rows(statement, **values)

    async def analyze(self, *tables: str) -> None:
        async with self.session() as session:
            await session.analyze(*tables)

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncGenerator[Session]:
        """Lend a connection to the block. Raises `Unavailable` if none is free in time, or if it is lost."""
        session = await self._take()
        try:
            yield session
        except _LOST as lost:
            raise Unavailable from lost
        except asyncpg.DiskFullError as full:
            raise Unavailable("The database has no disk space left") from full
        except _RETRY as refused:
            raise Unavailable("The database could not finish this in time; try again") from refused
        finally:
            self._release(session)

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncGenerator[Session]:
        """Lend a connection in a transaction: committed at the end of the block, undone if it raises."""
        async with self.session() as session, _discarded_if_cancelled(session), session.transaction():
            yield session

    @contextlib.asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[Session]:
        """Lend a connection in a transaction that sees one moment, however long the block lasts, and writes nothing."""
        async with (
            self.session() as session,
            _discarded_if_cancelled(session),
            session.connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield session

    async def _take(self) -> Session:
        while self._free:
            session = self._free.pop()
            if not session.connection.is_closed():
                return session
            self._opened -= 1
        if self._opened < self.connections_max:
            return await self._open_one()
        if len(self._waiting) >= WAITERS_MAX:
            raise Unavailable("Too many requests wait for the database; try again")
        turn: asyncio.Future[Session | None] = asyncio.get_running_loop().create_future()
        timer = asyncio.get_running_loop().call_later(WAIT_FOR_CONNECTION_SECONDS, _give_up, turn)
        self._waiting.append(turn)
        try:
            session_or_none = await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None and (given := turn.result()):
                self._release(given)
            raise
        finally:
            timer.cancel()
        return session_or_none or await self._open_one()

    async def _open_one(self) -> Session:
        self._opened += 1
        try:
            return await _connect(self.url, self._prepared_statements, self.known, self._settings)
        except BaseException:
            self._opened -= 1
            self._wake(None)
            raise

    def _release(self, session: Session) -> None:
        connection = session.connection
        if connection.is_closed() or connection.is_in_transaction():
            connection.terminate()
            self._opened -= 1
            self._wake(None)
        elif not self._wake(session):
            self._free.append(session)

    def _wake(self, session: Session | None) -> bool:
        """Give a connection, or with None the right to open one, to who has waited longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(session)
                return True
        return False


@contextlib.asynccontextmanager
async def _discarded_if_cancelled(session: Session) -> AsyncGenerator[None]:
    """Close a connection whose transaction is cancelled.

    A BEGIN may be on its way then, of which neither asyncpg nor the pool knows what came: whatever the next one did on this connection
    would be a part of that transaction, and never be committed.
    """
    try:
        yield
    except asyncio.CancelledError:
        session.connection.terminate()
        raise


def _give_up(turn: "asyncio.Future[Session | None]") -> None:
    if not turn.done():
        turn.set_exception(Unavailable("No database connection became free in time; try again"))
