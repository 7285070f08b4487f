"""How far the files of an exchange were read, and by which worker: rows of `telephony_file_places` and `_readers`."""

from uuid import UUID

import msgspec

from skipcall.postgres.db import Session, Statement

LEASE_SECONDS = 30.0


class Place(msgspec.Struct, frozen=True):
    """Behind the last complete line that was read: the byte there, and the number of that line."""

    byte_offset: int = 0
    line: int = 0


_TAKE = Statement("""
INSERT INTO telephony_file_readers AS reader (workspace_id, source_id, reader_id, leased_until)
VALUES (:workspace_id, :source_id, :reader_id, now() + make_interval(secs => :seconds))
ON CONFLICT (workspace_id, source_id) DO UPDATE SET reader_id = EXCLUDED.reader_id, leased_until = EXCLUDED.leased_until
WHERE reader.reader_id = EXCLUDED.reader_id OR reader.leased_until < now()
RETURNING true""")
_GIVE_BACK = Statement("""
DELETE FROM telephony_file_readers
WHERE workspace_id = :workspace_id AND source_id = :source_id AND reader_id = :reader_id""")
_LIST = Statement("""
SELECT identity, byte_offset, line FROM telephony_file_places
WHERE workspace_id = :workspace_id AND source_id = :source_id""")
_ADVANCE = Statement("""
INSERT INTO telephony_file_places AS place (workspace_id, source_id, identity, path, byte_offset, line)
SELECT :workspace_id, :source_id, :identity, :path, :byte_offset, :line
FROM telephony_file_readers WHERE workspace_id = :workspace_id AND source_id = :source_id AND reader_id = :reader_id
ON CONFLICT (workspace_id, source_id, identity) DO UPDATE
SET path = EXCLUDED.path, byte_offset = EXCLUDED.byte_offset, line = EXCLUDED.line, updated_at = now()
RETURNING true""")


async def take_lease(db: Session, workspace_id: UUID, source_id: UUID, reader_id: UUID) -> bool:
    """Make a worker the reader of a source's files for LEASE_SECONDS, or longer if it is already; tell whether it is."""
    taken = await db.fetch_value(
        _TAKE, workspace_id=workspace_id, source_id=source_id, reader_id=reader_id, seconds=LEASE_SECONDS
    )
    return bool(taken)


async def give_back_lease(db: Session, workspace_id: UUID, source_id: UUID, reader_id: UUID) -> None:
    await db.execute(_GIVE_BACK, workspace_id=workspace_id, source_id=source_id, reader_id=reader_id)


async def list_places(db: Session, workspace_id: UUID, source_id: UUID) -> dict[str, Place]:
    """Return the place reached in each file, by its identity."""
    rows = await db.fetch_rows(_LIST, workspace_id=workspace_id, source_id=source_id)
    return {row["identity"]: Place(row["byte_offset"], row["line"]) for row in rows}


async def advance(
    db: Session, workspace_id: UUID, source_id: UUID, reader_id: UUID, *, identity: str, path: str, place: Place
) -> bool:
    """Keep the place that was reached; return False, and keep nothing, if another worker is the reader by now."""
    kept = await db.fetch_value(
        _ADVANCE,
        workspace_id=workspace_id,
        source_id=source_id,
        reader_id=reader_id,
        identity=identity,
        path=path,
        byte_offset=place.byte_offset,
        line=place.line,
    )
    return bool(kept)
