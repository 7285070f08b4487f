"""What an API key looks like, and what it opens."""

import hmac
import re
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from skipcall.ids import BASE62, random_base62
from skipcall.plans.model import Subscription
from skipcall.workspaces.model import Scope

# Every scope that an operation can ask for; a new key has all of them.
SCOPES = (
    "contacts:read",
    "contacts:write",
    "custom_fields:read",
    "custom_fields:write",
    "do_not_call:read",
    "do_not_call:write",
    "calls:read",
    "calls:write",
    "recordings:read",
    "recordings:write",
    "transcriptions:read",
    "transcriptions:write",
    "tags:read",
    "tags:write",
    "sequences:read",
    "sequences:write",
    "phone_numbers:read",
    "stats:read",
    "personal_data:read",
    "personal_data:erase",
    "workspaces:read",
    "users:read",
)

# The two underscores inside keep secret scanners from taking a key for Stripe's.
_KEY = re.compile(r"sk_(?:live|test)_([0-9A-Za-z]{8})_[0-9A-Za-z]{32}([0-9A-Za-z]{6})", re.ASCII)
PUBLIC_PART_LENGTH = 8
SECRET_LENGTH = 32
CHECKSUM_LENGTH = 6
FIELDS_NAMED_MAX = 100  # that are told of one key


def make_key(mode: str) -> tuple[str, str]:
    """Return a new key of a mode (`LIVE` or `TEST`) and its public part."""
    public_part = random_base62(PUBLIC_PART_LENGTH)
    body = f"sk_{mode.lower()}_{public_part}_{random_base62(SECRET_LENGTH)}"
    return body + _checksum(body), public_part


def public_part_of(key: str) -> str | None:
    """Return the public part of a well-formed key, or None if its form or its checksum is wrong."""
    match = _KEY.fullmatch(key)
    if match is None or _checksum(key[:-CHECKSUM_LENGTH]) != match[2]:
        return None
    return match[1]


def digest_of(key: str, secret: bytes) -> bytes:
    """Return what is stored of a key: HMAC-SHA256 under the server's secret."""
    return hmac.digest(secret, key.encode(), "sha256")


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode())
    digits = ""
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    return digits


class KeyUse:
    """What a key has done since it was last written down."""

    __slots__ = ("custom_field_names", "fields_named", "requests")

    def __init__(self) -> None:
        self.requests = 0
        self.custom_field_names = 0  # requests with the deprecated name of a field
        self.fields_named: dict[tuple[UUID, str], tuple[str, int]] = {}  # workspace and slug -> name, requests

    def note_names(self, workspace_id: UUID, names: Mapping[str, str]) -> None:
        """Note a request with these names of custom fields, by slug."""
        self.custom_field_names += 1
        for slug, name in names.items():
            _, count = self.fields_named.get((workspace_id, slug), (name, 0))
            self.fields_named[workspace_id, slug] = (name, count + 1)

    def take(self) -> "KeyUse":
        """Return all that was noted, and note anew."""
        taken = KeyUse()
        for name in self.__slots__:
            fresh = getattr(taken, name)
            setattr(taken, name, getattr(self, name))
            setattr(self, name, fresh)
        return taken


class Caller(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Who is asking: a key, and what it opens."""

    api_key_id: UUID
    name: str
    mode: str
    scopes: frozenset[str]
    scope: Scope
    default_workspace_id: UUID
    expires_at: datetime | None
    subscription: Subscription
    use: KeyUse

    def home_among(self, workspace_ids: Sequence[UUID]) -> UUID:
        """Return the workspace whose country and time zone count where some are asked for: the only one, or the key's default."""
        return workspace_ids[0] if len(workspace_ids) == 1 else self.default_workspace_id
