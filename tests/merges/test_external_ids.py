"""What the external id of a merged contact leads to: wherever contacts are found by one."""

from typing import Any

import pytest

from tests.client import Client
from tests.contacts.test_concurrency import at_once
from tests.make import Make, Team, phone_number
from tests.merges.counts import id_of

LOOKUP, UPSERT, BATCH = "/v1/contacts/lookup", "/v1/contacts/upsert", "/v1/contacts/batch"
SHOWN = {"include": "externalId"}


def person(number: int, external_id: str, **more: Any) -> dict[str, Any]:
    return {
        "firstName": "Camille",
        "lastName": "Moreau",
        "phoneNumbers": [phone_number(number)],
        "externalId": external_id,
        **more,
    }


def add(client: Client, number: int, external_id: str) -> str:
    """Make a contact, whoever else the external id leads to, and return its path."""
    body = {"contact": person(number, external_id), "match": ["phoneNumbers"]}
    return f"/v1/contacts/{client.post(UPSERT, body, 201)['contact']['id']}"


def merge(client: Client, target: str, source: str) -> None:
    client.post(f"{target}/merge", {"contactId": id_of(source)}, 200)


def upsert(client: Client, contact: dict[str, Any], status: int = 200, **options: Any) -> Any:
    return client.post(UPSERT, options | {"contact": contact}, status, params=SHOWN)


def led_to(client: Client, external_id: str, **parameters: str) -> list[tuple[str, str | None]]:
    """Return the contacts that a lookup finds, each with the reason."""
    found = client.get(LOOKUP, params={"externalId": external_id, **parameters})["data"]
    for one in found:
        (match,) = one["matchedBy"]
        assert match == {
            "key": "externalId",
            "value": external_id,
            "exact": match["reason"] is None,
            "reason": match["reason"],
        }
    return [(f"/v1/contacts/{one['contact']['id']}", one["matchedBy"][0]["reason"]) for one in found]


@pytest.fixture
def merged(client: Client) -> tuple[str, str]:
    """Return the contact "y", and the one that was "x" and is merged into it."""
    stays, goes = add(client, 1, "y"), add(client, 2, "x")
    merge(client, stays, goes)
    return stays, goes


def test_it_is_found_as_the_contact_that_stays(client: Client, merged: tuple[str, str]) -> None:
    stays, _ = merged
    assert led_to(client, "x") == [(stays, "MERGED")]
    assert led_to(client, "y") == [(stays, None)]
    assert led_to(client, "X") == []
    answer = client.get(LOOKUP, params={"externalId": "x", "phoneNumber": phone_number(2), **SHOWN})
    assert [one["contact"]["externalId"] for one in answer["data"]] == ["y"]
    assert [(one["key"], one["reason"]) for one in answer["data"][0]["matchedBy"]] == [
        ("phoneNumber", None),
        ("externalId", "MERGED"),
    ]


@pytest.mark.parametrize("mode", ["overwrite", "fillIfEmpty"])
@pytest.mark.parametrize("match", [["externalId"], ["externalId", "phoneNumbers"]])
def test_an_upsert_writes_the_contact_that_stays_which_keeps_its_own(
    client: Client, make: Make, merged: tuple[str, str], mode: str, match: list[str]
) -> None:
    stays, _ = merged
    before = client.get(stays, params=SHOWN)
    same = {"externalId": "x", "phoneNumbers": before["phoneNumbers"]}
    options: dict[str, Any] = {"mode": mode, "modes": {"externalId": mode}, "match": match}
    for _ in range(2):
        answer = upsert(client, same, **options)
        assert (answer["status"], answer["changes"], answer["contact"]) == ("unchanged", None, before)
        assert answer["matchedBy"] == match
    assert len(make.events(stays)) == 2, "its creation and the merge"
    for dry_run in (True, False):
        answer = upsert(client, same | {"city": "Lille"}, dryRun=dry_run, **options)
        assert (answer["status"], answer["changes"]) == ("updated", {"city": [None, "Lille"]})
        assert (answer["contact"]["id"], answer["contact"]["externalId"]) == (id_of(stays), "y")
    assert client.get("/v1/contacts")["meta"]["total"] == 1


def test_by_another_key_it_is_no_other_contact_either(client: Client, merged: tuple[str, str]) -> None:
    stays, _ = merged
    answer = upsert(client, person(2, "x", city="Lille"), match=["phoneNumbers"], modes={"phoneNumbers": "append"})
    assert (answer["contact"]["id"], answer["matchedBy"]) == (id_of(stays), ["phoneNumbers"])
    assert answer["changes"] == {"city": [None, "Lille"]}
    (candidate,) = upsert(client, person(2, "z"), 409)["error"]["candidates"]
    assert candidate["externalId"] == "y", "with any other id it is"


def test_only_the_id_replaces_it(client: Client, merged: tuple[str, str]) -> None:
    stays, _ = merged
    given = {"id": id_of(stays), "externalId": "x"}
    assert upsert(client, given, mode="fillIfEmpty")["status"] == "unchanged"
    answer = upsert(client, given)
    assert (answer["matchedBy"], answer["changes"]) == (["id", "externalId"], {"externalId": ["y", "x"]})
    assert led_to(client, "x") == [(stays, None)]
    assert led_to(client, "y") == []


@pytest.mark.parametrize("mode", ["overwrite", "fillIfEmpty"])
def test_a_contact_without_one_takes_it(client: Client, merged: tuple[str, str], mode: str) -> None:
    stays, goes = merged
    upsert(client, {"id": id_of(stays), "externalId": None})
    assert led_to(client, "x") == [(stays, "MERGED")]
    answer = upsert(client, {"externalId": "x"}, mode=mode)
    assert (answer["contact"]["id"], answer["changes"]) == (id_of(stays), {"externalId": [None, "x"]})
    assert led_to(client, "x") == [(stays, None)]
    error = client.post(f"{goes}/unmerge", None, 409)["error"]
    assert (error["code"], error["conflictingId"]) == ("EXTERNAL_ID_TAKEN", id_of(stays))


def test_the_id_that_a_merge_has_given_leads_there_also_when_it_is_replaced(team: Team, client: Client) -> None:
    stays, goes = team.contact(), add(client, 2, "x")
    merge(client, stays, goes)
    assert led_to(client, "x") == [(stays, None)]
    upsert(client, {"id": id_of(stays), "externalId": "y"})
    assert led_to(client, "x") == [(stays, "MERGED")]
    assert upsert(client, {"externalId": "x", "city": "Lille"})["changes"] == {"city": [None, "Lille"]}


def test_from_merge_to_merge(client: Client, merged: tuple[str, str]) -> None:
    stays, _ = merged
    end, further = add(client, 3, "z"), add(client, 4, "w")
    merge(client, end, stays)
    for name in ("x", "y"):
        assert led_to(client, name) == [(end, "MERGED")]
    merge(client, further, end)
    for name in ("x", "y", "z"):
        assert led_to(client, name) == [(further, "MERGED")]
        assert upsert(client, {"externalId": name})["contact"]["id"] == id_of(further)
    client.post(f"{end}/unmerge", None, 200)
    assert led_to(client, "x") == [(end, "MERGED")]
    assert led_to(client, "z") == [(end, None)]


def test_an_undone_merge_ends_it(client: Client, merged: tuple[str, str]) -> None:
    stays, goes = merged
    client.post(f"{goes}/unmerge", None, 200)
    assert led_to(client, "x") == [(goes, None)]
    answer = upsert(client, {"externalId": "x", "city": "Lille"})
    assert answer["contact"]["id"] == id_of(goes)
    assert client.get(stays)["city"] is None


def test_a_deleted_end_leads_nowhere(client: Client, merged: tuple[str, str]) -> None:
    stays, _ = merged
    client.delete(stays)
    assert led_to(client, "x") == []
    assert upsert(client, person(2, "x"), 201, dryRun=False)["matchedBy"] == []
    assert [reason for _, reason in led_to(client, "x")] == [None]
    client.post(f"{stays}/restore", None, 200)
    assert len(led_to(client, "x")) == 1, "who has it comes first"


def test_an_erased_end_leads_nowhere(client: Client, merged: tuple[str, str]) -> None:
    stays, _ = merged
    client.post(f"{stays}/erase", None, 200)
    assert led_to(client, "x") == []
    assert upsert(client, person(5, "x", lastName="Other"), 409)["error"]["code"] == "PERSON_ERASED"
    params = {"allowErased": "true"}
    assert client.post(UPSERT, {"contact": person(5, "x")}, 201, params=params)["status"] == "created"


def test_who_has_it_comes_first(client: Client, merged: tuple[str, str]) -> None:
    stays, _ = merged
    lives = add(client, 3, "x")
    assert led_to(client, "x") == [(lives, None)]
    answer = upsert(client, {"externalId": "x", "city": "Lille"})
    assert (answer["contact"]["id"], answer["changes"]) == (id_of(lives), {"city": [None, "Lille"]})
    candidates = upsert(client, person(1, "x"), 409)["error"]["candidates"]
    assert {one["id"] for one in candidates} == {id_of(lives), id_of(stays)}
    upsert(client, {"id": id_of(lives), "externalId": "w"})
    assert led_to(client, "x") == [(stays, "MERGED")]


def test_two_that_it_leads_to_are_both_told(client: Client, merged: tuple[str, str]) -> None:
    first, _ = merged
    second = add(client, 3, "z")
    merge(client, second, add(client, 4, "x"))
    assert sorted(led_to(client, "x")) == sorted([(first, "MERGED"), (second, "MERGED")])
    for given in ({"externalId": "x"}, person(1, "x")):
        candidates = upsert(client, given, 409)["error"]["candidates"]
        assert {(one["id"], one["externalId"]) for one in candidates} == {(id_of(first), "y"), (id_of(second), "z")}
        assert all({"key": "externalId", "value": "x"} in one["matchedBy"] for one in candidates)
    upsert(client, {"externalId": "x"}, 409, dryRun=True)
    assert upsert(client, person(1, "x"), match=["phoneNumbers"])["contact"]["id"] == id_of(first), "it can be said"
    merge(client, first, second)
    assert led_to(client, "x") == [(first, "MERGED")], "two ways to one contact"
    assert upsert(client, {"externalId": "x"})["matchedBy"] == ["externalId"]


def test_items_of_a_batch(client: Client, merged: tuple[str, str]) -> None:
    stays, _ = merged
    id = id_of(stays)
    items = [
        {"externalId": "x", "city": "Lille"},
        {"externalId": "y", "city": "Lille"},
        {"id": id, "externalId": "w"},
        {"externalId": "x", "city": "Paris"},
        {"externalId": "w", "role": "CTO"},
        {"id": id, "externalId": None},
        {"externalId": "x"},
        {"externalId": "x", "role": "CTO"},
        person(9, "w"),
    ]
    for dry_run in (True, False):
        results = client.post(BATCH, {"items": items, "dryRun": dry_run}, 200)["results"]
        assert {one.get("id") for one in results[:-1]} == {id}
        assert [(one["status"], one.get("changes")) for one in results] == [
            ("updated", {"city": [None, "Lille"]}),
            ("unchanged", None),
            ("updated", {"externalId": ["y", "w"]}),
            ("updated", {"city": ["Lille", "Paris"]}),
            ("updated", {"role": [None, "CTO"]}),
            ("updated", {"externalId": ["w", None]}),
            ("updated", {"externalId": [None, "x"]}),
            ("unchanged", None),
            ("created", None),
        ]


def test_who_has_it_by_an_item_before_comes_first(client: Client, merged: tuple[str, str]) -> None:
    stays, _ = merged
    other = add(client, 3, "z")
    items: list[dict[str, Any]] = [
        person(4, "x"),
        {"externalId": "x", "phoneNumbers": [phone_number(1)]},
        {"externalId": "x", "phoneNumbers": [phone_number(4)], "city": "Lille"},
    ]
    results = client.post(BATCH, {"items": items, "match": ["phoneNumbers"]}, 200)["results"]
    assert [one["status"] for one in results] == ["created", "ambiguous", "updated"]
    assert {one["id"] for one in results[1]["candidates"]} == {id_of(stays), results[0]["id"]}
    # One that gives it up leaves it to the contact that took the merged one in.
    items = [{"id": results[0]["id"], "externalId": "w"}, {"externalId": "x"}, {"id": id_of(other), "externalId": "x"}]
    told = client.post(BATCH, {"items": items}, 200)["results"]
    assert [(one["status"], one.get("id")) for one in told] == [
        ("updated", results[0]["id"]),
        ("unchanged", id_of(stays)),
        ("ambiguous", None),
    ]


def test_each_workspace_by_itself(team: Team, client: Client, merged: tuple[str, str]) -> None:
    stays, _ = merged
    second = team.workspace()
    both = team.client_for(team.workspace_id, second)
    there = {"workspaceId": str(second)}
    other = f"/v1/contacts/{both.post(UPSERT, {'contact': person(1, 'x')}, 201, params=there)['contact']['id']}"
    assert sorted(led_to(both, "x")) == sorted([(stays, "MERGED"), (other, None)])
    assert led_to(both, "x", workspaceIds=str(second)) == [(other, None)]
    assert led_to(client, "x") == [(stays, "MERGED")]
    assert both.post(UPSERT, {"contact": person(1, "y")}, 409, params=there)["error"]["code"] == "AMBIGUOUS_MATCH"
    assert both.post(UPSERT, {"contact": person(7, "y")}, 201, params=there)["contact"]["teamId"] == str(second)
    assert upsert(client, {"externalId": "x"})["contact"]["id"] == id_of(stays)


def test_it_is_not_that_of_somebody_who_is_erased(team: Team, client: Client) -> None:
    """A merge that was undone has left it in the history of a contact; now it leads to another one."""
    first, other, goes = team.contact(), add(client, 1, "y"), add(client, 2, "x")
    merge(client, first, goes)
    client.post(f"{goes}/unmerge", None, 200)
    merge(client, other, goes)
    client.post(f"{first}/erase", None, 200)
    client.delete(other)
    new = person(5, "x", lastName="Other")
    assert upsert(client, new, 201)["contact"]["externalId"] == "x"


def test_an_upsert_at_the_moment_of_a_merge_or_of_its_undoing_makes_nobody(team: Team, client: Client) -> None:
    stays, goes = add(client, 1, "y"), add(client, 2, "x")

    def act(number: int) -> str:
        if number % 8 == 0:
            return f"merge {client.request('POST', f'{stays}/merge', json={'contactId': id_of(goes)}).status_code}"
        if number % 8 == 4:
            return f"unmerge {client.request('POST', f'{goes}/unmerge').status_code}"
        body = {"contact": person(2, "x", city=f"{number}"), "match": ["externalId"]}
        return f"upsert {client.request('POST', UPSERT, json=body).status_code}"

    done = at_once(act, range(96))
    assert {one for one in done if one.startswith("upsert")} == {"upsert 200"}
    assert {"merge 200", "unmerge 200"} <= set(done)
    assert client.get("/v1/contacts")["meta"]["total"] in {1, 2}
