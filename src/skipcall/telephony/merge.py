"""Makes one true call of what was said about it, in whatever order and however often it is said.

Every part of the state is merged by an operation that is commutative, associative and idempotent (the earliest, the latest,
the furthest), so the order of arrival cannot matter. A provider's own order is the sequence number if it has one, else the
time of the event. The rules, from what Twilio, Vonage and Telnyx promise about their callbacks (order is not among it):

- a terminal status is final; of several, the earliest in the provider's order;
- before that, the furthest of queued, ringing, in-progress; a late one never goes back, but fills in its moment;
- who calls whom: what was said first, a number that can be called before a withheld one;
- how it ended and who answered: what was said last, something before "unknown".
"""

from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from skipcall.telephony.model import (
    TERMINAL_STATUSES,
    AnsweredBy,
    CallReport,
    CancelReason,
    Direction,
    HangupSource,
    Number,
    RecordingReport,
    Status,
)

RECORDINGS_MAX = 20
CONFERENCE_LEGS_MAX = 50

T = TypeVar("T")
Ordered = TypeVar("Ordered", int, str, datetime)

_PHASES = ("queued", "ringing", "in-progress")
_RECORDING_RANK = {"processing": 0, "absent": 1, "available": 2}


class Said(msgspec.Struct, Generic[T], frozen=True, array_like=True, gc=False):
    """A value and its place in the provider's order."""

    value: T
    sequence: int | None = None
    at: datetime | None = None


class Presence(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """When a leg was in the conference: from the first time it came to the last time it left."""

    joined_at: datetime | None = None
    left_at: datetime | None = None


class CallState(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What the reports so far come to. It is kept as JSON beside the call, and `merge` takes it up again.

    The call is that of the leg `provider_call_id`. Other legs add to it only what concerns both: see `merge`.
    """

    provider_call_id: str | None = None
    phase: Status | None = None  # the furthest one that is not terminal
    final: Said[Status] | None = None
    direction: Said[Direction] | None = None
    from_number: Said[Number] | None = None
    to_number: Said[Number] | None = None
    provider_group_id: Said[str] | None = None
    conference_id: Said[str] | None = None
    user_leg_id: Said[str] | None = None
    prospect_leg_id: Said[str] | None = None
    answered_by: Said[AnsweredBy] | None = None
    hangup_cause: Said[str] | None = None
    hangup_source: Said[HangupSource] | None = None
    sip_code: Said[int] | None = None
    cancel_reason: Said[CancelReason] | None = None
    first_event_at: datetime | None = None
    started_at: datetime | None = None
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    talk_seconds: int | None = None
    conference_ended_at: datetime | None = None
    presence: dict[str, Presence] = {}  # by leg
    recordings: dict[str, RecordingReport] = {}  # by the provider's id


def merge(state: CallState | None, report: CallReport) -> CallState:
    """Return the state with the report in it; None begins a call, of the report's leg.

    A report of another leg, or of none (a conference, a group), is not about the state of this call: of it only the
    conference, the recording and the ids of legs are taken. That the report belongs to this call is for the caller to
    know: by its leg, its group or its conference.
    """
    if state is None:
        state = CallState(provider_call_id=report.provider_call_id)
    changes: dict[str, object] = {
        name: _first(getattr(state, name), _said(report, name))
        for name in ("provider_group_id", "conference_id", "user_leg_id", "prospect_leg_id")
    }
    if report.provider_call_id is not None and report.provider_call_id == state.provider_call_id:
        changes |= _own(state, report)
    changes |= _conference(state, report)
    if report.recording is not None:
        changes["recordings"] = _with_recording(state.recordings, report.recording)
    return msgspec.structs.replace(state, **changes)


def _own(state: CallState, report: CallReport) -> dict[str, object]:
    changes: dict[str, object] = {
        "direction": _first(state.direction, _said(report, "direction")),
        "from_number": _first(state.from_number, _said(report, "from_number")),
        "to_number": _first(state.to_number, _said(report, "to_number")),
        "first_event_at": _smaller(state.first_event_at, report.event_at),
        "talk_seconds": _larger(state.talk_seconds, report.talk_seconds),
    }
    for name in ("answered_by", "hangup_cause", "hangup_source", "sip_code", "cancel_reason"):
        changes[name] = _last(getattr(state, name), _said(report, name))
    for name in ("started_at", "ringing_at", "answered_at", "ended_at"):
        changes[name] = _smaller(getattr(state, name), getattr(report, name))
    if report.status in TERMINAL_STATUSES:
        changes["final"] = _first(state.final, _said(report, "status"))
    elif report.status is not None:
        changes["phase"] = max(state.phase or report.status, report.status, key=_PHASES.index)
    return changes


def _conference(state: CallState, report: CallReport) -> dict[str, object]:
    event = report.conference_event
    if event is None or event.kind == "start":
        return {}
    if event.kind == "end":
        return {"conference_ended_at": _smaller(state.conference_ended_at, event.at)}
    leg = report.provider_call_id
    if leg is None:
        return {}
    before = state.presence.get(leg, Presence())
    if event.kind == "join":
        after = Presence(_smaller(before.joined_at, event.at), before.left_at)
    else:
        after = Presence(before.joined_at, _larger(before.left_at, event.at))
    presence = {**state.presence, leg: after}
    # The call's own leg always stays; of the others the first by id, so that the order of arrival does not decide.
    kept = sorted(presence, key=lambda one: (one != state.provider_call_id, one))[:CONFERENCE_LEGS_MAX]
    return {"presence": {one: presence[one] for one in kept}}


def _with_recording(recordings: dict[str, RecordingReport], new: RecordingReport) -> dict[str, RecordingReport]:
    old = recordings.get(new.provider_recording_id, new)
    merged = RecordingReport(
        provider_recording_id=new.provider_recording_id,
        status=max(old.status, new.status, key=_RECORDING_RANK.__getitem__),
        started_at=_smaller(old.started_at, new.started_at),
        url=_larger(old.url, new.url),
        duration_seconds=_larger(old.duration_seconds, new.duration_seconds),
        channels=_larger(old.channels, new.channels),
        format=_larger(old.format, new.format),
        conference_id=_larger(old.conference_id, new.conference_id),
    )
    every = {**recordings, merged.provider_recording_id: merged}
    return {one: every[one] for one in sorted(every)[:RECORDINGS_MAX]}


def _said(report: CallReport, name: str) -> Said[Any] | None:
    value = getattr(report, name)
    return None if value is None else Said(value, report.sequence_number, report.event_at)


def _first(one: Said[T] | None, other: Said[T] | None) -> Said[T] | None:
    """Return what was said earlier; what has no place in the order comes behind what has one."""
    if one is None or other is None:
        return one or other
    return min(one, other, key=_first_key)


def _last(one: Said[T] | None, other: Said[T] | None) -> Said[T] | None:
    if one is None or other is None:
        return one or other
    return max(one, other, key=_last_key)


def _first_key(said: Said[Any]) -> tuple[object, ...]:
    value = said.value
    withheld = isinstance(value, Number) and value.e164 is None
    return (
        withheld,
        *(said.sequence is None, said.sequence or 0),
        *(said.at is None, said.at.timestamp() if said.at else 0),
        repr(value),  # any fixed order, for two things said at the same time
    )


def _last_key(said: Said[Any]) -> tuple[object, ...]:
    return (
        said.value != "unknown",
        *(said.sequence is not None, said.sequence or 0),
        *(said.at is not None, said.at.timestamp() if said.at else 0),
        repr(said.value),
    )


def _smaller(one: Ordered | None, other: Ordered | None) -> Ordered | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _larger(one: Ordered | None, other: Ordered | None) -> Ordered | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)
