"""Reports of every provider over HTTP: who is believed, and what becomes of what they say."""

import base64
import json
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from tests.make import Make
from tests.serving import ServerProcess
from tests.telephony.requests import PROSPECT, REP, at, iso, telnyx_event, twilio_status
from tests.telephony.senders import Senders

OTHER_NUMBER = "+33639980001"
_SECONDS_OF_NOW = int(at(0).timestamp())


def freeswitch_cdr(uuid: str, *, seconds: int = 0, profile: dict[str, Any] | None = None, **variables: str) -> bytes:
    """A document of mod_json_cdr with its defaults: values URL-encoded, `cdr=` in front, no leg of the other side."""
    start = _SECONDS_OF_NOW + seconds
    values = {
        "uuid": uuid, "call_uuid": uuid, "direction": "inbound", "user_context": "default", "sip_from_user": "201",
        "start_uepoch": f"{start}000000", "progress_uepoch": f"{start + 2}000000", "answer_uepoch": f"{start + 7}000000",
        "end_uepoch": f"{start + 37}000000", "billsec": "30", "hangup_cause": "NORMAL_CLEARING",
        "sip_term_status": "200", "sip_hangup_disposition": "recv_bye",
    } | variables  # fmt: skip
    flow = {
        "caller_profile": {"caller_id_number": "201", "destination_number": PROSPECT} | (profile or {}),
        "times": {},
    }
    document = {"core-uuid": str(uuid4()), "variables": {name: quote(value) for name, value in values.items()}}
    return b"cdr=" + quote(json.dumps(document | {"callflow": flow})).encode()


def vonage_event(status: str, seconds: int, **more: Any) -> dict[str, Any]:
    event = {"uuid": "leg-1", "conversation_uuid": "CON-1", "direction": "outbound", "status": status}
    return event | {"from": REP[1:], "to": PROSPECT[1:], "timestamp": iso(seconds)} | more


def send_telnyx(senders: Senders) -> None:
    numbers = {"from": REP, "to": PROSPECT, "direction": "outgoing", "start_time": iso(0)}
    senders.telnyx(telnyx_event("call.initiated", 0, **numbers))
    senders.telnyx(telnyx_event("call.answered", 7, **numbers))
    senders.telnyx(telnyx_event("call.hangup", 37, **numbers, hangup_cause="normal_clearing", end_time=iso(37)))


def send_vonage(senders: Senders) -> None:
    senders.vonage(vonage_event("started", 0))
    senders.vonage(vonage_event("ringing", 2))
    senders.vonage(vonage_event("answered", 7, start_time=iso(7)))
    senders.vonage(vonage_event("completed", 37, start_time=iso(7), end_time=iso(37), duration="30"))


def send_generic(senders: Senders) -> None:
    report = {"callId": "A-17", "direction": "outbound", "status": "completed", "from": REP, "to": "06 39 98 12 34"}
    senders.generic(report | {"startedAt": iso(0), "answeredAt": iso(7), "endedAt": iso(37)})


def send_twilio(senders: Senders) -> None:
    senders.twilio("status", twilio_status("initiated", 0, 0))
    senders.twilio("status", twilio_status("in-progress", 2, 7))
    senders.twilio("status", twilio_status("completed", 3, 37, CallDuration="30"))


def send_freeswitch(senders: Senders) -> None:
    senders.freeswitch(freeswitch_cdr("leg-a"))


SENDERS = {
    "TWILIO": send_twilio,
    "TELNYX": send_telnyx,
    "VONAGE": send_vonage,
    "FREESWITCH": send_freeswitch,
    "GENERIC": send_generic,
}
every_provider = pytest.mark.parametrize("provider", SENDERS)


@every_provider
def test_a_call_that_was_answered(senders: Senders, provider: str) -> None:
    contact = senders.team.contact(phone_numbers=[OTHER_NUMBER, PROSPECT])
    SENDERS[provider](senders)
    call = senders.call()
    assert (call["provider"], call["status"], call["result"]) == (provider, "completed", "CONNECTED")
    assert (call["type"], call["phone_number"]) == ("outbound", PROSPECT)
    assert (call["started_at"], call["answered_at"], call["ended_at"]) == (at(0), at(7), at(37))
    assert (call["talk_seconds"], call["duration_seconds"]) == (30, 37)
    assert str(call["contact_id"]) == contact.rpartition("/")[2]
    assert call["caller_phone_number"] == (None if provider == "FREESWITCH" else REP)
    assert call["id"].int >> 80 == int(at(0).timestamp() * 1000)
    assert senders.events(call["id"])[-1] == "call.completed"
    assert senders.team.client.get(contact)["callCount"] == 1
    senders.check_counts()
    before = senders.call()
    SENDERS[provider](senders)
    assert senders.call()["version"] == before["version"]
    shown = senders.team.client.get(f"/v1/calls/{call['id']}")
    assert (shown["status"], shown["phoneNumber"], shown["contact"]["isUnknown"]) == (
        "completed",
        {"value": PROSPECT},
        False,
    )


@every_provider
def test_what_is_not_signed_is_not_stored(senders: Senders, provider: str) -> None:
    SENDERS[provider](senders)
    before = senders.calls()
    path = f"/ingest/{provider.lower()}/{senders.source(provider)}"
    report = b"CallSid=CA2&CallStatus=ringing" if provider == "TWILIO" else b"{}"
    response = senders.client.request("POST", path, content=report, status=401)
    assert response.json()["error"]["code"] == "UNSIGNED_REPORT"
    assert (response.headers["x-ratelimit-limit"], response.headers["x-ratelimit-remaining"]) == ("60", "59")
    assert response.headers["www-authenticate"]
    wrong = {
        "TWILIO": lambda: senders.twilio("status", twilio_status("busy", 9, CallSid="CAx"), 401, token="other"),
        "TELNYX": lambda: senders.telnyx(
            telnyx_event("call.initiated", 0, call_leg_id="x"), 401, key=SigningKey.generate()
        ),
        "VONAGE": lambda: senders.vonage(vonage_event("started", 0, uuid="x"), 401, secret="other"),
        "FREESWITCH": lambda: senders.freeswitch(freeswitch_cdr("x"), 401, credentials="exchange:pass"),
        "GENERIC": lambda: senders.generic({"callId": "x", "status": "busy"}, 401, secret="other"),
    }[provider]()
    assert wrong.headers["x-ratelimit-remaining"] == "58"
    assert senders.calls() == before


def test_many_failures_of_one_address_are_429_and_the_right_secret_still_opens(senders: Senders) -> None:
    report = {"callId": "x", "status": "busy"}
    for _ in range(60):
        senders.generic(report, 401, secret="other")
    assert senders.generic(report, 429, secret="other").json()["error"]["code"] == "RATE_LIMIT_EXCEEDED"
    senders.generic(report)
    senders.call()


@every_provider
def test_malformed_is_400(senders: Senders, provider: str) -> None:
    refused = {
        "TWILIO": lambda: senders.twilio("status", {"CallSid": "CA1", "CallStatus": "unheard of"}, 400),
        "TELNYX": lambda: senders.telnyx(b"[]", 400),
        "VONAGE": lambda: senders.vonage([1], 400),
        "FREESWITCH": lambda: senders.freeswitch(b"cdr=%7B%22variables%22", 400),
        "GENERIC": lambda: senders.generic({"callid": "x"}, 400),
    }[provider]()
    assert (
        refused.json()["error"]["code"] == "VALIDATION_ERROR" or refused.json()["error"]["code"] == "MALFORMED_REPORT"
    )
    assert senders.calls() == []


def test_a_source_that_is_not_there(senders: Senders) -> None:
    disabled = senders.source("TELNYX", "x")
    senders.make.run(senders.disable(disabled))
    generic = senders.source("GENERIC", "x")
    asterisk = senders.source("ASTERISK")
    for path in (
        f"generic/{uuid4()}",
        f"telnyx/{disabled}",
        f"vonage/{generic}",
        f"GENERIC/{generic}",
        "generic/x",
        f"nothing/{generic}",
    ):
        response = senders.client.request("POST", f"/ingest/{path}", content=b"{}", status=404)
        assert response.json()["error"]["message"] == "Source not found"
    senders.client.request("POST", f"/ingest/asterisk/{asterisk}", content=b"{}", status=400)


def test_a_body_beyond_the_limit_is_413(senders: Senders) -> None:
    senders.client.request(
        "POST", f"/ingest/generic/{senders.source('GENERIC', 'x')}", content=b" " * 300_000, status=413
    )


def test_several_contacts_with_the_number(senders: Senders) -> None:
    called, other = (senders.team.contact(phone_numbers=[PROSPECT]) for _ in range(2))
    senders.team.call(contact_id=called.rpartition("/")[2], phone_number=PROSPECT)
    send_generic(senders)
    call = next(one for one in senders.calls() if one["provider"] == "GENERIC")
    assert (str(call["contact_id"]), call["contact_matches"]) == (called.rpartition("/")[2], 2)
    assert senders.team.client.get(other)["callCount"] == 0
    senders.check_counts()


def test_the_contact_has_the_number_in_another_form(senders: Senders) -> None:
    contact = senders.team.contact(phone_numbers=["+541123456789"])
    senders.generic(
        {"callId": "A-18", "direction": "outbound", "status": "completed", "from": REP, "to": "+5491123456789"}
    )
    call = senders.call()
    assert (str(call["contact_id"]), call["contact_matches"]) == (contact.rpartition("/")[2], 1)
    assert call["phone_number"] == "+5491123456789"


def test_nobody_has_the_number(senders: Senders) -> None:
    senders.team.contact(phone_numbers=[OTHER_NUMBER])
    send_generic(senders)
    call = senders.call()
    assert (call["contact_id"], call["contact_matches"]) == (None, 0)
    assert senders.team.client.get(f"/v1/calls/{call['id']}")["contact"]["isUnknown"] is True
    # Who gets the number later does not get the call: that is for people to decide.
    senders.team.contact(phone_numbers=[PROSPECT])
    senders.generic({"callId": "A-17", "answeredBy": "human"})
    call = senders.call()
    assert (call["contact_id"], call["answered_by"]) == (None, "human")


def test_a_withheld_number_is_null(senders: Senders) -> None:
    senders.twilio("status", twilio_status("completed", 3, 9, Direction="inbound", From="+266696687", To=REP))
    call = senders.call()
    assert (call["type"], call["phone_number"], call["raw_phone_number"]) == ("inbound", None, "+266696687")
    assert (call["contact_id"], call["caller_phone_number"]) == (None, REP)


def test_what_a_person_has_changed_stays(senders: Senders) -> None:
    senders.team.contact(phone_numbers=[PROSPECT])
    other = senders.team.contact(phone_numbers=[OTHER_NUMBER])
    senders.generic({"callId": "A", "status": "ringing", "from": REP, "to": PROSPECT, "eventAt": iso(0)})
    path = f"/v1/calls/{senders.call()['id']}"
    senders.team.client.patch(path, {"contactId": other.rpartition("/")[2], "notes": "Said yes"})
    senders.generic({"callId": "A", "status": "completed", "from": REP, "to": PROSPECT, "endedAt": iso(9)})
    shown = senders.team.client.get(path)
    assert (shown["status"], shown["notes"], shown["contact"]["id"]) == (
        "completed",
        "Said yes",
        other.rpartition("/")[2],
    )
    senders.check_counts()


def test_our_number_and_its_user(senders: Senders) -> None:
    owner, _ = senders.team.member()
    user, _ = senders.team.member()
    number = senders.team.phone_number(REP)
    senders.make.rows(
        "UPDATE managed_phone_numbers SET assigned_membership_id = :owner WHERE workspace_id = :workspace_id RETURNING id",
        owner=owner, workspace_id=senders.team.workspace_id,
    )  # fmt: skip
    send_generic(senders)
    call = senders.call()
    assert (str(call["managed_phone_number_id"]), call["organization_membership_id"]) == (str(number), owner)
    source = senders.source("FREESWITCH", "exchange:pass:word")
    senders.make.identity(senders.team.workspace_id, source, "201", user)
    send_freeswitch(senders)
    [call] = [one for one in senders.calls() if one["provider"] == "FREESWITCH"]
    assert (call["managed_phone_number_id"], call["organization_membership_id"]) == (None, user)


@pytest.mark.parametrize("user_first", [True, False])
def test_both_legs_of_freeswitch_make_one_call(senders: Senders, user_first: bool) -> None:
    user, _ = senders.team.member()
    source = senders.source("FREESWITCH", "exchange:pass:word")
    senders.make.identity(senders.team.workspace_id, source, "201", user)
    of_user = freeswitch_cdr("leg-a")
    profile = {"caller_id_number": REP}
    outside = freeswitch_cdr(
        "leg-b", profile=profile, direction="outbound", call_uuid="leg-a", sip_gateway_name="trunk", hangup_cause="USER_BUSY",
        answer_uepoch="0", billsec="0",
    )  # fmt: skip
    second = outside.replace(b"leg-b", b"leg-c")
    for body in [of_user, outside] if user_first else [outside, of_user]:
        senders.freeswitch(body)
    senders.freeswitch(of_user)
    call = senders.call()
    assert (call["provider_call_id"], call["status"], call["user_provider_id"]) == ("leg-b", "busy", "leg-a")
    assert (call["caller_phone_number"], call["organization_membership_id"]) == (REP, user)
    senders.freeswitch(second)
    assert [one["provider_call_id"] for one in senders.calls()].count("leg-c") == 1


def test_a_recording_of_a_conversation_that_is_not_known_yet(senders: Senders) -> None:
    recording = {
        "recording_uuid": "R1",
        "recording_url": "https://api.nexmo.com/v1/files/1",
        "conversation_uuid": "CON-1",
    }
    senders.vonage(recording | {"start_time": iso(7), "end_time": iso(37), "timestamp": iso(38)})
    assert senders.calls() == []
    senders.vonage(vonage_event("completed", 37))
    rows = senders.make.rows(
        "SELECT call_id, provider_recording_id, status FROM call_recordings WHERE workspace_id = :id",
        id=senders.team.workspace_id,
    )
    assert [(one["call_id"], one["provider_recording_id"]) for one in rows] == [(senders.call()["id"], "R1")]


def test_a_secret_is_not_readable_in_the_database(senders: Senders) -> None:
    source = senders.source("GENERIC", "not to be read")
    [sealed] = senders.make.value("SELECT sealed_secrets FROM telephony_sources WHERE id = :id", id=source)
    assert b"not to be read" not in sealed
    assert base64.b64encode(b"not to be read")[:12] not in sealed


@given(order=st.permutations(range(5)), repeated=st.lists(st.integers(0, 4), max_size=3))
def test_every_order_of_telnyx_makes_the_same_call(
    make: Make, public_server: ServerProcess, order: list[int], repeated: list[int]
) -> None:
    numbers = {"from": REP, "to": PROSPECT, "direction": "outgoing", "start_time": iso(0)}
    events = [
        telnyx_event("call.initiated", 0, **numbers),
        telnyx_event("call.answered", 7, **numbers),
        telnyx_event("call.machine.detection.ended", 9, result="human"),
        telnyx_event(
            "call.hangup", 37, **numbers, hangup_cause="normal_clearing", hangup_source="callee", end_time=iso(37)
        ),
        telnyx_event(
            "call.recording.saved", 39, recording_id="R1", recording_urls={"mp3": "https://s3.amazonaws.com/1.mp3"}
        ),
    ]
    with Senders(make, make.team(), public_server.url) as senders:
        senders.team.contact(phone_numbers=[PROSPECT])
        for number in [*order, *repeated]:
            senders.telnyx(events[number])
        call = senders.call()
        assert (call["status"], call["result"], call["answered_by"]) == ("completed", "CONNECTED", "human")
        assert (call["started_at"], call["answered_at"], call["talk_seconds"]) == (at(0), at(7), 30)
        assert make.value("SELECT count(*) FROM call_recordings WHERE call_id = :id", id=call["id"]) == 1
        senders.check_counts()
