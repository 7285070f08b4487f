"""Searches: how a page is found (docs/decisions/0024), and the SQL for it, composed of conditions (0011).

What is asked exactly stands beside what an index can answer of it (`conditions`). The planner chooses by the values, so these statements run on
connections that plan each time.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from skipcall.contacts.conditions import (
    FILLED_FIELDS,
    WORKSPACE,
    Conditions,
    Locale,
    asks_what_is_filled,
    conjuncts,
    is_of_calls,
    is_of_columns,
    is_worth_it,
    text_part,
)
from skipcall.contacts.filters import Node
from skipcall.contacts.model import Contact, ContactView
from skipcall.contacts.queries import COLUMNS, show_contacts
from skipcall.contacts.search import COUNTED_AMONG_MAX
from skipcall.custom_fields.model import SearchedField
from skipcall.page import COUNT_MAX
from skipcall.postgres.db import Row, Session, Statement

DIFFERENT_MAX = 300  # sets of custom fields that contacts have values of, to look for those without one
# Contacts that are looked at for a page, in its order; of conditions on custom numbers half as many, and a quarter in orders in which they do not lie.
SOON_MAX, NEAR_MAX = 5_000, 24_000
SOME_MIN = 1_000  # so many are worth looking near first, where contacts lie in that order
MANY_MIN, MANY_IN_RANGES_MIN = 7_000, 14_000  # expected contacts; of ranges the planner expects too many
ALL = 2**40  # more than there are

_CALLS = "contact_call_counts k"
_WITH_CALLS = f"{_CALLS} JOIN contacts c ON c.workspace_id = k.workspace_id AND c.id = k.contact_id"
_INDEXES = re.compile(
    '"contacts_(by_text|not_ascii|by_value|by_phone_number|by_phone_beginning|by_first_name|by_last_name|by_company|by_city|by_country|by_role|by_traits|by_custom_fields)"'
    '|"One-Time Filter": "false"'  # nobody has, or lacks, a value of a custom field
)
_LOCALE = Statement(
    """
    SELECT cardinality(show_trgm('жжж')) > 0 AS knows_letters,
        datlocprovider = 'b' OR (datlocprovider = 'c' AND datcollate IN ('C', 'POSIX')) AS is_of_bytes
    FROM pg_database WHERE datname = current_database()
    """
)

_COUNT_ALL = "SELECT coalesce(sum(count), 0)::bigint FROM contact_counts WHERE workspace_id = ANY(:workspace_ids)"
# One contact for each entry that differs from the one before, however many there are of it.
_FILLED = Statement(
    f"""
    WITH RECURSIVE different AS (
        SELECT first.* FROM unnest(:workspace_ids::uuid[]) AS w (id) CROSS JOIN LATERAL (
            SELECT c.workspace_id, {FILLED_FIELDS} AS filled, c.custom_fields FROM contacts c
            WHERE c.workspace_id = w.id AND c.search_text <> 'customFields' ORDER BY {FILLED_FIELDS} LIMIT 1
        ) AS first
        UNION ALL
        SELECT next.* FROM different d CROSS JOIN LATERAL (
            SELECT c.workspace_id, {FILLED_FIELDS}, c.custom_fields FROM contacts c
            WHERE c.workspace_id = d.workspace_id AND c.search_text <> 'customFields' AND {FILLED_FIELDS} > d.filled
            ORDER BY {FILLED_FIELDS} LIMIT 1
        ) AS next
    )
    SELECT filled, ARRAY(SELECT jsonb_object_keys(custom_fields)) AS slugs FROM different LIMIT :most
    """
)


class Order(NamedTuple):
    """What contacts are sorted by: an SQL expression that is never null, its type there and here, and a column of `_CALLS`."""

    key: str
    column_type: str
    python_type: type[Any]
    of_calls: str | None = None


ORDERS = {
    "createdAt": Order("c.created_at", "timestamptz", datetime),
    "updatedAt": Order("c.updated_at", "timestamptz", datetime),
    "lastName": Order(text_part("lastName"), "text", str),
    "company": Order(text_part("company"), "text", str),
    "lastCallAt": Order("coalesce(c.last_call_at, 'epoch')", "timestamptz", datetime, "k.last_call_at"),
    "callCount": Order("c.call_count", "integer", int, "k.call_count"),
}


class Query(NamedTuple):
    """A search that has been read, and the custom fields that it names, by slug."""

    filter: Node | None
    words: Sequence[str]
    sorts: Sequence[str]
    fields: Mapping[str, SearchedField]


class Found(NamedTuple):
    """Contacts in order, what each is sorted by, and how many there are: counted up to one more than `COUNT_MAX`, or not."""

    contacts: list[Contact]
    keys: list[list[Any]]
    total: int | None


async def search_contacts(
    db: Session,
    workspace_ids: Sequence[UUID],
    query: Query,
    *,
    after: tuple[Sequence[Any], UUID] | None,
    counted: int | None = None,
    counts: bool | None = True,
    limit: int,
    view: ContactView,
) -> Found:
    """Return contacts that a search finds, after a place.

    `counts`: whether the first page must count what is found; None leaves it to how many contacts there are. `counted`: what the first page told.
    """
    filled = await list_filled(db, workspace_ids) if query.filter and asks_what_is_filled(query.filter) else None
    conditions = Conditions(workspace_ids, query.fields, await _locale_of(db), filled)
    composer = _Composer(workspace_ids, query, conditions, is_first=after is None)
    values = {
        **conditions.values,
        **composer.workspaces,
        "workspace_ids": workspace_ids,
        **{f"after_{number}": key for number, key in enumerate(after[0] if after else ())},
        "after_id": after[1] if after else None,
        "reach": COUNT_MAX + 1,
        "limit": limit,
        "by_slug": view.by_slug,
    }
    finder = _Finder(db, composer, values)
    rows, total = (await finder.find_later(counted), counted) if after else await finder.find_first(counts=counts)
    keys = [[row[f"key_{number}"] for number in range(len(query.sorts))] for row in rows]
    return Found(await show_contacts(db, rows, view), keys, total)


class _Finder:
    """Looks for a page of a search: near, and else in all that is found."""

    def __init__(self, db: Session, composer: "_Composer", values: dict[str, Any]) -> None:
        self.db = db
        self.composer = composer
        self.values = values
        self.expected = MANY_IN_RANGES_MIN  # contacts, by the planner

    async def find_first(self, *, counts: bool | None) -> tuple[list[Row], int | None]:
        """Return the rows of the first page and how many there are in all, if they were counted."""
        composer = self.composer
        if composer.calls:
            composer.called = await self.fetch_value(composer.count_called())
        if not composer.is_narrowed:
            rows = await self.fetch_rows(composer.walk(total=_COUNT_ALL))
            return rows, rows[0]["total"] if rows else 0
        if composer.asks_only_of_calls and (composer.walks_calls or not composer.are_few_called):
            return await self.fetch_rows(composer.walk()), composer.called
        await self.explain()
        if counts is None:
            counts = await self.fetch_value(Statement(_COUNT_ALL)) <= COUNTED_AMONG_MAX
        are_many = self.expected >= (MANY_IN_RANGES_MIN if composer.has_ranges else MANY_MIN)
        if not counts and not composer.are_few_called:
            is_worth_a_look = self.expected >= SOME_MIN and composer.of_texts and composer.lies_in_order
            near = await self.find_near() if are_many or is_worth_a_look else None
            return (near, None) if near is not None else await self.find_all()
        if are_many:
            await self.explain(whole=False)
        rows, total = await self.gather(COUNT_MAX + 1, whole=not are_many)
        if total > COUNT_MAX:
            rows = await self.find_near() or (await self.find_all())[0]
        return rows, total

    async def find_later(self, counted: int | None) -> list[Row]:
        """Return the rows of a later page, whose first page counted so many or did not count."""
        composer = self.composer
        if composer.calls:
            composer.called = await self.fetch_value(composer.count_called())
        near = await self.find_near() if counted is None or counted >= SOME_MIN else None
        if near is not None:
            return near
        await self.explain()
        return (await self.find_all())[0]

    async def find_near(self) -> list[Row] | None:
        """Return the rows of a page if the next contacts have so many. Conditions on columns alone are left to the planner, which knows more of them."""
        if not self.composer.of_texts:
            return await self.fetch_rows(self.composer.walk())
        limit = self.values["limit"]
        for reach in (SOON_MAX, NEAR_MAX):
            share = (1 if self.composer.lies_in_order else 4) * (2 if self.composer.has_ranges else 1)
            self.values["near"] = reach // share
            rows = await self.fetch_rows(self.composer.near_page())
            if len(rows) == limit:
                return rows
            if len(rows) * NEAR_MAX < limit * SOON_MAX:  # more of them would not have a page either
                break
        return None

    async def find_all(self) -> tuple[list[Row], int | None]:
        """Return the rows of a page, whatever it takes, and how many there are if that is seen then.

        The planner takes what is found for evenly spread, and would go through contacts in order even where all that is found is old.
        """
        if self.composer.reads_index:
            return await self.gather(ALL)
        return await self.fetch_rows(self.composer.walk()), None

    async def gather(self, reach: int, *, whole: bool = True) -> tuple[list[Row], int]:
        """Return how many are found, up to `reach`, and the rows of a page if there are fewer."""
        self.values["reach"] = reach
        rows = await self.fetch_rows(self.composer.gather_page(whole=whole))
        return [row for row in rows if row["id"]], rows[0]["total"]

    async def explain(self, *, whole: bool = True) -> None:
        """Let the planner tell how many it expects, and whether it would read an index for them: for all, or for as many as are counted."""
        composer = self.composer
        if composer.indexed or composer.of_columns:
            explained = await self.fetch_value(composer.explain(whole=whole))
            composer.reads_index = bool(_INDEXES.search(explained))
            composer.gathered_by = [one for one in composer.indexed if is_worth_it(one, explained)]
            if whole:
                self.expected = msgspec.json.decode(explained)[0]["Plan"]["Plan Rows"]

    async def fetch_rows(self, statement: Statement) -> list[Row]:
        return await self.db.fetch_rows(statement, **self.values)

    async def fetch_value(self, statement: Statement) -> Any:
        return await self.db.fetch_value(statement, **self.values)


async def list_filled(db: Session, workspace_ids: Sequence[UUID]) -> dict[int, list[str]] | None:
    """Return which custom fields some contacts have values of together, by `FILLED_FIELDS`; None where that differs too much."""
    rows = await db.fetch_rows(_FILLED, workspace_ids=workspace_ids, most=DIFFERENT_MAX + 1)
    return {row["filled"]: row["slugs"] for row in rows} if len(rows) <= DIFFERENT_MAX else None


async def _locale_of(db: Session) -> Locale:
    """Return what this database thinks of texts; it is asked once."""
    known = next((one for one in db.known if isinstance(one, Locale)), None)
    if known is None:
        row = await db.fetch_row(_LOCALE)
        assert row
        known = Locale(**row)
        db.known.add(known)
    return known


class _Composer:
    """Makes the statements of a search."""

    def __init__(self, workspace_ids: Sequence[UUID], query: Query, conditions: Conditions, *, is_first: bool) -> None:
        self.is_first = is_first  # of the pages
        self.called: int | None = None  # what `count_called` said
        self.reads_index = False  # to gather contacts: what `explain` said
        self.workspaces = {f"workspace_{number}": id for number, id in enumerate(workspace_ids)}
        self.orders = [ORDERS[sort.removeprefix("-")] for sort in query.sorts]
        self.directions = ["DESC" if sort.startswith("-") else "ASC" for sort in query.sorts]
        self.directions.append(self.directions[-1])  # of the id
        self.names = [f"key_{number}" for number in range(len(self.orders))]
        self.in_order = _order_by([*self.names, "id"], self.directions)
        self.in_order_of_page = _order_by([f"page.{name}" for name in (*self.names, "id")], self.directions)
        self.keys_of_page = ", ".join(f"page.{name}" for name in self.names)
        nodes = conjuncts(query.filter) if query.filter else []
        self.calls = [conditions.of_calls(one) for one in nodes if is_of_calls(one)]
        self.is_narrowed = bool(query.filter or query.words)
        self.asks_only_of_calls = len(self.calls) == len(nodes) and not query.words
        self.walks_calls = self.orders[0].of_calls is not None
        # Contacts are written one after the other.
        self.lies_in_order = query.sorts[0].removeprefix("-") == "createdAt"
        # Conditions on columns stand for themselves, since the planner has statistics of them. Those on parts of the text it would
        # take for far too selective; as one CASE they count as one in two, and what an index answers decides.
        self.of_columns = [conditions.exactly(one) for one in nodes if is_of_columns(one)]
        texts = [one for one in nodes if not is_of_columns(one)]
        exactly = [*map(conditions.exactly, texts), *map(conditions.word_exactly, query.words)]
        indexed = [*map(conditions.indexed, texts), *map(conditions.word_indexed, query.words)]
        self.of_texts = _as_one(exactly)
        self.has_ranges = conditions.has_ranges
        self.left_open = _as_one([one for one, by_index in zip(exactly, indexed, strict=True) if one != by_index])
        indexed += map(conditions.filled_with, texts)
        self.indexed = self.gathered_by = [one for one in dict.fromkeys(indexed) if one]
        # Always true: without them PostgreSQL does not use these indexes (migration 0029).
        self.predicates = [f"c.search_text <> '{one}'" for one in sorted(conditions.indexes)]

    @property
    def are_few_called(self) -> bool:
        """Whether few contacts are what is asked of calls."""
        return self.called is not None and self.called <= COUNT_MAX

    def count_called(self) -> Statement:
        """Return the statement that counts what holds of calls, up to one more than `COUNT_MAX`."""
        conditions = " AND ".join([f"k.workspace_id = {WORKSPACE}", *self.calls])
        return Statement(
            f"SELECT count(*) FROM ({self.everywhere(f'SELECT FROM {_CALLS} WHERE {conditions}', 'reach')}) AS called"
        )

    def explain(self, *, whole: bool) -> Statement:
        """Return the statement that tells how the planner would gather what an index can answer."""
        selected = self.select(self.indexed, with_calls=self.are_few_called)
        return Statement(f"EXPLAIN (FORMAT JSON) {self.everywhere(selected, None if whole else 'reach')}")

    def walk(self, total: str = "NULL::bigint") -> Statement:
        """Return the statement of a page that is found by going through contacts in order."""
        walked = self.select(self.of_texts, with_calls=self.are_few_called, walks=True)
        return self.page(self.everywhere(walked, "limit", self.in_order), total)

    def near_page(self) -> Statement:
        """Return the statement of a page, or the beginning of one, among the next contacts in order, whose texts are looked at one by one."""
        next_ones = self.everywhere(self.select([], with_calls=False, walks=True, columns="c.*"), "near", self.in_order)
        keys = ", ".join(f"c.{name}" for name in self.names)
        found = f"SELECT c.workspace_id, c.id, {keys} FROM ({next_ones}) AS c WHERE {self.of_texts[0]} {self.in_order} LIMIT :limit"
        return self.page(found)

    def page(self, found: str, total: str = "NULL::bigint") -> Statement:
        """Return the statement of a page of contacts that are found so."""
        return Statement(
            f"""
    SELECT {COLUMNS}, {self.keys_of_page}, ({total}) AS total
    FROM ({found}) AS page JOIN contacts c ON c.workspace_id = page.workspace_id AND c.id = page.id
    {self.in_order_of_page}
    """
        )

    def gather_page(self, *, whole: bool) -> Statement:
        """Return the statement of what is found, in any order, up to `reach`: their number, and a page of them if that is all.

        `whole`: planned as if all were read. What is found is rarely spread as evenly as the planner takes it to be where it may stop early.
        """
        return Statement(
            f"""
    WITH found AS MATERIALIZED ({self.everywhere(self.gather(), None if whole else "reach")}),
    gathered AS MATERIALIZED (SELECT * FROM found LIMIT :reach),
    told AS MATERIALIZED (SELECT count(*) AS total FROM gathered)
    SELECT {COLUMNS}, {self.keys_of_page}, told.total
    FROM told
    LEFT JOIN (SELECT * FROM gathered WHERE (SELECT total FROM told) < :reach {self.in_order} LIMIT :limit) AS page ON true
    LEFT JOIN contacts c ON c.workspace_id = page.workspace_id AND c.id = page.id
    {self.in_order_of_page}
    """
        )

    def gather(self) -> str:
        """Return what finds contacts in one workspace, with an index or without."""
        if self.reads_index:
            return self.select([*self.gathered_by, *self.left_open], with_calls=self.are_few_called)
        # A condition for an index that is not read would only be computed for each; the newest are in memory.
        newest = "ORDER BY c.created_at DESC, c.id DESC"
        return f"{self.select(self.of_texts, with_calls=self.are_few_called)} {newest}"

    def select(
        self, conditions: Sequence[str], *, with_calls: bool, walks: bool = False, columns: str = "c.workspace_id, c.id"
    ) -> str:
        """Return what finds contacts in one workspace, by these conditions and those on columns: in the order of the page if it `walks`."""
        by_calls = walks and self.walks_calls
        keys = [(by_calls and one.of_calls) or one.key for one in self.orders]
        id = "k.contact_id" if by_calls else "c.id"
        told = [
            f"c.workspace_id = {WORKSPACE}",
            "c.deleted_at IS NULL",
            *self.predicates,
            *self.of_columns,
            *conditions,
        ]
        if with_calls or by_calls:
            told += [f"k.workspace_id = {WORKSPACE}", *self.calls]
        if not self.is_first:
            told.append(_beyond([*keys, id], self.orders, self.directions))
        named = ", ".join(f"{key} AS {name}" for key, name in zip(keys, self.names, strict=True))
        return f"""
        SELECT {columns}, {named} FROM {_WITH_CALLS if with_calls or by_calls else "contacts c"}
        WHERE {" AND ".join(told)} {_order_by([*keys, id], self.directions) if walks else ""}"""

    def everywhere(self, selected: str, limit: str | None, order: str = "") -> str:
        """Return what is selected in each workspace by itself, together, up to a limit if there is one.

        Each is a value, so that the planner knows how large the workspace is, and what is frequent there.
        """
        end = f"LIMIT :{limit}" if limit else ""
        branches = [f"({selected.replace(WORKSPACE, f':{name}::uuid')} {end})" for name in self.workspaces]
        return f"SELECT * FROM ({' UNION ALL '.join(branches)}) AS branches {order} {end}"


def _as_one(conditions: Sequence[str]) -> list[str]:
    return [f"CASE WHEN {' AND '.join(conditions)} THEN true ELSE false END"] if conditions else []


def _order_by(keys: Sequence[str], directions: Sequence[str]) -> str:
    return f"ORDER BY {', '.join(map(' '.join, zip(keys, directions, strict=True)))}"


def _beyond(keys: Sequence[str], orders: Sequence[Order], directions: Sequence[str]) -> str:
    """Return the condition that a contact, by its keys, comes after the place where a page ended."""
    ends = [f":after_{number}::{one.column_type}" for number, one in enumerate(orders)] + [":after_id::uuid"]
    compare = {"DESC": "<", "ASC": ">"}
    if len(set(directions)) == 1:  # what an index answers
        return f"({', '.join(keys)}) {compare[directions[0]]} ({', '.join(ends)})"
    beyond = "false"
    for key, end, direction in reversed(list(zip(keys, ends, directions, strict=True))):
        beyond = f"({key} {compare[direction]} {end} OR ({key} = {end} AND {beyond}))"
    return f"{keys[0]} {compare[directions[0]]}= {ends[0]} AND {beyond}"
