"""SQL of the do-not-call list. Numbers are looked for by their keyed hash, never by themselves."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from skipcall import ids
from skipcall.clock import timestamp
from skipcall.do_not_call.model import DoNotCallEntry, Reason
from skipcall.events.queries import RECORD
from skipcall.phone_numbers.forms import all_forms
from skipcall.postgres.db import Row, Session, Statement
from skipcall.sealing import number_hash

ATTEMPTS_MAX = 10

COLUMNS = """d.id, d.phone_number, d.reason, d.source, d.evidence::text AS evidence, d.workspace_id, d.created_at, d.expires_at,
    d.lifted_at"""
_IN_FORCE = "d.lifted_at IS NULL AND (d.expires_at IS NULL OR d.expires_at > now())"
_FILTERS = f"""d.workspace_id = ANY(:workspace_ids) AND {_IN_FORCE}
    AND (:number_hashes::bytea[] IS NULL OR d.number_hash = ANY(:number_hashes)) AND (:reason::text IS NULL OR d.reason = :reason)"""

_LIST = Statement(
    f"""
    WITH counted AS (
        SELECT count(*) AS total FROM (SELECT FROM do_not_call d WHERE {_FILTERS} LIMIT :count_max) found
    ), d AS (
        SELECT * FROM do_not_call d WHERE {_FILTERS} AND d.id < :before ORDER BY d.id DESC LIMIT :limit OFFSET :offset
    )
    SELECT {COLUMNS}, counted.total FROM counted LEFT JOIN d ON true ORDER BY d.id DESC
    """
)
_GET = Statement(f"SELECT {COLUMNS} FROM do_not_call d WHERE d.workspace_id = ANY(:workspace_ids) AND d.id = :id")
# Of one reason, an entry that ends sooner than the new one makes way for it, whichever form of the number it has; so does one that has
# expired. One that does not is the answer. Other reasons stand beside it.
_CREATE = Statement(
    f"""
    WITH ended AS (
        UPDATE do_not_call SET lifted_at = least(expires_at, now())
        WHERE workspace_id = :workspace_id AND number_hash = ANY(:number_hashes) AND reason = :reason AND lifted_at IS NULL
            AND expires_at < coalesce(:expires_at, 'infinity'::timestamptz)
        RETURNING id
    ), written AS (
        INSERT INTO do_not_call (workspace_id, id, phone_number, number_hash, reason, source, evidence, created_by, expires_at)
        SELECT :workspace_id, :id, :phone_number, :number_hash, :reason, :source, :evidence::jsonb, :api_key_id, :expires_at
        FROM (SELECT count(*) FROM ended) e WHERE NOT EXISTS (
            SELECT FROM do_not_call d
            WHERE d.workspace_id = :workspace_id AND d.number_hash = ANY(:number_hashes) AND d.reason = :reason AND {
        _IN_FORCE
    }
                AND coalesce(d.expires_at, 'infinity') >= coalesce(:expires_at, 'infinity'::timestamptz)
        )
        ON CONFLICT DO NOTHING RETURNING *
    ), recorded AS ({
        RECORD.format(
            type="do_not_call.created",
            changes="NULL",
            rows="(SELECT workspace_id, id, 1 AS version, created_at AS updated_at FROM written) w",
        ).replace(":source", "'API'")
    }
    )
    SELECT {COLUMNS}, true AS is_new FROM written d
    UNION ALL
    SELECT {COLUMNS}, false FROM do_not_call d
    WHERE d.workspace_id = :workspace_id AND d.number_hash = ANY(:number_hashes) AND d.reason = :reason AND {_IN_FORCE}
        AND NOT EXISTS (SELECT FROM written)
        AND NOT EXISTS (SELECT FROM ended WHERE ended.id = d.id)
    """
)
_LIFT = Statement(
    f"""
    WITH written AS (
        UPDATE do_not_call d SET lifted_at = now()
        WHERE d.workspace_id = ANY(:workspace_ids) AND d.id = :id AND {_IN_FORCE}
        RETURNING d.workspace_id, d.id, 2 AS version, d.lifted_at AS updated_at
    ), recorded AS ({RECORD.format(type="do_not_call.lifted", changes="NULL", rows="written").replace(":source", "'API'")}
    )
    SELECT id FROM written
    """
)
# Of several entries the one that holds longest, of all forms of the number. Contacts are found as in calls.matching: by the hash of the index first, then by the number itself.
_CHECK = Statement(
    f"""
    SELECT d.id AS entry_id, d.expires_at, EXISTS (
        SELECT FROM contacts c
        WHERE phone_keys(c.workspace_id, c.phone_numbers) && phone_keys(:workspace_id, n.numbers)
            AND (c.workspace_id = :workspace_id AND c.phone_numbers && n.numbers) IS TRUE
            AND c.deleted_at IS NULL AND NOT c.allow_phone_calls
    ) AS is_refused
    FROM (
        SELECT place, array_agg(number) AS numbers, array_agg(hash) AS hashes
        FROM unnest(:places::integer[], :numbers::text[], :hashes::bytea[]) AS form (place, number, hash) GROUP BY place
    ) n
    LEFT JOIN LATERAL (
        SELECT id, expires_at FROM do_not_call d WHERE d.workspace_id = :workspace_id AND d.number_hash = ANY(n.hashes) AND {_IN_FORCE}
        ORDER BY expires_at DESC NULLS FIRST, id LIMIT 1
    ) d ON true
    ORDER BY n.place
    """
)


class Standing(NamedTuple):
    """The entry of a number that holds longest, if one is in force, and whether a contact with the number may not be called."""

    entry_id: UUID | None
    expires_at: datetime | None
    is_refused: bool


async def list_do_not_call(
    db: Session,
    workspace_ids: Sequence[UUID],
    *,
    secret: bytes,
    phone_number: str | None,
    reason: Reason | None,
    before: UUID,
    limit: int,
    offset: int,
    count_max: int | None,
) -> tuple[list[DoNotCallEntry], int]:
    """Return entries in force, newest first, and how many there are; counted up to `count_max` if it is given."""
    rows = await db.fetch_rows(
        _LIST,
        workspace_ids=workspace_ids,
        number_hashes=None if phone_number is None else [number_hash(one, secret) for one in all_forms(phone_number)],
        reason=reason,
        before=before,
        limit=limit,
        offset=offset,
        count_max=count_max,
    )
    return [make_entry(row) for row in rows if row["id"] is not None], rows[0]["total"]


async def find_entry(db: Session, workspace_ids: Sequence[UUID], id: UUID) -> DoNotCallEntry | None:
    """Return an entry of the workspaces, also one that is not in force any more, or None."""
    row = await db.fetch_row(_GET, workspace_ids=workspace_ids, id=id)
    return None if row is None else make_entry(row)


async def create_entry(
    db: Session,
    workspace_id: UUID,
    phone_number: str,
    *,
    secret: bytes,
    reason: Reason,
    source: str | None,
    evidence: dict[str, str],
    expires_at: datetime | None,
    api_key_id: UUID,
    request_id: str,
) -> tuple[DoNotCallEntry, bool]:
    """Put a number on the list; return its entry, and whether it is new."""
    # The entry of somebody who was faster is seen by the next statement only.
    for _ in range(ATTEMPTS_MAX):
        row = await db.fetch_row(
            _CREATE,
            workspace_id=workspace_id,
            id=ids.new_id(),
            phone_number=phone_number,
            number_hash=number_hash(phone_number, secret),
            number_hashes=[number_hash(one, secret) for one in all_forms(phone_number)],
            reason=reason,
            source=source,
            evidence=msgspec.json.encode(evidence).decode(),
            expires_at=expires_at,
            api_key_id=api_key_id,
            request_id=request_id,
        )
        if row is not None:
            return make_entry(row), row["is_new"]
    raise AssertionError("entries of this number come and go faster than they can be read")


async def lift_entry(
    db: Session, workspace_ids: Sequence[UUID], id: UUID, *, api_key_id: UUID, request_id: str
) -> bool:
    """End an entry, which is kept; return False if there is none in force."""
    row = await db.fetch_row(_LIFT, workspace_ids=workspace_ids, id=id, api_key_id=api_key_id, request_id=request_id)
    return row is not None


async def check_numbers(db: Session, workspace_id: UUID, numbers: Sequence[str], *, secret: bytes) -> list[Standing]:
    """Return what is known of each number, in their order: also by the other forms in which the same telephone is known."""
    forms = [(place, one) for place, number in enumerate(numbers) for one in all_forms(number)]
    rows = await db.fetch_rows(
        _CHECK,
        workspace_id=workspace_id,
        places=[place for place, _ in forms],
        numbers=[one for _, one in forms],
        hashes=[number_hash(one, secret) for _, one in forms],
    )
    return [Standing(*row) for row in rows]


def make_entry(row: Row) -> DoNotCallEntry:
    """Return the entry of a row of `COLUMNS`."""
    return DoNotCallEntry(
        id=str(row["id"]),
        phone_number=row["phone_number"],
        reason=row["reason"],
        source=row["source"],
        evidence=msgspec.json.decode(row["evidence"]),
        workspace_id=str(row["workspace_id"]),
        created_at=timestamp(row["created_at"]),
        expires_at=row["expires_at"] and timestamp(row["expires_at"]),
        lifted_at=row["lifted_at"] and timestamp(row["lifted_at"]),
    )
