"""What the merged reports of a call say in the end: its status, its result, its moments and durations."""

from datetime import datetime, timedelta

import msgspec

from skipcall.calls.model import CONNECTED_SECONDS_MIN, Result, result_of, seconds_between
from skipcall.telephony.merge import CallState, Presence
from skipcall.telephony.model import Status

# 16 CFR 310.4(b)(4)(iii) calls a call abandoned that no rep takes within two seconds of the person's greeting.
ABANDONED_AFTER_SECONDS = 2


class Conclusion(msgspec.Struct, frozen=True, kw_only=True):
    """What a call comes to at present. Durations are whole seconds, never negative; None where they cannot be known.

    `abandoned`: a person answered and no rep was there in time, or at all; `result` is ABANDONED only in the latter case.
    """

    status: Status
    result: Result
    abandoned: bool
    started_at: datetime | None
    ringing_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    duration_seconds: int | None
    ring_seconds: int | None
    talk_seconds: int | None


def conclude(
    state: CallState,
    *,
    connected_seconds_min: int = CONNECTED_SECONDS_MIN,
    abandoned_after_seconds: int = ABANDONED_AFTER_SECONDS,
) -> Conclusion:
    """Return what the state comes to.

    Times that nobody told are taken from those that were: answered is the end less the talk (Twilio's CallDuration runs from
    the answer), the start is the earliest moment known. Talk is the time that both sides were in the conference if the
    call went through one, else what the provider says, else from answer to end.
    """
    status: Status = state.final.value if state.final else state.phase or "queued"
    answered_at = state.answered_at
    if answered_at is None and status == "completed" and state.ended_at and state.talk_seconds:
        answered_at = state.ended_at - timedelta(seconds=state.talk_seconds)
    known = (state.started_at, state.ringing_at, answered_at, state.ended_at, state.first_event_at)
    started_at = state.started_at or min((moment for moment in known if moment is not None), default=None)
    overlap = _overlap_seconds(state)
    talk_seconds = _talk_seconds(state, status, answered_at, overlap)
    nobody_came, late = _abandonment(state, status, answered_at, overlap, abandoned_after_seconds)
    return Conclusion(
        status=status,
        result="ABANDONED"
        if nobody_came
        else result_of(status, _answered_by(state), talk_seconds, connected_seconds_min),
        abandoned=nobody_came or late,
        started_at=started_at,
        ringing_at=state.ringing_at,
        answered_at=answered_at,
        ended_at=state.ended_at,
        duration_seconds=seconds_between(started_at, state.ended_at),
        ring_seconds=seconds_between(state.ringing_at or started_at, answered_at or state.ended_at),
        talk_seconds=talk_seconds,
    )


def _abandonment(
    state: CallState, status: Status, answered_at: datetime | None, overlap: int | None, after_seconds: int
) -> tuple[bool, bool]:
    """Return whether the person who answered met no rep at all, and whether one came late.

    Only a conference tells: without one nobody knows who else was on the line.
    """
    own = _own_presence(state)
    if status != "completed" or own is None or own.joined_at is None or _answered_by(state) in ("machine", "fax"):
        return False, False
    if state.direction is not None and state.direction.value != "outbound":
        return False, False
    rep_came_at = _rep_came_at(state)
    in_time_until = (answered_at or own.joined_at) + timedelta(seconds=after_seconds)
    return overlap == 0, rep_came_at is not None and rep_came_at > in_time_until


def _talk_seconds(state: CallState, status: Status, answered_at: datetime | None, overlap: int | None) -> int | None:
    if state.final is None:
        return None
    if status != "completed":
        return 0
    if overlap is not None:
        return overlap
    return state.talk_seconds if state.talk_seconds is not None else seconds_between(answered_at, state.ended_at)


def _answered_by(state: CallState) -> str | None:
    return state.answered_by.value if state.answered_by else None


def _own_presence(state: CallState) -> Presence | None:
    return state.presence.get(state.provider_call_id or "")


def _rep_came_at(state: CallState) -> datetime | None:
    """Return when the first other leg came to the conference."""
    joins = [
        leg.joined_at
        for leg_id, leg in state.presence.items()
        if leg_id != state.provider_call_id and leg.joined_at is not None
    ]
    return min(joins, default=None)


def _overlap_seconds(state: CallState) -> int | None:
    """Return how long the call's leg and another one were in the conference together; None if it was in none.

    A leg that never left stayed until the conference, or the call, ended.
    """
    own = _own_presence(state)
    end = state.conference_ended_at or state.ended_at
    if own is None or own.joined_at is None or (own.left_at or end) is None:
        return None
    longest = 0
    for leg_id, leg in state.presence.items():
        left_at = [moment for moment in (leg.left_at or end, own.left_at or end) if moment is not None]
        if leg_id != state.provider_call_id and leg.joined_at is not None and left_at:
            longest = max(longest, seconds_between(max(leg.joined_at, own.joined_at), min(left_at)) or 0)
    return longest
