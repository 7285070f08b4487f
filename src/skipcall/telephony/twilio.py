"""Twilio: status, recording and conference callbacks, and the action callback of <Dial>; all are URL-encoded forms.

Field names and values are those of Twilio's documents "Call Resource" (StatusCallback), "TwiML Voice: <Dial>" (action),
"<Conference>" (statusCallback) and "Getting Started with Recording Status Callbacks"; signatures follow "Webhooks Security".

A leg to or from `client:` or `sip:` is the rep's. Twilio's Direction is that of the leg: a rep who places a call from a browser is
an inbound leg of an outbound call, a rep who is rung for a caller is an outbound one of an inbound call.
"""

import base64
import hashlib
import hmac
from typing import Literal
from urllib.parse import SplitResult, parse_qs, urlsplit

from skipcall.telephony.fields import (
    Form,
    read_count,
    read_form,
    read_id,
    read_recording_url,
    read_rfc2822,
    read_seconds,
    read_sip_code,
    require_id,
)
from skipcall.telephony.model import (
    AnsweredBy,
    CallReport,
    ConferenceEvent,
    ConferenceEventKind,
    Direction,
    IncomingRequest,
    MalformedReport,
    RecordingReport,
    RecordingStatus,
    Source,
    Status,
)
from skipcall.telephony.numbers import read_number

SEQUENCE_MAX = 1_000_000
CHANNELS_MAX = 16

_STATUSES: dict[str, Status] = {
    "queued": "queued",
    "initiated": "queued",
    "ringing": "ringing",
    "in-progress": "in-progress",
    "answered": "in-progress",
    "completed": "completed",
    "no-answer": "no-answer",
    "busy": "busy",
    "canceled": "canceled",
    "failed": "failed",
}
# DialCallStatus is told when the child is over: "answered" is said of one that was.
_DIAL_STATUSES: dict[str, Status] = {
    "completed": "completed",
    "answered": "completed",
    "no-answer": "no-answer",
    "busy": "busy",
    "canceled": "canceled",
    "failed": "failed",
}
_MOMENTS: dict[Status, str] = {"queued": "started_at", "ringing": "ringing_at", "in-progress": "answered_at"}
_RECORDING_STATUSES: dict[str, RecordingStatus] = {
    "in-progress": "processing",
    "processing": "processing",
    "completed": "available",
    "absent": "absent",
    "failed": "absent",
}
_CONFERENCE_EVENTS: dict[str, ConferenceEventKind] = {
    "conference-start": "start",
    "conference-end": "end",
    "participant-join": "join",
    "participant-leave": "leave",
}
_DIGESTS = {"HMAC_SHA1": hashlib.sha1, "HMAC_SHA256": hashlib.sha256}
_DEFAULT_PORTS = {"https": 443, "http": 80}


def is_signed(source: Source, request: IncomingRequest) -> bool:
    """Return whether the request carries X-Twilio-Signature made with one of the source's auth tokens.

    What is signed is the address as Twilio called it, with or without its default port, followed by the names and values
    of the form, sorted, repeated ones once. The address is the source's public one: the Host header is anyone's to write.
    A JSON body is signed through `bodySHA256` in the query. Under a shared key, SHA-256 takes the place of SHA-1.
    """
    signature = request.headers.get("x-twilio-signature", "").encode("utf-8", "surrogatepass")
    digest = _DIGESTS.get(_algorithm(request.headers.get("x-twilio-webhooks-signature-settings", "")))
    if not signature or digest is None or source.public_url is None:
        return False
    try:
        parts = urlsplit(source.public_url.rstrip("/") + request.target)
        signed = _signed_fields(parts, request)
        addresses = _addresses(parts)
    except (ValueError, MalformedReport):
        return False
    if signed is None:
        return False
    found = False
    for token in source.secrets:
        for address in addresses:
            mac = hmac.new(token.encode(), (address + signed).encode("utf-8", "surrogatepass"), digest)
            found |= bool(token) and hmac.compare_digest(base64.b64encode(mac.digest()), signature)
    return found


def parse(source: Source, request: IncomingRequest) -> list[CallReport]:
    """Return what a callback says; which one it is shows in its fields. Nothing for events that change no call.

    Raises `MalformedReport`.
    """
    form = read_form(request.body)
    if "StatusCallbackEvent" in form and "ConferenceSid" in form:
        return _conference(form)
    if "DialCallStatus" in form:
        return _dial(form, source)
    if "RecordingSid" in form:
        return [_recording(form)]
    return [_status(form, source)]


def _status(form: Form, source: Source) -> CallReport:
    status = _STATUSES.get(_value(form, "CallStatus") or "")
    if status is None:
        raise MalformedReport("CallStatus is missing or unknown")
    call_id = require_id(_value(form, "CallSid"), "CallSid")
    parent_id = read_id(_value(form, "ParentCallSid"), "ParentCallSid")
    event_at = read_rfc2822(_value(form, "Timestamp"), "Timestamp")
    direction, is_user, is_prospect = _parties(form)
    return CallReport(
        provider="TWILIO",
        provider_call_id=call_id,
        provider_group_id=parent_id,
        user_leg_id=call_id if is_user else parent_id if is_prospect else None,
        prospect_leg_id=call_id if is_prospect else parent_id if is_user else None,
        direction=direction,
        status=status,
        sequence_number=read_count(_value(form, "SequenceNumber"), "SequenceNumber", SEQUENCE_MAX),
        event_at=event_at,
        started_at=event_at if _MOMENTS.get(status) == "started_at" else None,
        ringing_at=event_at if _MOMENTS.get(status) == "ringing_at" else None,
        answered_at=event_at if _MOMENTS.get(status) == "answered_at" else None,
        ended_at=event_at if status not in _MOMENTS else None,
        talk_seconds=read_seconds(_value(form, "CallDuration"), "CallDuration"),  # Duration is in billed minutes
        answered_by=_answered_by(_value(form, "AnsweredBy")),
        sip_code=read_sip_code(_value(form, "SipResponseCode")),
        from_number=read_number(_value(form, "From"), source.default_country),
        to_number=read_number(_value(form, "To"), source.default_country),
    )


def _dial(form: Form, source: Source) -> list[CallReport]:
    """Return what <Dial> says when it is done: the outcome of the child, and that the parent is on the line.

    The form's own Timestamp and numbers, if any, are the parent's. Without DialCallSid nobody was dialed.
    """
    reports = [_status(form, source)] if "CallStatus" in form else []
    child_id = read_id(_value(form, "DialCallSid"), "DialCallSid")
    if child_id is None:
        return reports
    status = _DIAL_STATUSES.get(_value(form, "DialCallStatus") or "")
    if status is None:
        raise MalformedReport("DialCallStatus is unknown")
    parent_id = require_id(_value(form, "CallSid"), "CallSid")
    direction, parent_is_user, _ = _parties(form)
    reports.append(
        CallReport(
            provider="TWILIO",
            provider_call_id=child_id,
            provider_group_id=parent_id,
            user_leg_id=parent_id if parent_is_user else None,
            prospect_leg_id=child_id if parent_is_user else None,
            direction=direction,
            status=status,
            talk_seconds=read_seconds(_value(form, "DialCallDuration"), "DialCallDuration"),
        )
    )
    return reports


def _recording(form: Form) -> CallReport:
    status = _RECORDING_STATUSES.get(_value(form, "RecordingStatus") or "completed")
    if status is None:
        raise MalformedReport("RecordingStatus is unknown")
    call_id = read_id(_value(form, "CallSid"), "CallSid")
    conference_id = read_id(_value(form, "ConferenceSid"), "ConferenceSid")
    if call_id is None and conference_id is None:
        raise MalformedReport("CallSid and ConferenceSid are both missing")
    url = read_recording_url(_value(form, "RecordingUrl"), "RecordingUrl")
    if status == "available" and url is None:
        raise MalformedReport("RecordingUrl is missing")
    return CallReport(
        provider="TWILIO",
        provider_call_id=call_id,
        conference_id=conference_id,
        recording=RecordingReport(
            provider_recording_id=require_id(_value(form, "RecordingSid"), "RecordingSid"),
            status=status,
            url=f"{url}.mp3" if url and status == "available" else None,  # the address itself is that of the metadata
            duration_seconds=read_seconds(_value(form, "RecordingDuration"), "RecordingDuration"),
            channels=read_count(_value(form, "RecordingChannels"), "RecordingChannels", CHANNELS_MAX),
            started_at=read_rfc2822(_value(form, "RecordingStartTime"), "RecordingStartTime"),
            format="mp3",
            conference_id=conference_id,
        ),
    )


def _conference(form: Form) -> list[CallReport]:
    kind = _CONFERENCE_EVENTS.get(_value(form, "StatusCallbackEvent") or "")
    if kind is None:  # mute, hold, speech, announcements
        return []
    at = read_rfc2822(_value(form, "Timestamp"), "Timestamp")
    if at is None:
        raise MalformedReport("Timestamp is missing")
    is_participant = kind in ("join", "leave")
    return [
        CallReport(
            provider="TWILIO",
            provider_call_id=require_id(_value(form, "CallSid"), "CallSid") if is_participant else None,
            conference_id=require_id(_value(form, "ConferenceSid"), "ConferenceSid"),
            sequence_number=None,  # SequenceNumber counts the conference's events here, not the call's
            event_at=at,
            conference_event=ConferenceEvent(kind, at),
        )
    ]


def _parties(form: Form) -> tuple[Direction | None, bool, bool]:
    """Return the direction of the call, whether the leg is the rep's, and whether it is the prospect's."""
    leg = (_value(form, "Direction") or "").lower()
    from_rep, to_rep = _is_account(_value(form, "From")), _is_account(_value(form, "To"))
    if leg == "inbound":
        return ("outbound", True, False) if from_rep else ("inbound", False, True)
    if leg == "outbound-dial":
        if to_rep:
            return "inbound" if not from_rep else "outbound", True, False
        return "outbound", False, from_rep
    if leg.startswith("outbound"):
        return "outbound", to_rep, not to_rep
    return None, from_rep or to_rep, False


def _is_account(party: str | None) -> bool:
    return party is not None and party.lower().startswith(("client:", "sip:"))


def _answered_by(value: str | None) -> AnsweredBy | None:
    if not value:
        return None
    known: dict[str, Literal["human", "fax"]] = {"human": "human", "fax": "fax"}
    return "machine" if value.startswith("machine") else known.get(value, "unknown")


def _value(form: Form, name: str) -> str | None:
    values = form.get(name)
    return values[0] if values else None


def _algorithm(settings: str) -> str:
    for part in settings.split(","):
        name, _, value = part.partition("=")
        if name.strip() == "algorithm":
            return value.strip().upper()
    return "HMAC_SHA1"


def _signed_fields(parts: SplitResult, request: IncomingRequest) -> str | None:
    """Return what is signed behind the address; None if the body is not what the address says."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/x-www-form-urlencoded":
        form = read_form(request.body)
        return "".join(name + value for name in sorted(form) for value in sorted(set(form[name])))
    stated = parse_qs(parts.query).get("bodySHA256", [""])[0]
    actual = hashlib.sha256(request.body).hexdigest()
    return "" if hmac.compare_digest(stated.lower().encode("utf-8", "surrogatepass"), actual.encode()) else None


def _addresses(parts: SplitResult) -> list[str]:
    """Return the address as it is and, where its port is the default one or none, in the other of these two forms."""
    default = _DEFAULT_PORTS[parts.scheme]
    if parts.port is None:
        return [parts.geturl(), parts._replace(netloc=f"{parts.netloc.removesuffix(':')}:{default}").geturl()]
    without = parts._replace(netloc=parts.netloc.rpartition(":")[0]).geturl()
    return [parts.geturl(), without]
