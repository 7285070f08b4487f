"""From a request on the wire to an answer on the wire, for every operation in the same order.

request id, size of the headers -> gate (who, may they, how often) -> path and method -> body, query and headers judged alone ->
the route. A refusal at any step becomes the envelope in `problems`. Written against RSGI, Granian's own protocol
(docs/decisions/0001).
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from uuid import UUID

import msgspec

from skipcall.errors import FAULTS_MAX, Fault, Invalid, NotFound, Refusal, Unavailable
from skipcall.http import conditional, problems
from skipcall.http.bodies import discard_rest, read_body
from skipcall.http.decoding import Shape, decode_json, decode_query, header_list, unknown_names
from skipcall.http.request import Answer, HTTPProtocol, Request, Scope
from skipcall.http.routing import Operation, Router, canonical_uuid
from skipcall.http.streams import Streamed

HEADER_BYTES_MAX = 16_384
HEADER_FIELDS_MAX = 64
TURN_TIMEOUT_SECONDS = 10.0
IDEMPOTENCY_KEY = re.compile(r"[\x20-\x7e]{1,255}")
_NOT_CONDITIONAL = Fault(
    "/header/If-Match", "NOT_CONDITIONAL", "This operation does not look at the version that is named: send it without"
)
_NOT_IN_PREFERENCE = str.maketrans("", "", ' \t"')
_JSON_TYPES = frozenset(("application/json", "application/merge-patch+json"))
_ALWAYS = [
    ("cache-control", "private, no-cache"),
    ("x-content-type-options", "nosniff"),
]

Gate = Callable[[Request, Operation | None], Awaitable[None]]
Performer = Callable[[Request, Callable[[], Awaitable[Answer]]], Awaitable[Answer]]


class _NoParameters(msgspec.Struct, frozen=True):
    """The query of an operation that takes none."""


class Application:
    """The server's side of every operation.

    `gate` admits a request or raises; it adds the rate-limit headers either way. `perform` runs a route, and is where
    a repeated Idempotency-Key is answered from memory.
    """

    def __init__(self, operations: Iterable[Operation], gate: Gate, perform: Performer) -> None:
        self.router = Router(operations)
        self._gate = gate
        self._perform = perform
        self._bodies = {one: Shape(one.body) for one in self.router.operations if one.body is not None}
        # What needs no key is called by others, who may add what they like to an address.
        self._queries = {
            one: Shape(one.query or _NoParameters)
            for one in self.router.operations
            if one.query is not None or one.scope is not None
        }
        self._turns = {one: asyncio.Semaphore(one.at_once_max) for one in self.router.operations if one.at_once_max}

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        request = Request(scope, protocol)
        try:
            answer = await self._answer(request)
        except Refusal as refusal:
            await discard_rest(request)
            answer = problems.answer_refusal(request, refusal)
        except Exception as failure:  # noqa: BLE001 - the last place that can answer
            await discard_rest(request)
            answer = problems.answer_failure(request, failure)
        headers = request.headers + _ALWAYS
        headers.extend(answer.headers)
        headers.extend(request.notes)
        if answer.status in (204, 304):
            protocol.response_empty(answer.status, headers)
        else:
            headers.append(("content-type", answer.content_type))
            if isinstance(answer, Streamed):
                headers.append(("content-length", str(answer.length)))
                await answer.send(request, headers)
            elif scope.method == "HEAD":
                headers.append(("content-length", str(len(answer.body))))
                protocol.response_empty(answer.status, headers)
            else:
                protocol.response_bytes(answer.status, headers, answer.body)

    async def _answer(self, request: Request) -> Answer:
        scope = request.scope
        operations, request.path_values = self.router.find(scope.path)
        method = scope.method
        operation = operations.get("GET" if method == "HEAD" else method)
        await self._gate(request, operation)
        _check_header_sizes(scope)
        if operation is None:
            if operations:
                allowed = sorted(operations)
                raise problems.MethodNotAllowed([*allowed, "HEAD"] if "GET" in operations else allowed)
            raise NotFound("Path")
        request.operation = operation
        arguments = await self._arguments(request, operation)
        turns = self._turns.get(operation)
        if turns is None:
            return await self._run(request, operation, arguments)
        await _wait_for(turns)
        try:
            return await self._run(request, operation, arguments)
        finally:
            turns.release()

    async def _run(self, request: Request, operation: Operation, arguments: dict[str, Any]) -> Answer:
        if operation.idempotent and request.idempotency_key is not None:
            return await self._perform(request, lambda: operation.handler(request, **arguments))
        return await operation.handler(request, **arguments)

    async def _arguments(self, request: Request, operation: Operation) -> dict[str, Any]:
        """Return what the route is called with. Raises `Invalid` with the faults of query, headers and body together."""
        arguments: dict[str, Any] = {}
        headers = request.scope.headers
        faults: list[Fault] = []
        ignored: list[str] = []
        prefer = headers.get("prefer")
        strict = prefer is not None and "handling=strict" in prefer.translate(_NOT_IN_PREFERENCE).lower()
        request.strict = strict
        query = self._queries.get(operation)
        if query is not None:
            read, faults, ignored = decode_query(request.scope.query_string, query, strict=strict)
            if operation.query is not None:
                arguments["query"] = read
            if ignored and not strict:
                request.notes.append(("x-ignored-parameters", header_list(ignored)))
        if operation.conditional:
            faults += _read_condition(request)
        elif operation.method != "GET" and headers.get_all("if-match") not in ([], ["*"]):
            faults.append(_NOT_CONDITIONAL)
        if operation.idempotent:
            faults += _read_idempotency_key(request)
        shape = self._bodies.get(operation)
        if shape is not None:
            arguments["body"], more = await self._body(request, shape, strict=strict)
            faults += more
        if faults:
            raise Invalid(faults)
        for (name, type_), text in zip(operation.path_types.items(), request.path_values, strict=True):
            value = canonical_uuid(text) if type_ is UUID else text
            if value is None:
                raise NotFound(operation.noun)
            arguments[name] = value
        return arguments

    async def _body(self, request: Request, shape: Shape, *, strict: bool) -> tuple[Any, list[Fault]]:
        _check_content_type(request.scope)
        request.body = await read_body(request, request.operation.body_bytes_max)
        try:
            value = decode_json(request.body, request.operation.body_depth_max)
        except Invalid as invalid:
            return None, list(invalid.faults)
        struct, faults = shape.convert(value, strict=True)
        unknown = shape.unknown_in(value)
        if unknown and strict:
            told = {one.pointer for one in faults}
            found = (one for place, name, part in unknown[:FAULTS_MAX] for one in unknown_names([name], part, place))
            faults = [*faults, *(one for one in found if one.pointer not in told)]
        elif unknown:
            request.notes.append(("x-ignored-fields", header_list(list(dict.fromkeys(name for _, name, _ in unknown)))))
        return struct, faults


async def _wait_for(turns: asyncio.Semaphore) -> None:
    try:
        async with asyncio.timeout(TURN_TIMEOUT_SECONDS):
            await turns.acquire()
    except TimeoutError:
        raise Unavailable("Too many requests of this kind at once; try again") from None


def _check_header_sizes(scope: Scope) -> None:
    items = scope.headers.items()
    if len(items) > HEADER_FIELDS_MAX or sum([len(name) + len(value) for name, value in items]) > HEADER_BYTES_MAX:
        raise problems.HeadersTooLarge(f"At most {HEADER_FIELDS_MAX} fields and {HEADER_BYTES_MAX} bytes of headers")


def _check_content_type(scope: Scope) -> None:
    headers = scope.headers
    media_type, *parameters = (headers.get("content-type") or "").lower().replace(" ", "").replace('"', "").split(";")
    charsets = [one for one in parameters if one.startswith("charset=")]
    if media_type not in _JSON_TYPES or any(one != "charset=utf-8" for one in charsets):
        raise problems.UnsupportedMediaType("Send the body as application/json in UTF-8")
    if (headers.get("content-encoding") or "identity").lower() != "identity":
        raise problems.UnsupportedMediaType("Send the body without a Content-Encoding")


def _read_condition(request: Request) -> list[Fault]:
    headers = request.scope.headers
    if "if-match" not in headers or request.scope.method in ("GET", "HEAD"):
        return []
    try:
        request.versions = conditional.versions_in(", ".join(headers.get_all("if-match")), request.path_values[0])
    except ValueError:
        return [
            Fault("/header/If-Match", "MALFORMED_ETAG", 'Must be * or a list of entity tags such as "7-1d2c-0badcafe"')
        ]
    return []


def _read_idempotency_key(request: Request) -> list[Fault]:
    headers = request.scope.headers
    if "idempotency-key" not in headers:
        return []
    values = headers.get_all("idempotency-key")
    if len(values) != 1 or not IDEMPOTENCY_KEY.fullmatch(values[0]):
        return [Fault("/header/Idempotency-Key", "INVALID_FORMAT", "Must be 1 to 255 printable ASCII characters")]
    request.idempotency_key = values[0]
    return []
