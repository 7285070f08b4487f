"""GET /v1/contacts."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.client import Client
from tests.make import Make, Team

LIST = "/v1/contacts"


def ids(page: dict[str, Any]) -> list[str]:
    return [contact["id"] for contact in page["data"]]


def id_of(path: str) -> str:
    return path.rpartition("/")[2]


def test_pages(team: Team, client: Client, make: Make) -> None:
    made = make.contacts(team.workspace_id, 23)[::-1]
    first = client.get(LIST)
    assert ids(first) == made[:10], "newest first, ten by default"
    assert first["data"][0] == client.get(f"{LIST}/{made[0]}")
    assert first["meta"] == {
        "page": 0,
        "size": 10,
        "total": 23,
        "totalPages": 3,
        "hasMore": True,
        "nextCursor": first["meta"]["nextCursor"],
    }
    assert ids(client.get(LIST, params={"page": 1})) == made[10:20]
    last = client.get(LIST, params={"page": 2})
    assert ids(last) == made[20:]
    assert last["meta"]["hasMore"] is False
    assert last["meta"]["nextCursor"] is None
    beyond = client.get(LIST, params={"page": 3})
    assert beyond["data"] == []
    assert beyond["meta"]["total"] == 23
    assert ids(client.get(LIST, params={"size": 500})) == made
    assert ids(client.get(LIST, params={"size": 23, "sort": "createdAt"})) == made[::-1]
    assert client.get(LIST, params={"size": 23})["meta"]["hasMore"] is False
    assert client.get(LIST, params={"size": 1})["meta"]["totalPages"] == 23


def test_nothing_yet(client: Client) -> None:
    page = client.get(LIST)
    assert page["data"] == []
    meta = {"page": 0, "size": 10, "total": 0, "totalPages": 0, "hasMore": False, "nextCursor": None}
    assert page["meta"] == meta


@pytest.mark.parametrize("sort", ["-createdAt", "createdAt"])
@pytest.mark.parametrize("size", [1, 4, 100])
def test_a_cursor_goes_through_all(team: Team, client: Client, make: Make, sort: str, size: int) -> None:
    made = make.contacts(team.workspace_id, 9)
    found = [contact["id"] for contact in client.walk(LIST, sort=sort, size=size)]
    assert found == (made if sort == "createdAt" else made[::-1])


def test_a_walk_misses_and_repeats_nothing_while_others_write(team: Team, client: Client, make: Make) -> None:
    made = make.contacts(team.workspace_id, 1200)
    deleted: set[str] = set()
    seen: list[str] = []
    parameters: dict[str, Any] = {"size": 100}
    while True:
        page = client.get(LIST, params=parameters)
        seen += ids(page)
        make.contacts(team.workspace_id, 7)
        gone = made[len(seen) % 1200 :: 97][:5]
        for one in gone:
            client.request("DELETE", f"{LIST}/{one}")
        deleted.update(gone)
        client.patch(f"{LIST}/{next(one for one in made if one not in deleted)}", {"city": str(len(seen))})
        if page["meta"]["nextCursor"] is None:
            break
        parameters["cursor"] = page["meta"]["nextCursor"]
    assert len(seen) == len(set(seen)), "nothing twice"
    assert set(made) - deleted <= set(seen), "nothing missed"
    total = client.get(LIST)["meta"]["total"]
    assert total == make.value(
        "SELECT count(*) FROM contacts WHERE workspace_id = :id AND deleted_at IS NULL", id=team.workspace_id
    )


def test_a_write_is_in_the_next_list(team: Team, client: Client) -> None:
    path = team.contact()
    for city in ("Lille", "Lyon", "Nantes"):
        client.patch(path, {"city": city})
        assert client.get(LIST)["data"][0]["city"] == city
    body = {"firstName": "Zoé", "lastName": "Roy", "phoneNumbers": ["+33639980001"]}
    assert client.post(LIST, body)["id"] == client.get(LIST)["data"][0]["id"]


def test_several_workspaces_in_one_order(team: Team, make: Make) -> None:
    workspaces = [team.workspace_id, team.workspace(), team.workspace()]
    made = [str(make.contact(workspaces[number % 3])) for number in range(12)]
    client = team.client_for(*workspaces)
    assert [one["id"] for one in client.walk(LIST, size=5, sort="createdAt")] == made
    assert ids(client.get(LIST, params={"page": 1, "size": 5})) == made[::-1][5:10]


def test_workspace_ids(team: Team, make: Make) -> None:
    second, third = team.workspace(), team.workspace()
    stranger = make.team()
    test_mode = make.team("TEST", team.organization_id)
    for workspace_id in (third, stranger.workspace_id, test_mode.workspace_id):
        make.contact(workspace_id)
    one, two = make.contact(team.workspace_id), make.contact(second)
    client = team.client_for(team.workspace_id, second)

    def found(*workspace_ids: object) -> list[str]:
        page = client.get(LIST, params={"workspaceIds": ",".join(map(str, workspace_ids))})
        assert page["meta"]["total"] == len(page["data"])
        return ids(page)

    assert found(team.workspace_id) == [str(one)]
    assert found(team.workspace_id, second) == [str(two), str(one)]
    assert found(second, second, str(second).upper()) == [str(two)]
    assert found(third) == found(stranger.workspace_id) == found(test_mode.workspace_id) == found(uuid4()) == []
    assert found(third, second) == [str(two)]
    assert ids(client.get(LIST, params={"workspaceIds": ""})) == [str(two), str(one)]


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("workspaceIds", "1"),
        ("workspaceIds", ","),
        ("workspaceIds", "550e8400-e29b-41d4-a716-446655440000,"),
        ("workspaceIds", "550e8400e29b41d4a716446655440000"),
        ("workspaceIds", "{550e8400-e29b-41d4-a716-446655440000}"),
        ("workspaceIds", ",".join(["550e8400-e29b-41d4-a716-446655440000"] * 101)),
        ("page", "-1"),
        ("page", "1000001"),
        ("page", str(2**63)),
        ("page", "1e9"),
        ("page", "٣"),
        ("page", " 1"),
        ("page", "0x10"),
        ("page", "1.5"),
        ("page", ""),
        ("page", "1_0"),
        ("page", "9" * 5000),
        ("size", "0"),
        ("size", "501"),
        ("size", "-1"),
        ("size", "ten"),
        ("size", "true"),
        ("size", "null"),
        ("sort", "name"),
        ("sort", ""),
        ("sort", "id; DROP TABLE contacts"),
        ("cursor", "AAAA"),
        ("cursor", "é"),
        ("cursor", "x" * 5000),
        ("cursor", "\x00"),
        ("updatedSince", "yesterday"),
        ("updatedSince", "2026-11-23T08:00:00"),
        ("updatedSince", "2026-11-23"),
        ("updatedSince", "2026-13-23T08:00:00Z"),
        ("updatedSince", "1700000000"),
        ("updatedSince", ""),
        ("updatedSince", "2026-11-23T08:00:00Z\x00"),
        ("customFieldKeys", "both"),
    ],
)
def test_a_parameter_that_cannot_be_read_is_named(client: Client, parameter: str, value: str) -> None:
    faults = client.faults("GET", LIST, params={parameter: value})
    assert [pointer for pointer, _ in faults] == [f"/query/{parameter}"]


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00Z"])
def test_a_moment_at_the_ends_of_time_is_no_failure(client: Client, moment: str) -> None:
    assert client.request("GET", LIST, params={"updatedSince": moment}).status_code in {200, 400}


def test_all_faults_at_once(client: Client) -> None:
    parameters = {"page": "-1", "size": "0", "sort": "x", "workspaceIds": "1", "customFieldKeys": "x"}
    faults = client.faults("GET", LIST, params=parameters)
    assert sorted(pointer for pointer, _ in faults) == sorted(f"/query/{name}" for name in parameters)


@pytest.mark.parametrize("query", ["page=1&page=2", "size=1&size=1", "page=0&p%61ge=0"])
def test_a_parameter_given_twice_is_a_fault(client: Client, query: str) -> None:
    (fault,) = client.faults("GET", f"{LIST}?{query}")
    assert fault[1] == "DUPLICATE_PARAMETER"


@pytest.mark.parametrize("query", ["%ff=1", "cursor=%ff", "&".join(f"a{n}=1" for n in range(60)), "cursor=%ed%a0%80"])
def test_a_query_that_is_no_text(client: Client, query: str) -> None:
    (fault,) = client.faults("GET", f"{LIST}?{query}")
    assert fault[0].startswith("/query")


@pytest.mark.parametrize("query", ["", "&", "&&", "page=0&", "page", "=", "=1", "page=0;size=1"])
def test_odd_queries_are_read_or_refused(client: Client, query: str) -> None:
    assert client.request("GET", f"{LIST}?{query}").status_code in {200, 400}


def test_unknown_parameters(client: Client) -> None:
    response = client.request("GET", LIST, params={"pages": "3", "page[]": "3"}, status=200)
    assert response.headers["x-ignored-parameters"] == "pages, page[]"
    options: dict[str, Any] = {"params": {"pages": "3"}, "headers": {"prefer": "handling=strict"}}
    (fault,) = client.request("GET", LIST, status=400, **options).json()["error"]["details"]
    assert (fault["pointer"], fault["suggestion"]) == ("/query/pages", "page")


def test_a_cursor_is_only_good_for_its_own_list(team: Team, client: Client, make: Make) -> None:
    make.contacts(team.workspace_id, 3)
    newest = client.get(LIST, params={"size": 1})["meta"]["nextCursor"]
    oldest = client.get(LIST, params={"size": 1, "sort": "createdAt"})["meta"]["nextCursor"]
    changed = client.get(LIST, params={"size": 1, "updatedSince": "2020-01-01T00:00:00Z"})["meta"]["nextCursor"]
    for parameters in (
        {"cursor": newest, "sort": "createdAt"},
        {"cursor": oldest},
        {"cursor": changed},
        {"cursor": newest, "updatedSince": "2020-01-01T00:00:00Z"},
        {"cursor": newest[:-2]},
        {"cursor": newest + "AAAA"},
        {"cursor": "!" + newest[1:]},
    ):
        assert client.faults("GET", LIST, params=parameters) == [("/query/cursor", "INVALID_CURSOR")]
    field_cursor = None
    for name in ("A", "B"):
        team.field(name)
    field_cursor = client.get("/v1/custom-fields", params={"size": 1})["meta"]["nextCursor"]
    assert client.faults("GET", LIST, params={"cursor": field_cursor}) == [("/query/cursor", "INVALID_CURSOR")]


def test_a_cursor_of_another_organization_opens_nothing(team: Team, client: Client, make: Make) -> None:
    stranger = make.team()
    make.contacts(stranger.workspace_id, 3)
    made = make.contacts(team.workspace_id, 3)
    cursor = stranger.client.get(LIST, params={"size": 1, "sort": "createdAt"})["meta"]["nextCursor"]
    assert ids(client.get(LIST, params={"cursor": cursor, "sort": "createdAt"})) == made


def test_custom_fields_by_slug(team: Team, client: Client) -> None:
    team.field("Team size")
    team.contact(custom_fields={"team_size": "9"})
    assert client.get(LIST)["data"][0]["customFields"] == {"Team size": "9"}
    assert client.get(LIST, params={"customFieldKeys": "slug"})["data"][0]["customFields"] == {"team_size": "9"}


# ------------------------------------------------------------------------------------------------------ updatedSince


def test_updated_since_lists_in_the_order_of_the_last_change(team: Team, client: Client, make: Make) -> None:
    made = make.contacts(team.workspace_id, 6)
    start = datetime.now(UTC).isoformat()
    assert client.get(LIST, params={"updatedSince": start})["data"] == []
    for number in (4, 1, 4, 3, 1):
        client.patch(f"{LIST}/{made[number]}", {"city": f"{number} {uuid4()}"})
    client.delete(f"{LIST}/{made[3]}")
    client.patch(f"{LIST}/{made[2]}", {})
    new = client.post(LIST, {"firstName": "Zoé", "lastName": "Roy", "phoneNumbers": ["+33639980001"]})
    wanted = [made[4], made[1], new["id"]]
    page = client.get(LIST, params={"updatedSince": start})
    assert ids(page) == wanted, "each once, deleted ones not, equal values are no change"
    assert page["meta"]["total"] == 3
    assert [one["id"] for one in client.walk(LIST, updatedSince=start, size=1)] == wanted
    assert ids(client.get(LIST, params={"updatedSince": start, "size": 2, "page": 1})) == wanted[2:]
    moments = [one["updatedAt"] for one in page["data"]]
    assert moments == sorted(moments)
    assert ids(client.get(LIST, params={"updatedSince": moments[1]})) == wanted[1:], "at or after"
    after_last = datetime.fromisoformat(moments[-1]) + timedelta(milliseconds=1)
    assert client.get(LIST, params={"updatedSince": after_last.isoformat()})["data"] == []


def test_updated_since_takes_any_offset(team: Team, client: Client) -> None:
    path = team.contact()
    changed = datetime.fromisoformat(client.get(path)["updatedAt"])
    paris = changed.astimezone(datetime.now().astimezone().tzinfo).isoformat()
    for moment in (changed.isoformat(), paris, changed.isoformat().replace("+00:00", "Z")):
        assert len(client.get(LIST, params={"updatedSince": moment})["data"]) == 1


def test_updated_since_of_many_changed_at_once(team: Team, client: Client, make: Make) -> None:
    made = make.contacts(team.workspace_id, 50)
    make.rows("UPDATE events SET occurred_at = now() WHERE workspace_id = :id RETURNING id", id=team.workspace_id)
    found = [one["id"] for one in client.walk(LIST, updatedSince="2020-01-01T00:00:00Z", size=7)]
    assert sorted(found) == sorted(made)


def test_updated_since_counts_up_to_a_limit(make: Make, team: Team, client: Client) -> None:
    make.contacts(team.workspace_id, 10_001)
    since = {"updatedSince": "2020-01-01T00:00:00Z"}
    meta = client.get(LIST, params=since)["meta"]
    assert meta["total"] == 10_000
    assert meta["totalIsLowerBound"] is True
    assert meta["hasMore"] is True
    found = client.walk(LIST, **since, size=500)
    assert len({one["id"] for one in found}) == len(found) == 10_001, "no wall at 10,000"


def test_updated_since_has_its_own_order(client: Client) -> None:
    faults = client.faults("GET", LIST, params={"updatedSince": "2020-01-01T00:00:00Z", "sort": "createdAt"})
    assert faults == [("/query/sort", "CONFLICTING_PARAMETERS")]


def test_deleted_contacts_when_asked_for(team: Team, client: Client) -> None:
    paths = [team.contact() for _ in range(3)]
    before = client.get(LIST)["data"][0]["updatedAt"]
    client.delete(paths[1])
    assert "deletedAt" not in client.get(LIST)["data"][0]
    page = client.get(LIST, params={"includeDeleted": "true"})
    assert ids(page) == [id_of(path) for path in reversed(paths)]
    assert page["meta"]["total"] == 3
    moments = [contact["deletedAt"] for contact in page["data"]]
    assert moments[1] is not None
    assert moments[::2] == [None, None]
    changed = {"updatedSince": before, "includeDeleted": "true", "size": 1}
    walked = client.walk(LIST, **changed)
    assert id_of(paths[1]) == walked[-1]["id"], "the last change"
    assert walked[-1]["deletedAt"] is not None
    without = client.walk(LIST, updatedSince=before)
    assert id_of(paths[1]) not in {contact["id"] for contact in without}
    assert [one["id"] for one in client.walk(LIST, includeDeleted="true", size=1)] == ids(page)
