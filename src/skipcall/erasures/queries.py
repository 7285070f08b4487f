"""SQL of erasures. What can hold something of a person is named here, store by store; a test puts a mark into every column of
every table, and looks for it afterwards.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import UUID

import msgspec

from skipcall.calls.queries import Author
from skipcall.clock import timestamp
from skipcall.contacts.matching import ALIASES, PRESENT, has_number
from skipcall.contacts.queries import COUNT
from skipcall.erasures.model import Erasure, Receipt
from skipcall.events.queries import RECORD
from skipcall.phone_numbers.forms import all_forms
from skipcall.postgres.db import Database, Row, Session, Statement
from skipcall.postgres.leases import leased, renewal

CALLS_AT_ONCE = 1_000  # in one statement of the transaction
NAMES_AT_NUMBER_MAX = 1_000  # of a switchboard

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

# ----------------------------------------------------------------------------------------------------------- the person

FIND_CONTACTS = Statement(
    """
    WITH RECURSIVE person AS (
        SELECT workspace_id, id FROM contacts WHERE workspace_id = ANY(:workspace_ids) AND id = :id
        UNION
        SELECT c.workspace_id, c.id FROM person p JOIN contacts c ON c.workspace_id = p.workspace_id AND c.merged_into_id = p.id
    )
    SELECT c.workspace_id, c.id, c.version, c.merged_into_id, c.erasure_id, c.last_name, c.email, c.linkedin_url,
        c.linkedin_sales_url, c.external_id, c.phone_numbers
    FROM person p JOIN contacts c ON c.workspace_id = p.workspace_id AND c.id = p.id ORDER BY c.id
    """
)
LIST_OWN_NUMBERS = Statement(
    f"""
    SELECT n.number FROM unnest(:numbers::text[]) AS n (number) WHERE NOT EXISTS (
        SELECT FROM contacts
        WHERE {has_number(":workspace_id", "n.number", PRESENT)} AND id <> ALL(:contact_ids)
    )
    """
)
LIST_NAMES_AT_NUMBERS = Statement(
    f"""
    SELECT DISTINCT n.number, c.last_name FROM unnest(:numbers::text[]) AS n (number) CROSS JOIN LATERAL (
        SELECT last_name FROM contacts
        WHERE {has_number(":workspace_id", "n.number", PRESENT)} AND id <> ALL(:contact_ids) LIMIT {NAMES_AT_NUMBER_MAX}
    ) c
    """
)
# What the person is known by, and was, as far as the history reaches. What another contact has is not the person's: both share it, or it
# came here by a merge that was undone, or by mistake. Each look for another one is a search of an index.
_ALIASED = f"WITH RECURSIVE {ALIASES.format(given='SELECT :workspace_id::uuid, value')} SELECT id FROM aliases"
_OF_ANOTHER = """EXISTS (
        SELECT FROM contacts WHERE {found_by} AND id <> ALL(:contact_ids)
    )"""
_KEYED = (
    "search_keys @> ARRAY[text_key(:workspace_id, fold({key_of}))] AND (workspace_id = :workspace_id AND {exactly} AND "
    + PRESENT
    + ") IS TRUE"
)


def _kept_by_another(key_of: str, exactly: str) -> str:
    return _OF_ANOTHER.format(found_by=_KEYED.format(key_of=key_of, exactly=exactly))


LIST_OWN_VALUES = Statement(
    f"""
    SELECT DISTINCT name, value FROM (
        SELECT k.key AS name, v.value #>> '{{}}' AS value
        FROM events e CROSS JOIN jsonb_each(e.changes) k CROSS JOIN jsonb_path_query(k.value, '$[*][*]') v (value)
        WHERE e.workspace_id = :workspace_id AND e.object_id = ANY(:contact_ids)
            AND k.key IN ('email', 'linkedinUrl', 'linkedinSalesUrl', 'externalId', 'phoneNumbers', 'lastName') AND v.value <> 'null'
        UNION
        SELECT v.name, v.value FROM contacts c CROSS JOIN LATERAL (VALUES ('email', c.email), ('linkedinUrl', c.linkedin_url),
            ('linkedinSalesUrl', c.linkedin_sales_url), ('externalId', c.external_id), ('lastName', c.last_name)) v (name, value)
        WHERE c.workspace_id = :workspace_id AND c.id = ANY(:contact_ids) AND v.value IS NOT NULL
    ) known
    WHERE NOT CASE name
        WHEN 'email' THEN {_kept_by_another("value", "lower(email) = lower(value)")}
        WHEN 'linkedinUrl' THEN {_kept_by_another("linkedin_key(value)", "linkedin_key(linkedin_url) = linkedin_key(value)")}
        WHEN 'linkedinSalesUrl' THEN {_kept_by_another("value", "lower(linkedin_sales_url) = lower(value)")}
        WHEN 'externalId' THEN {_OF_ANOTHER.format(found_by="workspace_id = :workspace_id AND external_id = value AND deleted_at IS NULL")}
            OR {_OF_ANOTHER.format(found_by=f"workspace_id = :workspace_id AND id = ANY (ARRAY({_ALIASED})) AND deleted_at IS NULL")}
        WHEN 'phoneNumbers' THEN {_OF_ANOTHER.format(found_by=has_number(":workspace_id", "value", PRESENT))}
        ELSE false END
    """
)
# Each a search of its own index; `contact_id IS NULL` keeps calls of others with the same number.
CALLS_OF_PERSON = """workspace_id = :workspace_id AND erased_at IS NULL AND id = ANY (ARRAY(
        SELECT id FROM calls WHERE workspace_id = :workspace_id AND contact_id = ANY(:contact_ids) AND deleted_at IS NULL
        UNION ALL
        SELECT id FROM calls WHERE workspace_id = :workspace_id AND contact_id = ANY(:contact_ids) AND deleted_at IS NOT NULL
        UNION ALL
        SELECT id FROM calls
        WHERE workspace_id = :workspace_id AND phone_number = ANY(:numbers) AND contact_id IS NULL AND deleted_at IS NULL
        UNION ALL
        SELECT id FROM calls
        WHERE workspace_id = :workspace_id AND contact_id IS NULL AND phone_number = ANY(:numbers) AND deleted_at IS NOT NULL
    ))"""
_CALLS = f"SELECT id FROM calls WHERE {CALLS_OF_PERSON} ORDER BY id"
LIST_CALLS = Statement(_CALLS)
LOCK_CALLS = Statement(f"{_CALLS} FOR NO KEY UPDATE")
LOCK_CONTACTS = Statement(
    """
    SELECT id FROM contacts WHERE workspace_id = :workspace_id AND id = ANY(:contact_ids) ORDER BY id FOR NO KEY UPDATE
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
# A merge that was undone has left values in the history of the other contact: in what the two transactions recorded.
ERASE_CHANGES_OF_OTHERS = Statement(
    f"""
    WITH written AS (
        UPDATE events e SET changes = {_NO_VALUES}
        FROM (
            SELECT transaction_id, jsonb_path_query(changes, '$.mergedIntoId[*] ? (@ != null)') #>> '{{}}' AS other_id FROM events
            WHERE workspace_id = :workspace_id AND object_id = ANY(:ids) AND changes ? 'mergedIntoId'
        ) m
        WHERE e.workspace_id = :workspace_id AND e.object_id = m.other_id::uuid AND e.transaction_id = m.transaction_id
            AND e.object_id <> ALL(:ids) AND e.changes <> '{{}}' RETURNING 1
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
    """
    UPDATE imports SET dry_run = NULL,
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


async def find_contacts(db: Session, workspace_ids: Sequence[UUID], id: UUID) -> list[dict[str, Any]]:
    """Return a contact, deleted or not, and all that were merged into it, by column; none if there is no such contact."""
    return [dict(row) for row in await db.fetch_rows(FIND_CONTACTS, workspace_ids=workspace_ids, id=id)]


async def find_own_values(tx: Session, workspace_id: UUID, contact_ids: Sequence[UUID]) -> dict[str, list[str]]:
    """Return what contacts are known by, and were at some time, by property, each value in order; without what is another contact's.

    Of `phoneNumbers` only those of before: `list_own_numbers` and `find_names_at_numbers` tell of them all.
    """
    own: dict[str, list[str]] = {}
    for row in await tx.fetch_rows(LIST_OWN_VALUES, workspace_id=workspace_id, contact_ids=contact_ids):
        own.setdefault(row["name"], []).append(row["value"])
    return {name: sorted(values) for name, values in own.items()}


async def find_names_at_numbers(
    tx: Session, workspace_id: UUID, numbers: Sequence[str], contact_ids: Sequence[UUID]
) -> dict[str, list[str]]:
    """Return the last names of other contacts by the number that they have, NAMES_AT_NUMBER_MAX at most, in order."""
    names: dict[str, list[str]] = {}
    rows = await tx.fetch_rows(
        LIST_NAMES_AT_NUMBERS, workspace_id=workspace_id, numbers=numbers, contact_ids=contact_ids
    )
    for row in rows:
        names.setdefault(row["number"], []).append(row["last_name"])
    return {number: sorted(several) for number, several in names.items()}


async def list_own_numbers(
    tx: Session, workspace_id: UUID, numbers: Sequence[str], contact_ids: Sequence[UUID]
) -> list[str]:
    """Return those of the numbers that no other contact has in any form, in all forms."""
    rows = await tx.fetch_rows(LIST_OWN_NUMBERS, workspace_id=workspace_id, numbers=numbers, contact_ids=contact_ids)
    return list(dict.fromkeys(form for row in rows for form in all_forms(row["number"])))


async def find_calls(
    tx: Session, statement: Statement, workspace_id: UUID, contact_ids: Sequence[UUID], numbers: Sequence[str]
) -> list[UUID]:
    """Return the calls with contacts, and those with a number and nobody, as far as they are not erased: `LIST_CALLS` or `LOCK_CALLS`."""
    rows = await tx.fetch_rows(statement, workspace_id=workspace_id, contact_ids=contact_ids, numbers=numbers)
    return [row["id"] for row in rows]


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
