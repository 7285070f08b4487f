"""What a search may ask of contacts, read into conditions. No I/O, no SQL.

Operators that differ in a word only become one condition: `notIn` is `in` under a `not`, `thisWeek` a `range`.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, UnsetType

from skipcall.contacts.filter_fields import (
    CALENDAR,
    CALENDAR_AHEAD,
    CUSTOM_FIELD,
    CUSTOM_KINDS,
    DAYS,
    DAYS_AHEAD,
    EMPTINESS,
    FIELDS,
    OPERATORS,
    Kind,
)
from skipcall.contacts.numbers import read_forms
from skipcall.contacts.ranges import STEP
from skipcall.custom_fields.model import CONTROL_CHARACTERS, FORMS, WRONG, SearchedField, keys_meant
from skipcall.errors import FAULTS_MAX, Fault
from skipcall.http.routing import canonical_uuid

DEPTH_MAX = 5  # and, or, not inside one another
CLAUSES_MAX = 50
VALUES_MAX = 100  # in a list
ALL_VALUES_MAX = 500
VALUE_LENGTH_MAX = 500
NUMBER_MAX = 2_147_483_647
DAYS_MAX = 36_500
NAME_COMPARED_MAX = 100

_MARKS_AROUND = frozenset("\u034f\u20dd\u20de\u20df\u20e0\u20e2\u20e3\u20e4")  # of no combining class
_SLUG = re.compile(r"[a-z0-9_]{1,110}")  # some that were made first are longer than they are now
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_FIRST_MOMENT, _LAST_MOMENT = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_AwareDatetime = Annotated[datetime, msgspec.Meta(tz=True)]

_CHOICES = ("SKIPCALL", "API")
_WITHOUT_VALUE = frozenset((*EMPTINESS, *CALENDAR, *CALENDAR_AHEAD))
_WITH_LIST = frozenset(("in", "notIn", "between"))
# What JSON has for a value, where that is not a string.
_JSON_TYPES: dict[Kind, tuple[tuple[type, ...], str]] = {
    "boolean": ((bool,), "true or false"),
    "number": ((int,), "a whole number"),
    "decimal": ((int, float, Decimal, str), "a number"),
    "yes or no": ((bool, str), "true or false"),
    "custom": ((bool, int, float, Decimal, str), "a string, a number, true or false"),
}
# How custom fields call the kinds whose values have a form of their own.
_TYPES: dict[Kind, str] = {"option": "select", "decimal": "number", "day": "date", "yes or no": "boolean"}
_EQUAL_AS_TEXTS = frozenset(("option", "day", "yes or no"))  # there is one way to write them
_STEPS: dict[Kind, Any] = {"number": 1, "decimal": STEP, "day": 1}  # between a value and the next
_RELATIVE = frozenset((*DAYS, *DAYS_AHEAD, *CALENDAR, *CALENDAR_AHEAD))
# Operators that deny another one.
_DENIED = {"notEquals": "equals", "notIn": "in", "notContains": "contains", "isNotEmpty": "isEmpty"}


Test = Literal["in", "contains", "startsWith", "endsWith", "isEmpty", "range"]


class Clause(NamedTuple):
    """A condition on one field. `values` of a range are its first value and the first beyond it; None is no bound.

    What custom fields are asked for as texts is of the kind `text`, whatever their type. Days in a range are numbers: 20261123.
    """

    field: str
    kind: Kind
    test: Test
    values: tuple[Any, ...] = ()


class Group(NamedTuple):
    """Conditions together. A `not` has one part."""

    operator: Literal["and", "or", "not"]
    parts: tuple["Clause | Group", ...]


Node = Clause | Group


class Setting(NamedTuple):
    """Where and when a filter is read, and the custom fields that it may name, by slug.

    Without a region a national number is let pass, and without custom fields whatever any of them takes, to be read once they are
    known.
    """

    region: str | None
    zone: ZoneInfo
    now: datetime
    fields: Mapping[str, SearchedField] | None = None


def read_filter(raw: Any, setting: Setting) -> tuple[Node | None, list[Fault]]:
    """Return the conditions of a filter as decoded from JSON, or None and every fault in it.

    What is of a wrong type inside, by the types of `ContactFilter`, is passed over: it has its fault already.
    """
    reader = _Reader(setting)
    node = reader.read_node(raw, "/filter", 0)
    if reader.is_too_large:
        message = f"At most {CLAUSES_MAX} conditions with {ALL_VALUES_MAX} values in all allowed"
        reader.faults.append(Fault("/filter", "TOO_MANY_ITEMS", message))
    return (None if reader.faults else node), reader.faults


def custom_fields_in(raw: Any, pointer: str = "/filter") -> Iterator[tuple[str, str]]:
    """Yield where a filter as decoded from JSON, in which no fault was found without them, names custom fields, and their slugs."""
    if "field" in raw:
        if raw["field"].startswith(CUSTOM_FIELD):
            yield f"{pointer}/field", raw["field"].removeprefix(CUSTOM_FIELD)
    elif "not" in raw:
        yield from custom_fields_in(raw["not"], f"{pointer}/not")
    else:
        for operator, parts in raw.items():
            for number, one in enumerate(parts):
                yield from custom_fields_in(one, f"{pointer}/{operator}/{number}")


def is_only_accents(text: str) -> bool:
    """Whether a text is nothing but marks on or around letters, of which folding leaves nothing."""
    return all(unicodedata.combining(one) or one in _MARKS_AROUND for one in text)


class _Reader:
    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.faults: list[Fault] = []
        self.clauses = 0
        self.values = 0

    @property
    def is_too_large(self) -> bool:
        """Whether no more need be read."""
        return self.clauses > CLAUSES_MAX or self.values > ALL_VALUES_MAX

    def near(self, name: str, known: Sequence[str]) -> str | UnsetType:
        """Return what was meant, for as many as an answer tells: looking for likeness takes its time."""
        return near(name, known) if len(self.faults) < FAULTS_MAX else UNSET

    def read_node(self, raw: Any, pointer: str, depth: int) -> Node | None:
        if not isinstance(raw, dict) or self.is_too_large:
            return None
        for name in raw:
            if name not in _NAMES:
                self.faults.append(
                    Fault(
                        f"{pointer}/{_escape(name)}",
                        "INVALID_FILTER",
                        "A filter has no such part",
                        self.near(name, _NAMES),
                    )
                )
        given = [name for name in ("and", "or", "not", "field") if name in raw]
        if len(given) != 1 or (given != ["field"] and ("operator" in raw or "value" in raw)):
            self.faults.append(
                Fault(
                    pointer, "INVALID_FILTER", "Must have one of and, or, not, or a field with its operator and value"
                )
            )
            return None
        operator = given[0]
        if operator == "field":
            self.clauses += 1
            return self.read_clause(raw, pointer)
        if depth == DEPTH_MAX:
            self.faults.append(Fault(pointer, "TOO_DEEP", f"and, or, not may stand in one another {DEPTH_MAX} deep"))
            return None
        parts = [raw["not"]] if operator == "not" else raw[operator]
        if not isinstance(parts, list):
            return None
        places = [f"{pointer}/not"] if operator == "not" else [f"{pointer}/{operator}/{n}" for n in range(len(parts))]
        read = [self.read_node(one, at, depth + 1) for one, at in zip(parts, places, strict=True)]
        if operator == "not":
            return _denied(read[0]) if read[0] else None
        return Group(operator, tuple(one for one in read if one is not None))  # type: ignore[arg-type]

    def read_clause(self, raw: Mapping[str, Any], pointer: str) -> Node | None:
        field, operator = raw["field"], raw.get("operator")
        kind = self.kind_of(field) if isinstance(field, str) else None
        if isinstance(field, str) and kind is None:
            message = f"Must be a property of contacts, or {CUSTOM_FIELD} and the slug of a custom field"
            known = FIELDS if field.startswith(CUSTOM_FIELD) else (*FIELDS, CUSTOM_FIELD)
            self.faults.append(
                Fault(f"{pointer}/field", "UNKNOWN_FILTER_FIELD", message, self.near(field, list(known)))
            )
        if "operator" not in raw:
            self.faults.append(Fault(f"{pointer}/operator", "REQUIRED", "This is required"))
        if not isinstance(operator, str):
            return None
        operators = OPERATORS[kind or "custom"]  # what custom fields take is all that there is
        if operator not in operators:
            message = f"This field takes {', '.join(operators)}" if kind else "No field takes this operator"
            self.faults.append(
                Fault(f"{pointer}/operator", "UNKNOWN_OPERATOR", message, self.near(operator, operators))
            )
        if kind is None or operator not in operators:
            return None
        if operator in _WITHOUT_VALUE:
            if "value" in raw:
                self.faults.append(Fault(f"{pointer}/value", "INVALID_FILTER", "This operator takes no value"))
        elif "value" not in raw:
            self.faults.append(Fault(f"{pointer}/value", "REQUIRED", "This operator needs a value"))
            return None
        test = _DENIED.get(operator, operator)
        clause = self.read_condition(field, kind, test, raw.get("value"), f"{pointer}/value")
        return _denied(clause) if clause is not None and test != operator else clause

    def kind_of(self, field: str) -> Kind | None:
        """Return the kind of a field, or None if there is none of this name."""
        if not field.startswith(CUSTOM_FIELD):
            return FIELDS.get(field)
        slug = field.removeprefix(CUSTOM_FIELD)
        if self.setting.fields is None:
            return "custom" if _SLUG.fullmatch(slug) else None
        return CUSTOM_KINDS[self.setting.fields[slug].type]

    def read_condition(self, field: str, kind: Kind, operator: str, value: Any, pointer: str) -> Node | None:
        if operator == "isEmpty":
            return Clause(field, "text" if field.startswith(CUSTOM_FIELD) else kind, "isEmpty")
        if kind == "date-time":
            return self.read_moments(field, operator, value, pointer)
        if operator in _RELATIVE:
            return self.read_relative_days(field, operator, value, pointer)
        values = self.read_values(field, kind, operator, value, pointer)
        if values is None:
            return None
        if kind == "option":
            return self.read_options(field, frozenset().union(*values))
        if operator in ("equals", "in", "on"):
            return Clause(field, "text" if kind in _EQUAL_AS_TEXTS else kind, "in", tuple(values))
        if kind == "day":
            values = [_number_of(one) for one in values]
        if kind in _STEPS:
            return Clause(field, kind, "range", _number_range(operator, values, _STEPS[kind]))
        return Clause(field, kind, operator, tuple(values))  # type: ignore[arg-type]

    def read_options(self, field: str, chosen: frozenset[tuple[UUID, str]]) -> Node:
        """Return the condition that a field has one of the options of each workspace: keys of one mean nothing in another."""
        assert self.setting.fields is not None
        options = self.setting.fields[field.removeprefix(CUSTOM_FIELD)].options
        keys = {own: tuple(sorted(key for workspace, key in chosen if workspace == own)) for own in options}
        if len(set(keys.values())) == 1:
            return Clause(field, "text", "in", next(iter(keys.values())))
        clauses = [(Clause("teamId", "id", "in", (str(own),)), Clause(field, "text", "in", keys[own])) for own in keys]
        return Group("or", tuple(Group("and", one) for one in clauses if one[1].values))

    def read_values(self, field: str, kind: Kind, operator: str, value: Any, pointer: str) -> list[Any] | None:
        """Return the values of a condition, or None if one of them has a fault."""
        if operator not in _WITH_LIST:
            value, places = [value], [pointer]
        elif not isinstance(value, list):
            self.faults.append(Fault(pointer, "WRONG_TYPE", "Must be an array"))
            return None
        else:
            count = 2 if operator == "between" else VALUES_MAX
            if len(value) > count:
                self.faults.append(Fault(pointer, "TOO_MANY_ITEMS", f"At most {count} allowed"))
                return None
            if len(value) < (count if operator == "between" else 1):
                message = "Two values needed, the lower one first" if operator == "between" else "Must not be empty"
                self.faults.append(Fault(pointer, "TOO_FEW_ITEMS", message))
                return None
            places = [f"{pointer}/{number}" for number in range(len(value))]
        self.values += len(value)
        read = [self.read_value(field, kind, operator, one, at) for one, at in zip(value, places, strict=True)]
        return None if any(one is None for one in read) else read

    def read_value(self, field: str, kind: Kind, operator: str, value: Any, pointer: str) -> Any:
        types, wanted = _JSON_TYPES.get(kind, ((str,), "a string"))
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            self.faults.append(Fault(pointer, "WRONG_TYPE", f"Must be {wanted}"))
            return None
        if kind == "number":
            return self.in_range(value, NUMBER_MAX, pointer)  # type: ignore[arg-type]
        if isinstance(value, str):
            if not value:
                self.faults.append(Fault(pointer, "TOO_SHORT", "Must not be empty; isEmpty finds what is empty"))
                return None
            if len(value) > VALUE_LENGTH_MAX:
                self.faults.append(Fault(pointer, "TOO_LONG", f"At most {VALUE_LENGTH_MAX} characters allowed"))
                return None
        if kind in _TYPES:
            return self.read_custom_value(field, kind, value, pointer)
        return self.read_text(kind, operator, value, pointer) if isinstance(value, str) else value

    def read_custom_value(self, field: str, kind: Kind, value: Any, pointer: str) -> Any:
        """Return a value of a custom field with a type: a number, the options that it may mean as workspaces and keys, or a text."""
        if kind == "option":
            assert self.setting.fields is not None  # or it would not be known to be one
            options = self.setting.fields[field.removeprefix(CUSTOM_FIELD)].options
            keys = {(workspace, key) for workspace, some in options.items() for key in keys_meant(some, value)}
            if not keys:
                known = [word for some in options.values() for one in some for word in (one.label, one.key)]
                self.faults.append(Fault(pointer, *WRONG["select"], self.near(value, known)))
            return keys or None
        text = value if isinstance(value, str) else _in_digits(value)
        if not FORMS[_TYPES[kind]](text):
            self.faults.append(Fault(pointer, *WRONG[_TYPES[kind]]))
            return None
        return Decimal(text) if kind == "decimal" else text

    def read_text(self, kind: Kind, operator: str, value: str, pointer: str) -> Any:
        if kind == "choice":
            if value not in _CHOICES:
                self.faults.append(Fault(pointer, "UNKNOWN_VALUE", f"Must be one of {', '.join(_CHOICES)}"))
                return None
        elif kind == "id":
            if (id := canonical_uuid(value)) is None:
                self.faults.append(Fault(pointer, "INVALID_ID", "Must be a UUID"))
            return id
        elif kind == "phone number" and operator == "startsWith":
            if not (value[0] == "+" and value[1:].isascii() and value[1:].isdecimal()):
                self.faults.append(
                    Fault(pointer, "INVALID_PHONE_NUMBER", "Must be the beginning of an E.164 number, such as +33")
                )
                return None
        elif kind == "phone number":
            forms = read_forms(value, self.setting.region)
            if forms is None and self.setting.region:
                message = "Must be a phone number of this region, or one with its country code"
                self.faults.append(Fault(pointer, "INVALID_PHONE_NUMBER", message))
            return tuple(forms or ()) or (None if self.setting.region else ())
        elif CONTROL_CHARACTERS.search(value):
            self.faults.append(Fault(pointer, "FORBIDDEN_CHARACTER", "Control characters are not allowed"))
            return None
        elif is_only_accents(value):
            self.faults.append(Fault(pointer, "TOO_SHORT", "Must be more than accents, which do not matter"))
            return None
        return value

    def in_range(self, value: int, maximum: int, pointer: str) -> int | None:
        if 0 <= value <= maximum:
            return value
        if value < 0:
            self.faults.append(Fault(pointer, "TOO_SMALL", "Must be at least 0"))
        else:
            self.faults.append(Fault(pointer, "TOO_LARGE", f"Must be at most {maximum}"))
        return None

    def read_days(self, field: str, operator: str, value: Any, pointer: str) -> int | None:
        days = self.read_value(field, "number", operator, value, pointer)
        return None if days is None else self.in_range(days, DAYS_MAX, pointer)

    def read_relative_days(self, field: str, operator: str, value: Any, pointer: str) -> Clause | None:
        today = self.setting.now.astimezone(self.setting.zone).date()
        first: date | None
        end: date | None
        if operator in (*CALENDAR, *CALENDAR_AHEAD):
            first, end = _calendar(operator, today)
        elif (days := self.read_days(field, operator, value, pointer)) is None:
            return None
        else:
            first, end = {
                "olderThanDays": (None, today - timedelta(days=days)),
                "lastDays": (today - timedelta(days=days), today + timedelta(days=1)),
                "nextDays": (today, today + timedelta(days=days + 1)),
            }[operator]
        bounds = [None if one is None else _number_of(one.isoformat()) for one in (first, end)]
        return Clause(field, "day", "range", tuple(bounds))

    def read_moments(self, field: str, operator: str, value: Any, pointer: str) -> Clause | None:
        if operator in DAYS:
            days = self.read_days(field, operator, value, pointer)
            if days is None:
                return None
            since = self.setting.now - timedelta(days=days)
            bounds = (None, since) if operator == "olderThanDays" else (since, None)
            return Clause(field, "date-time", "range", bounds)
        zone = self.setting.zone
        if operator in CALENDAR:
            first_day, end_day = _calendar(operator, self.setting.now.astimezone(zone).date())
            return Clause(field, "date-time", "range", (_start_of(first_day, zone), _start_of(end_day, zone)))
        spans = self.read_spans(field, operator, value, pointer)
        if spans is None:
            return None
        (first, _), (_, end) = spans[0], spans[-1]
        if operator == "before":
            return Clause(field, "date-time", "range", (None, first))
        return Clause(field, "date-time", "range", (end, None) if operator == "after" else (first, end))

    def read_spans(self, field: str, operator: str, value: Any, pointer: str) -> list[tuple[datetime, datetime]] | None:
        """Return begin and end of each day or moment that a value names."""
        values = self.read_values(field, "date-time", operator, value, pointer)
        if values is None:
            return None
        spans = [_span(one, self.setting.zone, only_days=operator == "on") for one in values]
        for number, span in enumerate(spans):
            if span is None:
                at = f"{pointer}/{number}" if operator in _WITH_LIST else pointer
                form = "a day such as 2026-03-02"
                if operator != "on":
                    form += ", or a date and time with an offset such as 2026-03-02T09:00:00Z"
                self.faults.append(Fault(at, "INVALID_FORMAT", f"Must be {form}"))
        return None if None in spans else spans  # type: ignore[return-value]


_NAMES = ("and", "or", "not", "field", "operator", "value")


def near(name: str, known: Sequence[str]) -> str | UnsetType:
    """Return the known name that was most likely meant, if one looks like it."""
    found = difflib.get_close_matches(name[:NAME_COMPARED_MAX], known, n=1)
    return found[0] if found else UNSET


def _denied(node: Node) -> Node:
    """Return what holds where a condition does not. Denied twice it stands for itself, so that an index can answer it; so do other choices."""
    if isinstance(node, Clause) and node.kind == "choice":
        return node._replace(values=tuple(one for one in _CHOICES if one not in node.values))
    return node.parts[0] if isinstance(node, Group) and node.operator == "not" else Group("not", (node,))


def _number_range(operator: str, values: Sequence[Any], step: Any) -> tuple[Any, Any]:
    low, high = values[0], values[-1]
    return {
        "lessThan": (None, low),
        "before": (None, low),
        "lessOrEqual": (None, low + step),
        "greaterThan": (low + step, None),
        "after": (low + step, None),
        "greaterOrEqual": (low, None),
        "between": (low, high + step),
    }[operator]


def _calendar(operator: str, today: date) -> tuple[date, date]:
    """Return the first day of what an operator names, and the first beyond it."""
    one, week = timedelta(days=1), timedelta(days=7)
    monday, month = today - today.weekday() * one, today.replace(day=1)
    next_month = (month + 31 * one).replace(day=1)
    return {
        "today": (today, today + one),
        "yesterday": (today - one, today),
        "tomorrow": (today + one, today + 2 * one),
        "thisWeek": (monday, monday + week),
        "nextWeek": (monday + week, monday + 2 * week),
        "thisMonth": (month, next_month),
        "lastMonth": ((month - one).replace(day=1), month),
        "nextMonth": (next_month, (next_month + 31 * one).replace(day=1)),
    }[operator]


def _number_of(day: str) -> Decimal:
    return Decimal(day.replace("-", ""))


def _in_digits(value: float | Decimal) -> str:
    """Return a number or truth of JSON as custom fields write it; one with too many digits is still too long."""
    return str(value).lower() if isinstance(value, bool) else f"{Decimal(str(value)):f}"


def _span(text: str, zone: ZoneInfo, *, only_days: bool) -> tuple[datetime, datetime] | None:
    """Return begin and end of a day, or of the millisecond that a moment is; None for what is neither."""
    try:
        if _DAY.fullmatch(text):
            day = date.fromisoformat(text)
            end = _LAST_MOMENT if day == date.max else _start_of(day + timedelta(days=1), zone)
            return _start_of(day, zone), end
        if only_days:
            return None
        moment = msgspec.convert(text, _AwareDatetime).astimezone(UTC)
        moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        return moment, moment + timedelta(milliseconds=1)
    except (ValueError, OverflowError):
        return None


def _start_of(day: date, zone: ZoneInfo) -> datetime:
    """Return when a day begins; for the first and the last ones, no moment beyond the calendar."""
    try:
        return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    except OverflowError:
        return _FIRST_MOMENT if day.year == 1 else _LAST_MOMENT


def _escape(name: str) -> str:
    return name[:NAME_COMPARED_MAX].replace("~", "~0").replace("/", "~1")
