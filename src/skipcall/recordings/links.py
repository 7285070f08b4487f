"""Addresses that open one recording for some minutes, without an API key.

`base64url(workspace, call, recording, expiry, MAC)`: 16 bytes for each id, 4 for the expiry in seconds of Unix time, and
128 bits of an HMAC-SHA256 over them.
"""

import base64
import binascii
import hmac
import struct
from uuid import UUID

from skipcall.recordings.model import LinkExpired

SECONDS_MAX = 900
PATH = "/recordings/"

_FIELDS = struct.Struct(">16s16s16sI")
_MAC_BYTES = 16
_PURPOSE = b"address of a recording, version 1"


def sign_link(secret: bytes, workspace_id: UUID, call_id: UUID, recording_id: UUID, expires_at: int) -> str:
    """Return the token of an address that opens a recording until a moment."""
    fields = _FIELDS.pack(workspace_id.bytes, call_id.bytes, recording_id.bytes, expires_at)
    return base64.urlsafe_b64encode(fields + _mac(secret, fields)).decode().rstrip("=")


def read_link(secret: bytes, token: str, now: float) -> tuple[UUID, UUID, UUID] | None:
    """Return workspace, call and recording that a token opens, None for one that is not ours. Raises `LinkExpired`."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    fields, mac = raw[: _FIELDS.size], raw[_FIELDS.size :]
    if len(fields) != _FIELDS.size or not hmac.compare_digest(mac, _mac(secret, fields)):
        return None
    workspace_id, call_id, recording_id, expires_at = _FIELDS.unpack(fields)
    if now >= expires_at:
        raise LinkExpired
    return UUID(bytes=workspace_id), UUID(bytes=call_id), UUID(bytes=recording_id)


def _mac(secret: bytes, fields: bytes) -> bytes:
    key = hmac.digest(secret, _PURPOSE, "sha256")
    return hmac.digest(key, fields, "sha256")[:_MAC_BYTES]
