"""Identifiers that we make: UUIDs in order of time, request ids, random text."""

import os
import secrets
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_last_tick = 0


def new_id() -> UUID:
    """Return a version 7 UUID (RFC 9562, section 5.7), later than every one this process made before.

    Ids in order of time keep inserts at one end of the primary key and let a list page by it.
    """
    global _last_tick  # noqa: PLW0603 - the order within a process is the point
    # 48 bits of milliseconds and 12 bits of their fraction, read as one growing number.
    tick = max(time.time_ns() * 4096 // 1_000_000, _last_tick + 1)
    _last_tick = tick
    high = (tick >> 12) << 16 | 0x7000 | (tick & 0xFFF)
    low = 0x8000000000000000 | int.from_bytes(os.urandom(8)) >> 2
    return UUID(int=high << 64 | low)


def id_at(moment: datetime) -> UUID:
    """Return a version 7 UUID of a moment from 1970 on; several of one millisecond come in no order."""
    high = (moment - _EPOCH) // timedelta(milliseconds=1) << 16 | 0x7000 | int.from_bytes(os.urandom(2)) >> 4
    low = 0x8000000000000000 | int.from_bytes(os.urandom(8)) >> 2
    return UUID(int=high << 64 | low)


def new_request_id() -> str:
    """Return an id for one request: `req_` and 96 random bits in hexadecimal."""
    return "req_" + os.urandom(12).hex()


def random_base62(length: int) -> str:
    """Return `length` characters drawn from `BASE62` by the system's random source."""
    return "".join(secrets.choice(BASE62) for _ in range(length))
