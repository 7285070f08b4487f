"""Partitions that are remembered, so that they are not asked for at each call."""

from datetime import UTC, datetime

import pytest

from skipcall.calls.months import ensure_months
from tests.make import Make

NEVER = datetime(2019, 7, 14, tzinfo=UTC)  # a month of no other test
THERE = "SELECT to_regclass('calls_2019_07') IS NOT NULL"


class Undone(Exception):
    pass


def test_what_is_undone_is_not_remembered(make: Make) -> None:
    db = make.db

    async def make_twice_and_undo() -> None:
        async with db.transaction():
            await ensure_months(db, [NEVER])
            await ensure_months(db, [NEVER])
            raise Undone

    with pytest.raises(Undone):
        make.run(make_twice_and_undo())
    assert not make.value(THERE)
    make.run(ensure_months(db, [NEVER]))
    assert make.value(THERE)
    make.run(ensure_months(db, [NEVER]))
    assert ("calls", 2019, 7) in db.known
