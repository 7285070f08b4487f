"""Asterisk's files of calls: every set of columns, the clock of the server, and lines that are none."""

import io
import json
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skipcall.custom_fields.model import CONTROL_CHARACTERS
from skipcall.telephony.asterisk import LINE_BYTES_MAX, read_calls
from skipcall.telephony.conclusion import conclude
from skipcall.telephony.merge import merge
from skipcall.telephony.model import CallReport, LineFault, Number, Source
from tests.telephony.requests import ASTERISK, NOW, PROSPECT, REP

# 2026-03-03 10:00:00 in UTC, 11:00:00 on a server in Paris.
EPOCH = int(NOW.timestamp())
UNIQUEID = f"{EPOCH}.26"
VALUES = {
    "accountcode": "",
    "src": "201",
    "dst": "0639981234",
    "dcontext": "from-internal",
    "clid": '"Zoé, ""Z""" <201>',
    "channel": "PJSIP/201-0000001a",
    "dstchannel": "PJSIP/trunk-0000001b",
    "lastapp": "Dial",
    "lastdata": "PJSIP/0639981234@trunk,30",
    "start": "2026-03-03 11:00:00",
    "answer": "2026-03-03 11:00:07",
    "end": "2026-03-03 11:01:12",
    "duration": 72,
    "billsec": 65,
    "disposition": "ANSWERED",
    "amaflags": "DOCUMENTATION",
    "uniqueid": UNIQUEID,
    "userfield": "",
    "peeraccount": "",
    "linkedid": f"{EPOCH}.25",
    "sequence": 41,
}
STANDARD = list(VALUES)[:16]
CUSTOM = ["clid", *list(VALUES)[1:4], *list(VALUES)[5:16], "accountcode", "uniqueid", "userfield", "sequence"]


def csv_line(columns: list[str], **changes: object) -> bytes:
    cells = []
    for name in columns:
        value = (VALUES | changes)[name]
        if isinstance(value, int) or (name == "answer" and value == ""):
            cells.append(str(value))
        else:
            cells.append('"' + str(value).replace('"', '""') + '"')
    return (",".join(cells) + "\n").encode()


def read(data: bytes, source: Source = ASTERISK) -> list[CallReport | LineFault]:
    return list(read_calls(io.BytesIO(data), source))


def call(source: Source = ASTERISK, columns: list[str] | None = None, **changes: object) -> CallReport:
    (one,) = read(csv_line(columns or [*STANDARD, "uniqueid", "userfield"], **changes), source)
    assert isinstance(one, CallReport)
    return one


def fault(data: bytes, source: Source = ASTERISK) -> str:
    (one,) = read(data, source)
    assert isinstance(one, LineFault)
    return one.code


def test_columns_of_the_custom_order() -> None:
    assert len(CUSTOM) == 19
    assert CUSTOM[8:11] == ["start", "answer", "end"]


NEWER = ["peeraccount", "linkedid", "sequence"]


@pytest.mark.parametrize(
    ("columns", "group", "key"),
    [
        ([*STANDARD], None, "line:"),
        ([*STANDARD, "uniqueid"], UNIQUEID, f"{UNIQUEID}:"),
        ([*STANDARD, "userfield"], None, "line:"),
        ([*STANDARD, "uniqueid", "userfield"], UNIQUEID, f"{UNIQUEID}:"),
        (CUSTOM, UNIQUEID, f"{UNIQUEID}:41"),
        ([*STANDARD, *NEWER], f"{EPOCH}.25", "line:"),
        ([*STANDARD, "uniqueid", *NEWER], f"{EPOCH}.25", f"{UNIQUEID}:41"),
        ([*STANDARD, "uniqueid", "userfield", *NEWER], f"{EPOCH}.25", f"{UNIQUEID}:41"),
    ],
    ids=lambda value: str(len(value)) if isinstance(value, list) else "",
)
def test_every_set_of_columns(columns: list[str], group: str | None, key: str) -> None:
    one = call(columns=columns)

    assert (one.status, one.direction, one.talk_seconds) == ("completed", "outbound", 65)
    assert one.started_at == NOW
    assert one.answered_at == datetime(2026, 3, 3, 10, 0, 7, tzinfo=UTC)
    assert one.ended_at == datetime(2026, 3, 3, 10, 1, 12, tzinfo=UTC)
    assert (one.from_number, one.to_number) == (Number("201", None), Number("0639981234", PROSPECT))
    assert one.provider_group_id == group
    assert one.provider_call_id is not None
    assert one.provider_call_id.startswith(key)
    assert conclude(merge(None, one)).result == "CONNECTED"


@pytest.mark.parametrize("columns", [[*STANDARD, "uniqueid", "userfield"], CUSTOM])
def test_an_unanswered_call_has_an_empty_answer(columns: list[str]) -> None:
    one = call(columns=columns, answer="", disposition="NO ANSWER", billsec=0)

    assert (one.status, one.answered_at, one.talk_seconds, one.hangup_cause) == ("no-answer", None, 0, "NO ANSWER")


def test_json_lines_with_numbers_for_times_and_words() -> None:
    record = {**VALUES, "start": EPOCH, "answer": EPOCH + 7.25, "end": str(EPOCH + 72), "disposition": 8, "Other": "x"}

    (one,) = read(json.dumps(record).encode() + b"\r\n")

    assert isinstance(one, CallReport)
    assert (one.status, one.started_at, one.talk_seconds) == ("completed", NOW, 65)
    assert one.answered_at == datetime(2026, 3, 3, 10, 0, 7, 250_000, tzinfo=UTC)
    assert one.provider_call_id == f"{UNIQUEID}:41"


@pytest.mark.parametrize(
    "start", [EPOCH, f"{EPOCH}.000000", "2026-03-03T10:00:00+0000", "2026-03-03T11:00:00+01:00", "2026-03-03T11:00:00"]
)
def test_a_start_in_every_form(start: object) -> None:
    assert call(start=start).started_at == NOW


@pytest.mark.parametrize(
    ("disposition", "status"),
    [("NO ANSWER", "no-answer"), ("BUSY", "busy"), ("FAILED", "failed"), ("CONGESTION", "failed")],
)
def test_dispositions(disposition: str, status: str) -> None:
    assert call(disposition=disposition, answer="", billsec=0).status == status


def test_white_space_around_a_number_is_none_of_it() -> None:
    # Python's strip() and float() do not agree on what white space is.
    assert call(duration="72\x1f", billsec=" 65\x1f").talk_seconds == 65


def test_answered_by_nobody_or_a_machine() -> None:
    assert call(billsec=0).status == "no-answer"
    assert call(billsec="0.000000").status == "no-answer"
    assert (call(billsec="0.4").status, call(billsec="65.9").talk_seconds) == ("completed", 65)
    assert call(lastapp="VoiceMail").answered_by == "machine"
    words = {"AMD:MACHINE": "machine", "amdstatus=human": "human", "NOTSURE": "unknown", "x": None, "humane": None}
    assert {word: call(userfield=word).answered_by for word in words} == words


@pytest.mark.parametrize(
    ("changes", "direction"),
    [
        ({"src": "201", "dst": PROSPECT}, "outbound"),
        ({"src": REP, "dst": PROSPECT}, "outbound"),
        ({"src": PROSPECT, "dst": "201"}, "inbound"),
        ({"src": PROSPECT, "dst": "s", "dcontext": "ivr-1"}, "inbound"),
        ({"src": PROSPECT, "dst": "0199001234", "dcontext": "from-trunk-ovh"}, "inbound"),
        ({"src": "anonymous", "dst": "201"}, "inbound"),
        ({"src": "", "clid": "<+266696687>", "dst": "201"}, "inbound"),
        ({"src": "", "clid": '"Alice" <201>', "dst": PROSPECT}, "outbound"),
    ],
)
def test_which_way_a_call_goes(changes: dict[str, object], direction: str) -> None:
    assert call(**changes).direction == direction  # type: ignore[arg-type]


def test_the_rule_is_the_sources() -> None:
    source = msgspec.structs.replace(ASTERISK, trunk_contexts=("lignes-*",), extension_digits_max=6, outside_prefix="0")

    assert call(source, src="200001", dst="00639981234").to_number == Number("0639981234", PROSPECT)
    assert call(source, src="200001", dst=PROSPECT).to_number == Number(PROSPECT, PROSPECT)
    assert call(source, src=PROSPECT, dst="0199001234", dcontext="lignes-sip").direction == "inbound"
    assert fault(csv_line(STANDARD, src="200001", dst="200002"), source) == "INTERNAL_CALL"


def test_an_hour_that_comes_twice() -> None:
    # On 25 October 2026 the clocks of Paris go from 3:00 back to 2:00, at 1:00 UTC.
    first, second = (datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1))
    times = {"start": "2026-10-25 02:30:00", "answer": "2026-10-25 02:30:07", "end": "2026-10-25 02:31:12"}
    for moment in (first, second):
        one = call(**times, uniqueid=f"{int(moment.timestamp())}.1")  # type: ignore[arg-type]
        assert one.started_at == moment
        assert one.ended_at is not None
        assert one.answered_at is not None
        assert ((one.ended_at - moment).seconds, (one.answered_at - moment).seconds) == (72, 7)
    assert call(columns=STANDARD, **times).started_at == first  # type: ignore[arg-type]
    across = call(
        columns=STANDARD, start="2026-10-25 02:59:30", answer="2026-10-25 02:59:40", end="2026-10-25 02:00:42"
    )
    assert across.started_at is not None
    assert across.answered_at is not None
    assert across.ended_at is not None
    assert (across.ended_at - across.started_at).seconds == 72
    assert (across.answered_at - across.started_at).seconds == 10


def test_an_hour_that_never_was() -> None:
    # On 29 March 2026 they go from 2:00 to 3:00, at 1:00 UTC.
    assert call(columns=STANDARD, start="2026-03-29 02:30:00").started_at == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert call(columns=STANDARD, start="2026-03-29 03:30:00").started_at == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert call(columns=STANDARD, start="2026-03-29 01:59:59").started_at == datetime(
        2026, 3, 29, 0, 59, 59, tzinfo=UTC
    )


@given(
    st.integers(946_684_800, 2_114_380_800),
    st.sampled_from(["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kolkata"]),
)
@settings(max_examples=300)
def test_what_a_server_wrote_is_read_back(seconds: int, zone: str) -> None:
    moment = datetime.fromtimestamp(seconds, UTC)
    text = moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")
    source = msgspec.structs.replace(ASTERISK, timezone=zone)

    assert call(source, start=text, uniqueid=f"{seconds}.7").started_at == moment


def test_rows_of_one_channel_have_keys_of_their_own() -> None:
    forked = {call(dstchannel=f"PJSIP/trunk-{index}").provider_call_id for index in range(5)}

    assert len(forked) == 5
    assert forked == {call(dstchannel=f"PJSIP/trunk-{index}").provider_call_id for index in range(5)}
    assert call(columns=STANDARD).provider_call_id == call(columns=STANDARD).provider_call_id
    assert call(columns=STANDARD).provider_call_id != call(columns=STANDARD, duration=73).provider_call_id


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b'"a,b', "NOT_CSV"),
        (b'"a"b,c', "NOT_CSV"),
        (b"a,b,c", "COLUMN_COUNT"),
        (b"," * 21, "COLUMN_COUNT"),
        (b"{", "NOT_JSON"),
        (b'{"a":' * 2_000, "NOT_JSON"),
        (b'{"start":[]}', "BAD_VALUE"),
        (b'{"src":"a\\u0000"}', "FORBIDDEN_CHARACTER"),
        (b"a\x00b", "FORBIDDEN_CHARACTER"),
        (b"," * 15, "UNKNOWN_DISPOSITION"),
        (csv_line(STANDARD, disposition="DANCING"), "UNKNOWN_DISPOSITION"),
        (csv_line(STANDARD, start=""), "NO_START"),
        (csv_line(STANDARD, start="2026-13-03 11:00:00"), "BAD_TIME"),
        (csv_line(STANDARD, start="0001-01-01 00:00:00"), "BAD_VALUE"),
        (csv_line(STANDARD, end="9999-12-31 23:59:59"), "BAD_VALUE"),
        (csv_line(STANDARD, end="later"), "BAD_TIME"),
        (csv_line(STANDARD, answer="5"), "BAD_TIME"),
        (csv_line(STANDARD, billsec="x"), "BAD_VALUE"),
        (csv_line(STANDARD, duration="-5"), "BAD_VALUE"),
        (csv_line(STANDARD, duration=99_999_999), "BAD_VALUE"),
        (csv_line(CUSTOM, uniqueid="a\x01b"), "BAD_VALUE"),
        (csv_line(CUSTOM, uniqueid="a" * 300), "BAD_VALUE"),
        (b"x" * (LINE_BYTES_MAX * 3), "LINE_TOO_LONG"),
    ],
)
def test_a_bad_line_is_reported_and_the_rest_goes_on(line: bytes, code: str) -> None:
    good = csv_line(STANDARD)

    results = read(b"\xef\xbb\xbf" + good + b"\n  \r\n" + line.rstrip(b"\n") + b"\n" + good.rstrip(b"\n"))

    assert [type(result) for result in results] == [CallReport, LineFault, CallReport]
    assert isinstance(results[1], LineFault)
    assert (results[1].line, results[1].code) == (4, code)
    assert results[0] == results[2]


def test_an_old_encoding_harms_nothing() -> None:
    (one,) = read(csv_line(STANDARD).decode().encode("cp1252"))

    assert isinstance(one, CallReport)


@given(
    st.binary(max_size=300)
    | st.lists(st.text(max_size=25), max_size=21).map(lambda cells: ",".join(cells).encode("utf-8", "replace"))
)
@settings(max_examples=500)
def test_nothing_is_ever_raised(data: bytes) -> None:
    for result in read(data):
        assert isinstance(result, CallReport | LineFault)


@given(st.data())
@settings(max_examples=500)
def test_nothing_is_ever_raised_by_a_line_that_is_nearly_right(data: st.DataObject) -> None:
    changed = data.draw(st.dictionaries(st.sampled_from(list(VALUES)), st.text(max_size=25), max_size=4))
    columns = data.draw(st.sampled_from([STANDARD, CUSTOM, [*STANDARD, "uniqueid", "userfield", *NEWER]]))
    for result in read(csv_line(columns, **changed).decode().encode("utf-8", "replace")):
        if isinstance(result, CallReport):
            assert result.provider_call_id is not None
            assert not CONTROL_CHARACTERS.search(result.provider_call_id + (result.provider_group_id or ""))


class Endless(io.BytesIO):
    """A file of many lines that is nowhere as a whole."""

    def __init__(self, lines: int) -> None:
        super().__init__()
        self._lines: Iterator[bytes] = (csv_line(CUSTOM, sequence=index) for index in range(lines))

    def readline(self, size: int | None = -1, /) -> bytes:
        return next(self._lines, b"")


def test_a_long_file_is_read_in_constant_memory() -> None:
    def peak(lines: int) -> int:
        tracemalloc.reset_peak()
        count = sum(1 for _ in read_calls(Endless(lines), ASTERISK))
        assert count == lines
        return tracemalloc.get_traced_memory()[1]

    tracemalloc.start()
    try:
        short = peak(500)
        assert peak(5_000) < short + 100_000
    finally:
        tracemalloc.stop()
