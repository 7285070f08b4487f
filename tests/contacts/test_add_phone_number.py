"""POST /v1/contacts/{id}/phone-numbers."""

import json

import pytest

from tests.client import Client
from tests.contacts.test_concurrency import at_once
from tests.make import Make, Team, phone_number

NUMBERS = [phone_number(1), phone_number(2)]


@pytest.fixture
def path(team: Team) -> str:
    return team.contact(phone_numbers=NUMBERS)


def test_adds_one_at_the_end(path: str, client: Client, make: Make) -> None:
    response = client.request("POST", f"{path}/phone-numbers", json={"phoneNumber": phone_number(3)}, status=200)
    contact = response.json()
    assert contact["phoneNumbers"] == [*NUMBERS, phone_number(3)]
    assert contact["lastModificationSource"] == "API"
    found = client.request("GET", path)
    assert (found.json(), found.headers["etag"]) == (contact, response.headers["etag"])
    event = make.events(path)[-1]
    assert (event["type"], event["object_version"]) == ("contact.updated", 2)
    assert json.loads(event["changes"]) == {"phoneNumbers": [NUMBERS, contact["phoneNumbers"]]}
    assert event["request_id"] == response.headers["x-request-id"]


@pytest.mark.parametrize("position", range(20))
def test_or_in_its_place(path: str, client: Client, position: int) -> None:
    contact = client.post(f"{path}/phone-numbers", {"phoneNumber": phone_number(3), "position": position}, 200)
    expected = list(NUMBERS)
    expected.insert(position, phone_number(3))
    assert contact["phoneNumbers"] == expected


def test_another_form_of_one_that_is_there_changes_nothing(team: Team) -> None:
    contact = team.contact(phone_numbers=["+5511986192042"])
    body = {"phoneNumber": "+551186192042"}
    assert team.client.post(f"{contact}/phone-numbers", body, 200)["phoneNumbers"] == ["+5511986192042"]
    assert [one["type"] for one in team.make.events(contact)] == ["contact.created"]


def test_one_that_is_there_changes_nothing(path: str, client: Client, make: Make) -> None:
    before = client.get(path)
    assert client.post(f"{path}/phone-numbers", {"phoneNumber": NUMBERS[1], "position": 0}, 200) == before
    assert len(make.events(path)) == 1


def test_there_are_twenty_at_most(team: Team, client: Client, make: Make) -> None:
    numbers = [phone_number(n) for n in range(20)]
    path = team.contact(phone_numbers=numbers)
    error = client.post(f"{path}/phone-numbers", {"phoneNumber": phone_number(20)}, 409)["error"]
    assert error["code"] == "TOO_MANY_PHONE_NUMBERS"
    assert client.post(f"{path}/phone-numbers", {"phoneNumber": numbers[7]}, 200)["phoneNumbers"] == numbers
    assert len(make.events(path)) == 1


def test_faults(path: str, client: Client) -> None:
    to = f"{path}/phone-numbers"
    assert client.faults("POST", to, json={}) == [("/phoneNumber", "REQUIRED")]
    assert sorted(client.faults("POST", to, json={"phoneNumber": "+331", "position": 20})) == [
        ("/phoneNumber", "INVALID_PHONE_NUMBER"),
        ("/position", "TOO_LARGE"),
    ]
    assert sorted(client.faults("POST", to, json={"phoneNumber": None, "position": -1})) == [
        ("/phoneNumber", "NULL_NOT_ALLOWED"),
        ("/position", "TOO_SMALL"),
    ]


def test_if_match(path: str, client: Client) -> None:
    etag = client.request("GET", path).headers["etag"]
    for number, status in ((3, 200), (4, 412)):
        body = {"phoneNumber": phone_number(number)}
        client.request("POST", f"{path}/phone-numbers", json=body, headers={"if-match": etag}, status=status)
    assert client.get(path)["phoneNumbers"] == [*NUMBERS, phone_number(3)]


def test_all_that_are_added_at_once_are_there(path: str, client: Client, make: Make) -> None:
    at_once(lambda n: client.post(f"{path}/phone-numbers", {"phoneNumber": phone_number(n)}, 200), range(3, 21))
    numbers = client.get(path)["phoneNumbers"]
    assert numbers[:2] == NUMBERS
    assert sorted(numbers) == [phone_number(n) for n in range(1, 21)]
    assert [event["object_version"] for event in make.events(path)] == list(range(1, 20))


def test_a_contact_that_was_deleted(path: str, client: Client) -> None:
    client.delete(path)
    client.post(f"{path}/phone-numbers", {"phoneNumber": phone_number(3)}, 404)


def test_a_contact_that_was_merged(path: str, team: Team, client: Client) -> None:
    other = team.contact()
    client.post(f"{other}/merge", {"contactId": path.rpartition("/")[2]}, 200)
    body = {"phoneNumber": phone_number(3)}
    gone = client.request("POST", f"{path}/phone-numbers", json=body, status=410)
    assert gone.json()["error"]["code"] == "CONTACT_MERGED"
    assert gone.headers["link"] == f'<{other}>; rel="canonical"'
