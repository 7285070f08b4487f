"""Sources as the database has them, with their secrets opened; kept in memory for less than a second."""

import logging
from collections.abc import Mapping
from uuid import UUID

import msgspec

from skipcall import clock
from skipcall.postgres.db import Row, Session
from skipcall.sealing import Unopenable, open_sealed, seal
from skipcall.telephony import queries
from skipcall.telephony.model import EXTENSION_DIGITS_MAX, Provider, Source

KNOWN_FOR_MS = 900
SOURCES_KEPT_MAX = 1_000

log = logging.getLogger("skipcall.telephony")


class SourceOptions(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What only some providers need; `telephony_sources.options`.

    `account_id` is the name that goes with the secret where recordings are fetched from (Twilio's AccountSid).
    """

    trunk_contexts: tuple[str, ...] | None = None
    extension_digits_max: int = EXTENSION_DIGITS_MAX
    outside_prefix: str = ""
    recording_hosts: tuple[str, ...] = ()
    account_id: str | None = None
    folder: str | None = None


class StoredSource(msgspec.Struct, frozen=True):
    """A source of a workspace. `source` is what the parsers need to know of it."""

    id: UUID
    workspace_id: UUID
    name: str
    is_disabled: bool
    options: SourceOptions
    source: Source

    @property
    def provider(self) -> Provider:
        return self.source.provider


def read_source(row: Row, secret: bytes | None = None, public_url: str | None = None) -> StoredSource:
    """Return a source from its row, with its secrets if `secret` is given; those sealed under another are left out."""
    options = msgspec.json.decode(row["options"], type=SourceOptions)
    more: Mapping[str, tuple[str, ...]] = (
        {} if options.trunk_contexts is None else {"trunk_contexts": options.trunk_contexts}
    )
    source = Source(
        provider=row["provider"],
        secrets=() if secret is None else _open(row, secret),
        timezone=row["timezone"],
        default_country=row["default_country"],
        public_url=public_url,
        extension_digits_max=options.extension_digits_max,
        outside_prefix=options.outside_prefix,
        **more,
    )
    return StoredSource(row["id"], row["workspace_id"], row["name"], row["disabled_at"] is not None, options, source)


async def add_source(
    db: Session,
    workspace_id: UUID,
    *,
    name: str,
    source: Source,
    options: SourceOptions,
    secret: bytes,
) -> UUID | None:
    """Create a source with its secrets sealed under `secret`, and return its id; None if the name is taken."""
    return await queries.create_source(
        db,
        workspace_id,
        name=name,
        provider=source.provider,
        sealed_secrets=[seal(one, secret) for one in source.secrets],
        timezone=source.timezone,
        default_country=source.default_country,
        options=options,
    )


def _open(row: Row, secret: bytes) -> tuple[str, ...]:
    opened = []
    for sealed in row["sealed_secrets"]:
        try:
            opened.append(open_sealed(sealed, secret))
        except Unopenable:
            log.exception("a secret of a telephony source cannot be opened: was SKIPCALL_SECRET changed?")
    return tuple(opened)


class Sources:
    """The sources that one process is asked about."""

    def __init__(self, secret: bytes, public_url: str | None) -> None:
        self._secret = secret
        self._public_url = public_url
        self._known: dict[UUID, tuple[int, StoredSource]] = {}

    async def find(self, db: Session, id: UUID) -> StoredSource | None:
        """Return a source, as it was less than a second ago, or None."""
        now_ms = clock.now_ms()
        until_ms, known = self._known.get(id, (0, None))
        if now_ms < until_ms:
            return known
        row = await queries.find_source(db, id)
        if row is None:
            self._known.pop(id, None)
            return None
        if len(self._known) >= SOURCES_KEPT_MAX:
            self._known.clear()
        found = read_source(row, self._secret, self._public_url)
        self._known[id] = (now_ms + KNOWN_FOR_MS, found)
        return found
