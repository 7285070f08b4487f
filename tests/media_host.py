"""A machine somewhere that keeps recordings, played by a raw TCP server on loopback."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Awaitable, Callable
from typing import Self

Behaviour = Callable[[asyncio.StreamWriter], Awaitable[None]]


def answer(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    """Return a whole answer; underscores in names of headers stand for hyphens."""
    lines = {"Content-Length": str(len(body)), "Connection": "close"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


class MediaHost:
    """Answers GET by path with what `answers` holds: bytes to send, or a function that writes them as it likes.

    `requests` are the paths that were asked for, with the headers sent, names in lower case.
    """

    def __init__(self, trust: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.answers: dict[str, bytes | Behaviour] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self._scheme = "https" if trust else "http"
        self._trust, self._host = trust, host
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        start = asyncio.start_server(self._serve, self._host, 0, ssl=self._trust)
        self._server = asyncio.run_coroutine_threadsafe(start, self._loop).result()
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def url(self, path: str, host: str | None = None) -> str:
        return f"{self._scheme}://{host or self._host}:{self.port}{path}"

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            line, *lines = head.rstrip().split("\r\n")
            path = line.split()[1]
            self.requests.append((path, {name.lower(): value for name, value in (one.split(": ", 1) for one in lines)}))
            found = self.answers.get(path, answer(status="404 Not Found"))
            if isinstance(found, bytes):
                writer.write(found)
                await writer.drain()
            else:
                await found(writer)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
