"""`skipcall consents verify`: whoever has the database may change the ledger, but not without a trace."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from skipcall.postgres.db import DatabaseRefusal
from tests.cli.process import run
from tests.make import Make, Team


def verify(make: Make, team: Team, tmp_path: Path) -> dict[str, Any]:
    """Return what the command says of a team's ledgers; it fails exactly when something is wrong."""
    options = ("consents", "verify", "--workspace", str(team.workspace_id), "--json")
    done = run(tmp_path, *options, DATABASE_URL=make.database_url)
    said: dict[str, Any] = json.loads(done.stdout)
    assert (done.returncode == 1) == bool(said["breaks"]), done.stderr
    return said


def tamper(make: Make, sql: str, contact: str) -> None:
    """Change the ledger as a superuser who turns the triggers off for himself."""
    make.value("SELECT set_config('session_replication_role', 'replica', false)")
    make.rows(sql, id=UUID(contact.rpartition("/")[2]))
    make.value("SELECT set_config('session_replication_role', 'origin', false)")


@pytest.fixture
def contact(team: Team) -> str:
    """A contact with three entries, beside another with one."""
    team.client.patch(team.contact(), {"allowPhoneCalls": False})
    path = team.contact()
    for number in range(3):
        team.client.post(f"{path}/consents", {"status": "objected", "source": f"Call {number}"})
    return path


@pytest.mark.parametrize(
    ("sql", "broken"),
    [
        ("UPDATE contact_consents SET status = 'given' WHERE contact_id = :id AND position = 2", [2]),
        ('UPDATE contact_consents SET evidence = \'{"a": "b"}\' WHERE contact_id = :id AND position = 3', [3]),
        ("UPDATE contact_consents SET recorded_at = '2026-01-01Z' WHERE contact_id = :id AND position = 1", [1]),
        ("DELETE FROM contact_consents WHERE contact_id = :id AND position = 1", [2]),
        ("DELETE FROM contact_consents WHERE contact_id = :id AND position = 2", [3]),
        (
            "UPDATE contact_consents n SET hash = consent_hash(n) FROM (SELECT 'x') x WHERE contact_id = :id AND position = 2",
            [],
        ),
        (
            """
            WITH changed AS (SELECT (jsonb_populate_record(n, '{"source": "x"}')).* FROM contact_consents n
                WHERE contact_id = :id AND position = 2)
            UPDATE contact_consents n SET source = 'x', hash = consent_hash(
                (SELECT c::text::contact_consents FROM changed c)) WHERE contact_id = :id AND position = 2
            """,
            [3],
        ),
    ],
    ids=["changed", "evidence", "time", "first gone", "one gone", "untouched", "hash made anew"],
)
def test_what_was_tampered_with_is_found(
    make: Make, team: Team, contact: str, tmp_path: Path, sql: str, broken: list[int]
) -> None:
    assert verify(make, team, tmp_path) == {"ledgers": 2, "entries": 4, "breaks": []}
    tamper(make, sql, contact)
    found = verify(make, team, tmp_path)["breaks"]
    assert [(one["contactId"], one["position"]) for one in found] == [(contact.rpartition("/")[2], n) for n in broken]


@pytest.mark.parametrize(
    ("sql", "broken"),
    [
        ("UPDATE contact_consents SET status = 'given' WHERE contact_id = :id AND position = 2", [2]),
        (
            """
            WITH changed AS (SELECT (jsonb_populate_record(n, '{"status": "given"}')).* FROM contact_consents n
                WHERE contact_id = :id AND position = 2)
            UPDATE contact_consents n SET status = 'given', erased_hash = erased_consent_hash(
                (SELECT c::text::contact_consents FROM changed c)) WHERE contact_id = :id AND position = 2
            """,
            [3],
        ),
        ("DELETE FROM contact_consents WHERE contact_id = :id AND position = 3", [2]),
        ("DELETE FROM contact_consents WHERE contact_id = :id AND position = 1", [2, 3]),
        ("UPDATE contacts SET erasure_id = NULL WHERE id = :id", [3]),
    ],
    ids=["changed", "hash made anew", "newest gone", "first gone", "no erasure"],
)
def test_what_an_erasure_has_left_is_held_to_it(
    make: Make, team: Team, contact: str, tmp_path: Path, sql: str, broken: list[int]
) -> None:
    """The words are gone, and the chain still holds; what was tampered with since is found, the newest entries too."""
    erasure = team.client.request("POST", f"{contact}/erase", status=200).json()
    assert erasure["receipt"]["consents"] == 3
    assert [one["source"] for one in team.client.walk(f"{contact}/consents")] == ["", "", ""]
    assert verify(make, team, tmp_path) == {"ledgers": 2, "entries": 4, "breaks": []}
    tamper(make, sql, contact)
    assert sorted({one["position"] for one in verify(make, team, tmp_path)["breaks"]}) == broken


def test_what_a_contact_shows_is_what_its_ledger_says(make: Make, team: Team, tmp_path: Path) -> None:
    """However it came to it; and whoever changes the property alone is found."""
    client = team.client
    given = {"status": "given", "source": "Form", "legalBasis": "consent", "purpose": "Offers"}
    refused, asserted, agreed, target, source = (team.contact() for _ in range(5))
    client.post(f"{refused}/consents", {"status": "refused", "source": "Call"})
    client.post(f"{refused}/consents", given)  # leaves the property alone
    client.patch(asserted, {"allowPhoneCalls": False})
    client.patch(asserted, {"allowPhoneCalls": True})
    client.post(f"{agreed}/consents", given)
    client.patch(source, {"allowPhoneCalls": False})
    merge = client.post(f"{target}/merge", {"contactId": source.rpartition("/")[2]}, status=200)
    assert merge["contact"]["allowPhoneCalls"] is False
    born = client.post(
        "/v1/contacts", {"firstName": "A", "lastName": "B", "phoneNumbers": ["+33639980001"], "allowPhoneCalls": False}
    )
    assert verify(make, team, tmp_path)["breaks"] == []
    flipped = "UPDATE contacts SET allow_phone_calls = NOT allow_phone_calls WHERE id = :id"
    for path in (refused, asserted, agreed, target, f"/v1/contacts/{born['id']}"):
        tamper(make, flipped, path)
    found = {one["contactId"]: (one["position"], one["reason"]) for one in verify(make, team, tmp_path)["breaks"]}
    reason = "allowPhoneCalls of the contact is not what this entry has made it"
    expected = {
        refused: 1,
        asserted: 2,
        target: 1,
        born["id"]: 1,
    }  # nobody but the contact itself has ever said anything of `agreed`
    assert found == {path.rpartition("/")[2]: (position, reason) for path, position in expected.items()}


def test_nobody_takes_words_away_under_the_cover_of_an_erasure(
    make: Make, team: Team, contact: str, tmp_path: Path
) -> None:
    """Also a change that the trigger lets pass shows, since there is no erasure for it."""
    sql = "UPDATE contact_consents SET erased_hash = '', status = 'given' WHERE contact_id = :id AND position = 2 RETURNING status"
    assert make.value(sql, id=UUID(contact.rpartition("/")[2])) == "objected", "what remains is what was there"
    breaks = verify(make, team, tmp_path)["breaks"]
    assert [(one["position"], one["reason"]) for one in breaks] == [(3, "the ledger is not what its erasure has left")]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE contact_consents SET status = 'given' WHERE contact_id = :id",
        "DELETE FROM contact_consents WHERE contact_id = :id",
    ],
)
def test_the_database_refuses_changes(make: Make, contact: str, sql: str) -> None:
    with pytest.raises(DatabaseRefusal, match="never changed or removed"):
        make.rows(sql, id=UUID(contact.rpartition("/")[2]))


def test_it_cannot_be_emptied(make: Make) -> None:
    with pytest.raises(DatabaseRefusal, match="never changed or removed"):
        make.rows("TRUNCATE contact_consents")
