"""GET /v1/contacts/{id}/callability."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from skipcall.callability.rules import rule_sets
from skipcall.workspaces.queries import set_call_rules
from tests.make import Team, phone_number

MONDAY = "2026-03-02T10:00:00.000Z"  # eleven in Paris


def by(team: Team, rule_set: str) -> None:
    team.make.run(set_call_rules(team.make.db, team.workspace_id, rule_set))


def ask(team: Team, contact: str, **query: str) -> dict[str, Any]:
    found: dict[str, Any] = team.client.get(f"{contact}/callability", params=query)
    assert found["callable"] == (found["reasons"] == [])
    assert all(one["message"] for one in found["reasons"])
    return found


def codes(found: dict[str, Any]) -> list[str]:
    return [one["code"] for one in found["reasons"]]


def test_without_rules(team: Team) -> None:
    found = ask(team, team.contact(), at=MONDAY)
    assert found == {
        "callable": True,
        "reasons": [],
        "nextAllowedAt": MONDAY,
        "ruleSet": "NONE",
        "timezone": "Europe/Paris",
        "checkedAt": MONDAY,
        "evidence": [],
    }


def test_a_refusal_outlives_the_contact(team: Team) -> None:
    contact = team.contact()
    consent = team.client.post(f"{contact}/consents", {"status": "objected", "source": "Phone call"})
    entry = team.client.post("/v1/do-not-call", {"phoneNumber": phone_number(), "reason": "OPPOSITION"})
    found = ask(team, contact)
    assert codes(found) == ["NOT_ALLOWED", "DO_NOT_CALL"]
    assert (found["nextAllowedAt"], found["evidence"]) == (None, [consent["id"], entry["id"]])
    team.client.delete(contact)
    team.client.get(f"{contact}/callability", status=404)
    again = team.contact()
    assert codes(ask(team, again)) == ["DO_NOT_CALL"]
    assert codes(ask(team, again, phoneNumber=phone_number(5))) == ["NO_PHONE_NUMBER"]


def test_a_number_is_the_contacts_in_every_form(team: Team) -> None:
    contact = team.contact(phone_numbers=["+5511987654321"])
    for number, codes in (("+551187654321", []), ("+551187654322", ["NO_PHONE_NUMBER"])):
        found = team.client.get(f"{contact}/callability", params={"phoneNumber": number})
        assert [one["code"] for one in found["reasons"]] == codes


def test_a_plus_that_is_not_encoded(team: Team) -> None:
    contact = team.contact()
    assert team.client.get(f"{contact}/callability?phoneNumber={phone_number()}")["reasons"] == []


def test_an_entry_that_ends(team: Team) -> None:
    ends_at = (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    team.client.post("/v1/do-not-call", {"phoneNumber": phone_number(), "reason": "MANUAL", "expiresAt": ends_at})
    contact = team.contact()
    found = ask(team, contact)
    assert (found["nextAllowedAt"], found["reasons"][0]["until"]) == (ends_at, ends_at)
    assert ask(team, contact, at=ends_at)["callable"]


def test_another_contact_with_the_number_refused(team: Team) -> None:
    team.contact(allow_phone_calls=False)
    assert codes(ask(team, team.contact())) == ["NOT_ALLOWED"]


def test_hours_and_calls_of_consumers(team: Team) -> None:
    by(team, "FR_CONSUMER")
    contact = team.contact()
    assert ask(team, contact, at=MONDAY)["callable"]
    found = ask(team, contact, at="2026-03-02T20:00:00Z")
    assert (codes(found), found["nextAllowedAt"]) == (["OUTSIDE_HOURS"], "2026-03-03T09:00:00.000Z")
    contact_id = UUID(contact.rpartition("/")[2])
    for day, type_ in ((20, "outbound"), (23, "outbound"), (24, "outbound"), (25, "inbound")):
        started_at = datetime(2026, 2, day, 10, tzinfo=UTC)
        team.call(contact_id=contact_id, type=type_, started_at=started_at)
    assert ask(team, contact, at=MONDAY)["callable"]
    team.call(contact_id=contact_id, started_at=datetime(2026, 2, 26, 10, tzinfo=UTC))
    found = ask(team, contact, at=MONDAY)
    assert (codes(found), found["nextAllowedAt"]) == (["FREQUENCY_CAP"], "2026-03-23T09:00:00.000Z")


def test_whoever_was_called_at_the_number_was_called(team: Team) -> None:
    by(team, "FR_CONSUMER")
    former, contact = team.contact(), team.contact(phone_numbers=[phone_number(), phone_number(1)])
    for day, contact_id in enumerate(
        (UUID(former.rpartition("/")[2]), None, UUID(contact.rpartition("/")[2]), None), 20
    ):
        started_at = datetime(2026, 2, day, 10, tzinfo=UTC)
        team.call(contact_id=contact_id, phone_number=phone_number(), started_at=started_at)
    assert codes(ask(team, contact, at=MONDAY)) == ["FREQUENCY_CAP"]
    assert ask(team, contact, at=MONDAY, phoneNumber=phone_number(1))["callable"]


def test_calls_at_a_number_count_in_every_form(team: Team) -> None:
    by(team, "FR_CONSUMER")
    contact = team.contact(phone_numbers=["+541123456789"])
    for day, number in ((20, "+541123456789"), (23, "+5491123456789"), (24, "+5491123456789"), (25, "+541123456780")):
        team.call(phone_number=number, started_at=datetime(2026, 2, day, 10, tzinfo=UTC))
    assert codes(ask(team, contact, at=MONDAY)) == []
    team.call(phone_number="+5491123456789", started_at=datetime(2026, 2, 26, 10, tzinfo=UTC))
    assert codes(ask(team, contact, at=MONDAY)) == ["FREQUENCY_CAP"]
    assert codes(ask(team, contact, at=MONDAY, phoneNumber="+5491123456789")) == ["FREQUENCY_CAP"]


def test_what_was_said_is_not_lost_by_a_merge(team: Team) -> None:
    by(team, "FR_CONSUMER")
    at = "2026-08-11T10:00:00Z"
    target, middle, source = (team.contact(phone_numbers=[phone_number(number)]) for number in range(3))
    given = {"status": "given", "source": "Form", "legalBasis": "consent", "purpose": "Offers"}
    consent = team.client.post(f"{source}/consents", given)
    for into, gone in ((middle, source), (target, middle)):
        team.client.post(f"{into}/merge", {"contactId": gone.rpartition("/")[2]}, status=200)
    assert ask(team, target, at=at)["evidence"] == [consent["id"]]
    assert ask(team, target, at=at)["callable"]
    assert team.client.get(target, params={"include": "consent"})["consent"]["id"] == consent["id"]
    team.client.post(f"{target}/consents", {"status": "withdrawn", "source": "Letter"})
    assert codes(ask(team, target, at=at)) == ["NOT_ALLOWED", "CONSENT_WITHDRAWN", "REFUSAL_COOLDOWN"]
    team.client.post(f"{middle}/unmerge", None, status=200)
    assert codes(ask(team, middle, at=at)) == ["NOT_ALLOWED", "CONSENT_WITHDRAWN", "REFUSAL_COOLDOWN"]


def test_consumers_after_the_change_of_the_law(team: Team) -> None:
    by(team, "FR_CONSUMER")
    contact, at = team.contact(), "2026-08-11T02:00:00Z"
    assert codes(ask(team, contact, at=at)) == ["NO_CONSENT", "OUTSIDE_HOURS"]
    given = {"status": "given", "source": "Form", "legalBasis": "consent", "purpose": "Offers"}
    team.client.post(f"{contact}/consents", given | {"legalBasis": "b2b_legitimate_interest"})
    assert codes(ask(team, contact, at=at)) == ["NO_CONSENT", "OUTSIDE_HOURS"]
    team.client.post(f"{contact}/consents", given | {"legalBasis": "current_contract"})
    assert codes(ask(team, contact, at=at)) == ["OUTSIDE_HOURS"]
    consent = team.client.post(f"{contact}/consents", given)
    assert ask(team, contact, at=at)["evidence"] == [consent["id"]]
    assert ask(team, contact, at=at)["callable"]
    team.client.post(f"{contact}/consents", {"status": "withdrawn", "source": "E-mail"})
    assert codes(ask(team, contact, at=at)) == ["NOT_ALLOWED", "CONSENT_WITHDRAWN", "OUTSIDE_HOURS", "REFUSAL_COOLDOWN"]
    team.client.post(f"{contact}/consents", given | {"obtainedAt": "2026-01-05T09:00:00Z"})  # an old form, found later
    assert codes(ask(team, contact, at=at)) == ["NOT_ALLOWED", "CONSENT_WITHDRAWN", "OUTSIDE_HOURS", "REFUSAL_COOLDOWN"]
    by(team, "FR_B2B")
    assert codes(ask(team, contact, at=at)) == ["NOT_ALLOWED"]


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("at=tomorrow", ("/query/at", "WRONG_TYPE")),
        ("at=1999-12-31T00:00:00Z", ("/query/at", "OUT_OF_RANGE")),
        ("at=2100-01-01T00:00:00Z", ("/query/at", "OUT_OF_RANGE")),
        ("phoneNumber=12", ("/query/phoneNumber", "INVALID_PHONE_NUMBER")),
    ],
)
def test_bad_queries(team: Team, query: str, fault: tuple[str, str]) -> None:
    assert team.client.faults("GET", f"{team.contact()}/callability?{query}") == [fault]


def test_every_rule_set_may_be_chosen(team: Team) -> None:
    for rule_set in rule_sets():
        by(team, rule_set)
        assert ask(team, team.contact(phone_numbers=[phone_number(7)]))["ruleSet"] == rule_set
