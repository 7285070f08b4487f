"""Idempotency-Key: one effect for each key, and the first answer for its repetitions."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import httpx
import pytest

from skipcall.idempotency import actions
from skipcall.postgres.db import Database
from tests.make import Make, Team, phone_number

NEW = {"firstName": "Ana", "lastName": "Lopez", "phoneNumbers": [phone_number(1)]}


def create(team: Team, key: str, body: Any = None, **options: Any) -> httpx.Response:
    return team.client.request("POST", "/v1/contacts", json=body or NEW, headers={"idempotency-key": key}, **options)


def test_a_repeated_creation_creates_once(team: Team) -> None:
    first = create(team, "a", status=201)
    again = create(team, "a", status=201)
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.content == first.content
    for name in ("etag", "location", "content-type"):
        assert again.headers[name] == first.headers[name]
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert team.client.get("/v1/contacts")["meta"]["total"] == 1
    assert len(team.make.events(first.headers["location"])) == 1


def test_a_repetition_spends_the_budget_and_shows_it_as_it_is(team: Team) -> None:
    first, again = create(team, "a"), create(team, "a")
    left = int(first.headers["x-ratelimit-remaining"])
    assert int(again.headers["x-ratelimit-remaining"]) == left - 1


def test_a_repeated_patch_changes_once(team: Team) -> None:
    path = team.contact()
    headers = {"idempotency-key": "a"}
    first = team.client.request("PATCH", path, json={"role": "CTO"}, headers=headers, status=200)
    team.client.patch(path, {"role": "CEO"})
    again = team.client.request("PATCH", path, json={"role": "CTO"}, headers=headers, status=200)
    assert again.content == first.content
    assert team.client.get(path)["role"] == "CEO"


def test_notes_on_the_first_answer_come_once(team: Team) -> None:
    team.field("Industry")
    path = team.contact()
    body = {"customFields": {"Industry": "Food"}, "fistName": "x"}
    for _ in range(2):
        response = team.client.request("PATCH", path, json=body, headers={"idempotency-key": "a"}, status=200)
        assert response.headers.get_list("x-ignored-fields") == ["fistName"]
        assert len(response.headers.get_list("deprecation")) == 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/contacts", NEW | {"role": "CTO"}),
        ("POST", "/v1/contacts?customFieldKeys=slug", NEW),
        ("POST", "/v1/custom-fields", {"name": "Industry"}),
    ],
)
def test_another_request_with_the_same_key_is_422(team: Team, method: str, path: str, body: Any) -> None:
    create(team, "a", status=201)
    response = team.client.request(method, path, json=body, headers={"idempotency-key": "a"}, status=422)
    assert response.json()["error"]["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert team.client.get("/v1/contacts")["meta"]["total"] == 1


def test_a_refusal_is_not_kept(team: Team) -> None:
    create(team, "a", NEW | {"customFields": {"industry": "Food"}}, status=400)
    create(team, "a", {"firstName": "Ana"}, status=400)
    create(team, "a", status=201)


def test_keys_of_two_api_keys_never_meet(team: Team) -> None:
    other = team.client_for()
    first = create(team, "a", status=201)
    second = other.request("POST", "/v1/contacts", json=NEW, headers={"idempotency-key": "a"}, status=201)
    assert "idempotent-replayed" not in second.headers
    assert first.json()["id"] != second.json()["id"]


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
def test_a_malformed_key_is_400(team: Team, key: str) -> None:
    faults = team.client.faults("POST", "/v1/contacts", json=NEW, headers={"idempotency-key": key})
    assert faults == [("/header/Idempotency-Key", "INVALID_FORMAT")]


@pytest.mark.parametrize("key", ["x" * 255, "a b", "~!@#$%^&*()"])
def test_any_printable_key_will_do(team: Team, key: str) -> None:
    create(team, key, status=201)


def test_concurrent_repetitions_have_one_effect(team: Team) -> None:
    for number in range(5):
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _, key=str(number): create(team, key), range(20)))
        done = [one for one in answers if one.status_code == 201]
        assert len({one.json()["id"] for one in done}) == 1
        assert sum("idempotent-replayed" not in one.headers for one in done) == 1
        for one in answers:
            if one.status_code != 201:
                assert (one.status_code, one.json()["error"]["code"]) == (409, "IDEMPOTENCY_KEY_IN_USE")
                assert one.headers["retry-after"] == "1"
    assert team.client.get("/v1/contacts")["meta"]["total"] == 5


def test_an_answer_is_kept_for_24_hours_and_then_forgotten(team: Team, make: Make) -> None:
    first = create(team, "a", status=201).json()
    age(make, team.key.id, hours=23)
    assert create(team, "a").json() == first
    age(make, team.key.id, hours=2)
    assert create(team, "a", status=201).json()["id"] != first["id"]
    age(make, team.key.id, hours=25)

    async def forget() -> None:
        database = Database(make.database_url, 1)
        await database.open()
        await actions.forget_old_answers(database)
        await database.close()

    make.run(forget())
    assert make.value("SELECT count(*) FROM idempotent_answers WHERE api_key_id = :id", id=team.key.id) == 0


def age(make: Make, api_key_id: UUID, *, hours: int) -> None:
    make.rows(
        "UPDATE idempotent_answers SET created_at = created_at - make_interval(hours => :hours) WHERE api_key_id = :id",
        id=api_key_id,
        hours=hours,
    )


def test_what_is_kept_is_the_answer_and_no_request(team: Team, make: Make) -> None:
    create(team, "a", status=201)
    [kept] = make.rows("SELECT * FROM idempotent_answers WHERE api_key_id = :id", id=team.key.id)
    assert set(kept) == {"api_key_id", "idempotency_key", "fingerprint", "status", "headers", "body", "created_at"}
    assert kept["status"] == 201
    assert json.loads(kept["body"])["firstName"] == "Ana"
