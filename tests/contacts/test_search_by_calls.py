"""Searches for what was called and when, among more contacts than are counted: beside a plain reading of the same."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contacts.search_pages import check_first_pages
from tests.make import Make, Team

COUNT = 11_000  # a little more than are counted
AT_ONCE = 1_500  # of them, for a statement that must not take too long
NOW = datetime.now(UTC).replace(microsecond=0)
FEW = {"field": "callCount", "operator": "greaterOrEqual", "value": 9}
MANY = {"field": "callCount", "operator": "lessThan", "value": 9}
NEVER = {"field": "lastCallAt", "operator": "isEmpty"}
OLD = {"field": "lastCallAt", "operator": "before", "value": (NOW - timedelta(days=60)).isoformat()}
RECENT = {"field": "lastCallAt", "operator": "after", "value": (NOW - timedelta(days=4)).isoformat()}
PARIS = {"field": "city", "operator": "equals", "value": "Paris"}
HOT = {"field": "role", "operator": "contains", "value": "chef"}

Contact = dict[str, Any]


def is_recent(contact: Contact) -> bool:
    return bool(contact["last"]) and contact["last"] > NOW - timedelta(days=4)


def is_old(contact: Contact) -> bool:
    return bool(contact["last"]) and contact["last"] < NOW - timedelta(days=60)


CASES: dict[str, tuple[dict[str, Any], Callable[[Contact], bool]]] = {
    "few": (FEW, lambda one: one["calls"] >= 9),
    "many": (MANY, lambda one: one["calls"] < 9),
    "few of a city": ({"and": [FEW, PARIS]}, lambda one: one["calls"] >= 9 and one["city"] == "Paris"),
    "many of a city": ({"and": [MANY, PARIS]}, lambda one: one["calls"] < 9 and one["city"] == "Paris"),
    "many of many": ({"and": [MANY, HOT]}, lambda one: one["calls"] < 9 and one["is_hot"]),
    "recently": (RECENT, is_recent),
    "never or long ago": ({"or": [NEVER, OLD]}, lambda one: not one["last"] or is_old(one)),
    "never or in a city": ({"or": [NEVER, PARIS]}, lambda one: not one["last"] or one["city"] == "Paris"),
    "not long ago": ({"not": OLD}, lambda one: not is_old(one)),
    "often, long ago": ({"and": [FEW, OLD]}, lambda one: one["calls"] >= 9 and is_old(one)),
}
KEYS: dict[str, Callable[[Contact], Any]] = {
    "callCount": lambda one: one["calls"],
    "lastCallAt": lambda one: one["last"] or datetime.fromtimestamp(0, UTC),
    "createdAt": lambda one: one["created"],
}


@pytest.fixture(scope="module")
def world(make: Make) -> tuple[Team, dict[str, Contact]]:
    """A team whose contacts were called up to twelve times, and the contacts by id."""
    team = make.team()
    draw = random.Random(2711)
    ids = make.contacts(team.workspace_id, COUNT)
    contacts = {}
    for id in ids:
        calls = draw.choice([0, 0, 1, 2, 3, 5, 8]) if draw.random() < 0.97 else draw.randint(9, 12)
        contacts[id] = {
            "calls": calls,
            "last": NOW - timedelta(seconds=int(3_600 + 8_640_000 * draw.random() ** 3)) if calls else None,
            "city": "Paris" if draw.random() < 0.02 else "Lille",
            "is_hot": draw.random() < 0.98,
            "created": NOW - timedelta(hours=1, seconds=draw.randint(0, 3_000)),
        }
    for given in (list(contacts.items())[place : place + AT_ONCE] for place in range(0, COUNT, AT_ONCE)):
        make.rows(
            """
            WITH given AS (
                SELECT * FROM unnest(:ids::text[]::uuid[], :cities::text[], :roles::text[], :created::timestamptz[])
                    AS one (id, city, role, created)
            ), written AS (
                UPDATE contacts c SET city = g.city, role = g.role, created_at = g.created
                FROM given g WHERE c.workspace_id = :workspace AND c.id = g.id RETURNING 1
            ) SELECT count(*) FROM written
            """,
            workspace=team.workspace_id,
            ids=[id for id, _ in given],
            cities=[one["city"] for _, one in given],
            roles=["Cheffe" if one["is_hot"] else "CTO" for _, one in given],
            created=[one["created"] for _, one in given],
        )
    called = [(id, one["calls"], one["last"]) for id, one in contacts.items() if one["calls"]]
    make.rows(
        "SELECT move_contact_counters(:workspaces::uuid[], :ids::text[]::uuid[], :steps::int[], :moments::timestamptz[])",
        workspaces=[team.workspace_id] * len(called),
        ids=[one[0] for one in called],
        steps=[one[1] for one in called],
        moments=[one[2] for one in called],
    )
    make.rows("ANALYZE contacts, contact_call_counts")
    team.check_call_counts()
    return team, contacts


@pytest.mark.parametrize("sort", ["callCount", "-callCount", "lastCallAt", "-lastCallAt", "-createdAt"])
@pytest.mark.parametrize("case", CASES)
def test_pages(world: tuple[Team, dict[str, Contact]], case: str, sort: str) -> None:
    team, contacts = world
    filter, holds = CASES[case]
    key, is_descending = KEYS[sort.removeprefix("-")], sort.startswith("-")
    expected = sorted(
        (id for id, one in contacts.items() if holds(one)),
        key=lambda contact_id: (key(contacts[contact_id]), contact_id),
        reverse=is_descending,
    )
    assert expected
    check_first_pages(team.client, {"filter": filter, "sort": [sort], "timezone": "UTC"}, expected)
