"""Many who write the same people at once: each person is one contact."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from tests.client import Client
from tests.contacts.test_concurrency import at_once
from tests.make import Make, Team, phone_number

UPSERT, BATCH = "/v1/contacts/upsert", "/v1/contacts/batch"


def person(**keys: Any) -> dict[str, Any]:
    return {"firstName": "Camille", "lastName": "Moreau", "phoneNumbers": [phone_number(1)], **keys}


@pytest.mark.parametrize(
    "contact_of",
    [
        lambda n: person(),
        lambda n: person(phoneNumbers=[phone_number(100 + n), phone_number(1)]),
        lambda n: person(phoneNumbers=[["+5511987654321", "+551187654321"][n % 2]]),
        lambda n: person(phoneNumbers=[phone_number(100 + n)], email=["a@example.com", "A@Example.COM"][n % 2]),
        lambda n: person(phoneNumbers=[phone_number(100 + n)], externalId="crm-1"),
        lambda n: person(
            phoneNumbers=[phone_number(100 + n)][: n % 3 == 0] or [phone_number(1)],
            email="a@example.com",
            externalId="crm-1",
        ),
    ],
    ids=["phone number", "second number", "two forms of a number", "e-mail", "externalId", "any of them"],
)
@pytest.mark.parametrize("is_batch", [False, True])
def test_a_new_person_becomes_one_contact(
    team: Team, client: Client, make: Make, contact_of: Any, is_batch: bool
) -> None:
    def write(number: int) -> str:
        contact = contact_of(number)
        if is_batch:
            # Some with so many keys that they lock the workspace.
            others = [person(phoneNumbers=[phone_number(1000 + 100 * number + n)]) for n in range(80 * (number % 2))]
            results = client.post(BATCH, {"items": [contact, *others]}, 200)["results"]
            assert {one["status"] for one in results[1:]} <= {"created"}
            return str(results[0]["status"])
        return str(client.request("POST", UPSERT, json={"contact": contact}).json()["status"])

    statuses = Counter(at_once(write, range(24)))
    assert statuses["created"] == 1
    assert statuses["created"] + statuses["updated"] + statuses["unchanged"] == 24
    found = [one for one in client.walk("/v1/contacts", size=500) if one["lastName"] == "Moreau" and _is_meant(one)]
    assert len(found) == 1
    assert len(make.events(f"/v1/contacts/{found[0]['id']}")) == 1 + statuses["updated"]


def _is_meant(contact: dict[str, Any]) -> bool:
    return not any(number.startswith("+33") and number >= phone_number(1000) for number in contact["phoneNumbers"])


def test_many_batches_leave_room_for_others(make: Make, team: Team, client: Client) -> None:
    """More than there are connections: they wait their turn, with an Idempotency-Key too, and nobody is sent away."""
    other = make.team()
    path = other.contact()

    def write(number: int) -> int:
        if number % 2:
            return other.client.request("GET", path).status_code
        items = [person(phoneNumbers=[f"+336{250 * number + n:08}"]) for n in range(500)]
        headers = {"idempotency-key": f"{number}"} if number % 4 else {}
        return client.request("POST", BATCH, json={"items": items}, headers=headers, failing=True).status_code

    assert set(at_once(write, range(60), threads=60)) == {200}
    assert client.get("/v1/contacts")["meta"]["total"] == 30 * 500


def test_keys_in_any_order_never_wait_in_a_circle(client: Client) -> None:
    """Each writer names several people's keys, in an order of its own, and some write many at once."""
    numbers = [phone_number(n) for n in range(6)]
    for number in numbers:
        client.post(UPSERT, {"contact": person(phoneNumbers=[number])})

    def write(turn: int) -> int:
        mixed = [numbers[(turn * 5 + n * (1 + turn % 5)) % 6] for n in range(6)]
        if turn % 3 == 0:
            items = [{"phoneNumbers": [number], "city": f"{turn}"} for number in mixed]
            return client.request("POST", BATCH, json={"items": items}).status_code
        if turn % 3 == 1:
            contact = {"phoneNumbers": list(dict.fromkeys(mixed)), "city": f"{turn}"}
            return client.request("POST", UPSERT, json={"contact": contact}).status_code
        return client.request(
            "POST", UPSERT, json={"contact": {"phoneNumbers": mixed[:1], "city": f"{turn}"}}
        ).status_code

    statuses = Counter(at_once(write, range(90)))
    assert statuses[200] >= 60
    assert set(statuses) <= {200, 409}, "ambiguous, and nothing worse"
    assert client.get("/v1/contacts")["meta"]["total"] == 6


def test_upserts_beside_patches_and_a_deletion(team: Team, client: Client, make: Make) -> None:
    for _ in range(4):
        path = team.contact(phone_numbers=[phone_number(1)])

        def write(turn: int, path: str = path) -> int:
            if turn == 12:
                return client.request("DELETE", path).status_code
            if turn % 2:
                return client.request("PATCH", path, json={"city": f"{turn}"}).status_code
            return client.request("POST", UPSERT, json={"contact": person(role=f"{turn}")}).status_code

        statuses = at_once(write, range(24))
        assert set(statuses) <= {200, 201, 204, 404}
        assert statuses.count(201) <= 1, "after the deletion a new contact, once"
        events = make.events(path)
        assert events[-1]["type"] == "contact.deleted"
        assert [one["object_version"] for one in events] == list(range(1, len(events) + 1))
        for one in client.get("/v1/contacts")["data"]:
            client.delete(f"/v1/contacts/{one['id']}")


def test_an_external_id_that_is_written_in_another_way_meanwhile(team: Team, client: Client, make: Make) -> None:
    """Whoever brings back a contact with an externalId wins or waits; the upsert says to try again."""
    path = client.request("POST", UPSERT, json={"contact": person(externalId="crm-1")}, status=201).headers["location"]
    client.delete(path)

    body = {"contact": person(externalId="crm-1")}
    with ThreadPoolExecutor(1) as pool:
        make.run(make.db.connection.execute("BEGIN"))
        make.run(make.db.connection.execute("UPDATE contacts SET deleted_at = NULL WHERE id = $1", UUID(path[-36:])))
        waiting = pool.submit(client.request, "POST", UPSERT, json=body, failing=True)
        waits = "SELECT count(*) FROM pg_locks WHERE transactionid::text = pg_current_xact_id()::text AND NOT granted"
        while not make.value(waits) and not waiting.done():
            time.sleep(0.01)
        make.run(make.db.connection.execute("COMMIT"))
        assert waiting.result().status_code == 503
    assert client.post(UPSERT, body, 200)["contact"]["id"] == path[-36:]
