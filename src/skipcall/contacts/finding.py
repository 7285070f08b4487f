"""What a lookup and a search mean for a caller: region and time zone of its workspace, the custom fields that exist there."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET

from skipcall import clock
from skipcall.api_keys.model import Caller
from skipcall.contacts import lookup, searching
from skipcall.contacts.filter_fields import CUSTOM_FIELD
from skipcall.contacts.filters import Setting, custom_fields_in, near, read_filter
from skipcall.contacts.lookup import UNREADABLE_NUMBER, Asked, ContactMatches, LookupContacts
from skipcall.contacts.model import Contact, UnknownCustomField
from skipcall.contacts.numbers import read_forms
from skipcall.contacts.search import (
    Cursor,
    SearchContacts,
    SearchView,
    decode_cursor,
    digest_of,
    encode_cursor,
    words_of,
)
from skipcall.contacts.searching import ORDERS, Query
from skipcall.custom_fields import queries as custom_fields
from skipcall.custom_fields.model import SearchedField
from skipcall.errors import Fault, Invalid
from skipcall.page import COUNT_MAX, narrow
from skipcall.phone_numbers.model import with_plus
from skipcall.postgres.db import Session
from skipcall.workspaces import queries as workspaces
from skipcall.workspaces.model import Workspace


class Found(NamedTuple):
    """A page of a search; `contacts` hold one more if there is a next page. There may be more than `total` if it `is_lower_bound`."""

    contacts: list[Contact]
    total: int
    is_lower_bound: bool
    cursor: str | None


async def lookup_contacts(db: Session, caller: Caller, query: LookupContacts) -> ContactMatches:
    """Return the contacts that any of the keys finds. Raises `Invalid` for a phone number that cannot be read."""
    among = narrow(caller.scope.workspace_ids, query.workspace_ids)
    forms = None
    if query.phone_number is not None:
        written = with_plus(query.phone_number)
        forms = read_forms(written, query.region)
        if forms is None and query.region is None:
            forms = read_forms(written, (await _home(db, caller, among)).default_country)
        if forms is None:
            raise Invalid([Fault("/query/phoneNumber", *UNREADABLE_NUMBER)])
    return await lookup.lookup_contacts(
        db,
        among,
        Asked(forms, query.email, query.linkedin_url, query.external_id),
        query,
    )


async def search_contacts(
    db: Session, searches: Session, caller: Caller, body: SearchContacts, view: SearchView
) -> Found:
    """Return a page of the contacts that a search finds.

    Raises `Invalid` for a cursor of another search, for phone numbers that cannot be read in the workspace's region and for what
    does not go with the type of a custom field, and `UnknownCustomField`.
    """
    sorts: dict[str, str] = {}  # each property once, where it comes first
    for sort in body.sort or ("-createdAt",):
        sorts.setdefault(sort.removeprefix("-"), sort)
    digest = digest_of(body, view.workspace_ids)
    key_types = [ORDERS[name].python_type for name in sorts]
    cursor = decode_cursor(body.cursor, digest, key_types) if body.cursor else None
    among = narrow(caller.scope.workspace_ids, view.workspace_ids)
    if not among:
        return Found([], 0, is_lower_bound=False, cursor=None)
    setting = await _setting(db, caller, among, body, cursor)
    node = None
    if body.filter is not UNSET:
        raw = msgspec.to_builtins(body.filter)
        setting = setting._replace(fields=await _fields_of(db, among, raw))
        node, faults = read_filter(raw, setting)
        if faults:
            raise Invalid(faults)
    words = words_of(body.text) if body.text else []
    query = Query(node, words, list(sorts.values()), setting.fields or {})
    found = await searching.search_contacts(
        searches,
        among,
        query,
        after=cursor.place(key_types) if cursor else None,
        counted=cursor.total if cursor else None,
        counts=None if body.count_total is UNSET else body.count_total,
        limit=body.size + 1,
        view=view,
    )
    has_more = len(found.contacts) > body.size
    counted, seen = (cursor.total, cursor.seen) if cursor else (found.total, 0)
    if counted is None:
        total, is_lower_bound = seen + len(found.contacts), has_more
    else:
        is_lower_bound = bool(node or words) and counted > COUNT_MAX
        total = COUNT_MAX if is_lower_bound else counted
    place = None
    if has_more:
        last, keys = found.contacts[body.size - 1], Cursor.kept(found.keys[body.size - 1])
        place = encode_cursor(Cursor(digest, setting.now, counted, keys, UUID(last.id), seen + body.size))
    return Found(found.contacts, total, is_lower_bound, place)


async def _setting(
    db: Session, caller: Caller, among: Sequence[UUID], body: SearchContacts, cursor: Cursor | None
) -> Setting:
    """Return where and when a filter is read: all pages of a search at the moment of the first."""
    zone, region = body.timezone or None, body.region or None
    if body.filter is not UNSET and (zone is None or region is None):
        workspace = await _home(db, caller, among)
        zone, region = zone or workspace.timezone, region or workspace.default_country
    return Setting(region, ZoneInfo(zone or "UTC"), cursor.now if cursor else clock.now())


async def _home(db: Session, caller: Caller, among: Sequence[UUID]) -> Workspace:
    return await workspaces.get_workspace(db, caller.scope, caller.home_among(among))


async def _fields_of(db: Session, workspace_ids: Sequence[UUID], raw: Any) -> dict[str, SearchedField]:
    """Return the custom fields that a filter names, by slug. Raises `UnknownCustomField`."""
    asked = dict(custom_fields_in(raw))
    if not asked:
        return {}
    found = await custom_fields.find_slugs(db, workspace_ids, list(set(asked.values())))
    faults = []
    if unknown := {pointer: slug for pointer, slug in asked.items() if slug not in found}:
        known = await custom_fields.list_keys(db, workspace_ids[0])
        message = "None of the workspaces has a custom field with this slug"
        for pointer, slug in unknown.items():
            suggestion = CUSTOM_FIELD + known[meant] if (meant := near(slug, list(known))) else UNSET
            faults.append(Fault(pointer, "UNKNOWN_CUSTOM_FIELD", message, suggestion))
        raise UnknownCustomField(faults)
    return found
