"""Answers that are not held in memory: a part of a file, or what an iterator yields.

RSGI's own stream takes all it is given and keeps what the client has not read yet (granian 2.8: an unbounded queue), so a
slow reader would cost as much memory as the answer is long. Its file answers read only as fast as the client does; so a
file is answered as one, and a stream through a pipe, which is a file to the server.

One thing this costs: Granian ends its threads while it holds the interpreter's lock. A thread that still reads the pipe of a client
who has just gone away then waits for a writer that cannot run, until the main process ends both (`DRAIN_SECONDS`).
"""

import asyncio
import errno
import logging
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from skipcall.http.request import Answer, Request

# Without a byte taken for so long, the client is given up.
STALL_SECONDS = 60.0
# For the server to open a pipe, and between looks whether it has.
OPEN_SECONDS = 10.0
OPEN_POLL_SECONDS = 0.001

log = logging.getLogger("skipcall.http")


class Streamed(Answer):
    """An answer of `length` bytes that are not in memory. This class itself sends none of them: it answers a HEAD."""

    __slots__ = ("length",)

    def __init__(self, length: int, status: int, headers: tuple[tuple[str, str], ...], content_type: str) -> None:
        super().__init__(b"", status, headers, content_type)
        self.length = length

    async def send(self, request: Request, headers: list[tuple[str, str]]) -> None:
        """Answer the request; `headers` are all that there are."""
        request.protocol.response_empty(self.status, headers)


class FileAnswer(Streamed):
    """`length` bytes of a file from `start` on."""

    __slots__ = ("path", "start")

    def __init__(
        self,
        path: Path,
        start: int,
        length: int,
        status: int,
        headers: tuple[tuple[str, str], ...],
        content_type: str,
    ) -> None:
        super().__init__(length, status, headers, content_type)
        self.path = path
        self.start = start

    async def send(self, request: Request, headers: list[tuple[str, str]]) -> None:
        request.protocol.response_file_range(self.status, headers, str(self.path), self.start, self.start + self.length)


class StreamAnswer(Streamed):
    """What an iterator yields, `length` bytes in all.

    What it raises after the first piece cuts the answer off: the client sees a body shorter than its Content-Length.
    """

    __slots__ = ("chunks", "first")

    def __init__(
        self,
        first: bytes,
        chunks: AsyncIterator[bytes],
        length: int,
        status: int,
        headers: tuple[tuple[str, str], ...],
        content_type: str,
    ) -> None:
        super().__init__(length, status, headers, content_type)
        self.first = first
        self.chunks = chunks

    async def send(self, request: Request, headers: list[tuple[str, str]]) -> None:
        pipe = _Pipe()
        try:
            request.protocol.response_file(self.status, headers, pipe.path)
            await pipe.open()
            await pipe.write(self.first)
            async for chunk in self.chunks:
                await pipe.write(chunk)
        except (BrokenPipeError, TimeoutError):
            pass  # the client has gone, or takes nothing
        except Exception as failure:  # noqa: BLE001 - the status is sent, so all that is left is to cut the answer off
            log.warning("an answer was cut off", extra={"fields": {"exception": type(failure).__name__}})
        finally:
            pipe.close()


class _Pipe:
    """A named pipe, which nobody but the server opens: when the server closes it, a write fails at once."""

    __slots__ = ("_folder", "_writer", "path")

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="skipcall-")
        self._writer = -1
        self.path = f"{self._folder.name}/pipe"
        os.mkfifo(self.path, 0o600)

    async def open(self) -> None:
        """Wait for the server to open it. Raises `TimeoutError`: of an answer whose client has gone it never will."""
        async with asyncio.timeout(OPEN_SECONDS):
            while self._writer < 0:
                try:
                    self._writer = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
                except OSError as failure:
                    if failure.errno != errno.ENXIO:  # not opened for reading
                        raise
                    await asyncio.sleep(OPEN_POLL_SECONDS)

    async def write(self, data: bytes) -> None:
        """Write all of it, as fast as it is read. Raises `BrokenPipeError`, `TimeoutError`."""
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(self._writer, left) :]
            except BlockingIOError:
                await self._room()

    async def _room(self) -> None:
        loop = asyncio.get_running_loop()
        room: asyncio.Future[None] = loop.create_future()
        loop.add_writer(self._writer, _tell, room)
        try:
            async with asyncio.timeout(STALL_SECONDS):
                await room
        finally:
            loop.remove_writer(self._writer)

    def close(self) -> None:
        if self._writer < 0:  # opened to read and write, it lets go of a server that comes just now
            self._writer = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)
        self._folder.cleanup()
        os.close(self._writer)


def _tell(room: "asyncio.Future[None]") -> None:
    if not room.done():
        room.set_result(None)
