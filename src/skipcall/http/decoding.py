"""From bytes to a struct, or to every fault in them.

The fast way is msgspec's, which stops at the first fault; only when it has found one does the slow way look at
each property by itself. A body or query struct may add rules that types cannot say, in a static method
`faults_in(fields)` that gets the properties of the right type by their name on the wire; inside an array or an object there
may be parts of a wrong type, which have their fault already.
"""

import difflib
import json
import math
import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any
from urllib.parse import parse_qsl, quote
from uuid import UUID

import msgspec
from msgspec import inspect

from skipcall.errors import FAULTS_MAX, Fault, Invalid

BODY_BYTES_MAX = 262_144
DEPTH_MAX = 8
QUERY_PARAMETERS_MAX = 50
EXACT_DIGITS = 15  # of a float
_NOT_ZERO = re.compile(r"-?[0.]*[1-9]")
_OUT_OF_RANGE = "out of range"  # as msgspec says it of an integer
IGNORED_NAMES_MAX = 20
IGNORED_NAME_LENGTH_MAX = 100

_AwareDatetime = Annotated[datetime, msgspec.Meta(tz=True)]

_TYPE_NAMES = {
    inspect.StrType: "a string",
    inspect.BoolType: "true or false",
    inspect.IntType: "a whole number",
    inspect.FloatType: "a number",
    inspect.ListType: "an array",
    inspect.DictType: "an object",
    inspect.StructType: "an object",
    inspect.UUIDType: "a UUID",
    inspect.DateTimeType: "an ISO 8601 date and time with an offset, such as 2026-11-23T08:00:00Z",
}


class Shape:
    """What an operation takes, worked out once: the type, the names it knows, the value when nothing is sent.

    A body may also be an array; `names` are then those of its items.
    """

    def __init__(self, type_: Any) -> None:
        self.type = type_
        self.info = inspect.type_info(type_)
        whole = _without_metadata(self.info)
        part = whole.item_type if isinstance(whole, inspect.ListType) else whole
        self.fields = {one.encode_name: one for one in getattr(part, "fields", ())}
        self.names = frozenset(self.fields)
        self.faults_in = getattr(type_, "faults_in", None)
        needed = part is not whole or any(one.required for one in self.fields.values())
        self.nothing = None if needed else msgspec.convert({}, type_)

    @cached_property
    def parts(self) -> "dict[str, Shape]":
        """The objects inside, for the names in them; not those in arrays. An object may hold others of its own kind."""
        inner = {name: _without_metadata(one.type) for name, one in self.fields.items()}
        return {name: Shape(one.cls) for name, one in inner.items() if isinstance(one, inspect.StructType)}

    def convert(self, value: Any, *, strict: bool, place: str = "") -> tuple[Any, list[Fault]]:
        """Return the struct made of a decoded value, or None and every fault in it."""
        try:
            struct = msgspec.convert(value, self.type, strict=strict)
            # Read leniently, the text "null" is None too; it is a value like any other.
            is_misread = not strict and any(one.lower() == "null" for one in value.values())
        except msgspec.ValidationError:
            struct, is_misread = None, True
        faults = list(_faults(value, self.info, place, strict=strict)) if is_misread else []
        if self.faults_in and not faults:
            faults.extend(self.faults_in(value))
        elif self.faults_in and isinstance(value, dict):
            bad = {fault.pointer for fault in faults}
            good = {name: one for name, one in value.items() if name in self.names and f"{place}/{name}" not in bad}
            faults.extend(fault for fault in self.faults_in(good) if fault.pointer not in bad)
        return (None, faults) if faults else (struct, faults)

    def unknown_in(self, value: Any) -> list[tuple[str, str, "Shape"]]:
        """Return the names in a decoded body that are not known, each with the pointer to its object and what that takes."""
        items = ((f"/{number}", one) for number, one in enumerate(value)) if isinstance(value, list) else (("", value),)
        found = [
            (place, name, self)
            for place, one in items
            if isinstance(one, dict) and not one.keys() <= self.names
            for name in one
            if name not in self.names
        ]
        for part, shape in self.parts.items():
            if isinstance(value, dict) and part in value:
                found += [(f"/{part}{place}", name, one) for place, name, one in shape.unknown_in(value[part])]
        return found


def decode_json(raw: bytes, depth_max: int = DEPTH_MAX) -> Any:
    """Return the value of a JSON text in UTF-8 (RFC 8259). Raises `Invalid`.

    Refused beside what is no JSON: a property that stands twice in one object, and nesting beyond `depth_max`. A number that a float would
    round is a `Decimal`.
    """
    try:
        value = _decode(raw)
        strings = _count_strings(value, depth_max)
        # Without a backslash every quotation mark delimits a string, so a count that differs means that a name
        # was dropped as a duplicate. With one, the slower parser looks at every pair.
        if b"\\" in raw or raw.count(b'"') != 2 * strings:
            json.loads(raw, object_pairs_hook=_unique_pairs)
    except (_TooDeep, RecursionError):
        raise Invalid([Fault("", "TOO_DEEP", f"The body is nested deeper than {depth_max} levels")]) from None
    except _Duplicate as duplicate:
        raise Invalid([Fault("", "DUPLICATE_KEY", "A property stands twice in one object")]) from duplicate
    except (msgspec.MsgspecError, ValueError) as error:
        message = (
            "A number in the body is out of range"
            if _OUT_OF_RANGE in str(error)
            else "The body is not valid JSON in UTF-8"
        )
        raise Invalid([Fault("", "MALFORMED_JSON", message if raw else "A body is needed")]) from error
    return value


def decode_query(text: str, shape: Shape, *, strict: bool) -> tuple[Any, list[Fault], list[str]]:
    """Return the struct of a query string, its faults, and the names that are not known and were not applied."""
    if not text:
        return shape.nothing, [], []
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=QUERY_PARAMETERS_MAX, errors="strict")
    except ValueError:
        fault = Fault("/query", "MALFORMED_QUERY", "The query string is not valid, or has too many parameters")
        return None, [fault], []
    values = dict(pairs)
    faults = []
    if len(values) != len(pairs):
        names = [name for name, _ in pairs]
        faults = [
            Fault(f"/query/{_escape(name)}", "DUPLICATE_PARAMETER", "This parameter may be given once")
            for name in values
            if names.count(name) > 1 and name in shape.names
        ]
    known = {name: value for name, value in values.items() if name in shape.names}
    struct, more = shape.convert(known, strict=False, place="/query")
    unknown = [name for name in values if name not in shape.names]
    faults += more
    if strict:
        faults += unknown_names(unknown, shape, "/query")
    return struct, faults, unknown


def unknown_names(names: list[str], shape: Shape, place: str = "") -> Iterator[Fault]:
    """Yield a fault for each name that a shape does not know, with the known one that looks like it.

    As many as an answer tells, since looking for likeness takes its time.
    """
    for name in names[:FAULTS_MAX]:
        near = difflib.get_close_matches(name[:IGNORED_NAME_LENGTH_MAX], shape.names, n=1)
        pointer = f"{place}/{_escape(name[:IGNORED_NAME_LENGTH_MAX])}"
        yield Fault(
            pointer, "UNKNOWN_FIELD", "This name is not one that can be set", near[0] if near else msgspec.UNSET
        )


def header_list(names: list[str]) -> str:
    """Return names as one header value; whatever is not a plain name is percent-encoded."""
    shown = [quote(name[:IGNORED_NAME_LENGTH_MAX], safe="$[]") for name in names[:IGNORED_NAMES_MAX]]
    return ", ".join(shown) + (", ..." if len(names) > IGNORED_NAMES_MAX else "")


def _without_metadata(info: inspect.Type) -> inspect.Type:
    return info.type if isinstance(info, inspect.Metadata) else info


def _read_number(text: str) -> float | Decimal:
    number = float(text)
    if math.isinf(number):
        raise ValueError(_OUT_OF_RANGE)
    if not number and _NOT_ZERO.match(text):
        return math.copysign(math.ulp(0.0), number)  # what is too small for a float is not nothing
    is_exact = len(text) <= EXACT_DIGITS or not number or Decimal(repr(number)) == Decimal(text)
    return number if is_exact else Decimal(text)


_decode = msgspec.json.Decoder(float_hook=_read_number).decode


class _TooDeep(Exception):
    pass


class _Duplicate(Exception):
    pass


def _count_strings(value: Any, depth_left: int) -> int:
    if isinstance(value, str):
        return 1
    if not isinstance(value, dict | list):
        return 0
    if not depth_left:
        raise _TooDeep
    if isinstance(value, list):
        return sum([_count_strings(one, depth_left - 1) for one in value])
    return len(value) + sum([_count_strings(one, depth_left - 1) for one in value.values()])


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Duplicate
    return found


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _faults(value: Any, info: inspect.Type, pointer: str, *, strict: bool) -> Iterator[Fault]:
    """Yield what is wrong with a value and, if it is a collection of the right kind, with each of its parts."""
    while isinstance(info, inspect.Metadata | inspect.UnionType):
        if isinstance(info, inspect.Metadata):
            info = info.type
        elif value is None and info.includes_none:
            return
        else:
            info = next(one for one in info.types if not isinstance(one, inspect.NoneType))
    if isinstance(info, inspect.AnyType):
        return
    if value is None:
        yield Fault(pointer, "NULL_NOT_ALLOWED", "This must not be null")
    elif isinstance(info, inspect.StructType) and isinstance(value, dict):
        for field in info.fields:
            name = f"{pointer}/{_escape(field.encode_name)}"
            if field.encode_name in value:
                yield from _faults(value[field.encode_name], field.type, name, strict=strict)
            elif field.required:
                yield Fault(name, "REQUIRED", "This is required")
    elif isinstance(info, inspect.ListType) and isinstance(value, list):
        yield from _size_faults(len(value), info, pointer)
        for number, one in enumerate(value):
            yield from _faults(one, info.item_type, f"{pointer}/{number}", strict=strict)
    elif isinstance(info, inspect.DictType) and isinstance(value, dict):
        yield from _size_faults(len(value), info, pointer)
        for name, one in value.items():
            yield from _faults(one, info.value_type, f"{pointer}/{_escape(name)}", strict=strict)
    else:
        yield from _leaf_faults(value, info, pointer, strict=strict)


def _size_faults(size: int, info: inspect.ListType | inspect.DictType, pointer: str) -> Iterator[Fault]:
    if info.min_length is not None and size < info.min_length:
        message = "Must not be empty" if info.min_length == 1 else f"At least {info.min_length} items needed"
        yield Fault(pointer, "TOO_FEW_ITEMS", message)
    if info.max_length is not None and size > info.max_length:
        yield Fault(pointer, "TOO_MANY_ITEMS", f"At most {info.max_length} allowed")


def _leaf_faults(value: Any, info: inspect.Type, pointer: str, *, strict: bool) -> Iterator[Fault]:
    if isinstance(info, inspect.StrType) and isinstance(value, str):
        if info.min_length is not None and len(value) < info.min_length:
            message = "Must not be empty" if info.min_length == 1 else f"At least {info.min_length} characters needed"
            yield Fault(pointer, "TOO_SHORT", message)
        if info.max_length is not None and len(value) > info.max_length:
            yield Fault(pointer, "TOO_LONG", f"At most {info.max_length} characters allowed")
        return
    if isinstance(info, inspect.EnumType | inspect.LiteralType):
        allowed = info.values if isinstance(info, inspect.LiteralType) else [one.value for one in info.cls]
        if value not in allowed:
            yield Fault(pointer, "UNKNOWN_VALUE", f"Must be one of {', '.join(map(str, allowed))}")
        return
    if isinstance(info, inspect.IntType) and (number := _integer(value, strict=strict)) is not None:
        if info.ge is not None and number < info.ge:
            yield Fault(pointer, "TOO_SMALL", f"Must be at least {info.ge}")
        elif info.le is not None and number > info.le:
            yield Fault(pointer, "TOO_LARGE", f"Must be at most {info.le}")
        return
    if isinstance(info, inspect.FloatType) and isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return
    if isinstance(info, inspect.BoolType) and (isinstance(value, bool) or (not strict and value in ("true", "false"))):
        return
    if isinstance(info, inspect.UUIDType) and isinstance(value, str):
        try:
            msgspec.convert(value, UUID)
        except msgspec.ValidationError:
            yield Fault(pointer, "INVALID_ID", "Must be a UUID")
        return
    if isinstance(info, inspect.DateTimeType) and isinstance(value, str):
        try:
            msgspec.convert(value, _AwareDatetime, strict=True)
        except msgspec.ValidationError:
            pass
        else:
            return
    yield Fault(pointer, "WRONG_TYPE", f"Must be {_TYPE_NAMES.get(type(info), 'of another type')}")


def _integer(value: Any, *, strict: bool) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    try:
        return None if strict else msgspec.convert(value, int, strict=False)
    except msgspec.ValidationError:
        return None
