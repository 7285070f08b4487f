"""GET /v1/contacts/lookup."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from skipcall.contacts.erased import hashes_to_keep
from tests.client import Client
from tests.make import Make, Team

LOOKUP = "/v1/contacts/lookup"


def found(client: Client, **parameters: str) -> list[str]:
    return [one["contact"]["lastName"] for one in client.get(LOOKUP, params=parameters)["data"]]


def matches(client: Client, **parameters: str) -> list[list[dict[str, Any]]]:
    return [one["matchedBy"] for one in client.get(LOOKUP, params=parameters)["data"]]


def test_by_any_number_of_a_contact_in_any_form(team: Team, client: Client) -> None:
    path = team.contact(phone_numbers=["+33639980142", "+33199000142"])
    for written in (
        "+33199000142",
        "01\u202f99\u2009 00\u00a001 42",
        "01 99 00 01 42",
        "0033 1 99 00 01 42",
        "(+33) 1.99.00.01.42",
        " 33199000142",
    ):
        (one,) = client.get(LOOKUP, params={"phoneNumber": written})["data"]
        assert one["contact"] == client.get(path)
        match = {"key": "phoneNumber", "value": "+33199000142", "exact": True, "reason": None}
        assert one["matchedBy"] == [match]
    assert found(client, phoneNumber="+33639980143") == []


def test_a_national_number_is_of_the_region(team: Team, client: Client) -> None:
    team.contact(last_name="Lima", phone_numbers=["+5511987654321"])
    assert found(client, phoneNumber="(11) 98765-4321", region="br") == ["Lima"]
    assert found(client, phoneNumber="+55 11 98765-4321", region="FR") == ["Lima"]


@pytest.mark.parametrize(
    ("stored", "asked", "region", "reason"),
    [
        ("+5511987654321", "+55 11 8765-4321", None, "BR_NINTH_DIGIT"),
        ("+551187654321", "+55 11 98765-4321", None, "BR_NINTH_DIGIT"),
        ("+551187654321", "(11) 98765-4321", "BR", "BR_NINTH_DIGIT"),
        ("+525512345678", "+52 1 55 1234 5678", None, "MX_MOBILE_ONE"),
        ("+541123456789", "+54 9 11 2345-6789", None, "AR_MOBILE_NINE"),
        ("+5491123456789", "+54 11 2345-6789", None, "AR_MOBILE_NINE"),
        ("+5491123456789", "011 15 2345-6789", "AR", None),
        ("+390612345678", "06 1234 5678", "IT", None),
    ],
)
def test_one_telephone_in_two_forms(
    team: Team, client: Client, stored: str, asked: str, region: str | None, reason: str | None
) -> None:
    team.contact(phone_numbers=[stored])
    parameters = {"phoneNumber": asked} | ({"region": region} if region else {})
    assert matches(client, **parameters) == [
        [{"key": "phoneNumber", "value": stored, "exact": reason is None, "reason": reason}]
    ]


def test_italys_zero_belongs_to_the_number(team: Team, client: Client) -> None:
    team.contact(phone_numbers=["+390612345678"])
    assert found(client, phoneNumber="+39612345678") == []


def test_both_forms_on_one_contact(team: Team, client: Client) -> None:
    team.contact(phone_numbers=["+551187654321", "+5511987654321"])
    (reasons,) = matches(client, phoneNumber="+5511987654321")
    assert [(one["value"], one["reason"]) for one in reasons] == [
        ("+551187654321", "BR_NINTH_DIGIT"),
        ("+5511987654321", None),
    ]


def test_by_email(team: Team, client: Client) -> None:
    team.contact(email="Zoé.Moreau@Example.com")
    team.contact(email="zoe.moreau@example.com", last_name="Without accent")
    (reasons,) = matches(client, email="zoé.moreau@example.COM")
    assert reasons == [{"key": "email", "value": "Zoé.Moreau@Example.com", "exact": False, "reason": "LETTER_CASE"}]
    (reasons,) = matches(client, email="Zoé.Moreau@Example.com")
    assert reasons[0]["exact"] is True
    assert found(client, email="moreau@example.com") == []


@pytest.mark.parametrize(
    "asked",
    [
        "https://www.linkedin.com/in/camille-moreau-example",
        "http://fr.linkedin.com/in/Camille-Moreau-Example/?trk=x&y=/a/",
        "linkedin.com/in/camille-moreau-example//#about",
        "www.LinkedIn.com/in/camille-moreau-example/",
    ],
)
def test_by_linkedin_url_in_any_form(team: Team, client: Client, asked: str) -> None:
    stored = "https://uk.linkedin.com/in/camille-moreau-example/"
    team.contact(linkedin_url=stored)
    team.contact(linkedin_url="https://www.linkedin.com/in/camille-moreau-example-2")
    assert matches(client, linkedinUrl=asked) == [
        [{"key": "linkedinUrl", "value": stored, "exact": False, "reason": "URL_FORM"}]
    ]


ENCODED = [
    "https://www.linkedin.com/in/zo%C3%A9-x",
    "https://www.linkedin.com/in/zoé-x",
    "https://www.linkedin.com/in/zoe\u0301-x",
    "http://linkedin.com/in/ZO%C3%89-%58",
    "https://fr.linkedin.com/in/zoe%CC%81-x/fr/?trk=a",
    "https://www.linkedin.com/in/ZOÉ-x/EN",
]


@pytest.mark.parametrize("stored", ENCODED)
def test_by_linkedin_url_however_it_is_encoded(team: Team, client: Client, stored: str) -> None:
    path = team.contact(linkedin_url=stored)
    team.contact(linkedin_url="https://www.linkedin.com/in/zoe-x")
    for asked in (*ENCODED, f" {stored} "):
        [one] = client.get(LOOKUP, params={"linkedinUrl": asked})["data"]
        assert path.endswith(one["contact"]["id"])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("linkedin.com/in/a%ff", "linkedin.com/in/a"),
        ("linkedin.com/in/a%2Fb", "linkedin.com/in/a/b"),
        ("linkedin.com/in/fr", "linkedin.com/in"),
        ("linkedin.com/company/nord/fr", "linkedin.com/company/nord"),
        ("linkedin.com/in/a%00%1f%ed%a0%80%c0%80%e0%80%80%f4%90%80%80", "linkedin.com/in/a"),
        ("linkedin.com/in/%", "linkedin.com/in/%25"),
    ],
)
def test_other_linkedin_urls_are_of_others(team: Team, client: Client, one: str, other: str) -> None:
    team.contact(linkedin_url=f"https://{one}")
    assert len(found(client, linkedinUrl=one)) == 1
    assert found(client, linkedinUrl=other) == []


WRITTEN = st.lists(
    st.sampled_from(
        ["a", "A", "é", "É", "e\u0301", "%C3%A9", "%c3%89", "%41", "%2F", "%ff", "%", "-", "ø", "中", "%00"]
    ),
    min_size=1,
    max_size=4,
).map("".join)


@settings(max_examples=200)
@given(WRITTEN, WRITTEN, st.sampled_from(["", "/", "/en", "/fr/?x=1"]))
@example("%C3%A9", "É", "/en")
@example("e%cc%81", "é", "")
def test_who_was_erased_is_recognised_by_the_same_addresses(make: Make, one: str, other: str, end: str) -> None:
    urls = [f"https://www.linkedin.com/in/{one}", f"linkedin.com/in/{other}{end}"]
    keys = [make.value("SELECT linkedin_key(:url::text)", url=url) for url in urls]
    hashes = [hashes_to_keep(UUID(int=1), {"linkedin_url": url}, b"secret") for url in urls]
    assert (keys[0] == keys[1]) == (hashes[0] == hashes[1])


def test_by_external_id(team: Team, client: Client, make: Make) -> None:
    path = team.contact()
    make.value("UPDATE contacts SET external_id = 'CRM-1' WHERE id = :id::uuid RETURNING 1", id=path[-36:])
    (reasons,) = matches(client, externalId="CRM-1")
    assert reasons == [{"key": "externalId", "value": "CRM-1", "exact": True, "reason": None}]
    assert found(client, externalId="crm-1") == []


def test_several_keys_find_what_any_of_them_finds(team: Team, client: Client) -> None:
    team.contact(last_name="Both", email="a@example.com", phone_numbers=["+33639980001"])
    team.contact(last_name="Number", email="b@example.com", phone_numbers=["+33639980001"])
    answer = client.get(LOOKUP, params={"phoneNumber": "+33639980001", "email": "a@example.com"})
    told = {one["contact"]["lastName"]: [match["key"] for match in one["matchedBy"]] for one in answer["data"]}
    assert told == {"Both": ["phoneNumber", "email"], "Number": ["phoneNumber"]}


def test_the_last_called_comes_first_then_the_newest(team: Team, client: Client) -> None:
    paths = {name: team.contact(last_name=name) for name in ("Called", "Called later", "Old", "New")}
    for day, name in enumerate(("Called", "Called later"), 1):
        contact_id = client.get(paths[name])["id"]
        team.call(contact_id=contact_id, started_at=datetime(2026, 3, day, tzinfo=UTC))
    assert found(client, phoneNumber="+33639980000") == ["Called later", "Called", "New", "Old"]


def test_no_more_than_the_limit(team: Team, client: Client, make: Make) -> None:
    make.contacts(team.workspace_id, 51)
    answer = client.get(LOOKUP, params={"phoneNumber": "+33639980000"})
    assert (len(answer["data"]), answer["hasMore"]) == (50, True)
    assert client.get(LOOKUP, params={"phoneNumber": "+33639980001"}) == {"data": [], "hasMore": False}


def test_a_national_number_is_of_the_country_of_the_only_workspace(make: Make, team: Team) -> None:
    other = team.workspace()
    team.move(other, "DE", "Europe/Berlin")
    make.contact(other, last_name="There", phone_numbers=["+493012345678"])
    client = team.client_for(team.workspace_id, other)
    assert found(client, phoneNumber="030 12345678", workspaceIds=str(other)) == ["There"]


def test_only_the_workspaces_of_the_key_and_what_is_not_deleted(make: Make, team: Team) -> None:
    other = team.workspace()
    stranger = make.team()
    stranger.contact(email="a@example.com")
    client = team.client_for(team.workspace_id, other)
    here = team.contact(last_name="Here", email="a@example.com")
    make.contact(other, last_name="There", email="a@example.com")
    assert found(client, email="a@example.com") == ["There", "Here"]
    assert found(client, email="a@example.com", workspaceIds=str(other)) == ["There"]
    assert found(client, email="a@example.com", workspaceIds=str(stranger.workspace_id)) == []
    assert found(team.client, email="a@example.com") == ["Here"]
    client.delete(here)
    assert found(team.client, email="a@example.com") == []


def test_custom_fields_by_slug(team: Team, client: Client) -> None:
    team.field("Team size")
    team.contact(custom_fields={"team_size": "5"}, email="a@example.com")
    for keys, name in (("name", "Team size"), ("slug", "team_size")):
        (one,) = client.get(LOOKUP, params={"email": "a@example.com", "customFieldKeys": keys})["data"]
        assert one["contact"]["customFields"] == {name: "5"}


@pytest.mark.parametrize(
    ("parameters", "faults"),
    [
        ({}, [("/query", "REQUIRED")]),
        ({"region": "FR"}, [("/query", "REQUIRED")]),
        ({"phoneNumber": "12"}, [("/query/phoneNumber", "INVALID_PHONE_NUMBER")]),
        ({"phoneNumber": "12", "region": "FR"}, [("/query/phoneNumber", "INVALID_PHONE_NUMBER")]),
        ({"phoneNumber": "+1", "region": "XX"}, [("/query/region", "UNKNOWN_VALUE")]),
        ({"phoneNumber": "1" * 51}, [("/query/phoneNumber", "TOO_LONG")]),
        ({"email": ""}, [("/query/email", "TOO_SHORT")]),
        ({"externalId": "a\x00"}, [("/query/externalId", "FORBIDDEN_CHARACTER")]),
        (
            {"email": "a\n", "workspaceIds": "x"},
            [("/query/workspaceIds", "INVALID_ID"), ("/query/email", "FORBIDDEN_CHARACTER")],
        ),
    ],
)
def test_faults(client: Client, parameters: dict[str, str], faults: list[tuple[str, str]]) -> None:
    assert client.faults("GET", LOOKUP, params=parameters) == faults
