"""Custom fields whose values no two contacts share."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import UUID

import httpx
import pytest

from skipcall.custom_fields import queries as custom_fields
from skipcall.postgres.db import Statement
from tests.client import Client
from tests.make import Make, Team, phone_number

NEW = {"firstName": "Ana", "lastName": "Lopez", "phoneNumbers": [phone_number()]}


@pytest.fixture
def holder(team: Team) -> str:
    """A contact with the customer number 4711."""
    team.field("Customer number", is_unique=True)
    team.field("Note")
    return team.contact(custom_fields={"customer_number": "4711"})


def number(value: str | None) -> dict[str, dict[str, str | None]]:
    return {"customFields": {"customer_number": value}}


def held(make: Make, team: Team) -> set[tuple[str, str]]:
    """Return the contacts that hold values, and the field."""
    rows = make.rows("SELECT contact_id, slug FROM custom_unique_values WHERE workspace_id = :id", id=team.workspace_id)
    return {(str(row["contact_id"]), row["slug"]) for row in rows}


def test_a_value_of_another_contact_is_409_and_names_it(team: Team, client: Client, holder: str) -> None:
    path = team.contact()
    before = client.get(path)
    for method, target, body in (("PATCH", path, {"role": "CTO"}), ("POST", "/v1/contacts", NEW)):
        response = client.request(method, target, json=body | number("4711"), status=409)
        error = response.json()["error"]
        assert error["code"] == "CUSTOM_VALUE_TAKEN"
        [detail] = error["details"]
        assert (detail["pointer"], detail["code"]) == ("/customFields/customer_number", "CUSTOM_VALUE_TAKEN")
        assert detail["suggestion"] == holder.rpartition("/")[2]
        assert "4711" not in response.text.replace(detail["suggestion"], "").replace(error["requestId"], "")
    assert client.get(path) == before


def test_upserts_and_batches_name_it_too(team: Team, client: Client, holder: str) -> None:
    holder_id = holder.rpartition("/")[2]
    person = NEW | {"phoneNumbers": [phone_number(7)]} | number("4711")
    for body in ({"contact": person}, {"contact": person, "dryRun": True}):
        error = client.post("/v1/contacts/upsert", body, 409)["error"]
        [detail] = error["details"]
        assert (error["code"], detail["pointer"]) == ("CUSTOM_VALUE_TAKEN", "/contact/customFields/customer_number")
        assert detail["suggestion"] == holder_id
    items = [
        person,
        NEW | {"phoneNumbers": [phone_number(8)]} | number("1"),
        NEW | {"phoneNumbers": [phone_number(9)]} | number("1"),
    ]
    first, second, third = client.post("/v1/contacts/batch", {"items": items}, 200)["results"]
    [detail] = first["error"]["details"]
    assert (detail["pointer"], detail["suggestion"]) == ("/items/0/customFields/customer_number", holder_id)
    assert (second["status"], third["error"]["code"]) == ("created", "CUSTOM_VALUE_TAKEN")
    assert third["error"]["details"][0]["pointer"] == "/items/2/customFields/customer_number"
    same = {"contact": {"id": holder_id} | number("4711")}
    assert client.post("/v1/contacts/upsert", same, 200)["status"] == "unchanged"


def test_a_field_that_is_called_as_a_key_leads_to_nobody(team: Team, client: Client) -> None:
    team.field("Email", is_unique=True)
    holder = team.contact(custom_fields={"email": "a@example.com"})
    person = NEW | {
        "phoneNumbers": [phone_number(7)],
        "email": "a@example.com",
        "customFields": {"email": "a@example.com"},
    }
    [detail] = client.post("/v1/contacts/upsert", {"contact": person}, 409)["error"]["details"]
    assert (detail["pointer"], detail["suggestion"]) == ("/contact/customFields/email", holder.rpartition("/")[2])


def test_other_faults_come_first(team: Team, client: Client, holder: str) -> None:
    faults = client.faults("PATCH", team.contact(), json={"customFields": {"customer_number": "4711", "nothing": "x"}})
    assert faults == [("/customFields/nothing", "UNKNOWN_CUSTOM_FIELD")]


def test_the_contact_itself_may_say_it_again(client: Client, holder: str) -> None:
    before = client.get(holder)
    assert client.patch(holder, number("4711")) == before
    client.patch(holder, {"customFields": {"Customer number": "4711", "note": "x"}})


@pytest.mark.parametrize("given", [None, "", "4712"])
def test_a_value_that_was_given_up_is_free(team: Team, client: Client, holder: str, given: str | None) -> None:
    client.patch(holder, number(given))
    client.patch(team.contact(), number("4711"))
    client.patch(holder, number("4711"), 409)


def test_no_value_is_no_value(team: Team, client: Client, holder: str) -> None:
    for _ in range(2):
        client.patch(team.contact(), number(""))
        client.post("/v1/contacts", NEW)


def test_a_deleted_contact_holds_nothing(make: Make, team: Team, client: Client, holder: str) -> None:
    client.delete(holder)
    assert held(make, team) == set()
    other = client.post("/v1/contacts", NEW | number("4711"))
    assert held(make, team) == {(other["id"], "customer_number")}


def test_a_statement_may_delete_one_contact_and_give_its_value_to_another(
    make: Make, team: Team, client: Client, holder: str
) -> None:
    taker = team.contact()
    make.rows(
        """
        WITH given AS (
            UPDATE contacts SET custom_fields = '{"customer_number": "4711"}' WHERE id = :taker::uuid RETURNING id
        )
        UPDATE contacts c SET deleted_at = now() FROM given WHERE c.id = :holder::uuid RETURNING c.id
        """,
        taker=taker.rpartition("/")[2],
        holder=holder.rpartition("/")[2],
    )
    assert held(make, team) == {(taker.rpartition("/")[2], "customer_number")}


def test_a_contact_that_comes_back_takes_its_value_again(make: Make, team: Team, client: Client, holder: str) -> None:
    client.delete(holder)
    restore = "UPDATE contacts SET deleted_at = NULL WHERE id = :id::uuid RETURNING id"
    make.rows(restore, id=holder.rpartition("/")[2])
    assert held(make, team) == {(holder.rpartition("/")[2], "customer_number")}
    client.patch(team.contact(), number("4711"), 409)


def test_a_contact_that_is_removed_holds_nothing(make: Make, team: Team, holder: str) -> None:
    make.rows("DELETE FROM contacts WHERE id = :id::uuid RETURNING id", id=holder.rpartition("/")[2])
    assert held(make, team) == set()


def test_other_workspaces_have_values_of_their_own(make: Make, team: Team, holder: str) -> None:
    other = make.team(organization_id=team.organization_id)
    other.field("Customer number", is_unique=True)
    other.client.post("/v1/contacts", NEW | number("4711"))


def test_a_long_value(team: Team, client: Client, holder: str) -> None:
    client.patch(holder, number("🏭" * 5000))
    path = team.contact()
    client.patch(path, number("🏭" * 4999))
    client.patch(path, number("🏭" * 5000), 409)


def test_under_an_idempotency_key(team: Team, client: Client, holder: str) -> None:
    path = team.contact()
    headers = {"idempotency-key": "1"}
    client.patch(path, number("4711"), 409, headers=headers)
    client.patch(path, number("4712"), headers=headers)


@pytest.mark.parametrize("with_key", [False, True], ids=["plain", "with Idempotency-Key"])
def test_twenty_contacts_and_one_value(team: Team, client: Client, *, with_key: bool) -> None:
    team.field("Customer number", is_unique=True)
    paths = [team.contact() for _ in range(10)]

    def write(place: int) -> int:
        headers = {"idempotency-key": str(place)} if with_key else {}
        if place % 2:
            return client.request("PATCH", paths[place // 2], json=number("4711"), headers=headers).status_code
        return client.request("POST", "/v1/contacts", json=NEW | number("4711"), headers=headers).status_code

    with ThreadPoolExecutor(20) as pool:
        statuses = sorted(pool.map(write, range(20)))
    assert statuses[0] in (200, 201)
    assert statuses[1:] == [409] * 19


def test_a_field_that_becomes_unique_under_load(make: Make, team: Team, client: Client) -> None:
    """Whatever is written while the field changes: once it is unique, no two contacts have the same value."""
    field = team.field("Customer number")
    paths = [team.contact() for _ in range(10)]

    def write(place: int) -> set[int]:
        values = [f"shared {(step * 7 + place) % 20}" if step % 2 else f"own {place}" for step in range(25)]
        return {client.request("PATCH", paths[place], json=number(value)).status_code for value in values}

    def make_unique(_: int) -> set[int]:
        statuses = set()
        while 200 not in statuses:
            response = client.request("PATCH", f"/v1/custom-fields/{field.id}", json={"isUnique": True})
            statuses.add(response.status_code)
        return statuses

    with ThreadPoolExecutor(12) as pool:
        changed = [pool.submit(make_unique, 0)]
        written = [pool.submit(write, place) for place in range(10)]
    assert set().union(*(one.result() for one in [*written, *changed])) <= {200, 409}
    rows = make.rows(
        "SELECT id, custom_fields ->> 'customer_number' AS value FROM contacts WHERE workspace_id = :id",
        id=team.workspace_id,
    )
    assert len({row["value"] for row in rows}) == len(paths)
    assert held(make, team) == {(str(row["id"]), "customer_number") for row in rows}


def waits(make: Make, request: "Future[httpx.Response]") -> bool:
    """Tell whether a request waits for the lock of a workspace's values, rather than ending without it."""
    query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    while not request.done():
        if make.value(query):
            return True
        time.sleep(0.01)
    return False


def test_who_makes_a_field_unique_waits_for_a_value_that_is_being_written(
    make: Make, team: Team, client: Client
) -> None:
    field = team.field("Customer number")
    team.contact(custom_fields={"customer_number": "4711"})
    other = team.contact()
    write = """UPDATE contacts SET custom_fields = '{"customer_number": "4711"}' WHERE id = :id::uuid"""
    path = f"/v1/custom-fields/{field.id}"
    with ThreadPoolExecutor(1) as pool:
        make.run(make.db.execute(Statement("BEGIN")))
        make.run(make.db.execute(Statement(write), id=other.rpartition("/")[2]))
        change = pool.submit(client.request, "PATCH", path, json={"isUnique": True})
        waited = waits(make, change)
        make.run(make.db.execute(Statement("COMMIT")))
    assert waited
    assert change.result().json()["error"]["code"] == "CUSTOM_VALUES_NOT_UNIQUE"


def test_who_writes_a_value_waits_for_the_field_that_becomes_unique(make: Make, team: Team, client: Client) -> None:
    field = team.field("Customer number")
    path, other = team.contact(), team.contact()
    with ThreadPoolExecutor(1) as pool:
        make.run(make.db.execute(Statement("BEGIN")))
        stored = make.run(custom_fields.lock_custom_field(make.db, [team.workspace_id], UUID(field.id)))
        assert stored is not None
        make.run(custom_fields.hold_values(make.db, stored))
        make.rows("UPDATE custom_fields SET is_unique = true WHERE id = :id RETURNING id", id=UUID(field.id))
        change = pool.submit(client.request, "PATCH", path, json=number("4711"))
        waited = waits(make, change)
        make.run(make.db.execute(Statement("COMMIT")))
    assert waited
    assert change.result().status_code == 200
    client.patch(other, number("4711"), 409)
