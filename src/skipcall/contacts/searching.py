"""SQL of a search, composed of its conditions (docs/decisions/0011).

`contacts.search_text` holds every text of a contact, folded (migration 0009). What a filter says exactly is asked of its parts.
Beside it stands what an index can answer and what follows from the filter: a part of a text (`contacts_by_text`), or a
whole value (`contacts_by_value`). What it says about calls is asked of `contact_call_counts` too (docs/decisions/0020). The planner chooses by
the values, so these statements run on connections that plan each time.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from skipcall.contacts import trigrams
from skipcall.contacts.filter_fields import CUSTOM_FIELD
from skipcall.contacts.filters import Clause, Group, Node
from skipcall.contacts.model import Contact, ContactView
from skipcall.contacts.queries import COLUMNS, show_contacts
from skipcall.contacts.ranges import STEP, terms_between
from skipcall.contacts.trigrams import Pattern
from skipcall.custom_fields.model import SearchedField
from skipcall.page import COUNT_MAX
from skipcall.postgres.db import Session, Statement

# Of so many characters an index of phone numbers knows the beginning (migration 0027).
BEGINNINGS = (3, 5, 7, 9)
NEAR_MAX = 15_000  # contacts of one workspace that are looked at for a page of what many are
TERMS_AT_ONCE = 8  # GIN compares each contact that has one of them with all of them
# A page that need not be counted is gathered from so many at most, and first looked for near where the planner expects so many.
FEW_MAX, MANY_MIN = 5_000, 20_000

_SEPARATOR = "chr(31)"
_WORKSPACE = ":workspace::uuid"
# Where each text stands in `search_text`, as `split_part` counts.
_PARTS = {
    "firstName": 2,
    "lastName": 3,
    "email": 4,
    "company": 5,
    "city": 7,
    "country": 8,
    "url": 9,
    "linkedinUrl": 10,
    "linkedinSalesUrl": 11,
    "role": 12,
    "externalId": 13,
}
_NAMES, _OTHERS = [f"split_part(c.search_text, chr(30), {number})" for number in (1, 2)]
_OF_NAMES = frozenset(("firstName", "lastName", "email", "company"))
_ADDRESSES = frozenset(("url", "linkedinUrl", "linkedinSalesUrl"))  # their ends tell more than their beginnings
_COLUMNS = {
    **{field: ("c." + re.sub("[A-Z]", r"_\g<0>", field).lower(), "text") for field in _PARTS},
    "lastModificationSource": ("c.last_modification_source", "text"),
    "id": ("c.id", "uuid"),
    "teamId": ("c.workspace_id", "uuid"),
    "callCount": ("c.call_count", "integer"),
    "allowPhoneCalls": ("c.allow_phone_calls", "boolean"),
    "createdAt": ("c.created_at", "timestamptz"),
    "updatedAt": ("c.updated_at", "timestamptz"),
    "lastCallAt": ("c.last_call_at", "timestamptz"),
}


_RANGED = ("decimal", "day")  # kinds of custom fields
_OF_CALLS = frozenset(("callCount", "lastCallAt"))
_CALLS = "contact_call_counts k"
_WITH_CALLS = f"{_CALLS} JOIN contacts c ON c.workspace_id = k.workspace_id AND c.id = k.contact_id"
_BY_TRIGRAMS = {
    "contains": trigrams.contains,
    "startsWith": trigrams.starts_with,
    "endsWith": trigrams.ends_with,
}
_INDEXES = re.compile('"contacts_(by_text|not_ascii|by_value|by_phone_number|by_phone_beginning)"')


def _part(field: str) -> str:
    return f"split_part(c.search_text, {_SEPARATOR}, {_PARTS[field]})"


_KNOWS_LETTERS = Statement("SELECT cardinality(show_trgm('жжж')) > 0")
_LETTERS, _LETTERS_TOLD = "letters outside ASCII", "whether it knows letters outside ASCII"  # in `Session.known`


class Order(NamedTuple):
    """What contacts are sorted by: an SQL expression that is never null, its type there and here, and a column of `_CALLS`."""

    key: str
    column_type: str
    python_type: type[Any]
    of_calls: str | None = None


ORDERS = {
    "createdAt": Order("c.created_at", "timestamptz", datetime),
    "updatedAt": Order("c.updated_at", "timestamptz", datetime),
    "lastName": Order(_part("lastName"), "text", str),
    "company": Order(_part("company"), "text", str),
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
    composer = _Composer(workspace_ids, query, is_first=after is None, knows_letters=await _knows_letters(db))
    values = composer.values | {
        "workspace_ids": workspace_ids,
        **{f"after_{number}": key for number, key in enumerate(after[0] if after else ())},
        "after_id": after[1] if after else None,
        "reach": COUNT_MAX + 1,
        "gathered": (COUNT_MAX if counts else FEW_MAX) + 1,
        "uncounted": None if counts else FEW_MAX + 1,
        "limit": limit,
        "by_slug": view.by_slug,
    }
    if composer.calls:
        composer.called = await db.fetch_value(composer.count_called(), **values)
    are_few = composer.are_few_called
    if composer.indexed and composer.is_first:
        explained = await db.fetch_value(composer.explain(), **values)
        composer.reads_index = bool(_INDEXES.search(explained))
        are_few |= _expected(msgspec.json.decode(explained)[0]["Plan"]) < MANY_MIN
    near_first = not (counts or are_few)
    rows = await db.fetch_rows(composer.compose(are_many=are_many, near_first=near_first), **values)
    keys = [[row[f"key_{number}"] for number in range(len(query.sorts))] for row in rows]
    return Found(await show_contacts(db, rows, view), keys, rows[0]["total"] if rows else 0)


def _expected(plan: dict[str, Any]) -> int:
    """Return how many rows the planner expects, were there no limits."""
    return sum(map(_expected, plan["Plans"])) if plan["Node Type"] in ("Limit", "Append") else plan["Plan Rows"]


async def _knows_letters(db: Session) -> bool:
    """Return whether letters outside ASCII are letters to this database, whose locale decides what is in trigrams."""
    if _LETTERS_TOLD not in db.known:
        db.known.update([_LETTERS_TOLD, *([_LETTERS] if await db.fetch_value(_KNOWS_LETTERS) else [])])
    return _LETTERS in db.known


class _Composer:
    """Makes the statements of a search, and collects their values."""

    def __init__(self, workspace_ids: Sequence[UUID], query: Query, *, is_first: bool, knows_letters: bool) -> None:
        self.values: dict[str, Any] = {}
        self.query = query
        self.knows_letters = knows_letters
        self.is_first = is_first  # of the pages
        self.called: int | None = None  # what `count_called` said
        self.reads_index = True  # to gather contacts: what `explain` said
        self.all_workspaces = frozenset(workspace_ids)
        self.workspaces = {f"workspace_{number}": id for number, id in enumerate(workspace_ids)}
        self.values |= self.workspaces
        self.orders = [ORDERS[sort.removeprefix("-")] for sort in query.sorts]
        self.directions = ["DESC" if sort.startswith("-") else "ASC" for sort in query.sorts]
        self.directions.append(self.directions[-1])  # of the id
        conjuncts = _conjuncts(query.filter) if query.filter else []
        self.calls = [self.of_calls(one) for one in conjuncts if _is_of_calls(one)]
        self.is_narrowed = bool(query.filter or query.words)
        self.asks_only_of_calls = len(self.calls) == len(conjuncts) and not query.words
        self.walks_calls = self.orders[0].of_calls is not None
        self.names = [f"key_{number}" for number in range(len(self.orders))]
        # Conditions on columns stand for themselves, since the planner has statistics of them. Those on parts of the text it would
        # take for far too selective; as one CASE they count as one in two, and what an index answers decides.
        self.of_columns = [self.exactly(one) for one in conjuncts if _is_of_columns(one)]
        texts = [one for one in conjuncts if not _is_of_columns(one)]
        exactly = [*(self.exactly(one) for one in texts), *map(self.word_exactly, query.words)]
        self.of_texts = [f"CASE WHEN {' AND '.join(exactly)} THEN true ELSE false END"] if exactly else []
        self.indexed = [found for one in texts if (found := self.indexed_part(one))]
        self.indexed += [found for one in query.words if (found := self.word_indexed(one))]

    @property
    def are_few_called(self) -> bool:
        """Whether few contacts are what is asked of calls."""
        return self.called is not None and self.called <= COUNT_MAX

    def count_called(self) -> Statement:
        """Return the statement that counts what holds of calls, up to one more than `COUNT_MAX`."""
        conditions = " AND ".join([f"k.workspace_id = {_WORKSPACE}", *self.calls])
        return Statement(
            f"SELECT count(*) FROM ({self.everywhere(f'SELECT FROM {_CALLS} WHERE {conditions}', 'reach')}) AS called"
        )

    def explain(self) -> Statement:
        """Return the statement that tells how the planner would gather what an index can answer."""
        return Statement(f"EXPLAIN (FORMAT JSON) {self.gather(self.indexed)}")

    def compose(self, *, are_many: bool, near_first: bool) -> Statement:
        """Return the statement of a page.

        To be counted, what is found is gathered, up to one more than `COUNT_MAX`, as the planner likes best, and sorted if that is all. If
        there are more, the contacts that come next, whatever they are, soon fill a page; if they do not, the planner chooses again. A page
        that need not be counted is gathered from fewer, and may be looked for `near_first`; the total may be null then.
        """
        in_order = _order_by([*self.names, "id"], self.directions)
        gathers, total = False, "NULL::bigint"
        if not self.is_narrowed:
            total = (
                "SELECT coalesce(sum(count), 0)::bigint FROM contact_counts WHERE workspace_id = ANY(:workspace_ids)"
            )
        elif self.asks_only_of_calls and (self.walks_calls or not self.are_few_called):
            total = f"{self.called}::bigint"
        else:
            gathers = not are_many and (self.is_first or self.walks_calls) and bool(self.of_texts or not near_first)
        steps = []  # a name, what is selected, and how many of it are a page
        if gathers:
            steps.append(("gathered", self.gather_all(), "< :gathered"))
        if self.of_texts and (gathers or are_many):
            near = self.everywhere(self.select_near(), "limit", in_order)
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
        if self.indexed and self.reads_index:
            return self.gather([*self.indexed, *self.of_texts])
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
        told = [f"c.workspace_id = {_WORKSPACE}", "c.deleted_at IS NULL", *self.of_columns, *conditions]
        if with_calls or by_calls:
            told += [f"k.workspace_id = {_WORKSPACE}", *self.calls]
        if not self.is_first:
            told.append(_beyond([*keys, id], self.orders, self.directions))
        named = ", ".join(f"{key} AS {name}" for key, name in zip(keys, self.names, strict=True))
        return f"""
        SELECT {columns}, {named} FROM {_WITH_CALLS if with_calls or by_calls else "contacts c"}
        WHERE {" AND ".join(told)} {_order_by([*keys, id], self.directions) if walks else ""}"""

    def select_near(self) -> str:
        """Return what finds contacts among the next `NEAR_MAX` of one workspace, whose texts are looked at one by one."""
        near = self.select([], with_calls=False, walks=True, columns="c.*")
        return f"""
        SELECT c.workspace_id, c.id, {", ".join(f"c.{name}" for name in self.names)} FROM ({near} LIMIT {NEAR_MAX}) AS c
        WHERE {self.of_texts[0]} {_order_by([f"c.{name}" for name in (*self.names, "id")], self.directions)}"""

    def everywhere(self, selected: str, limit: str, order: str = "") -> str:
        """Return what is selected in each workspace by itself, together, up to a limit.

        Each is a value, so that the planner knows how large the workspace is, and what is frequent there.
        """
        branches = [f"({selected.replace(_WORKSPACE, f':{name}::uuid')} LIMIT :{limit})" for name in self.workspaces]
        return f"SELECT * FROM ({' UNION ALL '.join(branches)}) AS branches {order} LIMIT :{limit}"

    def value(self, value: Any) -> str:
        """Return the parameter that stands for a value."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f":{name}"

    def folded(self, text: str) -> str:
        known = next((f":{name}" for name, one in self.values.items() if one == text and isinstance(one, str)), None)
        return f"fold({known or self.value(text)})"

    # ------------------------------------------------------------------------------------------ what a filter says

    def word_exactly(self, word: str) -> str:
        return f"strpos({_NAMES}, {self.folded(word)}) > 0"

    def exactly(self, node: Node) -> str:
        """Return the condition that a filter is. Null is as good as false, at every place."""
        if isinstance(node, Group):
            return _grouped(node, self.exactly)
        if node.test == "isEmpty":
            return self.is_empty(node.field)
        if node.kind == "text":
            return self.text_exactly(node)
        if node.kind == "phone number":
            return self.numbers_exactly(node)
        if node.kind in _RANGED:
            return self.compared(node, self.stored_number(node), "numeric")
        return self.compared(node, *_COLUMNS[node.field])

    def of_calls(self, node: Node) -> str:
        """Return the condition that a filter is which asks only of calls: of `_CALLS`, where 'epoch' stands for none."""
        if isinstance(node, Group):
            return _grouped(node, self.of_calls)
        if node.field == "callCount":
            return self.compared(node, "k.call_count", "integer")
        if node.test == "isEmpty":
            return "k.last_call_at = 'epoch'"
        return f"(k.last_call_at > 'epoch' AND {self.compared(node, 'k.last_call_at', 'timestamptz')})"

    def is_empty(self, field: str) -> str:
        """Return the condition that a property is empty, as the index `contacts_by_traits` has it; it is never null."""
        if field == "phoneNumbers":
            return "c.phone_numbers = '{}'"
        return f"{_COLUMNS[field][0]} IS NULL" if field in _COLUMNS else f"({self.stored_value(field)}) IS NULL"

    def compared(self, clause: Clause, column: str, type_: str) -> str:
        if clause.test == "in":
            return f"{column} = ANY({self.value(list(clause.values))}::{type_}[])"
        bounds = zip((">=", "<"), clause.values, strict=True)
        told = [f"{column} {sign} {self.value(one)}::{type_}" for sign, one in bounds if one is not None]
        return f"({' AND '.join(told)})"

    def text_exactly(self, clause: Clause) -> str:
        stored = None if clause.field in _PARTS else self.stored_value(clause.field)
        text = _part(clause.field) if stored is None else f"coalesce(fold({stored}), '')"
        values = [self.folded(one) for one in clause.values]
        return {
            "in": f"{text} = ANY(ARRAY[{', '.join(values)}])",
            "contains": f"strpos({text}, {values[0]}) > 0",
            "startsWith": f"starts_with({text}, {values[0]})",
            "endsWith": f"right({text}, length({values[0]})) = {values[0]}",
        }[clause.test]

    def stored_number(self, clause: Clause) -> str:
        """Return the number that a custom field has, or null. A day is one by its digits."""
        stored = self.stored_value(clause.field)
        return f"replace({stored}, '-', '')::numeric" if clause.kind == "day" else f"({stored})::numeric"

    def stored_value(self, field: str) -> str:
        """Return the text that a custom field has, or null."""
        slug = field.removeprefix(CUSTOM_FIELD)
        stored = f"c.custom_fields ->> {self.value(slug)}::text"
        workspaces = self.query.fields[slug].workspace_ids
        if self.all_workspaces.difference(workspaces):  # elsewhere it was archived, and its values show no more
            stored = f"CASE WHEN c.workspace_id = ANY({self.value(list(workspaces))}::uuid[]) THEN {stored} END"
        return stored

    def numbers_exactly(self, clause: Clause) -> str:
        if clause.test == "in":
            return f"c.phone_numbers && {self.value(_forms(clause))}::text[]"
        # A plus stands at the beginning of a number, and nowhere else in the list.
        return f"strpos(c.phone_numbers::text, {self.value(clause.values[0])}) > 0"

    # --------------------------------------------------------------------------------- what an index says about it

    def indexed_part(self, node: Node) -> str | None:
        """Return a condition for an index that follows from a filter, or None."""
        if _is_of_columns(node):
            return self.exactly(node)
        if isinstance(node, Group):
            if node.operator == "not":
                return self.indexed_presence(node.parts[0])
            parts = [self.indexed_part(one) for one in node.parts]
            known = [one for one in parts if one]
            if not known or (node.operator == "or" and None in parts):
                return None
            return f"({f' {node.operator.upper()} '.join(known)})"
        if node.kind == "phone number" and node.test == "in":
            numbers = f"{self.value(_forms(node))}::text[]"
            return f"phone_keys(c.workspace_id, c.phone_numbers) && phone_keys({_WORKSPACE}, {numbers})"
        if node.kind == "phone number" and node.test == "startsWith":
            size = max((one for one in BEGINNINGS if one <= len(node.values[0])), default=0)
            key = f"text_key({_WORKSPACE}, {self.value(node.values[0][:size])})"
            return f"phone_beginnings(c.workspace_id, c.phone_numbers) && ARRAY[{key}]" if size else None
        if node.kind in _RANGED:
            return self.in_ranges(node)
        if node.kind != "text" or node.test == "isEmpty":
            return None
        texts = [self.folded(one) for one in node.values]
        before = after = _SEPARATOR
        if node.field not in _PARTS:
            # As contact_text writes them: after the slug, in quotation marks, without a backslash.
            texts = [rf"replace({one}, '\', '')" for one in texts]
            before, after = """'": "'""", "'\"'"
        if node.test == "in":
            if node.field not in _PARTS:
                slug = self.value(node.field.removeprefix(CUSTOM_FIELD))
                texts = [f"'\"' || {slug}::text || {before} || {one} || {after}" for one in texts]
            keys = [f"text_key({_WORKSPACE}, {one})" for one in texts]
            return f"c.search_keys && ARRAY[{', '.join(keys)}]"
        part = _NAMES if node.field in _OF_NAMES else _OTHERS
        pattern = Pattern(part, texts[0], before, after, "right" if node.field in _ADDRESSES else "left")
        return _BY_TRIGRAMS[node.test](pattern, node.values[0], knows_letters=self.knows_letters)

    def indexed_presence(self, node: Node) -> str | None:
        """Return a condition for an index that follows from a custom field's being filled, if it is that which is denied, or None."""
        if isinstance(node, Group) or node.test != "isEmpty":
            return None
        begin = f'"{node.field.removeprefix(CUSTOM_FIELD)}": "'  # as it stands in `search_text`
        pattern = Pattern(_OTHERS, self.folded(begin), _SEPARATOR, _SEPARATOR)
        return trigrams.contains(pattern, begin, knows_letters=self.knows_letters)

    def word_indexed(self, word: str) -> str | None:
        pattern = Pattern(_NAMES, self.folded(word), _SEPARATOR, _SEPARATOR)
        return trigrams.contains(pattern, word, knows_letters=self.knows_letters)

    def in_ranges(self, clause: Clause) -> str:
        """Return a condition for an index that follows from one on a custom number or day."""
        ranges = [clause.values] if clause.test == "range" else [(one, one + STEP) for one in clause.values]
        begin = f'"{clause.field.removeprefix(CUSTOM_FIELD)}": "'  # as it stands in `search_text`
        terms = sorted({begin + term for low, end in ranges for term in terms_between(low, end)})
        parts = [terms[place : place + TERMS_AT_ONCE] for place in range(0, max(len(terms), 1), TERMS_AT_ONCE)]
        return (
            f"({' OR '.join(f'c.search_keys && text_keys({_WORKSPACE}, {self.value(one)}::text[])' for one in parts)})"
        )


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


def _conjuncts(node: Node) -> list[Node]:
    """Return conditions that must all hold, taken apart as far as they go."""
    if isinstance(node, Group) and node.operator == "and":
        return [one for part in node.parts for one in _conjuncts(part)]
    return [node]


def _grouped(group: Group, told: Callable[[Node], str]) -> str:
    parts = [told(one) for one in group.parts]
    if group.operator == "not":
        is_emptiness = isinstance(group.parts[0], Clause) and group.parts[0].test == "isEmpty"
        return f"({parts[0]}) IS {'FALSE' if is_emptiness else 'NOT TRUE'}"
    return f"({f' {group.operator.upper()} '.join(parts)})"


def _is_of_calls(node: Node) -> bool:
    if isinstance(node, Group):
        return all(_is_of_calls(part) for part in node.parts)
    return node.field in _OF_CALLS


def _is_of_columns(node: Node) -> bool:
    if isinstance(node, Group):
        return all(_is_of_columns(part) for part in node.parts)
    if node.test == "isEmpty":
        return not node.field.startswith(CUSTOM_FIELD)
    return node.kind not in ("text", "phone number", *_RANGED)


def _forms(clause: Clause) -> list[str]:
    return [form for forms in clause.values for form in forms]
