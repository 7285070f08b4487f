"""Idempotency-Key where it meets other rules."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.client import RawAnswer, exchange
from tests.make import Make, Team, phone_number
from tests.serving import ServerProcess

NEW = {"firstName": "Ana", "lastName": "Lopez", "phoneNumbers": [phone_number(1)]}


@pytest.mark.parametrize(
    "line", ["Idempotency-Key: \u00e9", "Idempotency-Key: a\r\nIdempotency-Key: b", "Idempotency-Key:"]
)
def test_a_key_that_cannot_be_read_is_never_taken_for_none(server: ServerProcess, team: Team, line: str) -> None:
    """Whoever sends one relies on it; going on without would write twice."""
    body = json.dumps(NEW)
    text = (
        f"POST /v1/contacts HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {team.key.text}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n{line}\r\n\r\n{body}"
    )
    answer = RawAnswer(exchange(server.url, text.encode()))
    assert answer.status == 400
    assert json.loads(answer.body)["error"]["details"][0]["pointer"] == "/header/Idempotency-Key"
    assert team.client.get("/v1/contacts")["meta"]["total"] == 0


def test_a_stale_patch_is_not_kept(team: Team) -> None:
    path = team.contact()
    headers = {"idempotency-key": "a"}
    team.client.patch(path, {"city": "Lille"}, 412, headers=headers | {"if-match": '"9-00000000"'})
    first = team.client.request("PATCH", path, status=200, json={"city": "Lille"}, headers=headers)
    assert "idempotent-replayed" not in first.headers
    again = team.client.request(
        "PATCH", path, status=200, json={"city": "Lille"}, headers=headers | {"if-match": '"9-00000000"'}
    )
    assert again.headers["idempotent-replayed"] == "true", "what was done before is told before what is so now"


def test_what_is_not_found_is_not_kept(team: Team, make: Make) -> None:
    team.client.patch(f"/v1/contacts/{uuid4()}", {}, 404, headers={"idempotency-key": "a"})
    assert make.value("SELECT count(*) FROM idempotent_answers WHERE api_key_id = :id", id=team.key.id) == 0


def test_reads_and_deletions_take_no_notice(team: Team) -> None:
    path = team.contact()
    for _ in range(2):
        response = team.client.request("GET", path, status=200, headers={"idempotency-key": "a" * 300})
        assert "idempotent-replayed" not in response.headers
    team.client.delete(path, headers={"idempotency-key": ""})


def test_a_revoked_key_replays_nothing(team: Team, make: Make) -> None:
    import time

    key = make.api_key(team.organization_id, [team.workspace_id])
    client = make.client(key)
    client.post("/v1/contacts", NEW, headers={"idempotency-key": "a"})
    make.revoke(key)
    time.sleep(1)
    client.post("/v1/contacts", NEW, 401, headers={"idempotency-key": "a"})


def test_a_replay_of_a_deleted_contact_is_the_first_answer(team: Team) -> None:
    first = team.client.request("POST", "/v1/contacts", json=NEW, headers={"idempotency-key": "a"}, status=201)
    team.client.delete(first.headers["location"])
    again = team.client.request("POST", "/v1/contacts", json=NEW, headers={"idempotency-key": "a"}, status=201)
    assert again.content == first.content


def test_the_same_bytes_count_not_the_same_meaning(team: Team) -> None:
    options: dict[str, Any] = {"headers": {"idempotency-key": "a", "content-type": "application/json"}}
    team.client.request("POST", "/v1/contacts", status=201, content=json.dumps(NEW), **options)
    team.client.request("POST", "/v1/contacts", status=422, content=json.dumps(NEW, indent=1), **options)
