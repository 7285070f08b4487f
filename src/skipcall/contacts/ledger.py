"""What becomes of contacts by items that are written one after the other: whom their keys lead to, and what is changed. No I/O."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET

from skipcall import ids
from skipcall.contacts.model import PHONE_NUMBERS_MAX, CustomValueTaken, PersonErased
from skipcall.contacts.upsert_model import (
    CANDIDATES_MAX,
    AmbiguousMatch,
    Candidate,
    MatchedKey,
    MatchKey,
    Status,
    UpsertContact,
    UpsertOptions,
)
from skipcall.errors import Fault, Invalid, Refusal
from skipcall.phone_numbers.forms import compared_form

NAMES = {field.name: field.encode_name for field in msgspec.structs.fields(UpsertContact) if field.name != "id"}
COLUMNS = tuple(name for name in NAMES if name != "custom_fields")
_REQUIRED = ("first_name", "last_name", "phone_numbers")
_EMPTY = (None, "")
_NAMED_NUMBER = ("last_name", "phone_numbers")
# What tells who a person is, also once they were erased (`contacts/erased.py`).
OF_PERSON = ("email", "linkedin_url", "linkedin_sales_url", "external_id", *_NAMED_NUMBER)


class Given(msgspec.Struct, frozen=True):
    """What an item gives: `values` by column, "" or None where one is to be cleared, custom values by slug likewise.

    A custom value is kept in the form that `forms` has by its slug, and is wrong if `faults` has one. What a contact has
    already is neither: it is right as it is, whatever became of the field.
    """

    id: UUID | None
    values: dict[str, Any]
    custom_values: dict[str, str | None]
    forms: dict[str, str] = {}
    faults: dict[str, Fault] = {}

    def kept(self, slug: str) -> str:
        """Return a custom value as it would be kept, "" without one."""
        return self.forms.get(slug) or self.custom_values.get(slug) or ""

    def beside(self, stored: Mapping[str, str]) -> tuple[dict[str, str | None], list[Fault]]:
        """Return the custom values as they are kept by a contact that has these already, and what is wrong with them."""
        custom_values = dict(self.custom_values)
        faults = []
        for slug, text in self.custom_values.items():
            if text and text != stored.get(slug):
                custom_values[slug] = self.forms.get(slug, text)
                faults += [self.faults[slug]] if slug in self.faults else []
        return custom_values, faults


class Record(msgspec.Struct):
    """A contact as the items so far have made it. `values` by column; `version` is 0 before a new one is kept.

    `aliases` are those of the external ids asked for that contacts had which were merged into it.
    """

    id: UUID
    version: int
    values: dict[str, Any]
    is_new: bool = False
    aliases: Sequence[str] = ()


class Step(msgspec.Struct, frozen=True):
    """One change of one contact, as it is recorded."""

    type: Literal["contact.created", "contact.updated"]
    id: UUID
    version: int
    changes: dict[str, list[Any]] | None


class Outcome(msgspec.Struct, frozen=True):
    """What becomes of one item: a record that is written or needs no writing, or a refusal."""

    status: Status
    record: Record | None = None
    matched_by: list[MatchKey] = []
    changes: dict[str, list[Any]] | None = None
    refusal: Refusal | None = None
    kept_refusal: bool = False  # `allowPhoneCalls` is false as before, though the item says true


def refused(refusal: Refusal) -> Outcome:
    """Return the outcome of an item that is refused."""
    return Outcome("ambiguous" if isinstance(refusal, AmbiguousMatch) else "error", refusal=refusal)


class Ledger:
    """The contacts that the keys of a request lead to, as its items make them, one after the other.

    `folded` says of each e-mail address, of items and contacts, what it is compared by. Afterwards `steps` is what was done, in order, and
    `written` the records that it was done to. `required_slugs` are those of custom fields that must have a value; `unique_slugs` those whose
    values one contact may have: that holds among the records, the database judges the others. `erased_keys` returns which keys of people
    who were erased are among the values of a contact, by column. Rows of a file (`is_file`) set `allowPhoneCalls` of no contact to true again, nor do
    they take away the blanks around a value, which a file does not tell; and the number of a switchboard makes nobody into somebody else.
    """

    def __init__(
        self,
        records: Iterable[Record],
        folded: Mapping[str, str],
        options: UpsertOptions,
        required_slugs: Sequence[str] = (),
        unique_slugs: Sequence[str] = (),
        erased_keys: Callable[[Mapping[str, Any]], set[bytes]] = lambda _: set(),
        *,
        is_file: bool = False,
    ) -> None:
        self._folded = folded
        self._erased_keys = erased_keys
        self._is_file = is_file
        self._unique_slugs = unique_slugs
        self._required_slugs = required_slugs
        self._match = frozenset(options.match) | {"id"}  # whoever names one means it
        self._mode = options.mode
        self._modes = {name: mode for name in NAMES if (mode := getattr(options.modes, name)) is not UNSET}
        self._records: dict[UUID, Record] = {}
        self._holders: dict[tuple[str, str], dict[UUID, None]] = {}
        self.steps: list[Step] = []
        self.written: dict[UUID, Record] = {}
        self._aliases: dict[str, list[UUID]] = {}
        for record in records:
            self._keep(record)
            for alias in record.aliases:
                self._aliases.setdefault(alias, []).append(record.id)

    def apply(self, given: Given, *, allow_erased: bool = False) -> Outcome:
        """Create or change what an item leads to, or say why not: nobody becomes somebody who was erased, unless that is allowed."""
        hits: dict[UUID, list[MatchedKey]] = {}
        # An externalId is unique, so whoever has it counts, asked for or not. If nobody has, it may be an alias, which is not.
        for key, value in keys_of(given.id, given.values):
            led_to: Iterable[UUID] = ()
            if key in self._match or key == "externalId":
                led_to = self._holders.get((key, compared(key, value, self._folded)), ())
            if key in self._match and key == "externalId":
                led_to = led_to or self._aliases.get(value, ())
            for id in led_to:
                hits.setdefault(id, []).append(MatchedKey(key, value))
        if not hits:
            return self._create(given, allow_erased=allow_erased)
        # Who is named by id may share a number or an address with others, as a PATCH lets them; an externalId they may not.
        if any(one.key == "id" for keys in hits.values() for one in keys):
            hits = {id: keys for id, keys in hits.items() if {one.key for one in keys} & {"id", "externalId"}}
        id, keys = next(iter(hits.items()))
        matched_by = list(dict.fromkeys(one.key for one in keys))
        record = self._records[id]
        # Its own id is not taken from a contact by a phone number, nor by one of its aliases.
        known, meant = record.values["external_id"], given.values.get("external_id")
        keeps_own = bool(known and meant and known != meant) and "id" not in matched_by
        is_unclear = len(hits) > 1 or not self._match & set(matched_by) or (keeps_own and meant not in record.aliases)
        if is_unclear or (matched_by == ["phoneNumbers"] and self._is_other(record, given)):
            return refused(AmbiguousMatch([self._candidate(*hit) for hit in list(hits.items())[:CANDIDATES_MAX]]))
        custom_values, faults = given.beside(record.values["custom_fields"])
        values = given.values | {"external_id": known} if keeps_own else given.values
        after = self._merge(record.values, values, custom_values)
        kept_refusal = self._is_file and after["allow_phone_calls"] and not record.values["allow_phone_calls"]
        if kept_refusal:
            after["allow_phone_calls"] = False
        if len(after["phone_numbers"]) > PHONE_NUMBERS_MAX:
            text = f"With those that are there more than {PHONE_NUMBERS_MAX}"
            faults.append(Fault("/phoneNumbers", "TOO_MANY_ITEMS", text))
        cleared = record.values["custom_fields"].keys() - after["custom_fields"].keys()
        faults += [_missing(slug) for slug in self._required_slugs if slug in cleared]
        if faults:
            return refused(Invalid(faults))
        is_same = all(after[name] == record.values[name] for name in OF_PERSON)
        if not (allow_erased or is_same) and self._erased_keys(after) - self._erased_keys(record.values):
            return refused(PersonErased())
        if taken := self._taken(after["custom_fields"], record.id):
            return refused(CustomValueTaken(taken))
        changes = {
            NAMES[name]: [before, after[name]] for name, before in record.values.items() if after[name] != before
        }
        if not changes:
            return Outcome("unchanged", record, matched_by, kept_refusal=kept_refusal)
        self._write(record, after, "contact.updated", changes)
        return Outcome("updated", record, matched_by, changes, kept_refusal=kept_refusal)

    def _create(self, given: Given, *, allow_erased: bool) -> Outcome:
        if given.id is not None:
            return refused(Invalid([Fault("/id", "UNKNOWN_CONTACT", "The workspace has no contact with this id")]))
        text = "No contact has these keys, and a new one needs this"
        missing = [Fault(f"/{NAMES[name]}", "REQUIRED", text) for name in _REQUIRED if name not in given.values]
        custom_values, faults = given.beside({})
        faults = missing + faults
        faults += [_missing(slug) for slug in self._required_slugs if not custom_values.get(slug)]
        if faults:
            return refused(Invalid(faults))
        empty: dict[str, Any] = {**dict.fromkeys(COLUMNS), "custom_fields": {}}
        values = {"allow_phone_calls": True} | {
            name: value for name, value in given.values.items() if value not in _EMPTY
        }
        is_erased = bool(self._erased_keys(values))
        if is_erased and not allow_erased:
            return refused(PersonErased())
        values["custom_fields"] = {slug: value for slug, value in custom_values.items() if value}
        if taken := self._taken(values["custom_fields"], None):
            return refused(CustomValueTaken(taken))
        record = Record(ids.new_id(), 0, empty, is_new=True)
        changes: Any = {"allowErased": [None, True]} if is_erased else None
        self._write(record, empty | values, "contact.created", changes)
        return Outcome("created", record)

    def _merge(
        self, before: Mapping[str, Any], values: Mapping[str, Any], custom_values: Mapping[str, str | None]
    ) -> dict[str, Any]:
        after = dict(before)
        for name, value in values.items():
            mode = self._modes.get(name, self._mode)
            if mode == "append":
                telephones = {compared_form(one): one for one in reversed(value)}  # in the first form of each
                there = {compared_form(one) for one in before[name]}
                after[name] = [
                    *before[name],
                    *(one for form, one in reversed(telephones.items()) if form not in there),
                ]
            elif (mode == "overwrite" and not self._is_alike(before[name], value)) or before[name] in _EMPTY:
                after[name] = None if value in _EMPTY else value
        mode = self._modes.get("custom_fields", self._mode)
        stored = before["custom_fields"]
        custom_values = {slug: one for slug, one in custom_values.items() if not self._is_alike(stored.get(slug), one)}
        merged = stored | custom_values if mode == "overwrite" else custom_values | stored
        after["custom_fields"] = {slug: one for slug, one in merged.items() if one}
        return after

    def _is_other(self, record: Record, given: Given) -> bool:
        """Whether a row that only a telephone leads to a contact is about somebody else who has it too: no name is the same, nor the address."""
        told = given.values
        if not (self._is_file and told.get("first_name") and told.get("last_name")):
            return False
        names, others = ({one["first_name"].casefold(), one["last_name"].casefold()} for one in (record.values, told))
        email = (told.get("email") or "").casefold()
        return names.isdisjoint(others) and not (email and email == (record.values["email"] or "").casefold())

    def _is_alike(self, stored: Any, value: Any) -> bool:
        return self._is_file and isinstance(stored, str) and stored.strip() == value

    def _write(self, record: Record, after: dict[str, Any], type: Any, changes: dict[str, list[Any]] | None) -> None:
        for key in self.keys_held(record):
            self._holders[key].pop(record.id, None)
        record.values = after
        record.version += 1
        self._keep(record)
        self.written[record.id] = record
        self.steps.append(Step(type, record.id, record.version, changes))

    def _keep(self, record: Record) -> None:
        self._records[record.id] = record
        for key in self.keys_held(record):
            self._holders.setdefault(key, {})[record.id] = None

    def is_new(self, id: UUID) -> bool:
        """Whether a contact is one that the items made."""
        return self._records[id].is_new

    def keys_held(self, record: Record) -> list[tuple[str, str]]:
        """Return what a record is found by: its keys, and its values of unique fields by `field_key`."""
        if not record.version:
            return []
        held: list[tuple[str, str]] = [
            (key, compared(key, value, self._folded)) for key, value in keys_of(record.id, record.values)
        ]
        if self._unique_slugs:
            values = record.values["custom_fields"]
            held += [(field_key(slug), values[slug]) for slug in self._unique_slugs if slug in values]
        return held

    def _taken(self, custom_values: Mapping[str, str | None], id: UUID | None) -> list[Fault]:
        faults = []
        for slug in self._unique_slugs:
            others = [
                one for one in self._holders.get((field_key(slug), custom_values.get(slug) or ""), ()) if one != id
            ]
            # A contact that the items made is known to nobody yet.
            known = [str(one) for one in others if not self.is_new(one)]
            if others:
                text = "The contact in `suggestion` has this value" if known else "An earlier item has this value"
                faults.append(Fault(f"/customFields/{slug}", "CUSTOM_VALUE_TAKEN", text, known[0] if known else UNSET))
        return faults

    def _candidate(self, id: UUID, keys: list[MatchedKey]) -> Candidate:
        return Candidate(str(id), self._records[id].values["external_id"], keys)


def known_anew(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what a contact is known by only after a change, by column, each by itself but for a phone number and the last name."""
    parts = [
        {column: after[column]}
        for column in OF_PERSON
        if column not in _NAMED_NUMBER and after[column] != before[column]
    ]
    named = {column: after[column] for column in _NAMED_NUMBER}
    return [*parts, named] if named != {column: before[column] for column in _NAMED_NUMBER} else parts


def _missing(slug: str) -> Fault:
    return Fault(f"/customFields/{slug}", "REQUIRED_CUSTOM_FIELD", "A contact must have a value of this field")


def field_key(slug: str) -> str:
    """Return what values of a unique field are kept by beside those of keys: a slug may be `email`."""
    return f"customFields.{slug}"


def keys_of(id: UUID | None, values: Mapping[str, Any]) -> Iterator[tuple[MatchKey, str]]:
    """Yield the keys among the values of a contact or an item."""
    if id is not None:
        yield "id", str(id)
    if values.get("external_id"):
        yield "externalId", values["external_id"]
    for number in values.get("phone_numbers") or ():
        yield "phoneNumbers", number
    if values.get("email"):
        yield "email", values["email"]


def compared(key: MatchKey, value: str, folded: Mapping[str, str]) -> str:
    """Return what a key is compared by: an e-mail address as it is `folded`, a phone number by one of its forms."""
    return compared_form(value) if key == "phoneNumbers" else folded.get(value, value)


def has_key(given: Given, match: Iterable[MatchKey]) -> bool:
    """Whether an item has a key that may lead to a contact; an id always may."""
    return any(key in match or key == "id" for key, _ in keys_of(given.id, given.values))
