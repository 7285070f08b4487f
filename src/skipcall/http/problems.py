"""The one place that turns a refusal into a status and an envelope.

`{"error": {"code", "message", "status"}}` is the contract's; `requestId`, `docUrl`, `details` and what a refusal tells programs are
added inside it.
"""

import logging
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from skipcall import errors
from skipcall.errors import FAULTS_MAX, Fault, Refusal
from skipcall.http.request import Answer, Request

log = logging.getLogger("skipcall.http")

STATUS_OF: dict[type[Refusal], int] = {
    errors.Invalid: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Gone: 410,
    errors.PreconditionFailed: 412,
    errors.IdempotencyMismatch: 422,
    errors.LimitReached: 429,
    errors.Unavailable: 503,
}

DOCUMENTED_AT = "/docs/errors#"
FAILURE_STATUS = 500
FAILURE_CODE = "INTERNAL_ERROR"
FAILURE_MESSAGE = "Something went wrong on our side; quote the request id"


class MethodNotAllowed(Refusal):
    """The path exists, this method on it does not. `allowed` are those that do."""

    code = "METHOD_NOT_ALLOWED"

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__(f"This path answers {', '.join(allowed)}")
        self.allowed = allowed


class PayloadTooLarge(Refusal):
    """A body beyond the limit."""

    code = "PAYLOAD_TOO_LARGE"


class BodyTimeout(Refusal):
    """A body that did not arrive in time."""

    code = "REQUEST_TIMEOUT"


class UnsupportedMediaType(Refusal):
    """A body that is not JSON, or is compressed or in another encoding than UTF-8."""

    code = "UNSUPPORTED_MEDIA_TYPE"


class RangeNotSatisfiable(Refusal):
    """A range that begins beyond the end of what has `length` bytes (RFC 9110, section 14.4)."""

    code = "RANGE_NOT_SATISFIABLE"

    def __init__(self, length: int) -> None:
        super().__init__(f"There are {length} bytes, and the range begins after them")
        self.length = length


class HeadersTooLarge(Refusal):
    """Header fields beyond the limit."""

    code = "REQUEST_HEADERS_TOO_LARGE"


STATUS_OF |= {
    MethodNotAllowed: 405,
    BodyTimeout: 408,
    PayloadTooLarge: 413,
    UnsupportedMediaType: 415,
    RangeNotSatisfiable: 416,
    HeadersTooLarge: 431,
}


class ErrorBody(msgspec.Struct, rename="camel", omit_defaults=True):
    """What went wrong. Decide by `code`; `message` is for people and may change."""

    code: Annotated[str, Meta(description="What went wrong, for programs", extra_json_schema={"example": "NOT_FOUND"})]
    message: Annotated[
        str, Meta(description="What went wrong, for people", extra_json_schema={"example": "Contact not found"})
    ]
    # The contract says number, not integer; the value is an int, and is written as one.
    status: Annotated[float, Meta(description="The HTTP status once more", extra_json_schema={"example": 404})]
    request_id: Annotated[
        str,
        Meta(
            description="The same as the header X-Request-Id; quote it when you ask for help",
            extra_json_schema={"example": "req_0198c0ffee0198c0ffee0198"},
        ),
    ]
    doc_url: Annotated[
        str, Meta(description="Where this code is explained", extra_json_schema={"example": "/docs/errors#NOT_FOUND"})
    ]
    details: Annotated[
        Sequence[Fault], Meta(max_length=FAULTS_MAX, description="Every fault found in the request, at once")
    ] = ()


class Error(msgspec.Struct):
    """The form of every refusal."""

    error: ErrorBody


_encode = msgspec.json.Encoder().encode


def status_of(kind: type[Refusal]) -> int:
    """Return the HTTP status of a kind of refusal, which is that of the nearest kind it derives from."""
    return next(STATUS_OF[one] for one in kind.__mro__ if one in STATUS_OF)


def answer_refusal(request: Request, refusal: Refusal) -> Answer:
    """Return the answer to a request that was refused."""
    status = status_of(type(refusal))
    headers: tuple[tuple[str, str], ...] = ()
    if refusal.retry_after_seconds is not None:
        headers = (("retry-after", str(refusal.retry_after_seconds)),)
    elif isinstance(refusal, errors.Unauthenticated):
        headers = (("www-authenticate", "Bearer"),)
    elif isinstance(refusal, errors.PreconditionFailed):
        headers = (("etag", refusal.etag),) if refusal.etag else ()
    elif isinstance(refusal, MethodNotAllowed):
        headers = (("allow", ", ".join(refusal.allowed)),)
    elif isinstance(refusal, RangeNotSatisfiable):
        headers = (("content-range", f"bytes */{refusal.length}"),)
    elif isinstance(refusal, errors.Gone) and refusal.path is not None:
        headers = (("link", f'<{refusal.path}>; rel="canonical"'),)
    if isinstance(refusal, errors.Unavailable):
        cause = None if refusal.__cause__ is None else type(refusal.__cause__).__qualname__
        log.warning("unavailable", extra={"fields": {**_told(request), "code": refusal.code, "cause": cause}})
    return _answer(request, status, refusal.code, refusal.message, headers, refusal.faults, refusal.properties)


def _told(request: Request) -> dict[str, str | None]:
    """Return what the log tells of a request: nothing that it says of anybody."""
    operation = request.operation.operation_id if hasattr(request, "operation") else None
    return {"requestId": request.id, "method": request.scope.method, "operation": operation}


def answer_failure(request: Request, failure: Exception) -> Answer:
    """Log a fault of ours, once, and return a 500 that tells nothing but the request id.

    The log names the exception and where it was raised, never its text: drivers put stored values into it.
    """
    trace = failure.__traceback__
    places = []
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    log.error(
        "unexpected failure",
        extra={
            "fields": {
                **_told(request),
                "exception": f"{type(failure).__module__}.{type(failure).__qualname__}",
                "sqlstate": getattr(failure, "sqlstate", None),
                "trace": places,
            }
        },
    )
    return _answer(request, FAILURE_STATUS, FAILURE_CODE, FAILURE_MESSAGE, (), ())


def _answer(
    request: Request,
    status: int,
    code: str,
    message: str,
    headers: tuple[tuple[str, str], ...],
    details: Sequence[Fault],
    properties: Mapping[str, Any] = MappingProxyType({}),
) -> Answer:
    error = ErrorBody(code, message, status, request.id, DOCUMENTED_AT + code, details)
    content = _encode({"error": msgspec.to_builtins(error) | properties} if properties else Error(error))
    return Answer(content, status, headers)
