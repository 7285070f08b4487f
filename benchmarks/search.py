"""Searches among a million contacts: what the database needs for a first page of 100, counted where it is asked for, and for a later one."""

import asyncio
import time
from collections.abc import Hashable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import msgspec

from benchmarks import machine
from benchmarks.data import Tenant, contact_id, create_tenant, settle
from benchmarks.figures import Figure, Plan, Results, median
from benchmarks.servers import BenchmarkError
from skipcall.contacts.filters import Setting, custom_fields_in, read_filter
from skipcall.contacts.model import ContactView
from skipcall.contacts.searching import Found, Query, search_contacts
from skipcall.custom_fields.queries import find_slugs
from skipcall.postgres.db import SEARCH_SETTINGS, Row, Session, Statement, connect
from skipcall.postgres.embedded import EmbeddedPostgres

DATABASE_MS_MAX = 20.0
SIZE = 100
RARE = 50  # contacts that are like no others
_RARITY = Statement(
    """
    UPDATE contacts SET last_name = 'Xylander', role = 'Chief Rarity Officer', city = NULL, external_id = id::text,
        allow_phone_calls = false, last_modification_source = 'API',
        custom_fields = custom_fields || '{"industry": "Zymurgie", "segment": "Rare"}'
    WHERE workspace_id = :workspace_id AND id = ANY(:ids) RETURNING 1
    """
)
# What counting costs at least: so many contacts, anywhere in the table, each looked at once.
_PLACES = """
    CREATE TEMPORARY TABLE places AS
    SELECT ctid AS place FROM contacts WHERE workspace_id = $1 ORDER BY md5(id::text) LIMIT 10001
"""
_BARE = Statement("SELECT count(*) FROM places p JOIN contacts c ON c.ctid = p.place WHERE c.deleted_at IS NULL")
_JOINS = ("enable_hashjoin", "enable_mergejoin")
_ONE = Statement("SELECT * FROM contacts WHERE workspace_id = :workspace_id AND id = :id")


class Search(msgspec.Struct, frozen=True):
    """What is asked for. `finds` is how many contacts must be on the page, at least; what `counts` has no limit but the bare line."""

    name: str
    filter: dict[str, Any] | None = None
    text: str = ""
    finds: int = 1
    is_later: bool = False
    counts: bool = False
    sort: str = "-createdAt"


class _Explained(msgspec.Struct, rename={"planning": "Planning Time", "execution": "Execution Time"}):
    planning: float
    execution: float


class _Explaining(Session):
    """A connection that adds up what the database needs for each statement, as the product's plans it: anew each time."""

    __slots__ = ("milliseconds",)

    def __init__(self, connection: "asyncpg.Connection[Row]", known: set[Hashable]) -> None:
        super().__init__(connection, known)
        self.milliseconds = 0.0

    async def fetch_row(self, statement: Statement, **values: Any) -> Row | None:
        if statement.text.startswith("EXPLAIN"):  # it cannot be explained itself
            begun = time.perf_counter()
            row = await super().fetch_row(statement, **values)
            self.milliseconds += 1000 * (time.perf_counter() - begun)
            return row
        rows = await self.fetch_rows(statement, **values)
        return rows[0] if rows else None

    async def fetch_rows(self, statement: Statement, **values: Any) -> list[Row]:
        given = [values[name] for name in statement.names]
        rows = await self.connection.fetch(statement.text, *given)
        text = await self.connection.fetchval(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement.text}", *given)
        [explained] = msgspec.json.decode(text, type=list[_Explained])
        self.milliseconds += explained.planning + explained.execution
        return rows


def measure(place: Path, plan: Plan, results: Results) -> None:
    """Add a figure for each search: the median of its times, planning included."""
    _, core = machine.cores()
    with machine.pinned_to(core):
        postgres = EmbeddedPostgres.start(place / "database")
    with postgres:
        print(f"Making {plan.searched_contacts:,} contacts ...", flush=True)
        tenant = asyncio.run(create_tenant(postgres.url, plan.searched_contacts, typed=True))
        asyncio.run(_measure(postgres.url, tenant, plan, results))


async def _measure(url: str, tenant: Tenant, plan: Plan, results: Results) -> None:
    db = await connect(url)
    try:
        ids = [contact_id(number) for number in range(1, tenant.contacts, tenant.contacts // RARE)][:RARE]
        await db.fetch_rows(_RARITY, workspace_id=tenant.workspace_id, ids=ids)
        await settle(url)
        known, late = [
            await db.fetch_row(_ONE, workspace_id=tenant.workspace_id, id=contact_id(number))
            for number in (tenant.contacts // 3 + 1, tenant.contacts * 999 // 1000)
        ]
        assert known is not None
        assert late is not None
        for name, value in SEARCH_SETTINGS.items():
            await db.connection.execute(f"SET {name} = '{value}'")
        session = _Explaining(db.connection, db.known)
        print("Searching ...", flush=True)
        bare = await _bare_times(session, tenant, plan.search_runs)
        results.figures.append(Figure("bare: 10,001 contacts by their places", median(bare), "ms"))
        for search in _searches(known, late["updated_at"].isoformat(), tenant):
            milliseconds, found = await _times(session, tenant, search, plan.search_runs)
            if len(found.contacts) < min(search.finds, SIZE):
                raise BenchmarkError(f"{search.name} found {len(found.contacts)} contacts")
            at_most = None if search.counts else DATABASE_MS_MAX
            results.figures.append(Figure(search.name, median(milliseconds), "ms", at_most=at_most))
            results.measurements[search.name] = {"ms": milliseconds, "total": found.total}
    finally:
        await db.connection.close()


async def _bare_times(session: _Explaining, tenant: Tenant, runs: int) -> list[float]:
    await session.connection.execute(_PLACES, tenant.workspace_id)
    for join in _JOINS:
        await session.connection.execute(f"SET {join} = off")
    times = []
    for _ in range(runs):
        session.milliseconds = 0.0
        await session.fetch_rows(_BARE)
        times.append(session.milliseconds)
    for join in _JOINS:
        await session.connection.execute(f"RESET {join}")
    return times


async def _times(session: _Explaining, tenant: Tenant, search: Search, runs: int) -> tuple[list[float], Found]:
    workspace_ids = [tenant.workspace_id]
    node, fields = None, {}
    if search.filter:
        slugs = [slug for _, slug in custom_fields_in(search.filter)]
        fields = await find_slugs(session, workspace_ids, slugs)
        setting = Setting("FR", ZoneInfo("Europe/Paris"), datetime.now(UTC), fields)
        node, faults = read_filter(search.filter, setting)
        assert not faults, faults
    query = Query(node, search.text.split(), [search.sort], fields)
    after = None
    if search.is_later:
        middle = await session.fetch_row(_ONE, workspace_id=tenant.workspace_id, id=contact_id(tenant.contacts // 2))
        assert middle is not None
        keys = {
            "-createdAt": middle["created_at"],
            "-lastCallAt": middle["last_call_at"],
            "lastName": str(middle["last_name"]).lower(),
        }
        key = keys[search.sort]
        after = ([key], middle["id"])
    times = []
    for _ in range(runs):
        session.milliseconds = 0.0
        found = await search_contacts(
            session,
            workspace_ids,
            query,
            after=after,
            counts=search.counts or None,
            limit=SIZE + 1,
            view=ContactView(),
        )
        times.append(session.milliseconds)
    return times, found


def _is(field: str, operator: str, *value: Any) -> dict[str, Any]:
    if not value:
        return {"field": field, "operator": operator}
    return {"field": field, "operator": operator, "value": value[0] if len(value) == 1 else list(value)}


def _searches(known: Row, recent: str, tenant: Tenant) -> list[Search]:
    """Return what few contacts are, then what half of them or more are."""
    middle = (datetime.now(UTC) - timedelta(milliseconds=5 * tenant.contacts)).isoformat()  # see benchmarks.data
    half = _is("role", "contains", "responsable")
    many = SIZE
    return [
        Search("text, a rare name", text="xylander"),
        Search("text, two words", text="traore zoe"),
        Search("text, an e-mail address", text=known["email"]),
        Search("email equals", _is("email", "equals", known["email"].upper())),
        Search("linkedinUrl contains", _is("linkedinUrl", "contains", known["email"].split("@")[0].replace(".", "-")[:-3]), finds=0),
        Search("url contains 11 characters", _is("url", "contains", "pelican-301"), finds=0),
        Search("company equals", _is("company", "equals", known["company"])),
        Search("role equals, rare", _is("role", "equals", "chief rarity officer")),
        Search("a custom field equals, rare", _is("customFields.industry", "equals", "zymurgie")),
        Search("a custom field contains, rare", _is("customFields.industry", "contains", "mur")),
        Search("a custom field startsWith 1 character, rare", _is("customFields.industry", "startsWith", "z")),
        Search("city contains what roles have", _is("city", "contains", "sur"), finds=0),
        Search("city endsWith 1 character", _is("city", "endsWith", "l"), finds=0),
        Search("externalId contains 1 character", _is("externalId", "contains", "1")),
        Search("firstName startsWith 2 characters", _is("firstName", "startsWith", "ca"), finds=SIZE),
        Search("a number equals, rare", _is("customFields.customer_number", "equals", 4_711_000_020)),
        Search("a number between, 50", _is("customFields.customer_number", "between", 4_711_012_345, 4_711_012_394), finds=50),
        Search("a number greaterThan, 1 in 1000", _is("customFields.score", "greaterThan", 99.9), finds=0),
        Search("a date on, 1 in 1000", _is("customFields.renewal", "on", "2026-12-24"), finds=0),
        Search("lastName contains 3 characters", _is("lastName", "contains", "xyl")),
        Search("lastName startsWith 2 characters", _is("lastName", "startsWith", "xy")),
        Search("lastName contains 2 characters", _is("lastName", "contains", "xy")),
        Search("lastName startsWith 1 character", _is("lastName", "startsWith", "x")),
        Search("lastName endsWith 1 character", _is("lastName", "endsWith", "q"), finds=0),
        Search("text, a country that nine in ten are in", text="france", finds=0),
        Search("phoneNumbers equals", _is("phoneNumbers", "equals", known["phone_numbers"][0])),
        Search("phoneNumbers startsWith, 1 in 1000", _is("phoneNumbers", "startsWith", "+44"), finds=0),
        Search("phoneNumbers startsWith, 1 in 10,000", _is("phoneNumbers", "startsWith", "+4477009000"), finds=0),
        Search("phoneNumbers startsWith, all", _is("phoneNumbers", "startsWith", "+33"), finds=many),
        Search(
            "one of two rare ones, not in a city",
            {
                "and": [
                    {"or": [_is("lastName", "contains", "xyland"), _is("role", "equals", "chief rarity officer")]},
                    _is("city", "notEquals", "lille"),
                ]
            },
        ),
        Search("nothing", _is("company", "equals", "no such company"), finds=0),
        Search("all", finds=many),
        Search("role contains, half of all", half, finds=many),
        Search("role contains, half of all, a later page", half, finds=many, is_later=True),
        Search("country equals, nine in ten", _is("country", "equals", "france"), finds=many),
        Search("a custom field equals, 6 %", _is("customFields.industry", "equals", "conseil"), finds=many),
        Search("a custom field equals, 17 %", _is("customFields.team_size", "equals", "51-200"), finds=many),
        Search(
            "a custom field in, half of all", _is("customFields.team_size", "in", ["1-10", "11-50", "51-200"]), finds=many
        ),
        Search("a number lessThan, half of all", _is("customFields.score", "lessThan", "50.00"), finds=many),
        *_searches_of_shares(half),
        Search("a date before, half of all", _is("customFields.renewal", "before", "2026-06-30"), finds=many),
        Search("city notEquals", _is("city", "notEquals", "paris"), finds=many),
        Search("all, by lastName", finds=many, sort="lastName"),
        Search("all, by lastName, a later page", finds=many, sort="lastName", is_later=True),
        Search("updatedAt after, 1 in 1000", _is("updatedAt", "after", recent)),
        Search("createdAt before, half of all", _is("createdAt", "before", middle), finds=many),
        *_searches_for_traits(known, half),
        *_searches_by_calls(known["company"], half, tenant),
    ]  # fmt: skip


def _searches_for_traits(known: Row, half: dict[str, Any]) -> list[Search]:
    """Return searches for what contacts lack or nearly all lack, for beginnings, and for two things at once."""
    refused = {"field": "allowPhoneCalls", "operator": "equals", "value": False}
    few, named = _is("customFields.score", "lessThan", 5), _is("lastName", "startsWith", "mar")
    return [
        Search("city isEmpty, rare", _is("city", "isEmpty"), finds=50),
        Search("externalId isNotEmpty, rare", _is("externalId", "isNotEmpty"), finds=50),
        Search("a custom field isEmpty, nobody", _is("customFields.industry", "isEmpty"), finds=0),
        Search("a rare custom field contains 2 characters", _is("customFields.segment", "contains", "ra"), finds=50),
        Search("a custom field isNotEmpty, rare", _is("customFields.segment", "isNotEmpty"), finds=50),
        Search("allowPhoneCalls equals false, rare", refused, finds=50),
        Search("lastModificationSource equals API, rare", _is("lastModificationSource", "equals", "API"), finds=50),
        Search("email isEmpty, 1 in 10", _is("email", "isEmpty"), finds=SIZE),
        Search(
            "linkedinUrl startsWith, a name",
            _is("linkedinUrl", "startsWith", known["linkedin_url"].partition("-demo")[0]),
        ),
        Search("city startsWith 4 characters", _is("city", "startsWith", "mars"), finds=0),
        Search("city equals", _is("city", "equals", "lyon"), finds=SIZE),
        Search("lastName startsWith 3 characters", named, finds=SIZE),
        Search("lastName startsWith 3 characters, a number lessThan, 5 %", {"and": [named, few]}),
        Search(
            "role contains, half of all, a number lessThan, 0.2 %",
            {"and": [half, _is("customFields.score", "lessThan", 0.2)]},
            finds=1,
        ),
        Search(
            "role contains, half of all, allowPhoneCalls equals false",
            {"and": [half, refused]},
            finds=0,
        ),
    ]


def _searches_of_shares(half: dict[str, Any]) -> list[Search]:
    """Return searches for a share of all, counted and not."""
    shares = {share: _is("customFields.score", "lessThan", share) for share in (0.2, 0.5, 1, 2, 5, 10, 20)}
    asked = {f"a number lessThan, {share} %": clause for share, clause in shares.items()}
    return [
        *(Search(name, clause, finds=40) for name, clause in asked.items()),
        *(
            Search(f"{name}, counted", clause, finds=40, counts=True)
            for name, clause in (asked | {"role contains, half of all": half}).items()
        ),
        Search("text, one letter", text="x", finds=SIZE),
        Search("firstName contains a name", _is("firstName", "contains", "jean"), finds=SIZE),
        Search("company contains the end of a word and the beginning of the next", _is("company", "contains", "e r")),
        Search("email contains a sign", _is("email", "contains", "5@t"), finds=SIZE),
        Search(
            "a number between, 6,000 old ones",
            _is("customFields.customer_number", "between", 4_711_300_017, 4_711_306_017),
            finds=SIZE,
        ),
        Search(
            "a number between, 24,000 old ones",
            _is("customFields.customer_number", "between", 4_711_300_017, 4_711_324_017),
            finds=SIZE,
        ),
    ]


def _searches_by_calls(company: str, half: dict[str, Any], tenant: Tenant) -> list[Search]:
    """Return searches for what was called, and in the order of calls; and one in an order that is counted."""
    # Last calls of two in three contacts, 30 seconds apart, in any order.
    called_lately, called_long_ago = (
        (datetime.now(UTC) - timedelta(seconds=30 * one)).isoformat()
        for one in (tenant.contacts // 1333, tenant.contacts // 2)
    )
    many = SIZE
    return [
        Search("callCount greaterOrEqual, 1 in 2000", _is("callCount", "greaterOrEqual", 20), finds=0),
        Search("callCount equals 0, a third", _is("callCount", "equals", 0), finds=many),
        Search("lastCallAt after, 1 in 2000", _is("lastCallAt", "after", called_lately), finds=0),
        Search("lastCallAt before, a third", _is("lastCallAt", "before", called_long_ago), finds=many),
        Search(
            "never called or long ago, half of all by role",
            {"and": [{"or": [_is("lastCallAt", "isEmpty"), _is("lastCallAt", "before", called_long_ago)]}, half]},
            finds=many,
        ),
        Search("all, by lastCallAt", finds=many, sort="-lastCallAt"),
        Search("all, by lastCallAt, a later page", finds=many, sort="-lastCallAt", is_later=True),
        Search("role contains, half of all, by lastCallAt", half, finds=many, sort="-lastCallAt"),
        Search("role contains, half of all, by callCount", half, finds=many, sort="callCount"),
        Search("role contains, half of all, by company", half, finds=many, sort="company"),
        Search("company equals, by lastCallAt", _is("company", "equals", company), sort="-lastCallAt"),
    ]  # fmt: skip
