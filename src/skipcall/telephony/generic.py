"""Any other telephony: a JSON form of our own, for a few lines of script on the sender's side.

A POST has one report, or an array of up to 100:

    {"callId": "A-17", "direction": "outbound", "status": "completed",
     "from": "+33199001234", "to": "06 39 98 12 34",
     "startedAt": "2026-03-03T09:00:00Z", "answeredAt": "2026-03-03T09:00:07Z", "endedAt": "2026-03-03T09:01:12Z"}

Only `callId` is required; `GenericReport` lists the rest. Unknown properties are refused, so that a typing error is noticed. Reports of one
call may come in any order and more than once. Moments are ISO 8601, in UTC where they have no offset.

The header is `X-Skipcall-Signature: t=<Unix seconds>,v1=<hex>`, the second part being HMAC-SHA256 of `<t>.<body>` with the
source's secret. Several `v1` may stand in it while a secret is changed. It is good for five minutes.
"""

import hashlib
import hmac
import re
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from skipcall.telephony.fields import ID_CHARS_MAX, TEXT_CHARS_MAX, read_id, read_recording_url, read_text, to_utc
from skipcall.telephony.model import (
    CALL_SECONDS_MAX,
    AnsweredBy,
    CallReport,
    CancelReason,
    Direction,
    HangupSource,
    IncomingRequest,
    MalformedReport,
    RecordingReport,
    RecordingStatus,
    Source,
    Status,
)
from skipcall.telephony.numbers import RAW_CHARS_MAX, read_number

TOLERANCE_SECONDS = 300
REPORTS_MAX = 100
SEQUENCE_MAX = 1_000_000_000
SIGNATURES_MAX = 10
EXPLANATION_CHARS_MAX = 200

_Id = Annotated[str, Meta(min_length=1, max_length=ID_CHARS_MAX)]
_Text = Annotated[str, Meta(max_length=TEXT_CHARS_MAX)]
_Party = Annotated[str, Meta(max_length=RAW_CHARS_MAX)]
_Seconds = Annotated[int, Meta(ge=0, le=CALL_SECONDS_MAX)]

_VALUE = re.compile(r" '[^']*'")  # msgspec quotes a value so, and names and types in another way


class GenericRecording(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A recording of the call. `url` is an https address that answers the audio without credentials."""

    id: _Id
    status: RecordingStatus = "available"
    url: str | None = None
    duration_seconds: _Seconds | None = None
    channels: Annotated[int, Meta(ge=1, le=16)] | None = None
    started_at: datetime | None = None


class GenericReport(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """One report. `sequence` or else `eventAt` is its place among the reports of its call."""

    call_id: _Id
    group_id: _Id | None = None
    conference_id: _Id | None = None
    direction: Direction | None = None
    status: Status | None = None
    sequence: Annotated[int, Meta(ge=0, le=SEQUENCE_MAX)] | None = None
    event_at: datetime | None = None
    started_at: datetime | None = None
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    talk_seconds: _Seconds | None = None
    answered_by: AnsweredBy | None = None
    hangup_cause: _Text | None = None
    hangup_source: HangupSource | None = None
    sip_code: Annotated[int, Meta(ge=100, le=699)] | None = None
    cancel_reason: CancelReason | None = None
    from_: _Party | None = msgspec.field(default=None, name="from")
    to: _Party | None = None
    recording: GenericRecording | None = None


_decode = msgspec.json.Decoder(GenericReport | list[GenericReport]).decode


def is_signed(source: Source, request: IncomingRequest, now: datetime) -> bool:
    """Return whether one of the source's secrets made the signature, at most five minutes from now."""
    timestamp = ""
    given: list[bytes] = []
    for part in request.headers.get("x-skipcall-signature", "").split(","):
        name, _, value = part.strip().partition("=")
        if name == "t":
            timestamp = value
        elif name == "v1":
            given.append(value.encode("utf-8", "surrogatepass"))
    if not timestamp.isascii() or not timestamp.isdecimal() or len(timestamp) > len("10000000000"):
        return False
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE_SECONDS or len(given) > SIGNATURES_MAX:
        return False
    found = False
    for secret in source.secrets:
        mac = hmac.new(secret.encode(), timestamp.encode() + b"." + request.body, hashlib.sha256).hexdigest().encode()
        for signature in given:
            found |= bool(secret) and hmac.compare_digest(signature, mac)
    return found


def parse(source: Source, request: IncomingRequest) -> list[CallReport]:
    """Return the reports of a body. Raises `MalformedReport`, which names the place in the body."""
    try:
        decoded = _decode(request.body)
    except msgspec.ValidationError as error:
        raise MalformedReport(_explain(str(error))) from None
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise MalformedReport("The body is not JSON in UTF-8") from None
    reports = decoded if isinstance(decoded, list) else [decoded]
    if not 0 < len(reports) <= REPORTS_MAX:
        raise MalformedReport(f"There must be 1 to {REPORTS_MAX} reports")
    return [_convert(report, source) for report in reports]


def _convert(report: GenericReport, source: Source) -> CallReport:
    read_id(report.call_id, "callId")
    return CallReport(
        provider="GENERIC",
        provider_call_id=report.call_id,
        provider_group_id=read_id(report.group_id, "groupId"),
        conference_id=read_id(report.conference_id, "conferenceId"),
        direction=report.direction,
        status=report.status,
        sequence_number=report.sequence,
        event_at=_moment(report.event_at, "eventAt"),
        started_at=_moment(report.started_at, "startedAt"),
        ringing_at=_moment(report.ringing_at, "ringingAt"),
        answered_at=_moment(report.answered_at, "answeredAt"),
        ended_at=_moment(report.ended_at, "endedAt"),
        talk_seconds=report.talk_seconds,
        answered_by=report.answered_by,
        hangup_cause=read_text(report.hangup_cause, "hangupCause"),
        hangup_source=report.hangup_source,
        sip_code=report.sip_code,
        cancel_reason=report.cancel_reason,
        from_number=read_number(report.from_, source.default_country),
        to_number=read_number(report.to, source.default_country),
        recording=None if report.recording is None else _recording(report.recording),
    )


def _recording(recording: GenericRecording) -> RecordingReport:
    url = read_recording_url(recording.url, "recording.url")
    if recording.status == "available" and url is None:
        raise MalformedReport("recording.url is missing")
    read_id(recording.id, "recording.id")
    return RecordingReport(
        provider_recording_id=recording.id,
        status=recording.status,
        url=url,
        duration_seconds=recording.duration_seconds,
        channels=recording.channels,
        started_at=_moment(recording.started_at, "recording.startedAt"),
    )


def _moment(value: datetime | None, name: str) -> datetime | None:
    return None if value is None else to_utc(value, name)


def _explain(message: str) -> str:
    """Return msgspec's explanation with the place in front, without the value at fault."""
    what, _, place = message.partition(" - at `$")
    place = place.removesuffix("`").lstrip(".")
    return f"{place or 'The body'}: {_VALUE.sub('', what)}"[:EXPLANATION_CHARS_MAX]
