"""GET /v1/do-not-call."""

import pytest

from tests.client import Client
from tests.make import Team, phone_number

PATH = "/v1/do-not-call"


def put(client: Client, number: int, reason: str = "OPPOSITION") -> str:
    return str(client.post(PATH, {"phoneNumber": phone_number(number), "reason": reason})["id"])


def test_newest_first_page_by_page(team: Team) -> None:
    made = [put(team.client, number) for number in range(7)]
    assert [one["id"] for one in team.client.walk(PATH, size=3)] == made[::-1]
    page = team.client.get(f"{PATH}?page=2&size=3")
    assert [one["id"] for one in page["data"]] == made[:1]
    assert (page["meta"]["total"], page["meta"]["hasMore"]) == (7, False)


def test_filters(team: Team) -> None:
    first, second = put(team.client, 1), put(team.client, 2, "INVALID")
    for query in (
        {"phoneNumber": phone_number(1)},
        {"phoneNumber": "06 39 98 00 01", "region": "FR"},
        {"reason": "OPPOSITION"},
    ):
        page = team.client.get(PATH, params=query)
        assert ([one["id"] for one in page["data"]], page["meta"]["total"]) == ([first], 1)
    assert team.client.walk(f"{PATH}?phoneNumber={phone_number(2)}")[0]["id"] == second  # the + unescaped
    assert team.client.walk(PATH, phoneNumber=phone_number(1), reason="INVALID") == []


def test_only_the_workspaces_of_the_key(team: Team) -> None:
    other = team.workspace()
    client = team.client_for(team.workspace_id, other)
    here = put(client, 1)
    there = client.post(f"{PATH}?workspaceId={other}", {"phoneNumber": phone_number(1), "reason": "MANUAL"})["id"]
    assert [one["id"] for one in client.walk(PATH)] == [there, here]
    assert [one["id"] for one in client.walk(PATH, workspaceIds=str(other))] == [there]
    assert [one["id"] for one in team.client.walk(PATH)] == [here]


def test_a_national_number_is_of_the_country_of_the_only_workspace(team: Team) -> None:
    other = team.workspace()
    team.move(other, "DE", "Europe/Berlin")
    client = team.client_for(team.workspace_id, other)
    entry = client.post(f"{PATH}?workspaceId={other}", {"phoneNumber": "030 12345678", "reason": "MANUAL"})["id"]
    assert [one["id"] for one in client.walk(PATH, phoneNumber="03012345678", workspaceIds=str(other))] == [entry]
    assert client.faults("GET", f"{PATH}?phoneNumber=03012345678") == [("/query/phoneNumber", "INVALID_PHONE_NUMBER")]


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("phoneNumber=nobody", ("/query/phoneNumber", "INVALID_PHONE_NUMBER")),
        ("phoneNumber=nobody&region=FR", ("/query/phoneNumber", "INVALID_PHONE_NUMBER")),
        ("region=XX", ("/query/region", "UNKNOWN_VALUE")),
        ("reason=OTHER", ("/query/reason", "UNKNOWN_VALUE")),
        ("cursor=x", ("/query/cursor", "INVALID_CURSOR")),
        ("workspaceIds=x", ("/query/workspaceIds", "INVALID_ID")),
    ],
)
def test_bad_queries(team: Team, query: str, fault: tuple[str, str]) -> None:
    assert team.client.faults("GET", f"{PATH}?{query}") == [fault]


def test_a_number_is_read_as_elsewhere(team: Team) -> None:
    """Without a region it is of the workspace's country, as where it was listed and where it is checked."""
    id = team.client.post(PATH, {"phoneNumber": "06 39 98 00 01", "reason": "MANUAL"})["id"]
    for query in ({}, {"region": "FR"}):
        listed = team.client.get(PATH, params={"phoneNumber": "0639980001"} | query)["data"]
        assert [one["id"] for one in listed] == [id]
