"""Asterisk: files of call detail records, line by line in constant memory.

Written by `cdr_csv` (16 columns, then `uniqueid` and `userfield` if logged, then peeraccount, linkedid and sequence with
`newcdrcolumns`), by `cdr_custom` in the order of its sample (19 columns), or by `cdr_custom` as JSON lines; the columns are those of
`cdr/cdr_csv.c` and `cdr_custom.conf.sample`. Which it is shows in each line. A line that cannot be read is a fault, and the next one is
read: Asterisk writes no line breaks into a record.

**Key.** `uniqueid` names a channel, and a channel may have several records: the key is uniqueid and sequence. Where
the sequence is not logged, a digest of destination channel, destination and start takes its place; without a uniqueid, a
digest of the line. So the same file read twice makes the same calls. The group is `linkedid`, else `uniqueid`.

**Times** are local to the server and without an offset, unless they are Unix times or have one. An hour that the clock
passed twice is told apart by `uniqueid`, which begins with the Unix time of the channel, and by the duration; without
either it is the first one (summer time). A time that the clock skipped, which a server with the right zone never writes, is
read with the offset of before (PEP 495).

**Direction.** A record does not say it. A destination context among the source's `trunk_contexts` makes an inbound call. Else a source
with at most `extension_digits_max` digits, or a name, is a phone of the house, as is such a destination: from the house
outbound, to the house inbound, neither (the rep shows a public number) outbound. Between two phones of the house there
is no call for us: INTERNAL_CALL. `outside_prefix` is taken off a dialed number.

ANSWERED only means that the channel was: with no billed second nobody was there, and VoiceMail() is no person.
"""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2s
from operator import itemgetter
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import msgspec

from skipcall.telephony.contexts import is_outside
from skipcall.telephony.fields import read_epoch, read_id, read_iso, read_seconds, to_utc
from skipcall.telephony.model import AnsweredBy, CallReport, Direction, LineFault, MalformedReport, Source, Status
from skipcall.telephony.numbers import is_extension, read_number

LINE_BYTES_MAX = 16_384  # cdr_csv writes at most 1,024
KNOWN_DAYS_MAX = 4_096
SHORT_NUMBER_DIGITS = 6
SHORT_ID_CHARS = 63

_NAMES = (
    "src dst dcontext clid channel dstchannel lastapp start answer end duration billsec disposition uniqueid userfield linkedid sequence"
).split()
_Near = Callable[[], datetime | None]  # where a moment must be, asked only when a text can mean two
_Row = tuple[str, ...]  # in the order of _NAMES
_CSV = itemgetter(1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14)
_CUSTOM = itemgetter(1, 2, 3, 0, 4, 5, 6, 8, 9, 10, 11, 12, 13)
_CSV_COLUMNS = 16
_CSV_COLUMNS_NEW = 19  # and peeraccount, linkedid, sequence
_CSV_COLUMNS_MAX = 21
_CUSTOM_COLUMNS = 19
_CUSTOM_START, _CUSTOM_DISPOSITION = 8, 13

_STATUSES: dict[str, Status] = {
    "ANSWERED": "completed",
    "NO ANSWER": "no-answer",
    "BUSY": "busy",
    "FAILED": "failed",
    "CONGESTION": "failed",
}
# As numbers, for `disposition(int64)`: enum in include/asterisk/cdr.h.
_DISPOSITIONS = {"0": "NO ANSWER", "1": "NO ANSWER", "2": "FAILED", "4": "BUSY", "8": "ANSWERED", "16": "CONGESTION"}
_UNIQUEID = re.compile(r"(?:[\w.-]{1,100}-)?([0-9]{9,11})\.[0-9]{1,19}", re.ASCII)
_CALLER_ID = re.compile(r"<([^<>]*)>\s*$")
_DETECTED = re.compile(r"(?:\bamd\w*\s*[:=]\s*|^)(human|person|machine|notsure)\b", re.IGNORECASE)
_DETECTED_BY: dict[str, AnsweredBy] = {"human": "human", "person": "human", "machine": "machine", "notsure": "unknown"}
_LOCAL_TIME_CHARS = len("2026-03-03 10:00:00")
_NEVER = "0000-00-00 00:00:00"


def read_calls(file: BinaryIO, source: Source, *, first_line: int = 1) -> Iterator[CallReport | LineFault]:
    """Yield the call of each line, or what is wrong with it; blank lines are passed over.

    `file` is read from where it stands, one line at a time; `first_line` is the number of the line there.
    """
    read_line = CdrReader(source).read_line
    number = first_line - 1
    while line := file.readline(LINE_BYTES_MAX + 1):
        number += 1
        if len(line) > LINE_BYTES_MAX and line[-1:] != b"\n":
            while (rest := file.readline(LINE_BYTES_MAX)) and rest[-1:] != b"\n":
                pass
            yield LineFault(number, "LINE_TOO_LONG", f"the line is longer than {LINE_BYTES_MAX} bytes")
        elif (result := read_line(line, number)) is not None:
            yield result


class _Unreadable(Exception):
    """A line that is no call: `code` and the message of the fault."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class CdrReader:
    """Reads single lines; for who follows a growing file and knows by itself where a line ends."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._local_to_utc = _local_clock(source.timezone)

    def read_line(self, line: bytes, number: int) -> CallReport | LineFault | None:
        """Return the call of a line, what is wrong with it, or None for a blank one. Never raises."""
        text = _decode(line)
        if not text:
            return None
        try:
            row = _json_row(text) if text[0] == "{" else _csv_row(text)
            return self._convert(row, text)
        except _Unreadable as fault:
            return LineFault(number, fault.code, str(fault))
        except MalformedReport as fault:
            return LineFault(number, "BAD_VALUE", fault.message)

    def _convert(self, row: _Row, text: str) -> CallReport:
        (src, dst, context, clid, _, dstchannel, lastapp, start, answer, end) = row[:10]
        duration, billsec, disposition, uniqueid, userfield, linkedid, sequence = row[10:]
        source = self._source
        if not src and (caller := _CALLER_ID.search(clid)):
            src = caller[1]
        direction = _direction(src, dst, context, source)
        disposition = _DISPOSITIONS.get(disposition, disposition)
        status = _STATUSES.get(disposition)
        if status is None:
            raise _Unreadable("UNKNOWN_DISPOSITION", "disposition is none of those that Asterisk writes")
        talk_seconds = _seconds(billsec, "billsec")
        seconds = _seconds(duration, "duration")
        started_at = self._moment(start, "start", lambda: _epoch_of(uniqueid))
        if started_at is None:
            raise _Unreadable("NO_START", "start is empty")
        ended_at = self._moment(end, "end", lambda: started_at + timedelta(seconds=seconds or 0))
        answered_at = self._moment(
            answer, "answer", lambda: ended_at - timedelta(seconds=talk_seconds or 0) if ended_at else started_at
        )
        was_answered = status == "completed" and billsec.strip("0.") != ""
        if status == "completed" and not was_answered:
            status = "no-answer"
        if direction == "outbound" and source.outside_prefix and len(dst) > source.extension_digits_max:
            dst = dst.removeprefix(source.outside_prefix)
        call_id = _call_id(uniqueid, sequence, (dstchannel, dst, start), text)
        return CallReport(
            provider="ASTERISK",
            provider_call_id=call_id,
            provider_group_id=read_id(linkedid, "linkedid") or uniqueid or None,
            direction=direction,
            status=status,
            event_at=ended_at or started_at,
            started_at=started_at,
            answered_at=answered_at if was_answered else None,
            ended_at=ended_at,
            talk_seconds=talk_seconds if was_answered else 0,
            answered_by=_answered_by(lastapp, userfield) if was_answered else None,
            hangup_cause=disposition if disposition != "ANSWERED" else None,
            from_number=read_number(src, source.default_country),
            to_number=read_number(dst, source.default_country),
        )

    def _moment(self, text: str, name: str, near: _Near) -> datetime | None:
        """Return a moment, None for none; `near` decides between two."""
        if not text or text == _NEVER:
            return None
        if len(text) != _LOCAL_TIME_CHARS or text[4] != "-":
            return self._other_moment(text, name, near)
        try:
            return self._local_to_utc(text, near)
        except (ValueError, OverflowError):
            raise _Unreadable("BAD_TIME", f"{name} is not a time") from None

    def _other_moment(self, text: str, name: str, near: _Near) -> datetime | None:
        """Return a moment written as Unix time, as another form of ISO 8601, or with an offset."""
        try:
            if text.replace(".", "", 1).isdecimal():
                return read_epoch(text, name)
            moment = datetime.fromisoformat(text)
            return read_iso(text, name) if moment.tzinfo else self._local_to_utc(moment.isoformat(" ", "seconds"), near)
        except (ValueError, OverflowError, MalformedReport):
            raise _Unreadable("BAD_TIME", f"{name} is not a time") from None


def _decode(line: bytes) -> str:
    try:
        text = line.decode()
    except UnicodeDecodeError:  # a name in an old encoding; what we read is ASCII
        text = line.decode("cp1252", "replace")
    return text.strip("\ufeff \t\r\n")


def _csv_row(text: str) -> _Row:
    if "\0" in text:
        raise _Unreadable("FORBIDDEN_CHARACTER", "there is a NUL in the line")
    try:
        cells = next(csv.reader((text,), strict=True))
    except (csv.Error, StopIteration):
        raise _Unreadable("NOT_CSV", "a quote is opened and never closed, or text follows a closing one") from None
    count = len(cells)
    if (
        count == _CUSTOM_COLUMNS
        and (cells[_CUSTOM_DISPOSITION] in _STATUSES or cells[_CUSTOM_DISPOSITION] in _DISPOSITIONS)
        and _is_time(cells[_CUSTOM_START])
    ):
        return (*_CUSTOM(cells), cells[16], cells[17], "", cells[18])
    if not _CSV_COLUMNS <= count <= _CSV_COLUMNS_MAX:
        reason = (
            f"the line has {count} columns; Asterisk writes 16, 17 or 18, 3 more with newcdrcolumns, or 19 (cdr_custom)"
        )
        raise _Unreadable("COLUMN_COUNT", reason)
    linkedid = sequence = ""
    if count >= _CSV_COLUMNS_NEW:
        linkedid, sequence = cells[-2:]
        cells = cells[:-3]
        count -= 3
    uniqueid = userfield = ""
    if count == _CSV_COLUMNS + 2:
        uniqueid, userfield = cells[16], cells[17]
    elif count == _CSV_COLUMNS + 1:  # one of the two is logged
        if _UNIQUEID.fullmatch(cells[16]):
            uniqueid = cells[16]
        else:
            userfield = cells[16]
    return (*_CSV(cells), uniqueid, userfield, linkedid, sequence)


def _json_row(text: str) -> _Row:
    try:
        record = msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise _Unreadable("NOT_JSON", "the line begins like JSON and is none") from None
    if not isinstance(record, dict):
        raise _Unreadable("NOT_JSON", "the line is not a JSON object")
    by_name = {name.lower(): value for name, value in record.items()}
    return tuple(_json_text(by_name.get(name), name) for name in _NAMES)


def _json_text(value: Any, name: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _Unreadable("BAD_VALUE", f"{name} is neither text nor number")
    text = str(value)
    if "\0" in text:
        raise _Unreadable("FORBIDDEN_CHARACTER", f"there is a NUL in {name}")
    return text


def _is_time(text: str) -> bool:
    return text[4:5] == "-" or text.replace(".", "", 1).isdecimal()


def _direction(src: str, dst: str, context: str, source: Source) -> Direction:
    if is_outside(context, source.trunk_contexts):
        return "inbound"
    to_house = is_extension(dst, source.extension_digits_max)
    if is_extension(src, source.extension_digits_max):
        if to_house:
            raise _Unreadable("INTERNAL_CALL", "both ends are phones of the house; not a call with a contact")
        return "outbound"
    return "inbound" if to_house else "outbound"


def _call_id(uniqueid: str, sequence: str, telling: Sequence[str], line: str) -> str:
    if not uniqueid:
        return "line:" + blake2s(line.encode("utf-8", "replace"), digest_size=16).hexdigest()
    if not sequence:
        sequence = blake2s("\n".join(telling).encode("utf-8", "replace"), digest_size=6).hexdigest()
    call_id = f"{uniqueid}:{sequence}"
    if (
        len(call_id) <= SHORT_ID_CHARS and call_id.isascii() and call_id.isprintable()
    ):  # the usual case first, for speed
        return call_id
    return read_id(call_id, "uniqueid") or call_id


def _seconds(text: str, name: str) -> int | None:
    # The usual case first, for speed.
    return int(text) if len(text) <= SHORT_NUMBER_DIGITS and text.isdecimal() else read_seconds(text, name)


def _epoch_of(uniqueid: str) -> datetime | None:
    found = _UNIQUEID.fullmatch(uniqueid)
    return datetime.fromtimestamp(int(found[1]), UTC) if found else None


def _answered_by(lastapp: str, userfield: str) -> AnsweredBy | None:
    if lastapp.lower() == "voicemail":
        return "machine"
    detected = _DETECTED.search(userfield) if userfield else None
    return _DETECTED_BY[detected[1].lower()] if detected else None


def _local_clock(timezone: str) -> Callable[[str, _Near], datetime]:
    """Return the function from `2026-03-03 10:00:00` on the server's clock to the moment; it raises ValueError."""
    zone = ZoneInfo(timezone)

    @lru_cache(maxsize=KNOWN_DAYS_MAX)
    def offset_of_day(day: str) -> timedelta | None:
        """Return the offset from UTC of a day that has but one; None where the clock is changed."""
        midnight = datetime.fromisoformat(day).replace(tzinfo=zone)
        to_utc(midnight, "day")
        offsets = {
            (midnight + timedelta(hours=hours)).replace(fold=fold).utcoffset()
            for hours in (0, 12, 24)
            for fold in (0, 1)
        }
        return offsets.pop() if len(offsets) == 1 else None

    def to_moment(text: str, near: _Near) -> datetime:
        offset = offset_of_day(text[:10])
        if offset is not None:
            return datetime.fromisoformat(text + "+00:00") - offset
        local = datetime.fromisoformat(text)
        meanings = [local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
        hint = near()
        return meanings[0] if hint is None else min(meanings, key=lambda moment: abs(moment - hint))

    return to_moment
