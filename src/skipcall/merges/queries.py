"""SQL of merges. Locks are taken in statements of their own, in the order that all writers keep: calls, then contacts by id."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from skipcall.calls.queries import Author
from skipcall.contacts.model import RESTORE_DAYS
from skipcall.contacts.queries import COUNT
from skipcall.events.queries import RECORD
from skipcall.merges.model import CALLS_MOVED_MAX, MERGED
from skipcall.postgres.db import Row, Session, Statement

LOCK_CALLS = Statement(
    f"""
    SELECT id FROM calls WHERE workspace_id = ANY(:workspace_ids) AND contact_id = :contact_id AND deleted_at IS NULL
    ORDER BY id LIMIT {CALLS_MOVED_MAX + 1} FOR NO KEY UPDATE
    """
)
LOCK_THESE_CALLS = Statement(
    """
    SELECT c.id FROM unnest(:ids::uuid[]) AS g (id) JOIN calls c ON c.workspace_id = :workspace_id AND c.id = g.id
    WHERE c.contact_id = :contact_id AND c.deleted_at IS NULL ORDER BY c.id FOR NO KEY UPDATE OF c
    """
)
COUNT_CALLS = Statement(
    """
    SELECT count(*) FROM calls
    WHERE workspace_id = ANY(:workspace_ids) AND contact_id = :contact_id AND deleted_at IS NULL
    """
)
LOCK_CONTACTS = Statement(
    f"""
    SELECT workspace_id, id, version, deleted_at, merged_into_id, {", ".join(column for column in MERGED if column != "custom_fields")},
        custom_fields::text AS custom_fields
    FROM contacts WHERE workspace_id = ANY(:workspace_ids) AND id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE
    """
)

TAKE_AWAY = Statement(
    f"""
    WITH written AS (
        UPDATE contacts c SET deleted_at = clock_timestamp(), merged_into_id = :target_id, version = c.version + 1,
            updated_at = greatest(clock_timestamp(), c.updated_at), last_modification_source = :source
        WHERE c.workspace_id = :workspace_id AND c.id = :id
        RETURNING c.workspace_id, c.id, c.version, c.updated_at, c.call_count, c.deleted_at
    ), counted AS ({COUNT.format(step="-1")}
    ), recorded AS ({
        RECORD.format(
            type="contact.merged",
            changes="jsonb_build_object('mergedIntoId', jsonb_build_array(NULL, :target_id::uuid))",
            rows="written",
        )
    }
    )
    SELECT deleted_at FROM written
    """
)
BRING_BACK = Statement(
    f"""
    WITH written AS (
        UPDATE contacts c SET deleted_at = NULL, merged_into_id = NULL, version = c.version + 1,
            allow_phone_calls = c.allow_phone_calls AND NOT :is_refused,
            updated_at = greatest(clock_timestamp(), c.updated_at), last_modification_source = :source
        WHERE c.workspace_id = :workspace_id AND c.id = :id
        RETURNING c.workspace_id, c.id, c.version, c.updated_at, c.call_count
    ), counted AS ({COUNT.format(step="1")}
    ), recorded AS ({
        RECORD.format(
            type="contact.restored",
            changes='''jsonb_build_object('mergedIntoId', jsonb_build_array(:target_id::uuid, NULL))
                || CASE WHEN :is_refused THEN '{"allowPhoneCalls": [true, false]}' ELSE '{}' END::jsonb''',
            rows="written",
        )
    }
    )
    SELECT id FROM written
    """
)
WRITE = Statement(
    f"""
    WITH given AS (SELECT * FROM jsonb_populate_record(NULL::contacts, :values::jsonb)
    ), written AS (
        UPDATE contacts c SET {", ".join(f"{column} = g.{column}" for column in MERGED)}, version = c.version + 1,
            updated_at = greatest(clock_timestamp(), c.updated_at), last_modification_source = :source
        FROM given g WHERE c.workspace_id = :workspace_id AND c.id = :id
        RETURNING c.workspace_id, c.id, c.version, c.updated_at
    ), recorded AS ({RECORD.format(type="contact.updated", changes=":changes::jsonb", rows="written")}
    )
    SELECT id FROM written
    """
)
FIND_EXTERNAL_ID = Statement(
    """
    SELECT id FROM contacts
    WHERE workspace_id = :workspace_id AND external_id = :external_id::text AND deleted_at IS NULL
    """
)

# The sequences that the source was in are those that the trigger of its deletion took it out of, and has locked.
MOVE_SEQUENCES = Statement(
    """
    INSERT INTO sequence_contacts (workspace_id, sequence_id, contact_id, assigned_to_workspace_membership_id, added_at)
    SELECT o.workspace_id, o.sequence_id, :target_id, o.assigned_to_workspace_membership_id, o.added_at
    FROM sequence_contacts o JOIN sequences s ON s.workspace_id = o.workspace_id AND s.id = o.sequence_id
    WHERE o.workspace_id = :workspace_id AND o.contact_id = :source_id AND o.removed_at = :moment AND s.deleted_at IS NULL
    ON CONFLICT (workspace_id, sequence_id, contact_id) DO UPDATE SET removed_at = NULL, added_at = excluded.added_at,
        assigned_to_workspace_membership_id = excluded.assigned_to_workspace_membership_id
    WHERE sequence_contacts.removed_at IS NOT NULL
    RETURNING sequence_id
    """
)
LOCK_SEQUENCES = Statement(
    """
    SELECT id FROM sequences WHERE workspace_id = :workspace_id AND deleted_at IS NULL AND id IN (
        SELECT sequence_id FROM sequence_contacts
        WHERE workspace_id = :workspace_id AND contact_id = :source_id AND removed_at = :moment
    ) ORDER BY id FOR NO KEY UPDATE
    """
)
# Who was taken out of a sequence since stays out, as one person or as two.
RETURN_SEQUENCES = Statement(
    """
    WITH present AS (
        SELECT sequence_id FROM sequence_contacts
        WHERE workspace_id = :workspace_id AND contact_id = :target_id AND removed_at IS NULL AND sequence_id = ANY(:ids)
    ), written AS (
        UPDATE sequence_contacts sc SET removed_at = CASE WHEN sc.contact_id = :target_id THEN now() END
        FROM present p
        WHERE sc.workspace_id = :workspace_id AND sc.sequence_id = p.sequence_id
            AND (sc.contact_id = :source_id OR (sc.contact_id = :target_id AND sc.sequence_id = ANY(:moved_ids)))
    )
    SELECT sequence_id FROM present
    """
)

MOVE_CALLS = Statement(
    f"""
    WITH written AS (
        UPDATE calls c SET contact_id = :to_id, version = c.version + 1,
            updated_at = greatest(clock_timestamp(), c.updated_at), last_modification_source = :source
        FROM unnest(:ids::uuid[]) AS g (id)
        WHERE c.workspace_id = :workspace_id AND c.id = g.id AND c.contact_id = :from_id AND c.deleted_at IS NULL
        RETURNING c.workspace_id, c.id, c.version, c.updated_at
    ), recorded AS ({
        RECORD.format(
            type="call.updated",
            changes="jsonb_build_object('contactId', jsonb_build_array(:from_id::uuid, :to_id::uuid))",
            rows="written",
        )
    }
    )
    SELECT count(*) FROM written
    """
)

KEEP_MERGE = Statement(
    """
    INSERT INTO contact_merges (workspace_id, source_id, target_id, merged_at, call_ids, sequence_ids, changes)
    VALUES (:workspace_id, :source_id, :target_id, clock_timestamp(), :call_ids, :sequence_ids, :changes::jsonb)
    """
)
FIND_MERGE = Statement(
    f"""
    SELECT c.workspace_id, c.merged_into_id, m.source_id IS NOT NULL AS is_kept, m.call_ids, m.sequence_ids,
        m.changes::text AS changes
    FROM contacts c LEFT JOIN contact_merges m ON m.workspace_id = c.workspace_id AND m.source_id = c.id
        AND m.merged_at > now() - interval '{RESTORE_DAYS} days'
    WHERE c.workspace_id = ANY(:workspace_ids) AND c.id = :id
    """
)
FIND_LATER_MERGE = Statement(
    """
    SELECT m.source_id FROM contacts c JOIN contact_merges m ON m.workspace_id = c.workspace_id AND m.source_id = c.id
    WHERE c.workspace_id = :workspace_id AND c.merged_into_id = :target_id AND m.merged_at > (
        SELECT merged_at FROM contact_merges WHERE workspace_id = :workspace_id AND source_id = :source_id
    ) ORDER BY m.merged_at DESC LIMIT 1
    """
)
FORGET_MERGE = Statement("DELETE FROM contact_merges WHERE workspace_id = :workspace_id AND source_id = :source_id")
FORGET_MERGES = Statement(
    f"""
    DELETE FROM contact_merges
    WHERE workspace_id = ANY(:workspace_ids) AND merged_at < now() - interval '{RESTORE_DAYS} days'
    """
)
# Calls that were being written while their contact was merged: nobody saw them before they were committed.
# Nobody is at writing a call for longer than a day.
FIND_STRAYS = Statement(
    """
    SELECT m.workspace_id, m.source_id, m.target_id
    FROM contact_merges m JOIN contacts c ON c.workspace_id = m.workspace_id AND c.id = m.source_id
    WHERE m.workspace_id = ANY(:workspace_ids) AND m.merged_at > now() - interval '1 day'
        AND c.merged_into_id = m.target_id AND EXISTS (
        SELECT FROM calls WHERE workspace_id = m.workspace_id AND contact_id = m.source_id AND deleted_at IS NULL
    )
    """
)
ADD_CALLS = Statement(
    """
    UPDATE contact_merges SET call_ids = call_ids || :ids::uuid[]
    WHERE workspace_id = :workspace_id AND source_id = :source_id
    """
)


class Merge(NamedTuple):
    """What is known of the merge of a contact. `moved` is None if it cannot be undone any more."""

    workspace_id: UUID
    target_id: UUID | None
    moved: "Moved | None"


class Moved(NamedTuple):
    """What a merge moved and changed."""

    call_ids: list[UUID]
    sequence_ids: list[UUID]
    changes: dict[str, list[Any]]


async def lock_calls(tx: Session, workspace_ids: Sequence[UUID], contact_id: UUID) -> list[UUID]:
    """Return the calls of a contact, at most one more than can be moved, and let nobody else change them."""
    return [row["id"] for row in await tx.fetch_rows(LOCK_CALLS, workspace_ids=workspace_ids, contact_id=contact_id)]


async def lock_these_calls(tx: Session, workspace_id: UUID, contact_id: UUID, ids: Sequence[UUID]) -> list[UUID]:
    """Return those of some calls that are still with a contact, and let nobody else change them."""
    rows = await tx.fetch_rows(LOCK_THESE_CALLS, workspace_id=workspace_id, contact_id=contact_id, ids=ids)
    return [row["id"] for row in rows]


async def count_calls(tx: Session, workspace_ids: Sequence[UUID], contact_id: UUID) -> int:
    """Return how many calls a contact has now."""
    count: int = await tx.fetch_value(COUNT_CALLS, workspace_ids=workspace_ids, contact_id=contact_id)
    return count


async def lock_contacts(tx: Session, workspace_ids: Sequence[UUID], *ids: UUID) -> dict[UUID, dict[str, Any]]:
    """Return contacts by id, also those that are gone, each by column, and let nobody else change them."""
    rows = await tx.fetch_rows(LOCK_CONTACTS, workspace_ids=workspace_ids, ids=ids)
    return {row["id"]: dict(row) | {"custom_fields": msgspec.json.decode(row["custom_fields"])} for row in rows}


async def take_away(tx: Session, workspace_id: UUID, id: UUID, target_id: UUID, author: Author) -> datetime:
    """Mark a contact as merged into another one; return when."""
    moment: datetime = await tx.fetch_value(
        TAKE_AWAY, workspace_id=workspace_id, id=id, target_id=target_id, **author._asdict()
    )
    return moment


async def bring_back(
    tx: Session, workspace_id: UUID, id: UUID, target_id: UUID, author: Author, *, is_refused: bool
) -> None:
    """Mark a contact as not merged any more; `is_refused`: it could be called, and must not be."""
    await tx.execute(
        BRING_BACK, workspace_id=workspace_id, id=id, target_id=target_id, is_refused=is_refused, **author._asdict()
    )


async def write_contact(
    tx: Session, workspace_id: UUID, id: UUID, values: Mapping[str, Any], changes: Mapping[str, Any], author: Author
) -> None:
    """Write everything that a merge can change of a contact, by column; `changes` are the same that differ."""
    await tx.execute(
        WRITE,
        workspace_id=workspace_id,
        id=id,
        values=_json(values),
        changes=_json({MERGED[column]: both for column, both in changes.items()}),
        **author._asdict(),
    )


async def find_external_id(tx: Session, workspace_id: UUID, external_id: str | None) -> UUID | None:
    """Return the contact that has an external id, or None."""
    id: UUID | None = await tx.fetch_value(FIND_EXTERNAL_ID, workspace_id=workspace_id, external_id=external_id)
    return id


async def move_sequences(
    tx: Session, workspace_id: UUID, source_id: UUID, target_id: UUID, moment: datetime
) -> list[UUID]:
    """Put a contact into the sequences that another left at a moment, and return those that it was not in."""
    rows = await tx.fetch_rows(
        MOVE_SEQUENCES, workspace_id=workspace_id, source_id=source_id, target_id=target_id, moment=moment
    )
    return [row["sequence_id"] for row in rows]


async def return_sequences(
    tx: Session, workspace_id: UUID, source_id: UUID, target_id: UUID, moment: datetime, moved_ids: Sequence[UUID]
) -> int:
    """Put a contact back into the sequences it left at a moment, as far as the other is still in them; return how many."""
    rows = await tx.fetch_rows(LOCK_SEQUENCES, workspace_id=workspace_id, source_id=source_id, moment=moment)
    returned = await tx.fetch_rows(
        RETURN_SEQUENCES,
        workspace_id=workspace_id,
        source_id=source_id,
        target_id=target_id,
        ids=[row["id"] for row in rows],
        moved_ids=moved_ids,
    )
    return len(returned)


async def move_calls(
    tx: Session, workspace_id: UUID, from_id: UUID, to_id: UUID, ids: Sequence[UUID], author: Author
) -> int:
    """Give calls that are with one contact to another; return how many there were."""
    count: int = await tx.fetch_value(
        MOVE_CALLS, workspace_id=workspace_id, from_id=from_id, to_id=to_id, ids=ids, **author._asdict()
    )
    return count


async def keep_merge(tx: Session, workspace_id: UUID, source_id: UUID, target_id: UUID, moved: Moved) -> None:
    """Keep what a merge moved and changed."""
    await tx.execute(
        KEEP_MERGE,
        workspace_id=workspace_id,
        source_id=source_id,
        target_id=target_id,
        **moved._asdict() | {"changes": _json(moved.changes)},
    )


async def find_merge(db: Session, workspace_ids: Sequence[UUID], id: UUID) -> Merge | None:
    """Return what is known of the merge of a contact, or None if there is no such contact."""
    row = await db.fetch_row(FIND_MERGE, workspace_ids=workspace_ids, id=id)
    return None if row is None else Merge(row["workspace_id"], row["merged_into_id"], _moved(row))


async def find_later_merge(tx: Session, workspace_id: UUID, source_id: UUID, target_id: UUID) -> UUID | None:
    """Return the contact that was last merged into the same one, after this one, and is; or None."""
    id: UUID | None = await tx.fetch_value(
        FIND_LATER_MERGE, workspace_id=workspace_id, source_id=source_id, target_id=target_id
    )
    return id


async def forget_merge(tx: Session, workspace_id: UUID, source_id: UUID) -> None:
    """Forget a merge that was undone."""
    await tx.execute(FORGET_MERGE, workspace_id=workspace_id, source_id=source_id)


async def find_strays(db: Session, workspace_ids: Sequence[UUID]) -> list[tuple[UUID, UUID, UUID]]:
    """Return workspace, source and target of merges whose source has calls."""
    rows = await db.fetch_rows(FIND_STRAYS, workspace_ids=workspace_ids)
    return [(row["workspace_id"], row["source_id"], row["target_id"]) for row in rows]


async def add_calls(tx: Session, workspace_id: UUID, source_id: UUID, ids: Sequence[UUID]) -> None:
    """Keep that a merge moved more calls."""
    await tx.execute(ADD_CALLS, workspace_id=workspace_id, source_id=source_id, ids=ids)


async def forget_old_merges(db: Session, workspace_ids: Sequence[UUID]) -> None:
    """Forget merges that can be undone no more."""
    await db.execute(FORGET_MERGES, workspace_ids=workspace_ids)


def _moved(row: Row) -> Moved | None:
    if not row["is_kept"]:
        return None
    return Moved(row["call_ids"], row["sequence_ids"], msgspec.json.decode(row["changes"]))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
