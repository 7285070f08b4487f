"""Random filters over a small world of contacts, beside a plain reading of what the documents say."""

import random
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from skipcall.contacts.conditions import WORKSPACE, Conditions, Locale
from skipcall.contacts.filters import Setting, read_filter
from skipcall.contacts.searching import list_filled
from skipcall.custom_fields.model import CustomFieldOption, Type
from skipcall.custom_fields.queries import find_slugs
from tests.client import Client
from tests.make import Make

# Parts that are easily taken for one another, and those that mean something to JSON, to LIKE and to an index.
PARTS = [
    "Nord",
    "NÖRD",
    "nord",
    "Atelier",
    "é",
    "E",
    "ß",
    "ss",
    "Œ",
    "oe",
    " ",
    ", ",
    '"',
    ": ",
    '": "',
    "“",
    "\\",
    "%",
    "_",
    "0",
    "a",
    "in",
    "yq",
    "ΣΊ",
    "ς",
    "й",
    "и\u0306",
    "И",
    "각",
    unicodedata.normalize("NFD", "각"),
    "가",
    "\u00a0",
    "中",
]
NAMES = ["firstName", "lastName", "email", "company", "city", "country", "role"]
COLUMNS = {"firstName": "first_name", "lastName": "last_name"}
SLUGS = ["industry", "note"]
TEXTS = [*NAMES, *(f"customFields.{slug}" for slug in SLUGS)]
TYPES: dict[str, Type] = {"score": "number", "renewal": "date", "segment": "select", "is_client": "boolean"}
SCORES = [
    "-12.50",
    "-1",
    "-0.05",
    "-0",
    "-0.00",
    "0",
    "0.00",
    "0.1",
    "007",
    "7",
    "9.99",
    "10",
    "12.5",
    "12.50",
    "1234567.89",
    "123456789012345",
]
DAYS = ["0999-12-31", "2025-12-31", "2026-01-01", "2026-01-31", "2026-02-01", "2026-10-01", "9999-12-31"]
OPTIONS = [CustomFieldOption("food", "Food"), CustomFieldOption("retail", "Détail")]
NUMBERS = ["+33639980142", "+33639980143", "+5511987654321", "+551187654321", "+541123456789"]
FORMS = {"+5511987654321": "+551187654321", "+551187654321": "+5511987654321", "+5491123456789": "+541123456789"}
DAY = datetime(2026, 3, 2, 11, tzinfo=UTC)

text = st.lists(st.sampled_from(PARTS), min_size=1, max_size=3).map("".join)
clause = st.one_of(
    st.fixed_dictionaries(
        {
            "field": st.sampled_from(TEXTS),
            "operator": st.sampled_from(["equals", "notEquals", "contains", "notContains", "startsWith", "endsWith"]),
            "value": text,
        }
    ),
    st.fixed_dictionaries(
        {
            "field": st.sampled_from(TEXTS),
            "operator": st.sampled_from(["in", "notIn"]),
            "value": st.lists(text, min_size=1, max_size=3),
        }
    ),
    st.fixed_dictionaries({"field": st.sampled_from(TEXTS), "operator": st.sampled_from(["isEmpty", "isNotEmpty"])}),
    st.fixed_dictionaries(
        {
            "field": st.just("callCount"),
            "operator": st.sampled_from(
                ["equals", "notEquals", "lessThan", "lessOrEqual", "greaterThan", "greaterOrEqual"]
            ),
            "value": st.integers(0, 3),
        }
    ),
    st.fixed_dictionaries({"field": st.just("lastCallAt"), "operator": st.sampled_from(["isEmpty", "isNotEmpty"])}),
    st.fixed_dictionaries({"field": st.just("allowPhoneCalls"), "operator": st.just("equals"), "value": st.booleans()}),
    st.fixed_dictionaries(
        {
            "field": st.sampled_from(["createdAt", "lastCallAt"]),
            "operator": st.sampled_from(["before", "after", "on"]),
            "value": st.integers(-3, 3).map(lambda days: (DAY + timedelta(days=days)).date().isoformat()),
        }
    ),
    st.fixed_dictionaries(
        {"field": st.just("phoneNumbers"), "operator": st.just("equals"), "value": st.sampled_from([*NUMBERS, *FORMS])}
    ),
    st.fixed_dictionaries(
        {
            "field": st.just("phoneNumbers"),
            "operator": st.just("startsWith"),
            "value": st.sampled_from(["+33", "+55119", "+5"]),
        }
    ),
)
typed = st.one_of(
    st.fixed_dictionaries(
        {
            "field": st.just("customFields.score"),
            "operator": st.sampled_from(
                ["equals", "notEquals", "lessThan", "lessOrEqual", "greaterThan", "greaterOrEqual"]
            ),
            "value": st.sampled_from(SCORES) | st.integers(-20, 20) | st.sampled_from([12.5, -0.05, -0.0, 1234567.89]),
        }
    ),
    st.fixed_dictionaries(
        {
            "field": st.just("customFields.score"),
            "operator": st.just("between"),
            "value": st.lists(st.sampled_from(SCORES), min_size=2, max_size=2),
        }
    ),
    st.fixed_dictionaries(
        {
            "field": st.just("customFields.renewal"),
            "operator": st.sampled_from(["before", "after", "on", "equals", "notEquals"]),
            "value": st.sampled_from(DAYS) | st.dates().map(str),
        }
    ),
    st.fixed_dictionaries(
        {
            "field": st.just("customFields.segment"),
            "operator": st.sampled_from(["equals", "notEquals"]),
            "value": st.sampled_from(["food", "Food", "détail", "retail"]),
        }
    ),
    st.fixed_dictionaries(
        {
            "field": st.just("customFields.is_client"),
            "operator": st.sampled_from(["equals", "notEquals"]),
            "value": st.booleans(),
        }
    ),
    st.fixed_dictionaries(
        {
            "field": st.sampled_from([f"customFields.{slug}" for slug in TYPES]),
            "operator": st.sampled_from(["isEmpty", "isNotEmpty"]),
        }
    ),
)
filters = st.recursive(
    clause | typed,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"and": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"or": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"not": inner}),
    ),
    max_leaves=6,
).filter(lambda one: depth(one) <= 5)


def depth(node: dict[str, Any]) -> int:
    parts = node.get("and") or node.get("or") or ([node["not"]] if "not" in node else None)
    return 1 + max(map(depth, parts)) if parts else 0


def fold(value: str) -> str:
    for letter, plain in (("ß", "ss"), ("Œ", "OE"), ("œ", "oe"), ("“", '"'), ("ς", "σ")):
        value = value.replace(letter, plain)
    plain = "".join(one for one in unicodedata.normalize("NFKD", value) if not unicodedata.combining(one))
    # Not str.lower, which writes a sigma at the end of a word in another way.
    return "".join(one.lower() for one in unicodedata.normalize("NFC", plain))


def holds(node: dict[str, Any], contact: dict[str, Any]) -> bool:
    if "and" in node:
        return all(holds(one, contact) for one in node["and"])
    if "or" in node:
        return any(holds(one, contact) for one in node["or"])
    if "not" in node:
        return not holds(node["not"], contact)
    field, operator = node["field"], node["operator"]
    value: Any = node.get("value")
    if field in TEXTS:
        return text_holds(operator, value, contact.get(field) or "")
    if field.removeprefix("customFields.") in TYPES:
        return typed_holds(operator, value, contact[field], TYPES[field.removeprefix("customFields.")])
    if field == "phoneNumbers":
        numbers = contact[field]
        if operator == "startsWith":
            return any(one.startswith(value) for one in numbers)
        return value in numbers or FORMS.get(value) in numbers
    if field in {"createdAt", "lastCallAt"}:
        if operator in {"isEmpty", "isNotEmpty"}:
            return bool((contact[field] is None) == (operator == "isEmpty"))
        day = contact[field] and contact[field][:10]  # the hours are such that the day is the same in Paris
        return bool(day) and {"before": day < value, "after": day > value, "on": day == value}[operator]
    return compared(operator, value, contact[field])


def compared(operator: str, value: Any, mine: Any) -> bool:
    compare: dict[str, Callable[[], bool]] = {
        "equals": lambda: mine == value,
        "on": lambda: mine == value,
        "notEquals": lambda: mine != value,
        "lessThan": lambda: mine < value,
        "before": lambda: mine < value,
        "lessOrEqual": lambda: mine <= value,
        "greaterThan": lambda: mine > value,
        "after": lambda: mine > value,
        "greaterOrEqual": lambda: mine >= value,
        "between": lambda: value[0] <= mine <= value[1],
    }
    return compare[operator]()


def typed_holds(operator: str, value: Any, mine: str | None, type_: Type) -> bool:
    if operator in {"isEmpty", "isNotEmpty"} or mine is None:
        return (mine is None) == (operator in {"isEmpty", "notEquals"})
    if type_ == "select":
        return compared(operator, {"détail": "retail"}.get(value, value.lower()), mine)
    if type_ == "boolean":
        return compared(operator, value, mine == "true")
    if type_ == "number":
        value = [Decimal(str(one)) for one in value] if operator == "between" else Decimal(str(value))
        return compared(operator, value, Decimal(mine))
    return compared(operator, value, mine)  # days are in order as texts are


def text_holds(operator: str, value: Any, mine: str) -> bool:
    mine = fold(mine)
    if operator in {"isEmpty", "isNotEmpty"}:
        return (mine == "") == (operator == "isEmpty")
    if operator in {"in", "notIn"}:
        return (mine in map(fold, value)) == (operator == "in")
    value = fold(value)
    found: dict[str, bool] = {
        "equals": mine == value,
        "notEquals": mine != value,
        "contains": value in mine,
        "notContains": value not in mine,
        "startsWith": mine.startswith(value),
        "endsWith": mine.endswith(value),
    }
    return found[operator]


@settings(max_examples=200)
@given(
    filters,
    st.lists(
        st.sampled_from(
            ["-createdAt", "updatedAt", "lastName", "-company", "lastCallAt", "-lastCallAt", "callCount", "-callCount"]
        ),
        min_size=1,
        max_size=3,
    ),
    st.booleans(),
)
def test_a_search_finds_what_a_plain_filter_finds(
    make: Make, wanted: dict[str, Any], sort: list[str], count_total: bool
) -> None:
    client, contacts = _world(make)
    expected = {id for id, contact in contacts.items() if holds(wanted, contact)}
    body: dict[str, Any] = {"filter": wanted, "sort": sort, "size": 7, "timezone": "Europe/Paris"}
    body["countTotal"] = count_total
    seen: list[str] = []
    while True:
        page = client.post("/v1/contacts/search", body, status=200)
        seen += [one["id"] for one in page["data"]]
        if not page["meta"].get("totalIsLowerBound"):
            assert page["meta"]["total"] == len(expected)
        else:
            assert not count_total
            assert page["meta"]["hasMore"]
            assert page["meta"]["total"] == len(seen) + 1 <= len(expected)
        if page["meta"]["nextCursor"] is None:
            break
        body["cursor"] = page["meta"]["nextCursor"]
    assert len(seen) == len(set(seen))
    assert set(seen) == expected
    if sort[0] in {"callCount", "-callCount", "lastCallAt", "-lastCallAt"}:
        name = sort[0].removeprefix("-")
        keys = [contacts[id][name] or ("" if name == "lastCallAt" else 0) for id in seen]
        assert keys == sorted(keys, reverse=sort[0].startswith("-"))


@settings(max_examples=400)
@given(st.data(), st.booleans())
def test_what_an_index_is_asked_follows_from_a_condition(make: Make, data: st.DataObject, knows_letters: bool) -> None:
    """Among so few contacts no index is read, but nobody who is found may lack what it would be asked."""
    _, contacts = _world(make)
    contact, field = contacts[data.draw(st.sampled_from(sorted(contacts)))], data.draw(st.sampled_from(TEXTS))
    text = contact[field] or "x"
    begin = data.draw(st.integers(0, len(text) - 1))
    value = text[begin : data.draw(st.integers(begin + 1, len(text)))]
    operators = ["contains", "startsWith", "endsWith", "equals", "notEquals", "isEmpty", "isNotEmpty"]
    operator = data.draw(st.sampled_from(operators))
    ids = [row["workspace_id"] for row in make.rows(_WORKSPACES_OF, ids=list(contacts))]
    fields = make.run(find_slugs(make.db, ids, [*SLUGS, *TYPES]))
    asked = {"field": field, "operator": operator, **({} if "Empty" in operator else {"value": value})}
    node, faults = read_filter(asked, Setting("FR", ZoneInfo("Europe/Paris"), DAY, fields))
    if node is None:  # signs that fold to nothing
        assert [one.code for one in faults] == ["TOO_SHORT"]
        return
    filled = make.run(list_filled(make.db, ids))
    conditions = Conditions(ids, fields, Locale(knows_letters=knows_letters, is_of_bytes=True), filled)
    for by_index in conditions.indexed(node), conditions.filled_with(node):
        if by_index is not None:
            found = f"({conditions.exactly(node)}) AND ({by_index.replace(WORKSPACE, 'c.workspace_id')}) IS NOT TRUE"
            sql = f"SELECT search_text FROM contacts c WHERE workspace_id = ANY(:ids) AND {found}"
            assert make.rows(sql, ids=ids, **conditions.values) == []


_WORKSPACES_OF = "SELECT DISTINCT workspace_id FROM contacts WHERE id = ANY(:ids::text[]::uuid[])"
_worlds: dict[int, tuple[Client, dict[str, dict[str, Any]]]] = {}


def _world(make: Make) -> tuple[Client, dict[str, dict[str, Any]]]:
    """Return a client for two workspaces and the contacts in them by id, made once. One field is archived in one of them."""
    if id(make) not in _worlds:
        team = make.team()
        other = team.workspace()
        for workspace_id in (team.workspace_id, other):
            for name in ("Industry", "Note"):
                make.custom_field(workspace_id, name)
            for slug, type_ in TYPES.items():
                options = OPTIONS if type_ == "select" else []
                make.custom_field(workspace_id, slug.replace("_", " ").capitalize(), type=type_, options=options)
        draw = random.Random(2606)
        contacts = dict(_contact(make, draw.choice([team.workspace_id, other]), draw, number) for number in range(60))
        hidden = {
            str(row["id"]) for row in make.rows("SELECT id FROM contacts WHERE workspace_id = :other", other=other)
        }
        make.value(
            "UPDATE custom_fields SET archived_at = now() WHERE workspace_id = :other AND slug = 'note' RETURNING 1",
            other=other,
        )
        for one in hidden:
            contacts[one]["customFields.note"] = None
        _worlds[id(make)] = team.client_for(team.workspace_id, other), contacts
    return _worlds[id(make)]


def _contact(make: Make, workspace_id: Any, draw: random.Random, number: int) -> tuple[str, dict[str, Any]]:
    def some(*, needed: bool = False) -> str | None:
        value = "".join(draw.choices(PARTS, k=draw.randint(1, 3)))
        return value if needed or draw.random() < 0.7 else None

    contact: dict[str, Any] = {name: some(needed=name in COLUMNS) for name in NAMES}
    contact |= {f"customFields.{slug}": some() if draw.random() < 0.8 else 'Nord": "in' for slug in SLUGS}
    values = {"score": SCORES, "renewal": DAYS, "segment": ["food", "retail"], "is_client": ["true", "false"]}
    contact |= {
        f"customFields.{slug}": draw.choice(ones) if draw.random() < 0.8 else None for slug, ones in values.items()
    }
    contact["phoneNumbers"] = draw.sample(NUMBERS, draw.randint(1, 2))
    contact["allowPhoneCalls"] = draw.random() < 0.5
    contact_id = make.contact(
        workspace_id,
        {slug: value for slug in (*SLUGS, *TYPES) if (value := contact[f"customFields.{slug}"])},
        **{COLUMNS.get(name, name): contact[name] for name in NAMES},
        phone_numbers=contact["phoneNumbers"],
        allow_phone_calls=contact["allowPhoneCalls"],
    )
    contact["createdAt"] = (DAY + timedelta(days=draw.randint(-3, 3))).isoformat()
    make.value(
        "UPDATE contacts SET created_at = :moment::text::timestamptz WHERE id = :id RETURNING 1",
        moment=contact["createdAt"],
        id=contact_id,
    )
    days = [draw.randint(-3, 3) for _ in range(draw.choice([0, 0, 1, 2]))]
    for one in days:
        make.call(workspace_id, contact_id=contact_id, started_at=DAY + timedelta(days=one))
    contact["callCount"] = len(days)
    contact["lastCallAt"] = (DAY + timedelta(days=max(days))).isoformat() if days else None
    return str(contact_id), contact
