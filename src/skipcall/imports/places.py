"""Which columns of a file fill which custom fields of a workspace."""

from collections.abc import Sequence

import msgspec

from skipcall.custom_fields.model import CONTROL_CHARACTERS, NAME_LENGTH_MAX, Definition
from skipcall.imports.presets import CUSTOM_PREFIX, Mapping, heading_key, is_own_heading


class Place(msgspec.Struct, frozen=True):
    """A column that fills a custom field; `slug` is None for one that is to be made with this name."""

    index: int
    name: str
    slug: str | None


class Twin(msgspec.Struct, frozen=True):
    """A column that is left out, since the first one fills its custom field."""

    index: int
    first: int


class Placed(msgspec.Struct, frozen=True):
    """Where the columns without a field of their own go. `missing` are names of fields that were asked for and are not there."""

    places: list[Place]
    left_out: list[str]
    missing: list[str]
    twins: list[Twin]


def place_columns(definitions: Sequence[Definition], mapping: Mapping, *, create: bool) -> Placed:
    """Return which columns fill a field that has their heading as slug or name; with `create`, missing fields are to be made.

    A heading that is only like several slugs and names is left out.
    """
    fields = _Fields(definitions)
    wanted = [(index, slug, True) for index, slug in mapping.custom]
    wanted += [(index, mapping.header[index], False) for index in mapping.unmapped]
    places: dict[str, Place] = {}
    left_out: list[str] = []
    missing: list[str] = []
    twins: list[Twin] = []
    for index, heading, is_asked_for in wanted:
        name = " ".join(heading.split())
        key = heading_key(name)
        meant = fields.meant_by(name)
        slug = meant[0] if len(meant) == 1 else None
        can_be_made = create and not meant and 0 < len(name) <= NAME_LENGTH_MAX and not CONTROL_CHARACTERS.search(name)
        if slug is None and not can_be_made:
            (missing if is_asked_for else left_out).append(name if is_asked_for else heading)
        elif first := places.get(slug or key):
            left_out.append(heading)
            twins.append(Twin(index, first.index))
        else:
            places[slug or key] = Place(index, name, slug)
    return Placed(list(places.values()), left_out, missing, twins)


def headings_of(definitions: Sequence[Definition]) -> list[str]:
    """Return for each field a heading that leads to it, no two alike: its name or, where another comes first, `customFields.` and its slug."""
    fields = _Fields(definitions)
    return [
        one.name
        if fields.alike[heading_key(one.name)][0] == one.slug and not is_own_heading(one.name)
        else CUSTOM_PREFIX + one.slug
        for one in definitions
    ]


class _Fields:
    """Custom fields by what a heading may call them."""

    def __init__(self, definitions: Sequence[Definition]) -> None:
        self.exactly: dict[str, str] = {}
        self.alike: dict[str, list[str]] = {}
        called_by = [(one.slug, one.slug) for one in definitions] + [(one.name, one.slug) for one in definitions]
        for called, slug in called_by:
            self.exactly.setdefault(called, slug)
            slugs = self.alike.setdefault(heading_key(called), [])
            if slug not in slugs:
                slugs.append(slug)

    def meant_by(self, heading: str) -> list[str]:
        """Return the slugs of the fields that a heading may mean: the one whose slug it is, else whose name, else all that are like it."""
        slug = self.exactly.get(heading)
        return [slug] if slug else self.alike.get(heading_key(heading), [])
