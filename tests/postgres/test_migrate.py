"""Migrations: applied once, in order, each whole or not at all."""

import asyncio
import unicodedata
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from skipcall.ids import new_id, random_base62
from skipcall.postgres import migrate as module
from skipcall.postgres.db import Session, connect
from skipcall.postgres.embedded import EmbeddedPostgres
from skipcall.postgres.migrate import migrate, names, pending


@pytest.fixture
def url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """An empty database."""
    name = f"empty_{random_base62(12).lower()}"
    with_sessions(postgres.url, 1, lambda one: one.connection.execute(f"CREATE DATABASE {name}"))
    yield postgres.url.replace("/skipcall?", f"/{name}?")
    with_sessions(postgres.url, 1, lambda one: one.connection.execute(f"DROP DATABASE {name}"))


def with_sessions(url: str, count: int, *works: Callable[..., Awaitable[Any]]) -> Any:
    """Run works one after the other, each on as many new sessions at once."""

    async def run() -> Any:
        sessions = [await connect(url) for _ in range(count)]
        try:
            for work in works:
                found = await asyncio.gather(*[work(session) for session in sessions])
        finally:
            for session in sessions:
                await session.connection.close()
        return found if count > 1 else found[0]

    return asyncio.run(run())


def test_names_are_in_order_and_numbered() -> None:
    assert [name[:4] for name in names()] == [f"{number:04}" for number in range(1, len(names()) + 1)]


def test_an_empty_database_gets_all_and_then_none(url: str) -> None:
    assert with_sessions(url, 1, pending) == names()
    assert with_sessions(url, 1, migrate) == names()
    assert with_sessions(url, 1, pending) == []
    assert with_sessions(url, 1, migrate) == []


def test_many_at_once_apply_each_once(url: str) -> None:
    applied = with_sessions(url, 6, migrate)
    assert sorted(name for one in applied for name in one) == names()
    assert with_sessions(url, 1, pending) == []


def test_a_file_that_fails_leaves_nothing_of_itself(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "0001_a.sql": "CREATE TABLE a ();",
        "0002_b.sql": "CREATE TABLE b (); SELECT 1/0;",
        "0003_c.sql": "SELECT 1;",
    }
    monkeypatch.setattr(module, "names", lambda: sorted(files))
    monkeypatch.setattr(module, "read", files.__getitem__)
    with pytest.raises(asyncpg.DivisionByZeroError):
        with_sessions(url, 1, migrate)
    assert with_sessions(url, 1, pending) == ["0002_b.sql", "0003_c.sql"]
    assert with_sessions(url, 1, lambda one: one.connection.fetchval("SELECT to_regclass('b') IS NULL"))
    files["0002_b.sql"] = "CREATE TABLE b ();"
    assert with_sessions(url, 1, migrate) == ["0002_b.sql", "0003_c.sql"]


def test_a_table_in_use_is_not_waited_for_long(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration that waits for a table makes every request behind it wait, too."""
    files = {"0001_a.sql": "CREATE TABLE a ();", "0002_b.sql": "ALTER TABLE a ADD b text;"}
    monkeypatch.setattr(module, "LOCK_TIMEOUT", "200ms")
    monkeypatch.setattr(module, "read", files.__getitem__)
    monkeypatch.setattr(module, "names", lambda: ["0001_a.sql"])
    with_sessions(url, 1, migrate)
    monkeypatch.setattr(module, "names", lambda: sorted(files))

    async def run() -> None:
        holder, session = await connect(url), await connect(url)
        try:
            async with holder.transaction():
                await holder.connection.execute("LOCK TABLE a IN ACCESS SHARE MODE")
                with pytest.raises(asyncpg.LockNotAvailableError):
                    await migrate(session)
            assert await migrate(session) == ["0002_b.sql"]
        finally:
            await holder.connection.close()
            await session.connection.close()

    asyncio.run(run())


def test_a_session_is_as_before(url: str) -> None:
    async def timeout(session: Session) -> Any:
        await migrate(session)
        return await session.connection.fetchval("SHOW lock_timeout")

    assert with_sessions(url, 1, timeout) == "0"


async def _add_workspace(session: Session) -> None:
    await session.connection.execute("INSERT INTO organizations (id, name) VALUES (gen_random_uuid(), 'A')")
    await session.connection.execute(
        """INSERT INTO workspaces (id, organization_id, mode, name, default_country, timezone)
        SELECT id, id, 'LIVE', 'A', 'FR', 'Europe/Paris' FROM organizations"""
    )


def test_texts_of_before_are_written_anew_where_they_change(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Migration 0026: search texts are folded in another way, and LinkedIn addresses have other keys."""
    kept = [("Zoé", "https://fr.linkedin.com/in/zoe"), ("Андреи", None), ("A", "https://linkedin.com/company/a/fr")]
    changed = [
        ("Андрей", None),
        (unicodedata.normalize("NFD", "각민"), None),
        ("Σίσυφος", None),
        ("é\u00a0a", None),
        ("A", "https://linkedin.com/in/zo%C3%A9"),
        ("A", "https://linkedin.com/in/a/fr"),
    ]

    async def fill(session: Session) -> None:
        await migrate(session)
        await _add_workspace(session)
        await session.connection.executemany(
            """INSERT INTO contacts (workspace_id, id, first_name, last_name, linkedin_url, last_modification_source,
                allow_phone_calls, phone_numbers, custom_fields)
            SELECT id, $1, $2, 'A', $3, 'API', true, '{}', '{}' FROM workspaces""",
            [(new_id(), *one) for one in (*kept, *changed)],
        )

    async def stored(session: Session) -> list[tuple[Any, ...]]:
        rows = await session.connection.fetch("SELECT xmin::text, search_text, search_keys FROM contacts ORDER BY id")
        return [tuple(row) for row in rows]

    files = names()
    monkeypatch.setattr(module, "names", lambda: [one for one in files if one < "0026"])
    with_sessions(url, 1, fill)
    before = with_sessions(url, 1, stored)
    monkeypatch.setattr(module, "names", lambda: [one for one in files if one < "0027"])
    with_sessions(url, 1, migrate)
    after = with_sessions(url, 1, stored)
    assert after[: len(kept)] == before[: len(kept)]
    again = "UPDATE contacts SET first_name = first_name"
    with_sessions(url, 1, lambda one: one.connection.execute(again))
    anew = with_sessions(url, 1, stored)
    for number in range(len(kept), len(after)):
        assert after[number][1:] != before[number][1:], changed[number - len(kept)]
        assert after[number][1:] == anew[number][1:]


def test_contacts_are_the_same_with_their_columns_in_another_order(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Migration 0034 makes their table again: rows, grants, and all that `test_schema` compares. A view of the operator's stops it.

    Search texts are as the trigger writes them now.
    """
    reader = f"reader_{random_base62(12).lower()}"

    async def fill(session: Session) -> None:
        await migrate(session)
        await _add_workspace(session)
        await session.connection.executemany(
            """INSERT INTO contacts (workspace_id, id, first_name, last_name, city, last_modification_source,
                allow_phone_calls, phone_numbers, custom_fields, deleted_at, merged_into_id)
            SELECT id, $1, 'Zoé', $2, 'Lyon', 'API', $3, '{+33612345678}', $4, $5, $6 FROM workspaces""",
            [
                (one := new_id(), "Live", False, "{}", None, None),
                (
                    new_id(),
                    "Deleted",
                    True,
                    r'{"a": "É\\", "b": "\"", "c": "12.50"}',
                    datetime(2026, 1, 2, tzinfo=UTC),
                    None,
                ),
                (new_id(), "Merged", True, '{"a": "b"}', datetime(2026, 1, 3, tzinfo=UTC), one),
            ],
        )
        await session.connection.execute(f"CREATE ROLE {reader}")
        await session.connection.execute(f"GRANT SELECT ON contacts TO {reader}")
        await session.connection.execute("CREATE VIEW report AS SELECT first_name FROM contacts")

    async def stored(session: Session) -> list[Any]:
        rows = await session.connection.fetch(
            "SELECT to_jsonb(c) - 'search_text' - 'search_keys' AS contact FROM contacts c ORDER BY id"
        )
        privileges = await session.connection.fetch(
            "SELECT grantee, privilege_type FROM information_schema.table_privileges WHERE table_name = 'contacts' ORDER BY 1, 2"
        )
        return [[row["contact"] for row in rows], [tuple(row) for row in privileges]]

    async def searched(session: Session) -> list[Any]:
        rows = await session.connection.fetch("SELECT search_text, search_keys FROM contacts ORDER BY id")
        return [tuple(row) for row in rows]

    files = names()
    monkeypatch.setattr(module, "names", lambda: [one for one in files if one < "0034"])
    with_sessions(url, 1, fill)
    before = with_sessions(url, 1, stored)
    monkeypatch.setattr(module, "names", lambda: files)
    with pytest.raises(asyncpg.DependentObjectsStillExistError, match="table contacts") as refused:
        with_sessions(url, 1, migrate)
    assert "view report" in (refused.value.detail or "")
    assert with_sessions(url, 1, stored) == before
    with_sessions(url, 1, lambda one: one.connection.execute("DROP VIEW report"))
    with_sessions(url, 1, migrate)
    assert with_sessions(url, 1, stored) == before
    texts = with_sessions(url, 1, searched)
    with_sessions(url, 1, lambda one: one.connection.execute("UPDATE contacts SET first_name = first_name"))
    assert with_sessions(url, 1, searched) == texts
    with_sessions(url, 1, lambda one: one.connection.execute(f"DROP OWNED BY {reader}; DROP ROLE {reader}"))
