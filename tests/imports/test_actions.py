"""Imports into a real database: what is stored, what is reported, and what a killed process leaves behind."""

import asyncio
import random
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from skipcall.contacts.listing import list_contacts
from skipcall.contacts.model import ContactView
from skipcall.demo.people import write
from skipcall.events.queries import record_created
from skipcall.imports.actions import BATCH_ROWS, ImportReport, ImportRunning, Progress, import_contacts
from skipcall.imports.model import UnusableFile
from skipcall.page import FIRST_ID
from skipcall.postgres.db import Database, Statement, connect
from skipcall.postgres.embedded import EmbeddedPostgres
from skipcall.postgres.migrate import migrate
from skipcall.workspaces.model import Scope, Workspace
from skipcall.workspaces.queries import create_organization, create_workspace, get_workspace

STORED = Statement(
    """
    SELECT count(*) AS contacts, count(DISTINCT email) AS emails,
        (SELECT count(*) FROM events WHERE workspace_id = :workspace_id AND type = 'contact.created') AS events,
        (SELECT sum(count)::bigint FROM contact_counts WHERE workspace_id = :workspace_id) AS counted,
        count(e.id) AS with_their_event
    FROM contacts c LEFT JOIN events e ON e.workspace_id = c.workspace_id AND e.object_id = c.id
        AND e.object_version = c.version AND e.occurred_at = c.updated_at
    WHERE c.workspace_id = :workspace_id
    """
)
CSV = """\
First Name,Last Name,Email,Phone Number,Plan,Region
Zoé,Roy,zoe@roy.example,06 39 98 00 01,Gold,Sud
Inès,,ines@roy.example,06 39 98 00 02,,
Léa,Rey,lea,3.36123E+10;+33639980003,,Nord
"""
# Imports a file and says so after every batch.
CHILD = """
import asyncio, sys
from pathlib import Path
from uuid import UUID
from skipcall.imports.actions import import_contacts
from skipcall.postgres.db import Database
from skipcall.workspaces.model import Scope
from skipcall.workspaces.queries import get_workspace

async def main(url, organization, workspace, path):
    db = Database(url, 1)
    await db.open()
    space = await get_workspace(db, Scope(UUID(organization), (UUID(workspace),)), UUID(workspace))
    report = await import_contacts(db, space, Path(path), create_fields=True,
                                   on_progress=lambda progress: print(progress.rows_read, flush=True))
    print("done", report.rows_of_earlier_runs, flush=True)
    await db.close()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with EmbeddedPostgres.start(tmp_path_factory.mktemp("postgres"), fast=True) as postgres:

        async def prepare() -> None:
            session = await connect(postgres.url)
            await migrate(session)
            await session.connection.close()

        asyncio.run(prepare())
        yield postgres.url


async def new_workspace(db: Database) -> Workspace:
    organization_id = await create_organization(db, "Lanterne")
    workspace_id = await create_workspace(
        db, organization_id, name="Sales", mode="LIVE", default_country="FR", timezone="Europe/Paris"
    )
    return await get_workspace(db, Scope(organization_id, (workspace_id,)), workspace_id)


def with_workspace(server: str, work: Callable[[Database, Workspace], Awaitable[None]]) -> None:
    """Run some work with a database and a workspace of its own."""

    async def run() -> None:
        db = Database(server, 2)
        await db.open()
        try:
            await work(db, await new_workspace(db))
        finally:
            await db.close()

    asyncio.run(run())


async def stored(db: Database, workspace: Workspace) -> tuple[int, ...]:
    """Return contacts, different e-mails, events, the count kept beside, and contacts whose event is as it should be."""
    row = await db.fetch_row(STORED, workspace_id=UUID(workspace.id))
    assert row is not None
    return tuple(value or 0 for value in row)


def people_file(path: Path, count: int) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        write(count, file)
    return path


def test_a_small_file(server: str, tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    path.write_text(CSV, encoding="utf-8")

    async def work(db: Database, workspace: Workspace) -> None:
        report = await import_contacts(db, workspace, path, create_fields=True)
        contacts, total = await list_contacts(
            db,
            [UUID(workspace.id)],
            newest_first=False,
            after=FIRST_ID,
            limit=10,
            offset=0,
            view=ContactView(custom_field_keys="slug"),
        )

        assert (report.rows_read, report.created, report.refused, total) == (3, 2, 1, 2)
        assert report.fields == {"Plan": "plan", "Region": "region"}
        assert [(fault.line, fault.column, fault.code, fault.row_refused) for fault in report.faults] == [
            (3, "Last Name", "REQUIRED", True),
            (4, "Phone Number", "PHONE_DAMAGED", False),
            (4, "Email", "INVALID_EMAIL", False),
        ]
        zoe, lea = contacts
        assert (zoe.first_name, zoe.last_name, zoe.email) == ("Zoé", "Roy", "zoe@roy.example")
        assert bytes(zoe.custom_fields) == b'{"plan": "Gold", "region": "Sud"}'
        assert (lea.phone_numbers, lea.email, lea.last_modification_source) == (["+33639980003"], None, "SKIPCALL")
        assert await stored(db, workspace) == (2, 1, 2, 2, 2)

    with_workspace(server, work)


def test_a_completed_file_is_not_imported_again(server: str, tmp_path: Path) -> None:
    path = people_file(tmp_path / "people.csv", 100)

    async def work(db: Database, workspace: Workspace) -> None:
        await import_contacts(db, workspace, path)
        again = await import_contacts(db, workspace, path)
        elsewhere = await import_contacts(db, await new_workspace(db), path)

        assert (again.was_complete, again.created) == (True, 100)
        assert (elsewhere.was_complete, elsewhere.created) == (False, 100)
        assert (await stored(db, workspace))[0] == 100

    with_workspace(server, work)


def test_columns_without_a_field_are_left_out_unless_one_has_their_name(server: str, tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    path.write_text(CSV, encoding="utf-8")

    async def work(db: Database, workspace: Workspace) -> None:
        first = await import_contacts(db, workspace, path)
        assert (first.fields, first.left_out) == ({}, ["Plan", "Region"])

        with pytest.raises(UnusableFile, match="no custom field 'tier'"):
            await import_contacts(db, workspace, path, choices={"Plan": "customFields.tier"})

        path.write_text(CSV + "\n", encoding="utf-8")  # another file
        second = await import_contacts(
            db, workspace, path, choices={"Plan": "customFields.tier", "Region": ""}, create_fields=True
        )
        assert (second.fields, second.left_out) == ({"Plan": "tier"}, [])

        path.write_text(CSV.replace("Plan", "TIER"), encoding="utf-8")
        third = await import_contacts(db, workspace, path)
        assert third.fields == {"TIER": "tier"}

    with_workspace(server, work)


def test_two_runs_of_one_file_at_once(server: str, tmp_path: Path) -> None:
    path = people_file(tmp_path / "people.csv", 3 * BATCH_ROWS)

    async def work(db: Database, workspace: Workspace) -> None:
        reports = await asyncio.gather(
            import_contacts(db, workspace, path), import_contacts(db, workspace, path), return_exceptions=True
        )

        assert {type(report) for report in reports} == {ImportReport, ImportRunning}
        assert (await stored(db, workspace))[0] == 3 * BATCH_ROWS

    with_workspace(server, work)


def test_an_error_within_a_batch_leaves_none_of_it(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = people_file(tmp_path / "people.csv", 2 * BATCH_ROWS)
    seen: list[Progress] = []

    async def fail_later(*args: object) -> None:
        await record_created(*args)  # type: ignore[arg-type]
        if seen:
            raise RuntimeError("the power went off")

    async def work(db: Database, workspace: Workspace) -> None:
        monkeypatch.setattr("skipcall.imports.queries.record_created", fail_later)
        with pytest.raises(RuntimeError, match="power"):
            await import_contacts(db, workspace, path, on_progress=seen.append)
        assert (await stored(db, workspace))[0] == BATCH_ROWS

        monkeypatch.undo()
        report = await import_contacts(db, workspace, path)
        assert (report.rows_of_earlier_runs, report.created) == (BATCH_ROWS, 2 * BATCH_ROWS)
        assert (await stored(db, workspace))[0] == 2 * BATCH_ROWS

    with_workspace(server, work)


def test_a_killed_import_goes_on_without_duplicates(server: str, tmp_path: Path) -> None:
    rows = 8 * BATCH_ROWS
    path = people_file(tmp_path / "people.csv", rows)
    moments = random.Random(1)

    async def run_and_kill(workspace: Workspace) -> int:
        """Start the import; kill it somewhere within its second batch. Return how it ended."""
        child = await start_import(workspace)
        assert child.stdout is not None
        await child.stdout.readline()
        await asyncio.sleep(moments.random() * 0.2)
        if child.returncode is None:
            child.kill()
        return await child.wait()

    async def start_import(workspace: Workspace) -> Process:
        arguments = ("-c", CHILD, server, workspace.organization_id, workspace.id, str(path))
        return await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)

    async def work(db: Database, workspace: Workspace) -> None:
        ends = [await run_and_kill(workspace) for _ in range(4)]
        assert ends.count(-signal.SIGKILL) >= 2
        child = await start_import(workspace)
        output, _ = await child.communicate()
        assert output.splitlines()[-1].startswith(b"done")
        contacts, emails, events, counted, with_their_event = await stored(db, workspace)
        assert (contacts, events, counted, with_their_event) == (rows, rows, rows, rows)
        assert emails > 0.85 * rows  # each address is of one row of the file, so none came twice
        assert (await import_contacts(db, workspace, path)).was_complete

    with_workspace(server, work)
