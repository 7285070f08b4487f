"""The one way in: signed or refused, read or malformed, and never anything else, whatever the bytes."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from skipcall.telephony.fields import read_form
from skipcall.telephony.incoming import read_reports
from skipcall.telephony.model import CallReport, IncomingRequest, MalformedReport, Source, UnsignedReport
from tests.telephony.requests import (
    ASTERISK,
    FREESWITCH,
    GENERIC,
    NOW,
    PUBLIC_URL,
    SOURCES,
    TARGET,
    TELNYX,
    TWILIO,
    VONAGE,
    freeswitch_request,
    generic_request,
    telnyx_request,
    twilio_request,
    twilio_status,
    vonage_request,
)

NAMES = st.sampled_from(
    "CallSid CallStatus Timestamp SequenceNumber CallDuration From To Direction ParentCallSid DialCallStatus DialCallSid "
    "RecordingSid RecordingUrl RecordingStatus ConferenceSid StatusCallbackEvent data payload event_type occurred_at "
    "call_leg_id recording_urls mp3 start_time end_time uuid status timestamp from to duration recording_uuid recording_url "
    "conversation_uuid variables callflow caller_profile times start_uepoch answer_epoch billsec hangup_cause direction "
    "destination_number callId recording id url startedAt".split()
)
TEXTS = st.text(max_size=20) | st.sampled_from(
    "completed answered call.hangup call.recording.saved participant-join available outbound 0 1772528400 1e999 - -1 nan "
    "2026-03-03T10:00:00Z 9999-12-31T23:59:59-23:59 0001-01-01T00:00:00+23:59 https://a.example/b +33639981234".split()
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | TEXTS, inner, max_size=5),
    max_leaves=20,
)
BODIES = (
    st.binary(max_size=200)
    | VALUES.map(lambda value: json.dumps(value).encode())
    | VALUES.map(lambda value: b"cdr=" + json.dumps(value).encode())
    | st.dictionaries(NAMES, TEXTS, max_size=8).map(lambda form: urlencode(form, errors="replace").encode())
)


def sign(source: Source, body: bytes) -> IncomingRequest:
    if source is TWILIO:
        signer = RequestValidator(TWILIO.secrets[0])
        try:
            fields = {name: values[0] for name, values in read_form(body).items() if len(set(values)) == 1}
        except MalformedReport:
            fields = {}
        unsigned = twilio_request({})
        signature = signer.compute_signature(PUBLIC_URL + TARGET, fields)
        return IncomingRequest(TARGET, {**unsigned.headers, "x-twilio-signature": signature}, body)
    if source.provider == "TELNYX":
        return telnyx_request(body)
    if source.provider == "VONAGE":
        return vonage_request(body)
    return freeswitch_request(body) if source.provider == "FREESWITCH" else generic_request(body)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.provider)
@given(body=BODIES)
@settings(max_examples=300)
def test_nothing_but_reports_and_refusals(source: Source, body: bytes) -> None:
    try:
        reports = read_reports(source, sign(source, body), NOW)
    except (MalformedReport, UnsignedReport):
        return
    for report in reports:
        assert isinstance(report, CallReport)
        # What cannot be stored does not come in: PostgreSQL takes no NUL, UTF-8 no lone surrogate.
        text = json.dumps(repr(report))
        assert "\\u0000" not in text
        assert repr(report).isprintable() or "\\x" not in text
        repr(report).encode()


@pytest.mark.parametrize("source", SOURCES[:-1], ids=lambda source: source.provider)
@given(
    headers=st.dictionaries(
        st.sampled_from(
            "x-twilio-signature content-type telnyx-timestamp telnyx-signature-ed25519 authorization "
            "x-twilio-webhooks-signature-settings x-skipcall-signature".split()
        ),
        st.text(max_size=60)
        | st.sampled_from(["Bearer e30.e30.e30", "Basic e30=", "t=1772532000,v1=00", "application/json"]),
    ),
    target=st.text(max_size=30),
    body=BODIES,
)
def test_nothing_unsigned_comes_in(source: Source, headers: dict[str, str], target: str, body: bytes) -> None:
    with pytest.raises(UnsignedReport):
        read_reports(source, IncomingRequest(target, headers, body), NOW)


def test_what_is_signed_comes_in() -> None:
    fields = twilio_status("completed", 3, 10)
    signature = RequestValidator("12345").compute_signature(PUBLIC_URL + TARGET, fields)
    (report,) = read_reports(TWILIO, twilio_request(fields, signature), NOW)
    assert report.status == "completed"

    (report,) = read_reports(GENERIC, generic_request(b'{"callId":"1","status":"busy"}'), NOW)
    assert report.status == "busy"


@pytest.mark.parametrize("source", [TWILIO, TELNYX, VONAGE, FREESWITCH, GENERIC], ids=lambda source: source.provider)
def test_a_request_for_one_provider_opens_no_other(source: Source) -> None:
    for other in (TELNYX, VONAGE, FREESWITCH, GENERIC):
        if other is not source:
            with pytest.raises(UnsignedReport):
                read_reports(source, sign(other, b"{}"), NOW)


def test_asterisk_posts_nothing() -> None:
    with pytest.raises(MalformedReport):
        read_reports(ASTERISK, IncomingRequest("/", {}, b""), NOW)


@pytest.mark.parametrize(
    "settings_of_it",
    [
        *({"timezone": zone} for zone in ("Mars/Olympus", "", "../../etc/passwd", "/etc/localtime", "a\0b")),
        *({"default_country": country} for country in ("fr", "ZZ", "")),
        *({"public_url": url} for url in ("calls.example.com", "ftp://calls.example.com")),
        *({"outside_prefix": prefix} for prefix in ("a", "٣", "-")),
    ],
)
def test_settings_of_a_source_that_do_not_exist(settings_of_it: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Source(provider="TWILIO", **settings_of_it)


def test_secrets_stay_out_of_logs() -> None:
    assert "12345" not in repr(TWILIO)
