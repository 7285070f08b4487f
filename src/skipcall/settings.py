"""Every setting, read once from the environment."""

import os
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path

import msgspec

CONNECTIONS_MAX = 500
SECRET_LENGTH_MIN = 32


class SettingsError(Exception):
    """A setting that cannot be used; the message names it and says what it takes."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator can set. The environment variable of each is in its comment.

    `docs/reference/settings.md` is compared with this class by a test.
    """

    database_url: str | None = None  # DATABASE_URL: an external PostgreSQL; none means the embedded one
    data_directory: Path = Path("data")  # SKIPCALL_DATA: embedded database, secret, demo keys
    postgres_binaries: Path | None = None  # SKIPCALL_POSTGRES_BINARIES: directory of postgres, initdb, …
    secret: str | None = None  # SKIPCALL_SECRET: key of the API keys' digests; none means a file in the data directory
    public_url: str | None = None  # SKIPCALL_PUBLIC_URL: address that clients use, for documents and links
    connections_max: int = 16  # SKIPCALL_CONNECTIONS: database connections of one server process
    trusted_proxies: tuple[str, ...] = ()  # SKIPCALL_TRUSTED_PROXIES: networks whose X-Forwarded-For is believed


def load(environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of this process; raise `SettingsError` for one that cannot be used."""
    connections = environment.get("SKIPCALL_CONNECTIONS", "16")
    if not connections.isdecimal() or not 1 <= int(connections) <= CONNECTIONS_MAX:
        raise SettingsError(f"SKIPCALL_CONNECTIONS must be a whole number from 1 to {CONNECTIONS_MAX}")
    secret = environment.get("SKIPCALL_SECRET") or None
    if secret is not None and len(secret) < SECRET_LENGTH_MIN:
        raise SettingsError(f"SKIPCALL_SECRET must have at least {SECRET_LENGTH_MIN} characters")
    proxies = tuple(filter(None, environment.get("SKIPCALL_TRUSTED_PROXIES", "").replace(" ", "").split(",")))
    for proxy in proxies:
        try:
            ip_network(proxy)
        except ValueError:
            raise SettingsError(f"SKIPCALL_TRUSTED_PROXIES: {proxy!r} is no network such as 10.0.0.0/8") from None
    public_url = (environment.get("SKIPCALL_PUBLIC_URL") or "").rstrip("/") or None
    if public_url is not None and not public_url.startswith(("http://", "https://")):
        raise SettingsError("SKIPCALL_PUBLIC_URL must begin with http:// or https://")
    binaries = environment.get("SKIPCALL_POSTGRES_BINARIES")
    return Settings(
        database_url=environment.get("DATABASE_URL") or None,
        data_directory=Path(environment.get("SKIPCALL_DATA") or "data"),
        postgres_binaries=Path(binaries) if binaries else None,
        secret=secret,
        public_url=public_url,
        connections_max=int(connections),
        trusted_proxies=proxies,
    )
