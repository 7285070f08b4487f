"""Cursors beside a model of PostgreSQL: transactions that overlap in every way, and a reader that looks in between."""

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from skipcall.changes.cursors import Cursor, Look, decode_cursor, encode_cursor

NOW = datetime(2026, 3, 2, tzinfo=UTC)
STEPS = st.lists(
    st.sampled_from(["begin", "write", "write", "commit", "abort", "read", "read", "read"]).flatmap(
        lambda kind: st.tuples(st.just(kind), st.integers(0, 4))
    ),
    min_size=10,
    max_size=80,
)


class Database:
    """What a reader can know: which transactions are over, and the events of those that committed."""

    def __init__(self) -> None:
        self.next_xid = 10
        self.last_id = 0
        self.running: list[int] = []
        self.committed: set[int] = set()
        self.events: list[tuple[int, int]] = []  # id, transaction

    def step(self, kind: str, number: int) -> None:
        if kind == "begin":
            self.running.append(self.next_xid)
            self.next_xid += 1
        elif self.running:
            xid = self.running[number % len(self.running)]
            if kind == "write":
                self.last_id += 1
                self.events.append((self.last_id, xid))
            else:
                self.running.remove(xid)
                if kind == "commit":
                    self.committed.add(xid)

    def look(self, last_id: int) -> Look:
        """Return a snapshot of now; `last_id` may be of any time from now on."""
        running = sorted(self.running)
        xmin = running[0] if running else self.next_xid
        return Look(f"{xmin}:{self.next_xid}:{','.join(map(str, running))}", last_id, NOW, None)

    def read(self, cursor: Cursor, limit: int) -> list[int]:
        """Return what the statement finds."""
        return [
            id
            for id, xid in self.events
            if xid in self.committed
            and id > cursor.start
            and (not cursor.target or is_visible(xid, cursor.target))
            and not (cursor.seen and is_visible(xid, cursor.seen))
        ][:limit]


def is_visible(xid: int, snapshot: str) -> bool:
    _, xmax, running = snapshot.split(":")
    return xid < int(xmax) and str(xid) not in running.split(",")


@settings(max_examples=500)
@given(STEPS, st.integers(1, 3))
def test_each_event_once_and_as_soon_as_it_is_committed(steps: list[tuple[str, int]], size: int) -> None:
    database, cursor = Database(), Cursor()
    had: list[int] = []
    floors = [0]
    for kind, number in [*steps, *[("commit", 0)] * 20, *[("read", 0)] * 40]:
        if kind != "read":
            database.step(kind, number)
            continue
        fresh = not cursor.target
        found = database.read(cursor, size + 1)
        # The sequence is read a moment after the snapshot: somebody may have begun and written in between.
        look = database.look(database.last_id)
        if number == 4:
            database.step("begin", 0)
            database.step("write", len(database.running) - 1)
            look = look._replace(last_id=database.last_id)
        inside = len(found) > size
        cursor = cursor.within(look, found[size - 1]) if inside else cursor.behind(look)
        had += found[:size]
        floors.append(cursor.floor)
        cursor = decode_cursor(encode_cursor(cursor))
        if fresh and not inside:
            assert set(had) == {id for id, xid in database.events if xid in database.committed}, "no lag"
    for _ in range(len(database.events) + 2):  # what is left of a window, and the next one
        found = database.read(cursor, size + 1)
        inside = len(found) > size
        look = database.look(database.last_id)
        cursor = cursor.within(look, found[size - 1]) if inside else cursor.behind(look)
        had += found[:size]
    assert len(had) == len(set(had)), "nothing twice"
    assert set(had) == {id for id, xid in database.events if xid in database.committed}, "nothing missed"
    assert floors == sorted(floors)
    if not database.running:
        assert cursor.floor == database.last_id, "the floor follows, so reading stays cheap"
