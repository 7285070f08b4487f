"""Lists in pages: by number, or by a cursor that costs the same at any depth."""

import base64
import binascii
import struct
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Generic, NamedTuple, Protocol, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta

from skipcall.errors import Fault, Invalid

SIZE_DEFAULT = 10
SIZE_MAX = 500
PAGE_MAX = 1_000_000
COUNT_MAX = 10_000
WORKSPACE_IDS_MAX = 100
FIRST_ID, LAST_ID = UUID(int=0), UUID(int=2**128 - 1)

T = TypeVar("T")


class HasId(Protocol):
    """What a list in the order of ids consists of."""

    @property
    def id(self) -> str: ...


Identified = TypeVar("Identified", bound=HasId)

_UUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
WorkspaceIds = Annotated[
    str | None,
    Meta(
        description="Only these workspaces: ids separated by commas. Ids outside the key's scope add nothing.",
        extra_json_schema={"pattern": f"^({_UUID}( *, *{_UUID})*)?$"},
    ),
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CURSOR = struct.Struct(">cqI16s")


class WorkspacesQuery(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Which of the workspaces in the key's scope a list is about."""

    workspace_ids: WorkspaceIds = None

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return what the types do not say: that workspace ids are UUIDs."""
        return workspace_ids_faults(fields)

    def narrow(self, workspace_ids: Sequence[UUID]) -> list[UUID]:
        """Return those of the given workspaces that the query asks for; all of them if it asks for none."""
        return narrow(workspace_ids, self.workspace_ids)


def workspace_ids_faults(fields: Mapping[str, Any]) -> list[Fault]:
    """Return the fault in the query parameter `workspaceIds`, if it has one."""
    ids = fields.get("workspaceIds")
    if ids and (len(parts := ids.split(",")) > WORKSPACE_IDS_MAX or not all(map(_is_uuid, parts))):
        text = f"Must be at most {WORKSPACE_IDS_MAX} UUIDs separated by commas"
        return [Fault("/query/workspaceIds", "INVALID_ID", text)]
    return []


def narrow(workspace_ids: Sequence[UUID], wanted: str | None) -> list[UUID]:
    """Return those of the given workspaces that `workspaceIds` names; all of them if it is absent."""
    if not wanted:
        return list(workspace_ids)
    named = {UUID(one.strip()) for one in wanted.split(",")}
    return [one for one in workspace_ids if one in named]


class PageQuery(WorkspacesQuery, frozen=True, rename="camel", kw_only=True):
    """The query parameters that every list in pages takes."""

    page: Annotated[int, Meta(ge=0, le=PAGE_MAX, description="Number of the page, from 0. Ignored with a cursor.")] = 0
    size: Annotated[int, Meta(ge=1, le=SIZE_MAX, description="Items on a page.")] = SIZE_DEFAULT
    cursor: Annotated[
        str | None, Meta(description="`meta.nextCursor` of the page before; every page then costs the same.")
    ] = None

    @property
    def offset(self) -> int:
        """How many items stand before this page."""
        return 0 if self.cursor else self.page * self.size

    def after(self, order: str) -> UUID:
        """Return the id behind which the page begins, in a list in the order of ids. Raises `Invalid` for a cursor of another list."""
        return decode_cursor(self.cursor, order).id if self.cursor else FIRST_ID

    def before(self, order: str) -> UUID:
        """Return the same for a list with the last id first."""
        return decode_cursor(self.cursor, order).id if self.cursor else LAST_ID


class PageMeta(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What is known about a list beside its items."""

    page: int
    size: int
    total: Annotated[int, Meta(description="How many there are on all pages, as far as they were counted.")]
    total_pages: Annotated[int, Meta(description="How many pages of this `size` have so many.")]
    has_more: bool
    next_cursor: str | None
    total_is_lower_bound: Annotated[bool, Meta(description="There may be more than `total`; absent if not.")] = False


class Page(msgspec.Struct, Generic[T], frozen=True):
    """One page of a list."""

    data: list[T]
    meta: PageMeta


def make_page(
    query: PageQuery, rows: list[T], total: int, next_cursor: str | None, *, lower_bound: bool = False
) -> Page[T]:
    """Return the envelope of a page. `rows` may hold one more than fits, which says that there is a next page."""
    more = len(rows) > query.size
    meta = PageMeta(
        page=query.page,
        size=query.size,
        total=total,
        total_pages=-(-total // query.size),
        has_more=more,
        next_cursor=next_cursor if more else None,
        total_is_lower_bound=lower_bound,
    )
    return Page(rows[: query.size], meta)


def make_page_of_ids(
    query: PageQuery, order: str, rows: list[Identified], total: int, *, lower_bound: bool = False
) -> Page[Identified]:
    """Return the page of a list in the order of the ids of its items; see `PageQuery.after` for `order`."""
    cursor = encode_cursor(order, Place(UUID(rows[query.size - 1].id))) if len(rows) > query.size else None
    return make_page(query, rows, total, cursor, lower_bound=lower_bound)


class Place(NamedTuple):
    """Where a page ended: the id of its last item, the time of it if the list has that order, the count if it has one."""

    id: UUID
    moment: datetime = _EPOCH
    total: int = 0


def encode_cursor(order: str, place: Place) -> str:
    """Return a place in a list as text; `order` is one letter for the list and its order."""
    micros = (place.moment - _EPOCH) // timedelta(microseconds=1)
    raw = _CURSOR.pack(order.encode(), micros, place.total, place.id.bytes)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode_cursor(cursor: str, order: str) -> Place:
    """Return the place that a cursor stands for. Raises `Invalid` for one of another list.

    A cursor holds nothing secret and opens nothing: the query it goes into names the caller's workspaces itself.
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found, micros, total, id_bytes = _CURSOR.unpack(raw)
        place = Place(UUID(bytes=id_bytes), _EPOCH + timedelta(microseconds=micros), total)
    except (binascii.Error, struct.error, OverflowError, ValueError):
        found = b""
    if found != order.encode():
        raise Invalid([Fault("/query/cursor", "INVALID_CURSOR", "This cursor is not one that this list gave")])
    return place


def _is_uuid(text: str) -> bool:
    text = text.strip()
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
