"""FreeSWITCH: what mod_json_cdr posts when a leg is over.

Its shape is that of `switch_ivr_generate_json_cdr` and `json_cdr.conf.xml`. What they do not say aloud:

- `encode-values` (on by default) URL-encodes every variable, but not the caller profiles; nothing in the document tells.
- `encode` sends `cdr=` and the document, URL-encoded or in base64, whose `+` and `/` are not escaped in the form.
- There is a `callflow` for each step of the call: as one key repeated (JSON readers keep the last one), or as an array.
  The newest comes first; what was dialed at first is in the last.
- `*_stamp` are local times without an offset: only `*_uepoch` and `*_epoch` are read. Zero means that it never happened.
- `direction` is that of the leg, seen from FreeSWITCH. An outside line shows in the SIP profile, context or gateway of the leg (the
  source's `trunk_contexts`; "external" and "public" in FreeSWITCH's own configuration). In from outside: an inbound call. In
  from a phone of the house, or out to a gateway: an outbound one. Out to a phone of the house: the rep's leg of an inbound one.
- A leg that lost a race (`LOSE_RACE`) was cancelled because another line of a parallel dial was answered.
"""

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from skipcall.telephony.contexts import is_outside
from skipcall.telephony.fields import read_epoch, read_id, read_seconds, read_sip_code, read_text, require_id
from skipcall.telephony.model import (
    AnsweredBy,
    CallReport,
    Direction,
    HangupSource,
    IncomingRequest,
    MalformedReport,
    Source,
    Status,
)
from skipcall.telephony.numbers import read_number

_PREFIX = b"cdr="
# What `switch_url_encode` never leaves in a value.
_NEVER_ENCODED = frozenset(' "#&+:;<=>?@[\\]^`{|}')
_VARIABLE_CHARS_MAX = 1_000

_UNANSWERED: dict[str, Status] = {
    "USER_BUSY": "busy",
    "NO_ANSWER": "no-answer",
    "NO_USER_RESPONSE": "no-answer",
    "ALLOTTED_TIMEOUT": "no-answer",
    "PROGRESS_TIMEOUT": "no-answer",
    "NORMAL_CLEARING": "no-answer",
    "ORIGINATOR_CANCEL": "canceled",
    "PICKED_OFF": "canceled",
}
_ANSWERED_BY: dict[str, AnsweredBy] = {"human": "human", "person": "human", "machine": "machine", "fax": "fax"}


def is_signed(source: Source, request: IncomingRequest) -> bool:
    """Return whether the request carries Basic credentials (`cred` of the module) that the source knows."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        given = base64.b64decode(credentials.strip(), validate=True)
    except (binascii.Error, ValueError):
        return False
    found = False
    for secret in source.secrets:
        found |= bool(secret) and hmac.compare_digest(given, secret.encode())
    return found


def parse(source: Source, request: IncomingRequest) -> list[CallReport]:
    """Return the report of the leg. Raises `MalformedReport`."""
    document = _read_document(_unwrap(request.body))
    variables = document.get("variables")
    if not isinstance(variables, dict):
        raise MalformedReport("variables is not a JSON object")
    return [_leg(_decoded(variables), *_flow(document), source)]


def _unwrap(body: bytes) -> bytes:
    """Return the JSON text of a body: as it is, or as the field `cdr` of a form, URL-encoded or in base64."""
    text = body.strip()
    if not text.startswith(_PREFIX):
        return text
    text = text.removeprefix(_PREFIX)
    if text[:1] == b"{":
        return text if b"%22" not in text else unquote(text.decode("latin-1")).encode()
    if text[:3].upper() == b"%7B":
        try:
            return unquote(text.decode("ascii"), errors="strict").encode()
        except ValueError:
            raise MalformedReport("cdr is not URL-encoded UTF-8") from None
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError):
        raise MalformedReport("cdr is neither JSON, URL-encoded nor in base64") from None


class _Repeated(list[Any]):
    """The values of a key that a JSON object has more than once."""


def _read_document(text: bytes) -> dict[str, Any]:
    try:
        # Not msgspec: it keeps the last of a repeated key only.
        document = json.loads(text.decode(), object_pairs_hook=_keep_repeated)
    except (ValueError, RecursionError):
        raise MalformedReport("The document is not JSON in UTF-8") from None
    if not isinstance(document, dict):
        raise MalformedReport("The document is not a JSON object")
    return document


def _keep_repeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name not in found:
            found[name] = value
        elif isinstance(found[name], _Repeated):
            found[name].append(value)
        else:
            found[name] = _Repeated((found[name], value))
    return found


def _decoded(variables: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables as text, URL-decoded if they were encoded: one character that never is shows that they were not."""
    texts = {name: value for name, value in variables.items() if isinstance(value, str)}
    if any(not _NEVER_ENCODED.isdisjoint(value) for value in texts.values()):
        return texts
    return {name: unquote(value[: _VARIABLE_CHARS_MAX * 3]) for name, value in texts.items()}


def _flow(document: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the caller profile of the first step of the call, and its times."""
    flows = document.get("callflow")
    steps = [flow for flow in (flows if isinstance(flows, list) else [flows]) if isinstance(flow, dict)]
    if not steps:
        return {}, {}
    profile, times = steps[-1].get("caller_profile"), steps[-1].get("times")
    return profile if isinstance(profile, dict) else {}, times if isinstance(times, dict) else {}


def _leg(variables: dict[str, str], profile: dict[str, Any], times: dict[str, Any], source: Source) -> CallReport:
    leg_id = require_id(variables.get("uuid"), "variables.uuid")
    group_id = read_id(
        variables.get("call_uuid") or variables.get("originating_leg_uuid") or variables.get("bridge_uuid"), "call_uuid"
    )
    answered_at = _moment(variables, times, "answer", "answered_time")
    ended_at = _moment(variables, times, "end", "hangup_time")
    cause = read_text(variables.get("hangup_cause"), "hangup_cause")
    lost = cause == "LOSE_RACE" or f"{leg_id};LOSE_RACE" in variables.get("originate_causes", "")
    direction, is_user = _parties(variables, profile, source)
    is_child = group_id is not None and group_id != leg_id
    return CallReport(
        provider="FREESWITCH",
        provider_call_id=leg_id,
        provider_group_id=group_id,
        user_leg_id=leg_id if is_user else group_id if is_child and direction == "outbound" else None,
        prospect_leg_id=None if is_user else leg_id,
        direction=direction,
        status=_status(cause, answered_at, lost=lost),
        event_at=ended_at,
        started_at=_moment(variables, times, "start", "created_time"),
        ringing_at=_moment(variables, times, "progress", "progress_time"),
        answered_at=answered_at,
        ended_at=ended_at,
        talk_seconds=read_seconds(variables.get("billsec"), "billsec"),
        answered_by=_answered_by(variables.get("amd_result")),
        hangup_cause=cause,
        hangup_source=_hangup_source(variables),
        sip_code=read_sip_code(variables.get("sip_term_status") or variables.get("sip_invite_failure_status")),
        cancel_reason="PARALLEL_RACE_LOST" if lost else None,
        from_number=read_number(_party(variables, profile, "caller_id_number"), source.default_country),
        to_number=read_number(_party(variables, profile, "destination_number"), source.default_country),
    )


def _moment(variables: Mapping[str, str], times: Mapping[str, Any], name: str, profile_name: str) -> datetime | None:
    """Return a moment from microseconds, else seconds, else the times of the caller profile (microseconds)."""
    for value, field in (
        (variables.get(f"{name}_uepoch"), f"{name}_uepoch"),
        (variables.get(f"{name}_epoch"), f"{name}_epoch"),
        (times.get(profile_name), profile_name),
    ):
        if value is not None:
            return read_epoch(value, field)
    return None


def _status(cause: str | None, answered_at: datetime | None, *, lost: bool) -> Status:
    if lost:
        return "canceled"
    if answered_at is not None:
        return "completed"  # whatever ended it, it was answered
    return _UNANSWERED.get(cause or "", "failed")


def _parties(variables: Mapping[str, str], profile: Mapping[str, Any], source: Source) -> tuple[Direction, bool]:
    """Return the direction of the call and whether the leg is the rep's; see the rule at the top."""
    contexts = (variables.get("sofia_profile_name"), profile.get("context"), variables.get("user_context"))
    outside = "sip_gateway_name" in variables or any(
        is_outside(context, source.trunk_contexts) for context in contexts if isinstance(context, str)
    )
    if variables.get("direction") == "inbound":
        return ("inbound", False) if outside else ("outbound", True)
    # The phone of a rep is dialed as a user of the house; without a hint the leg goes out to somebody.
    return ("inbound", True) if not outside and "dialed_user" in variables else ("outbound", False)


def _party(variables: Mapping[str, str], profile: Mapping[str, Any], name: str) -> str | None:
    value = profile.get(name)
    if not isinstance(value, str) or not value:
        value = variables.get(name) or variables.get(f"effective_{name}")
    return unquote(value) if value is not None and value.startswith("%2B") else value


def _answered_by(value: str | None) -> AnsweredBy | None:
    return None if not value else _ANSWERED_BY.get(value.lower(), "unknown")


def _hangup_source(variables: Mapping[str, str]) -> HangupSource | None:
    """Return who ended the leg: `sip_hangup_disposition` says what FreeSWITCH received or sent on it."""
    what = variables.get("sip_hangup_disposition", "")
    outbound = variables.get("direction") == "outbound"
    if what in ("recv_bye", "recv_refuse"):
        return "callee" if outbound else "caller"
    if what == "recv_cancel":
        return "caller"
    if what in ("send_bye", "send_refuse"):
        return "caller" if outbound else "callee"
    return "system" if what == "send_cancel" else None
