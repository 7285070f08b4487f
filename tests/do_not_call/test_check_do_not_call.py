"""POST /v1/do-not-call/check."""

from typing import Any

import pytest

from tests.make import Make, Team, phone_number

LIST = "/v1/do-not-call"
PATH = f"{LIST}/check"


def check(team: Team, *numbers: str, **body: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = team.client.post(PATH, {"phoneNumbers": numbers} | body, status=200)["data"]
    return found


def test_each_number_in_the_order_of_the_request(team: Team) -> None:
    team.contact(phone_numbers=[phone_number(1), phone_number(2)], allow_phone_calls=False)
    team.contact(phone_numbers=[phone_number(3), phone_number(2)], allow_phone_calls=True)
    entries = [
        team.client.post(LIST, {"phoneNumber": phone_number(number), "reason": "OPPOSITION"})["id"] for number in (1, 4)
    ]
    found = check(team, "06 39 98 00 04", phone_number(3), "?", phone_number(2), phone_number(1), phone_number(4))
    assert found == [
        {"phoneNumber": number, "e164": e164, "callable": not reasons, "reasons": reasons, "entryId": entry}
        for number, e164, reasons, entry in (
            ("06 39 98 00 04", phone_number(4), ["DO_NOT_CALL"], entries[1]),
            (phone_number(3), phone_number(3), [], None),
            ("?", None, ["UNREADABLE"], None),
            (phone_number(2), phone_number(2), ["NOT_ALLOWED"], None),
            (phone_number(1), phone_number(1), ["DO_NOT_CALL", "NOT_ALLOWED"], entries[0]),
            (phone_number(4), phone_number(4), ["DO_NOT_CALL"], entries[1]),
        )
    ]


def test_a_refusal_outlives_the_contact(team: Team) -> None:
    """The whole story: said on the phone, kept when the contact goes, still there when somebody imports it again."""
    number = phone_number(142)
    contact = team.contact(phone_numbers=[number])
    assert check(team, number)[0]["callable"]
    team.client.post(f"{contact}/consents", {"status": "objected", "source": "Phone call"})
    team.client.post(LIST, {"phoneNumber": number, "reason": "OPPOSITION", "source": "Phone call"})
    assert check(team, number)[0]["reasons"] == ["DO_NOT_CALL", "NOT_ALLOWED"]
    team.client.delete(contact)
    assert check(team, number)[0]["reasons"] == ["DO_NOT_CALL"]
    team.contact(phone_numbers=[number], allow_phone_calls=True)
    assert check(team, number)[0]["reasons"] == ["DO_NOT_CALL"]
    assert [one["status"] for one in team.client.walk(f"{contact}/consents")] == ["objected"]


@pytest.mark.parametrize(
    ("listed", "asked", "e164"),
    [
        ("+5511987654321", "+55 11 8765-4321", "+551187654321"),
        ("+551187654321", "(11) 98765-4321", "+5511987654321"),
        ("+52 1 55 1234 5678", "+525512345678", "+525512345678"),
        ("+525512345678", "+52 1 55 1234 5678", "+525512345678"),
        ("+5491123456789", "+541123456789", "+541123456789"),
    ],
)
def test_a_refusal_holds_for_every_form_of_a_number(team: Team, listed: str, asked: str, e164: str) -> None:
    entry = team.client.post(LIST, {"phoneNumber": listed, "reason": "OPPOSITION"})
    [found] = check(team, asked, region="BR")
    assert (found["e164"], found["reasons"], found["entryId"]) == (e164, ["DO_NOT_CALL"], entry["id"])
    assert [one["id"] for one in team.client.get(LIST, params={"phoneNumber": e164})["data"]] == [entry["id"]]
    contact = team.contact(phone_numbers=[e164])
    assert "DO_NOT_CALL" in [one["code"] for one in team.client.get(f"{contact}/callability")["reasons"]]
    team.client.delete(f"{LIST}/{entry['id']}")
    assert check(team, asked, region="BR")[0]["callable"]


def test_one_entry_is_of_every_form(team: Team) -> None:
    """What was said of one form is the answer for the other, and one that holds for good takes the place of one that ends."""
    soon = {"phoneNumber": "+551187654321", "reason": "OPPOSITION", "expiresAt": "2098-01-01T00:00:00Z"}
    first = team.client.post(LIST, soon)
    again = team.client.post(LIST, soon | {"phoneNumber": "+5511987654321"}, status=200)
    assert again["id"] == first["id"]
    other = team.client.post(LIST, {"phoneNumber": "+5511987654321", "reason": "MANUAL"})
    good = team.client.post(LIST, {"phoneNumber": "+5511987654321", "reason": "OPPOSITION"})
    entries = {one["id"] for one in team.client.get(LIST, params={"phoneNumber": "+551187654321"})["data"]}
    assert entries == {other["id"], good["id"]}
    for id in entries:
        team.client.delete(f"{LIST}/{id}")
    assert check(team, "+551187654321")[0]["callable"]


def test_a_contact_refuses_for_every_form_of_its_numbers(team: Team) -> None:
    team.contact(phone_numbers=["+5511987654321"], allow_phone_calls=False)
    assert check(team, "+551187654321", "+551187654322")[0]["reasons"] == ["NOT_ALLOWED"]


def test_other_workspaces_do_not_matter(make: Make, team: Team) -> None:
    other = team.workspace()
    client = team.client_for(team.workspace_id, other)
    client.post(f"{LIST}?workspaceId={other}", {"phoneNumber": phone_number(1), "reason": "MANUAL"})
    make.contact(other, phone_numbers=[phone_number(2)], allow_phone_calls=False)
    assert [one["callable"] for one in check(team, phone_number(1), phone_number(2))] == [True, True]
    body = {"phoneNumbers": [phone_number(1), phone_number(2)]}
    found = client.post(f"{PATH}?workspaceId={other}", body, status=200)["data"]
    assert [one["reasons"] for one in found] == [["DO_NOT_CALL"], ["NOT_ALLOWED"]]
    for id in (other, make.team().workspace_id, "nonsense"):
        team.client.post(f"{PATH}?workspaceId={id}", body, status=404)


def test_a_thousand_numbers_and_no_more(team: Team) -> None:
    numbers = [phone_number(number) for number in range(1_000)]
    team.client.post(LIST, {"phoneNumber": numbers[999], "reason": "MANUAL"})
    found = check(team, *numbers)
    assert [one["e164"] for one in found] == numbers
    assert [one["callable"] for one in found] == [True] * 999 + [False]
    body = {"phoneNumbers": [*numbers, numbers[0]]}
    assert team.client.faults("POST", PATH, json=body) == [("/phoneNumbers", "TOO_MANY_ITEMS")]


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, ("/phoneNumbers", "REQUIRED")),
        ({"phoneNumbers": []}, ("/phoneNumbers", "TOO_FEW_ITEMS")),
        ({"phoneNumbers": ["+33639980001", None]}, ("/phoneNumbers/1", "NULL_NOT_ALLOWED")),
        ({"phoneNumbers": [""]}, ("/phoneNumbers/0", "TOO_SHORT")),
        ({"phoneNumbers": ["+33639980001"], "region": "EU"}, ("/region", "UNKNOWN_VALUE")),
    ],
)
def test_bad_input(team: Team, body: Any, fault: tuple[str, str]) -> None:
    assert team.client.faults("POST", PATH, json=body) == [fault]


def test_the_region_says_whose_national_numbers_these_are(team: Team) -> None:
    [checked] = check(team, "0171 1234567", region="DE")
    assert checked["e164"] == "+491711234567"
