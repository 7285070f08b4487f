"""The one place that turns a refusal into a status and an envelope.

`{"error": {"code", "message", "status"}}` is the contract's; `requestId`, `docUrl` and `details` are added inside it.
"""

import logging
from collections.abc import Sequence

import msgspec

from skipcall import errors
from skipcall.errors import Fault, Refusal
from skipcall.http.request import Answer, Request

log = logging.getLogger("skipcall.http")

STATUS_OF: dict[type[Refusal], int] = {
    errors.Invalid: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.PreconditionFailed: 412,
    errors.IdempotencyMismatch: 422,
    errors.LimitReached: 429,
    errors.Unavailable: 503,
}

DOCUMENTED_AT = "/docs/errors#"


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


class HeadersTooLarge(Refusal):
    """Header fields beyond the limit."""

    code = "REQUEST_HEADERS_TOO_LARGE"


STATUS_OF |= {
    MethodNotAllowed: 405,
    BodyTimeout: 408,
    PayloadTooLarge: 413,
    UnsupportedMediaType: 415,
    HeadersTooLarge: 431,
}


class _Error(msgspec.Struct, rename="camel", omit_defaults=True):
    code: str
    message: str
    status: int
    request_id: str
    doc_url: str
    details: Sequence[Fault] = ()


class _Envelope(msgspec.Struct):
    error: _Error


_encode = msgspec.json.Encoder().encode


def status_of(refusal: Refusal) -> int:
    """Return the HTTP status of a refusal, by the nearest kind it derives from."""
    return next(STATUS_OF[kind] for kind in type(refusal).__mro__ if kind in STATUS_OF)


def answer_refusal(request: Request, refusal: Refusal) -> Answer:
    """Return the answer to a request that was refused."""
    status = status_of(refusal)
    headers: tuple[tuple[str, str], ...] = ()
    if refusal.retry_after_seconds is not None:
        headers = (("retry-after", str(refusal.retry_after_seconds)),)
    elif isinstance(refusal, errors.Unauthenticated):
        headers = (("www-authenticate", "Bearer"),)
    elif isinstance(refusal, errors.PreconditionFailed):
        headers = (("etag", refusal.etag),)
    elif isinstance(refusal, MethodNotAllowed):
        headers = (("allow", ", ".join(refusal.allowed)),)
    details = refusal.faults if isinstance(refusal, errors.Invalid) else ()
    return _answer(request, status, refusal.code, refusal.message, headers, details)


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
                "requestId": request.id,
                "method": request.scope.method,
                "operation": request.operation.operation_id if hasattr(request, "operation") else None,
                "exception": f"{type(failure).__module__}.{type(failure).__qualname__}",
                "sqlstate": getattr(failure, "sqlstate", None),
                "trace": places,
            }
        },
    )
    return _answer(request, 500, "INTERNAL_ERROR", "Something went wrong on our side; quote the request id", (), ())


def _answer(
    request: Request,
    status: int,
    code: str,
    message: str,
    headers: tuple[tuple[str, str], ...],
    details: Sequence[Fault],
) -> Answer:
    error = _Error(code, message, status, request.id, DOCUMENTED_AT + code, details)
    return Answer(_encode(_Envelope(error)), status, headers)
