"""One part of an answer: `Range` and `If-Range` (RFC 9110, sections 14.2 and 13.1.5)."""

import re

from skipcall.http.problems import RangeNotSatisfiable
from skipcall.http.request import Request

# One range of bytes. Several, and what is no range, are answered with the whole, as the RFC allows.
_ONE = re.compile(r"bytes=\s*(?:([0-9]{1,30})-([0-9]{0,30})|-([0-9]{1,30}))\s*", re.IGNORECASE)


def find_range(request: Request, etag: str, size: int) -> tuple[int, int] | None:
    """Return start and length of the part of `size` bytes that a GET asks for, None for the whole.

    Raises `RangeNotSatisfiable` for a part that begins beyond the end.
    """
    headers = request.scope.headers
    if request.scope.method != "GET" or "range" not in headers:
        return None
    if "if-range" in headers and headers.get_all("if-range") != [etag]:
        return None
    values = headers.get_all("range")
    one = _ONE.fullmatch(values[0]) if len(values) == 1 else None
    if one is None:
        return None
    first, last, suffix = one.groups()
    if suffix is not None:
        start, end = max(0, size - int(suffix)), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    if start >= size:
        raise RangeNotSatisfiable(size)
    return start, end - start
