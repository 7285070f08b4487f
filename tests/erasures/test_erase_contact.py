"""POST /v1/contacts/{id}/erase: what remains, what comes back, and what answers to the id."""

from typing import Any
from uuid import UUID

import pytest

from tests.client import Client
from tests.make import Make, Team, phone_number

ZOE = {
    "firstName": "Zoé",
    "lastName": "Müller",
    "email": "Zoe@Example.com",
    "linkedinUrl": "https://fr.linkedin.com/in/zoe-mueller-example/",
    "phoneNumbers": ["+33639980301"],
}
CALL = {"type": "outbound", "status": "completed", "startedAt": "2026-03-02T09:41:07Z"}


def erase(client: Client, path: str, status: int = 200) -> Any:
    return client.post(f"{path}/erase", None, status=status)


def test_it_is_gone_and_its_id_says_so(team: Team) -> None:
    client = team.client
    path = f"/v1/contacts/{client.post('/v1/contacts', ZOE)['id']}"
    other = f"/v1/contacts/{client.post('/v1/contacts', ZOE | {'lastName': 'Petit'})['id']}"
    client.patch(path, {"company": "Atelier Nord"})
    erasure = erase(client, path)
    assert erasure["status"] == "COMPLETED"
    assert erasure["contactIds"] == [path.rpartition("/")[2]]
    assert erasure["apiKeyId"] == str(team.key.id)
    assert erasure["completedAt"] is not None
    assert erasure["receipt"]["contacts"] == 1
    assert erasure["receipt"]["changes"] == 1
    calls: list[tuple[str, str, Any]] = [
        ("GET", path, None),
        ("PATCH", path, {"role": "CTO"}),
        ("DELETE", path, None),
        ("POST", f"{path}/restore", None),
        ("POST", f"{path}/unmerge", None),
        ("POST", f"{path}/merge", {"contactId": other.rpartition("/")[2]}),
        ("POST", f"{other}/merge", {"contactId": path.rpartition("/")[2]}),
        ("POST", f"{path}/phone-numbers", {"phoneNumber": "+33639980302"}),
        ("DELETE", f"{path}/phone-numbers/%2B33639980301", None),
        ("POST", f"{path}/consents", {"status": "objected", "source": "Phone call"}),
        ("GET", f"{path}/callability", None),
        ("GET", f"{path}/personal-data", None),
    ]
    for method, place, body in calls:
        options = {} if body is None else {"json": body}
        error = client.request(method, place, status=410, **options).json()["error"]
        assert error["code"] == "CONTACT_ERASED", place
        assert erasure["id"] in error["message"]
    assert erase(client, path) == erasure == client.get(f"/v1/erasures/{erasure['id']}")
    assert [one["id"] for one in client.walk("/v1/contacts")] == [other.rpartition("/")[2]]
    assert client.get("/v1/contacts")["meta"]["total"] == 1
    found = client.get("/v1/contacts/lookup", params={"email": "zoe@example.com"})["data"]
    assert [one["contact"]["lastName"] for one in found] == ["Petit"]


def test_the_history_tells_who_and_when_without_values(team: Team) -> None:
    path = team.contact(company="Atelier Nord")
    team.client.patch(path, {"company": "Atelier Sud"})
    erase(team.client, path)
    entries = team.client.walk(f"{path}/history")
    assert [one["type"] for one in entries] == ["contact.erased", "contact.updated", "contact.created"]
    assert entries[1]["changes"] == {"company": {"old": None, "new": None}}
    assert {one["apiKeyId"] for one in entries[:2]} == {str(team.key.id)}


def test_a_deleted_contact_can_be_erased(team: Team) -> None:
    path, other = team.contact(), team.contact()
    team.client.delete(path)
    assert erase(team.client, path)["receipt"]["contacts"] == 1
    assert team.client.get("/v1/contacts")["meta"]["total"] == 1
    listed = team.client.walk("/v1/contacts", includeDeleted=True)
    assert [(one["firstName"], one["phoneNumbers"]) for one in listed if one["deletedAt"]] == [("Erased", [])]
    assert team.client.get(other)["id"]


def test_all_that_were_merged_into_it_go_too(team: Team) -> None:
    first, second, third = (team.contact(first_name=name) for name in ("One", "Two", "Three"))
    team.client.post(f"{second}/merge", {"contactId": third.rpartition("/")[2]}, status=200)
    team.client.post(f"{first}/merge", {"contactId": second.rpartition("/")[2]}, status=200)
    refused = team.client.request("POST", f"{third}/erase", status=410)
    assert refused.json()["error"]["code"] == "CONTACT_MERGED", "what is left of it is in the other one"
    assert refused.headers["link"] == f'<{first}>; rel="canonical"'
    erasure = erase(team.client, first)
    assert sorted(erasure["contactIds"]) == sorted(one.rpartition("/")[2] for one in (first, second, third))
    assert erasure["receipt"]["merges"] == 2
    for path in (first, second, third):
        assert team.client.get(path, status=410)["error"]["code"] == "CONTACT_ERASED"
        assert erase(team.client, path) == erasure


def test_what_was_under_a_former_number_goes_too(team: Team) -> None:
    former = "+33639980426"
    path = team.contact(phone_numbers=[former])
    entry = team.client.post("/v1/do-not-call", {"phoneNumber": former, "reason": "MANUAL", "source": "Said no"})
    team.client.patch(path, {"phoneNumbers": ["+33639980427"]})
    call = {"type": "outbound", "status": "completed", "phoneNumber": former, "notes": "Was angry"}
    call_id = team.client.post("/v1/calls", call | {"startedAt": "2026-03-02T09:41:07Z"})["id"]
    data = team.client.get(f"{path}/personal-data")
    assert [one["id"] for one in data["doNotCall"]] == [entry["id"]]
    assert [one["call"]["id"] for one in data["calls"]] == [call_id]
    receipt = erase(team.client, path)["receipt"]
    assert (receipt["calls"], receipt["doNotCall"]) == (1, 1)
    assert team.client.get(f"/v1/do-not-call/{entry['id']}")["phoneNumber"] is None
    assert team.client.post("/v1/do-not-call/check", {"phoneNumbers": [former]}, 200)["data"][0]["callable"] is False


def test_a_merge_that_was_undone_leaves_nothing_with_the_other(team: Team) -> None:
    other = team.contact(company=None)
    path = team.contact(company="Secret Atelier")
    team.client.post(f"{other}/merge", {"contactId": path.rpartition("/")[2]}, status=200)
    team.client.post(f"{path}/unmerge", None, status=200)
    team.client.patch(other, {"city": "Lille"})
    assert "Secret Atelier" in str(team.client.walk(f"{other}/history"))
    erase(team.client, path)
    history = team.client.walk(f"{other}/history")
    assert "Secret Atelier" not in str(history)
    assert history[0]["changes"] == {"city": {"old": None, "new": "Lille"}}, "what is the other's stays"


def test_the_refusal_to_be_called_outlives_the_person(team: Team) -> None:
    client = team.client
    shared, own = phone_number(310), phone_number(311)
    path = team.contact(phone_numbers=[shared, own])
    team.contact(phone_numbers=[shared])
    entries = {
        number: client.post("/v1/do-not-call", {"phoneNumber": number, "reason": "OPPOSITION", "source": "Zoé"})["id"]
        for number in (shared, own)
    }
    assert erase(client, path)["receipt"]["doNotCall"] == 1
    assert client.get(f"/v1/do-not-call/{entries[own]}")["phoneNumber"] is None
    assert client.get(f"/v1/do-not-call/{entries[shared]}")["phoneNumber"] == shared, "somebody else has it"
    checked = client.post("/v1/do-not-call/check", {"phoneNumbers": [own]}, status=200)["data"]
    assert checked[0]["reasons"] == ["DO_NOT_CALL"]


def test_calls_still_count(team: Team, make: Make) -> None:
    client = team.client
    number = phone_number(312)
    path = team.contact(phone_numbers=[number])
    contact_id = UUID(path.rpartition("/")[2])
    call = team.call(contact_id=contact_id, phone_number=number, notes="Zoé wants an offer")
    unknown = team.call(contact_id=contact_id, phone_number=number)
    make.rows("UPDATE calls SET contact_id = NULL WHERE id = :id RETURNING id", id=UUID(unknown.rpartition("/")[2]))
    of_others = team.call(phone_number=phone_number(313), notes="Another")
    client.request("PUT", f"{call}/transcription", status=200, json={"summary": "Zoé agrees"})
    period = {"startDate": "2026-03-01", "endDate": "2026-03-03"}
    before = client.get("/v1/stats/status-repartition", params=period)
    receipt = erase(client, path)["receipt"]
    assert (receipt["calls"], receipt["transcriptions"]) == (2, 1)
    assert client.get("/v1/stats/status-repartition", params=period) == before
    for one in (call, unknown):
        shown = client.get(one, params={"include": "details"})
        assert (shown["phoneNumber"], shown["contact"]["id"], shown["notes"]) == (None, None, None)
        assert make.events(one)[-1]["type"] == "call.erased"
        assert client.patch(one, {"notes": "Zoé"}, status=410)["error"]["code"] == "CALL_ERASED"
        put = client.request("PUT", f"{one}/transcription", status=410, json={"summary": "Zoé"})
        assert put.json()["error"]["code"] == "CALL_ERASED"
    assert client.get(of_others)["notes"] == "Another"
    assert client.get("/v1/calls")["meta"]["total"] == 3
    later = client.post(
        "/v1/calls",
        {"type": "inbound", "status": "no-answer", "startedAt": "2026-03-02T09:41:07Z", "phoneNumber": number},
    )
    assert later["contact"]["id"] is None, "the number is nobody's"


def merged(client: Client, target: str, source: str) -> None:
    client.post(f"{target}/merge", {"contactId": source.rpartition("/")[2]}, 200)


def everything_about(client: Client, *paths: str) -> str:
    """What can be read of contacts that are there, and the feed."""
    parts = [f"{path}/{part}" for path in paths for part in ("history", "personal-data")]
    return "".join(client.request("GET", one, status=200).text for one in (*paths, *parts, "/v1/changes?size=500"))


def test_nothing_stays_with_who_had_the_person_by_others(team: Team) -> None:
    client, number = team.client, "+33639980440"
    person = team.contact(email="zoe@example.com", role="Astronaut", phone_numbers=[number])
    first, last = team.contact(role=None), team.contact(role=None, company="Atelier Nord")
    merged(client, first, person)
    merged(client, last, first)
    client.patch(last, {"role": "Baker"})
    client.post(f"{first}/unmerge", None, 200)
    client.post(f"{person}/unmerge", None, 200)
    assert "Astronaut" in everything_about(client, first, last)
    erase(client, person)
    told = everything_about(client, first, last)
    assert not any(mark in told for mark in ("zoe@example.com", "Astronaut", number))
    assert "Baker" in told
    assert "Atelier Nord" in told


def test_nothing_stays_in_what_was_changed_while_both_were_one(team: Team) -> None:
    client, number = team.client, "+33639980441"
    team.field("Note")
    person, other, third = (
        team.contact(email=email, phone_numbers=[one], custom_fields=fields)
        for email, one, fields in (
            ("zoe@example.com", number, {"note": "Plays the lute"}),
            (None, "+33639980442", {}),
            (None, "+33639980443", {}),
        )
    )
    merged(client, other, person)
    client.patch(other, {"email": "new@example.com", "customFields": {"note": "Likes tea"}})
    client.post(f"{other}/phone-numbers", {"phoneNumber": "+33639980444"}, 200)
    calls = [
        client.post("/v1/calls", CALL | {"phoneNumber": one, "notes": notes})["id"]
        for one, notes in ((number, "About Zoé"), ("+33639980442", "About the other"))
    ]
    client.post(f"{person}/unmerge", None, 200)
    merged(client, other, third)
    assert number in everything_about(client, other)
    assert erase(client, person)["receipt"]["calls"] == 1
    told = everything_about(client, other)
    assert not any(mark in told for mark in ("zoe@example.com", "lute", number, "About Zoé"))
    assert all(mark in told for mark in ("new@example.com", "Likes tea", "+33639980444", "About the other"))
    assert [client.get(f"/v1/calls/{one}")["notes"] for one in calls] == [None, "About the other"]


def test_calls_at_a_number_are_the_persons_in_every_form(team: Team) -> None:
    path = team.contact(phone_numbers=["+5511987654321"])
    call, of_another = (team.call(phone_number=one, notes="Zoé") for one in ("+551187654321", "+551187654322"))
    assert len(team.client.get(f"{path}/personal-data")["calls"]) == 1
    assert erase(team.client, path)["receipt"]["calls"] == 1
    assert team.client.get(call)["notes"] is None
    assert team.client.get(of_another)["notes"] == "Zoé"


def test_answers_for_repeated_requests_are_forgotten(team: Team) -> None:
    client = team.client
    headers = {"Idempotency-Key": "zoe"}
    path = f"/v1/contacts/{client.post('/v1/contacts', ZOE, headers=headers)['id']}"
    client.post(f"{path}/consents", {"status": "objected", "source": "Zoé"}, headers={"Idempotency-Key": "said"})
    client.post(
        "/v1/contacts",
        ZOE | {"email": None, "phoneNumbers": ["+33639980399"], "linkedinUrl": None},
        headers={"Idempotency-Key": "other"},
    )
    assert erase(client, path)["receipt"]["keptAnswers"] == 2
    again = client.post("/v1/contacts", ZOE, 409, headers=headers)
    assert again["error"]["code"] == "PERSON_ERASED"


@pytest.mark.parametrize("own_key", [{"Idempotency-Key": "once"}, {}])
def test_asked_twice_it_is_done_once(team: Team, own_key: dict[str, str]) -> None:
    path = team.contact()
    first = team.client.request("POST", f"{path}/erase", status=200, headers=own_key)
    assert first.headers["location"] == f"/v1/erasures/{first.json()['id']}"
    assert team.client.request("POST", f"{path}/erase", status=200, headers=own_key).json() == first.json()
