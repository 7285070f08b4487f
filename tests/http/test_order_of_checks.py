"""Requests that are wrong in several ways: the earliest check answers, alone."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.client import Client
from tests.make import Make, Team

BAD_BODY = b'{"firstName":""'
JSON = {"content-type": "application/json"}
STAGES = ["key", "subscription", "plan", "scope of key", "rate", "body", "contact", "custom field"]
CODES = {
    "key": (401, "UNAUTHORIZED"),
    "subscription": (403, "SUBSCRIPTION_REQUIRED"),
    "plan": (403, "PLAN_NOT_ELIGIBLE"),
    "scope of key": (403, "INSUFFICIENT_SCOPE"),
    "rate": (429, "RATE_LIMIT_EXCEEDED"),
    "body": (400, "VALIDATION_ERROR"),
    "contact": (404, "NOT_FOUND"),
    "custom field": (400, "UNKNOWN_CUSTOM_FIELD"),
}


def prepare(make: Make, wrong: set[str]) -> tuple[Client, str, dict[str, Any]]:
    """Return a client, a path and a request with everything wrong that is asked for."""
    organization_id = make.organization(
        "FREE" if "plan" in wrong else "EXPERT",
        "CANCELED" if "subscription" in wrong else "ACTIVE",
        requests_per_minute=1 if "rate" in wrong else 1000,
    )
    workspace_id = make.workspace(organization_id)
    key = make.api_key(
        organization_id, [workspace_id], scopes=["contacts:read"] if "scope of key" in wrong else ["contacts:write"]
    )
    client = make.client("Nonsense" if "key" in wrong else key)
    if "rate" in wrong and not wrong & {"key", "subscription", "plan", "scope of key"}:
        client.get("/v1/me")
    id = uuid4() if "contact" in wrong else make.contact(workspace_id)
    content = json.dumps({"customFields": {"unknown": "x"}} if "custom field" in wrong else {}).encode()
    return client, f"/v1/contacts/{id}", {"content": BAD_BODY if "body" in wrong else content}


@pytest.mark.parametrize("first", STAGES)
def test_the_earliest_stage_answers(make: Make, first: str) -> None:
    later = STAGES[STAGES.index(first) :]
    for wrong in [set(later), {first}, *({first, other} for other in later[1:])]:
        client, path, options = prepare(make, wrong)
        response = client.request("PATCH", path, headers=JSON, **options)
        told = (response.status_code, response.json()["error"]["code"])
        assert told == CODES[first], wrong


def test_path_and_method_come_after_the_gate(make: Make) -> None:
    stranger = make.client("Nonsense")
    for method, path in (("GET", "/v1/nowhere"), ("PUT", "/v1/contacts"), ("GET", "/v1/"), ("PATCH", "/v1/contacts/x")):
        stranger.request(method, path, status=401)
    spent = make.team(requests_per_minute=1).client
    spent.get("/v1/me")
    spent.request("GET", "/v1/nowhere", status=429)
    spent.request("PUT", "/v1/contacts", status=429)


def test_a_body_is_judged_before_an_id(make: Make) -> None:
    """So that a PATCH is one statement: an id is looked up only by what is right."""
    client = make.team().client
    for path in ("/v1/contacts/nonsense", f"/v1/contacts/{uuid4()}"):
        client.request("PATCH", path, status=400, content=BAD_BODY, headers=JSON)
        client.request("PATCH", path, status=415, content=b"{}", headers={"content-type": "text/plain"})
        client.request("PATCH", path, status=404, content=b"{}", headers=JSON)
        client.request("PATCH", path, status=400, content=b"{}", headers=JSON | {"if-match": "x"})


def test_stale_and_unknown_field(team: Team) -> None:
    """Both need the stored record; whichever answers, nothing is written."""
    path = team.contact()
    body = {"city": "Lille", "customFields": {"unknown": "x"}}
    response = team.client.request("PATCH", path, json=body, headers={"if-match": '"99-00000000"'})
    assert response.status_code in {400, 412}
    assert team.client.get(path)["city"] is None


@pytest.mark.parametrize(
    ("plan", "status", "code"),
    [
        ("EXPERT", "CANCELED", "SUBSCRIPTION_REQUIRED"),
        ("EXPERT", "NONE", "SUBSCRIPTION_REQUIRED"),
        ("EXPERT", None, "SUBSCRIPTION_REQUIRED"),
        ("FREE", "CANCELED", "SUBSCRIPTION_REQUIRED"),
        (None, "NONE", "SUBSCRIPTION_REQUIRED"),
        ("FREE", "ACTIVE", "PLAN_NOT_ELIGIBLE"),
        (None, "ACTIVE", "PLAN_NOT_ELIGIBLE"),
        ("FREE", "TRIALING", "PLAN_NOT_ELIGIBLE"),
    ],
)
def test_subscriptions_that_do_not_open(make: Make, plan: str | None, status: str | None, code: str) -> None:
    team = make.team(plan=plan, status=status, requests_per_minute=None)
    for _ in range(3):
        error = team.client.get("/v1/me", 403)["error"]
        assert error["code"] == code
    if code == "PLAN_NOT_ELIGIBLE":
        assert error["message"] == "API access requires STARTER, INTERMÉDIAIRE or EXPERT plan"


@pytest.mark.parametrize("status", ["ACTIVE", "TRIALING", "PAST_DUE"])
@pytest.mark.parametrize(("plan", "limit"), [("STARTER", 100), ("INTERMÉDIAIRE", 100), ("EXPERT", 1000)])
def test_subscriptions_that_open(make: Make, plan: str, limit: int, status: str) -> None:
    team = make.team(plan=plan, status=status, requests_per_minute=None)
    response = team.client.request("GET", "/v1/me", status=200)
    assert response.headers["x-ratelimit-limit"] == str(limit)


def test_a_subscription_that_ended(make: Make) -> None:
    from datetime import UTC, datetime, timedelta

    ended = make.team(ends_at=datetime.now(UTC) - timedelta(seconds=1))
    assert ended.client.get("/v1/me", 403)["error"]["code"] == "SUBSCRIPTION_REQUIRED"
    ending = make.team(ends_at=datetime.now(UTC) + timedelta(seconds=1.5))
    ending.client.get("/v1/me")
    until(lambda: ending.client.request("GET", "/v1/me").status_code == 403)


def test_a_change_of_subscription_is_seen_within_a_second(make: Make) -> None:
    from skipcall.plans import queries as plans

    team = make.team()
    team.client.get("/v1/me")
    make.run(plans.set_subscription(make.db, team.organization_id, "CANCELED", None))
    until(lambda: team.client.request("GET", "/v1/me").status_code == 403, seconds=1.2)
    make.run(plans.set_subscription(make.db, team.organization_id, "ACTIVE", None))
    until(lambda: team.client.request("GET", "/v1/me").status_code == 200, seconds=1.2)


def until(happened: Callable[[], bool], seconds: float = 4) -> None:
    import time

    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)
