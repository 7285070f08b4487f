"""A stored object as an answer: whole, a part, or only what stands before it."""

import base64
from collections.abc import AsyncIterator

from skipcall.http.conditional import is_known
from skipcall.http.ranges import find_range
from skipcall.http.request import Answer, Request
from skipcall.http.streams import FileAnswer, StreamAnswer, Streamed
from skipcall.storage.model import READ_BYTES, ObjectMissing, Storage

NOT_STORED = ("cache-control", "no-store")
SHOWN = ("Accept-Ranges", "Repr-Digest", "Content-Disposition")
PART = "The part that `Range` names"
_HEADERS = (("accept-ranges", "bytes"), ("content-security-policy", "sandbox"), NOT_STORED)


async def answer_object(
    request: Request,
    storage: Storage,
    key: str,
    *,
    size: int,
    sha256: bytes,
    etag: str,
    disposition: str,
    media_type: str,
) -> Answer:
    """Return an object of `size` bytes, or the part of it that `Range` asks for (206), or 304 if the client has it.

    It is sent as fast as the client reads, in constant memory. Raises `ObjectMissing`, `RangeNotSatisfiable`, `StorageUnavailable`.
    """
    headers: tuple[tuple[str, str], ...] = (
        *_HEADERS,
        ("etag", etag),
        ("repr-digest", f"sha-256=:{base64.b64encode(sha256).decode()}:"),
        ("content-disposition", disposition),
    )
    if is_known(request, etag):
        return Answer(b"", 304, headers)
    part = find_range(request, etag, size)
    start, length = part or (0, size)
    status = 200 if part is None else 206
    if part is not None:
        headers = (*headers, ("content-range", f"bytes {start}-{start + length - 1}/{size}"))
    if request.scope.method == "HEAD":
        return Streamed(length, status, headers, media_type)
    if not length:
        return Answer(b"", status, headers, media_type)
    path = storage.path(key)
    if path is not None:
        if await storage.size(key) is None:
            raise ObjectMissing
        return FileAnswer(path, start, length, status, headers, media_type)
    chunks: AsyncIterator[bytes] = storage.read(key, start, start + length)
    first = await anext(chunks)
    if length <= READ_BYTES:
        return Answer(first, status, headers, media_type)
    return StreamAnswer(first, chunks, length, status, headers, media_type)
