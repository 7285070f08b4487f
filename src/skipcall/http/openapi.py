"""The OpenAPI 3.0.0 document of a list of operations, made from what they declare and from the structs they speak in."""

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from skipcall import errors
from skipcall.errors import Refusal
from skipcall.http import problems
from skipcall.http.conditional import CONDITION_LENGTH_MAX
from skipcall.http.decoding import BODY_BYTES_MAX
from skipcall.http.routing import Operation
from skipcall.http.schemas import Json, Schemas, query_properties, references

VERSION = "3.0.0"
SECURITY_SCHEME = "ApiKey"

_EXAMPLE_ETAG = '"7-1d2c-0badcafe"'
_EXAMPLE_REQUEST_ID = "req_0198c0ffee0198c0ffee0198"
_ETAG_LIST = r'^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$'

_ALWAYS = ("X-Request-Id", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


def _too_large(bytes_max: int) -> tuple[Refusal, str]:
    return (
        problems.PayloadTooLarge(f"A body has at most {bytes_max} bytes"),
        f"The body has more than {bytes_max:,} bytes",
    )


# How an operation may refuse: the name of the response, an example, when it happens, and the headers to look at. Every
# answer has those in `_ALWAYS`; the document repeats them only where they are of use.
# A 404 names what was not found, so each operation has its own.
_PARTIAL, _NOT_FOUND, _TOO_LARGE = 206, 404, 413
_REFUSALS: dict[int, tuple[str, Refusal, str, tuple[str, ...]]] = {
    400: (
        "InvalidRequest",
        errors.Invalid([errors.Fault("/phoneNumbers/0", "INVALID_PHONE_NUMBER", "Must be in E.164 form")]),
        "The request breaks a rule; `details` names every fault found",
        (),
    ),
    401: ("Unauthorized", errors.Unauthenticated(), "No API key, or none that is in force", ("WWW-Authenticate",)),
    403: (
        "Forbidden",
        errors.Forbidden("This API key may not do this"),
        "The subscription, the plan or the scopes of the key do not allow this; `code` tells which",
        (),
    ),
    408: (
        "BodyTimeout",
        problems.BodyTimeout("The body did not arrive in time"),
        "The body did not arrive in time",
        (),
    ),
    409: (
        "Conflict",
        errors.Conflict("A request with this Idempotency-Key is still running; try again"),
        "This cannot stand beside what is stored, or the first request with this Idempotency-Key is still running",
        ("Retry-After",),
    ),
    410: (
        "Gone",
        errors.Gone("This was erased"),
        "It was here, and was erased; `Link` tells where it went, if it did",
        ("Link",),
    ),
    412: (
        "PreconditionFailed",
        errors.PreconditionFailed(_EXAMPLE_ETAG),
        "Somebody else has changed the record since the version in If-Match; `ETag` is that of the present one",
        ("ETag",),
    ),
    413: ("PayloadTooLarge", *_too_large(BODY_BYTES_MAX), ()),
    415: (
        "UnsupportedMediaType",
        problems.UnsupportedMediaType("Send the body as application/json in UTF-8"),
        "The body is not of a type that is taken here, or is compressed",
        (),
    ),
    416: (
        "RangeNotSatisfiable",
        problems.RangeNotSatisfiable(1_764_044),
        "The range begins beyond the end; `Content-Range` tells the length",
        ("Content-Range",),
    ),
    422: (
        "IdempotencyKeyReused",
        errors.IdempotencyMismatch(),
        "This Idempotency-Key was used for a different request",
        (),
    ),
    429: (
        "TooManyRequests",
        errors.LimitReached("More than 100 requests in 60 seconds", 7),
        "The budget of the minute is spent; after `Retry-After` seconds one request fits again",
        (*_ALWAYS, "Retry-After"),
    ),
    431: (
        "HeadersTooLarge",
        problems.HeadersTooLarge("Too many header fields"),
        "The header fields are too many or too long",
        (),
    ),
    503: ("Unavailable", errors.Unavailable(), "Out of service for a moment; try again", ("Retry-After",)),
}
_FAILURE = ("InternalError", "A fault of the server; the request id finds it in the logs")

_HEADERS: dict[str, tuple[str, Json]] = {
    "X-Request-Id": ("Names this request in logs", {"type": "string", "example": _EXAMPLE_REQUEST_ID}),
    "X-RateLimit-Limit": ("Requests that fit in any 60 seconds", {"type": "integer", "example": 100}),
    "X-RateLimit-Remaining": ("Requests that would be admitted right now", {"type": "integer", "example": 97}),
    "X-RateLimit-Reset": (
        "Unix time in seconds at which `Remaining` is `Limit` again if nothing more is sent",
        {"type": "integer", "example": 1772444520},
    ),
    "Retry-After": ("Seconds after which one request will be admitted", {"type": "integer", "example": 7}),
    "WWW-Authenticate": ("How to authenticate", {"type": "string", "example": "Bearer"}),
    "ETag": ("Version of the record, for If-Match and If-None-Match", {"type": "string", "example": _EXAMPLE_ETAG}),
    "Location": (
        "Path of what was created, or address to go to",
        {"type": "string", "example": "/v1/contacts/01934f6a"},
    ),
    "Accept-Ranges": ("That a part can be asked for with Range", {"type": "string", "enum": ["bytes"]}),
    "Content-Range": (
        "Which part this is, and the length of the whole (RFC 9110, section 14.4)",
        {"type": "string", "example": "bytes 0-1023/1764044"},
    ),
    "Content-Disposition": ("The name to save it under", {"type": "string", "example": 'inline; filename="call.wav"'}),
    "Repr-Digest": (
        "SHA-256 of the whole (RFC 9530)",
        {"type": "string", "example": "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"},
    ),
    "Deprecation": (
        "Present if the request relied on something deprecated: since when (RFC 9745)",
        {"type": "string", "example": "@1767225600"},
    ),
    "Link": ("With `Deprecation`: where it is explained", {"type": "string"}),
    "X-Ignored-Fields": (
        "Properties of the body that are not known or not writable, and were not applied",
        {"type": "string", "example": "fistName"},
    ),
    "X-Ignored-Parameters": (
        "Query parameters that are not known and were not applied",
        {"type": "string", "example": "pageSize"},
    ),
    "Idempotent-Replayed": (
        "Present if this is the kept answer to an earlier request with the same Idempotency-Key",
        {"type": "string", "enum": ["true"]},
    ),
}

# None of the headers has an example: viewers fill it into requests, where it would be the wrong version or a used key.
_IF_MATCH = (
    "If-Match",
    "Change the record only if it still is this version: an `ETag` from an earlier answer",
    {"type": "string", "pattern": _ETAG_LIST, "maxLength": CONDITION_LENGTH_MAX},
)
_IF_NONE_MATCH = (
    "If-None-Match",
    "Answer 304 without a body if this `ETag` is still current",
    {"type": "string"},
)
_IDEMPOTENCY_KEY = (
    "Idempotency-Key",
    (
        "Any text that is new for each intent. Sent again with the same request within 24 hours, it answers the first result "
        "instead of acting twice"
    ),
    {
        "type": "string",
        "pattern": "^[ -~]*[!-~][ -~]*$",
        "minLength": 1,
        "maxLength": 255,
    },
)
_RANGE = (
    "Range",
    "One part to answer: `bytes=0-1023`, `bytes=1024-`, or `bytes=-1024` for the end. Several parts are answered whole",
    {"type": "string"},
)
_IF_RANGE = ("If-Range", "Answer the part only if this `ETag` is still current, else the whole", {"type": "string"})
_BYTES: Json = {"schema": {"type": "string", "format": "binary"}}
_PREFER = (
    "Prefer",
    (
        "`handling=strict` refuses properties and parameters that are not known, which are otherwise ignored and named in "
        "`X-Ignored-Fields` and `X-Ignored-Parameters`"
    ),
    {"type": "string"},
)


def build_document(operations: Sequence[Operation], *, info: Json, tags: Mapping[str, str], server_url: str) -> Json:
    """Return the document of some operations. `tags` holds the description of each tag, in the order to show them.

    Raises `ValueError` for an operation whose tag has no description, or two operations with one id.
    """
    ids = [one.operation_id for one in operations]
    if len(set(ids)) != len(ids):
        raise ValueError(f"two operations have one id: {sorted(ids)}")
    if unknown := {one.tag for one in operations} - set(tags):
        raise ValueError(f"tags without a description: {unknown}")
    answered = [one.answers for one in operations if one.answers is not None]
    schemas = Schemas([one.body for one in operations if one.body is not None], [*answered, problems.Error])
    paths: Json = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, schemas)
    used = {one.tag for one in operations}
    return {
        "openapi": VERSION,
        "info": info,
        "servers": [{"url": server_url}],
        "security": [],
        "tags": [{"name": name, "description": text} for name, text in tags.items() if name in used],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.components.items())),
            "responses": dict(_shared_responses(schemas)),
            "headers": {name: {"description": text, "schema": schema} for name, (text, schema) in _HEADERS.items()},
            "securitySchemes": {
                SECURITY_SCHEME: {
                    "scheme": "bearer",
                    "bearerFormat": "API Key",
                    "type": "http",
                    "description": "An API key of this server: `sk_live_…` for live data, `sk_test_…` for test data",
                }
            },
        },
    }


def part_of(document: Json, operation: Operation) -> Json:
    """Return the document of one operation alone, with those components that it uses."""
    method = operation.method.lower()
    paths = {operation.path: {method: document["paths"][operation.path][method]}}
    kept: dict[str, Json] = {}
    waiting = list(references(paths))
    while waiting:
        kind, _, name = waiting.pop().removeprefix("#/components/").partition("/")
        if name not in kept.setdefault(kind, {}):
            kept[kind][name] = document["components"][kind][name]
            waiting += references(kept[kind][name])
    if operation.scope is not None:
        kept["securitySchemes"] = document["components"]["securitySchemes"]
    components = {
        kind: {name: one for name, one in all_of_kind.items() if name in kept[kind]}
        for kind, all_of_kind in document["components"].items()
        if kind in kept
    }
    return document | {"paths": paths, "components": components}


def _operation(one: Operation, schemas: Schemas) -> Json:
    made: Json = {"tags": [one.tag], "summary": one.summary}
    if one.description:
        made["description"] = one.description
    made["operationId"] = one.operation_id
    made["parameters"] = list(_parameters(one))
    if one.body is not None:
        content = {"schema": schemas.of(one.body)}
        types = ["application/json", "application/merge-patch+json"][: 2 if one.method == "PATCH" else 1]
        made["requestBody"] = {"required": True, "content": dict.fromkeys(types, content)}
    elif one.body_types:
        made["requestBody"] = {"required": True, "content": dict.fromkeys(one.body_types, _BYTES)}
    made["responses"] = dict(_responses(one, schemas))
    if one.scope is not None:
        made["security"] = [{SECURITY_SCHEME: []}]
    return made


def _parameters(one: Operation) -> Iterator[Json]:
    for name in one.path_types:
        text = f"{name.capitalize()} of the {one.noun.lower()}"
        yield {"name": name, "required": True, "in": "path", "description": text, "schema": {"type": "string"}}
    if one.query is not None:
        for name, schema in query_properties(one.query):
            yield _parameter("query", name, schema.pop("description", ""), schema)
    headers = []
    if one.conditional:
        headers.append(_IF_NONE_MATCH if one.method == "GET" else _IF_MATCH)
    if _PARTIAL in one.other_successes:
        headers += _RANGE, _IF_RANGE
    if one.idempotent:
        headers.append(_IDEMPOTENCY_KEY)
    if one.body is not None:
        headers.append(_PREFER)
    for header in headers:
        yield _parameter("header", *header)


def _parameter(place: str, name: str, text: str, schema: Json) -> Json:
    return {"name": name, "required": False, "in": place, "description": text, "schema": schema}


def _responses(one: Operation, schemas: Schemas) -> Iterator[tuple[str, Json]]:
    """Yield every answer that an operation can give, by status."""
    success: Json = {"description": "Done; there is no body"}
    if one.answers is not None:
        success["description"] = _description(one.answers)
    if one.answer_types:
        success["description"] = "The bytes themselves"
    success["headers"] = _headers(*_ALWAYS, *_success_headers(one))
    if one.answers is not None:
        success["content"] = {"application/json": {"schema": schemas.of(one.answers)}}
    elif one.answer_types:
        success["content"] = dict.fromkeys(one.answer_types, _BYTES)
    yield str(one.success), success
    for status, text in one.other_successes.items():
        yield str(status), success | {"description": text} | _part_or_redirection(status)
    if one.conditional and one.method == "GET":
        yield "304", {"description": "What If-None-Match names is still current", "headers": _headers("ETag")}
    for status in sorted(_refused_statuses(one)):
        if status == _NOT_FOUND:
            text = f"There is no such {one.noun.lower()}, or it is outside the scope of the API key"
            yield str(status), _refusal(status, errors.NotFound(one.noun), text, (), schemas)
        elif status == _TOO_LARGE and one.body_bytes_max != BODY_BYTES_MAX:
            refusal, text = _too_large(one.body_bytes_max)
            yield str(status), _refusal(status, refusal, text, (), schemas)
        else:
            name = _REFUSALS[status][0] if status in _REFUSALS else _FAILURE[0]
            yield str(status), {"$ref": f"#/components/responses/{name}"}


def _part_or_redirection(status: int) -> Json:
    """Return what sets another success apart: a part tells which it is, a redirection has an address and no body."""
    if status == 302:  # noqa: PLR2004 - Found
        return {"headers": _headers(*_ALWAYS, "Location"), "content": {}}
    return {"headers": _headers(*_ALWAYS, "Content-Range")} if status == _PARTIAL else {}


def _refused_statuses(one: Operation) -> set[int]:
    """Return the statuses that an operation can refuse with; see the order of checks in `http.server`."""
    statuses = {431, 500, *one.statuses}
    if one.scope is not None:
        statuses |= {401, 403, 429, 503}
    if one.path_types:
        statuses.add(404)
    changes = one.method != "GET"
    has_body = one.body is not None or bool(one.body_types)
    if one.query is not None or has_body or one.idempotent or (one.conditional and changes):
        statuses.add(400)
    if has_body:
        statuses |= {408, 413, 415}
    if one.idempotent:
        statuses |= {409, 422}
    if one.conditional and changes:
        statuses.add(412)
    return statuses


def _success_headers(one: Operation) -> Iterator[str]:
    if one.conditional and (one.answers is not None or one.answer_types):
        yield "ETag"
    if one.success == 201:  # noqa: PLR2004 - Created
        yield "Location"
    if one.body is not None:
        yield "X-Ignored-Fields"
    if one.query is not None:
        yield "X-Ignored-Parameters"
    if one.idempotent:
        yield "Idempotent-Replayed"
    yield from one.headers


def _shared_responses(schemas: Schemas) -> Iterator[tuple[str, Json]]:
    for status, (name, refusal, text, headers) in _REFUSALS.items():
        yield name, _refusal(status, refusal, text, headers, schemas)
    name, text = _FAILURE
    yield (
        name,
        _error(
            text, (), _example(problems.FAILURE_STATUS, problems.FAILURE_CODE, problems.FAILURE_MESSAGE, ()), schemas
        ),
    )


def _refusal(status: int, refusal: Refusal, text: str, headers: Iterable[str], schemas: Schemas) -> Json:
    faults = refusal.faults if isinstance(refusal, errors.Invalid) else ()
    example = _example(status, refusal.code, refusal.message, faults)
    return _error(text, headers, example, schemas)


def _error(text: str, headers: Iterable[str], example: Json, schemas: Schemas) -> Json:
    content = {"application/json": {"schema": schemas.of(problems.Error), "example": example}}
    shown = _headers(*headers)
    return {"description": text} | ({"headers": shown} if shown else {}) | {"content": content}


def _example(status: int, code: str, message: str, faults: Sequence[errors.Fault]) -> Json:
    body = problems.ErrorBody(code, message, status, _EXAMPLE_REQUEST_ID, problems.DOCUMENTED_AT + code, faults)
    built: Json = msgspec.to_builtins(problems.Error(body))
    return built


def _headers(*names: str) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _description(type_: Any) -> str:
    return inspect.cleandoc(getattr(type_, "__origin__", type_).__doc__ or "").partition("\n")[0].rstrip(".")
