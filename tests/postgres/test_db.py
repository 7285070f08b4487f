"""The pool: never more connections than allowed, none lost, none left in a transaction, none waited for too long."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from skipcall.errors import Unavailable
from skipcall.postgres import db
from skipcall.postgres.db import Database, Statement, connect, is_behind_pooler
from skipcall.postgres.embedded import EmbeddedPostgres

SLEEP = Statement("SELECT pg_sleep(:seconds)")
PID = Statement("SELECT pg_backend_pid() AS pid")
END = Statement("SELECT pg_terminate_backend(:pid)")


def test_parameters_are_numbered_once_each() -> None:
    statement = Statement("SELECT :a, :b::text, :a, x::int, ':c', arr[1:2] WHERE t = :b_2")
    assert statement.text == "SELECT $1, $2::text, $1, x::int, '$3', arr[1:2] WHERE t = $4"
    assert statement.names == ("a", "b", "c", "b_2")


def run(postgres: EmbeddedPostgres, work: Callable[[Database], Awaitable[Any]], connections_max: int = 3) -> Any:
    async def inside() -> Any:
        database = Database(postgres.url, connections_max)
        await database.open()
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(inside())


def test_at_most_so_many_connections(postgres: EmbeddedPostgres) -> None:
    async def work(database: Database) -> set[int]:
        async def pid() -> int:
            async with database.session() as session:
                await asyncio.sleep(0.01)
                return int(await session.fetch_value(PID))

        return set(await asyncio.gather(*[pid() for _ in range(30)]))

    assert len(run(postgres, work)) == 3


def test_who_waits_too_long_is_told(postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "WAIT_FOR_CONNECTION_SECONDS", 0.1)

    async def work(database: Database) -> None:
        slow = [asyncio.create_task(database.execute(SLEEP, seconds=0.6)) for _ in range(3)]
        await asyncio.sleep(0.05)
        start = time.monotonic()
        with pytest.raises(Unavailable):
            await database.fetch_value(PID)
        assert time.monotonic() - start < 0.4
        await asyncio.gather(*slow)
        assert await database.fetch_value(PID)

    run(postgres, work)


def test_a_full_disk_is_told_as_one(postgres: EmbeddedPostgres) -> None:
    full = Statement("DO $$ BEGIN RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END $$")

    async def work(database: Database) -> None:
        for fetch in (database.fetch_row, database.fetch_rows):
            with pytest.raises(Unavailable, match="has no disk space left"):
                await fetch(full)

    run(postgres, work)


def test_too_many_do_not_even_wait(postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "WAITERS_MAX", 2)

    async def work(database: Database) -> None:
        tasks = [asyncio.create_task(database.execute(SLEEP, seconds=0.2)) for _ in range(5)]
        await asyncio.sleep(0.1)
        start = time.monotonic()
        with pytest.raises(Unavailable, match="wait"):
            await database.fetch_value(PID)
        assert time.monotonic() - start < 0.05
        await asyncio.gather(*tasks)

    run(postgres, work)


def test_a_lost_connection_is_replaced(postgres: EmbeddedPostgres) -> None:
    async def work(database: Database) -> None:
        killer = await connect(postgres.url)
        for _ in range(4):
            pid = await database.fetch_value(PID)
            await killer.execute(END, pid=pid)
            await asyncio.sleep(0.05)
            assert await database.fetch_value(PID) != pid
        busy = asyncio.create_task(database.execute(SLEEP, seconds=5))
        await asyncio.sleep(0.1)
        query = Statement("SELECT pid FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'")
        await killer.execute(END, pid=await killer.fetch_value(query))
        with pytest.raises(Unavailable):
            await busy
        assert await database.fetch_value(PID)
        await killer.connection.close()

    run(postgres, work, connections_max=1)


def test_what_is_cancelled_gives_its_connection_back(postgres: EmbeddedPostgres) -> None:
    async def work(database: Database) -> None:
        for _ in range(5):
            tasks = [asyncio.create_task(database.execute(SLEEP, seconds=5)) for _ in range(6)]
            await asyncio.sleep(0.02)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            found = await asyncio.gather(*[database.fetch_value(PID) for _ in range(6)])
            assert all(found)
        assert database._opened <= 3

    run(postgres, work)


def test_a_transaction_is_whole_or_nothing(postgres: EmbeddedPostgres) -> None:
    create = Statement("CREATE TABLE whole_or_nothing (id int)")
    exists = Statement("SELECT to_regclass('whole_or_nothing') IS NOT NULL")

    async def work(database: Database) -> None:
        with pytest.raises(KeyError):
            await _create_and_fail(database, create)
        assert not await database.fetch_value(exists)
        task = asyncio.create_task(_hold(database, create))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not await database.fetch_value(exists)
        assert await database.fetch_value(Statement("SELECT pg_current_xact_id_if_assigned() IS NULL"))

    run(postgres, work, connections_max=1)


def test_what_follows_a_cancelled_transaction_is_committed(postgres: EmbeddedPostgres) -> None:
    """Wherever it was cancelled, at its BEGIN too: the next one must not go on in it, since nobody would ever commit that."""

    async def work(database: Database) -> None:
        await database.execute(Statement("CREATE TABLE counted (id int)"))
        witness = await connect(postgres.url)
        for steps in range(24):
            task = asyncio.create_task(_hold(database, Statement("SELECT 1")))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            async with database.begin() as tx:
                await tx.execute(Statement("INSERT INTO counted VALUES (1)"))
            await database.execute(Statement("INSERT INTO counted VALUES (1)"))
            assert await witness.fetch_value(Statement("SELECT count(*) FROM counted")) == 2 * (steps + 1)
        await database.execute(Statement("DROP TABLE counted"))
        await witness.connection.close()

    run(postgres, work, connections_max=1)


async def _create_and_fail(database: Database, statement: Statement) -> None:
    async with database.begin() as tx:
        await tx.execute(statement)
        raise KeyError


async def _hold(database: Database, statement: Statement) -> None:
    async with database.begin() as tx:
        await tx.execute(statement)
        await asyncio.sleep(5)


def test_a_statement_has_an_end(postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "STATEMENT_TIMEOUT_SECONDS", 0.2)

    async def work(database: Database) -> None:
        for _ in range(4):
            with pytest.raises(Unavailable):
                await database.execute(SLEEP, seconds=5)
            assert await database.fetch_value(PID)
        left = Statement(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"
        )
        assert await database.fetch_value(left) == 0, "the server goes on working for nobody"

    run(postgres, work)


def test_statistics_take_the_time_they_need(postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(database: Database) -> None:
        monkeypatch.setattr(db, "STATEMENT_TIMEOUT_SECONDS", 0.000_001)
        with pytest.raises(Unavailable):
            await database.execute(Statement("ANALYZE contacts"))
        await database.analyze("contacts", "events")
        async with database.session() as session:
            await session.analyze("contacts")

    run(postgres, work)


def test_a_mistake_of_ours_is_not_taken_for_an_outage(postgres: EmbeddedPostgres) -> None:
    """A value that cannot be sent, or SQL that is none, is a bug: it must be logged, not answered with 'try again'."""

    async def work(database: Database) -> None:
        with pytest.raises(asyncpg.DataError):
            await database.fetch_row(Statement("SELECT :number::int"), number="x")
        with pytest.raises(asyncpg.DataError):
            await database.fetch_row(Statement("SELECT :number::int"), number=2**40)
        with pytest.raises(asyncpg.PostgresSyntaxError):
            await database.fetch_row(Statement("SELEKT"))
        with pytest.raises(asyncpg.PostgresError):
            await database.fetch_row(Statement("SELECT 1/:zero::int"), zero=0)

    run(postgres, work)


def test_no_server(tmp_path: Any) -> None:
    async def work() -> None:
        for url in ("postgresql://nobody@127.0.0.1:1/x", f"postgresql://nobody@/x?host={tmp_path}"):
            with pytest.raises(Unavailable):
                await connect(url)
            with pytest.raises(Unavailable):
                await Database(url, 2).open()

    asyncio.run(work())


def test_no_pooler_between(postgres: EmbeddedPostgres) -> None:
    assert not asyncio.run(is_behind_pooler(postgres.url))
