"""Many writers of one contact at once: nothing is lost, nothing is mixed."""

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.client import Client
from tests.make import Make, Team, phone_number


def at_once(work: Callable[[int], Any], numbers: Iterable[int], threads: int = 20) -> list[Any]:
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, numbers))


def test_different_fields_all_survive(team: Team, client: Client, make: Make) -> None:
    for number in range(20):
        team.field(f"Field {number}")
    path = team.contact()
    for turn in range(3):

        def write(number: int, turn: int = turn) -> None:
            client.patch(path, {"customFields": {f"field_{number}": f"{turn} {number}"}})

        at_once(write, range(20))
        assert client.get(path)["customFields"] == {f"Field {n}": f"{turn} {n}" for n in range(20)}
    events = make.events(path)
    assert [event["object_version"] for event in events] == list(range(1, 62))


def test_different_properties_all_survive(team: Team, client: Client) -> None:
    path = team.contact()
    names = ["firstName", "lastName", "company", "city", "country", "role"]
    at_once(lambda n: client.patch(path, {names[n]: f"value {n}"}), range(6))
    assert client.get(path).items() >= {name: f"value {n}" for n, name in enumerate(names)}.items()


def test_phone_numbers_are_replaced_as_a_whole(team: Team, client: Client) -> None:
    path = team.contact()
    sets = [[phone_number(10 * n + m) for m in range(5)] for n in range(10)]
    seen = at_once(
        lambda n: (client.patch(path, {"phoneNumbers": sets[n // 2]}) if n % 2 else client.get(path))["phoneNumbers"],
        range(20),
    )
    assert all(numbers in [*sets, [phone_number()]] for numbers in seen)
    assert client.get(path)["phoneNumbers"] in sets


def test_if_match_loses_no_update(team: Team, client: Client, make: Make) -> None:
    """Sixteen writers count in one field, each trying again when another was first."""
    team.field("Counter")
    path = team.contact(custom_fields={"counter": "0"})

    def count(_: int) -> int:
        refused = 0
        while True:
            found = client.request("GET", path, status=200)
            value = str(int(found.json()["customFields"]["Counter"]) + 1)
            body = {"customFields": {"counter": value}}
            if client.request("PATCH", path, json=body, headers={"if-match": found.headers["etag"]}).is_success:
                return refused
            refused += 1

    refused = at_once(count, range(64), threads=16)
    assert client.get(path)["customFields"] == {"Counter": "64"}
    assert sum(refused) > 0, "the writers never met"
    assert len(make.events(path)) == 65


def test_events_tell_one_history(team: Team, client: Client, make: Make) -> None:
    """Each change starts where the one before it ended, in the order of versions and of time."""
    path = team.contact(city="start")
    at_once(lambda n: client.patch(path, {"city": f"city {n}"}), range(40))
    events = make.events(path)[1:]
    events.sort(key=lambda event: event["object_version"])
    city = "start"
    for event in events:
        before, after = json.loads(event["changes"])["city"]
        assert before == city
        city = after
    assert client.get(path)["city"] == city
    assert [event["occurred_at"] for event in events] == sorted(event["occurred_at"] for event in events)


def test_patches_beside_a_deletion(team: Team, client: Client, make: Make) -> None:
    for _ in range(5):
        path = team.contact()

        def write(number: int, path: str = path) -> int:
            if number == 10:
                return client.request("DELETE", path).status_code
            return client.request("PATCH", path, json={"city": f"{number}"}).status_code

        statuses = at_once(write, range(20))
        assert statuses[10] == 204
        assert set(statuses) <= {200, 204, 404}
        assert make.events(path)[-1]["type"] == "contact.deleted"


def test_creations_are_counted(team: Team, client: Client) -> None:
    body = {"firstName": "A", "lastName": "B", "phoneNumbers": [phone_number()]}
    made = at_once(lambda _: client.post("/v1/contacts", body)["id"], range(60))
    assert len(set(made)) == 60
    page = client.get("/v1/contacts", params={"size": 100})
    assert page["meta"]["total"] == len(page["data"]) == 60
    at_once(lambda n: client.delete(f"/v1/contacts/{made[n]}"), range(30))
    assert client.get("/v1/contacts")["meta"]["total"] == 30
