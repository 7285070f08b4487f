"""GET /v1/contacts/duplicates."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from skipcall.merges import model
from tests.client import Client
from tests.make import Make, Team, phone_number
from tests.merges.counts import id_of


def shown(client: Client, **parameters: Any) -> list[tuple[str, list[str]]]:
    """Return value and ids of every group of all pages."""
    found, cursor = [], None
    while True:
        page = client.get("/v1/contacts/duplicates", params=parameters | ({"cursor": cursor} if cursor else {}))
        found += [(one["value"], [contact["id"] for contact in one["contacts"]]) for one in page["data"]]
        cursor = page["meta"]["nextCursor"]
        assert page["meta"]["hasMore"] == (cursor is not None)
        if cursor is None:
            return found


def test_contacts_that_share_a_number(team: Team, client: Client) -> None:
    team.field("Industry")
    first = team.contact(phone_numbers=[phone_number(1), phone_number(2)])
    second = team.contact(phone_numbers=[phone_number(3), phone_number(2)], custom_fields={"industry": "Food"})
    third = team.contact(phone_numbers=[phone_number(3)])
    deleted = team.contact(phone_numbers=[phone_number(1)])
    client.delete(deleted)
    team.make.contact(team.workspace(), phone_numbers=[phone_number(1)])
    assert shown(client) == [
        (phone_number(2), [id_of(first), id_of(second)]),
        (phone_number(3), [id_of(second), id_of(third)]),
    ]
    group = client.get("/v1/contacts/duplicates", params={"customFieldKeys": "slug"})["data"][0]
    assert group["contactCount"] == 2
    assert group["contacts"][1] == client.get(second, params={"customFieldKeys": "slug"})
    client.post(f"{first}/merge", {"contactId": id_of(second)}, 200)
    assert shown(client) == [(phone_number(3), [id_of(first), id_of(third)])]


def test_contacts_that_share_a_telephone(team: Team, client: Client) -> None:
    """Its number is in two forms; of those that all write alike it is shown as they do."""
    pairs = [
        ("+5511987654321", "+551187654321"),
        ("+528112345678", "+5218112345678"),
        ("+541123456789", "+5491123456789"),
        ("+5521987654321", "+5521987654321"),
    ]
    expected = [(pair[0], [id_of(team.contact(phone_numbers=[one])) for one in pair]) for pair in pairs]
    team.contact(phone_numbers=["+551132345678"])
    team.contact(phone_numbers=["+5511932345678"])  # a fixed line and a ninth digit: two telephones
    assert shown(client) == expected


def test_contacts_that_share_an_address(team: Team, client: Client) -> None:
    first = team.contact(email="Ana@Example.com")
    second = team.contact(email="ana@example.com")
    team.contact(email="other@example.com")
    team.contact()
    assert shown(client, by="email") == [("ana@example.com", [id_of(first), id_of(second)])]


def test_contacts_that_share_a_profile(team: Team, client: Client) -> None:
    first = team.contact(linkedin_url="https://www.linkedin.com/in/Ana-Lopez/")
    second = team.contact(linkedin_url="http://fr.linkedin.com/in/ana-lopez?utm_source=x")
    team.contact(linkedin_url="https://www.linkedin.com/in/ana-lopez-2")
    team.contact()
    assert shown(client, by="linkedinUrl") == [("linkedin.com/in/ana-lopez", [id_of(first), id_of(second)])]
    client.patch(second, {"linkedinUrl": None})
    assert shown(client, by="linkedinUrl") == []


def test_only_of_some_workspaces(team: Team) -> None:
    other = team.workspace()
    both = team.client_for(team.workspace_id, other)
    ids = [[str(team.make.contact(one)) for _ in range(2)] for one in (team.workspace_id, other)]
    assert shown(both) == [(phone_number(), one) for one in ids], "contacts of two workspaces are never in one group"
    assert shown(both, workspaceIds=str(other)) == [(phone_number(), ids[1])]


def test_large_groups(team: Team, client: Client) -> None:
    count = model.CONTACTS_SHOWN_MAX + 2
    ids = [id_of(team.contact()) for _ in range(count)]
    (group,) = client.get("/v1/contacts/duplicates")["data"]
    assert group["contactCount"] == count
    assert [one["id"] for one in group["contacts"]] == ids[: model.CONTACTS_SHOWN_MAX]


def test_pages(team: Team, client: Client) -> None:
    """More contacts than one page looks at, and more groups than it holds."""
    contacts = [{"phone_numbers": [phone_number(number)]} for number in range(model.EXAMINED_AT_ONCE) for _ in range(2)]
    ids = [id_of(team.contact(**one)) for one in contacts]
    assert shown(client) == [(phone_number(n), ids[2 * n : 2 * n + 2]) for n in range(model.EXAMINED_AT_ONCE)]
    assert len(client.get("/v1/contacts/duplicates")["data"]) == model.GROUPS_MAX


def test_what_very_many_share_makes_no_group(team: Team, client: Client) -> None:
    """The number of a switchboard is no sign of one person, and is told instead of read whole."""
    values = [
        {
            "lastName": str(n),
            "firstName": "Ana",
            "externalId": str(n),
            "phoneNumbers": [phone_number(), phone_number(1 + n // 2)],
        }
        for n in range(model.CONTACTS_OF_GROUP_MAX + 1)
    ]
    for start in range(0, len(values), 500):
        body = {"items": values[start : start + 500], "match": ["externalId"]}
        client.post("/v1/contacts/batch", body, 200)
    first = client.get("/v1/contacts/duplicates")
    assert len(first["data"]) == model.GROUPS_MAX
    assert first["meta"]["sharedByMany"] == [phone_number()]
    found = dict(shown(client))
    assert phone_number() not in found
    assert len(found) == model.CONTACTS_OF_GROUP_MAX // 2
    oldest = client.get("/v1/contacts?sort=createdAt&size=1")["data"][0]["id"]
    client.delete(f"/v1/contacts/{oldest}")
    again = client.get("/v1/contacts/duplicates")
    [shared] = [one for one in again["data"] if one["value"] == phone_number()]
    assert shared["contactCount"] == model.CONTACTS_OF_GROUP_MAX
    assert again["meta"]["sharedByMany"] == []


def test_what_is_refused(client: Client) -> None:
    path = "/v1/contacts/duplicates"
    assert client.faults("GET", path, params={"by": "name"}) == [("/query/by", "UNKNOWN_VALUE")]
    assert client.faults("GET", path, params={"cursor": "x"}) == [("/query/cursor", "INVALID_CURSOR")]


@settings(max_examples=15)
@given(st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=3, unique=True), max_size=8))
def test_every_group_comes_once(make: Make, numbers: list[list[int]]) -> None:
    team = make.team()
    ids = [id_of(team.contact(phone_numbers=[phone_number(one) for one in some])) for some in numbers]
    groups = {phone_number(n): [id for id, some in zip(ids, numbers, strict=True) if n in some] for n in range(6)}
    found = shown(team.client)
    assert dict(found) == {value: some for value, some in groups.items() if len(some) > 1}
    assert len(found) == len(dict(found))
    assert [some[0] for _, some in found] == sorted(some[0] for _, some in found)
