"""Facts -> decision. Pure: what is known of a contact, rules, a moment; why not now, and from when on.

Every reason holds without a gap from the moment it is asked for until its `until`. So no moment before the latest `until` can
be free of reasons, and looking again there, until nothing is left, finds the first that is.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from skipcall.callability.model import Code
from skipcall.callability.rules import Rules, rules_at
from skipcall.consents.model import LegalBasis, Status

LOOKS_MAX = 1_000
_DAY = timedelta(days=1)


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a contact and a number. Moments are in UTC."""

    rule_set: str
    timezone: str
    has_number: bool = True
    is_allowed: bool = True
    is_listed: bool = False
    listed_until: datetime | None = None
    consent: Status | None = None  # the last entry of the ledger that says what the person said
    legal_basis: LegalBasis | None = None
    refused_at: datetime | None = None  # the last time
    called_at: tuple[datetime, ...] = ()  # the last outbound calls, newest first


class Found(msgspec.Struct, frozen=True):
    """What speaks against a call at a moment, and until when it does; None: until somebody changes it."""

    code: Code
    until: datetime | None = None


def obstacles(facts: Facts, at: datetime) -> list[Found]:
    """Return what speaks against a call at a moment."""
    found = []
    if not facts.has_number:
        found.append(Found("NO_PHONE_NUMBER"))
    if not facts.is_allowed:
        found.append(Found("NOT_ALLOWED"))
    if facts.is_listed and (facts.listed_until is None or at < facts.listed_until):
        found.append(Found("DO_NOT_CALL", facts.listed_until))
    zone = ZoneInfo(facts.timezone)
    rules, end = rules_at(facts.rule_set, at.astimezone(zone).date())
    changes_at = None if end is None else _midnight(end, zone)
    for one in _by_rules(facts, rules, at, zone):
        until = one.until if changes_at is None or (one.until is not None and one.until < changes_at) else changes_at
        found.append(Found(one.code, until))
    return found


def next_allowed_at(facts: Facts, at: datetime) -> datetime | None:
    """Return the first moment from `at` on at which nothing speaks against a call; None if there is none to foresee."""
    for _ in range(LOOKS_MAX):
        found = obstacles(facts, at)
        if not found:
            return at
        untils = [one.until for one in found if one.until is not None]
        if len(untils) < len(found):
            return None
        at = max(untils)
    return None


def _by_rules(facts: Facts, rules: Rules, at: datetime, zone: ZoneInfo) -> list[Found]:
    found = []
    is_given = facts.consent == "given" and facts.legal_basis is not None
    if rules.bases and not (is_given and facts.legal_basis in rules.bases):
        is_withdrawn = facts.consent in ("refused", "withdrawn", "objected")
        found.append(Found("CONSENT_WITHDRAWN" if is_withdrawn else "NO_CONSENT"))
    if rules.hours and not (is_given and facts.legal_basis == "consent"):
        local = at.astimezone(zone)
        if rules.holidays and local.date() in french_holidays(local.year):
            found.append(Found("HOLIDAY", _midnight(local.date() + _DAY, zone)))
        opens_at = _opening(rules, at, zone)
        if opens_at > at:
            found.append(Found("OUTSIDE_HOURS", opens_at))
    if rules.calls_max and len(facts.called_at) >= rules.calls_max:
        free_at = facts.called_at[rules.calls_max - 1] + timedelta(days=rules.calls_days)
        if at < free_at:
            found.append(Found("FREQUENCY_CAP", free_at))
    if rules.refusal_days and facts.refused_at is not None:
        over_at = facts.refused_at + timedelta(days=rules.refusal_days)
        if at < over_at:
            found.append(Found("REFUSAL_COOLDOWN", over_at))
    return found


def _opening(rules: Rules, at: datetime, zone: ZoneInfo) -> datetime:
    """Return `at` if it is inside the hours of its day, else the next moment at which hours begin; holidays count as days."""
    day = at.astimezone(zone).date()
    while True:
        if day.isoweekday() in rules.weekdays:
            for first, last in rules.hours:
                if at < _moment(day, last, zone):
                    return max(at, _moment(day, first, zone))
        day += _DAY


def french_holidays(year: int) -> frozenset[date]:
    """Return the 11 holidays of article L3133-1 of the Code du travail; Alsace-Moselle and overseas have more."""
    easter = easter_sunday(year)
    moving = {easter + timedelta(days=days) for days in (1, 39, 50)}
    fixed = ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25))
    return frozenset(moving | {date(year, month, day) for month, day in fixed})


def easter_sunday(year: int) -> date:
    """Return Easter of the Gregorian calendar (Meeus, Jones, Butcher)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


def _moment(day: date, hour: int, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(hour), zone).astimezone(UTC)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return _moment(day, 0, zone)
