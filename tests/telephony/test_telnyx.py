"""Telnyx's webhooks: who may send them, and what each of them says."""

from typing import Any

import msgspec
import pytest
from nacl.signing import SigningKey

from skipcall.telephony import telnyx
from skipcall.telephony.conclusion import conclude
from skipcall.telephony.merge import merge
from skipcall.telephony.model import CallReport, IncomingRequest, MalformedReport, Number
from tests.telephony.requests import NOW, PROSPECT, REP, TELNYX, at, iso, telnyx_event, telnyx_request


def reports(kind: str, seconds: float = 0, **payload: Any) -> list[CallReport]:
    return telnyx.parse(TELNYX, IncomingRequest("/t", {}, telnyx_event(kind, seconds, **payload)))


def report(kind: str, seconds: float = 0, **payload: Any) -> CallReport:
    (one,) = reports(kind, seconds, **payload)
    return one


@pytest.mark.parametrize(("seconds", "is_good"), [(0, True), (-300, True), (300, True), (-301, False), (301, False)])
def test_a_signature_is_good_for_five_minutes(seconds: int, is_good: bool) -> None:
    assert telnyx.is_signed(TELNYX, telnyx_request(telnyx_event("call.initiated"), seconds), NOW) is is_good


def test_wrong_and_odd_signatures() -> None:
    body = telnyx_event("call.initiated")
    good = telnyx_request(body)
    assert telnyx.is_signed(TELNYX, good, NOW)

    assert not telnyx.is_signed(TELNYX, IncomingRequest("/t", good.headers, body + b" "), NOW)
    assert not telnyx.is_signed(TELNYX, telnyx_request(body, key=SigningKey(b"8" * 32)), NOW)
    for secrets in ((), ("",), ("no base64!",), ("AAAA",), ("A" * 43 + "=",)):
        assert not telnyx.is_signed(msgspec.structs.replace(TELNYX, secrets=secrets), good, NOW)
    for name in good.headers:
        for value in ("", "é", "9" * 30, "-1", "AAAA", "\udcff", "٣"):
            assert not telnyx.is_signed(TELNYX, IncomingRequest("/t", {**good.headers, name: value}, body), NOW)
    assert telnyx.is_signed(msgspec.structs.replace(TELNYX, secrets=("AAAA", *TELNYX.secrets)), good, NOW)


def test_a_whole_call() -> None:
    parties = {"from": REP, "to": PROSPECT, "direction": "outgoing", "start_time": iso(0)}
    state = None
    for one in (
        report(
            "call.hangup",
            61,
            **parties,
            end_time=iso(60),
            hangup_cause="normal_clearing",
            hangup_source="callee",
            sip_hangup_cause="200",
        ),
        report("call.machine.detection.ended", 12, result="human"),
        report("call.answered", 10, **parties),
        report("call.initiated", 0, **parties, state="parked"),
        report("call.bridged", 11, **parties),
    ):
        state = merge(state, one)

    assert state is not None
    end = conclude(state)

    assert (end.status, end.result, end.talk_seconds) == ("completed", "CONNECTED", 50)
    assert (end.started_at, end.answered_at, end.ended_at) == (at(0), at(10), at(60))
    assert state.direction is not None
    assert state.direction.value == "outbound"
    assert state.from_number is not None
    assert state.from_number.value == Number(REP, REP)
    assert state.provider_group_id is not None
    assert state.provider_group_id.value == "session-1"
    assert state.sip_code is not None
    assert state.sip_code.value == 200


@pytest.mark.parametrize(
    ("cause", "code", "status"),
    [
        ("normal_clearing", "200", "completed"),
        ("normal_clearing", "unspecified", "completed"),
        ("normal_clearing", "480", "no-answer"),
        ("time_limit", "200", "completed"),
        ("timeout", "487", "no-answer"),
        ("user_busy", "486", "busy"),
        ("originator_cancel", "487", "canceled"),
        ("call_rejected", "603", "failed"),
        ("not_found", "404", "failed"),
        ("unspecified", "unspecified", "failed"),
        (None, None, "failed"),
    ],
)
def test_how_a_call_ended(cause: str | None, code: str | None, status: str) -> None:
    one = report("call.hangup", 9, hangup_cause=cause, sip_hangup_cause=code)

    assert (one.status, one.hangup_cause, one.ended_at) == (status, cause, at(9))


@pytest.mark.parametrize(
    ("word", "answered_by"),
    [
        ("human", "human"),
        ("human_business", "human"),
        ("machine", "machine"),
        ("not_sure", "unknown"),
        ("x", "unknown"),
    ],
)
def test_who_answered(word: str, answered_by: str) -> None:
    one = report("call.machine.detection.ended", result=word)

    assert (one.status, one.answered_by) == (None, answered_by)


def test_a_recording() -> None:
    urls = {"mp3": "https://s3.example.com/a.mp3?X-Amz-Expires=600"}
    fields: dict[str, Any] = {"recording_urls": urls, "channels": "dual", "recording_started_at": iso(1)}
    one = report("call.recording.saved", 60, **fields, recording_ended_at=iso(46), recording_id="r-1")

    assert one.recording is not None
    assert (one.recording.status, one.recording.url, one.recording.format) == ("available", urls["mp3"], "mp3")
    assert (one.recording.duration_seconds, one.recording.channels) == (45, 2)
    assert one.recording.provider_recording_id == "r-1"
    older = report("call.recording.saved", 60, **fields)
    assert older.recording is not None
    assert older.recording.provider_recording_id == f"leg-1@{at(1).isoformat()}"


def test_who_came_to_a_conference() -> None:
    one = report("conference.participant.joined", 5, conference_id="c-1")

    assert one.conference_event is not None
    assert (one.conference_id, one.conference_event.kind, one.conference_event.at) == ("c-1", "join", at(5))


def test_other_events_say_nothing() -> None:
    assert reports("call.dtmf.received") == reports("message.received") == []


@pytest.mark.parametrize(
    "body",
    [
        *(
            b"",
            b"[]",
            b"null",
            b"{}",
            b'{"data":[]}',
            b'{"data":{"event_type":"call.hangup"}}',
            b"\xff",
            b"[" * 100_000,
        ),
        b'{"data":{"event_type":{},"payload":{}}}',
        b'{"data":{"payload":{}}}',
        telnyx_event("call.hangup", call_leg_id=None),
        telnyx_event("call.hangup", call_leg_id=5),
        telnyx_event("call.hangup", end_time="soon"),
        telnyx_event("call.hangup", end_time=5),
        telnyx_event("call.hangup", to={}),
        telnyx_event("call.recording.saved"),
        telnyx_event("call.recording.saved", recording_urls={"mp3": "http://a.example/"}),
        telnyx_event("call.recording.saved", recording_urls={"mp3": 5}),
    ],
)
def test_malformed_events(body: bytes) -> None:
    with pytest.raises(MalformedReport):
        telnyx.parse(TELNYX, IncomingRequest("/t", {}, body))
