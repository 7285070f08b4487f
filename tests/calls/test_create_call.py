"""POST /v1/calls."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.client import Client
from tests.make import Make, Team, phone_number

RUN = "01934f6a-8c1e-7b52-9d34-5a6f0e21c7d8"
NOBODY = "00000000-0000-7000-8000-000000000000"
CALL = {
    "type": "outbound",
    "status": "completed",
    "startedAt": "2026-03-02T09:41:07.250Z",
    "phoneNumber": phone_number(),
}
DETAILS = {"include": "details,tags"}


def test_least_and_most(team: Team, client: Client, make: Make) -> None:
    contact = team.contact()
    tag_id = team.tag("Hot")
    sent = CALL | {
        "callType": "CALL_SESSION",
        "ringingAt": "2026-03-02T09:41:08.000Z",
        "answeredAt": "2026-03-02T09:41:20.000Z",
        "endedAt": "2026-03-02T10:43:20.000+01:00",
        "contactId": contact.rpartition("/")[2],
        "callerPhoneNumber": phone_number(9),
        "organizationMembershipId": str(team.member()[0]),
        "managedPhoneNumberId": team.phone_number(),
        "sequenceId": team.sequence().rpartition("/")[2],
        "sequenceRunId": RUN,
        "answeredBy": "human",
        "notes": "First line\n\tsecond line",
        "tagIds": [tag_id],
        "externalId": "crm-1",
        "transferred": True,
        "syncedWithCrmDate": "2026-03-02T11:00:00Z",
    }
    response = client.request("POST", "/v1/calls", status=201, json=sent, params=DETAILS)
    call = response.json()
    path = response.headers["location"]
    assert path == f"/v1/calls/{call['id']}"
    same = {name: sent[name] for name in sent if name not in {"endedAt", "tagIds", "contactId", "syncedWithCrmDate"}}
    same |= {"phoneNumber": {"value": phone_number()}, "callerPhoneNumber": {"value": phone_number(9)}}
    assert call.items() >= same.items()
    assert (call["endedAt"], call["syncedWithCrmDate"]) == ("2026-03-02T09:43:20.000Z", "2026-03-02T11:00:00.000Z")
    assert (call["ringDuration"], call["talkDuration"], call["duration"], call["result"]) == (12, 120, 132, "CONNECTED")
    assert [one["id"] for one in call["tags"]] == [tag_id]
    assert client.get(path, params=DETAILS) == call
    assert client.request("GET", path, params=DETAILS).headers["etag"] == response.headers["etag"]
    assert [(one["type"], one["object_version"]) for one in make.events(path)] == [("call.completed", 1)]
    least = client.post("/v1/calls", CALL, params=DETAILS)
    assert (least["callType"], least["provider"], least["lastModificationSource"]) == ("DIRECT_CALL", "API", "API")
    assert (least["tags"], least["talkDuration"]) == ([], None)
    assert client.get(contact)["callCount"] == 2


@pytest.mark.parametrize(
    ("status", "answered_by", "talk_seconds", "result", "event"),
    [
        ("queued", None, None, "IN_PROGRESS", "call.started"),
        ("ringing", None, None, "IN_PROGRESS", "call.started"),
        ("in-progress", None, None, "IN_PROGRESS", "call.started"),
        ("completed", "human", 10, "CONNECTED", "call.completed"),
        ("completed", None, 0, "NO_ANSWER", "call.completed"),
        ("completed", "machine", 10, "VOICEMAIL", "call.completed"),
        ("completed", "fax", 10, "FAILED", "call.completed"),
        ("no-answer", None, None, "NO_ANSWER", "call.completed"),
        ("busy", None, None, "BUSY", "call.completed"),
        ("canceled", None, None, "CANCELED", "call.completed"),
        ("failed", None, None, "FAILED", "call.completed"),
    ],
)
def test_result(
    client: Client, make: Make, status: str, answered_by: str, talk_seconds: int | None, result: str, event: str
) -> None:
    sent: dict[str, Any] = CALL | {"status": status, "answeredBy": answered_by}
    if talk_seconds is not None:
        sent |= {"answeredAt": "2026-03-02T09:42:00Z", "endedAt": f"2026-03-02T09:42:{talk_seconds:02}Z"}
    call = client.post("/v1/calls", sent, params=DETAILS)
    assert call["result"] == result
    assert call["talkDuration"] == (talk_seconds if status == "completed" else 0 if event == "call.completed" else None)
    assert [one["type"] for one in make.events(call["id"])] == [event]


def test_the_contact_is_found_by_any_of_its_numbers(team: Team, client: Client) -> None:
    older = team.contact(phone_numbers=[phone_number(1), phone_number(2)]).rpartition("/")[2]
    newer = team.contact(phone_numbers=[phone_number(2)]).rpartition("/")[2]
    call = client.post("/v1/calls", CALL | {"phoneNumber": phone_number(2)}, params=DETAILS)
    assert (call["contact"]["id"], call["contactMatches"]) == (newer, 2)
    client.post("/v1/calls", CALL | {"phoneNumber": phone_number(1), "startedAt": "2026-03-03T09:00:00Z"})
    call = client.post("/v1/calls", CALL | {"phoneNumber": phone_number(2)}, params=DETAILS)
    assert (call["contact"]["id"], call["contactMatches"]) == (older, 2)
    call = client.post("/v1/calls", CALL | {"phoneNumber": phone_number(3)}, params=DETAILS)
    assert (call["contact"]["isUnknown"], call["contactMatches"]) == (True, 0)


@pytest.mark.parametrize("called", ["+5511987654321", "+551187654321"])
def test_the_contact_is_found_by_every_form_of_a_number(team: Team, client: Client, called: str) -> None:
    team.contact(phone_numbers=["+5511987654321"])
    newer = team.contact(phone_numbers=["+551187654321"]).rpartition("/")[2]
    call = client.post("/v1/calls", CALL | {"phoneNumber": called}, params=DETAILS)
    assert (call["phoneNumber"]["value"], call["contact"]["id"], call["contactMatches"]) == (called, newer, 2)


def test_all_faults_at_once(client: Client) -> None:
    later = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    sent = {
        "type": "sideways",
        "status": "ringing",
        "startedAt": "1999-12-31T23:59:59Z",
        "ringingAt": "2026-03-02T10:00:00Z",
        "answeredAt": "2026-03-02T09:59:59Z",
        "endedAt": later,
        "contactId": "x",
        "phoneNumber": "06 39 98 00 01",
        "notes": "a\0b",
        "externalId": "a\nb",
        "tagIds": [NOBODY, NOBODY, "x", 3],
        "sequenceRunId": RUN,
        "syncedWithCrmDate": "yesterday",
    }
    assert sorted(client.faults("POST", "/v1/calls", json=sent)) == [
        ("/answeredAt", "OUT_OF_ORDER"),
        ("/contactId", "INVALID_ID"),
        ("/endedAt", "OUT_OF_RANGE"),
        ("/externalId", "FORBIDDEN_CHARACTER"),
        ("/notes", "FORBIDDEN_CHARACTER"),
        ("/phoneNumber", "INVALID_PHONE_NUMBER"),
        ("/sequenceId", "REQUIRED"),
        ("/startedAt", "OUT_OF_RANGE"),
        ("/status", "CALL_NOT_ENDED"),
        ("/syncedWithCrmDate", "WRONG_TYPE"),
        ("/tagIds/1", "DUPLICATE_TAG"),
        ("/tagIds/2", "INVALID_ID"),
        ("/tagIds/3", "WRONG_TYPE"),
        ("/type", "UNKNOWN_VALUE"),
    ]
    assert sorted(client.faults("POST", "/v1/calls", json={})) == [
        ("/phoneNumber", "REQUIRED"),
        ("/startedAt", "REQUIRED"),
        ("/status", "REQUIRED"),
        ("/type", "REQUIRED"),
    ]


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_moments_at_the_end_of_time(client: Client, moment: str) -> None:
    sent = CALL | {"startedAt": moment, "endedAt": moment}
    faults = client.faults("POST", "/v1/calls", json=sent)
    assert faults == [("/startedAt", "OUT_OF_RANGE"), ("/endedAt", "OUT_OF_RANGE")]


def test_a_call_of_years_is_refused(client: Client) -> None:
    sent = CALL | {"startedAt": "2026-01-01T00:00:00Z", "endedAt": "2026-02-01T00:00:00Z"}
    client.post("/v1/calls", sent)
    faults = client.faults("POST", "/v1/calls", json=sent | {"endedAt": "2026-02-01T00:00:01Z"})
    assert faults == [("/endedAt", "OUT_OF_RANGE")]


def test_what_the_workspace_does_not_have(team: Team, client: Client, make: Make) -> None:
    elsewhere = make.team()
    deleted = team.contact()
    client.delete(deleted)
    tags = [team.tag("Hot"), NOBODY, elsewhere.tag("Hot")]
    sent: dict[str, Any] = CALL | {
        "contactId": elsewhere.contact().rpartition("/")[2],
        "organizationMembershipId": str(elsewhere.member()[0]),
        "managedPhoneNumberId": elsewhere.phone_number(),
        "sequenceId": elsewhere.sequence().rpartition("/")[2],
        "sequenceRunId": RUN,
        "tagIds": tags,
    }
    assert client.faults("POST", "/v1/calls", json=sent) == [
        ("/contactId", "UNKNOWN_CONTACT"),
        ("/organizationMembershipId", "UNKNOWN_MEMBER"),
        ("/managedPhoneNumberId", "UNKNOWN_PHONE_NUMBER"),
        ("/sequenceId", "UNKNOWN_SEQUENCE"),
        ("/tagIds/1", "UNKNOWN_TAG"),
        ("/tagIds/2", "UNKNOWN_TAG"),
    ]
    sent = CALL | {"contactId": deleted.rpartition("/")[2]}
    assert client.faults("POST", "/v1/calls", json=sent) == [("/contactId", "UNKNOWN_CONTACT")]
    target, merged = (team.contact().rpartition("/")[2] for _ in range(2))
    client.post(f"/v1/contacts/{target}/merge", {"contactId": merged}, 200)
    [fault] = client.post("/v1/calls", CALL | {"contactId": merged}, 400)["error"]["details"]
    assert (fault["code"], fault["suggestion"]) == ("UNKNOWN_CONTACT", target)
    assert client.get("/v1/calls")["meta"]["total"] == 0
    assert make.value("SELECT count(*) FROM sequence_runs WHERE workspace_id = :id", id=team.workspace_id) == 0


def test_a_run_begins_with_its_first_call(team: Team, client: Client, make: Make) -> None:
    one, other = (team.sequence().rpartition("/")[2] for _ in range(2))
    client.post("/v1/calls", CALL | {"sequenceId": one, "sequenceRunId": RUN})
    client.post("/v1/calls", CALL | {"sequenceId": one, "sequenceRunId": RUN, "startedAt": "2026-03-02T09:00:00Z"})
    client.post("/v1/calls", CALL | {"sequenceId": one, "sequenceRunId": RUN, "startedAt": "2026-03-02T10:00:00Z"})
    refused = client.faults("POST", "/v1/calls", json=CALL | {"sequenceId": other, "sequenceRunId": RUN})
    assert refused == [("/sequenceRunId", "SEQUENCE_RUN_MISMATCH")]
    (run,) = make.rows("SELECT * FROM sequence_runs WHERE workspace_id = :id", id=team.workspace_id)
    assert (run["sequence_id"], run["started_at"]) == (UUID(one), datetime(2026, 3, 2, 9, tzinfo=UTC))


def test_one_run_has_one_sequence_whoever_is_first(team: Team, client: Client) -> None:
    sequences = [team.sequence().rpartition("/")[2] for _ in range(4)]

    def log(number: int) -> tuple[int, str]:
        sent = CALL | {"sequenceId": sequences[number % 4], "sequenceRunId": RUN}
        return client.request("POST", "/v1/calls", json=sent).status_code, sent["sequenceId"]

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(log, range(24)))
    assert len({sequence for status, sequence in answers if status == 201}) == 1
    assert {status for status, _ in answers} == {201, 400}


def test_where_it_goes(team: Team, make: Make) -> None:
    second = team.workspace()
    client = team.client_for(team.workspace_id, second)
    call = client.post("/v1/calls", CALL, params={"workspaceId": str(second), "include": "details"})
    assert call["workspaceId"] == str(second)
    for outside in (str(make.team().workspace_id), "x"):
        client.post("/v1/calls", CALL, status=404, params={"workspaceId": outside})


def test_a_repeated_request_makes_one_call(team: Team, client: Client) -> None:
    headers = {"idempotency-key": "one"}
    first = client.request("POST", "/v1/calls", status=201, json=CALL, headers=headers)
    again = client.request("POST", "/v1/calls", status=201, json=CALL, headers=headers)
    assert first.json() == again.json()
    assert client.get("/v1/calls")["meta"]["total"] == 1


@pytest.mark.parametrize(
    "started_at", ["2000-01-01T00:00:00Z", "2026-03-31T23:59:59.999Z", "2026-04-01T00:00:00.000999Z"]
)
def test_the_id_is_of_the_start(client: Client, started_at: str) -> None:
    call = client.post("/v1/calls", CALL | {"startedAt": started_at})
    assert call["startedAt"] == (started_at[:23] + "Z" if "." in started_at else started_at[:-1] + ".000Z")
    assert client.get("/v1/calls", params={"startedAfter": call["startedAt"]})["data"] == [call]
