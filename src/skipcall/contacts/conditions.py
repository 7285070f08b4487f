"""What a search asks of contacts, as SQL: exactly, and as an index can answer it (docs/decisions/0011). No I/O.

`contacts.search_text` holds every text of a contact, folded (migration 0009). What a filter says exactly is asked of its parts.
Beside it stands what an index can answer and what follows from the filter: a part of a text (`contacts_by_text`), a
whole value or a number in a range (`contacts_by_value`), what is empty (`contacts_by_traits`, `contacts_by_custom_fields`; docs/decisions/0022). What it says about calls is asked of `contact_call_counts` too (docs/decisions/0020).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple
from uuid import UUID

from skipcall.contacts import trigrams
from skipcall.contacts.filter_fields import CUSTOM_FIELD
from skipcall.contacts.filters import Clause, Group, Node
from skipcall.contacts.ranges import STEP, terms_between
from skipcall.contacts.trigrams import Pattern
from skipcall.custom_fields.model import SearchedField

# Of so many characters an index of phone numbers knows the beginning (migration 0027).
BEGINNINGS = (3, 5, 7, 9)
TERMS_AT_ONCE = 8  # GIN compares each contact that has one of them with all of them
WORKSPACE = ":workspace::uuid"  # of which conditions are asked

_SEPARATOR = "chr(31)"
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
# The columns of `contacts_by_text`, of which each knows nothing of the others (migrations 0031, 0035): these two, and each other property. But for
# names, values begin and end with `q`, since what stands at an edge is then a part of a word like any other; between a slug and its value it stands alone.
_NAMES = "split_part(c.search_text, chr(30), 1)"
_NAMES_AS_ONE_WORD = f"as_one_word({_NAMES})"
_CUSTOM_TEXTS = "split_part(c.search_text, chr(30), 3)"
_CUSTOM_FIELDS = (
    f"""as_one_word(replace(replace({_CUSTOM_TEXTS}, '": "', 'q'), '"' || {_SEPARATOR}, 'q"' || {_SEPARATOR}))"""
)
_OF_NAMES = frozenset(("firstName", "lastName", "email", "company"))
# Whose folded values stand in B-trees (migrations 0024, 0029, 0031).
_ORDERED = frozenset(("firstName", "lastName", "company", "city", "country", "role"))
_ALONE = frozenset(("firstName", "city", "country", "role"))  # by indexes that only searches use
_NEVER_EMPTY = frozenset(("firstName", "lastName"))
_TRAITS = frozenset(("allowPhoneCalls", "lastModificationSource"))
_ADDRESSES = frozenset(("url", "linkedinUrl", "linkedinSalesUrl"))  # their ends tell more than their beginnings
_COLUMNS = {
    **{field: ("c." + re.sub("[A-Z]", r"_\g<0>", field).lower(), "text") for field in _PARTS},
    "lastModificationSource": ("c.last_modification_source", "text"),
    "id": ("c.id", "uuid"),
    "teamId": ("c.workspace_id", "uuid"),
    "callCount": ("c.call_count", "bigint"),
    "allowPhoneCalls": ("c.allow_phone_calls", "boolean"),
    "createdAt": ("c.created_at", "timestamptz"),
    "updatedAt": ("c.updated_at", "timestamptz"),
    "lastCallAt": ("c.last_call_at", "timestamptz"),
}
_RANGED = ("decimal", "day")  # kinds of custom fields
_OF_CALLS = frozenset(("callCount", "lastCallAt"))
_BY_TRIGRAMS = {
    "contains": trigrams.contains,
    "startsWith": trigrams.starts_with,
    "endsWith": trigrams.ends_with,
}
# Which custom fields a contact has a value of (migration 0033).
FILLED_FIELDS = "hashtextextended(jsonb_path_query_array(c.custom_fields, '$.keyvalue().key')::text, 0)"
# What tells that a condition is for an index with many keys of a contact.
_KEYED = {
    "search_keys": "contacts_by_value",
    " LIKE ": "contacts_by_text",
    " ~ ": "contacts_by_text",
    "phone_keys(": "contacts_by_phone_number",
    "phone_beginnings(": "contacts_by_phone_beginning",
}


class Locale(NamedTuple):
    """What a database thinks of texts: whether letters outside ASCII are letters, and whether texts are in the order of their bytes."""

    knows_letters: bool
    is_of_bytes: bool


def text_part(field: str) -> str:
    return f"split_part(c.search_text, {_SEPARATOR}, {_PARTS[field]})"


class Conditions:
    """Makes conditions of one search on contacts `c` or what is known of their calls (`k`), and collects their values.

    `filled` has the slugs of custom fields that some contacts have values of together, by `FILLED_FIELDS`; None if it is not known.
    """

    def __init__(
        self,
        workspace_ids: Sequence[UUID],
        fields: Mapping[str, SearchedField],
        locale: Locale,
        filled: Mapping[int, Sequence[str]] | None = None,
    ) -> None:
        self.values: dict[str, Any] = {}
        self.indexes: set[str] = set()  # that ask for a predicate of their own: `contacts_by_` these
        self.has_ranges = False  # of custom values
        self.all_workspaces = frozenset(workspace_ids)
        self.fields = fields
        self.locale = locale
        self.fields_filled = filled

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
        if node.field in _TRAITS:
            self.indexes.add("traits")
        return self.compared(node, *_COLUMNS[node.field])

    def of_calls(self, node: Node) -> str:
        """Return the condition that a filter is which asks only of calls: of `_CALLS`, where 'epoch' stands for none."""
        if isinstance(node, Group):
            return _grouped(node, self.of_calls)
        if node.field == "callCount":
            return self.compared(node, "k.call_count", "bigint")
        if node.test == "isEmpty":
            return "k.last_call_at = 'epoch'"
        return f"(k.last_call_at > 'epoch' AND {self.compared(node, 'k.last_call_at', 'timestamptz')})"

    def is_empty(self, field: str) -> str:
        """Return the condition that a property is empty, as the index `contacts_by_traits` has it; it is never null."""
        if not field.startswith(CUSTOM_FIELD):
            self.indexes.add("traits")
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
        values = [self.folded(one) for one in clause.values]
        if clause.field in _PARTS:
            text = text_part(clause.field)
        else:
            texts, begin = self.visible(clause.field, _CUSTOM_TEXTS), self.begin_of(clause.field)
            text = f"""split_part(split_part({texts}, {_SEPARATOR} || {begin}, 2), '"' || {_SEPARATOR}, 1)"""
        return {
            "in": f"{text} = ANY(ARRAY[{', '.join(values)}])",
            "contains": f"strpos({text}, {values[0]}) > 0",
            "startsWith": f"starts_with({text}, {values[0]})",
            "endsWith": f"right({text}, length({values[0]})) = {values[0]}",
        }[clause.test]

    def begin_of(self, field: str) -> str:
        """Return what the text of a custom field begins with in `search_text`."""
        return self.value(f'"{field.removeprefix(CUSTOM_FIELD)}": "') + "::text"

    def stored_number(self, clause: Clause) -> str:
        """Return the number that a custom field has, or null. A day is one by its digits."""
        stored = self.stored_value(clause.field)
        return f"replace({stored}, '-', '')::numeric" if clause.kind == "day" else f"({stored})::numeric"

    def stored_value(self, field: str) -> str:
        """Return the text that a custom field has, or null."""
        return self.visible(field, f"c.custom_fields ->> {self.value(field.removeprefix(CUSTOM_FIELD))}::text")

    def visible(self, field: str, stored: str) -> str:
        """Return what is stored of a custom field, or null where it was archived, since its values show no more."""
        workspaces = self.fields[field.removeprefix(CUSTOM_FIELD)].workspace_ids
        if self.all_workspaces.difference(workspaces):
            return f"CASE WHEN c.workspace_id = ANY({self.value(list(workspaces))}::uuid[]) THEN {stored} END"
        return stored

    def numbers_exactly(self, clause: Clause) -> str:
        if clause.test == "in":
            return f"c.phone_numbers && {self.value(_forms(clause))}::text[]"
        # A plus stands at the beginning of a number, and nowhere else in the list.
        return f"strpos(c.phone_numbers::text, {self.value(clause.values[0])}) > 0"

    # --------------------------------------------------------------------------------- what an index says about it

    def indexed(self, node: Node) -> str | None:
        """Return a condition for an index that follows from a filter, or None."""
        if is_of_columns(node):
            return self.exactly(node)
        if isinstance(node, Group):
            if node.operator == "not":
                return self.indexed_denial(node.parts[0])
            parts = [self.indexed(one) for one in node.parts]
            known = [one for one in parts if one]
            if not known or (node.operator == "or" and None in parts):
                return None
            return f"({f' {node.operator.upper()} '.join(known)})"
        if node.kind == "phone number" and node.test == "in":
            numbers = f"{self.value(_forms(node))}::text[]"
            return f"phone_keys(c.workspace_id, c.phone_numbers) && phone_keys({WORKSPACE}, {numbers})"
        if node.kind == "phone number" and node.test == "startsWith":
            size = max((one for one in BEGINNINGS if one <= len(node.values[0])), default=0)
            key = f"text_key({WORKSPACE}, {self.value(node.values[0][:size])})"
            return f"phone_beginnings(c.workspace_id, c.phone_numbers) && ARRAY[{key}]" if size else None
        if node.test == "isEmpty":
            return self.filled_as(node.field.removeprefix(CUSTOM_FIELD), is_filled=False)
        if node.kind in _RANGED:
            return self.in_ranges(node)
        if node.kind != "text":
            return None
        if node.field in _ORDERED and (node.test == "in" or (node.test == "startsWith" and self.locale.is_of_bytes)):
            self.indexes |= {node.field} & _ALONE
            return self.text_exactly(node)
        if node.test == "in":
            return self.among_keys(node)
        if node.field not in _PARTS:
            return self.in_custom_field(node)
        if node.field in _OF_NAMES:
            pattern = Pattern(_NAMES_AS_ONE_WORD, self.folded(node.values[0]))
        else:
            text = f"as_one_word(chr(31) || 'q' || nullif({text_part(node.field)}, '') || 'q' || chr(31))"
            end: Literal["left", "right"] = "right" if node.field in _ADDRESSES else "left"
            pattern = Pattern(
                text, self.folded(node.values[0]), "chr(31) || 'q'", "'q' || chr(31)", end, has_letters=True
            )
        return self.matching(node, pattern) or self.filled(node.field)

    def in_custom_field(self, node: Clause) -> str | None:
        """Return a condition for an index that follows from one on a custom text. One with a quotation mark may be a part of what `q` replaces."""
        value, begin = self.folded(node.values[0]), f"{node.field[-1]}q"
        pattern = Pattern(_CUSTOM_FIELDS, value, self.value(begin) + "::text", "'q\"'", has_letters=True)
        found = self.matching(node, pattern)
        return f"(strpos({value}, '\"') > 0 OR {found})" if found else self.filled(node.field)

    def matching(self, node: Clause, pattern: Pattern) -> str | None:
        """Return a condition for an index that follows from a text's matching a pattern in the way of a clause, or None."""
        return _BY_TRIGRAMS[node.test](pattern, node.values[0], knows_letters=self.locale.knows_letters)

    def among_keys(self, node: Clause) -> str:
        """Return a condition for an index that follows from a text's being one of some values."""
        texts = [self.folded(one) for one in node.values]
        if node.field not in _PARTS:
            texts = [f"""{self.begin_of(node.field)} || {one} || '"'""" for one in texts]
        keys = [f"text_key({WORKSPACE}, {one})" for one in texts]
        return f"c.search_keys && ARRAY[{', '.join(keys)}]"

    def indexed_denial(self, denied: Node) -> str | None:
        """Return a condition for an index that follows from another's not being fulfilled, or None."""
        if isinstance(denied, Group):
            return None
        if denied.test == "isEmpty":
            return self.filled(denied.field)
        if denied.test == "in" and denied.field in _ORDERED and len(denied.values) == 1:
            self.indexes |= {denied.field} & _ALONE
            part, value = text_part(denied.field), self.folded(denied.values[0])
            return f"({part} < {value} OR {part} > {value})"
        return None

    def filled(self, field: str) -> str | None:
        """Return a condition for an index that follows from a property's being filled, or None."""
        if field in _COLUMNS:
            return None if field in _NEVER_EMPTY else f"({self.is_empty(field)}) IS FALSE"
        slug = field.removeprefix(CUSTOM_FIELD)
        if self.fields_filled is not None:
            return self.filled_as(slug, is_filled=True)
        begin = f'"{slug}q'
        pattern = Pattern(_CUSTOM_FIELDS, self.folded(begin))
        return trigrams.contains(pattern, begin, knows_letters=self.locale.knows_letters)

    def filled_as(self, slug: str, *, is_filled: bool) -> str | None:
        """Return a condition for an index that follows from a custom field's being filled or empty, or None."""
        if self.fields_filled is None or (
            not is_filled and self.all_workspaces.difference(self.fields[slug].workspace_ids)
        ):
            return None
        hashes = [one for one, slugs in self.fields_filled.items() if (slug in slugs) is is_filled]
        if len(hashes) == len(self.fields_filled):
            return None
        self.indexes.add("customFields")
        known = next((f":{name}" for name, one in self.values.items() if one == hashes), None)
        return f"{FILLED_FIELDS} = ANY({known or self.value(hashes)}::bigint[])" if hashes else "false"

    def filled_with(self, node: Node) -> str | None:
        """Return another condition for an index that follows from one on a part of a custom text, or None."""
        if isinstance(node, Clause) and node.field.startswith(CUSTOM_FIELD) and node.test in _BY_TRIGRAMS:
            return self.filled(node.field)
        return None

    def word_indexed(self, word: str) -> str | None:
        pattern = Pattern(_NAMES_AS_ONE_WORD, self.folded(word))
        return trigrams.contains(pattern, word, knows_letters=self.locale.knows_letters)

    def in_ranges(self, clause: Clause) -> str:
        """Return a condition for an index that follows from one on a custom number or day."""
        self.has_ranges = True
        ranges = [clause.values] if clause.test == "range" else [(one, one + STEP) for one in clause.values]
        begin = f'"{clause.field.removeprefix(CUSTOM_FIELD)}": "'  # as it stands in `search_text`
        terms = sorted({begin + term for low, end in ranges for term in terms_between(low, end)})
        parts = [terms[place : place + TERMS_AT_ONCE] for place in range(0, max(len(terms), 1), TERMS_AT_ONCE)]
        return (
            f"({' OR '.join(f'c.search_keys && text_keys({WORKSPACE}, {self.value(one)}::text[])' for one in parts)})"
        )


def is_worth_it(condition: str, plan: str) -> bool:
    """Whether a condition for an index helps a plan: computed for each contact it would take longer than what is asked exactly."""
    indexes = [index for sign, index in _KEYED.items() if sign in condition]
    return not indexes or any(f'"{one}"' in plan for one in indexes)


def conjuncts(node: Node) -> list[Node]:
    """Return conditions that must all hold, taken apart as far as they go."""
    if isinstance(node, Group) and node.operator == "and":
        return [one for part in node.parts for one in conjuncts(part)]
    return [node]


def _grouped(group: Group, told: Callable[[Node], str]) -> str:
    parts = [told(one) for one in group.parts]
    if group.operator == "not":
        is_emptiness = isinstance(group.parts[0], Clause) and group.parts[0].test == "isEmpty"
        return f"({parts[0]}) IS {'FALSE' if is_emptiness else 'NOT TRUE'}"
    return f"({f' {group.operator.upper()} '.join(parts)})"


def asks_what_is_filled(node: Node) -> bool:
    """Whether a condition asks anywhere for what helps to know who has a value of a custom field."""
    if isinstance(node, Group):
        return any(asks_what_is_filled(part) for part in node.parts)
    return node.field.startswith(CUSTOM_FIELD) and node.test not in ("in", "range")


def is_of_calls(node: Node) -> bool:
    if isinstance(node, Group):
        return all(is_of_calls(part) for part in node.parts)
    return node.field in _OF_CALLS


def is_of_columns(node: Node) -> bool:
    if isinstance(node, Group):
        return all(is_of_columns(part) for part in node.parts)
    if node.test == "isEmpty":
        return not node.field.startswith(CUSTOM_FIELD)
    return node.kind not in ("text", "phone number", *_RANGED)


def _forms(clause: Clause) -> list[str]:
    return [form for forms in clause.values for form in forms]
