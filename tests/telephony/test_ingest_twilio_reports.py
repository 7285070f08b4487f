"""Twilio's callbacks over HTTP: one true call of them, whatever their order."""

import itertools
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.make import Make
from tests.serving import ServerProcess
from tests.telephony.requests import PROSPECT, REP, at, rfc2822, twilio_status
from tests.telephony.senders import TOKEN, Senders


def story(call: str, user: str, conference: str, recording: str) -> list[tuple[str, dict[str, str]]]:
    """A call to a contact, placed by the server, joined with the user's leg in a conference, and recorded."""
    own = {"CallSid": call}
    members = {"ConferenceSid": conference, "FriendlyName": "room"}
    of_user = {"From": REP, "To": "client:alice", "CallSid": user}
    return [
        ("status", twilio_status("initiated", 0, 0, **own)),
        ("status", twilio_status("ringing", 1, 1, **own)),
        ("status", twilio_status("in-progress", 2, 8, **own, AnsweredBy="human")),
        ("status", twilio_status("completed", 3, 57, **own, CallDuration="49", SipResponseCode="200")),
        ("status", twilio_status("in-progress", 1, -5, **of_user)),
        ("status", twilio_status("completed", 2, 60, **of_user, CallDuration="65")),
        ("conference", members | {"StatusCallbackEvent": "conference-start", "Timestamp": rfc2822(-5)}),
        (
            "conference",
            members | {"StatusCallbackEvent": "participant-join", "CallSid": user, "Timestamp": rfc2822(-4)},
        ),
        ("conference", members | {"StatusCallbackEvent": "participant-join", "CallSid": call, "Timestamp": rfc2822(9)}),
        (
            "conference",
            members | {"StatusCallbackEvent": "participant-leave", "CallSid": call, "Timestamp": rfc2822(57)},
        ),
        (
            "conference",
            members | {"StatusCallbackEvent": "participant-leave", "CallSid": user, "Timestamp": rfc2822(59)},
        ),
        ("conference", members | {"StatusCallbackEvent": "conference-end", "Timestamp": rfc2822(60)}),
        (
            "recording",
            {"ConferenceSid": conference, "RecordingSid": recording, "RecordingStatus": "completed"}
            | {"RecordingUrl": f"https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/{recording}"}
            | {"RecordingDuration": "48", "RecordingChannels": "2", "RecordingSource": "Conference"},
        ),
    ]


def new_story() -> tuple[str, list[tuple[str, dict[str, str]]]]:
    end = uuid4().hex
    return "CA" + end, story("CA" + end, "CB" + end, "CF" + end, "RE" + end)


def check_story(senders: Senders, call_sid: str) -> None:
    [call] = [one for one in senders.calls() if one["provider_call_id"] == call_sid]
    assert (call["status"], call["result"], call["type"], call["call_type"]) == (
        "completed", "CONNECTED", "outbound", "DIRECT_CALL",
    )  # fmt: skip
    assert (call["started_at"], call["ringing_at"], call["answered_at"], call["ended_at"]) == (
        at(0),
        at(1),
        at(8),
        at(57),
    )
    assert (call["ring_seconds"], call["talk_seconds"], call["duration_seconds"]) == (7, 48, 57)
    assert (call["answered_by"], call["sip_code"], call["abandoned"]) == ("human", 200, False)
    assert (call["phone_number"], call["caller_phone_number"]) == (PROSPECT, REP)
    end = call_sid[2:]
    assert (call["admin_provider_id"], call["user_provider_id"]) == (call_sid, "CB" + end)
    assert call["provider_conference_id"] == "CF" + end
    recordings = senders.make.rows(
        "SELECT provider_recording_id, status, duration_seconds::int FROM call_recordings WHERE call_id = :id",
        id=call["id"],
    )
    assert [(one["provider_recording_id"], one["duration_seconds"]) for one in recordings] == [("RE" + end, 48)]


def test_a_call_in_the_order_of_its_events(senders: Senders) -> None:
    contact = senders.team.contact(phone_numbers=["+33639980001", PROSPECT])
    sid, callbacks = new_story()
    for callback, fields in callbacks:
        senders.twilio(callback, fields)
    check_story(senders, sid)
    call = senders.call()
    assert str(call["contact_id"]) == contact.rpartition("/")[2]
    assert call["contact_matches"] == 1
    events = senders.events(call["id"])
    assert (events[0], events.count("call.started"), events.count("call.completed")) == ("call.started", 1, 1)
    assert set(events) <= {"call.started", "call.updated", "call.completed"}
    shown = senders.team.client.get(contact)
    assert (shown["callCount"], shown["lastCallAt"]) == (1, "2026-03-03T10:00:00.000Z")
    senders.check_counts()
    # Everything once more changes nothing that a client sees.
    for callback, fields in callbacks:
        senders.twilio(callback, fields)
    again = senders.call()
    assert (again["version"], again["updated_at"]) == (call["version"], call["updated_at"])
    assert senders.events(call["id"]) == events


@given(order=st.permutations(range(13)), repeated=st.lists(st.integers(0, 12), max_size=4))
def test_every_order_makes_the_same_call(
    make: Make, public_server: ServerProcess, order: list[int], repeated: list[int]
) -> None:
    with Senders(make, make.team(), public_server.url) as senders:
        senders.team.contact(phone_numbers=[PROSPECT])
        sid, callbacks = new_story()
        for number in [*order, *repeated]:
            senders.twilio(*callbacks[number])
        check_story(senders, sid)
        senders.call()
        senders.check_counts()


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_leg_of_a_browser_tells_the_user(senders: Senders, order: tuple[int, ...]) -> None:
    """<Dial> from a client: the parent is the user's leg, and the recording of the conversation is the parent's."""
    member, _ = senders.team.member()
    senders.make.identity(senders.team.workspace_id, senders.source("TWILIO", TOKEN), "alice", member)
    parent = {"CallSid": "CApp", "From": "client:alice", "To": "", "Direction": "inbound"}
    child = {"CallSid": "CAcc", "ParentCallSid": "CApp", "Direction": "outbound-dial"}
    reports = [
        twilio_status("completed", 3, 40, **child, CallDuration="30"),
        {"CallSid": "CApp", "RecordingSid": "RE1", "RecordingStatus": "completed"}
        | {"RecordingUrl": "https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/RE1", "RecordingDuration": "29"},
        twilio_status("completed", 0, 41, **parent, CallDuration="41"),
    ]
    for number in order:
        senders.twilio("status", reports[number])
    call = senders.call()
    assert (call["user_provider_id"], call["admin_provider_id"]) == ("CApp", "CAcc")
    assert call["organization_membership_id"] == member
    assert senders.make.value("SELECT count(*) FROM call_recordings WHERE call_id = :id", id=call["id"]) == 1


def test_an_incoming_call_that_a_browser_takes(senders: Senders) -> None:
    member, _ = senders.team.member()
    senders.make.identity(senders.team.workspace_id, senders.source("TWILIO", TOKEN), "bob", member)
    parent = {"CallSid": "CA1", "From": PROSPECT, "To": REP, "Direction": "inbound"}
    for name, sid, status in (("alice", "CA2", "no-answer"), ("bob", "CA3", "completed")):
        child = {"CallSid": sid, "ParentCallSid": "CA1", "From": PROSPECT, "To": f"client:{name}"}
        senders.twilio("status", twilio_status(status, 1, 20, **child, Direction="outbound-dial"))
    dialed = {
        "DialCallSid": "CA3",
        "DialCallStatus": "completed",
        "DialCallDuration": "12",
        "CallStatus": "in-progress",
    }
    senders.twilio("status", parent | dialed | {"AccountSid": "AC1"})
    senders.twilio("status", twilio_status("completed", 9, 30, **parent, CallDuration="25"))
    call = senders.call()
    assert (call["type"], call["status"], call["result"]) == ("inbound", "completed", "CONNECTED")
    assert (call["phone_number"], call["caller_phone_number"]) == (PROSPECT, REP)
    assert (call["user_provider_id"], call["organization_membership_id"]) == ("CA3", member)


def test_nobody_came(senders: Senders) -> None:
    senders.twilio("status", twilio_status("in-progress", 2, 0))
    senders.twilio("status", twilio_status("completed", 3, 9, CallDuration="9"))
    conference = {"ConferenceSid": "CF1", "CallSid": twilio_status("x")["CallSid"]}
    for kind, seconds in (("participant-join", 1), ("participant-leave", 9)):
        senders.twilio("conference", conference | {"StatusCallbackEvent": kind, "Timestamp": rfc2822(seconds)})
    call = senders.call()
    assert (call["status"], call["result"], call["abandoned"]) == ("completed", "ABANDONED", True)


def test_one_conference_for_a_session(senders: Senders) -> None:
    """The user stays, contacts come and go: each call has its own talk, and none is abandoned."""
    room = {"ConferenceSid": "CF9"}

    def conference(kind: str, leg: str, seconds: int) -> None:
        fields = room | {"StatusCallbackEvent": f"participant-{kind}", "CallSid": leg, "Timestamp": rfc2822(seconds)}
        senders.twilio("conference", fields)

    conference("join", "CBuser", 0)
    for number in range(3):
        leg, start = f"CA{number}", 100 * number
        senders.twilio("status", twilio_status("initiated", 0, start, CallSid=leg))
        senders.twilio("status", twilio_status("in-progress", 2, start + 10, CallSid=leg))
        conference("join", leg, start + 11)
        conference("leave", leg, start + 41 + number)
        senders.twilio("status", twilio_status("completed", 3, start + 50, CallSid=leg, CallDuration="40"))
    conference("leave", "CBuser", 1000)
    assert [(one["result"], one["talk_seconds"]) for one in senders.calls()] == [
        ("CONNECTED", 30), ("CONNECTED", 31), ("CONNECTED", 32),
    ]  # fmt: skip


def test_a_late_callback_never_goes_back(senders: Senders) -> None:
    senders.twilio("status", twilio_status("busy", 3, 9))
    senders.twilio("status", twilio_status("ringing", 1, 4))
    call = senders.call()
    assert (call["status"], call["result"], call["ringing_at"], call["started_at"]) == ("busy", "BUSY", at(4), at(4))
    assert senders.events(call["id"]) == ["call.completed", "call.updated"]


def test_what_is_signed_is_the_public_address(senders: Senders) -> None:
    senders.twilio("", twilio_status("ringing", 1, 4))
    senders.twilio("status", twilio_status("ringing", 1, 4), query="?tenant=%C3%A9")
    for headers in ({"host": "calls.example.com"}, {"x-forwarded-host": "evil.example"}):
        path = f"/ingest/twilio/{senders.source('TWILIO')}/status"
        response = senders.client.request("POST", path, data=twilio_status("ringing"), headers=headers, status=401)
        assert response.json()["error"]["code"] == "UNSIGNED_REPORT"


@pytest.mark.parametrize("path", ["twilio/{}/other", "telnyx/{}/status", "twilio/{}/status/"])
def test_other_addresses_are_not_there(senders: Senders, path: str) -> None:
    senders.client.request("POST", "/ingest/" + path.format(senders.source("TWILIO", "x")), status=404)
