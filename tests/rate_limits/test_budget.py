"""The budget of an organization, over HTTP."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from skipcall.plans import queries as plans
from tests.make import Make, Team


@pytest.mark.parametrize("plan", ["STARTER", "INTERMÉDIAIRE"])
def test_a_hundred_and_no_more(make: Make, plan: str) -> None:
    team = make.team(plan=plan, requests_per_minute=None)
    start = time.time()
    for left in range(99, -1, -1):
        response = team.client.request("GET", "/v1/me", status=200)
        assert response.headers["x-ratelimit-limit"] == "100"
        assert response.headers["x-ratelimit-remaining"] == str(left)
        assert abs(int(response.headers["x-ratelimit-reset"]) - (time.time() + 60)) <= 1.5
        assert "retry-after" not in response.headers
    refused = team.client.request("GET", "/v1/me", status=429)
    error = refused.json()["error"]
    assert error["code"] == "RATE_LIMIT_EXCEEDED"
    assert refused.headers["x-ratelimit-remaining"] == "0"
    wait = int(refused.headers["retry-after"])
    assert start + 60 <= time.time() + wait <= time.time() + 61
    for _ in range(20):
        team.client.request("GET", "/v1/me", status=429)


def test_a_thousand_for_expert(make: Make) -> None:
    team = make.team(requests_per_minute=None)
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: team.client.request("GET", "/v1/nowhere").status_code, range(1050)))
    assert statuses.count(404) == 1000
    assert statuses.count(429) == 50


def test_waiting_as_told_is_enough(make: Make) -> None:
    """The one test that waits for a minute to pass, for the whole way from the clock to the header."""
    team = make.team(requests_per_minute=2)
    team.client.get("/v1/me")
    time.sleep(1)
    team.client.get("/v1/me")
    refused = team.client.request("GET", "/v1/me", status=429)
    reset = int(refused.headers["x-ratelimit-reset"])
    time.sleep(int(refused.headers["retry-after"]))
    team.client.request("GET", "/v1/me", status=200)
    assert time.time() < reset + 1
    team.client.request("GET", "/v1/me")


def test_what_spends_and_what_does_not(make: Make, team: Team) -> None:
    client = team.client

    def left() -> int:
        return int(client.request("GET", "/v1/me", status=200).headers["x-ratelimit-remaining"])

    start = left()
    path = team.contact()
    client.get("/v1/nowhere", 404)
    client.get("/v1/contacts/x", 404)
    client.patch(path, {"city": 1}, 400)
    client.request("PUT", path, status=405)
    client.request("PATCH", path, status=415, content=b"x")
    client.request("GET", path, headers={"if-none-match": "*"}, status=304)
    assert left() == start - 7
    reader = make.client(make.api_key(team.organization_id, [team.workspace_id], scopes=["contacts:read"]))
    refused = reader.request("PATCH", path, json={}, status=403)
    assert refused.headers["x-ratelimit-limit"] == "1000000"
    make.client("nonsense").request("GET", path, status=401)
    client.request("GET", "/v1/health", status=200)
    assert left() == start - 8


def test_a_refused_request_spends_nothing(make: Make) -> None:
    team = make.team(requests_per_minute=1)
    team.client.get("/v1/me")
    first = team.client.request("GET", "/v1/me", status=429)
    time.sleep(1.1)
    later = team.client.request("GET", "/v1/me", status=429)
    assert later.headers["x-ratelimit-reset"] == first.headers["x-ratelimit-reset"]
    assert int(later.headers["retry-after"]) < int(first.headers["retry-after"])


def test_subscriptions_that_do_not_open_spend_nothing(make: Make) -> None:
    canceled = make.team(status="CANCELED", requests_per_minute=5)
    for _ in range(7):
        response = canceled.client.request("GET", "/v1/me", status=403)
        assert response.headers["x-ratelimit-remaining"] == "5"
    free = make.team(plan="FREE", requests_per_minute=None)
    assert free.client.request("GET", "/v1/me", status=403).headers["x-ratelimit-limit"] == "0"


def test_one_budget_for_all_keys_and_modes_of_an_organization(make: Make) -> None:
    team = make.team(requests_per_minute=6)
    second = team.client_for()
    test_mode = make.team("TEST", team.organization_id).client
    for client in (team.client, second, test_mode) * 2:
        client.request("GET", "/v1/me", status=200)
    for client in (team.client, second, test_mode):
        client.request("GET", "/v1/me", status=429)
    make.team(requests_per_minute=6).client.get("/v1/me")


def test_many_at_once(make: Make) -> None:
    team = make.team(requests_per_minute=50)
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda _: team.client.request("GET", "/v1/me"), range(200)))
    assert sum(answer.status_code == 200 for answer in answers) == 50
    told = sorted(int(one.headers["x-ratelimit-remaining"]) for one in answers if one.status_code == 200)
    assert told == list(range(50)), "each admission was told another number"


def test_a_lowered_limit_holds_at_once(make: Make) -> None:
    team = make.team(requests_per_minute=100)
    for _ in range(20):
        team.client.get("/v1/me")
    make.run(plans.set_plan(make.db, team.organization_id, "EXPERT", 10))
    deadline = time.monotonic() + 1.2
    while (response := team.client.request("GET", "/v1/me")).status_code == 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert response.status_code == 429
    assert response.headers["x-ratelimit-limit"] == "10"
    assert response.headers["x-ratelimit-remaining"] == "0"
    make.run(plans.set_plan(make.db, team.organization_id, "EXPERT", 1000))
    while team.client.request("GET", "/v1/me").status_code == 429:
        assert time.monotonic() < deadline + 1.2
        time.sleep(0.05)
