"""What every operation of the server promises, asked of each one in `app.OPERATIONS`: a new one cannot be left out."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from skipcall.app import OPERATIONS
from skipcall.http.routing import Operation
from tests.make import Make, Team

TESTS = Path(__file__).parents[1]
GUARDED = [one for one in OPERATIONS if one.scope is not None]
OPEN = [one for one in OPERATIONS if one.scope is None]
SCOPED = [one for one in GUARDED if one.scope]
BY_ID = [one for one in GUARDED if "{id}" in one.path]

guarded = pytest.mark.parametrize("operation", GUARDED, ids=lambda one: f"{one.method} {one.path}")

NOWHERE = "00000000-0000-7000-8000-000000000000"

# A body that each operation with one takes. A new operation with a body needs one here.
BODIES: dict[str, Any] = {
    "create_contact": {"firstName": "Ana", "lastName": "Lopez", "phoneNumbers": ["+33639980001"]},
    "update_contact": {"role": "CTO"},
    "create_export": {},
    "create_import": {},
    "confirm_import": {"digest": "0" * 64},
    "search_contacts": {"text": "lopez"},
    "add_phone_number": {"phoneNumber": "+33639980002"},
    "upsert_contact": {"contact": {"firstName": "Ana", "lastName": "Lopez", "phoneNumbers": ["+33639980003"]}},
    "batch_contacts": {"items": [{"firstName": "Ana", "lastName": "Lopez", "phoneNumbers": ["+33639980004"]}]},
    "merge_contact": {"contactId": "00000000-0000-7000-8000-000000000001"},
    "create_call": {
        "type": "outbound",
        "status": "completed",
        "startedAt": "2026-03-02T09:41:07.250Z",
        "phoneNumber": "+33639980001",
    },
    "update_call": {"notes": "Call back"},
    "put_transcription": {"summary": "Wants an offer by Friday"},
    "record_contact_consent": {"status": "objected", "source": "Phone call"},
    "create_do_not_call": {"phoneNumber": "+33639980001", "reason": "OPPOSITION"},
    "check_do_not_call": {"phoneNumbers": ["+33639980001"]},
    "create_custom_field": {"name": "Industry"},
    "update_custom_field": {"name": "Sector"},
    "create_tag": {"label": "Meeting booked"},
    "update_tag": {"label": "Meeting"},
    "create_sequence": {"name": "Prospects", "creatorId": NOWHERE},
    "update_sequence": {"name": "Clients"},
    "add_sequence_contacts": [{"contactId": NOWHERE}],
    "remove_sequence_contacts": [NOWHERE],
}


def call(client: Any, operation: Operation, id: str = NOWHERE, **options: Any) -> httpx.Response:
    if operation.body is not None and "json" not in options:
        options["json"] = BODIES[operation.handler.__name__]
    response: httpx.Response = client.request(operation.method, operation.path.replace("{id}", id), **options)
    return response


def comparable(response: httpx.Response) -> tuple[int, bytes]:
    return response.status_code, response.content.replace(response.headers["x-request-id"].encode(), b"")


@pytest.fixture(scope="module")
def own(make: Make) -> Team:
    return make.team()


@guarded
def test_no_key_is_401(make: Make, operation: Operation) -> None:
    for client in (make.client(), make.client("sk_live_nonsense")):
        response = call(client, operation)
        assert response.status_code == 401
        assert response.json()["error"]["code"] == "UNAUTHORIZED"
        assert response.headers["www-authenticate"] == "Bearer"
        assert response.headers["x-ratelimit-limit"] == "60"


@guarded
def test_no_subscription_is_403(make: Make, operation: Operation) -> None:
    team = make.team(plan="EXPERT", status="CANCELED")
    response = call(team.client, operation)
    assert (response.status_code, response.json()["error"]["code"]) == (403, "SUBSCRIPTION_REQUIRED")


@guarded
def test_a_plan_without_the_api_is_403(make: Make, operation: Operation) -> None:
    team = make.team(plan="FREE", requests_per_minute=None)
    response = call(team.client, operation)
    assert (response.status_code, response.json()["error"]["code"]) == (403, "PLAN_NOT_ELIGIBLE")
    for plan in ("STARTER", "INTERMÉDIAIRE", "EXPERT"):
        assert plan in response.json()["error"]["message"]


@pytest.mark.parametrize("operation", SCOPED, ids=lambda one: f"{one.method} {one.path}")
def test_a_key_without_the_scope_is_403(own: Team, operation: Operation) -> None:
    others = sorted({one.scope for one in SCOPED if one.scope} - {operation.scope})
    response = call(own.client_for(scopes=others), operation)
    assert (response.status_code, response.json()["error"]["code"]) == (403, "INSUFFICIENT_SCOPE")
    assert str(operation.scope) in response.json()["error"]["message"]


@guarded
def test_a_spent_budget_is_429_before_anything_else(make: Make, operation: Operation) -> None:
    team = make.team(requests_per_minute=1)
    team.client.request("GET", "/v1/me", status=200)
    options: dict[str, Any] = {"content": b"not even JSON"} if operation.body is not None else {}
    response = team.client.request(operation.method, operation.path, **options)
    assert (response.status_code, response.json()["error"]["code"]) == (429, "RATE_LIMIT_EXCEEDED")


@pytest.mark.parametrize(
    "operation",
    [one for one in GUARDED if one.method != "GET" and not one.conditional],
    ids=lambda one: f"{one.method} {one.path}",
)
def test_a_condition_that_nobody_would_look_at_is_refused(own: Team, operation: Operation) -> None:
    response = call(own.client, operation, headers={"if-match": '"1-0000-00000000"'})
    assert response.status_code == 400
    told = [(one["pointer"], one["code"]) for one in response.json()["error"]["details"]]
    assert ("/header/If-Match", "NOT_CONDITIONAL") in told


@pytest.mark.parametrize("operation", BY_ID, ids=lambda one: f"{one.method} {one.path}")
def test_what_is_not_yours_looks_like_what_is_not_there(make: Make, own: Team, operation: Operation) -> None:
    """Another organization's, another workspace's, another mode's, an id that is none: the same bytes."""
    strangers = [make.team(), make.team("TEST"), make.team("TEST", own.organization_id)]
    strangers.append(make.team(organization_id=own.organization_id))
    expected = comparable(call(own.client, operation))
    assert expected[0] == 404
    for stranger in strangers:
        assert comparable(call(own.client, operation, id_of(stranger, operation))) == expected
    for malformed in ("x", "{" + NOWHERE + "}", NOWHERE.replace("-", ""), f"urn:uuid:{NOWHERE}", "%00", "é", "9" * 500):
        assert comparable(call(own.client, operation, malformed)) == expected


def id_of(team: Team, operation: Operation) -> str:
    """Return the id of something that belongs to a team and that the operation could be about."""
    noun = operation.path.split("/")[2]
    if noun == "contacts":
        return team.contact().rpartition("/")[2]
    if noun == "calls":
        return team.call().rpartition("/")[2]
    if noun == "custom-fields":
        return team.field("Industry").id
    if noun == "do-not-call":
        entry = {"phoneNumber": "+33639980001", "reason": "OPPOSITION"}
        return str(team.client.request("POST", "/v1/do-not-call", json=entry).json()["id"])
    if noun == "tags":
        return team.tag("Later")
    if noun == "sequences":
        return team.sequence().rpartition("/")[2]
    if noun == "phone-numbers":
        return team.phone_number()
    if noun == "exports":
        return team.export()
    if noun == "erasures":
        return str(team.client.post(f"{team.contact()}/erase", None, status=200)["id"])
    if noun == "imports":
        return str(team.client.post("/v1/imports", {})["id"])
    if noun == "workspaces":
        return str(team.workspace_id)
    assert noun == "users", f"say here how to make one of /v1/{noun}"
    team.make.member(team.organization_id, [team.workspace_id])
    return str(team.client.get("/v1/users")["data"][0]["id"])


@pytest.mark.parametrize("operation", OPEN, ids=lambda one: f"{one.method} {one.path}")
def test_what_needs_no_key_spends_no_budget(make: Make, operation: Operation) -> None:
    client = make.client()
    before = client.request("GET", "/livez").headers["x-ratelimit-remaining"]
    client.request(operation.method, operation.path)
    assert client.request("GET", "/livez").headers["x-ratelimit-remaining"] == before == "60"


@pytest.mark.parametrize("path", sorted({one.path for one in OPERATIONS}))
def test_other_methods_are_405(own: Team, path: str) -> None:
    known = {one.method for one in OPERATIONS if one.path == path} | {"HEAD"}
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"):
        if method not in known:
            response = own.client.request(method, path.replace("{id}", NOWHERE), status=405)
            allowed = set(response.headers["allow"].split(", "))
            assert allowed - {"HEAD"} == known - {"HEAD"}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.handler.__name__)
def test_every_operation_has_its_tests_and_its_text(operation: Operation) -> None:
    name = operation.handler.__name__
    assert list(TESTS.glob(f"*/test_{name}.py")), f"tests/<feature>/test_{name}.py is missing"
    assert operation.summary, f"the docstring of {name} is the public text"
    assert operation.noun != "Resource" or "{id}" not in operation.path, f"{name}: noun= is what its 404 names"
