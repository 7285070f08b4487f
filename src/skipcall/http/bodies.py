"""The body of a request: whole, or piece by piece."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined]

from skipcall.errors import Fault, Invalid
from skipcall.http import problems
from skipcall.http.decoding import BODY_BYTES_MAX
from skipcall.http.request import Request

BODY_TIMEOUT_SECONDS = 10.0  # for a whole body
CHUNK_TIMEOUT_SECONDS = 10.0  # from one piece to the next
DISCARD_SECONDS = 2.0
DISCARD_BYTES_MAX = 16_777_216


async def read_body(request: Request, bytes_max: int = BODY_BYTES_MAX) -> bytes:
    """Return the whole body. A body without a length is counted as it comes.

    Raises `PayloadTooLarge`, `BodyTimeout`, and `Invalid` for a body that is cut short.
    """
    length = request.scope.headers.get("content-length")
    if length is not None and int(length) > bytes_max:
        raise _too_large(bytes_max)
    try:
        async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
            if length is not None:
                request.is_body_read = True
                return await request.protocol()
            pieces = request.pieces = aiter(request.protocol)
            body = bytearray()
            with contextlib.suppress(StopAsyncIteration):
                while len(body) <= bytes_max:
                    body += await anext(pieces)
                raise _too_large(bytes_max)
            request.is_body_read = True
            return bytes(body)
    except ProtocolClosed as closed:
        # The client went away, or its chunks are none.
        request.is_body_read = True
        raise _incomplete() from closed
    except TimeoutError:
        request.is_body_read = True
        raise problems.BodyTimeout(f"The body did not arrive within {BODY_TIMEOUT_SECONDS:.0f} seconds") from None


async def stream_body(request: Request, bytes_max: int) -> AsyncIterator[bytes]:
    """Yield the body piece by piece. To be iterated to its end, since only there it is known whether it is whole.

    Raises `UnsupportedMediaType` if it is compressed, and what `read_body` raises; the time limit is that from one piece to
    the next.
    """
    headers = request.scope.headers
    if (headers.get("content-encoding") or "identity").lower() != "identity":
        raise problems.UnsupportedMediaType("Send the body without a Content-Encoding")
    length = headers.get("content-length")
    if length is not None and int(length) > bytes_max:
        raise _too_large(bytes_max)
    pieces = request.pieces = aiter(request.protocol)
    received = ends = 0
    while True:
        try:
            async with asyncio.timeout(CHUNK_TIMEOUT_SECONDS):
                piece = await anext(pieces)
        except StopAsyncIteration:
            break
        except ProtocolClosed as closed:
            request.is_body_read = True
            raise _incomplete() from closed
        except TimeoutError:
            request.is_body_read = True
            raise problems.BodyTimeout(f"Nothing arrived for {CHUNK_TIMEOUT_SECONDS:.0f} seconds") from None
        if not piece:
            ends += 1
            continue
        received += len(piece)
        if received > bytes_max:
            raise _too_large(bytes_max)
        yield piece
    request.is_body_read = True
    # Granian tells an error no otherwise than by an empty piece, and the end by one more. So a body without a length that
    # has trailer fields, which come as an empty piece too, counts as cut.
    if (ends > 1) if length is None else (received != int(length)):
        raise _incomplete()


async def discard_rest(request: Request) -> None:
    """Read on for a moment before a refusal: a client that still sends when the connection is closed may lose the answer.

    Not if it waits to be told to send (`Expect: 100-continue`, RFC 9110, section 10.1.1).
    """
    headers = request.scope.headers
    if request.is_body_read or not ("content-length" in headers or "transfer-encoding" in headers):
        return
    if request.pieces is None and "expect" in headers:
        return
    pieces, received = request.pieces or aiter(request.protocol), 0
    with contextlib.suppress(ProtocolClosed, TimeoutError, StopAsyncIteration):
        async with asyncio.timeout(DISCARD_SECONDS):
            while received <= DISCARD_BYTES_MAX and (piece := await anext(pieces)):
                received += len(piece)


def _too_large(bytes_max: int) -> problems.PayloadTooLarge:
    return problems.PayloadTooLarge(f"A body has at most {bytes_max} bytes")


def _incomplete() -> Invalid:
    return Invalid([Fault("", "INCOMPLETE_BODY", "The body ended before it was complete")])
