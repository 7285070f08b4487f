"""SQL of erasures. What can hold something of a person is named here, store by store; a test puts a mark into every column of
every table, and looks for it afterwards.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from uuid import UUID

import msgspec

from skipcall.calls.queries import Author
from skipcall.clock import timestamp
from skipcall.contacts.queries import COUNT
from skipcall.erasures.model import Erasure, Receipt
from skipcall.erasures.people import MERGES_OF_PERSON
from skipcall.events.queries import RECORD
from skipcall.imports.jobs import NOTHING_WRITTEN
from skipcall.postgres.db import Database, Row, Session, Statement
from skipcall.postgres.leases import leased, renewal

CALLS_AT_ONCE = 1_000  # in one statement of the transaction

_COLUMNS = """e.id, e.workspace_id, e.contact_ids, e.status, e.receipt::text AS receipt, e.consents_sha256, e.api_key_id, e.request_id,
    e.created_at, e.completed_at"""
_GET = Statement(f"SELECT {_COLUMNS} FROM erasures e WHERE workspace_id = ANY(:workspace_ids) AND id = :id")
_LIST = Statement(
    f"""
    WITH counted AS (SELECT count(*) AS total FROM erasures WHERE workspace_id = ANY(:workspace_ids)
    ), e AS (
        SELECT * FROM erasures WHERE workspace_id = ANY(:workspace_ids) AND id < :before
        ORDER BY id DESC LIMIT :limit OFFSET :offset
    )
    SELECT {_COLUMNS}, counted.total FROM counted LEFT JOIN e ON true ORDER BY e.id DESC
    """
)
_KEEP = Statement(
    f"""
    INSERT INTO erasures AS e (workspace_id, id, contact_ids, status, receipt, consents_sha256, object_keys, api_key_id,
        request_id, next_attempt_at, completed_at)
    SELECT :workspace_id, :id, :contact_ids, CASE WHEN todo THEN 'RUNNING' ELSE 'COMPLETED' END, :receipt::jsonb, (
            SELECT sha256(string_agg(erased_hash, ''::bytea ORDER BY contact_id, position)) FROM contact_consents
            WHERE workspace_id = :workspace_id AND contact_id = ANY(:contact_ids)
        ), :object_keys, :api_key_id, :request_id, CASE WHEN todo THEN now() END, CASE WHEN NOT todo THEN now() END
    FROM (SELECT cardinality(:object_keys::text[]) > 0 AS todo) t
    RETURNING {_COLUMNS}
    """
)

REFUSE = Statement(
    """
    INSERT INTO erased_people (workspace_id, key_hash) SELECT DISTINCT :workspace_id::uuid, one FROM unnest(:hashes::bytea[]) AS one
    ON CONFLICT DO NOTHING
    """
)

# ----------------------------------------------------------------------------------------------------------- the stores

# Kept answers have no key of what is in them, so their text is searched: for ids, numbers and addresses.
FORGET_ANSWERS = Statement(
    """
    WITH gone AS (
        DELETE FROM idempotent_answers i
        WHERE i.api_key_id IN (SELECT api_key_id FROM api_key_workspaces WHERE workspace_id = :workspace_id)
            AND EXISTS (
                SELECT FROM unnest(:marks::text[]) AS mark WHERE strpos(convert_from(i.body, 'UTF8'), mark) > 0
            )
        RETURNING 1
    ) SELECT count(*) FROM gone
    """
)
FORGET_REPORTS = Statement(
    """
    WITH gone AS (
        DELETE FROM telephony_reports r WHERE r.workspace_id = :workspace_id AND (
            EXISTS (
                SELECT FROM call_keys k
                WHERE k.workspace_id = r.workspace_id AND k.source_id = r.source_id AND k.kind = r.kind AND k.key = r.key
                    AND k.call_id = ANY(:call_ids)
            ) OR EXISTS (SELECT FROM unnest(:numbers::text[]) AS number WHERE strpos(r.report, number) > 0)
        ) RETURNING 1
    ) SELECT count(*) FROM gone
    """
)
LIST_CONSENT_IDS = Statement(
    "SELECT id FROM contact_consents WHERE workspace_id = :workspace_id AND contact_id = ANY(:contact_ids)"
)

# What is not null here is who was called by whom, when, and what came of it: the statistics. `call_keys` stay, so that a report
# that a provider sends again is known for one of an erased call; what was read before the erasure is not written (`report_count`).
_CALL_VALUES = """provider_call_id user_provider_id admin_provider_id provider_conference_id hangup_cause phone_number raw_phone_number
    caller_phone_number raw_caller_phone_number notes external_id state""".split()
ERASE_CALLS = Statement(
    f"""
    WITH written AS (
        UPDATE calls c SET {", ".join(f"{column} = NULL" for column in _CALL_VALUES)}, has_recording = false,
            has_transcription = false, erased_at = now(), report_count = c.report_count + 1, version = c.version + 1,
            updated_at = greatest(clock_timestamp(), c.updated_at), last_modification_source = :source
        FROM unnest(:ids::uuid[]) AS g (id) WHERE c.workspace_id = :workspace_id AND c.id = g.id
        RETURNING c.workspace_id, c.id, c.version, c.updated_at, c.deleted_at
    ), recorded AS ({RECORD.format(type="call.erased", changes="NULL", rows="written WHERE deleted_at IS NULL")}
    ), unheard AS (
        UPDATE call_recordings SET status = 'ERASED', reason = NULL, url = NULL, object_key = NULL, sha256 = NULL,
            size_bytes = NULL, next_attempt_at = NULL, updated_at = clock_timestamp()
        WHERE workspace_id = :workspace_id AND call_id = ANY(:ids) AND status <> 'ERASED' RETURNING 1
    ), unwritten AS (
        DELETE FROM call_transcriptions WHERE workspace_id = :workspace_id AND call_id = ANY(:ids) RETURNING 1
    )
    SELECT (SELECT count(*) FROM written) AS calls, (SELECT count(*) FROM unheard) AS recordings,
        (SELECT count(*) FROM unwritten) AS transcriptions, ARRAY(
            SELECT object_key FROM call_recordings
            WHERE workspace_id = :workspace_id AND call_id = ANY(:ids) AND object_key IS NOT NULL
        ) AS object_keys
    """
)
_NO_VALUES = """(SELECT jsonb_object_agg(name, '[null, null]'::jsonb) FROM jsonb_object_keys(e.changes) AS name)"""
ERASE_CHANGES = Statement(
    f"""
    WITH written AS (
        UPDATE events e SET changes = {_NO_VALUES}
        WHERE workspace_id = :workspace_id AND object_id = ANY(:ids) AND changes <> '{{}}' RETURNING 1
    ) SELECT count(*) FROM written
    """
)
# A merge that was undone has left values in the history of the other contact: in what the two transactions recorded, and whenever such a
# value was changed later, there and in whoever took that one in.
_LEAVES = """SELECT leaf #>> '{{}}' FROM jsonb_path_query({value}, '$.** ? (@.type() == "string")') AS leaf"""
_GIVEN = f"""
    merges AS MATERIALIZED ({MERGES_OF_PERSON}), given AS MATERIALIZED (
        SELECT DISTINCT k.key AS name, leaf.value
        FROM merges m JOIN events e ON e.workspace_id = :workspace_id AND e.transaction_id = m.transaction_id
            AND e.object_id = coalesce(m.joined_id, m.left_id)
        CROSS JOIN jsonb_each(e.changes) k CROSS JOIN LATERAL (
            ({_LEAVES.format(value="k.value -> CASE WHEN m.joined_id IS NULL THEN 0 ELSE 1 END")})
            EXCEPT ({_LEAVES.format(value="k.value -> CASE WHEN m.joined_id IS NULL THEN 1 ELSE 0 END")})
        ) leaf (value)
    )"""
_HAS_GIVEN = f"EXISTS (SELECT FROM given g WHERE g.name = k.key AND g.value IN ({_LEAVES.format(value='k.value')}))"
ERASE_LATER_CHANGES_OF_OTHERS = Statement(
    f"""
    WITH {_GIVEN}, written AS (
        UPDATE events e SET changes = (
            SELECT jsonb_object_agg(k.key, CASE WHEN {_HAS_GIVEN} THEN '[null, null]' ELSE k.value END) FROM jsonb_each(e.changes) k
        )
        WHERE e.workspace_id = :workspace_id AND e.object_id = ANY(:taker_ids)
            AND e.transaction_id NOT IN (SELECT transaction_id FROM merges)
            AND EXISTS (SELECT FROM jsonb_each(e.changes) k WHERE {_HAS_GIVEN}) RETURNING 1
    ) SELECT count(*) FROM written
    """
)
# Whoever undoes such a merge does not get the value back.
ERASE_MERGES_OF_OTHERS = Statement(
    f"""
    WITH {_GIVEN}, written AS (
        UPDATE contact_merges m SET changes = (
            SELECT coalesce(jsonb_object_agg(k.key, k.value), '{{}}') FROM jsonb_each(m.changes) k
            WHERE NOT EXISTS (SELECT FROM given g WHERE g.value IN ({_LEAVES.format(value="k.value")}))
        )
        WHERE m.workspace_id = :workspace_id AND m.target_id = ANY(:taker_ids) AND EXISTS (
            SELECT FROM jsonb_each(m.changes) k JOIN given g ON g.value IN ({_LEAVES.format(value="k.value")})
        ) RETURNING 1
    ) SELECT count(*) FROM written
    """
)
ERASE_CHANGES_OF_OTHERS = Statement(
    f"""
    WITH written AS (
        UPDATE events e SET changes = {_NO_VALUES}
        FROM ({MERGES_OF_PERSON}) m
        WHERE e.workspace_id = :workspace_id AND e.object_id = coalesce(m.joined_id, m.left_id)
            AND e.transaction_id = m.transaction_id AND e.object_id <> ALL(:contact_ids) AND e.changes <> '{{}}' RETURNING 1
    ) SELECT count(*) FROM written
    """
)
# Names must not be empty, even where lists of deleted contacts show them.
ERASE_CONTACTS = Statement(
    f"""
    WITH before AS (
        SELECT id, deleted_at FROM contacts WHERE workspace_id = :workspace_id AND id = ANY(:ids)
    ), erased AS (
        UPDATE contacts c SET first_name = 'Erased', last_name = 'contact', email = NULL, company = NULL, city = NULL,
            country = NULL, url = NULL, linkedin_url = NULL, linkedin_sales_url = NULL, role = NULL, external_id = NULL,
            phone_numbers = '{{}}', custom_fields = '{{}}', erasure_id = :erasure_id, version = c.version + 1,
            deleted_at = coalesce(c.deleted_at, clock_timestamp()), updated_at = greatest(clock_timestamp(), c.updated_at),
            last_modification_source = :source
        FROM before b WHERE c.workspace_id = :workspace_id AND c.id = b.id
        RETURNING c.workspace_id, c.id, c.version, c.updated_at, c.call_count, b.deleted_at IS NULL AS was_there
    ), recorded AS ({RECORD.format(type="contact.erased", changes="NULL", rows="erased")}
    ), written AS (SELECT * FROM erased WHERE was_there
    ), counted AS ({COUNT.format(step="-1")}
    )
    SELECT count(*) FROM erased
    """
)
ERASE_CONSENTS = Statement(
    """
    WITH written AS (
        UPDATE contact_consents SET erased_hash = '' WHERE workspace_id = :workspace_id AND contact_id = ANY(:ids) RETURNING 1
    ) SELECT count(*) FROM written
    """
)
ERASE_DO_NOT_CALL = Statement(
    """
    WITH written AS (
        UPDATE do_not_call SET phone_number = NULL, source = NULL, evidence = '{}'
        WHERE workspace_id = :workspace_id AND number_hash = ANY(:hashes) RETURNING 1
    ) SELECT count(*) FROM written
    """
)
FORGET_MERGES = Statement(
    """
    WITH gone AS (
        DELETE FROM contact_merges
        WHERE workspace_id = :workspace_id AND (source_id = ANY(:ids) OR target_id = ANY(:ids)) RETURNING 1
    ) SELECT count(*) FROM gone
    """
)
# The trigger of the deletion has taken them out, and counted.
FORGET_SEQUENCES = Statement(
    """
    WITH gone AS (
        DELETE FROM sequence_contacts WHERE workspace_id = :workspace_id AND contact_id = ANY(:ids) RETURNING 1
    ) SELECT count(*) FROM gone
    """
)
# A file holds all contacts of its moment. One that is being made is made anew, and the attempt that is at it finds that it has lost.
END_EXPORTS = Statement(
    """
    UPDATE exports SET status = CASE status WHEN 'COMPLETED' THEN 'EXPIRED' WHEN 'RUNNING' THEN 'PENDING' ELSE status END,
        next_attempt_at = CASE WHEN status = 'RUNNING' THEN now() ELSE next_attempt_at END,
        expires_at = CASE WHEN status = 'COMPLETED' THEN now() ELSE expires_at END
    WHERE workspace_id = :workspace_id AND attempts > 0 AND status <> 'EXPIRED' RETURNING id, attempts
    """
)
# A file that waits may hold the person, and what a dry run shows of it. A running import refuses the person, and removes its file.
END_IMPORTS = Statement(
    f"""
    UPDATE imports SET dry_run = NULL, {NOTHING_WRITTEN},
        status = CASE WHEN status IN ('CHECKING', 'AWAITING_CONFIRMATION') THEN 'CANCELED' ELSE status END,
        next_attempt_at = CASE WHEN status = 'CHECKING' THEN NULL ELSE next_attempt_at END,
        ended_at = CASE WHEN status IN ('CHECKING', 'AWAITING_CONFIRMATION') THEN now() ELSE ended_at END,
        failure = CASE WHEN status IN ('CHECKING', 'AWAITING_CONFIRMATION')
            THEN 'A person of this workspace was erased, and the file may hold them: send it again' ELSE failure END
    WHERE workspace_id = :workspace_id AND (dry_run IS NOT NULL OR uploads > 0)
    RETURNING id, CASE WHEN status = 'RUNNING' THEN 0 ELSE uploads END AS uploads
    """
)

# --------------------------------------------------------------------------------- of all workspaces: the work of the worker

CLAIM_ERASURE = Statement(
    """
    UPDATE erasures e SET next_attempt_at = now() + make_interval(secs => :lease_seconds)
    FROM (
        SELECT workspace_id, id FROM erasures WHERE next_attempt_at <= now()::timestamptz(3)
        ORDER BY next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED
    ) due
    WHERE e.workspace_id = due.workspace_id AND e.id = due.id RETURNING e.workspace_id, e.id, e.contact_ids, e.object_keys
    """
)
# Nobody's claim has a number: two who finish one erasure do no harm.
_RENEW = renewal("erasures", "workspace_id = :workspace_id AND id = :id AND next_attempt_at IS NOT NULL")
ADD_ERASED = Statement(
    """
    UPDATE erasures SET receipt = (
            SELECT jsonb_object_agg(key, value::bigint + (:receipt::jsonb ->> key)::bigint) FROM jsonb_each_text(receipt)
        ), object_keys = object_keys || :object_keys::text[]
    WHERE workspace_id = :workspace_id AND id = :id
    """
)
# Whatever came meanwhile is still to be done.
COMPLETE_ERASURE = Statement(
    """
    UPDATE erasures e SET object_keys = left_over, status = CASE WHEN left_over = '{}' THEN 'COMPLETED' ELSE status END,
        next_attempt_at = CASE WHEN left_over <> '{}' THEN now() END,
        completed_at = CASE WHEN left_over = '{}' THEN now() END
    FROM (
        SELECT id, ARRAY(SELECT unnest(object_keys) EXCEPT SELECT unnest(:removed::text[])) AS left_over
        FROM erasures WHERE workspace_id = :workspace_id AND id = :id FOR UPDATE
    ) o
    WHERE e.workspace_id = :workspace_id AND e.id = o.id
    """
)
# A call whose writer has found the contact before it was erased, and that was committed after it. Nobody is at that for a day.
REOPEN_ERASURES = Statement(
    """
    UPDATE erasures e SET status = 'RUNNING', next_attempt_at = now(), completed_at = NULL
    WHERE workspace_id = ANY(:workspace_ids) AND status = 'COMPLETED' AND created_at > now() - interval '1 day' AND EXISTS (
        SELECT FROM calls WHERE workspace_id = e.workspace_id AND contact_id = ANY(e.contact_ids) AND deleted_at IS NULL
            AND erased_at IS NULL
    )
    """
)


class Claimed(msgspec.Struct, frozen=True):
    """An erasure that is to be finished by who claimed it."""

    workspace_id: UUID
    id: UUID
    contact_ids: list[UUID]
    object_keys: list[str]


async def find_erasure(db: Session, workspace_ids: Sequence[UUID], id: UUID) -> Erasure | None:
    """Return an erasure of the workspaces, or None."""
    row = await db.fetch_row(_GET, workspace_ids=workspace_ids, id=id)
    return None if row is None else _erasure(row)


async def list_erasures(
    db: Session, workspace_ids: Sequence[UUID], *, before: UUID, limit: int, offset: int
) -> tuple[list[Erasure], int]:
    """Return erasures, newest first, before a place, and how many there are."""
    rows = await db.fetch_rows(_LIST, workspace_ids=workspace_ids, before=before, limit=limit, offset=offset)
    return [_erasure(row) for row in rows if row["id"] is not None], rows[0]["total"]


async def erase_calls(
    tx: Session, workspace_id: UUID, call_ids: Sequence[UUID], author: Author
) -> tuple[Receipt, list[str]]:
    """Erase what calls say of anybody; return how much, and the keys of recordings. The caller holds their locks."""
    receipt, object_keys = Receipt(), []
    for start in range(0, len(call_ids), CALLS_AT_ONCE):
        ids = call_ids[start : start + CALLS_AT_ONCE]
        receipt.changes += await tx.fetch_value(ERASE_CHANGES, workspace_id=workspace_id, ids=ids)
        row = await tx.fetch_row(ERASE_CALLS, workspace_id=workspace_id, ids=ids, **author._asdict())
        assert row is not None
        receipt.calls += row["calls"]
        receipt.recordings += row["recordings"]
        receipt.transcriptions += row["transcriptions"]
        object_keys += row["object_keys"]
    return receipt, object_keys


async def keep_erasure(
    tx: Session,
    workspace_id: UUID,
    id: UUID,
    contact_ids: Sequence[UUID],
    receipt: Receipt,
    object_keys: Sequence[str],
    author: Author,
) -> Erasure:
    """Keep what was erased, and what is still to be removed."""
    row = await tx.fetch_row(
        _KEEP,
        workspace_id=workspace_id,
        id=id,
        contact_ids=contact_ids,
        receipt=msgspec.json.encode(receipt).decode(),
        object_keys=object_keys,
        api_key_id=author.api_key_id,
        request_id=author.request_id,
    )
    assert row is not None
    return _erasure(row)


async def claim_erasure(db: Session, lease_seconds: float) -> Claimed | None:
    """Take the erasure that waits longest; it is nobody else's for as long as the lease."""
    row = await db.fetch_row(CLAIM_ERASURE, lease_seconds=lease_seconds)
    return None if row is None else Claimed(*row)


def leased_erasure(db: Database, claimed: Claimed) -> AbstractAsyncContextManager[None]:
    """Keep an erasure while the block finishes it; see `leased`."""
    return leased(db, _RENEW, workspace_id=claimed.workspace_id, id=claimed.id)


def _erasure(row: Row) -> Erasure:
    return Erasure(
        id=str(row["id"]),
        workspace_id=str(row["workspace_id"]),
        contact_ids=[str(one) for one in row["contact_ids"]],
        status=row["status"],
        receipt=msgspec.json.decode(row["receipt"], type=Receipt),
        consents_sha256=row["consents_sha256"] and row["consents_sha256"].hex(),
        api_key_id=row["api_key_id"] and str(row["api_key_id"]),
        request_id=row["request_id"],
        created_at=timestamp(row["created_at"]),
        completed_at=row["completed_at"] and timestamp(row["completed_at"]),
    )
