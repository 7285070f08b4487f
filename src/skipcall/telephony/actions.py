"""Takes in reports: one true call of them, in the database, whoever else is writing it at the same time.

The calls that reports are about are read in one statement, the reports merged into them, and the calls written in one more, as
the next version of what was read; what somebody else has written meanwhile is read again. So a callback costs two
statements and holds no lock while we think.

A report about several calls, or about a leg that has no call yet, is kept first and applied then; a call that gets a key
is written first and takes in what is kept then. Of two at the same time, the later one sees the other.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from skipcall import clock
from skipcall.calls.model import result_of, seconds_between
from skipcall.calls.reports import Key, ReportedCall, find_calls, insert_calls, new_call_id, update_calls
from skipcall.errors import Unavailable
from skipcall.postgres.db import Session
from skipcall.recordings.queries import announce_recording
from skipcall.telephony import queries, routing
from skipcall.telephony.conclusion import conclude
from skipcall.telephony.identities import identity_of
from skipcall.telephony.merge import CallState, merge
from skipcall.telephony.model import CallReport, Number
from skipcall.telephony.sources import StoredSource

ATTEMPTS_MAX = 50
RETRY_AFTER_SECONDS = 1

_encode = msgspec.json.Encoder().encode
_decode_state = msgspec.json.Decoder(CallState).decode
_decode_report = msgspec.json.Decoder(CallReport).decode
_NOBODY = Number()


class Counts(msgspec.Struct):
    """What came of reports: calls that were created, and existing ones that were written."""

    created: int = 0
    updated: int = 0


class _Work(msgspec.Struct, eq=False):
    """A call at hand: as it was read, and what the reports make of it."""

    id: UUID
    before: CallState | None
    state: CallState
    report_count: int
    started_at: datetime | None = None
    claimed_leg: str | None = None  # of a new one
    keys: list[Key] = []
    identity: str | None = None
    is_erased: bool = False
    recording_ids: set[str] = set()
    report_numbers: list[int] = []  # of the reports that must be tried again if it cannot be written

    @property
    def is_changed(self) -> bool:
        return self.state != self.before or self.identity is not None


async def record_reports(
    db: Session, source: StoredSource, reports: Sequence[CallReport], *, request_id: str | None = None
) -> Counts:
    """Store what reports of a source say, thousands as well as one; to do it again changes nothing.

    Raises `Unavailable` if others write the same calls faster than we can; what was stored until then stays.
    """
    if source.provider in routing.TELLING_AT_ONCE:
        return await _add_calls(db, source, reports, request_id)
    counts = Counts()
    kept = [(key, report) for report in reports for key in routing.kept_under(report)]
    if kept:
        encoded = [(key, _encode(report).decode()) for key, report in kept]
        await queries.keep_reports(db, source.workspace_id, source.id, encoded)
    gained = await _take_in(db, source, reports, None, counts, request_id)
    await _take_in_kept(db, source, gained, counts, request_id)
    return counts


async def _add_calls(
    db: Session, source: StoredSource, reports: Sequence[CallReport], request_id: str | None
) -> Counts:
    """Store calls of which each report says everything; those that are stored already are left alone."""
    now = clock.now()
    calls = {report.provider_call_id: _whole_call(report, now) for report in reversed(reports)}
    written = await insert_calls(
        db,
        source.workspace_id,
        source.id,
        source.provider,
        list(calls.values()),
        claimed_legs=[leg or "" for leg in calls],
        moments={call.started_at for call in calls.values()},
        keys={},
        request_id=request_id,
    )
    return Counts(created=len(written))


def _whole_call(report: CallReport, now: datetime) -> ReportedCall:
    """Return what `conclude` would make of the only report of a call, several times faster."""
    started_at = min(report.started_at or now, now)  # a clock may be ahead
    is_inbound = report.direction == "inbound"
    from_number, to_number = report.from_number or _NOBODY, report.to_number or _NOBODY
    theirs, ours = (from_number, to_number) if is_inbound else (to_number, from_number)
    status, answered_at, ended_at = report.status or "completed", report.answered_at, report.ended_at
    return ReportedCall(
        id=new_call_id(started_at),
        provider_call_id=report.provider_call_id,
        user_provider_id=None,
        admin_provider_id=report.provider_call_id,
        provider_conference_id=None,
        type="inbound" if is_inbound else "outbound",
        status=status,
        result=result_of(status, report.answered_by, report.talk_seconds),
        started_at=_milliseconds(started_at),
        ringing_at=None,
        answered_at=answered_at and _milliseconds(answered_at),
        ended_at=ended_at and _milliseconds(ended_at),
        ring_seconds=seconds_between(started_at, answered_at or ended_at),
        talk_seconds=report.talk_seconds,
        duration_seconds=seconds_between(started_at, ended_at),
        answered_by=report.answered_by,
        hangup_cause=report.hangup_cause,
        hangup_source=None,
        sip_code=None,
        cancel_reason=None,
        abandoned=False,
        phone_number=theirs.e164,
        raw_phone_number=theirs.raw,
        caller_phone_number=ours.e164,
        raw_caller_phone_number=ours.raw,
        state=None,
        report_count=0,
        identity=identity_of(ours.raw),
    )


async def _take_in_kept(
    db: Session, source: StoredSource, gained: Sequence[_Work], counts: Counts, request_id: str | None
) -> None:
    """Give each call with a new key the reports that are kept under it. They may bring a further key, a conference."""
    while gained:
        awaited = {one.id: _awaited(one.state) for one in gained}
        keys = list(dict.fromkeys(key for several in awaited.values() for key in several))
        found: dict[Key, list[CallReport]] = {}
        for key, text in await queries.list_kept_reports(db, source.workspace_id, source.id, keys):
            found.setdefault(key, []).append(_decode_report(text))
        waiting, gained = gained, []
        for one in waiting:
            reports = [report for key in awaited[one.id] for report in found.get(key, ())]
            reports = routing.present_since(reports, one.state)
            if reports:
                gained = [*gained, *await _take_in(db, source, reports, one.state, counts, request_id)]


def _awaited(state: CallState) -> list[Key]:
    group, conference = state.provider_group_id, state.conference_id
    leg = state.provider_call_id or ""
    return routing.awaited_keys(leg, group.value if group else None, conference.value if conference else None)


async def _take_in(
    db: Session,
    source: StoredSource,
    reports: Sequence[CallReport],
    only: CallState | None,
    counts: Counts,
    request_id: str | None,
) -> list[_Work]:
    """Write the calls that the reports are about, or `only` one of them; return those that got a new key."""
    gained: dict[UUID, _Work] = {}
    todo = list(reports)
    for _ in range(ATTEMPTS_MAX):
        desk = _Desk(source)
        await desk.read(db, todo, only)
        for number, report in enumerate(todo):
            desk.sort(number, report, only)
        lost = await _write(db, source, desk, counts, request_id)
        lost_ids = {one.id for one in lost}
        done = [one for one in desk.works if one.id not in lost_ids]
        gained.update((one.id, one) for one in done if one.keys or one.claimed_leg)
        await _announce(db, source, done)
        if not lost:
            return list(gained.values())
        again = {number for one in lost for number in one.report_numbers}
        todo = [todo[number] for number in sorted(again)]
    raise Unavailable("Too many reports about one call at once; try again", RETRY_AFTER_SECONDS)


class _Desk:
    """The calls that some reports are about, by their keys."""

    def __init__(self, source: StoredSource) -> None:
        self._source = source
        self._by_key: dict[Key, list[_Work]] = {}
        self._by_id: dict[UUID, _Work] = {}
        self._now = clock.now()

    @property
    def works(self) -> Iterable[_Work]:
        return self._by_id.values()

    async def read(self, db: Session, reports: Sequence[CallReport], only: CallState | None) -> None:
        """Read the calls that the reports may be about."""
        if only is not None:
            keys: dict[Key, None] = {("LEG", only.provider_call_id or ""): None}
        else:
            keys = {key: None for report in reports for key in self._keys(report)}
        for found in await find_calls(db, self._source.workspace_id, self._source.id, list(keys)):
            work = self._by_id.get(found.call_id)
            if work is None:
                state = CallState() if found.state is None else _decode_state(found.state)
                work = _Work(found.call_id, state, state, found.report_count, found.started_at)
                work.is_erased = found.is_erased
                self._by_id[work.id] = work
            self._by_key.setdefault(found.key, []).append(work)

    def _keys(self, report: CallReport) -> list[Key]:
        keys = routing.other_keys(report)
        if report.provider_call_id is not None:
            keys.append(("LEG", report.provider_call_id))
        if self._source.provider == "FREESWITCH" and report.user_leg_id is not None:
            keys.append(("LEG", report.user_leg_id))
        return keys

    def sort(self, number: int, report: CallReport, only: CallState | None) -> None:
        """Merge a report into the calls that it is about; the first of a call begins it."""
        works = list(self._by_id.values()) if only is not None else self._calls_of(report)
        for work in works:
            if work.is_erased:  # it began a call that nobody may know of any more
                continue
            work.report_numbers = [*work.report_numbers, number]
            if report.provider_call_id != work.state.provider_call_id and not routing.concerns(report, work.state):
                continue
            work.state = merge(work.state, report)
            if routing.tells_user(report):
                work.identity = identity_of(routing.user_party(report))
            if report.recording is not None:
                work.recording_ids = work.recording_ids | {report.recording.provider_recording_id}
            self._note_keys(work)

    def _calls_of(self, report: CallReport) -> list[_Work]:
        leg = report.provider_call_id
        own = self._by_key.get(("LEG", leg), []) if leg is not None else []
        if not own and leg is not None and routing.begins_call(report):
            own = [self._begin(report, leg)]
        others = [work for key in routing.other_keys(report) for work in self._by_key.get(key, ())]
        if own and report.conference_event is None and not (report.recording and report.recording.conference_id):
            others = []
        return list({work.id: work for work in (*own, *others)}.values())

    def _begin(self, report: CallReport, leg: str) -> _Work:
        claimed = leg
        user_leg = report.user_leg_id
        if self._source.provider == "FREESWITCH" and user_leg not in (None, leg):
            # The leg of the user may have been reported alone, and then stands for the call; else this one keeps it
            # from doing so. See `routing.begins_call`.
            of_user = self._by_key.get(("LEG", user_leg or ""), [])
            if of_user and of_user[0].state.provider_call_id == user_leg:
                work = of_user[0]
                work.state = CallState(provider_call_id=leg)
                self._add_key(work, ("LEG", leg))
                return work
            if not of_user:
                claimed = user_leg or leg
        moment = self._not_later(report.started_at or report.event_at or self._now)
        work = _Work(new_call_id(moment), None, CallState(provider_call_id=leg), 0, moment, claimed)
        self._by_id[work.id] = work
        self._by_key.setdefault(("LEG", claimed), []).append(work)
        if claimed != leg:
            self._add_key(work, ("LEG", leg))
        return work

    def _not_later(self, moment: datetime) -> datetime:
        return min(moment, self._now)  # a clock that is ahead

    def _note_keys(self, work: _Work) -> None:
        state, before = work.state, work.before or CallState()
        if state.conference_id and not before.conference_id:
            self._add_key(work, ("CONFERENCE", state.conference_id.value))
        if state.provider_group_id and not before.provider_group_id and self._source.provider in routing.GROUPING:
            self._add_key(work, ("GROUP", state.provider_group_id.value))

    def _add_key(self, work: _Work, key: Key) -> None:
        if key not in work.keys:
            work.keys = [*work.keys, key]
            self._by_key.setdefault(key, []).append(work)

    def row(self, work: _Work) -> ReportedCall:
        """Return what is written of a call."""
        state = work.state
        told = conclude(state)
        known = (
            told.started_at,
            told.ringing_at,
            told.answered_at,
            told.ended_at,
            state.first_event_at,
            work.started_at,
        )
        started_at = self._not_later(min(moment for moment in (*known, self._now) if moment is not None))
        is_inbound = state.direction is not None and state.direction.value == "inbound"
        from_number = state.from_number.value if state.from_number else _NOBODY
        to_number = state.to_number.value if state.to_number else _NOBODY
        theirs, ours = (from_number, to_number) if is_inbound else (to_number, from_number)
        user_leg = _user_leg(state)
        prospect_leg = state.prospect_leg_id.value if state.prospect_leg_id else state.provider_call_id
        return ReportedCall(
            id=work.id,
            provider_call_id=state.provider_call_id,
            user_provider_id=user_leg,
            admin_provider_id=None if prospect_leg == user_leg else prospect_leg,
            provider_conference_id=state.conference_id.value if state.conference_id else None,
            type="inbound" if is_inbound else "outbound",
            status=told.status,
            result=told.result,
            started_at=_milliseconds(started_at),
            ringing_at=told.ringing_at and _milliseconds(told.ringing_at),
            answered_at=told.answered_at and _milliseconds(told.answered_at),
            ended_at=told.ended_at and _milliseconds(told.ended_at),
            ring_seconds=seconds_between(told.ringing_at or started_at, told.answered_at or told.ended_at),
            talk_seconds=told.talk_seconds,
            duration_seconds=seconds_between(started_at, told.ended_at),
            answered_by=state.answered_by.value if state.answered_by else None,
            hangup_cause=state.hangup_cause.value if state.hangup_cause else None,
            hangup_source=state.hangup_source.value if state.hangup_source else None,
            sip_code=state.sip_code.value if state.sip_code else None,
            cancel_reason=state.cancel_reason.value if state.cancel_reason else None,
            abandoned=told.abandoned,
            phone_number=theirs.e164,
            raw_phone_number=theirs.raw,
            caller_phone_number=ours.e164,
            raw_caller_phone_number=ours.raw,
            state=_encode(state).decode(),
            report_count=work.report_count,
            identity=work.identity or identity_of(ours.raw),
        )


async def _write(db: Session, source: StoredSource, desk: _Desk, counts: Counts, request_id: str | None) -> list[_Work]:
    """Write what has changed; return the calls that somebody else has written since they were read."""
    new = [one for one in desk.works if one.claimed_leg is not None]
    # In the order of their ids, as every writer of many, so that none waits for another in a circle.
    old = sorted((one for one in desk.works if one.claimed_leg is None and one.is_changed), key=lambda one: one.id)
    written: set[UUID] = set()
    if new:
        written = await insert_calls(
            db,
            source.workspace_id,
            source.id,
            source.provider,
            [desk.row(one) for one in new],
            claimed_legs=[one.claimed_leg or "" for one in new],
            moments={one.started_at for one in new if one.started_at is not None},
            keys={one.id: one.keys for one in new if one.keys},
            request_id=request_id,
        )
        counts.created += len(written)
    if old:
        updated = await update_calls(
            db,
            source.workspace_id,
            source.id,
            [desk.row(one) for one in old],
            keys={one.id: one.keys for one in old if one.keys},
            request_id=request_id,
        )
        counts.updated += len(updated)
        written |= updated
    return [one for one in (*new, *old) if one.id not in written]


async def _announce(db: Session, source: StoredSource, works: Iterable[_Work]) -> None:
    """Tell of the recordings that the reports name; also if nothing is new, since a server may have ended just here."""
    for work in works:
        for id in sorted(work.recording_ids):
            recording = work.state.recordings.get(id)
            if recording is not None:
                await announce_recording(
                    db,
                    source.workspace_id,
                    work.id,
                    source_id=source.id,
                    provider_recording_id=id,
                    status=recording.status,
                    reason=None,
                    url=recording.url,
                    duration_seconds=recording.duration_seconds,
                    channels=recording.channels,
                    format=recording.format,
                    started_at=recording.started_at,
                )


def _user_leg(state: CallState) -> str | None:
    """Return the user's leg: as told, or the only other one in the conference."""
    if state.user_leg_id is not None:
        return state.user_leg_id.value
    others = [leg for leg in state.presence if leg != state.provider_call_id]
    return others[0] if len(others) == 1 else None


def _milliseconds(moment: datetime) -> datetime:
    """Return a moment as the database keeps it, so that what is equal there is equal here."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
