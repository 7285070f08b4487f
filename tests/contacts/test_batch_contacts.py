"""POST /v1/contacts/batch."""

import json
from typing import Any

import pytest

from skipcall.consents.actions import verify_consents
from tests.client import Client
from tests.make import Make, Team, phone_number

PATH = "/v1/contacts/batch"


def person(number: int, **more: Any) -> dict[str, Any]:
    return {"firstName": "Camille", "lastName": f"Number {number}", "phoneNumbers": [phone_number(number)], **more}


def batch(client: Client, items: list[Any], **options: Any) -> Any:
    return client.post(PATH, options | {"items": items}, 200)


def test_each_item_stands_for_itself(team: Team, client: Client, make: Make) -> None:
    kept = team.contact(phone_numbers=[phone_number(1)], last_name="Number 1")
    changed = team.contact(phone_numbers=[phone_number(2)], last_name="Number 2", email="two@example.com")
    items = [
        person(1),
        {"email": "TWO@example.com", "city": "Lille"},
        person(3),
        {**person(4), "email": "nonsense", "firstName": 4},
        {"phoneNumbers": [phone_number(1), phone_number(2)]},
        "nonsense",
        {**person(5), "customFields": {"nothing": "x"}},
    ]
    answer = batch(client, items)
    assert answer["summary"] == {"created": 1, "updated": 1, "unchanged": 1, "ambiguous": 1, "error": 3}
    results = answer["results"]
    assert [one["index"] for one in results] == list(range(7))
    assert results[0] == {"index": 0, "status": "unchanged", "id": kept[-36:], "matchedBy": ["phoneNumbers"]}
    assert results[1]["id"] == changed[-36:]
    assert results[1]["changes"] == {"city": [None, "Lille"], "email": ["two@example.com", "TWO@example.com"]}
    new = f"/v1/contacts/{results[2]['id']}"
    assert results[2] == {"index": 2, "status": "created", "id": new[-36:], "matchedBy": []}
    assert client.get(new).items() >= person(3).items()
    details = results[3]["error"]["details"]
    assert {(one["pointer"], one["code"]) for one in details} == {
        ("/items/3/email", "INVALID_EMAIL"),
        ("/items/3/firstName", "WRONG_TYPE"),
    }
    assert {one["id"] for one in results[4]["candidates"]} == {kept[-36:], changed[-36:]}
    assert results[5]["error"]["details"][0]["pointer"] == "/items/5"
    assert results[6]["error"]["code"] == "UNKNOWN_CUSTOM_FIELD"
    assert results[6]["error"]["details"][0]["pointer"] == "/items/6/customFields/nothing"
    assert client.get("/v1/contacts")["meta"]["total"] == 3
    assert [len(make.events(path)) for path in (kept, changed, new)] == [1, 2, 1]


def test_items_about_one_person_act_one_after_the_other(client: Client, make: Make) -> None:
    items = [
        person(1, externalId="a"),
        {"externalId": "a", "city": "Lille"},
        person(1, city="Lille"),
        person(1, city="Lyon"),
    ]
    answer = batch(client, items)
    assert [one["status"] for one in answer["results"]] == ["created", "updated", "unchanged", "updated"]
    (id,) = {one["id"] for one in answer["results"]}
    events = make.events(f"/v1/contacts/{id}")
    assert [(one["type"], one["object_version"]) for one in events] == [
        ("contact.created", 1),
        ("contact.updated", 2),
        ("contact.updated", 3),
    ]
    assert json.loads(events[2]["changes"]) == {"city": ["Lille", "Lyon"]}
    contact = client.get(f"/v1/contacts/{id}")
    assert contact["city"] == "Lyon"
    assert contact["createdAt"] == contact["updatedAt"]
    assert client.get("/v1/contacts", params={"updatedSince": contact["updatedAt"]})["data"] == [contact]
    fresh = client.request("GET", f"/v1/contacts/{id}").headers["etag"]
    client.patch(f"/v1/contacts/{id}", {"city": "Nice"}, headers={"if-match": fresh})


def test_an_external_id_can_move_within_a_batch(client: Client) -> None:
    first, second = (one["id"] for one in batch(client, [person(1, externalId="a"), person(2)])["results"])
    moved = batch(
        client, [{"id": first, "externalId": None}, {"id": second, "externalId": "a"}, person(3, externalId="b")]
    )
    assert moved["summary"]["updated"] == 2
    included = {"include": "externalId"}
    assert client.get(f"/v1/contacts/{first}", params=included)["externalId"] is None
    assert client.get(f"/v1/contacts/{second}", params=included)["externalId"] == "a"


def test_five_hundred_at_once(client: Client) -> None:
    items = [person(number, email=f"p{number}@example.com") for number in range(500)]
    assert batch(client, items)["summary"]["created"] == 500
    found = client.walk("/v1/contacts", size=500, sort="createdAt")
    assert [one["lastName"] for one in found] == [item["lastName"] for item in items], "in the order of the items"
    assert client.get("/v1/contacts")["meta"]["total"] == 500
    assert batch(client, [item | {"city": "Lille"} for item in items])["summary"]["updated"] == 500
    assert batch(client, items)["summary"]["unchanged"] == 500
    assert client.faults("POST", PATH, json={"items": [*items, person(500)]}) == [("/items", "TOO_MANY_ITEMS")]
    assert client.faults("POST", PATH, json={"items": []}) == [("/items", "TOO_FEW_ITEMS")]


def test_a_large_body(client: Client) -> None:
    long = [person(number, company="é" * 200, city="é" * 200, role="é" * 200) for number in range(500)]
    content = json.dumps({"items": long}, ensure_ascii=False).encode()
    assert len(content) > 500_000
    client.request("POST", PATH, content=content, headers={"content-type": "application/json"}, status=200)
    padded = content + b" " * (2_097_152 - len(content))
    client.request("POST", PATH, content=padded, headers={"content-type": "application/json"}, status=200)
    client.request("POST", PATH, content=padded + b" ", headers={"content-type": "application/json"}, status=413)


def test_options_hold_for_all_items(team: Team, client: Client) -> None:
    team.contact(phone_numbers=[phone_number(1)], city="Lille", email="one@example.com")
    answer = batch(client, [{"email": "one@example.com", "city": "Paris", "role": "CTO"}], mode="fillIfEmpty")
    assert answer["results"][0]["changes"] == {"role": [None, "CTO"]}
    answer = batch(client, [person(1, externalId="a")], match=["externalId"])
    assert answer["results"][0]["status"] == "created"
    error = batch(client, [person(2)], match=["externalId"])["results"][0]["error"]
    assert [(one["pointer"], one["code"]) for one in error["details"]] == [("/items/0", "REQUIRED")]


def test_a_dry_run_does_nothing(team: Team, client: Client, make: Make) -> None:
    path = team.contact(phone_numbers=[phone_number(1)], last_name="Number 1")
    items = [person(1, city="Lille"), person(2), person(2, city="Lille"), {}]
    dry = batch(client, items, dryRun=True)
    assert client.get(path)["city"] is None
    assert len(make.events(path)) == client.get("/v1/contacts")["meta"]["total"] == 1
    real = batch(client, items)
    assert dry["summary"] == real["summary"] == {"created": 1, "updated": 2, "unchanged": 0, "ambiguous": 0, "error": 1}
    for one in real["results"][1:3]:
        del one["id"]  # there is none in a dry run
    assert dry["results"] == real["results"]


def test_custom_fields_by_slug_and_by_name(team: Team, client: Client) -> None:
    team.field("Team size")
    items = [person(1, customFields={"team_size": "1"}), person(2, customFields={"team_size": None})]
    response = client.request("POST", PATH, status=200, json={"items": items})
    assert "deprecation" not in response.headers
    items = [person(3, customFields={"Team size": "3"}), person(4, customFields={"team_sise": "4"})]
    response = client.request("POST", PATH, status=200, json={"items": items})
    assert response.headers["deprecation"].startswith("@")
    created, refused = response.json()["results"]
    assert client.get(f"/v1/contacts/{created['id']}")["customFields"] == {"Team size": "3"}
    assert refused["error"]["details"][0]["suggestion"] == "team_size"


def test_what_is_not_known_is_named(client: Client) -> None:
    items = [person(1, fistName="X"), person(2, teamId="x", fistName="Y")]
    response = client.request("POST", PATH, status=200, json={"items": items, "dryrun": True})
    assert response.headers.get_list("x-ignored-fields") == ["dryrun", "fistName, teamId"]
    answer = client.post(PATH, {"items": [*items, person(3)]}, 200, headers={"prefer": "handling=strict"})
    assert [one["status"] for one in answer["results"]] == ["error", "error", "created"]
    (detail,) = answer["results"][0]["error"]["details"]
    assert (detail["pointer"], detail["code"], detail["suggestion"]) == (
        "/items/0/fistName",
        "UNKNOWN_FIELD",
        "firstName",
    )


def test_workspace(team: Team, client: Client, make: Make) -> None:
    for outside in (str(make.team().workspace_id), "x"):
        client.post(PATH, {"items": [person(1)]}, 404, params={"workspaceId": outside})
    second = team.workspace()
    both = team.client_for(team.workspace_id, second)
    (made,) = both.post(PATH, {"items": [person(1)]}, 200, params={"workspaceId": str(second)})["results"]
    assert both.get(f"/v1/contacts/{made['id']}")["teamId"] == str(second)
    assert client.get("/v1/contacts")["meta"]["total"] == 0


def test_the_same_key_does_it_once(client: Client) -> None:
    body = {"items": [person(1), person(2)]}
    headers = {"idempotency-key": "load"}
    first = client.request("POST", PATH, json=body, headers=headers, status=200)
    again = client.request("POST", PATH, json=body, headers=headers, status=200)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.content == first.content
    assert batch(client, body["items"])["summary"]["unchanged"] == 2


@pytest.mark.parametrize("fault", [{"items": 1}, {"items": [], "mode": "x"}, {}])
def test_what_is_no_batch_is_refused(client: Client, fault: dict[str, Any]) -> None:
    assert client.faults("POST", PATH, json=fault)


def test_each_change_of_allow_phone_calls_has_its_entry(team: Team, client: Client) -> None:
    def in_turn(contact: dict[str, Any], *items: dict[str, Any]) -> list[tuple[str, int]]:
        results = client.post("/v1/contacts/batch", {"items": [contact | item for item in items]}, 200)["results"]
        assert {one["status"] for one in results} <= {"created", "updated"}
        entries = client.walk(f"/v1/contacts/{results[0]['id']}/consents")
        return [(one["status"], one["contactVersion"]) for one in reversed(entries)]

    allowed, refused = {"allowPhoneCalls": True}, {"allowPhoneCalls": False}
    known = {"id": team.contact().rpartition("/")[2]}
    assert in_turn(known, refused, allowed) == [("objected", 2), ("asserted", 3)]
    assert in_turn(known, refused, {"city": "Lille"})[2:] == [("objected", 4)]
    assert in_turn(known, allowed, refused, {"city": "Lyon"})[3:] == [("asserted", 6), ("objected", 7)]
    for number, items, entries in (
        (1, [refused, allowed], [("objected", 1), ("asserted", 2)]),
        (2, [refused, {"city": "Lille"}], [("objected", 1)]),
        (3, [allowed, refused], [("objected", 2)]),
        (4, [{}, {"city": "Lille"}], []),
    ):
        new = {"firstName": "Zoé", "lastName": "Roy", "externalId": f"{number}", "phoneNumbers": [phone_number(number)]}
        assert in_turn(new, *items) == entries
    assert team.make.run(verify_consents(team.make.db, team.workspace_id)).breaks == []
