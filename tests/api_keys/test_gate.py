"""Authentication through HTTP."""

import time
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import pytest

from skipcall.api_keys.model import make_key
from tests.client import Client, exchange, new_address
from tests.make import Make, Team


def status_with(team: Team, headers: list[tuple[str, str]]) -> int:
    """Return the status of a request with exactly these headers, beside an address of its own."""
    with httpx.Client(base_url=team.client.url) as http:
        return http.get("/v1/me", headers=[*headers, ("x-forwarded-for", new_address())]).status_code


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_read_in_any_case(team: Team, scheme: str) -> None:
    assert status_with(team, [("authorization", f"{scheme} {team.key.text}")]) == 200


def test_what_is_not_one_bearer_key_is_401(team: Team) -> None:
    key = team.key.text
    for value in (
        key,
        f"Basic {key}",
        f"Bearer{key}",
        f"Bearer  {key}",
        f"Bearer\t{key}",
        f"Bearer {key} x",
        f"Bearer {key},",
        "Bearer",
        "",
        f"Bearer {key[:-1]}",
        f"Bearer {key.replace('sk_live', 'sk_test')}",
        f"Bearer {'a' * 8_000}",
    ):
        assert status_with(team, [("authorization", value)]) == 401, value
    assert status_with(team, [("authorization", f"Bearer {key}")] * 2) == 401
    assert status_with(team, [("x-api-key", key)]) == 401
    assert status_with(team, [("cookie", f"key={key}")]) == 401
    team.make.client().request("GET", f"/v1/me?key={key}&access_token={key}", status=401)


def test_a_header_that_is_not_ascii_is_401(team: Team) -> None:
    request = (
        "GET /v1/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"X-Forwarded-For: {new_address()}\r\nAuthorization: Bearer {team.key.text[:-1]}é\r\n\r\n"
    )
    assert exchange(team.client.url, request.encode()).startswith(b"HTTP/1.1 401 ")


def test_all_reasons_look_the_same(make: Make, team: Team) -> None:
    expired = make.api_key(
        team.organization_id, [team.workspace_id], expires_at=datetime.now(UTC) - timedelta(seconds=1)
    )
    revoked = make.api_key(team.organization_id, [team.workspace_id])
    make.revoke(revoked)
    unknown, _ = make_key("LIVE")
    answers = set()
    for key in (None, "nonsense", unknown, expired.text, revoked.text):
        error = make.client(key).get("/v1/me", status=401)["error"]
        answers.add((error["code"], error["message"], error["status"], tuple(sorted(error))))
    assert answers == {("UNAUTHORIZED", "Invalid or revoked API key", 401, answers.copy().pop()[3])}


def test_a_revoked_key_is_refused_within_a_second(make: Make, team: Team) -> None:
    for _ in range(3):
        key = make.api_key(team.organization_id, [team.workspace_id])
        client = make.client(key)
        client.get("/v1/me")
        make.revoke(key)
        time.sleep(1)
        client.get("/v1/me", status=401)


def test_a_subscription_that_ends_is_noticed_within_a_second(make: Make) -> None:
    from skipcall.plans import queries as plans

    team = make.team()
    team.client.get("/v1/me")
    make.run(plans.set_subscription(make.db, team.organization_id, "CANCELED", None))
    time.sleep(1)
    assert team.client.get("/v1/me", status=403)["error"]["code"] == "SUBSCRIPTION_REQUIRED"
    make.run(plans.set_subscription(make.db, team.organization_id, "ACTIVE", None))
    time.sleep(1)
    team.client.get("/v1/me")


@pytest.mark.parametrize(
    ("plan", "status", "ends_in_seconds", "code"),
    [
        ("EXPERT", "ACTIVE", None, None),
        ("STARTER", "TRIALING", 60, None),
        ("INTERMÉDIAIRE", "PAST_DUE", None, None),
        ("EXPERT", "ACTIVE", -1, "SUBSCRIPTION_REQUIRED"),
        ("EXPERT", "NONE", None, "SUBSCRIPTION_REQUIRED"),
        ("FREE", "CANCELED", None, "SUBSCRIPTION_REQUIRED"),
        ("FREE", "ACTIVE", None, "PLAN_NOT_ELIGIBLE"),
        (None, "ACTIVE", None, "PLAN_NOT_ELIGIBLE"),
        (None, None, None, "SUBSCRIPTION_REQUIRED"),
    ],
)
def test_subscription_and_plan(
    make: Make, plan: str | None, status: str | None, ends_in_seconds: int | None, code: str | None
) -> None:
    ends_at = None if ends_in_seconds is None else datetime.now(UTC) + timedelta(seconds=ends_in_seconds)
    team = make.team(plan=plan, status=status, ends_at=ends_at)
    answer = team.client.get("/v1/me", status=403 if code else 200)
    assert answer.get("error", {}).get("code") == code


def test_a_key_expires(make: Make, team: Team) -> None:
    key = make.api_key(team.organization_id, [team.workspace_id], expires_at=datetime.now(UTC) + timedelta(seconds=1.5))
    client = make.client(key)
    client.get("/v1/me")
    time.sleep(1.6)
    client.get("/v1/me", status=401)


def test_no_key_can_be_stored_across_modes_or_organizations(make: Make, team: Team) -> None:
    for workspace_id in (team.workspace("TEST"), make.team().workspace_id):
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            make.api_key(team.organization_id, [team.workspace_id, workspace_id])


def test_modes_do_not_see_each_other(make: Make, team: Team) -> None:
    test = make.team("TEST", team.organization_id)
    team.client.get(test.contact(), status=404)
    test.client.get(team.contact(), status=404)
    assert test.client.get("/v1/me")["apiKey"]["environment"] == "TEST"


def test_a_mistyped_key_costs_no_query(make: Make, team: Team) -> None:
    """Only keys with a right checksum are looked up."""
    make.client(team.key).get("/v1/me")
    table = "SELECT idx_scan + seq_scan FROM pg_stat_user_tables WHERE relname = 'api_keys'"

    def settled() -> int:
        time.sleep(1.5)  # statistics are sent once a second
        return int(make.value(table))

    before = settled()
    client = Client(team.client.url)
    for number in range(200):
        wrong = team.key.text[:-3] + f"{number:03}"
        client.request("GET", "/v1/me", headers={"authorization": f"Bearer {wrong}"})
    client.close()
    assert settled() - before < 100  # the server's own bookkeeping looks at the table too


def test_uses_are_written_down(make: Make, team: Team) -> None:
    team.field("Industry")
    contact = team.contact()
    for _ in range(3):
        team.client.patch(contact, {"customFields": {"Industry": "Food"}})
    deadline = time.monotonic() + 20
    query = "SELECT last_used_at, custom_field_names_used FROM api_key_uses WHERE api_key_id = :id"
    while not (uses := make.rows(query, id=team.key.id)):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert uses[0]["last_used_at"] is not None
    assert uses[0]["custom_field_names_used"] == 3
