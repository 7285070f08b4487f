"""Searches that a sample of an index tells to find more than are counted: with small limits, as a million contacts take minutes to make."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from skipcall.contacts import searching
from skipcall.contacts.filters import Setting, custom_fields_in, read_filter
from skipcall.contacts.model import ContactView
from skipcall.contacts.searching import Found, Query
from skipcall.custom_fields.queries import find_slugs
from skipcall.postgres.db import SEARCH_SETTINGS, connect
from skipcall.postgres.embedded import EmbeddedPostgres
from tests.make import Make

MANY, COUNTED, PAGE = 6_000, 300, 51
STEPS = ["new", "tried", "met", "lost", "won"]
LEFT = 100  # of those that are lost, the others are deleted

Contact = dict[str, Any]


def _is(field: str, operator: str, value: Any) -> dict[str, Any]:
    return {"field": f"customFields.{field}", "operator": operator, "value": value}


@pytest.fixture(scope="module")
def world(make: Make) -> tuple[UUID, list[Contact]]:
    """A workspace with contacts in steps and with points, and those that are not deleted, the newest first."""
    team = make.team()
    team.field("Step")
    team.field("Points", type="number")
    contacts: list[Contact] = [
        {"id": id, "step": STEPS[number % len(STEPS)], "points": number * 7919 % 10_000 / 100}
        for number, id in enumerate(make.contacts(team.workspace_id, MANY))
    ]
    lost = [one["id"] for one in contacts if one["step"] == "lost"][LEFT:]
    make.rows(
        """
        UPDATE contacts c SET custom_fields = jsonb_build_object('step', g.step, 'points', g.points::text),
            deleted_at = CASE WHEN c.id = ANY(:lost::text[]::uuid[]) THEN now() END
        FROM jsonb_to_recordset(:given::jsonb) AS g (id uuid, step text, points numeric)
        WHERE c.workspace_id = :workspace AND c.id = g.id RETURNING 1
        """,
        workspace=team.workspace_id,
        given=json.dumps(contacts),
        lost=lost,
    )
    make.rows("SELECT gin_clean_pending_list('contacts_by_value')")
    make.rows("ANALYZE contacts")
    left = set(lost)
    return team.workspace_id, [one for one in reversed(contacts) if one["id"] not in left]


async def _search(url: str, workspace_id: UUID, asked: dict[str, Any]) -> Found:
    db = await connect(url)
    try:
        for name, value in SEARCH_SETTINGS.items():
            await db.connection.execute(f"SET {name} = '{value}'")
        fields = await find_slugs(db, [workspace_id], [slug for _, slug in custom_fields_in(asked)])
        node, faults = read_filter(asked, Setting("FR", ZoneInfo("Europe/Paris"), datetime.now(UTC), fields))
        assert not faults
        query = Query(node, [], ["-createdAt"], fields)
        found = await searching.search_contacts(db, [workspace_id], query, after=None, limit=PAGE, view=ContactView())
        for name in ("gin_fuzzy_search_limit", "enable_seqscan"):
            assert await db.connection.fetchval(f"SHOW {name}") in ("0", "on"), "the sample's settings end with it"
        return found
    finally:
        await db.connection.close()


@pytest.mark.parametrize(
    ("asked", "holds", "proven"),
    [
        (_is("step", "equals", "MET"), lambda one: one["step"] == "met", [True]),
        (_is("step", "in", ["new", "won"]), lambda one: one["step"] in ("new", "won"), [True]),
        (_is("points", "lessThan", 37.5), lambda one: one["points"] < 37.5, [True]),
        (_is("points", "between", [20.5, 61]), lambda one: 20.5 <= one["points"] <= 61, [True]),
        (
            {"or": [_is("step", "equals", "new"), _is("points", "lessThan", 30)]},
            lambda one: one["step"] == "new" or one["points"] < 30,
            [True],
        ),
        # The planner expects more than there are, or another index would be read.
        (_is("step", "equals", "lost"), lambda one: one["step"] == "lost", [False]),
        (
            {"and": [_is("step", "in", ["new", "met"]), _is("points", "lessThan", 60)]},
            lambda one: one["step"] in ("new", "met") and one["points"] < 60,
            [False],
        ),
        (_is("points", "lessThan", 2), lambda one: one["points"] < 2, [False]),
    ],
)
def test_a_sample(
    postgres: EmbeddedPostgres,
    world: tuple[UUID, list[Contact]],
    monkeypatch: pytest.MonkeyPatch,
    asked: dict[str, Any],
    holds: Any,
    proven: list[bool],
) -> None:
    workspace_id, contacts = world
    told: list[bool] = []
    are_proven_many = searching._are_proven_many

    async def watched(*given: Any) -> bool:
        told.append(await are_proven_many(*given))
        return told[-1]

    small = {
        "COUNT_MAX": COUNTED,
        "MANY_IN_RANGES_MIN": 1,
        "SAMPLED_SHARE_MAX": 1,
        "SAMPLE": 480,
        "_are_proven_many": watched,
    }
    for name, value in small.items():
        monkeypatch.setattr(searching, name, value)
    found = asyncio.run(_search(postgres.url, workspace_id, asked))
    expected = [one["id"] for one in contacts if holds(one)]
    assert found.total == min(len(expected), COUNTED + 1)
    assert [one.id for one in found.contacts] == expected[:PAGE]
    assert told == proven
