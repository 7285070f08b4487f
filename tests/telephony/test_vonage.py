"""Vonage's event webhook: who may send it, and what each event says."""

import json
from typing import Any

import msgspec
import pytest

from skipcall.telephony import vonage
from skipcall.telephony.conclusion import conclude
from skipcall.telephony.merge import merge
from skipcall.telephony.model import CallReport, IncomingRequest, MalformedReport, Number
from tests.telephony.requests import NOW, PROSPECT, REP, VONAGE, at, iso, vonage_request

EVENT = {"uuid": "u-1", "conversation_uuid": "CON-1", "direction": "outbound", "from": REP[1:], "to": PROSPECT[1:]}


def body(**fields: Any) -> bytes:
    return json.dumps(EVENT | {"timestamp": iso(0)} | fields).encode()


def reports(**fields: Any) -> list[CallReport]:
    return vonage.parse(VONAGE, IncomingRequest("/v", {}, body(**fields)))


def report(**fields: Any) -> CallReport:
    (one,) = reports(**fields)
    return one


def test_signatures() -> None:
    text = body(status="ringing")
    seconds = NOW.timestamp()
    assert vonage.is_signed(VONAGE, vonage_request(text), NOW)
    assert vonage.is_signed(VONAGE, vonage_request(text, iat=seconds - 300, exp=seconds + 1), NOW)

    for request in (
        vonage_request(text, iat=seconds - 301),
        vonage_request(text, iat=seconds + 301),
        vonage_request(text, exp=seconds),
        vonage_request(text, payload_hash="0" * 64),
        vonage_request(text, payload_hash=None),
        vonage_request(text, iat="now"),
        vonage_request(text, secret="another"),
        vonage_request(text, alg="none"),
        vonage_request(text, alg="HS512"),
        IncomingRequest("/v", vonage_request(text).headers, text + b" "),
        IncomingRequest("/v", {}, text),
    ):
        assert not vonage.is_signed(VONAGE, request, NOW)
    good = vonage_request(text).headers["authorization"]
    for header in (
        "",
        "Bearer",
        "Bearer a.b",
        "Bearer a.b.c",
        "Bearer é.é.é",
        "Basic " + good[7:],
        good + "A",
        good * 9,
    ):
        assert not vonage.is_signed(VONAGE, IncomingRequest("/v", {"authorization": header}, text), NOW)
    for secrets in ((), ("",)):
        source = msgspec.structs.replace(VONAGE, secrets=secrets)
        assert not vonage.is_signed(source, vonage_request(text, secret=""), NOW)
    assert vonage.is_signed(
        msgspec.structs.replace(VONAGE, secrets=("new", *VONAGE.secrets)), vonage_request(text), NOW
    )


def test_a_whole_call() -> None:
    state = None
    for one in (
        report(status="completed", timestamp=iso(61), start_time=iso(10), end_time=iso(60), duration="50"),
        report(status="human", timestamp=iso(12)),
        report(status="answered", timestamp=iso(10), start_time="-"),
        report(status="started", timestamp=iso(0)),
        report(status="ringing", timestamp=iso(2)),
    ):
        state = merge(state, one)

    assert state is not None
    end = conclude(state)

    assert (end.status, end.result, end.talk_seconds) == ("completed", "CONNECTED", 50)
    assert (end.started_at, end.ringing_at, end.answered_at, end.ended_at) == (at(0), at(2), at(10), at(60))
    assert state.to_number is not None
    assert state.to_number.value == Number(PROSPECT[1:], PROSPECT)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        *(("started", "queued"), ("ringing", "ringing"), ("answered", "in-progress"), ("machine", "in-progress")),
        *(("completed", "completed"), ("busy", "busy"), ("cancelled", "canceled"), ("failed", "failed")),
        *(("rejected", "failed"), ("timeout", "no-answer"), ("unanswered", "no-answer")),
    ],
)
def test_statuses(word: str, status: str) -> None:
    one = report(status=word)

    assert (one.status, one.provider_call_id, one.provider_group_id) == (status, "u-1", "CON-1")
    assert one.answered_by == ("machine" if word == "machine" else None)


def test_parties_in_every_form() -> None:
    one = report(status="failed", detail="cannot_route", sip_code=404, **{"from": {"type": "phone", "number": REP[1:]}})
    assert (one.from_number, one.hangup_cause, one.sip_code) == (Number(REP[1:], REP), "cannot_route", 404)
    assert report(status="ringing", to=None, to_user="alice").to_number == Number("alice", None)
    assert report(status="ringing", **{"from": "unknown"}).from_number == Number("unknown", None)


def test_a_recording_is_of_the_conversation() -> None:
    one = report(
        recording_uuid="r-1", recording_url="https://api.nexmo.com/v1/files/f", start_time=iso(1), end_time=iso(46)
    )

    assert (one.provider_call_id, one.provider_group_id, one.status) == (None, "CON-1", None)
    assert one.recording is not None
    assert (one.recording.provider_recording_id, one.recording.duration_seconds) == ("r-1", 45)


def test_other_events_say_nothing() -> None:
    assert reports() == reports(status="disconnected") == reports(conversation_uuid_to="x", type="transfer") == []


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "ringing", "uuid": None},
        {"status": "ringing", "uuid": ["u"]},
        {"status": "ringing", "timestamp": "-5"},
        {"status": "ringing", "from": 5},
        {"status": "completed", "duration": "long"},
        {"status": {}},
        {"recording_uuid": "r"},
        {"recording_uuid": "r", "recording_url": "https://[", "conversation_uuid": "c"},
        {"recording_uuid": 5, "recording_url": "https://a.example/"},
    ],
)
def test_malformed_events(fields: dict[str, Any]) -> None:
    with pytest.raises(MalformedReport):
        reports(**fields)
