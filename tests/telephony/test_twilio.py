"""Twilio's callbacks: who may send them, and what each of them says."""

import base64
import hashlib
import hmac
import re
from datetime import datetime

import msgspec
import pytest
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from skipcall.telephony import twilio
from skipcall.telephony.conclusion import conclude
from skipcall.telephony.merge import CallState, merge
from skipcall.telephony.model import CallReport, IncomingRequest, MalformedReport, Number, Source
from tests.telephony.requests import (
    CALL,
    CHILD,
    CONFERENCE,
    NOW,
    PROSPECT,
    PUBLIC_URL,
    RECORDING,
    REP,
    TARGET,
    TWILIO,
    at,
    rfc2822,
    twilio_request,
    twilio_status,
)

SIGNER = RequestValidator(TWILIO.secrets[0])


def signed(address: str, fields: dict[str, str], target: str = TARGET) -> IncomingRequest:
    return twilio_request(fields, SIGNER.compute_signature(address, fields), target)


def reports(fields: dict[str, str]) -> list[CallReport]:
    return twilio.parse(TWILIO, twilio_request(fields))


def report(fields: dict[str, str]) -> CallReport:
    (one,) = reports(fields)
    return one


def test_the_published_vector() -> None:
    source = Source(provider="TWILIO", secrets=("12345",), public_url="https://mycompany.com/")
    fields = {"CallSid": "CA1234567890ABCDE", "Digits": "1234", "To": "+18005551212"}
    fields |= dict.fromkeys(("From", "Caller"), "+14158675309")

    assert twilio.is_signed(source, twilio_request(fields, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", "/myapp.php?foo=1&bar=2"))


@pytest.mark.parametrize("public_url", [PUBLIC_URL, PUBLIC_URL + "/", PUBLIC_URL + ":443"])
@pytest.mark.parametrize("port", ["", ":443"])
def test_with_and_without_the_default_port(public_url: str, port: str) -> None:
    source = msgspec.structs.replace(TWILIO, public_url=public_url)
    target = TARGET + "?a=%2B1&b="

    assert twilio.is_signed(source, signed(f"{PUBLIC_URL}{port}{target}", twilio_status("ringing"), target))


def test_a_path_before_ours_and_another_port_are_part_of_the_address() -> None:
    source = msgspec.structs.replace(TWILIO, public_url="http://[2001:db8::1]:8080/crm")
    address = f"http://[2001:db8::1]:8080/crm{TARGET}"

    assert twilio.is_signed(source, signed(address, twilio_status("ringing")))
    assert not twilio.is_signed(source, signed(address.replace("8080", "8081"), twilio_status("ringing")))


def test_the_host_header_is_never_believed() -> None:
    request = signed("https://evil.example" + TARGET, twilio_status("ringing"))
    headers = {**request.headers, "host": "evil.example", "x-forwarded-host": "evil.example"}

    assert not twilio.is_signed(TWILIO, IncomingRequest(request.target, headers, request.body))


def test_repeated_names_empty_values_and_accents_are_signed() -> None:
    fields = {"CallSid": CALL, "B": "é + %", "Empty": ""}
    text = PUBLIC_URL + TARGET + "Bé + %CallSid" + CALL + "EmptyRepeatedxRepeatedy"
    signature = base64.b64encode(hmac.digest(b"12345", text.encode(), "sha1")).decode()
    request = twilio_request(fields | {"Repeated": ["y", "x", "y"]}, signature)

    assert twilio.is_signed(TWILIO, request)


def test_a_json_body_is_signed_through_its_digest() -> None:
    body = b'{"any":"thing"}'
    target = f"{TARGET}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    headers = {
        "content-type": "application/json",
        "x-twilio-signature": SIGNER.compute_signature(PUBLIC_URL + target, {}),
    }

    assert twilio.is_signed(TWILIO, IncomingRequest(target, headers, body))
    assert not twilio.is_signed(TWILIO, IncomingRequest(target, headers, body + b" "))
    headers["x-twilio-signature"] = SIGNER.compute_signature(PUBLIC_URL + TARGET, {})
    assert not twilio.is_signed(TWILIO, IncomingRequest(TARGET, headers, body))


def test_a_shared_key_signs_with_sha_256() -> None:
    fields = twilio_status("ringing")
    request = twilio_request(fields, SIGNER.compute_signature(PUBLIC_URL + TARGET, fields, "HMAC_SHA256"))

    def with_settings(settings: str) -> IncomingRequest:
        headers = {**request.headers, "x-twilio-webhooks-signature-settings": settings}
        return IncomingRequest(request.target, headers, request.body)

    assert twilio.is_signed(TWILIO, with_settings("key=k,algorithm=HMAC_SHA256"))
    assert not twilio.is_signed(TWILIO, with_settings("key=k,algorithm=NONE"))
    assert not twilio.is_signed(TWILIO, with_settings("key=k"))


def test_wrong_missing_and_odd_signatures() -> None:
    fields = twilio_status("ringing")
    good = signed(PUBLIC_URL + TARGET, fields)
    assert twilio.is_signed(TWILIO, good)

    for signature in ("", "x", "é", good.headers["x-twilio-signature"][::-1], "\udcff"):
        assert not twilio.is_signed(TWILIO, twilio_request(fields, signature))
    for body in (good.body + b"&a=b", good.body.replace(b"ringing", b"completed"), b"\xff\xfe", b""):
        assert not twilio.is_signed(TWILIO, IncomingRequest(good.target, good.headers, body))
    assert not twilio.is_signed(TWILIO, IncomingRequest(good.target + "?x", good.headers, good.body))
    assert not twilio.is_signed(TWILIO, IncomingRequest(good.target, {}, good.body))
    for source in (
        msgspec.structs.replace(TWILIO, secrets=()),
        msgspec.structs.replace(TWILIO, secrets=("",)),
        msgspec.structs.replace(TWILIO, secrets=("54321",)),
        msgspec.structs.replace(TWILIO, public_url=None),
        msgspec.structs.replace(TWILIO, public_url="https://[broken"),
    ):
        assert not twilio.is_signed(source, good)


def test_either_of_two_tokens_opens_while_one_follows_the_other() -> None:
    source = msgspec.structs.replace(TWILIO, secrets=("newer", "12345"))

    assert twilio.is_signed(source, signed(PUBLIC_URL + TARGET, twilio_status("ringing")))


@pytest.mark.parametrize(
    ("word", "status", "moment"),
    [
        ("queued", "queued", "started_at"),
        ("initiated", "queued", "started_at"),
        ("ringing", "ringing", "ringing_at"),
        ("in-progress", "in-progress", "answered_at"),
        *((word, word, "ended_at") for word in ("completed", "no-answer", "busy", "canceled", "failed")),
    ],
)
def test_a_status_callback(word: str, status: str, moment: str) -> None:
    one = report(twilio_status(word, 3, 19, CallDuration="49", Duration="1", AnsweredBy="human", SipResponseCode="200"))

    assert (one.status, one.sequence_number, one.talk_seconds, one.sip_code) == (status, 3, 49, 200)
    assert (one.provider_call_id, one.prospect_leg_id, one.user_leg_id) == (CALL, CALL, None)
    assert (one.from_number, one.to_number) == (Number(REP, REP), Number(PROSPECT, PROSPECT))
    moments = {name: getattr(one, name) for name in ("started_at", "ringing_at", "answered_at", "ended_at")}
    assert moments == dict.fromkeys(moments) | {moment: at(19)}


@pytest.mark.parametrize(
    ("word", "answered_by"),
    [("human", "human"), ("fax", "fax"), ("unknown", "unknown"), ("new word", "unknown"), ("", None)]
    + [(f"machine_{end}", "machine") for end in ("start", "end_beep", "end_silence", "end_other")],
)
def test_answered_by(word: str, answered_by: str | None) -> None:
    assert report(twilio_status("in-progress", AnsweredBy=word)).answered_by == answered_by


@pytest.mark.parametrize(
    ("leg", "start", "end", "direction", "is_user"),
    [
        ("outbound-api", REP, PROSPECT, "outbound", False),
        ("outbound-api", REP, "client:alice", "outbound", True),
        ("outbound-dial", REP, "client:alice", "inbound", True),
        ("outbound-dial", PROSPECT, "sip:alice@example.com", "inbound", True),
        ("inbound", PROSPECT, REP, "inbound", False),
        ("inbound", "client:alice", PROSPECT, "outbound", True),
    ],
)
def test_whose_leg_it_is_and_which_way_the_call_goes(
    leg: str, start: str, end: str, direction: str, is_user: bool
) -> None:
    one = report(twilio_status("ringing", Direction=leg, From=start, To=end))

    assert one.direction == direction
    assert (one.user_leg_id, one.prospect_leg_id) == ((CALL, None) if is_user else (None, CALL))
    assert one.is_of_users_leg is is_user


def test_a_child_leg_belongs_to_its_parent() -> None:
    one = report(
        twilio_status("completed", CallSid=CHILD, ParentCallSid=CALL, Direction="outbound-dial", From="client:alice")
    )

    assert (one.provider_call_id, one.provider_group_id) == (CHILD, CALL)
    assert (one.user_leg_id, one.prospect_leg_id) == (CALL, CHILD)


@pytest.mark.parametrize("word", ["+266696687", "Anonymous", "Restricted", "", "unknown", "private", "+7378742833"])
def test_withheld_numbers_are_null(word: str) -> None:
    one = report(twilio_status("ringing", From=word, Direction="inbound"))

    assert one.from_number == Number(word or None, None)


def test_the_action_of_dial_tells_of_both_legs() -> None:
    fields = twilio_status("in-progress", Direction="inbound", From="client:alice")
    parent, child = reports(
        fields | {"DialCallSid": CHILD, "DialCallStatus": "answered", "DialCallDuration": "31", "DialBridged": "true"}
    )

    assert (parent.provider_call_id, parent.status) == (CALL, "in-progress")
    assert (child.provider_call_id, child.provider_group_id) == (CHILD, CALL)
    assert (child.status, child.talk_seconds, child.direction) == ("completed", 31, "outbound")
    assert (child.user_leg_id, child.prospect_leg_id) == (CALL, CHILD)
    assert reports({"CallSid": CALL, "DialCallStatus": "failed"}) == []


@pytest.mark.parametrize(
    ("word", "status"),
    [("in-progress", "processing"), ("completed", "available"), ("absent", "absent"), ("failed", "absent")],
)
def test_a_recording_callback(word: str, status: str) -> None:
    url = f"https://api.twilio.com/2010-04-01/Accounts/AC0/Recordings/{RECORDING}"
    fields = {"CallSid": CALL, "RecordingSid": RECORDING, "RecordingUrl": url, "RecordingStatus": word}
    fields |= {"RecordingDuration": "45", "RecordingChannels": "2", "RecordingStartTime": rfc2822(5)}

    one = report(fields)

    assert one.status is None
    assert one.recording is not None
    assert (one.provider_call_id, one.recording.provider_recording_id) == (CALL, RECORDING)
    assert (one.recording.status, one.recording.duration_seconds, one.recording.channels) == (status, 45, 2)
    assert one.recording.started_at == at(5)
    assert one.recording.url == (url + ".mp3" if status == "available" else None)


def test_a_recording_of_a_conference() -> None:
    fields = {"ConferenceSid": CONFERENCE, "RecordingSid": RECORDING, "RecordingStatus": "in-progress"}

    one = report(fields)

    assert (one.provider_call_id, one.conference_id) == (None, CONFERENCE)
    assert one.recording is not None
    assert one.recording.conference_id == CONFERENCE


def conference(event: str, seconds: float, call_id: str | None = None) -> dict[str, str]:
    fields = {"ConferenceSid": CONFERENCE, "StatusCallbackEvent": event, "Timestamp": rfc2822(seconds)}
    return fields | {"SequenceNumber": "1", "FriendlyName": "r"} | ({"CallSid": call_id} if call_id else {})


def told(*callbacks: dict[str, str]) -> CallState:
    state = CallState(provider_call_id=CALL)
    for fields in callbacks:
        for one in reports(fields):
            state = merge(state, one)
    return state


CALLBACKS = [
    twilio_status("initiated", 0, 0),
    twilio_status("ringing", 1, 2),
    twilio_status("in-progress", 2, 10, AnsweredBy="human"),
    twilio_status("completed", 3, 70, CallDuration="60"),
]
REP_LEG = "CC" + "0" * 32


def test_a_call_through_a_conference_counts_the_time_together() -> None:
    state = told(
        *CALLBACKS,
        conference("participant-join", 11, REP_LEG),
        conference("participant-join", 10, CALL),
        conference("participant-leave", 65, REP_LEG),
        conference("participant-leave", 70, CALL),
        conference("conference-end", 70),
    )

    end = conclude(state)

    assert (end.status, end.result, end.abandoned) == ("completed", "CONNECTED", False)
    assert (end.started_at, end.ringing_at, end.answered_at, end.ended_at) == (at(0), at(2), at(10), at(70))
    assert (end.duration_seconds, end.ring_seconds, end.talk_seconds) == (70, 8, 54)


def test_a_person_whom_no_rep_met_was_abandoned() -> None:
    joined = (*CALLBACKS, conference("participant-join", 10, CALL), conference("participant-leave", 70, CALL))

    assert conclude(told(*joined)).result == "ABANDONED"
    late = conclude(told(*joined, conference("participant-join", 14, REP_LEG)))
    assert (late.result, late.abandoned, late.talk_seconds) == ("CONNECTED", True, 56)
    machine = told(*joined, twilio_status("completed", 4, 70, AnsweredBy="machine_start"))
    assert conclude(machine).result == "VOICEMAIL"


def test_mute_and_hold_say_nothing_of_the_call() -> None:
    assert reports(conference("participant-mute", 3, CALL)) == []


def test_a_last_callback_alone_still_makes_a_call() -> None:
    end = conclude(told(twilio_status("completed", 3, 70, CallDuration="60", Direction="inbound")))

    assert (end.started_at, end.answered_at, end.ended_at, end.talk_seconds) == (at(10), at(10), at(70), 60)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"CallSid": CALL},
        {"CallStatus": "completed"},
        twilio_status("dancing"),
        twilio_status("completed", CallSid="C" * 201),
        twilio_status("completed", CallSid="CA\x00"),
        twilio_status("completed", Timestamp="yesterday"),
        twilio_status("completed", Timestamp="Tue, 03 Mar 1901 09:53:19 +0000"),
        twilio_status("completed", CallDuration="-1"),
        twilio_status("completed", CallDuration="9" * 20),
        twilio_status("completed", CallDuration="nan"),
        twilio_status("completed", SequenceNumber="1.5"),
        {"RecordingSid": RECORDING, "RecordingStatus": "absent"},
        {"RecordingSid": RECORDING, "RecordingStatus": "completed", "CallSid": CALL},
        {"RecordingSid": RECORDING, "RecordingStatus": "lost", "CallSid": CALL},
        conference("participant-join", 0),
        {"ConferenceSid": CONFERENCE, "StatusCallbackEvent": "participant-join", "CallSid": CALL},
    ],
)
def test_malformed_callbacks(fields: dict[str, str]) -> None:
    with pytest.raises(MalformedReport) as error:
        reports(fields)
    assert not re.search(r"yesterday|dancing|lost", error.value.message)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.twilio.com/a",
        "https://user:pass@api.twilio.com/a",
        *("https://127.0.0.1/a", "https://127.1/a", "https://0x7f000001/a", "https://2130706433/a", "https://[::1]/a"),
        *("file:///etc/passwd", "https://api.twilio.com/a#b", "https:///a", "https://api.twilio.com\\@evil/", "x"),
        "https://api.twilio.com/" + "a" * 2_048,
    ],
)
def test_addresses_of_recordings_are_https_and_nothing_odd(url: str) -> None:
    fields = {"CallSid": CALL, "RecordingSid": RECORDING, "RecordingStatus": "completed", "RecordingUrl": url}

    with pytest.raises(MalformedReport):
        reports(fields)


def test_moments_are_in_utc() -> None:
    fields = twilio_status("ringing") | {"Timestamp": "Tue, 03 Mar 2026 11:00:00 +0100"}
    one = report(fields)

    assert one.event_at == NOW
    assert isinstance(one.event_at, datetime)
