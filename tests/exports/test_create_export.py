"""POST /v1/exports, and what is in the file."""

import asyncio
import csv
import hashlib
import io
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from skipcall.exports import actions, queries
from skipcall.exports.actions import Exporter
from skipcall.postgres import leases
from skipcall.postgres.db import Database
from skipcall.spreadsheets import safe_cell, without_guard
from skipcall.storage.folder import Folder
from tests.client import Client
from tests.keeping import Kept
from tests.make import Make, Team, phone_number

EXPORTS = "/v1/exports"
KILLED = Path(__file__).with_name("killed.py")


def made(kept: Kept, client: Client, **body: Any) -> tuple[dict[str, Any], bytes]:
    """Ask for an export, have it made, and return it and its file."""
    path = f"{EXPORTS}/{client.post(EXPORTS, body)['id']}"
    kept.work()
    export = client.get(path)
    content = client.request("GET", f"{path}/file", status=200).content
    assert export["status"] == "COMPLETED"
    assert export["sizeBytes"] == len(content)
    assert export["sha256"] == hashlib.sha256(content).hexdigest()
    return export, content


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_a_csv_file(kept: Kept) -> None:
    team = kept.team
    team.field("Industry")
    team.field("=Field")
    first, second = "+33639980001", "+33639980002"
    team.contact(
        first_name="Zoé", company='A "B", C\u2028', phone_numbers=[first, second], custom_fields={"industry": "=1+1"}
    )
    team.contact(first_name="@cmd", last_name="-1", role="+33 6", company="=HYPERLINK(1)", allow_phone_calls=False)
    team.client.delete(team.contact())
    export, content = made(kept, team.client)
    assert content.startswith(b"\xef\xbb\xbfid,firstName,lastName,email,")
    assert (export["format"], export["rowCount"]) == ("csv", 2)
    zoe, other = rows_of(content)
    assert zoe["phoneNumbers"] == f"{first};{second}", "no apostrophe: these are no formulas"
    assert (zoe["firstName"], zoe["company"], zoe["Industry"]) == ("Zoé", 'A "B", C\u2028', "'=1+1")
    assert "'=Field" in zoe
    assert [other[name] for name in ("firstName", "lastName", "role", "company")] == [
        "'@cmd",
        "-1",  # a number is no formula
        "'+33 6",
        "'=HYPERLINK(1)",
    ]
    assert (other["allowPhoneCalls"], other["email"], other["callCount"]) == ("false", "", "0")


def test_a_file_for_programs_is_the_list(kept: Kept) -> None:
    team = kept.team
    team.field("Industry")
    for number in range(5):
        team.contact(company=f"=Nummer {number}\u2028", custom_fields={"industry": "é"})
    export, content = made(kept, team.client, format="ndjson")
    listed = team.client.walk("/v1/contacts", sort="createdAt", include="externalId")
    assert [json.loads(line) for line in content.split(b"\n")[:-1]] == listed
    assert export["rowCount"] == 5


def test_a_workspace_without_contacts(kept: Kept) -> None:
    assert made(kept, kept.team.client, format="ndjson")[1] == b""
    assert rows_of(made(kept, kept.team.client)[1]) == []


def test_it_is_one_moment(kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written while the file is made is not in it, nor is half of it."""
    monkeypatch.setattr(actions, "ROWS_AT_ONCE", 2)
    team = kept.team
    paths = [team.contact() for _ in range(9)]
    before = team.client.walk("/v1/contacts", sort="createdAt", include="externalId")

    class Busy(Folder):
        """A folder whose users do not wait."""

        async def put(self, key: str, chunks: AsyncIterator[bytes], content_type: str) -> None:
            await super().put(key, self.slowly(chunks), content_type)

        async def slowly(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
            count = 0
            async for chunk in chunks:
                yield chunk
                count += 1
                if count == 2:
                    team.client.delete(paths[-1])
                    team.client.patch(paths[-2], {"city": "Lille"})
                    body = {"firstName": "New", "lastName": "New", "phoneNumbers": [phone_number()]}
                    team.client.post("/v1/contacts", body)

    storage = Busy(tmp_path / "busy")
    export = team.client.post(EXPORTS, {"format": "ndjson"})
    kept.work(storage)
    content = storage.path(actions.key_of(export["id"], 1)).read_bytes()
    assert [json.loads(line) for line in content.split(b"\n")[:-1]] == before


def test_what_was_exported_can_be_imported(kept: Kept, tmp_path: Path) -> None:
    team = kept.team
    team.field("Industry")
    for number in range(3):
        team.contact(
            company=f"Société {number}",
            phone_numbers=[phone_number(number), phone_number(9)],
            custom_fields={"industry": "é"},
        )
    path = tmp_path / "contacts.csv"
    path.write_bytes(made(kept, team.client)[1])
    second = team.workspace()
    team.import_file(path, second)
    own = {"id", "teamId", "createdAt", "updatedAt"}

    def told(client: Client) -> list[dict[str, Any]]:
        found = client.walk("/v1/contacts", sort="createdAt")
        return [{name: value for name, value in one.items() if name not in own} for one in found]

    assert told(team.client_for(second)) == told(team.client)


def test_fields_whose_names_mean_something_else_come_back(kept: Kept) -> None:
    """Names of properties, names that an import knows for one, names that differ in case only."""
    team, client = kept.team, kept.team.client
    names = (
        "email",
        "Email",
        "firstName",
        "updatedAt",
        "Phone",
        "Segment",
        "SEGMENT",
        "*",
        "Industry",
        "=1",
    )
    slugs = {name: team.field(name).slug for name in names}
    path = team.contact(email="zoe@roy.example", custom_fields={slug: name for name, slug in slugs.items()})
    content = made(kept, client)[1]
    imported = client.post("/v1/imports", {"matchBy": ["id"]})["id"]
    headers = {"content-type": "text/csv"}
    columns = client.request(
        "PUT", f"/v1/imports/{imported}/file", content=content, headers=headers, status=200
    ).json()["columns"]
    [row] = rows_of(content)
    filled = {columns[heading.removeprefix("'")]: cell for heading, cell in row.items()}
    for name, slug in slugs.items():
        assert filled[f"customFields.{slug}"].removeprefix("'") == name
    assert (filled["email"], filled["id"]) == ("zoe@roy.example", path.rpartition("/")[2])
    assert {"Industry", "Segment"} <= row.keys(), "the name, where it leads to the field"
    client.post(f"/v1/imports/{imported}/cancel", None, status=200)  # no worker of another test shall find it


@pytest.mark.parametrize("step", ["writing", "pending", "moved"])
def test_a_killed_worker_leaves_it_to_the_next(make: Make, tmp_path: Path, step: str) -> None:
    team = make.team()
    team.contact()
    folder = tmp_path / "kept"
    export = team.client.post(EXPORTS, {"format": "ndjson"})
    command = [sys.executable, str(KILLED), make.database_url, str(folder)]
    root = Path(__file__).parents[2]
    done = subprocess.run([*command, step], cwd=root, env={"PYTHONPATH": f"{root}:{root / 'src'}"}, check=False)
    assert done.returncode < 0, "it was killed"
    running = team.client.get(f"{EXPORTS}/{export['id']}")
    assert running["status"] == "RUNNING"
    assert team.client.get(f"{EXPORTS}/{export['id']}/file", 409)["error"]["code"] == "EXPORT_UNFINISHED"
    make.rows("UPDATE exports SET next_attempt_at = now() WHERE id = :id RETURNING id", id=UUID(export["id"]))
    subprocess.run([*command, "none"], cwd=root, env={"PYTHONPATH": f"{root}:{root / 'src'}"}, check=True)
    assert team.client.get(f"{EXPORTS}/{export['id']}")["status"] == "COMPLETED"
    [file] = (folder / "exports").iterdir()
    assert file.name == f"{export['id']}-2"
    team.client.delete(f"{EXPORTS}/{export['id']}")


def test_one_that_takes_longer_than_a_lease_is_nobody_elses(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one that somebody has deleted is made no further."""
    lease = 1.5
    monkeypatch.setattr(leases, "LEASE_SECONDS", lease)
    make.rows("UPDATE exports SET next_attempt_at = NULL WHERE next_attempt_at IS NOT NULL RETURNING id")
    client = make.team().client
    path = f"{EXPORTS}/{client.post(EXPORTS, {})['id']}"

    class Slow(Folder):
        async def put(self, key: str, chunks: AsyncIterator[bytes], content_type: str) -> None:
            await asyncio.sleep(2 * lease)
            await super().put(key, chunks, content_type)

    class Endless(Folder):
        async def put(self, key: str, chunks: AsyncIterator[bytes], content_type: str) -> None:
            await asyncio.to_thread(client.delete, path)
            await asyncio.sleep(60)
            pytest.fail("it goes on")

    async def work(storage: Folder) -> None:
        database = Database(make.database_url, 3)
        await database.open()
        working = asyncio.create_task(Exporter(database, storage).step())
        await asyncio.sleep(lease / 2)
        while not working.done():
            assert await queries.claim_export(database, lease) is None
            await asyncio.sleep(lease / 20)
        await database.close()

    make.run(work(Slow(tmp_path)))
    assert client.get(path)["status"] == "COMPLETED"
    path = f"{EXPORTS}/{client.post(EXPORTS, {})['id']}"
    make.run(work(Endless(tmp_path)))
    client.get(path, 404)


def test_limits(team: Team, client: Client) -> None:
    for _ in range(10):
        client.post(EXPORTS, {})
    assert client.post(EXPORTS, {}, 409)["error"]["code"] == "TOO_MANY_EXPORTS"
    for export in client.walk(EXPORTS):
        client.delete(f"{EXPORTS}/{export['id']}")
    client.delete(f"{EXPORTS}/{client.post(EXPORTS, {})['id']}")
    assert client.faults("POST", EXPORTS, json={"format": "xls"}) == [("/format", "UNKNOWN_VALUE")]
    client.request("POST", EXPORTS, json={}, params={"workspaceId": str(team.workspace())}, status=404)


@given(st.text(alphabet="=＝+-@\t\r'a1 ;", max_size=8))
@example("-1")
@example("a;=1")
def test_no_cell_is_a_formula(text: str) -> None:
    """Nor is a part of one, where a spreadsheet begins cells behind semicolons."""
    cell = safe_cell(text)
    begins = {part[:1] for part in cell.split(";")}
    assert not begins & {"=", "＝", "+", "-", "@", "\t", "\r"} or re.fullmatch(r"(\+1+;?)+|-1+", text)
    assert without_guard(cell) == text, "an import takes off what an export puts on, and nothing else"


def test_numbers_are_not_damaged() -> None:
    for text in ("-5", "-12.50"):
        assert safe_cell(text) == text
    for text in ("-5+3", "-1;2", "-", "-x", "--1"):
        assert safe_cell(text) == f"'{text}"
    assert safe_cell("+33639980001;=1") == "'+33639980001;'=1"


def test_what_looks_like_a_formula_comes_back_as_it_was(kept: Kept, tmp_path: Path) -> None:
    client = kept.team.client
    kept.team.field("Balance")
    odd = ("=1+1", "'=1+1", "@x", "-5+3", "'tis", "''", "-12.50")
    for place, company in enumerate(odd):
        kept.team.contact(company=company, custom_fields={"balance": "-12.50"}, phone_numbers=[phone_number(place)])
    path = tmp_path / "contacts.csv"
    path.write_bytes(made(kept, client)[1])
    second = kept.team.workspace()
    kept.team.import_file(path, second)
    found = kept.team.client_for(second).walk("/v1/contacts", sort="createdAt")
    assert [one["company"] for one in found] == list(odd)
    assert {one["customFields"]["Balance"] for one in found} == {"-12.50"}


def test_phone_numbers_are_not_damaged() -> None:
    for text in ("+33639980001", "+33639980001;+4915112345678"):
        assert safe_cell(text) == text
    for text in ("+33639980001+1", "+cmd|' /C calc'!A0", "+0639980001"):
        assert safe_cell(text) == f"'{text}"
    assert safe_cell("+33639980001;=1") == "'+33639980001;'=1"
