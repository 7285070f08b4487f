"""The generic form: its signature, its properties, and what is said of a wrong one."""

import json
from typing import Any

import msgspec
import pytest

from skipcall.telephony import generic
from skipcall.telephony.model import IncomingRequest, MalformedReport, Number
from tests.telephony.requests import GENERIC, NOW, PROSPECT, REP, at, generic_request, iso


def parse(value: Any) -> list[Any]:
    return list(generic.parse(GENERIC, IncomingRequest("/g", {}, json.dumps(value).encode())))


def test_signatures() -> None:
    body = b'{"callId":"1"}'
    for seconds, is_good in ((0, True), (300, True), (-300, True), (301, False), (-301, False)):
        assert generic.is_signed(GENERIC, generic_request(body, seconds), NOW) is is_good
    good = generic_request(body).headers["x-skipcall-signature"]
    time, _, mac = good.partition(",")

    def is_signed(header: str, text: bytes = body) -> bool:
        return generic.is_signed(GENERIC, IncomingRequest("/g", {"x-skipcall-signature": header}, text), NOW)

    assert is_signed(f"{time}, v1={'0' * 64}, {mac}")
    assert not is_signed(good, body + b" ")
    for header in (
        "",
        time,
        mac,
        f"t=,{mac}",
        f"t=-1,{mac}",
        f"t={'9' * 30},{mac}",
        f"{time},v1=é",
        f"t=٣,{mac}",
        "\udcff",
    ):
        assert not is_signed(header)
    assert not is_signed(time + f",{mac}" * 11)
    assert not generic.is_signed(GENERIC, generic_request(body, secret="other"), NOW)
    for secrets in ((), ("",)):
        source = msgspec.structs.replace(GENERIC, secrets=secrets)
        assert not generic.is_signed(source, generic_request(body, secret=""), NOW)


def test_every_property() -> None:
    (one,) = parse(
        {
            "callId": "A-17",
            "groupId": "G",
            "conferenceId": "F",
            "direction": "outbound",
            "status": "completed",
            "sequence": 4,
            "eventAt": iso(60),
            "startedAt": "2026-03-03T11:00:00+01:00",
            "ringingAt": "2026-03-03T10:00:01",
            "answeredAt": iso(8),
            "endedAt": iso(60),
            "talkSeconds": 52,
            "answeredBy": "human",
            "hangupCause": "bye",
            "hangupSource": "callee",
            "sipCode": 200,
            "cancelReason": None,
            "from": REP,
            "to": "06 39 98 12 34",
            "recording": {"id": "R", "url": "https://pbx.example.com/r.wav", "durationSeconds": 50, "channels": 1},
        }
    )

    assert (one.provider_call_id, one.provider_group_id, one.conference_id) == ("A-17", "G", "F")
    assert (one.status, one.direction, one.sequence_number, one.talk_seconds) == ("completed", "outbound", 4, 52)
    assert (one.started_at, one.ringing_at, one.answered_at, one.ended_at) == (at(0), at(1), at(8), at(60))
    assert (one.from_number, one.to_number) == (Number(REP, REP), Number("06 39 98 12 34", PROSPECT))
    assert (one.hangup_cause, one.hangup_source, one.sip_code, one.answered_by) == ("bye", "callee", 200, "human")
    assert one.recording is not None
    assert (one.recording.status, one.recording.duration_seconds) == ("available", 50)


def test_one_to_a_hundred_reports() -> None:
    assert len(parse([{"callId": str(index)} for index in range(100)])) == 100
    for reports in ([], [{"callId": str(index)} for index in range(101)]):
        with pytest.raises(MalformedReport, match="1 to 100 reports"):
            parse(reports)


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({}, "callId"),
        ({"callId": ""}, "callId"),
        ({"callId": "a" * 201}, "callId"),
        ({"callId": "a\nb"}, "callId"),
        ({"callId": 5}, "callId"),
        ({"callId": "1", "status": "secret-word"}, "status"),
        ({"callId": "1", "talkTime": 1}, "talkTime"),
        ({"callId": "1", "endedAt": "secret-word"}, "endedAt"),
        ({"callId": "1", "endedAt": "0001-01-01T00:00:00+14:00"}, "endedAt"),
        ({"callId": "1", "talkSeconds": -1}, "talkSeconds"),
        ({"callId": "1", "sipCode": 42}, "sipCode"),
        ({"callId": "1", "to": "1" * 101}, "to"),
        ({"callId": "1", "recording": {"id": "R"}}, "recording.url"),
        ({"callId": "1", "recording": {"id": "R", "url": "http://a.example/"}}, "recording.url"),
        ([{"callId": "1"}, {"callId": None}], "[1].callId"),
        ([[]], "[0]"),
        (5, "The body"),
    ],
)
def test_what_is_wrong_is_named_and_not_repeated(value: Any, place: str) -> None:
    with pytest.raises(MalformedReport) as error:
        parse(value)
    assert place in error.value.message
    assert "secret-word" not in error.value.message
