"""Secrets of others, as they are kept in the database: sealed under a key that is derived from the server's secret."""

import hmac

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

_LABEL = b"skipcall: secrets of telephony sources"


class Unopenable(Exception):
    """Sealed under another secret, or damaged."""


def seal(text: str, secret: bytes) -> bytes:
    """Return a text in a form that only the secret opens (XSalsa20-Poly1305 with a random nonce)."""
    return bytes(_box(secret).encrypt(text.encode()))


def open_sealed(sealed: bytes, secret: bytes) -> str:
    """Return the text; raise `Unopenable`."""
    try:
        return _box(secret).decrypt(sealed).decode()
    except (CryptoError, ValueError):
        raise Unopenable from None


def _box(secret: bytes) -> SecretBox:
    return SecretBox(hmac.digest(secret, _LABEL, "sha256"))
