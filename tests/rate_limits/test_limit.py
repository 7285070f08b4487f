"""The organization's budget and the address's, through HTTP."""

import time

import pytest

from tests.client import new_address
from tests.make import Make

LIMIT = {"STARTER": 100, "INTERMÉDIAIRE": 100, "EXPERT": 1000}


@pytest.mark.parametrize("plan", LIMIT)
def test_the_plan_sets_the_limit(make: Make, plan: str) -> None:
    team = make.team(plan=plan, requests_per_minute=None)
    response = team.client.request("GET", "/v1/me", status=200)
    assert int(response.headers["x-ratelimit-limit"]) == LIMIT[plan]
    assert int(response.headers["x-ratelimit-remaining"]) == LIMIT[plan] - 1
    assert response.json()["limits"]["requestsPerMinute"] == LIMIT[plan]


def test_exactly_the_limit_is_admitted_then_429(make: Make) -> None:
    team = make.team(plan="STARTER", requests_per_minute=None)
    start = time.time()
    for left in reversed(range(100)):
        response = team.client.request("GET", "/v1/me", status=200)
        assert int(response.headers["x-ratelimit-remaining"]) == left
    refused = team.client.request("GET", "/v1/me", status=429)
    error = refused.json()["error"]
    assert error["code"] == "RATE_LIMIT_EXCEEDED"
    assert int(refused.headers["x-ratelimit-remaining"]) == 0
    # The first admission leaves the window a minute after it came, and nothing fits before.
    wait = int(refused.headers["retry-after"])
    assert start + 60 <= time.time() + wait + 1
    assert time.time() + wait <= start + 62 + (time.time() - start)
    assert int(refused.headers["x-ratelimit-reset"]) >= int(time.time()) + wait - 1


def test_all_keys_of_an_organization_share_one_budget(make: Make) -> None:
    team = make.team(plan="STARTER", requests_per_minute=10)
    other = team.client_for(team.workspace())
    test_mode = team.client_for(team.workspace("TEST"), mode="TEST")
    for number in range(9):
        (team.client, other, test_mode)[number % 3].request("GET", "/v1/me", status=200)
    assert team.client.request("GET", "/v1/me", status=200).headers["x-ratelimit-remaining"] == "0"
    other.request("GET", "/v1/me", status=429)
    test_mode.request("GET", "/v1/me", status=429)


def test_organizations_do_not_share(make: Make) -> None:
    first, second = make.team(requests_per_minute=1), make.team(requests_per_minute=1)
    first.client.request("GET", "/v1/me", status=200)
    first.client.request("GET", "/v1/me", status=429)
    second.client.request("GET", "/v1/me", status=200)


def test_what_spends_and_what_does_not(make: Make) -> None:
    team = make.team(requests_per_minute=50)

    def left() -> int:
        return int(team.client.request("GET", "/v1/me", status=200).headers["x-ratelimit-remaining"])

    before = left()
    team.client.request("GET", "/v1/contacts/unknown", status=404)
    team.client.request("GET", "/v1/unknown", status=404)
    team.client.request("PATCH", team.contact(), status=400, json={"firstName": ""})
    assert left() == before - 4
    limited = team.client_for(scopes=["users:read"])
    limited.request("GET", "/v1/contacts", status=403)
    make.client().request("GET", "/v1/me", status=401)
    assert left() == before - 5


def test_a_403_shows_the_budget_of_the_organization(make: Make) -> None:
    team = make.team(requests_per_minute=50)
    response = team.client_for(scopes=["users:read"]).request("GET", "/v1/contacts", status=403)
    assert response.headers["x-ratelimit-limit"] == "50"
    assert response.headers["x-ratelimit-remaining"] == "50"


def test_a_lowered_limit_holds_within_a_second(make: Make) -> None:
    from skipcall.plans import queries as plans

    team = make.team(requests_per_minute=50)
    for _ in range(5):
        team.client.request("GET", "/v1/me", status=200)
    make.run(plans.set_plan(make.db, team.organization_id, "EXPERT", 3))
    time.sleep(1)
    assert team.client.request("GET", "/v1/me", status=429).headers["x-ratelimit-limit"] == "3"


def test_failures_of_an_address_have_a_budget_that_a_valid_key_does_not_need(make: Make) -> None:
    team = make.team()
    address = new_address()
    stranger = make.client(address=address)
    for left in reversed(range(60)):
        response = stranger.request("GET", "/v1/contacts", status=401)
        assert response.headers["x-ratelimit-limit"] == "60"
        assert int(response.headers["x-ratelimit-remaining"]) == left
    refused = stranger.request("GET", "/v1/contacts", status=429)
    assert int(refused.headers["retry-after"]) > 0
    make.client(team.key, address=address).request("GET", "/v1/me", status=200)
    make.client(address=new_address()).request("GET", "/v1/contacts", status=401)
    assert make.client(address=address).request("GET", "/livez", status=200).headers["x-ratelimit-remaining"] == "0"


def test_an_ipv6_customer_is_a_64(make: Make) -> None:
    network = "2001:db8:77"
    first = make.client(address=f"{network}::1").request("GET", "/v1/me", status=401)
    second = make.client(address=f"{network}::ffff:1").request("GET", "/v1/me", status=401)
    assert int(second.headers["x-ratelimit-remaining"]) == int(first.headers["x-ratelimit-remaining"]) - 1
