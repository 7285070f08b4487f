"""Everything that can be refused, without a word of HTTP.

Refusal
├── Unauthenticated        who is asking is not known
├── Forbidden              known, but not allowed: subscription, plan, scope of the key
├── LimitReached           too many requests; carries when one fits again
├── NotFound               missing, or outside what the caller may see: the two look the same
├── Gone                   was there, and was erased for good
├── Invalid                the input breaks a rule; carries every fault found
├── Conflict               the input is right, but not beside what is stored
├── PreconditionFailed     the record is not the version that the caller named
├── IdempotencyMismatch    a key that was used for another request
└── Unavailable            a part we need does not answer; trying again helps

`http.problems` turns each kind into a status; nothing else does.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

import msgspec

FAULTS_MAX = 50


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing wrong with an input.

    `pointer` is an RFC 6901 pointer into the body (`""` is the body itself), or `/query/<name>`, `/header/<name>`.
    The value at fault is never repeated.
    """

    pointer: str
    code: str
    message: str
    suggestion: str | msgspec.UnsetType = msgspec.UNSET


class Refusal(Exception):
    """A request that is answered with something else than what it asked for.

    `retry_after_seconds` is set where the same request will fare better later, `faults` where it can be said what of the
    request is in the way. `properties` is what a program can use beside the code, by name.
    """

    code: ClassVar[str]
    retry_after_seconds: int | None = None
    faults: Sequence[Fault] = ()
    properties: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Unauthenticated(Refusal):
    """No key, or none that opens anything: the answer does not tell which."""

    code = "UNAUTHORIZED"

    def __init__(self) -> None:
        super().__init__("Invalid or revoked API key")


class Forbidden(Refusal):
    """The caller is known and may not do this."""

    code = "FORBIDDEN"


class LimitReached(Refusal):
    """A budget is spent; one request fits again after `retry_after_seconds`."""

    code = "RATE_LIMIT_EXCEEDED"

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class NotFound(Refusal):
    """`noun` is not there, or not for this caller."""

    code = "NOT_FOUND"

    def __init__(self, noun: str) -> None:
        super().__init__(f"{noun} not found")


class Gone(Refusal):
    """What was here has been erased, or is elsewhere: then `path` is where."""

    code = "GONE"

    def __init__(self, message: str, path: str | None = None) -> None:
        super().__init__(message)
        self.path = path


class Invalid(Refusal):
    """The input breaks at least one rule; `faults` holds all that one stage of checks found."""

    code = "VALIDATION_ERROR"

    def __init__(self, faults: Sequence[Fault]) -> None:
        count = len(faults)
        super().__init__(faults[0].message if count == 1 else f"{count} faults in the request; see details")
        self.faults = faults[:FAULTS_MAX]


class Conflict(Refusal):
    """The input cannot stand beside what is stored or running."""

    code = "CONFLICT"


class PreconditionFailed(Refusal):
    """`If-Match` named another version; `etag` is that of the present one, "" if there is none."""

    code = "VERSION_MISMATCH"

    def __init__(self, etag: str) -> None:
        super().__init__("The record has changed since the version named in If-Match")
        self.etag = etag


class IdempotencyMismatch(Refusal):
    """The same Idempotency-Key came with another request."""

    code = "IDEMPOTENCY_KEY_REUSED"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for a different request")


class Unavailable(Refusal):
    """A part that the answer needs is out of reach for now."""

    code = "SERVICE_UNAVAILABLE"

    def __init__(self, message: str = "The database does not answer; try again", retry_after_seconds: int = 1) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
