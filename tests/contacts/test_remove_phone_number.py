"""DELETE /v1/contacts/{id}/phone-numbers/{number}."""

import json
from urllib.parse import quote

import pytest

from tests.client import Client
from tests.contacts.test_concurrency import at_once
from tests.make import Make, Team, phone_number

NUMBERS = [phone_number(1), phone_number(2), phone_number(3)]


@pytest.fixture
def path(team: Team) -> str:
    return team.contact(phone_numbers=NUMBERS)


def to(path: str, number: str) -> str:
    return f"{path}/phone-numbers/{quote(number, safe='')}"


def test_removes_one(path: str, client: Client, make: Make) -> None:
    response = client.request("DELETE", to(path, NUMBERS[1]), status=200)
    contact = response.json()
    assert contact["phoneNumbers"] == [NUMBERS[0], NUMBERS[2]]
    found = client.request("GET", path)
    assert (found.json(), found.headers["etag"]) == (contact, response.headers["etag"])
    assert json.loads(make.events(path)[-1]["changes"]) == {"phoneNumbers": [NUMBERS, contact["phoneNumbers"]]}


def test_a_plain_plus_is_taken_too(path: str, client: Client) -> None:
    assert client.delete(f"{path}/phone-numbers/{NUMBERS[0]}", 200).json()["phoneNumbers"] == NUMBERS[1:]


def test_the_last_one_stays(team: Team, client: Client, make: Make) -> None:
    path = team.contact(phone_numbers=NUMBERS[:1])
    error = client.delete(to(path, NUMBERS[0]), 409).json()["error"]
    assert error["code"] == "LAST_PHONE_NUMBER"
    assert client.get(path)["phoneNumbers"] == NUMBERS[:1]
    assert len(make.events(path)) == 1


@pytest.mark.parametrize(
    "number", [phone_number(4), "+33", "x", "\0", "é", NUMBERS[0][1:], f" {NUMBERS[0]}", "+" * 300]
)
def test_one_that_is_not_there(path: str, client: Client, number: str) -> None:
    error = client.delete(to(path, number), 404).json()["error"]
    assert error["message"] == "Phone number not found"


def test_if_match(path: str, client: Client) -> None:
    etag = client.request("GET", path).headers["etag"]
    client.delete(to(path, NUMBERS[0]), 200, headers={"if-match": etag})
    refused = client.delete(to(path, NUMBERS[1]), 412, headers={"if-match": etag})
    assert refused.headers["etag"] == client.request("GET", path).headers["etag"]


def test_one_of_those_removed_at_once_is_the_last(path: str, client: Client) -> None:
    statuses = at_once(lambda n: client.request("DELETE", to(path, NUMBERS[n])).status_code, range(3), threads=3)
    assert sorted(statuses) == [200, 200, 409]
    assert len(client.get(path)["phoneNumbers"]) == 1


def test_a_contact_that_was_deleted(path: str, client: Client) -> None:
    client.delete(path)
    assert client.delete(to(path, NUMBERS[0]), 404).json()["error"]["message"] == "Contact not found"


@pytest.mark.parametrize("number", [NUMBERS[0], phone_number(4), "x"])
def test_a_contact_that_was_merged(path: str, team: Team, client: Client, number: str) -> None:
    other = team.contact()
    client.post(f"{other}/merge", {"contactId": path.rpartition("/")[2]}, 200)
    gone = client.delete(to(path, number), 410)
    assert gone.json()["error"]["code"] == "CONTACT_MERGED"
    assert gone.headers["link"] == f'<{other}>; rel="canonical"'
