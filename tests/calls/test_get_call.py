"""GET /v1/calls/{id}."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tests.client import Client
from tests.make import Make, Team, phone_number

DOCUMENTED = (
    "id callType status type startedAt endedAt createdAt updatedAt deletedAt contact phoneNumber phoneNumberId caller "
    "callerPhoneNumber managedPhoneNumberId userProviderSid adminProviderSid providerConferenceId transferred sequenceId "
    "sequenceRunId syncedWithCrmDate organizationId organizationMembershipId notes"
).split()
DETAILS = (
    "workspaceId ringingAt answeredAt ringDuration talkDuration duration result answeredBy hangupCause hangupSource sipCode "
    "cancelReason abandoned provider providerCallId externalId hasRecording hasTranscription contactMatches "
    "lastModificationSource"
).split()
STARTED_AT = datetime(2026, 3, 2, 9, 41, 7, 250_000, tzinfo=UTC)


def id_in(path: str) -> UUID:
    return UUID(path.rpartition("/")[2])


def test_the_documented_shape(team: Team, client: Client) -> None:
    contact = team.contact(first_name="Ana", last_name="Lopez")
    membership_id, _ = team.member(first_name="Alice", last_name="Martin")
    sequence = team.sequence()
    number_id = team.phone_number()
    run_id = UUID("01934f6a-8c1e-7b52-9d34-5a6f0e21c7d8")
    path = team.call(
        call_type="CALL_SESSION",
        started_at=STARTED_AT,
        ended_at=STARTED_AT + timedelta(seconds=60),
        contact_id=id_in(contact),
        phone_number=phone_number(7),
        caller_phone_number=phone_number(8),
        organization_membership_id=membership_id,
        managed_phone_number_id=UUID(number_id),
        sequence_id=id_in(sequence),
        sequence_run_id=run_id,
        transferred=True,
        synced_with_crm_date=STARTED_AT,
        notes="Call back",
    )
    call = client.get(path)
    assert list(call) == DOCUMENTED
    assert call | {"createdAt": "", "updatedAt": "", "phoneNumberId": ""} == {
        "id": str(id_in(path)),
        "callType": "CALL_SESSION",
        "status": "completed",
        "type": "outbound",
        "startedAt": "2026-03-02T09:41:07.250Z",
        "endedAt": "2026-03-02T09:42:07.250Z",
        "createdAt": "",
        "updatedAt": "",
        "deletedAt": None,
        "contact": {"id": str(id_in(contact)), "firstName": "Ana", "lastName": "Lopez", "isUnknown": False},
        "phoneNumber": {"value": phone_number(7)},
        "phoneNumberId": "",
        "caller": {"firstName": "Alice", "lastName": "Martin"},
        "callerPhoneNumber": {"value": phone_number(8)},
        "managedPhoneNumberId": number_id,
        "userProviderSid": None,
        "adminProviderSid": None,
        "providerConferenceId": None,
        "transferred": True,
        "sequenceId": str(id_in(sequence)),
        "sequenceRunId": str(run_id),
        "syncedWithCrmDate": "2026-03-02T09:41:07.250Z",
        "organizationId": str(team.organization_id),
        "organizationMembershipId": str(membership_id),
        "notes": "Call back",
    }
    assert UUID(call["phoneNumberId"]).version == 5


def test_more_is_there_only_when_asked_for(team: Team, client: Client) -> None:
    tag_id = team.tag("Hot", is_success_tag=True)
    path = team.call(started_at=STARTED_AT, tag_ids=[UUID(tag_id)])
    both = client.get(path, params={"include": "details, tags"})
    assert list(both) == [*DOCUMENTED, *DETAILS, "tags"]
    assert list(client.get(path, params={"include": "details"})) == [*DOCUMENTED, *DETAILS]
    assert list(client.get(path, params={"include": "tags"})) == [*DOCUMENTED, "tags"]
    assert both["tags"] == [{"id": tag_id, "label": "Hot", "isSuccessTag": True}]
    assert {name: both[name] for name in DETAILS} == {
        "workspaceId": str(team.workspace_id),
        "ringingAt": None,
        "answeredAt": "2026-03-02T09:41:07.250Z",
        "ringDuration": 0,
        "talkDuration": 60,
        "duration": 60,
        "result": "CONNECTED",
        "answeredBy": None,
        "hangupCause": None,
        "hangupSource": None,
        "sipCode": None,
        "cancelReason": None,
        "abandoned": False,
        "provider": "API",
        "providerCallId": None,
        "externalId": None,
        "hasRecording": False,
        "hasTranscription": False,
        "contactMatches": 0,
        "lastModificationSource": "SKIPCALL",
    }


@pytest.mark.parametrize("include", ["", "everything", "details,", "Tags"])
def test_unknown_names_to_include_are_refused(team: Team, client: Client, include: str) -> None:
    path = team.call()
    assert client.faults("GET", path, params={"include": include}) == [("/query/include", "UNKNOWN_VALUE")]


def test_nobody_known(team: Team, client: Client) -> None:
    call = client.get(team.call(phone_number=phone_number(99)))
    assert call["contact"] == {"id": None, "firstName": None, "lastName": None, "isUnknown": True}
    assert (call["phoneNumber"], call["phoneNumberId"]) == ({"value": phone_number(99)}, None)


def test_the_number_keeps_its_id(team: Team, client: Client) -> None:
    contact = team.contact()
    first, second = (client.get(team.call(contact_id=id_in(contact), phone_number=phone_number(n))) for n in (1, 1))
    other = client.get(team.call(contact_id=id_in(contact), phone_number=phone_number(2)))
    assert first["phoneNumberId"] == second["phoneNumberId"] != other["phoneNumberId"]


def test_a_deleted_contact_is_nobody_any_more(team: Team, client: Client) -> None:
    contact = team.contact()
    path = team.call(contact_id=id_in(contact))
    client.delete(contact)
    assert client.get(path)["contact"] == {"id": None, "firstName": None, "lastName": None, "isUnknown": True}


def test_unchanged_is_304(team: Team, client: Client, make: Make) -> None:
    contact = team.contact()
    path = team.call(contact_id=id_in(contact))
    tag = client.request("GET", path).headers["etag"]
    assert client.request("GET", path, status=304, headers={"if-none-match": tag}).headers["etag"] == tag
    client.patch(contact, {"firstName": "Other"})
    client.request("GET", path, status=200, headers={"if-none-match": tag})


def test_another_organizations_call_is_404(make: Make, client: Client) -> None:
    client.get(make.team().call(), status=404)
