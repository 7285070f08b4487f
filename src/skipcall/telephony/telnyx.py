"""Telnyx: webhooks of Voice API calls (API version 2), JSON signed with Ed25519.

Field names are those of Telnyx' API reference, "Callbacks" (callInitiated … callRecordingSaved); signatures follow "Webhook
Signing". A call is a leg (`call_leg_id`); the legs of one conversation share `call_session_id`.
"""

import base64
import binascii
from datetime import datetime
from typing import Any

from nacl.exceptions import CryptoError
from nacl.signing import VerifyKey

from skipcall.telephony.fields import (
    member,
    read_id,
    read_iso,
    read_json_object,
    read_recording_url,
    read_sip_code,
    read_text,
    require_id,
)
from skipcall.telephony.model import (
    AnsweredBy,
    CallReport,
    ConferenceEvent,
    Direction,
    HangupSource,
    IncomingRequest,
    MalformedReport,
    Number,
    RecordingReport,
    Source,
    Status,
)
from skipcall.telephony.numbers import read_number

TOLERANCE_SECONDS = 300  # "Webhook Signing" advises it, and Telnyx' own libraries use it

_DIRECTIONS: dict[str, Direction] = {"incoming": "inbound", "outgoing": "outbound"}
_HANGUP_SOURCES: dict[str, HangupSource] = {"caller": "caller", "callee": "callee"}
_MACHINE_RESULTS: dict[str, AnsweredBy] = {
    "human": "human",
    "human_residence": "human",
    "human_business": "human",
    "machine": "machine",
    "fax_detected": "fax",
}
# hangup_cause of a call that nobody had answered; a cause of another name is a failure.
_UNANSWERED: dict[str, Status] = {
    "timeout": "no-answer",
    "no_answer": "no-answer",
    "normal_clearing": "no-answer",
    "user_busy": "busy",
    "busy": "busy",
    "originator_cancel": "canceled",
}
# Causes that only an answered call ends with: the hangup may overtake the answer.
_ANSWERED = ("normal_clearing", "time_limit")


def is_signed(source: Source, request: IncomingRequest, now: datetime) -> bool:
    """Return whether one of the source's public keys made the signature, at most five minutes from now."""
    timestamp = request.headers.get("telnyx-timestamp", "")
    if not timestamp.isascii() or not timestamp.isdecimal() or len(timestamp) > len("10000000000"):
        return False
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    try:
        signature = base64.b64decode(request.headers.get("telnyx-signature-ed25519", ""), validate=True)
    except (binascii.Error, ValueError):
        return False
    message = timestamp.encode() + b"|" + request.body
    return any(_is_signature(key, message, signature) for key in source.secrets)


def parse(source: Source, request: IncomingRequest) -> list[CallReport]:
    """Return what an event says; nothing for events that change no call. Raises `MalformedReport`."""
    data = member(read_json_object(request.body), "data")
    kind = read_text(data.get("event_type"), "event_type")
    if kind is None:
        raise MalformedReport("event_type is missing")
    payload = member(data, "payload")
    occurred_at = read_iso(data.get("occurred_at"), "occurred_at")
    if kind in ("call.recording.saved", "conference.recording.saved"):
        return [_recording(payload, occurred_at)]
    if kind in ("conference.participant.joined", "conference.participant.left"):
        return [_participant(payload, kind, occurred_at)]
    if kind in _EVENTS:
        return [_event(payload, kind, occurred_at, source)]
    return []


_EVENTS = frozenset(
    (
        *("call.initiated", "call.answered", "call.bridged", "call.hangup"),
        *("call.machine.detection.ended", "call.machine.premium.detection.ended"),
    )
)


def _event(payload: dict[str, Any], kind: str, occurred_at: datetime | None, source: Source) -> CallReport:
    status: Status | None = None
    answered_at = ended_at = None
    answered_by: AnsweredBy | None = None
    cause: str | None = None
    if kind == "call.initiated":
        status = "queued"
    elif kind == "call.answered":
        status, answered_at = "in-progress", occurred_at
    elif kind == "call.bridged":  # two legs were joined; either may have been answered long before
        status = "in-progress"
    elif kind == "call.hangup":
        cause = read_text(payload.get("hangup_cause"), "hangup_cause")
        ended_at = read_iso(payload.get("end_time"), "end_time") or occurred_at
        status = _final_status(payload, cause)
    else:
        answered_by = _MACHINE_RESULTS.get(read_text(payload.get("result"), "result") or "", "unknown")
    return CallReport(
        provider="TELNYX",
        provider_call_id=require_id(payload.get("call_leg_id"), "call_leg_id"),
        provider_group_id=read_id(payload.get("call_session_id"), "call_session_id"),
        direction=_DIRECTIONS.get(read_text(payload.get("direction"), "direction") or ""),
        status=status,
        event_at=occurred_at,
        started_at=read_iso(payload.get("start_time"), "start_time")
        or (occurred_at if kind == "call.initiated" else None),
        answered_at=answered_at,
        ended_at=ended_at,
        answered_by=answered_by,
        hangup_cause=cause,
        hangup_source=_HANGUP_SOURCES.get(read_text(payload.get("hangup_source"), "hangup_source") or ""),
        sip_code=read_sip_code(payload.get("sip_hangup_cause")),
        from_number=_number(payload, "from", source),
        to_number=_number(payload, "to", source),
    )


def _final_status(payload: dict[str, Any], cause: str | None) -> Status:
    """Return the status of a call that is over.

    `call.hangup` does not say whether the call was answered. `normal_clearing` is what answered calls end with; where the SIP
    code is one of refusal, nobody had answered.
    """
    code = read_sip_code(payload.get("sip_hangup_cause"))
    refused = code is not None and code >= 300  # noqa: PLR2004 - RFC 3261, 21: final answers that are no success
    if cause in _ANSWERED and not refused:
        return "completed"
    return _UNANSWERED.get(cause or "", "failed")


def _recording(payload: dict[str, Any], occurred_at: datetime | None) -> CallReport:
    conference_id = read_id(payload.get("conference_id"), "conference_id")
    call_id = read_id(payload.get("call_leg_id"), "call_leg_id")
    group_id = read_id(payload.get("call_session_id"), "call_session_id")
    if call_id is None and group_id is None and conference_id is None:
        raise MalformedReport("call_leg_id, call_session_id and conference_id are all missing")
    urls = payload.get("recording_urls")
    if not isinstance(urls, dict) or not (urls.get("mp3") or urls.get("wav")):
        raise MalformedReport("recording_urls is missing")
    started_at = read_iso(payload.get("recording_started_at"), "recording_started_at")
    ended_at = read_iso(payload.get("recording_ended_at"), "recording_ended_at")
    return CallReport(
        provider="TELNYX",
        provider_call_id=call_id,
        provider_group_id=group_id,
        conference_id=conference_id,
        event_at=occurred_at,
        recording=RecordingReport(
            # Older events have no id; a call has one recording at a time, so the start tells them apart.
            provider_recording_id=read_id(payload.get("recording_id"), "recording_id")
            or f"{call_id or conference_id or group_id}@{started_at.isoformat() if started_at else ''}",
            status="available",
            url=read_recording_url(urls.get("mp3") or urls.get("wav"), "recording_urls"),
            duration_seconds=max(0, int((ended_at - started_at).total_seconds())) if started_at and ended_at else None,
            channels={"single": 1, "dual": 2}.get(read_text(payload.get("channels"), "channels") or ""),
            started_at=started_at,
            format="mp3" if urls.get("mp3") else "wav",
            conference_id=conference_id,
        ),
    )


def _participant(payload: dict[str, Any], kind: str, occurred_at: datetime | None) -> CallReport:
    if occurred_at is None:
        raise MalformedReport("occurred_at is missing")
    return CallReport(
        provider="TELNYX",
        provider_call_id=require_id(payload.get("call_leg_id"), "call_leg_id"),
        provider_group_id=read_id(payload.get("call_session_id"), "call_session_id"),
        conference_id=require_id(payload.get("conference_id"), "conference_id"),
        event_at=occurred_at,
        conference_event=ConferenceEvent("join" if kind.endswith("joined") else "leave", occurred_at),
    )


def _number(payload: dict[str, Any], name: str, source: Source) -> Number | None:
    value = payload.get(name)
    if value is not None and not isinstance(value, str):
        raise MalformedReport(f"{name} is not a text")
    return read_number(value, source.default_country)


def _is_signature(key: str, message: bytes, signature: bytes) -> bool:
    try:
        VerifyKey(base64.b64decode(key, validate=True)).verify(message, signature)
    except (CryptoError, binascii.Error, ValueError, TypeError):
        return False
    return True
