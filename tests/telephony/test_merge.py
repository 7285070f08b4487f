"""One true call, in whatever order and however often its reports come."""

from datetime import datetime
from typing import Any, get_args

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from skipcall.telephony.conclusion import conclude
from skipcall.telephony.merge import CallState, merge
from skipcall.telephony.model import (
    AnsweredBy,
    CallReport,
    ConferenceEvent,
    ConferenceEventKind,
    Direction,
    HangupSource,
    Number,
    RecordingReport,
    RecordingStatus,
    Status,
)
from tests.telephony.requests import PROSPECT, REP, at

MOMENTS = st.integers(0, 5).map(at)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def words(literal: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(get_args(literal))


RECORDINGS = st.builds(
    RecordingReport,
    provider_recording_id=st.sampled_from("RS"),
    status=words(RecordingStatus),
    url=maybe(st.sampled_from(["https://a.example/1", "https://a.example/2"])),
    duration_seconds=maybe(st.integers(0, 3)),
    channels=maybe(st.integers(1, 2)),
    started_at=maybe(MOMENTS),
    format=maybe(st.sampled_from(["mp3", "wav"])),
    conference_id=maybe(st.sampled_from("FG")),
)
# Reports that contradict each other in every way: more than any provider will do.
REPORTS = st.builds(
    CallReport,
    provider=st.just("TWILIO"),
    provider_call_id=st.sampled_from(["A", "A", "A", "B", None]),
    provider_group_id=maybe(st.sampled_from("GH")),
    conference_id=maybe(st.sampled_from("FG")),
    user_leg_id=maybe(st.sampled_from("UV")),
    prospect_leg_id=maybe(st.sampled_from("PQ")),
    direction=maybe(words(Direction)),
    status=maybe(words(Status)),
    sequence_number=maybe(st.integers(0, 3)),
    event_at=maybe(MOMENTS),
    started_at=maybe(MOMENTS),
    ringing_at=maybe(MOMENTS),
    answered_at=maybe(MOMENTS),
    ended_at=maybe(MOMENTS),
    talk_seconds=maybe(st.integers(0, 3)),
    answered_by=maybe(words(AnsweredBy)),
    hangup_cause=maybe(st.sampled_from("XY")),
    hangup_source=maybe(words(HangupSource)),
    sip_code=maybe(st.sampled_from([200, 486])),
    cancel_reason=maybe(st.just("PARALLEL_RACE_LOST")),
    from_number=maybe(st.sampled_from([Number(REP, REP), Number("Anonymous"), Number()])),
    to_number=maybe(st.sampled_from([Number(PROSPECT, PROSPECT), Number("0639981234", PROSPECT)])),
    recording=maybe(RECORDINGS),
    conference_event=maybe(st.builds(ConferenceEvent, words(ConferenceEventKind), MOMENTS)),
)


def merged(reports: list[CallReport]) -> CallState:
    state = CallState(provider_call_id="A")
    for report in reports:
        # As it is kept: through JSON, at every step.
        state = msgspec.json.decode(msgspec.json.encode(merge(state, report)), type=CallState)
    return state


@given(st.data(), st.lists(REPORTS, min_size=1, max_size=6))
@settings(max_examples=400)
def test_order_and_repetition_do_not_matter(data: st.DataObject, reports: list[CallReport]) -> None:
    repeated = reports + data.draw(st.lists(st.sampled_from(reports), max_size=4))
    shuffled = data.draw(st.permutations(repeated))

    state = merged(reports)

    assert merged(shuffled) == state
    assert conclude(merged(shuffled)) == conclude(state)


@given(st.lists(REPORTS, max_size=6), REPORTS)
def test_a_terminal_status_is_final_and_nothing_goes_back(reports: list[CallReport], late: CallReport) -> None:
    before = merged(reports)
    after = merge(before, late)

    order = ("queued", "ringing", "in-progress")
    if before.final is not None:
        assert after.final is not None
    elif after.final is None and before.phase is not None:
        assert after.phase is not None
        assert order.index(after.phase) >= order.index(before.phase)


@given(st.lists(REPORTS, max_size=8))
def test_a_conclusion_is_always_in_itself_true(reports: list[CallReport]) -> None:
    end = conclude(merged(reports))

    assert (end.result == "IN_PROGRESS") == (end.status in ("queued", "ringing", "in-progress"))
    for seconds in (end.duration_seconds, end.ring_seconds, end.talk_seconds):
        assert seconds is None or seconds >= 0
    if end.result == "ABANDONED":
        assert end.abandoned


def call(*reports: dict[str, Any]) -> CallState:
    state = CallState(provider_call_id="A")
    for fields in reports:
        state = merge(state, CallReport(**({"provider": "TELNYX", "provider_call_id": "A"} | fields)))
    return state


def test_the_earlier_of_two_terminal_statuses_stays() -> None:
    busy = {"status": "busy", "event_at": at(1)}
    completed = {"status": "completed", "event_at": at(2)}

    assert conclude(call(busy, completed)).status == conclude(call(completed, busy)).status == "busy"


def test_the_sequence_number_goes_before_the_time() -> None:
    first = {"status": "busy", "event_at": at(9), "sequence_number": 1}
    second = {"status": "completed", "event_at": at(2), "sequence_number": 2}

    assert conclude(call(second, first)).status == "busy"


def test_a_late_event_fills_in_its_moment_and_changes_nothing_else() -> None:
    completed = {"status": "completed", "event_at": at(60), "ended_at": at(60)}
    ringing = {"status": "ringing", "event_at": at(1), "ringing_at": at(1)}
    answered = {"status": "in-progress", "event_at": at(8), "answered_at": at(8)}

    end = conclude(call(completed, answered, ringing))

    assert (end.status, end.result) == ("completed", "CONNECTED")
    assert (end.ringing_at, end.answered_at, end.talk_seconds, end.ring_seconds) == (at(1), at(8), 52, 7)


def test_the_results() -> None:
    def result(**fields: Any) -> str:
        return conclude(call(fields)).result

    answered: dict[str, Any] = {"status": "completed", "answered_at": at(0), "ended_at": at(30)}
    assert result(**answered) == "CONNECTED"
    assert result(**answered, answered_by="human") == result(**answered, answered_by="unknown") == "CONNECTED"
    assert result(**answered, answered_by="machine") == "VOICEMAIL"
    assert result(**answered, answered_by="fax") == "FAILED"
    assert result(**answered, talk_seconds=0) == "NO_ANSWER"
    assert [result(status=status) for status in ("no-answer", "busy", "failed", "canceled")] == [
        *("NO_ANSWER", "BUSY", "FAILED", "CANCELED")
    ]
    assert [result(status=status) for status in ("queued", "ringing", "in-progress")] == ["IN_PROGRESS"] * 3
    assert conclude(call(answered), connected_seconds_min=31).result == "NO_ANSWER"


def test_without_an_end_nobody_is_said_to_be_abandoned() -> None:
    joined = {"conference_event": ConferenceEvent("join", at(1))}

    assert conclude(call(joined, {"status": "completed"})).result == "CONNECTED"
    assert conclude(call(joined, {"status": "completed", "ended_at": at(9)})).result == "ABANDONED"


def test_another_leg_adds_only_what_concerns_both() -> None:
    own = {"status": "ringing", "from_number": Number(REP, REP)}
    other = {"provider_call_id": "B", "status": "failed", "from_number": Number("x"), "user_leg_id": "B"}

    state = call(own, other)

    assert (conclude(state).status, state.from_number) == ("ringing", merge(None, _own(own)).from_number)
    assert state.user_leg_id is not None
    assert state.user_leg_id.value == "B"


def _own(fields: dict[str, Any]) -> CallReport:
    return CallReport(provider="TELNYX", provider_call_id="A", **fields)


def test_a_recording_that_is_there_stays_there() -> None:
    def recording(status: RecordingStatus, url: str | None, started_at: datetime | None) -> dict[str, Any]:
        return {"recording": RecordingReport(provider_recording_id="R", status=status, url=url, started_at=started_at)}

    state = call(recording("available", "https://a.example/1", None), recording("processing", None, at(3)))

    kept = state.recordings["R"]
    assert (kept.status, kept.url, kept.started_at) == ("available", "https://a.example/1", at(3))
