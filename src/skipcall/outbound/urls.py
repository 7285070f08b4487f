"""The only reading of a URL: what is checked here is what is requested.

Stricter than RFC 3986 and than browsers: a text that two readers could take for two hosts is refused, not repaired.
"""

import re
from collections.abc import Collection
from urllib.parse import urljoin

import msgspec

from skipcall.outbound.addresses import Address, Network, is_public, is_within, read_address

URL_CHARS_MAX = 8_192
HOST_CHARS_MAX = 253
PORTS = (443, 8443)
_DEFAULT_PORTS = {"http": 80, "https": 443}
# The characters of RFC 3986, without `#`. Nothing else: no control character, space, backslash or letter beyond ASCII.
_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]+", re.ASCII)
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[^\]/?]*\]|[^/?:@\[\]]*)(?::(?P<port>[0-9]{1,5}))?(?P<target>[/?].*)?"
)
_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)
# A last label that some readers take for a part of an IPv4 address, in base 8, 10 or 16.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)


class OutboundError(Exception):
    """A request that did not bring what it was for. The message says why and holds no URL: these may be secrets."""


class ForbiddenUrl(OutboundError):
    """A URL, or the address behind its name, that this server does not reach."""


class Target(msgspec.Struct, frozen=True):
    """A URL in parts. `host` is a name in lower case or, as `address` then says, an address without brackets."""

    scheme: str
    host: str
    port: int
    path: str
    address: Address | None = None

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port


def parse_url(text: str) -> Target:
    """Return the parts of an absolute URL; raise `ForbiddenUrl` for one that is not plainly one host and one place there."""
    if len(text) > URL_CHARS_MAX:
        raise ForbiddenUrl(f"the URL is longer than {URL_CHARS_MAX} characters")
    found = _URL.fullmatch(text) if _CHARACTERS.fullmatch(text) else None
    if found is None:
        raise ForbiddenUrl("the URL is not plain http(s)://host/path without user, fragment and special characters")
    host = found["host"].lower()
    port = int(found["port"] or _DEFAULT_PORTS[found["scheme"]])
    if not 0 < port < 65_536:  # noqa: PLR2004
        raise ForbiddenUrl("the URL has an impossible port")
    path = found["target"] or "/"
    if path[0] == "?":
        path = "/" + path
    if host.startswith("["):
        if "%" in host or ":" not in host:
            raise ForbiddenUrl("the URL has an address in an unusual form")
        address = _address(host[1:-1])
        return Target(found["scheme"], host[1:-1], port, path, address)
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        return Target(found["scheme"], host, port, path, _address(host))
    if len(host) > HOST_CHARS_MAX or not _NAME.fullmatch(host):
        raise ForbiddenUrl("the URL has no proper host name")
    return Target(found["scheme"], host, port, path)


def follow(base: str, location: str) -> str:
    """Return where a redirect leads, as an absolute URL that is still to be judged; raise `ForbiddenUrl`."""
    if not _CHARACTERS.fullmatch(location):
        raise ForbiddenUrl("the redirect has no plain URL")
    try:
        return urljoin(base, location)
    except ValueError:
        raise ForbiddenUrl("the redirect has no plain URL") from None


def check_host(target: Target, hosts: Collection[str]) -> None:
    """Raise `ForbiddenUrl` unless the host is one of `hosts`: names and addresses, or `*.example.com` for all below it."""
    if not any(target.host == host or (host[:2] == "*." and target.host.endswith(host[1:])) for host in hosts):
        raise ForbiddenUrl("the host is none that recordings of this source may come from")


def check_addresses(target: Target, addresses: Collection[Address], allowed: Collection[Network]) -> None:
    """Raise `ForbiddenUrl` unless every address is in an allowed network, or public and asked by https at PORTS.

    In the networks that the operator allows, http, other ports and URLs with an address are allowed too.
    """
    for address in addresses:
        if is_within(address, allowed):
            continue
        if not is_public(address):
            raise ForbiddenUrl(
                "the host has an address outside the public internet; SKIPCALL_OUTBOUND_NETWORKS allows some"
            )
        if target.address is not None:
            raise ForbiddenUrl("the URL has an address in place of a name")
        if target.scheme != "https":
            raise ForbiddenUrl("the URL is not https")
        if target.port not in PORTS:
            raise ForbiddenUrl(f"the URL has another port than {PORTS[0]} or {PORTS[1]}")


def _address(text: str) -> Address:
    try:
        return read_address(text)
    except ValueError:
        raise ForbiddenUrl("the URL has an address in an unusual form") from None
