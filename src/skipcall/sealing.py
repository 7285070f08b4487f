"""What the database must not tell: secrets of others and hashes of numbers, under keys derived from the server's secret."""

import hmac
from collections.abc import Iterable

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

_LABEL = b"skipcall: secrets of telephony sources"
_NUMBERS_LABEL = b"skipcall: numbers that are not to be called"
_PEOPLE_LABEL = b"skipcall: people who were erased"


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


def number_hash(number: str, secret: bytes) -> bytes:
    """Return what a phone number is found by once it is erased: nobody without the secret can try out all numbers."""
    return hmac.digest(hmac.digest(secret, _NUMBERS_LABEL, "sha256"), number.encode(), "sha256")


def people_hashes(keys: Iterable[str], secret: bytes) -> list[bytes]:
    """Return what people are recognised by once they are erased: a hash of each key."""
    derived = hmac.digest(secret, _PEOPLE_LABEL, "sha256")
    return [hmac.digest(derived, key.encode(), "sha256") for key in keys]


def _box(secret: bytes) -> SecretBox:
    return SecretBox(hmac.digest(secret, _LABEL, "sha256"))
