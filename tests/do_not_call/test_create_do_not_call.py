"""POST /v1/do-not-call."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.make import Make, Team, phone_number

PATH = "/v1/do-not-call"
OPPOSITION = {"phoneNumber": phone_number(142), "reason": "OPPOSITION"}


def later(**units: float) -> str:
    return (datetime.now(UTC) + timedelta(**units)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_a_new_entry(make: Make, team: Team) -> None:
    expires_at = later(days=30)
    body = {"reason": "REGULATORY", "source": "Public list", "evidence": {"file": "2026-11"}, "expiresAt": expires_at}
    response = team.client.request("POST", PATH, json=body | {"phoneNumber": "06 39 98 01 42"}, status=201)
    entry = response.json()
    assert entry == body | {
        "id": entry["id"],
        "phoneNumber": phone_number(142),
        "workspaceId": str(team.workspace_id),
        "createdAt": entry["createdAt"],
        "liftedAt": None,
    }
    assert team.client.get(response.headers["location"]) == entry
    [event] = make.events(entry["id"])
    assert (event["type"], event["api_key_id"], event["request_id"]) == (
        "do_not_call.created",
        team.key.id,
        response.headers["x-request-id"],
    )


@pytest.mark.parametrize(
    ("written", "region", "e164"),
    [
        ("+33 6 39 98 01 42", None, "+33639980142"),
        ("0033 639980142", None, "+33639980142"),
        ("0639980142", None, "+33639980142"),
        ("0171 1234567", "de", "+491711234567"),
    ],
)
def test_numbers_are_read_as_people_write_them(team: Team, written: str, region: str | None, e164: str) -> None:
    body = {"phoneNumber": written, "reason": "MANUAL"} | ({"region": region} if region else {})
    assert team.client.post(PATH, body)["phoneNumber"] == e164


def test_a_number_in_force_answers_its_entry(team: Team) -> None:
    first = team.client.post(PATH, OPPOSITION)
    again = OPPOSITION | {"phoneNumber": "06.39.98.01.42", "expiresAt": later(days=1)}
    assert team.client.post(PATH, again, status=200) == first
    other = team.make.team()
    assert other.client.post(PATH, OPPOSITION)["id"] != first["id"]


def test_a_refusal_for_good_replaces_one_that_ends(team: Team) -> None:
    first = team.client.post(PATH, OPPOSITION | {"expiresAt": later(days=1)})
    second = team.client.post(PATH, OPPOSITION)
    assert second["expiresAt"] is None
    assert [one["id"] for one in team.client.walk(PATH)] == [second["id"]]
    assert team.client.get(f"{PATH}/{first['id']}")["liftedAt"] is not None


def test_reasons_stand_beside_each_other(team: Team) -> None:
    """A refusal is not lifted because another reason, which came later or lasted longer, is."""
    first = team.client.post(PATH, OPPOSITION | {"expiresAt": later(days=30)})
    second = team.client.post(PATH, {"phoneNumber": OPPOSITION["phoneNumber"], "reason": "MANUAL"})
    assert {one["id"] for one in team.client.walk(PATH)} == {first["id"], second["id"]}
    number = {"phoneNumbers": [OPPOSITION["phoneNumber"]]}
    [checked] = team.client.post(f"{PATH}/check", number, status=200)["data"]
    assert (checked["reasons"], checked["entryId"]) == (["DO_NOT_CALL"], second["id"])
    team.client.delete(f"{PATH}/{second['id']}")
    [checked] = team.client.post(f"{PATH}/check", number, status=200)["data"]
    assert (checked["callable"], checked["entryId"]) == (False, first["id"])
    team.client.delete(f"{PATH}/{first['id']}")
    assert team.client.post(f"{PATH}/check", number, status=200)["data"][0]["callable"] is True


def test_names_of_evidence_have_a_limit(team: Team) -> None:
    body = OPPOSITION | {"evidence": {"k" * 101: "v"}}
    assert [code for _, code in team.client.faults("POST", PATH, json=body)] == ["TOO_LONG"]
    team.client.post(PATH, OPPOSITION | {"evidence": {"k" * 100: "v"}})


def test_what_has_expired_makes_way(make: Make, team: Team) -> None:
    first = team.client.post(PATH, OPPOSITION | {"expiresAt": later(days=1)})
    make.rows("UPDATE do_not_call SET expires_at = now() WHERE id = :id", id=first["id"])
    assert team.client.walk(PATH) == []
    second = team.client.post(PATH, OPPOSITION)
    assert second["id"] != first["id"]
    first = team.client.get(f"{PATH}/{first['id']}")
    assert first["liftedAt"] == first["expiresAt"]


def test_many_at_once_make_one_entry(team: Team) -> None:
    def post(_: int) -> tuple[int, str]:
        response = team.client.request("POST", PATH, json=OPPOSITION)
        return response.status_code, response.json()["id"]

    assert team.client.walk(PATH) == []  # opens the connections, which several threads must not do
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(post, range(16)))
    assert sorted(status for status, _ in made) == [200] * 15 + [201]
    assert len({id for _, id in made}) == 1


def test_the_number_is_not_needed_to_refuse(make: Make, team: Team) -> None:
    """What a later erasure does: the plain number goes, the refusal stays."""
    entry = team.client.post(PATH, OPPOSITION)
    make.rows("UPDATE do_not_call SET phone_number = NULL WHERE id = :id", id=entry["id"])
    assert team.client.post(PATH, OPPOSITION, status=200) == entry | {"phoneNumber": None}
    [checked] = team.client.post(f"{PATH}/check", {"phoneNumbers": [OPPOSITION["phoneNumber"]]}, status=200)["data"]
    assert (checked["reasons"], checked["entryId"]) == (["DO_NOT_CALL"], entry["id"])
    stored = make.value("SELECT number_hash FROM do_not_call WHERE id = :id", id=entry["id"])
    assert len(stored) == 32


def test_a_workspace_outside_the_scope(make: Make, team: Team) -> None:
    other = team.workspace()
    for id in (other, make.team().workspace_id, "nonsense"):
        team.client.post(f"{PATH}?workspaceId={id}", OPPOSITION, status=404)
    both = team.client_for(team.workspace_id, other)
    assert both.post(f"{PATH}?workspaceId={other}", OPPOSITION)["workspaceId"] == str(other)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"phoneNumber": "12"}, ("/phoneNumber", "INVALID_PHONE_NUMBER")),
        ({"phoneNumber": "nobody"}, ("/phoneNumber", "INVALID_PHONE_NUMBER")),
        ({"phoneNumber": ""}, ("/phoneNumber", "TOO_SHORT")),
        ({"phoneNumber": "0" * 51}, ("/phoneNumber", "TOO_LONG")),
        ({"reason": "opposition"}, ("/reason", "UNKNOWN_VALUE")),
        ({"region": "XX"}, ("/region", "UNKNOWN_VALUE")),
        ({"source": "a\nb"}, ("/source", "FORBIDDEN_CHARACTER")),
        ({"evidence": {"a/b": "\u0000"}}, ("/evidence/a~1b", "FORBIDDEN_CHARACTER")),
        ({"evidence": {"a": 1}}, ("/evidence/a", "WRONG_TYPE")),
        ({"evidence": {str(one): "" for one in range(21)}}, ("/evidence", "TOO_MANY_ITEMS")),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, ("/expiresAt", "OUT_OF_RANGE")),
        ({"expiresAt": "9999-12-31T23:59:59-10:00"}, ("/expiresAt", "OUT_OF_RANGE")),
        ({"expiresAt": "2030-01-01T00:00:00"}, ("/expiresAt", "WRONG_TYPE")),
    ],
)
def test_bad_input(team: Team, change: dict[str, Any], fault: tuple[str, str]) -> None:
    assert team.client.faults("POST", PATH, json=OPPOSITION | change) == [fault]


def test_all_faults_at_once(team: Team) -> None:
    found = team.client.faults("POST", PATH, json={"region": "XX", "source": "\t"})
    assert sorted(found) == [
        ("/phoneNumber", "REQUIRED"),
        ("/reason", "REQUIRED"),
        ("/region", "UNKNOWN_VALUE"),
        ("/source", "FORBIDDEN_CHARACTER"),
    ]
