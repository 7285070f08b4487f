"""SQL of a search, composed of its conditions (docs/decisions/0011).

What is asked exactly stands beside what an index can answer of it (`conditions`). The planner chooses by the values, so these statements run on
connections that plan each time.
"""

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import accumulate
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
from skipcall.custom_fields.model import SearchedField
from skipcall.page import COUNT_MAX
from skipcall.postgres.db import Session, Statement

DIFFERENT_MAX = 300  # sets of custom fields that contacts have values of, to look for those without one
NEAR_MAX = 15_000  # contacts of one workspace that are looked at for a page of what many are
# A page that need not be counted is gathered from so many at most, and first looked for near where the planner expects so many; of
# ranges it expects too many.
FEW_MAX, MANY_MIN, MANY_IN_RANGES_MIN = 5_000, 7_000, 50_000
# Of twice as many, but not of such a share of all, so large a sample of an index tells that they are many. A smaller one is spread over more of the
# table, which need not be in memory.
SAMPLE, SAMPLED_SHARE_MAX = 40_000, 0.15

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
# The planner does not know that a sample takes less.
_USE_BITMAPS = Statement(
    "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_indexscan', 'off', true)"
)
_SET_SAMPLE = Statement("SELECT set_config('gin_fuzzy_search_limit', :size, true)")

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
    are_many: bool = False,
    counts: bool = True,
    limit: int,
    view: ContactView,
) -> Found:
    """Return contacts that a search finds, after a place.

    `are_many`: its first page counted more than `COUNT_MAX`, or did not count them. `counts`: whether the first page must.
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
        "gathered": (COUNT_MAX if counts else FEW_MAX) + 1,
        "uncounted": None if counts else FEW_MAX + 1,
        "limit": limit,
        "by_slug": view.by_slug,
    }
    are_proven_many = False
    if composer.calls:
        composer.called = await db.fetch_value(composer.count_called(), **values)
    are_few = composer.are_few_called
    if composer.is_first and (composer.indexed or composer.of_columns):
        explained = await db.fetch_value(composer.explain(), **values)
        composer.reads_index = bool(_INDEXES.search(explained))
        composer.gathered_by = [one for one in composer.indexed if is_worth_it(one, explained)]
        many = MANY_IN_RANGES_MIN if composer.has_ranges else MANY_MIN
        expected = _expected(msgspec.json.decode(explained)[0]["Plan"])
        are_few |= expected < many
        if counts and expected >= MANY_IN_RANGES_MIN and composer.asks_for_terms:
            are_proven_many = await _are_proven_many(db, composer, values)
    near_first = not (counts or are_few)
    rows = await db.fetch_rows(composer.compose(are_many=are_many or are_proven_many, near_first=near_first), **values)
    keys = [[row[f"key_{number}"] for number in range(len(query.sorts))] for row in rows]
    total = COUNT_MAX + 1 if are_proven_many else rows[0]["total"] if rows else 0
    return Found(await show_contacts(db, rows, view), keys, total)


async def _are_proven_many(db: Session, composer: "_Composer", values: dict[str, Any]) -> bool:
    """Whether a sample of what one index finds has more than `COUNT_MAX` already. If not, they may be as many all the same.

    GIN itself takes some of the contacts that have a key (`gin_fuzzy_search_limit`), so no bitmap of all of them is made and sorted.
    """
    explain = composer.explain_terms()
    values = {**values, **composer.conditions.values}
    contacts = await db.fetch_value(Statement(_COUNT_ALL), **values)
    async with db.begin() as session:
        await session.execute(_USE_BITMAPS)
        plan = msgspec.json.decode(await session.fetch_value(explain, **values))[0]["Plan"]
        keys, size = _sample(plan) if plan["Plan Rows"] < SAMPLED_SHARE_MAX * contacts else ([], 0)
        if not keys:
            return False
        await session.execute(_SET_SAMPLE, size=str(size))
        return bool(await session.fetch_value(composer.count_having(keys), **values) > COUNT_MAX)


def _sample(plan: dict[str, Any]) -> tuple[list[int], int]:
    """Return the most frequent keys of a sample and how many contacts to take of each; none if a plan asks more of indexes than for keys."""
    scans = plan.get("Plans", [{}])
    if scans[0].get("Node Type") == "BitmapOr":
        scans = scans[0]["Plans"]
    if any(one.get("Index Name") != "contacts_by_value" for one in scans):
        return [], 0
    scans.sort(key=lambda one: -one["Plan Rows"])
    wanted = SAMPLE * sum(one["Plan Rows"] for one in scans) // plan["Plan Rows"]
    known = list(accumulate(one["Plan Rows"] for one in scans))
    many = bisect_left(known, 2 * wanted) + 1
    if many > len(scans) or wanted > 2 * SAMPLE:  # too few are expected, or most of them are not what is asked for
        return [], 0
    keys = [int(re.findall(r"-?\d+", one["Index Cond"])[0]) for one in scans[:many]]
    return keys, wanted // many


def _expected(plan: dict[str, Any]) -> int:
    """Return how many rows the planner expects, were there no limits."""
    return sum(map(_expected, plan["Plans"])) if plan["Node Type"] in ("Limit", "Append") else plan["Plan Rows"]


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
        self.conditions = conditions
        nodes = conjuncts(query.filter) if query.filter else []
        self.calls = [conditions.of_calls(one) for one in nodes if is_of_calls(one)]
        self.is_narrowed = bool(query.filter or query.words)
        self.asks_only_of_calls = len(self.calls) == len(nodes) and not query.words
        self.walks_calls = self.orders[0].of_calls is not None
        self.names = [f"key_{number}" for number in range(len(self.orders))]
        # Conditions on columns stand for themselves, since the planner has statistics of them. Those on parts of the text it would
        # take for far too selective; as one CASE they count as one in two, and what an index answers decides.
        self.of_columns = [conditions.exactly(one) for one in nodes if is_of_columns(one)]
        self.texts = texts = [one for one in nodes if not is_of_columns(one)]
        exactly = [*map(conditions.exactly, texts), *map(conditions.word_exactly, query.words)]
        indexed = [*map(conditions.indexed, texts), *map(conditions.word_indexed, query.words)]
        self.of_texts = _as_one(exactly)
        self.has_ranges = conditions.has_ranges
        self.left_open = _as_one([one for one, by_index in zip(exactly, indexed, strict=True) if one != by_index])
        indexed += map(conditions.filled_with, texts)
        self.asks_for_terms = (
            len(workspace_ids) == 1 and not self.calls and any("search_keys" in one for one in indexed if one)
        )
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

    def explain(self) -> Statement:
        """Return the statement that tells how the planner would gather what an index can answer."""
        return Statement(f"EXPLAIN (FORMAT JSON) {self.gather(self.indexed)}")

    def explain_terms(self) -> Statement:
        """Return the statement that tells how many have each term of a custom value, and what else is asked.

        The workspace is left out: the terms are those of one, but the planner does not know it.
        """
        self.conditions.terms_at_once = 1
        by_terms = [one for one in map(self.conditions.indexed, self.texts) if one]
        told = " AND ".join(["c.deleted_at IS NULL", *self.predicates, *self.of_columns, *by_terms])
        return Statement(f"EXPLAIN (FORMAT JSON) SELECT FROM contacts c WHERE {self.in_workspace(told)}")

    def count_having(self, keys: Sequence[int]) -> Statement:
        """Return the statement that counts what is found among those who have one of some keys, up to one more than `COUNT_MAX`."""
        having_one = " OR ".join(f"c.search_keys && '{{{key}}}'" for key in keys)
        sample = self.select([f"({having_one})", *self.of_texts], with_calls=False)
        return Statement(f"SELECT count(*) FROM ({self.in_workspace(sample)} LIMIT :reach) AS sample")

    def in_workspace(self, sql: str) -> str:
        """Return SQL for the only workspace."""
        (name,) = self.workspaces
        return sql.replace(WORKSPACE, f":{name}::uuid")

    def compose(self, *, are_many: bool, near_first: bool) -> Statement:
        """Return the statement of a page.

        To be counted, what is found is gathered, up to one more than `COUNT_MAX`, as the planner likes best, and sorted if that is all. If
        there are more, the contacts that come next, whatever they are, soon fill a page; if they do not, the planner chooses again. A page
        that need not be counted is gathered from fewer, and may be looked for `near_first`; the total may be null then.
        """
        in_order = _order_by([*self.names, "id"], self.directions)
        gathers, total = False, "NULL::bigint"
        if not self.is_narrowed:
            total = _COUNT_ALL
        elif self.asks_only_of_calls and (self.walks_calls or not self.are_few_called):
            total = f"{self.called}::bigint"
        else:
            gathers = not are_many and (self.is_first or self.walks_calls) and bool(self.of_texts or not near_first)
        steps = []  # a name, what is selected, and how many of it are a page
        if gathers:
            steps.append(("gathered", self.gather_all(), "< :gathered"))
        if self.of_texts and (gathers or are_many):
            # Before an index is read, which finds few soon, it is not worth more.
            reach = FEW_MAX if near_first and self.reads_index and self.has_ranges else NEAR_MAX
            near = self.everywhere(self.select_near(reach), "limit", in_order)
            steps.insert(0 if near_first else 1, ("near", near, "= :limit"))
        parts, branches, rest = [], [], "true"
        for name, selected, enough in steps:
            parts.append(f"{name} AS MATERIALIZED (SELECT * FROM ({selected}) AS found WHERE {rest})")
            parts.append(f"{name}_size AS MATERIALIZED (SELECT count(*) AS size FROM {name})")
            if name == "gathered":
                total = f"SELECT CASE WHEN {rest} THEN nullif(size, :uncounted) END FROM gathered_size"
            is_page = f"(SELECT size FROM {name}_size) {enough}"
            branches.append(f"SELECT * FROM {name} WHERE {is_page}")
            rest += f" AND NOT {is_page}"
        walked = self.select(self.indexed + self.of_texts, with_calls=self.are_few_called, walks=True)
        parts.append(f"walked AS ({self.everywhere(walked, 'limit', in_order)})")
        branches.append(f"SELECT * FROM walked WHERE {rest}")
        return Statement(
            f"""
    WITH {", ".join(parts)}, page AS ({" UNION ALL ".join(branches)} {in_order} LIMIT :limit)
    SELECT {COLUMNS}, {", ".join(f"page.{name}" for name in self.names)}, ({total}) AS total
    FROM page JOIN contacts c ON c.workspace_id = page.workspace_id AND c.id = page.id
    {_order_by([f"page.{name}" for name in (*self.names, "id")], self.directions)}
    """
        )

    def gather_all(self) -> str:
        """Return what finds contacts, with an index or without."""
        if self.reads_index:
            return self.gather([*self.gathered_by, *self.left_open])
        # A condition for an index that is not read would only be computed for each; the newest are in memory.
        return self.gather(self.of_texts, "ORDER BY c.created_at DESC, c.id DESC")

    def gather(self, conditions: Sequence[str], order: str = "") -> str:
        """Return what finds contacts, up to one more than are counted."""
        return self.everywhere(f"{self.select(conditions, with_calls=self.are_few_called)} {order}", "gathered")

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

    def select_near(self, reach: int) -> str:
        """Return what finds contacts among the next so many of one workspace, whose texts are looked at one by one."""
        near = self.select([], with_calls=False, walks=True, columns="c.*")
        return f"""
        SELECT c.workspace_id, c.id, {", ".join(f"c.{name}" for name in self.names)} FROM ({near} LIMIT {reach}) AS c
        WHERE {self.of_texts[0]} {_order_by([f"c.{name}" for name in (*self.names, "id")], self.directions)}"""

    def everywhere(self, selected: str, limit: str, order: str = "") -> str:
        """Return what is selected in each workspace by itself, together, up to a limit.

        Each is a value, so that the planner knows how large the workspace is, and what is frequent there.
        """
        branches = [f"({selected.replace(WORKSPACE, f':{name}::uuid')} LIMIT :{limit})" for name in self.workspaces]
        return f"SELECT * FROM ({' UNION ALL '.join(branches)}) AS branches {order} LIMIT :{limit}"


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
