"""Vonage: the event webhook of the Voice API, JSON with a signed JSON Web Token beside it.

Field names and statuses are those of "Voice API Webhooks Reference"; the token is that of "Webhooks: Decoding signed webhooks".
A call is a leg (`uuid`); the legs of one conversation share `conversation_uuid`. Numbers come without the plus sign.
"""

import base64
import binascii
import hashlib
import hmac
from datetime import datetime
from typing import Any

import msgspec

from skipcall.telephony.fields import (
    read_id,
    read_iso,
    read_json_object,
    read_recording_url,
    read_seconds,
    read_sip_code,
    read_text,
    require_id,
)
from skipcall.telephony.model import (
    AnsweredBy,
    CallReport,
    Direction,
    IncomingRequest,
    MalformedReport,
    Number,
    RecordingReport,
    Source,
    Status,
)
from skipcall.telephony.numbers import read_number

TOLERANCE_SECONDS = 300
TOKEN_CHARS_MAX = 4_096

_STATUSES: dict[str, Status] = {
    "started": "queued",
    "ringing": "ringing",
    "answered": "in-progress",
    "human": "in-progress",
    "machine": "in-progress",
    "completed": "completed",
    "busy": "busy",
    "cancelled": "canceled",
    "failed": "failed",
    "rejected": "failed",
    "timeout": "no-answer",
    "unanswered": "no-answer",
}
_TERMINAL = ("completed", "no-answer", "busy", "canceled", "failed")
_DIRECTIONS: dict[str, Direction] = {"inbound": "inbound", "outbound": "outbound"}
_ANSWERED_BY: dict[str, AnsweredBy] = {"human": "human", "machine": "machine"}
_NO_MOMENT = "-"  # start_time of a call that never started


class _Header(msgspec.Struct, frozen=True):
    alg: str


class _Claims(msgspec.Struct, frozen=True):
    iat: float
    payload_hash: str
    exp: float | None = None


def is_signed(source: Source, request: IncomingRequest, now: datetime) -> bool:
    """Return whether the bearer token is made with one of the source's signature secrets, for this body, and fresh.

    HS256 alone is accepted, whatever the token says of itself; `payload_hash` must be that of the body; `iat` must lie within
    five minutes and `exp`, if there is one, ahead.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    parts = token.strip().split(".")
    if (
        scheme.lower() != "bearer"
        or len(token) > TOKEN_CHARS_MAX
        or len(parts) != len(("header", "claims", "signature"))
    ):
        return False
    try:
        header = msgspec.json.decode(_decode(parts[0]), type=_Header)
        claims = msgspec.json.decode(_decode(parts[1]), type=_Claims)
        signature = _decode(parts[2])
        signed = f"{parts[0]}.{parts[1]}".encode()
    except (msgspec.DecodeError, binascii.Error, ValueError, RecursionError):
        return False
    if header.alg != "HS256":
        return False
    found = False
    for secret in source.secrets:
        mac = hmac.digest(secret.encode(), signed, "sha256")
        found |= bool(secret) and hmac.compare_digest(mac, signature)
    seconds = now.timestamp()
    fresh = abs(seconds - claims.iat) <= TOLERANCE_SECONDS and (claims.exp is None or seconds < claims.exp)
    stated = claims.payload_hash.lower().encode("utf-8", "surrogatepass")
    return found and fresh and hmac.compare_digest(stated, hashlib.sha256(request.body).hexdigest().encode())


def parse(source: Source, request: IncomingRequest) -> list[CallReport]:
    """Return what an event says; nothing for events that change no call (input, transfer, …). Raises `MalformedReport`."""
    event = read_json_object(request.body)
    if event.get("recording_uuid") is not None:
        return [_recording(event)]
    word = read_text(event.get("status"), "status")
    status = _STATUSES.get(word or "")
    if word is None or status is None:
        return []
    is_over = status in _TERMINAL
    at = _moment(event, "timestamp")
    return [
        CallReport(
            provider="VONAGE",
            provider_call_id=require_id(event.get("uuid"), "uuid"),
            provider_group_id=read_id(event.get("conversation_uuid"), "conversation_uuid"),
            direction=_DIRECTIONS.get(read_text(event.get("direction"), "direction") or ""),
            status=status,
            event_at=at,
            started_at=_moment(event, "start_time") or (at if word == "started" else None),
            ringing_at=at if word == "ringing" else None,
            answered_at=at if word == "answered" else None,
            ended_at=(_moment(event, "end_time") or at) if is_over else None,
            talk_seconds=read_seconds(event.get("duration"), "duration") if is_over else None,
            answered_by=_ANSWERED_BY.get(word),
            hangup_cause=_cause(event, word) if is_over else None,
            sip_code=read_sip_code(event.get("sip_code")) if is_over else None,
            from_number=_number(event, "from", source),
            to_number=_number(event, "to", source),
        )
    ]


def _cause(event: dict[str, Any], word: str) -> str:
    return read_text(event.get("detail"), "detail") or read_text(event.get("reason"), "reason") or word


def _recording(event: dict[str, Any]) -> CallReport:
    group_id = require_id(event.get("conversation_uuid"), "conversation_uuid")
    started_at, ended_at = _moment(event, "start_time"), _moment(event, "end_time")
    url = read_recording_url(event.get("recording_url"), "recording_url")
    if url is None:
        raise MalformedReport("recording_url is missing")
    return CallReport(
        provider="VONAGE",
        provider_call_id=None,  # a recording is of the conversation
        provider_group_id=group_id,
        event_at=_moment(event, "timestamp"),
        recording=RecordingReport(
            provider_recording_id=require_id(event.get("recording_uuid"), "recording_uuid"),
            status="available",
            url=url,
            duration_seconds=max(0, int((ended_at - started_at).total_seconds())) if started_at and ended_at else None,
            started_at=started_at,
        ),
    )


def _moment(event: dict[str, Any], name: str) -> datetime | None:
    value = event.get(name)
    return None if value == _NO_MOMENT else read_iso(value, name)


def _number(event: dict[str, Any], name: str, source: Source) -> Number | None:
    """Return a party: a number, or an object with one. The name of a user of the Client SDK is under `from_user`."""
    value = event.get(name)
    if isinstance(value, dict):
        value = value.get("number") or value.get("user") or value.get("uri")
    if value is None:
        value = event.get(f"{name}_user")
    if value is not None and not isinstance(value, str):
        raise MalformedReport(f"{name} is not a text")
    return read_number(value, source.default_country, without_plus=True)


def _decode(part: str) -> bytes:
    return base64.b64decode(part.encode("ascii") + b"=" * (-len(part) % 4), altchars=b"-_", validate=True)
