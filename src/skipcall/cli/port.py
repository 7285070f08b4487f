"""The port of a server: looked at before anything is started, and held until the server has it."""

import contextlib
import socket
import sys
from collections.abc import Iterator

import msgspec

from skipcall.cli.output import CommandFailed

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  where a server for every address is reached from here


class Address(msgspec.Struct, frozen=True):
    """Where the server listens."""

    host: str
    port: int

    @property
    def reachable_host(self) -> str:
        """An address of this machine at which the server answers."""
        return _ANY.get(self.host, self.host)

    @property
    def url(self) -> str:
        """The URL at which this machine reaches the server."""
        host = self.reachable_host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


@contextlib.contextmanager
def hold_port(host: str, port: int) -> Iterator[Address]:
    """Lend an address that nothing else listens at; port 0 stands for any free one. Raises `CommandFailed`.

    The server shares its port (SO_REUSEPORT), so a second one would not fail by itself: it would get a part of the
    connections. Hence a port that is named is first asked for alone. Then, on Linux, a socket that never listens
    keeps it.
    """
    try:
        [(family, _, _, _, (ip, *_)), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as problem:
        raise CommandFailed(f"--host {host}: {problem.strerror}") from problem
    with socket.socket(family) as holder:
        try:
            if port:
                with socket.socket(family) as alone:
                    alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # past TIME_WAIT, not past a listener
                    alone.bind((ip, port))
            if sys.platform == "linux":
                holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            holder.bind((ip, port))
        except OSError as problem:
            raise CommandFailed(
                f"cannot listen at {host} port {port}: {problem.strerror}. "
                "Stop what uses it, or choose another with --port (0 is any free one)"
            ) from problem
        address = Address(str(ip), holder.getsockname()[1])
        if sys.platform != "linux":
            holder.close()
        yield address
