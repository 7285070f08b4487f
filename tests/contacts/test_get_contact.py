"""GET /v1/contacts/{id}."""

import re
from uuid import uuid4

import pytest

from tests.client import Client
from tests.make import Make, Team, phone_number

PROPERTIES = [
    "id",
    "firstName",
    "lastName",
    "email",
    "company",
    "city",
    "country",
    "url",
    "linkedinUrl",
    "linkedinSalesUrl",
    "role",
    "allowPhoneCalls",
    "callCount",
    "lastCallAt",
    "teamId",
    "phoneNumbers",
    "customFields",
    "createdAt",
    "updatedAt",
    "lastModificationSource",
]
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)


def test_answers_exactly_the_properties_of_the_contract(team: Team, client: Client) -> None:
    path = team.contact(email="camille@example.com", phone_numbers=[phone_number(1), phone_number(2)])
    contact = client.get(path)
    assert list(contact) == PROPERTIES
    assert contact["id"] == path.rpartition("/")[2]
    assert contact["teamId"] == str(team.workspace_id)
    assert contact["phoneNumbers"] == [phone_number(1), phone_number(2)]
    assert contact["allowPhoneCalls"] is True
    assert contact["callCount"] == 0
    assert contact["lastCallAt"] is None
    assert contact["customFields"] == {}
    assert contact["lastModificationSource"] == "SKIPCALL"
    assert TIMESTAMP.fullmatch(contact["createdAt"])
    assert TIMESTAMP.fullmatch(contact["updatedAt"])


def test_what_is_empty_is_null(team: Team, client: Client) -> None:
    contact = client.get(team.contact())
    for name in ("email", "company", "city", "country", "url", "linkedinUrl", "linkedinSalesUrl", "role"):
        assert contact[name] is None


def test_text_is_utf_8_and_unescaped(team: Team, client: Client) -> None:
    path = team.contact(company="Société Générale 🏦 </script>")
    response = client.request("GET", path, status=200)
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert "Société Générale 🏦 </script>".encode() in response.content


def test_the_id_in_upper_case_names_the_same_contact(team: Team, client: Client) -> None:
    path = team.contact()
    same = client.get("/v1/contacts/" + path.rpartition("/")[2].upper())
    assert same == client.get(path)


def test_custom_fields_are_keyed_by_name_or_by_slug(team: Team, client: Client) -> None:
    team.field("Team size")
    path = team.contact(custom_fields={"team_size": "50-100"})
    assert client.get(path)["customFields"] == {"Team size": "50-100"}
    assert client.get(path, params={"customFieldKeys": "name"})["customFields"] == {"Team size": "50-100"}
    assert client.get(path, params={"customFieldKeys": "slug"})["customFields"] == {"team_size": "50-100"}
    faults = client.faults("GET", path, params={"customFieldKeys": "id"})
    assert faults == [("/query/customFieldKeys", "UNKNOWN_VALUE")]


def test_calls_are_shown_and_are_no_modification(team: Team, client: Client, make: Make) -> None:
    path = team.contact()
    before = client.request("GET", path)
    make.rows(
        "UPDATE contacts SET call_count = 5, last_call_at = '2026-01-02T03:04:05.678Z' WHERE id = :id::text::uuid",
        id=path.rpartition("/")[2],
    )
    after = client.request("GET", path)
    assert after.json() == before.json() | {"callCount": 5, "lastCallAt": "2026-01-02T03:04:05.678Z"}
    assert after.headers["etag"] != before.headers["etag"], "other bytes"
    changed = client.request(
        "PATCH", path, status=200, json={"city": "Lille"}, headers={"if-match": before.headers["etag"]}
    )
    assert changed.json()["callCount"] == 5
    assert changed.json()["lastCallAt"] == "2026-01-02T03:04:05.678Z"


def test_if_none_match(team: Team, client: Client) -> None:
    path = team.contact()
    tag = client.request("GET", path).headers["etag"]
    assert re.fullmatch(r'"[^"]+"', tag)
    for value in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        response = client.request("GET", path, status=304, headers={"if-none-match": value})
        assert response.headers["etag"] == tag
    for value in ('"other"', "nonsense", tag.strip('"'), "x" * 8_000, '"7-00000000"'):
        client.request("GET", path, status=200, headers={"if-none-match": value})
    client.patch(path, {"city": "Lille"})
    changed = client.request("GET", path, status=200, headers={"if-none-match": tag})
    assert changed.headers["etag"] != tag


def test_the_tag_differs_with_the_keys_of_custom_fields(team: Team, client: Client) -> None:
    team.field("Team size")
    path = team.contact(custom_fields={"team_size": "9"})
    by_name, by_slug = (
        client.request("GET", path, params={"customFieldKeys": one}).headers["etag"] for one in ("name", "slug")
    )
    assert by_name != by_slug


def test_head_answers_the_headers_alone(team: Team, client: Client) -> None:
    path = team.contact()
    got, head = client.request("GET", path, status=200), client.request("HEAD", path, status=200)
    assert head.content == b""
    for name in ("etag", "content-type", "content-length"):
        assert head.headers[name] == got.headers[name]


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_outside_the_scope_looks_like_nothing_at_all(method: str, make: Make) -> None:
    """Another organization, workspace or mode, deleted, unknown or malformed: the same bytes, request id aside."""
    team = make.team()
    test_mode = make.team("TEST", team.organization_id)
    elsewhere = team.workspace()
    deleted = team.contact()
    team.client.delete(deleted)
    paths = [
        make.team().contact(),
        test_mode.contact(),
        f"/v1/contacts/{make.contact(elsewhere)}",
        deleted,
        f"/v1/contacts/{uuid4()}",
        "/v1/contacts/00000000-0000-0000-0000-000000000000",
        "/v1/contacts/1",
        "/v1/contacts/%00",
        f"/v1/contacts/{team.workspace_id}",
    ]
    answers = set()
    for path in paths:
        response = team.client.request(method, path, status=404, json={"city": "Lille"} if method == "PATCH" else None)
        request_id = response.headers["x-request-id"]
        headers = {
            (name, value)
            for name, value in response.headers.items()
            if name not in {"date", "x-request-id", "x-ratelimit-remaining", "x-ratelimit-reset"}
        }
        answers.add((response.content.replace(request_id.encode(), b""), frozenset(headers)))
    assert len(answers) == 1
    assert '"code":"NOT_FOUND"' in next(iter(answers))[0].decode()


def test_a_key_of_several_workspaces_reads_them_all(team: Team, make: Make) -> None:
    second = team.workspace()
    client = team.client_for(team.workspace_id, second)
    for workspace_id in (team.workspace_id, second):
        assert client.get(f"/v1/contacts/{make.contact(workspace_id)}")["teamId"] == str(workspace_id)
