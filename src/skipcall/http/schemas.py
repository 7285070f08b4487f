"""JSON Schemas of msgspec structs in the dialect of OpenAPI 3.0.

That dialect (https://spec.openapis.org/oas/v3.0.0, "Schema Object") has `nullable` where JSON Schema has a type `null`, and
booleans for exclusive bounds. A struct `Contact` is published as `PublicContactDto`, `Page[Contact]` as `PublicContactPageDto`.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

Json = dict[str, Any]

PREFIX = "#/components/schemas/"
_GENERIC = re.compile(r"([A-Za-z]+)_([A-Za-z]+)_")
_PLAIN = re.compile(r"[A-Za-z]+")
# What only a sender must keep to. An answer states types: a reader that checks more breaks when a limit is widened.
_LIMITS = frozenset(("minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum", "pattern", "default"))
_FORMATS_OF_ANSWERS = frozenset(("date-time",))
_ORDER = (
    "type format nullable description example default enum pattern minLength maxLength minimum exclusiveMinimum maximum "
    "exclusiveMaximum properties required additionalProperties maxProperties items minItems maxItems"
).split()


class Schemas:
    """The schemas of all types that a document speaks of.

    `components` holds those with a name, by that name. Raises `ValueError` if a type is both sent and answered: the
    two are described differently.
    """

    def __init__(self, sent: Iterable[Any], answered: Iterable[Any]) -> None:
        sent_types, answered_types = _unique(sent), _unique(answered)
        types = [*sent_types, *answered_types]
        roots, found = msgspec.json.schema_components(types, ref_template=PREFIX + "{name}")
        sent_names = _reachable(roots[: len(sent_types)], found)
        answered_names = _reachable(roots[len(sent_types) :], found)
        if both := sent_names & answered_names:
            raise ValueError(f"sent and answered: {', '.join(sorted(both))}")
        self.components = {
            public_name(name): _converted(schema, answered=name in answered_names) for name, schema in found.items()
        }
        self._roots = {
            repr(one): _converted(root, answered=number >= len(sent_types))
            for number, (one, root) in enumerate(zip(types, roots, strict=True))
        }

    def of(self, type_: Any) -> Json:
        """Return the schema of a type, which is a reference if it has a name."""
        return self._roots[repr(type_)]


def query_properties(type_: Any) -> Iterator[tuple[str, Json]]:
    """Yield name and schema of each query parameter that a struct holds. In a query nothing can be null."""
    (root,), found = msgspec.json.schema_components([type_], ref_template=PREFIX + "{name}")
    for name, schema in found[root["$ref"].removeprefix(PREFIX)]["properties"].items():
        converted = _converted(schema, answered=False)
        converted.pop("nullable", None)
        if converted.get("default", 0) is None:
            del converted["default"]
        yield name, converted


def public_name(name: str) -> str:
    """Return the published name of a struct, given what msgspec calls it. Raises `ValueError` if two share a name."""
    generic = _GENERIC.fullmatch(name)
    if generic:
        return f"Public{generic[2]}{generic[1]}Dto"
    if not _PLAIN.fullmatch(name):
        raise ValueError(f"two structs have the same name: {name}")
    return f"Public{name}Dto"


def references(value: Any) -> Iterator[str]:
    """Yield every `$ref` in a value."""
    if isinstance(value, dict):
        for key, one in value.items():
            if key == "$ref":
                yield one
            else:
                yield from references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


def _unique(types: Iterable[Any]) -> list[Any]:
    return list({repr(one): one for one in types}.values())


def _reachable(roots: Iterable[Json], found: dict[str, Json]) -> set[str]:
    names: set[str] = set()
    waiting = list(references(list(roots)))
    while waiting:
        name = waiting.pop().removeprefix(PREFIX)
        if name not in names:
            names.add(name)
            waiting += references(found[name])
    return names


def _converted(schema: Json, *, answered: bool) -> Json:
    """Return a schema of msgspec in OpenAPI's dialect, in a settled order of keywords."""
    made: Json = {}
    for keyword, value in schema.items():
        if keyword == "title" or (answered and keyword in _LIMITS):
            continue
        if keyword == "format" and answered and value not in _FORMATS_OF_ANSWERS:
            continue
        if keyword in ("anyOf", "oneOf"):
            made |= _alternatives(keyword, value, answered=answered)
        elif keyword == "properties":
            made[keyword] = {name: _converted(one, answered=answered) for name, one in value.items()}
        elif keyword in ("items", "additionalProperties") and isinstance(value, dict):
            made[keyword] = _converted(value, answered=answered)
        elif keyword == "$ref":
            made[keyword] = PREFIX + public_name(value.removeprefix(PREFIX))
        elif keyword in ("exclusiveMinimum", "exclusiveMaximum"):
            made |= {"m" + keyword.removeprefix("exclusiveM"): value, keyword: True}
        elif keyword == "const":
            made["enum"] = [value]
        elif keyword == "description":
            made[keyword] = " ".join(value.split())
        else:
            made[keyword] = value
    if "enum" in made:
        made.setdefault("type", "string" if all(isinstance(one, str) for one in made["enum"]) else "integer")
    if "properties" in made:
        made["required"] = _required(made, answered=answered)
        if not made["required"]:
            del made["required"]
    return {keyword: made[keyword] for keyword in sorted(made, key=_place)}


def _place(keyword: str) -> int:
    return _ORDER.index(keyword) if keyword in _ORDER else len(_ORDER)


def _alternatives(keyword: str, schemas: list[Json], *, answered: bool) -> Json:
    others = [_converted(one, answered=answered) for one in schemas if one != {"type": "null"}]
    nullable = {"nullable": True} if len(others) < len(schemas) else {}
    if len(others) > 1:
        return {keyword: others} | nullable
    (only,) = others
    return ({"allOf": [only]} if "$ref" in only and nullable else only) | nullable


def _required(schema: Json, *, answered: bool) -> list[str]:
    """Return what must be there. In an answer, what may be null is not promised either: the contract's convention."""
    return [
        name
        for name in schema.get("required", ())
        if not (answered and schema["properties"][name].get("nullable", False))
    ]
