"""Many writers of the same calls at once: the sums stay exact, and nobody is refused."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

from skipcall.postgres.db import Statement, connect
from tests.make import Make
from tests.stats.recount import World, check_sums, world

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WRITERS, TURNS = 12, 40
CHANGES = [
    Statement(f"UPDATE calls SET {change} WHERE workspace_id = :workspace_id AND id = :id")
    for change in (
        "status = CASE status WHEN 'completed' THEN 'busy' ELSE 'completed' END",
        "started_at = started_at - interval '7 minutes'",
        "started_at = started_at + interval '7 minutes'",
        "organization_membership_id = NULL",
        "sequence_id = NULL",
        "deleted_at = now()",
        "deleted_at = NULL",
    )
]
# Who writes tags holds the lock of the call, as `UPDATE_CALL` does.
HELD = "SELECT workspace_id, id FROM calls WHERE workspace_id = :workspace_id AND id = :id FOR NO KEY UPDATE"
TAG = Statement(
    f"""
    WITH held AS MATERIALIZED ({HELD})
    INSERT INTO call_tags (workspace_id, call_id, tag_id) SELECT workspace_id, id, :tag_id FROM held ON CONFLICT DO NOTHING
    """
)
UNTAG = Statement(
    f"""
    WITH held AS MATERIALIZED ({HELD})
    DELETE FROM call_tags t USING held h WHERE t.workspace_id = h.workspace_id AND t.call_id = h.id AND t.tag_id = :tag_id
    """
)
CHANGE_ALL = Statement(
    "UPDATE calls SET talk_seconds = talk_seconds + 1 WHERE workspace_id = :workspace_id AND id = ANY(:ids)"
)


def test_sums_are_exact_with_many_writers(make: Make) -> None:
    made = world(make)
    calls = made.calls(
        [
            {
                "started_at": NOON + timedelta(minutes=5 * number),
                "talk_seconds": number,
                "organization_membership_id": made.members[number % 2],
                "sequence_id": made.sequences[number % 2],
                "contact_id": made.contacts[number % 2],
            }
            for number in range(8)
        ]
    )
    make.run(write_at_once(made, calls))
    check_sums(made)


async def write_at_once(made: World, calls: list[UUID]) -> None:
    async def write(number: int) -> None:
        chosen = random.Random(number)
        session = await connect(made.make.database_url)
        try:
            for _ in range(TURNS):
                values = {"workspace_id": made.team.workspace_id, "id": chosen.choice(calls)}
                kind = chosen.randrange(4)
                if kind == 0:
                    await session.execute(chosen.choice((TAG, UNTAG)), tag_id=chosen.choice(made.tags), **values)
                elif kind == 1 and number == 0:
                    await session.execute(CHANGE_ALL, workspace_id=made.team.workspace_id, ids=calls)
                else:
                    await session.execute(chosen.choice(CHANGES), **values)
        finally:
            await session.connection.close()

    await asyncio.gather(*(write(number) for number in range(WRITERS)))
