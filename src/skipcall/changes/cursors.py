"""Where a reader of the feed stands: exact under concurrent writers, although ids of events commit out of order.

A reader has seen the events of every transaction that was over when it last looked: a snapshot of PostgreSQL
(`pg_current_snapshot`, "xmin:xmax:running,…") tells them from all others. So nothing waits for a transaction that is still
running, and what it commits later is in a later answer, whatever its ids. What is visible now and was not then is a window; it is read
in the order of ids, which for one object is the order of its versions, since each was given its id under the lock of the object.

`floor` keeps windows small: nothing new can have an id up to it. Ids are given from a sequence, and only after a transaction has its own
number (an event is recorded behind the write that it is about). So transactions that began after the sequence stood at a number have
higher ids. A mark remembers such a pair; once the transactions before the mark are over, the floor rises to its number.
"""

import base64
import binascii
import itertools
import re
from datetime import datetime
from typing import NamedTuple

import msgspec

from skipcall.errors import Fault, Gone, Invalid

RUNNING_MAX = 10_000  # transactions that a snapshot may name as running; no server has so many connections
_SNAPSHOT = re.compile(r"[1-9][0-9]{0,18}:[1-9][0-9]{0,18}:(?:[1-9][0-9]{0,18}(?:,[1-9][0-9]{0,18})*)?", re.ASCII)
_XID_MAX = 2**63 - 1
_MOMENT_MAX = 253_402_300_799  # the end of the year 9999


class CursorExpired(Gone):
    """What followed the cursor may have been forgotten."""

    code = "CURSOR_EXPIRED"

    def __init__(self) -> None:
        super().__init__("This cursor is older than the changes that are kept: list the contacts, and start anew")


class Look(NamedTuple):
    """What a reader is told when it looks: a snapshot, where the sequence stands after it, the time, and up to when
    changes have been forgotten, None for none.
    """

    snapshot: str
    last_id: int
    moment: datetime
    forgotten_until: datetime | None


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """The place of a reader.

    `seen`: the snapshot whose events it has had, "" for none. `floor`: as above. `mark_xid` and `mark_id`: every transaction
    from the one on has only ids beyond the other. `last_id`: where the sequence stood before the next look.
    Inside a window, else empty: `target`, its snapshot; `after`, the last id had; `next_id`, where the sequence stood after that look.
    `moment`: of the last look, Unix seconds.
    """

    seen: str = ""
    floor: int = 0
    mark_xid: int = 0
    mark_id: int = 0
    last_id: int = 0
    target: str = ""
    after: int = 0
    next_id: int = 0
    moment: int = 0

    @property
    def start(self) -> int:
        """The id after which to read."""
        return self.after if self.target else self.floor

    def within(self, look: Look, last_id: int) -> "Cursor":
        """Return the place after a page that did not reach the end of the window; `last_id` is that of its last event."""
        if self.target:
            return msgspec.structs.replace(self, after=last_id)
        moment = int(look.moment.timestamp())
        return msgspec.structs.replace(self, target=look.snapshot, after=last_id, next_id=look.last_id, moment=moment)

    def behind(self, look: Look) -> "Cursor":
        """Return the place after the last page of the window."""
        window = self if self.target else self.within(look, 0)
        xmin, xmax = (int(part) for part in window.target.split(":")[:2])
        floor, mark_xid, mark_id = self.floor, self.mark_xid, self.mark_id
        if xmin >= mark_xid:  # every transaction before the mark is over, and its events were seen
            floor, mark_xid, mark_id = mark_id, xmax, self.last_id
        return Cursor(window.target, floor, mark_xid, mark_id, window.next_id, moment=window.moment)


def encode_cursor(cursor: Cursor) -> str:
    """Return a place as text."""
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def decode_cursor(text: str) -> Cursor:
    """Return the place that a text stands for. Raises `Invalid` for one that the feed did not give.

    It opens nothing: the query names the caller's workspaces itself.
    """
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        cursor = msgspec.json.decode(raw, type=Cursor)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        cursor = None
    if cursor is None or not _is_sound(cursor):
        raise Invalid([Fault("/query/cursor", "INVALID_CURSOR", "This cursor is not one that the feed gave")])
    return cursor


def _is_sound(cursor: Cursor) -> bool:
    numbers = (cursor.floor, cursor.mark_xid, cursor.mark_id, cursor.last_id, cursor.after, cursor.next_id)
    if not all(0 <= number <= _XID_MAX for number in numbers) or not 0 <= cursor.moment <= _MOMENT_MAX:
        return False
    return all(not one or _is_snapshot(one) for one in (cursor.seen, cursor.target))


def _is_snapshot(text: str) -> bool:
    """Return whether PostgreSQL takes a text for a snapshot: the running ones lie between its ends, in order."""
    if not _SNAPSHOT.fullmatch(text):
        return False
    xmin, xmax, running = text.split(":")
    xids = [int(xid) for xid in running.split(",")] if running else []
    ends = int(xmin), int(xmax)
    return (
        ends[0] <= ends[1] <= _XID_MAX
        and len(xids) <= RUNNING_MAX
        and all(ends[0] <= xid < ends[1] for xid in xids)
        and all(one < other for one, other in itertools.pairwise(xids))
    )


def check_age(cursor: Cursor, look: Look) -> None:
    """Raise `CursorExpired` if changes after this place may have been forgotten.

    Or if the cursor knows of transactions that this database has not reached: it is another one, restored from a copy.
    """
    next_xid = int(look.snapshot.split(":")[1])
    if any(int(one.split(":")[1]) > next_xid for one in (cursor.seen, cursor.target) if one):
        raise CursorExpired
    if look.forgotten_until is not None and cursor.seen and cursor.moment < look.forgotten_until.timestamp():
        raise CursorExpired
