"""Operations: what a route declares, and how a path finds it.

A route is a coroutine with a decorator. What the documents say about it is read from its signature: `body` is the type of
the JSON body, `query` a struct of query parameters, every other parameter after `request` a part of the path.
"""

import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal
from uuid import UUID

import msgspec

from skipcall.http.decoding import BODY_BYTES_MAX, DEPTH_MAX
from skipcall.http.request import Answer

Method = Literal["GET", "POST", "PATCH", "PUT", "DELETE"]
Handler = Callable[..., Awaitable[Answer]]


class Operation(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One method of one path.

    `scope` is what the API key must hold, or None for an operation that needs no key. `noun` is what a 404 names.
    `answers` is the type of a successful body, None for an empty one. `statuses` are those beyond the usual ones, and
    `headers` those of a success beyond the usual ones.

    `body_types` are the media types of a body that is not JSON, which the route reads itself (`http.bodies`);
    `answer_types` those of an answer that is not JSON. `body_bytes_max` is the limit of either kind of body, `body_depth_max` that of
    the nesting of JSON.
    `other_successes` says what other statuses mean that are no refusal. `at_once_max` is how many of it run at once in a process;
    the others wait, so that long ones leave connections to short ones.
    """

    method: Method
    path: str
    handler: Handler
    tag: str
    scope: str | None
    noun: str
    operation_id: str
    summary: str
    description: str
    body: Any
    query: Any
    path_types: dict[str, Any]
    answers: Any
    success: int
    statuses: tuple[int, ...]
    headers: tuple[str, ...]
    conditional: bool  # takes If-Match or If-None-Match
    idempotent: bool  # takes Idempotency-Key
    documented_by_contract: bool
    body_types: tuple[str, ...]
    body_bytes_max: int
    body_depth_max: int
    answer_types: tuple[str, ...]
    other_successes: Mapping[int, str]
    at_once_max: int | None


def operation(
    method: Method,
    path: str,
    *,
    tag: str,
    scope: str | None,
    answers: Any = None,
    noun: str = "Resource",
    success: int = 200,
    statuses: tuple[int, ...] = (),
    headers: tuple[str, ...] = (),
    conditional: bool = False,
    contract: bool = False,
    body_types: tuple[str, ...] = (),
    body_bytes_max: int = BODY_BYTES_MAX,
    body_depth_max: int = DEPTH_MAX,
    answer_types: tuple[str, ...] = (),
    other_successes: Mapping[int, str] = MappingProxyType({}),
    at_once_max: int | None = None,
) -> Callable[[Handler], Operation]:
    """Declare a route. Its docstring is the public text: first line the summary, the rest the description."""

    def declare(handler: Handler) -> Operation:
        hints = inspect.get_annotations(handler, eval_str=True)
        summary, _, description = inspect.cleandoc(handler.__doc__ or "").partition("\n")
        return Operation(
            method=method,
            path=path,
            handler=handler,
            tag=tag,
            scope=scope,
            noun=noun,
            operation_id=_operation_id(tag, handler.__name__),
            summary=summary.rstrip("."),
            description=" ".join(description.split()),
            body=hints.get("body"),
            query=hints.get("query"),
            path_types={part[1:-1]: hints[part[1:-1]] for part in path.split("/") if part.startswith("{")},
            answers=answers,
            success=success,
            statuses=statuses,
            headers=headers,
            conditional=conditional,
            idempotent=scope is not None and method in ("POST", "PATCH"),
            documented_by_contract=contract,
            body_types=body_types,
            body_bytes_max=body_bytes_max,
            body_depth_max=body_depth_max,
            answer_types=answer_types,
            other_successes=other_successes,
            at_once_max=at_once_max,
        )

    return declare


def _operation_id(tag: str, name: str) -> str:
    """Return `ContactController_update` for `update_contact` of Contacts, `WorkspaceController_listMembers` for more."""
    noun = tag.lower().replace(" ", "_").removesuffix("s")
    verb, _, rest = name.partition("_")
    more = rest.removeprefix(noun).removeprefix("s").strip("_").split("_")
    controller = "".join(word.capitalize() for word in noun.split("_"))
    return f"{controller}Controller_{verb}{''.join(word.capitalize() for word in more)}"


class _Node:
    __slots__ = ("any", "named", "operations")

    def __init__(self) -> None:
        self.named: dict[str, _Node] = {}
        self.any: _Node | None = None
        self.operations: dict[str, Operation] = {}


class Router:
    """A tree with one level a path segment; a lookup costs the same with ten routes and with a thousand."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._root = _Node()
        self.operations: Sequence[Operation] = tuple(operations)
        for one in self.operations:
            node = self._root
            for segment in one.path[1:].split("/"):
                if segment.startswith("{"):
                    node.any = node.any or _Node()
                    node = node.any
                else:
                    node = node.named.setdefault(segment, _Node())
            if one.method in node.operations:
                raise ValueError(f"two routes for {one.method} {one.path}")
            node.operations[one.method] = one

    def find(self, path: str) -> tuple[dict[str, Operation], tuple[str, ...]]:
        """Return the operations of a path by method, and the values in the path; both empty for an unknown path."""
        node = self._root
        values: tuple[str, ...] = ()
        for segment in path[1:].split("/"):
            below = node.named.get(segment)
            if below is None:
                below = node.any
                if below is None:
                    return {}, ()
                values = (*values, segment)
            node = below
        return node.operations, values


_CANONICAL = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)


def canonical_uuid(text: str) -> UUID | None:
    """Return the UUID that `text` writes in the canonical form (RFC 9562, section 4), in either case, or None.

    `uuid.UUID` takes braces, `urn:uuid:` and misplaced hyphens as well; here those are no ids.
    """
    return UUID(text) if _CANONICAL.fullmatch(text) else None
