"""Every setting, read once from the environment."""

import difflib
import os
import re
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec

CONNECTIONS = 16
CONNECTIONS_MAX = 500
CHANGES_DAYS = 90
CHANGES_DAYS_MAX = 36_500
RECORDING_BYTES_MAX = 200_000_000
IMPORT_BYTES_MAX = 500_000_000
PORT_MAX = 65_535
OBJECT_BYTES_LIMIT = 5_000_000_000  # S3 copies no larger object in one request
SECRET_LENGTH_MIN = 32

_PREFIX = "SKIPCALL_"
# What Kubernetes sets in every container where a service is called `skipcall`, or `skipcall-…`.
_OF_KUBERNETES = re.compile(r".*_(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT(_\d+_(TCP|UDP)(_.*)?)?)")
VARIABLES = (
    "DATABASE_URL",
    "SKIPCALL_DATA",
    "SKIPCALL_POSTGRES_BINARIES",
    "SKIPCALL_SECRET",
    "SKIPCALL_PUBLIC_URL",
    "SKIPCALL_CONNECTIONS",
    "SKIPCALL_TRUSTED_PROXIES",
    "SKIPCALL_OUTBOUND_NETWORKS",
    "SKIPCALL_STORAGE",
    "SKIPCALL_S3_ENDPOINT",
    "SKIPCALL_S3_REGION",
    "SKIPCALL_S3_KEY_ID",
    "SKIPCALL_S3_SECRET",
    "SKIPCALL_S3_SECRET_FILE",
    "SKIPCALL_CHANGES_DAYS",
    "SKIPCALL_RECORDING_BYTES_MAX",
    "SKIPCALL_IMPORT_BYTES_MAX",
)


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
    connections_max: int = CONNECTIONS  # SKIPCALL_CONNECTIONS: database connections of one server process
    trusted_proxies: tuple[str, ...] = ()  # SKIPCALL_TRUSTED_PROXIES: networks whose X-Forwarded-For is believed
    outbound_networks: tuple[str, ...] = ()  # SKIPCALL_OUTBOUND_NETWORKS: networks that recordings may come from, too
    storage: str | None = None  # SKIPCALL_STORAGE: where recordings are kept; none means a folder in the data directory
    s3_endpoint: str | None = None  # SKIPCALL_S3_ENDPOINT: address of a server that is not Amazon's
    s3_region: str | None = None  # SKIPCALL_S3_REGION: region of the bucket
    s3_key_id: str | None = None  # SKIPCALL_S3_KEY_ID: access key
    s3_secret: str | None = None  # SKIPCALL_S3_SECRET: its secret
    s3_secret_file: Path | None = None  # SKIPCALL_S3_SECRET_FILE: file that holds the secret instead
    changes_days: int = CHANGES_DAYS  # SKIPCALL_CHANGES_DAYS: how long changes of contacts and calls are kept
    recording_bytes_max: int = RECORDING_BYTES_MAX  # SKIPCALL_RECORDING_BYTES_MAX: size of one recording
    import_bytes_max: int = IMPORT_BYTES_MAX  # SKIPCALL_IMPORT_BYTES_MAX: size of one file of contacts


def load(environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of this process; raise `SettingsError` for one that cannot be used."""
    connections = environment.get("SKIPCALL_CONNECTIONS")
    secret = environment.get("SKIPCALL_SECRET") or None
    if secret is not None and len(secret) < SECRET_LENGTH_MIN:
        raise SettingsError(f"SKIPCALL_SECRET must have at least {SECRET_LENGTH_MIN} characters")
    proxies = _networks("SKIPCALL_TRUSTED_PROXIES", environment.get("SKIPCALL_TRUSTED_PROXIES", ""))
    outbound = _networks("SKIPCALL_OUTBOUND_NETWORKS", environment.get("SKIPCALL_OUTBOUND_NETWORKS", ""))
    public_url = _address("SKIPCALL_PUBLIC_URL", environment.get("SKIPCALL_PUBLIC_URL"))
    binaries = environment.get("SKIPCALL_POSTGRES_BINARIES")
    recording = environment.get("SKIPCALL_RECORDING_BYTES_MAX")
    file_of_contacts = environment.get("SKIPCALL_IMPORT_BYTES_MAX")
    days = environment.get("SKIPCALL_CHANGES_DAYS")
    secret_file = environment.get("SKIPCALL_S3_SECRET_FILE") or None
    s3_key_id = environment.get("SKIPCALL_S3_KEY_ID") or None
    s3_secret = environment.get("SKIPCALL_S3_SECRET") or _text_in("SKIPCALL_S3_SECRET_FILE", secret_file)
    if (s3_key_id is None) != (s3_secret is None):
        missing = "SKIPCALL_S3_KEY_ID" if s3_key_id is None else "SKIPCALL_S3_SECRET or SKIPCALL_S3_SECRET_FILE"
        raise SettingsError(f"{missing} is missing: access key and secret belong together")
    return Settings(
        database_url=_database(environment.get("DATABASE_URL") or None),
        data_directory=Path(environment.get("SKIPCALL_DATA") or "data"),
        postgres_binaries=Path(binaries) if binaries else None,
        secret=secret,
        public_url=public_url,
        connections_max=_number("SKIPCALL_CONNECTIONS", connections, CONNECTIONS, CONNECTIONS_MAX),
        trusted_proxies=proxies,
        outbound_networks=outbound,
        storage=_storage(environment.get("SKIPCALL_STORAGE") or None),
        s3_endpoint=_address("SKIPCALL_S3_ENDPOINT", environment.get("SKIPCALL_S3_ENDPOINT")),
        s3_region=environment.get("SKIPCALL_S3_REGION") or None,
        s3_key_id=s3_key_id,
        s3_secret=s3_secret,
        s3_secret_file=Path(secret_file) if secret_file else None,
        changes_days=_number("SKIPCALL_CHANGES_DAYS", days, CHANGES_DAYS, CHANGES_DAYS_MAX),
        recording_bytes_max=_number("SKIPCALL_RECORDING_BYTES_MAX", recording, RECORDING_BYTES_MAX, OBJECT_BYTES_LIMIT),
        import_bytes_max=_number("SKIPCALL_IMPORT_BYTES_MAX", file_of_contacts, IMPORT_BYTES_MAX, OBJECT_BYTES_LIMIT),
    )


def list_unknown(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return what to say of each variable that looks like a setting and is none, with the one that was most likely meant."""
    known = {name.removeprefix(_PREFIX): name for name in VARIABLES}
    told = []
    for name in sorted(environment):
        if name.startswith(_PREFIX) and name not in VARIABLES and not _OF_KUBERNETES.fullmatch(name):
            meant = difflib.get_close_matches(name.removeprefix(_PREFIX), known, n=1)
            told.append(f"{name} is no setting" + (f": do you mean {known[meant[0]]}?" if meant else ""))
    return told


def _database(text: str | None) -> str | None:
    """Return an address of a database, whose hosts and ports can be listed in its query too, as libpq has it."""
    if text is None or (text.startswith(("postgresql://", "postgres://")) and _has_usable_hosts(text)):
        return text
    raise SettingsError("DATABASE_URL must be an address such as postgresql://user:password@host:5432/database")


def _has_usable_hosts(text: str) -> bool:
    try:
        parts = urlsplit(text)
        query = parse_qs(parts.query, strict_parsing=bool(parts.query))
        lists = filter(None, [parts.netloc.rpartition("@")[2], *query.get("host", [])])
        hosts = [host for one in lists for host in one.split(",")]
        # In front of a colon that is none of an IPv6 address; a socket is a path.
        ports = [host.rpartition("]")[2].partition(":")[2] for host in hosts if not host.startswith("/")]
        numbers = [int(port) for port in filter(None, ports)]
        numbers += [int(port) for one in query.get("port", []) for port in one.split(",")]
    except ValueError:
        return False
    return all(hosts) and all(1 <= number <= PORT_MAX for number in numbers)


def _number(name: str, text: str | None, default: int, limit: int) -> int:
    found = re.fullmatch(r"0*([1-9][0-9]{0,9})", text or str(default))
    if not found or int(found[1]) > limit:
        raise SettingsError(f"{name} must be a whole number from 1 to {limit}")
    return int(found[1])


def _networks(name: str, text: str) -> tuple[str, ...]:
    networks = tuple(filter(None, text.replace(" ", "").split(",")))
    for network in networks:
        try:
            ip_network(network)
        except ValueError:
            raise SettingsError(f"{name}: {network!r} is no network such as 10.0.0.0/8") from None
    return networks


def _address(name: str, text: str | None) -> str | None:
    address = (text or "").rstrip("/") or None
    if address is not None and not address.startswith(("http://", "https://")):
        raise SettingsError(f"{name} must begin with http:// or https://")
    return address


def _storage(text: str | None) -> str | None:
    """Return an address of a storage if it is `file:///folder`, `s3://bucket` or `s3://bucket/prefix`."""
    parts = urlsplit(text or "")
    is_folder = parts.scheme == "file" and not parts.netloc and parts.path.startswith("/")
    is_bucket = parts.scheme == "s3" and bool(parts.netloc)
    if text is not None and (not (is_folder or is_bucket) or parts.query or parts.fragment):
        raise SettingsError("SKIPCALL_STORAGE must be file:///folder or s3://bucket/prefix")
    return text


def _text_in(name: str, file: str | None) -> str | None:
    try:
        return Path(file).read_text("utf-8").strip() if file else None
    except (OSError, ValueError) as failure:
        raise SettingsError(f"{name} cannot be read: {file}") from failure
