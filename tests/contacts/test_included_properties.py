"""`include`: what contacts are answered with beside the documented properties."""

from typing import Any

import pytest

from tests.client import Client
from tests.make import phone_number

PERSON = {"firstName": "Camille", "lastName": "Moreau", "phoneNumbers": [phone_number(1)]}
INCLUDED = {"include": "externalId"}


@pytest.fixture
def path(client: Client) -> str:
    body = {"contact": PERSON | {"externalId": "crm-1"}}
    return client.request("POST", "/v1/contacts/upsert", json=body, status=201).headers["location"]


def test_every_operation_answers_it_when_asked(path: str, client: Client) -> None:
    plain = client.get(path)
    full = plain | {"externalId": "crm-1"}
    since = {"updatedSince": plain["updatedAt"]}
    number = {"phoneNumber": phone_number(1)}
    body: dict[str, Any] = {"contact": {"externalId": "crm-1"}}
    for query, expected in (({}, plain), (INCLUDED, full), ({"include": "externalId , externalId"}, full)):
        assert client.get(path, params=query) == expected
        assert client.get("/v1/contacts", params=query)["data"] == [expected]
        assert client.get("/v1/contacts", params=query | {"sort": "createdAt"})["data"] == [expected]
        assert client.get("/v1/contacts", params=query | since)["data"] == [expected]
        assert client.patch(path, {}, params=query) == expected
        assert client.patch(path, {"customFields": {}}, params=query) == expected
        assert client.post(f"{path}/phone-numbers", number, 200, params=query) == expected
        assert client.post("/v1/contacts/upsert", body, 200, params=query)["contact"] == expected
    assert client.post("/v1/contacts", PERSON, params=INCLUDED)["externalId"] is None
    assert "externalId" not in client.post("/v1/contacts", PERSON)


def test_the_tag_is_that_of_what_is_answered(path: str, client: Client) -> None:
    tags = [client.request("GET", path, params=query).headers["etag"] for query in ({}, INCLUDED)]
    assert tags[0] != tags[1]
    client.request("GET", path, params=INCLUDED, headers={"if-none-match": tags[0]}, status=200)
    client.request("GET", path, params=INCLUDED, headers={"if-none-match": tags[1]}, status=304)
    client.patch(path, {"city": "Lille"}, headers={"if-match": tags[0]})


@pytest.mark.parametrize("include", ["", "everything", "externalId,", "externalid", "external_id"])
def test_unknown_names_are_refused(path: str, client: Client, include: str) -> None:
    query = {"include": include}
    expected = [("/query/include", "UNKNOWN_VALUE")]
    assert client.faults("GET", path, params=query) == expected
    assert client.faults("GET", "/v1/contacts", params=query) == expected
    assert client.faults("POST", "/v1/contacts", params=query, json=PERSON) == expected
    assert client.faults("PATCH", path, params=query, json={}) == expected
    assert client.faults("POST", "/v1/contacts/upsert", params=query, json={"contact": PERSON}) == expected
