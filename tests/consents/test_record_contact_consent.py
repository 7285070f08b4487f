"""POST /v1/contacts/{id}/consents."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.make import Make, Team

GIVEN = {
    "status": "given",
    "source": "Web form",
    "legalBasis": "consent",
    "purpose": "Offers about renovation",
    "obtainedAt": "2026-03-02T09:41:07.250Z",
    "wording": "I agree to be called.\nÀ bientôt.",
    "evidence": {"form": "F-12", "ip": "192.0.2.7"},
}


def test_consent_is_kept_as_it_was_given(team: Team) -> None:
    path = team.contact()
    entry = team.client.post(f"{path}/consents", GIVEN)
    assert entry == GIVEN | {
        "id": entry["id"],
        "position": 1,
        "wordingSha256": hashlib.sha256(str(GIVEN["wording"]).encode()).hexdigest(),
        "contactVersion": 1,
        "apiKeyId": str(team.key.id),
        "recordedAt": entry["recordedAt"],
        "previousHash": None,
        "hash": entry["hash"],
    }


def test_given_consent_does_not_allow_calls(make: Make, team: Team) -> None:
    path = team.contact(allow_phone_calls=False)
    before = team.client.get(path)
    team.client.post(f"{path}/consents", GIVEN)
    assert team.client.get(path) == before
    assert [one["type"] for one in make.events(path)] == ["contact.created"]


@pytest.mark.parametrize("status", ["refused", "withdrawn", "objected"])
def test_a_refusal_forbids_calls_at_once(make: Make, team: Team, status: str) -> None:
    path = team.contact()
    response = team.client.request(
        "POST", f"{path}/consents", json={"status": status, "source": "Phone call"}, status=201
    )
    contact = team.client.get(path)
    assert (contact["allowPhoneCalls"], contact["lastModificationSource"]) == (False, "API")
    [_, event] = make.events(path)
    assert (event["type"], event["object_version"], event["source"]) == ("contact.updated", 2, "API")
    assert json.loads(event["changes"]) == {"allowPhoneCalls": [True, False]}
    assert (event["api_key_id"], event["request_id"]) == (team.key.id, response.headers["x-request-id"])
    [entry] = team.client.walk(f"{path}/consents")
    assert entry == response.json()
    assert (entry["status"], entry["contactVersion"]) == (status, 2)


def test_a_second_refusal_is_kept_and_changes_nothing(make: Make, team: Team) -> None:
    path = team.contact(allow_phone_calls=False)
    for _ in range(2):
        team.client.post(f"{path}/consents", {"status": "objected", "source": "Letter"})
    assert len(make.events(path)) == 1
    assert [one["contactVersion"] for one in team.client.walk(f"{path}/consents")] == [1, 1, 1]


@pytest.mark.parametrize(("before", "status"), [(True, "objected"), (False, "asserted")])
def test_every_other_change_leaves_an_entry_too(team: Team, before: bool, status: str) -> None:
    path = team.contact(allow_phone_calls=before)
    team.client.patch(path, {"role": "CTO"})
    team.client.patch(path, {"allowPhoneCalls": before})
    first = team.client.walk(f"{path}/consents")
    assert [one["status"] for one in first] == ([] if before else ["objected"]), "who came as somebody not to be called"
    contact = team.client.patch(path, {"allowPhoneCalls": not before, "city": "Lille"})
    entry, *earlier = team.client.walk(f"{path}/consents")
    assert earlier == first
    assert (entry["status"], entry["source"], entry["contactVersion"]) == (status, "API", 3)
    assert (entry["obtainedAt"], entry["wording"], entry["evidence"]) == (contact["updatedAt"], None, {})


def test_what_the_entry_of_a_changed_property_tells(make: Make, team: Team) -> None:
    """Its version leads to the event, which names the key and the request."""
    path = team.contact()
    response = team.client.request("PATCH", path, json={"allowPhoneCalls": False}, status=200)
    [entry] = team.client.walk(f"{path}/consents")
    [event] = [one for one in make.events(path) if one["object_version"] == entry["contactVersion"]]
    assert (event["api_key_id"], event["request_id"]) == (team.key.id, response.headers["x-request-id"])


def test_each_entry_holds_the_hash_of_the_one_before(make: Make, team: Team) -> None:
    path = team.contact()
    team.client.post(f"{path}/consents", GIVEN)
    team.client.patch(path, {"allowPhoneCalls": False})
    team.client.patch(path, {"allowPhoneCalls": True})
    team.client.post(f"{path}/consents", {"status": "withdrawn", "source": "E-mail"})
    entries = team.client.walk(f"{path}/consents")[::-1]
    assert [one["status"] for one in entries] == ["given", "objected", "asserted", "withdrawn"]
    assert [one["position"] for one in entries] == [1, 2, 3, 4]
    assert [one["previousHash"] for one in entries] == [None, *(one["hash"] for one in entries[:-1])]
    contents = make.rows(
        "SELECT consent_content(n) AS text FROM contact_consents n WHERE workspace_id = :id ORDER BY position",
        id=team.workspace_id,
    )
    previous = b""
    for entry, content in zip(entries, contents, strict=True):
        previous = hashlib.sha256(previous + content["text"].encode()).digest()
        assert entry["hash"] == previous.hex()
        told = json.loads(content["text"])
        assert told.pop("workspaceId") == str(team.workspace_id)
        assert told.pop("contactId") == path.rpartition("/")[2]
        assert told == {name: one for name, one in entry.items() if name not in ("hash", "previousHash")}


def test_entries_made_at_once_are_one_chain(team: Team) -> None:
    path = team.contact()
    team.client.get(path)

    def write(number: int) -> None:
        if number % 2:
            team.client.post(f"{path}/consents", {"status": "objected", "source": f"Call {number}"})
        else:
            team.client.patch(path, {"allowPhoneCalls": number % 4 == 0})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(24)))
    entries = team.client.walk(f"{path}/consents", size=5)[::-1]
    assert [one["position"] for one in entries] == list(range(1, len(entries) + 1))
    assert [one["previousHash"] for one in entries] == [None, *(one["hash"] for one in entries[:-1])]


def test_the_same_request_twice(team: Team) -> None:
    path = team.contact()
    headers = {"idempotency-key": f"said once {path}"}
    first = team.client.post(f"{path}/consents", GIVEN, headers=headers)
    assert team.client.post(f"{path}/consents", GIVEN, headers=headers) == first
    assert len(team.client.walk(f"{path}/consents")) == 1


def test_a_deleted_contact_says_nothing_more(team: Team) -> None:
    path = team.contact()
    team.client.delete(path)
    team.client.post(f"{path}/consents", GIVEN, status=404)


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({}, [("/source", "REQUIRED"), ("/status", "REQUIRED")]),
        ({"status": "asserted", "source": "x"}, [("/status", "UNKNOWN_VALUE")]),
        ({"status": "given", "source": "x"}, [("/legalBasis", "REQUIRED"), ("/purpose", "REQUIRED")]),
        (GIVEN | {"legalBasis": None}, [("/legalBasis", "REQUIRED")]),
        ({"status": "refused", "source": "x", "legalBasis": "hope"}, [("/legalBasis", "UNKNOWN_VALUE")]),
        (GIVEN | {"purpose": "\u0000"}, [("/purpose", "FORBIDDEN_CHARACTER")]),
        ({"status": "refused", "source": "x", "purpose": ""}, [("/purpose", "TOO_SHORT")]),
        (GIVEN | {"source": "x" * 201}, [("/source", "TOO_LONG")]),
        (GIVEN | {"wording": "x" * 10_001}, [("/wording", "TOO_LONG")]),
        (GIVEN | {"wording": "\u0000"}, [("/wording", "FORBIDDEN_CHARACTER")]),
        (GIVEN | {"evidence": {"a": "\u0000"}}, [("/evidence/a", "FORBIDDEN_CHARACTER")]),
        (GIVEN | {"evidence": []}, [("/evidence", "WRONG_TYPE")]),
        (GIVEN | {"obtainedAt": "0001-01-01T00:00:00+10:00"}, [("/obtainedAt", "OUT_OF_RANGE")]),
        (GIVEN | {"obtainedAt": "0001-01-01T00:00:00Z"}, [("/obtainedAt", "OUT_OF_RANGE")]),
        (GIVEN | {"obtainedAt": "1899-12-31T23:59:59Z"}, [("/obtainedAt", "OUT_OF_RANGE")]),
        (
            GIVEN | {"obtainedAt": (datetime.now(UTC) + timedelta(days=1)).isoformat()},
            [("/obtainedAt", "OUT_OF_RANGE")],
        ),
    ],
)
def test_bad_input(team: Team, body: dict[str, Any], faults: list[tuple[str, str]]) -> None:
    assert sorted(team.client.faults("POST", f"{team.contact()}/consents", json=body)) == faults


def test_who_comes_as_somebody_not_to_be_called_has_an_entry(team: Team) -> None:
    """However they come; an import is tested with imports."""
    person = {"firstName": "Ana", "lastName": "Lopez", "allowPhoneCalls": False}
    bodies = [person | {"phoneNumbers": [f"+3363998060{number}"]} for number in range(3)]
    created = team.client.post("/v1/contacts", bodies[0])
    upserted = team.client.post("/v1/contacts/upsert", {"contact": bodies[1]})["contact"]
    batch = team.client.post("/v1/contacts/batch", {"items": [bodies[2]]}, status=200)["results"][0]
    for id in (created["id"], upserted["id"], batch["id"]):
        [entry] = team.client.walk(f"/v1/contacts/{id}/consents")
        assert (entry["status"], entry["source"], entry["contactVersion"]) == ("objected", "API", 1)
