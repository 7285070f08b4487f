"""The budget of an organization, over HTTP: beside test_limit, what happens in time and all at once."""

import time
from concurrent.futures import ThreadPoolExecutor

from tests.make import Make, Team


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


def test_many_at_once(make: Make) -> None:
    team = make.team(requests_per_minute=50)
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda _: team.client.request("GET", "/v1/me"), range(200)))
    assert sum(answer.status_code == 200 for answer in answers) == 50
    told = sorted(int(one.headers["x-ratelimit-remaining"]) for one in answers if one.status_code == 200)
    assert told == list(range(50)), "each admission was told another number"
