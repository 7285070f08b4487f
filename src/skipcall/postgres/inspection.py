"""What an operator wants to know about a database before trusting it: version, settings, role, clock."""

from datetime import datetime

import msgspec

from skipcall.postgres.db import Session, Statement

VERSION_MIN, VERSION_MAX = 15, 18

_INSPECT = Statement(
    """
    SELECT current_setting('server_version_num')::int / 10000 AS major, current_setting('server_version') AS version,
           current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
           current_setting('synchronous_commit') AS synchronous_commit,
           current_setting('server_encoding') AS encoding, current_setting('is_superuser') = 'on' AS is_superuser,
           current_user::text AS role, clock_timestamp() AS time
    """
)


class Inspection(msgspec.Struct, frozen=True):
    """One look at a server, from one connection."""

    major: int
    version: str
    fsync: str
    full_page_writes: str
    synchronous_commit: str
    encoding: str
    is_superuser: bool
    role: str
    time: datetime


async def inspect(session: Session) -> Inspection:
    """Return what the server says about itself."""
    row = await session.fetch_row(_INSPECT)
    assert row is not None
    return Inspection(**dict(row))
