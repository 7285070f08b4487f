"""How a page is found: near, or in all that is found. With small limits, as a million contacts take minutes to make, beside a plain reading of the same."""

import asyncio
import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from skipcall.contacts import searching
from skipcall.contacts.filters import Setting, custom_fields_in, read_filter
from skipcall.contacts.model import ContactView
from skipcall.contacts.searching import Query
from skipcall.custom_fields.queries import find_slugs
from skipcall.postgres.db import SEARCH_SETTINGS, connect
from skipcall.postgres.embedded import EmbeddedPostgres
from tests.make import Make

MANY, COUNTED, LIMIT, PAGES = 1_500, 200, 21, 6
SMALL = {
    "COUNT_MAX": COUNTED,
    "COUNTED_AMONG_MAX": 10,
    "SOON_MAX": 100,
    "NEAR_MAX": 400,
    "SOME_MIN": 5,
    "MANY_MIN": 100,
    "MANY_IN_RANGES_MIN": 100,
}

Contact = dict[str, Any]


def _is(field: str, operator: str, value: Any) -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value}


CASES: dict[str, tuple[dict[str, Any], Callable[[Contact], bool]]] = {
    "nobody": (_is("role", "contains", "nobody"), lambda one: False),
    "a few everywhere": (_is("role", "contains", "rare"), lambda one: one["number"] % 97 == 0),
    "one in four": (_is("customFields.points", "lessThan", 25), lambda one: one["points"] < 25),
    "one in a hundred": (_is("customFields.points", "between", [10, 11]), lambda one: 10 <= one["points"] <= 11),
    "the oldest of one workspace": (_is("role", "contains", "old"), lambda one: one["is_old"]),
    "a kind": (_is("customFields.kind", "equals", "b"), lambda one: one["kind"] == "b"),
    "all but the newest of one workspace": (
        _is("customFields.points", "lessThan", 100),
        lambda one: one["points"] < 100,
    ),
    "the oldest, but for some": (
        {"and": [_is("role", "contains", "old"), _is("customFields.points", "lessThan", 50)]},
        lambda one: one["is_old"] and one["points"] < 50,
    ),
}


@pytest.fixture(scope="module")
def world(make: Make) -> tuple[list[UUID], list[Contact]]:
    """Two workspaces, and their contacts, the newest first. Those of the second came ten times as fast; its oldest and newest are like no others."""
    team = make.team()
    other = team.workspace()
    workspace_ids = [team.workspace_id, other]
    for workspace_id in workspace_ids:
        make.custom_field(workspace_id, "Kind")
        make.custom_field(workspace_id, "Points", type="number")
    made = [make.contacts(one, MANY) for one in workspace_ids]
    contacts: list[Contact] = []
    for number, (at, ids) in itertools.product(range(MANY), enumerate(made)):
        is_old = at == 1 and number < MANY // 3
        contacts.append(
            {
                "id": ids[number],
                "number": number,
                "role": "old one" if is_old else "rare" if number % 97 == 0 else "cto",
                "is_old": is_old,
                "points": 100 if at == 1 and number > MANY - 150 else number * 7919 % 10_000 / 100,
                "kind": "ab"[at],
                "moment": (number - MANY) * (10, 1)[at] * 2 - at,
            }
        )
    for one in contacts:
        if one["role"] == "old one":
            one["number"] = 1  # is not rare
    make.rows(
        """
        UPDATE contacts c SET role = g.role, created_at = timestamptz '2026-01-01' + g.moment * interval '1 millisecond',
            custom_fields = jsonb_build_object('kind', g.kind, 'points', g.points::text)
        FROM jsonb_to_recordset(:given::jsonb) AS g (id uuid, role text, moment bigint, kind text, points numeric)
        WHERE c.id = g.id RETURNING 1
        """,
        given=json.dumps(contacts),
    )
    make.rows(
        "SELECT gin_clean_pending_list(one::regclass) FROM unnest('{contacts_by_text,contacts_by_value}'::text[]) AS one"
    )
    make.rows("ANALYZE contacts")
    return workspace_ids, sorted(contacts, key=lambda one: one["moment"], reverse=True)


async def _pages(
    url: str, workspace_ids: list[UUID], asked: dict[str, Any], *, counts: bool | None
) -> tuple[list[str], int | None]:
    """Return the ids on the first pages of a search, and what was counted."""
    db = await connect(url)
    try:
        for name, value in SEARCH_SETTINGS.items():
            await db.connection.execute(f"SET {name} = '{value}'")
        fields = await find_slugs(db, workspace_ids, [slug for _, slug in custom_fields_in(asked)])
        node, faults = read_filter(asked, Setting("FR", ZoneInfo("Europe/Paris"), datetime.now(UTC), fields))
        assert not faults
        query = Query(node, [], ["-createdAt"], fields)
        ids: list[str] = []
        after, counted = None, None
        for number in range(PAGES):
            found = await searching.search_contacts(
                db, workspace_ids, query, after=after, counted=counted, counts=counts, limit=LIMIT, view=ContactView()
            )
            if number == 0:
                counted = found.total
            shown = found.contacts[: LIMIT - 1]
            ids += [one.id for one in shown]
            if len(found.contacts) < LIMIT:
                break
            after = found.keys[len(shown) - 1], UUID(shown[-1].id)
        return ids, counted
    finally:
        await db.connection.close()


@pytest.mark.parametrize("counts", [True, False, None])
@pytest.mark.parametrize("among", ["one workspace", "the other", "both"])
@pytest.mark.parametrize("case", CASES)
def test_pages(
    postgres: EmbeddedPostgres,
    world: tuple[list[UUID], list[Contact]],
    monkeypatch: pytest.MonkeyPatch,
    case: str,
    among: str,
    counts: bool | None,
) -> None:
    workspace_ids, contacts = world
    asked, holds = CASES[case]
    for name, value in SMALL.items():
        monkeypatch.setattr(searching, name, value)
    places = {"one workspace": [0], "the other": [1], "both": [0, 1]}[among]
    kinds = ["ab"[place] for place in places]
    expected = [one["id"] for one in contacts if one["kind"] in kinds and holds(one)]
    ids, counted = asyncio.run(_pages(postgres.url, [workspace_ids[place] for place in places], asked, counts=counts))
    assert ids == expected[: PAGES * (LIMIT - 1)]
    if counts:
        assert counted == min(len(expected), COUNTED + 1)
    else:
        assert counted in (None, len(expected))
