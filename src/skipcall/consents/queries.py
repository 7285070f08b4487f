"""SQL of the ledger. Triggers of migration 0013 chain its entries, and record each change of `allowPhoneCalls`."""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

from skipcall import clock
from skipcall.clock import timestamp
from skipcall.consents.model import Consent, RecordConsent
from skipcall.events.queries import RECORD
from skipcall.page import FIRST_ID
from skipcall.postgres.db import Row, Session, Statement

VERIFIED_AT_ONCE = 2_000
LAST_POSITION = 2**32 - 1  # a cursor has room for no more

COLUMNS = """n.id, n.position, n.status, n.legal_basis, n.purpose, n.obtained_at, n.source, n.wording, n.wording_sha256,
    n.evidence::text AS evidence, n.object_version, n.api_key_id, n.recorded_at, n.previous_hash, n.hash"""

_LIST = Statement(
    f"""
    WITH c AS (SELECT workspace_id, id FROM contacts WHERE workspace_id = ANY(:workspace_ids) AND id = :id
    ), counted AS (
        SELECT count(n.id) AS total FROM c LEFT JOIN contact_consents n ON (n.workspace_id, n.contact_id) = (c.workspace_id, c.id)
        GROUP BY c.id
    ), n AS (
        SELECT n.* FROM c JOIN contact_consents n ON (n.workspace_id, n.contact_id) = (c.workspace_id, c.id)
        WHERE n.position < :before ORDER BY n.position DESC LIMIT :limit OFFSET :offset
    )
    SELECT {COLUMNS}, counted.total FROM counted LEFT JOIN n ON true ORDER BY n.position DESC
    """
)
# `given` leaves `allowPhoneCalls` alone: docs/decisions/0014.
_RECORD = Statement(
    f"""
    WITH before AS MATERIALIZED (
        SELECT workspace_id, id, version, allow_phone_calls FROM contacts
        WHERE workspace_id = ANY(:workspace_ids) AND id = :id AND deleted_at IS NULL FOR NO KEY UPDATE
    ), written AS (
        UPDATE contacts c SET allow_phone_calls = false, version = c.version + 1,
            updated_at = greatest(clock_timestamp(), c.updated_at), last_modification_source = 'API'
        FROM before b
        WHERE c.workspace_id = b.workspace_id AND c.id = b.id AND b.allow_phone_calls AND :status <> 'given'
        RETURNING c.workspace_id, c.id, c.version, c.updated_at
    ), recorded AS ({
        RECORD.format(
            type="contact.updated",
            changes=''''{"allowPhoneCalls": [true, false]}'::jsonb''',
            rows="written",
        ).replace(":source", "'API'")
    }
    )
    INSERT INTO contact_consents AS n (workspace_id, contact_id, status, legal_basis, purpose, obtained_at, source, wording,
        evidence, object_version, api_key_id)
    SELECT b.workspace_id, b.id, :status, :legal_basis, :purpose, :obtained_at, :source, :wording, :evidence::jsonb,
        coalesce(w.version, b.version), :api_key_id
    FROM before b LEFT JOIN written w ON true
    RETURNING {COLUMNS}
    """
)
# The last entry that sets `allowPhoneCalls` (`given` does not) says what the contact must show.
_VERIFY = Statement(
    """
    SELECT n.workspace_id, n.contact_id, n.position, n.previous_hash, n.hash,
        CASE WHEN n.erased_hash IS NULL THEN n.hash = consent_hash(n) ELSE n.erased_hash = erased_consent_hash(n) END AS is_unchanged,
        n.status = 'given' OR c.allow_phone_calls IS NOT DISTINCT FROM (n.status = 'asserted') OR EXISTS (
            SELECT FROM contact_consents later
            WHERE later.workspace_id = n.workspace_id AND later.contact_id = n.contact_id AND later.position > n.position
                AND later.status <> 'given'
        ) AS is_shown
    FROM contact_consents n LEFT JOIN contacts c ON c.workspace_id = n.workspace_id AND c.id = n.contact_id
    WHERE (:workspace_id::uuid IS NULL OR n.workspace_id = :workspace_id)
        AND (n.workspace_id, n.contact_id, n.position) > (:after_workspace::uuid, :after_contact::uuid, :after_position::bigint)
    ORDER BY n.workspace_id, n.contact_id, n.position LIMIT :limit
    """
)

# Ledgers of which words were erased without an erasure, or of which not that remains which their erasure has left.
_LIST_UNSEALED = Statement(
    """
    SELECT one.workspace_id, one.contact_id, (
        SELECT coalesce(max(position), 0) FROM contact_consents
        WHERE workspace_id = one.workspace_id AND contact_id = one.contact_id
    ) AS position
    FROM (
        SELECT workspace_id, contact_id FROM contact_consents WHERE erased_hash IS NOT NULL
        UNION SELECT workspace_id, unnest(contact_ids) FROM erasures
    ) one
    LEFT JOIN contacts c ON c.workspace_id = one.workspace_id AND c.id = one.contact_id
    LEFT JOIN erasures e ON e.workspace_id = one.workspace_id AND e.id = c.erasure_id
    WHERE (:workspace_id::uuid IS NULL OR one.workspace_id = :workspace_id) AND (e.id IS NULL OR e.consents_sha256 IS DISTINCT FROM (
        SELECT sha256(string_agg(erased_hash, ''::bytea ORDER BY contact_id, position)) FROM contact_consents
        WHERE workspace_id = e.workspace_id AND contact_id = ANY(e.contact_ids)
    ))
    ORDER BY 1, 2 LIMIT :limit
    """
)


# What persons said last, whenever it was recorded: an old form that is found later takes no refusal back. Contacts that were merged
# into one are the same person. `asserted` is what somebody else said.
_FIND_SAID = Statement(
    f"""
    WITH RECURSIVE person AS (
        SELECT c.workspace_id, c.id AS contact_id, c.id FROM unnest(:workspace_ids::uuid[], :contact_ids::uuid[]) AS c (workspace_id, id)
        UNION
        SELECT p.workspace_id, p.contact_id, m.id FROM person p
        JOIN contacts m ON m.workspace_id = p.workspace_id AND m.merged_into_id = p.id
    )
    SELECT DISTINCT ON (p.contact_id) p.contact_id AS of_contact, {COLUMNS}
    FROM person p JOIN contact_consents n ON (n.workspace_id, n.contact_id) = (p.workspace_id, p.id)
    WHERE n.status <> 'asserted' ORDER BY p.contact_id, n.obtained_at DESC, n.recorded_at DESC, n.position DESC
    """
)


class Link(NamedTuple):
    """An entry as it is stored. `is_unchanged`: its hash is that of its content. `is_shown`: so is `allowPhoneCalls`, or a later one sets it."""

    workspace_id: UUID
    contact_id: UUID
    position: int
    previous_hash: bytes | None
    hash: bytes
    is_unchanged: bool
    is_shown: bool


async def list_contact_consents(
    db: Session, workspace_ids: Sequence[UUID], id: UUID, *, before: int, limit: int, offset: int
) -> tuple[list[Consent], int] | None:
    """Return the ledger of a contact, also of a deleted one, newest first, and its length; None if there is no contact."""
    rows = await db.fetch_rows(_LIST, workspace_ids=workspace_ids, id=id, before=before, limit=limit, offset=offset)
    if not rows:
        return None
    return [make_consent(row) for row in rows if row["id"] is not None], rows[0]["total"]


async def find_said(db: Session, contacts: Sequence[tuple[UUID, UUID]]) -> dict[UUID, Consent]:
    """Return what persons said last about being called, by contact; contacts are named by workspace and id."""
    rows = await db.fetch_rows(
        _FIND_SAID,
        workspace_ids=[workspace_id for workspace_id, _ in contacts],
        contact_ids=[id for _, id in contacts],
    )
    return {row["of_contact"]: make_consent(row) for row in rows}


async def record_consent(
    db: Session, workspace_ids: Sequence[UUID], id: UUID, new: RecordConsent, *, api_key_id: UUID, request_id: str
) -> Consent | None:
    """Add an entry to the ledger of a contact, which may no longer be called if it refuses; None if there is no contact."""
    row = await db.fetch_row(
        _RECORD,
        workspace_ids=workspace_ids,
        id=id,
        status=new.status,
        legal_basis=new.legal_basis,
        purpose=new.purpose,
        obtained_at=new.obtained_at or clock.now(),
        source=new.source,
        wording=new.wording,
        evidence=msgspec.json.encode(new.evidence).decode(),
        api_key_id=api_key_id,
        request_id=request_id,
    )
    return None if row is None else make_consent(row)


async def stream_links(db: Session, workspace_id: UUID | None) -> AsyncIterator[Link]:
    """Yield every entry of a workspace, or of all, chain by chain."""
    place: tuple[UUID, UUID, int] = (FIRST_ID, FIRST_ID, 0)
    while True:
        rows = await db.fetch_rows(
            _VERIFY,
            workspace_id=workspace_id,
            after_workspace=place[0],
            after_contact=place[1],
            after_position=place[2],
            limit=VERIFIED_AT_ONCE,
        )
        for row in rows:
            yield Link(*row)
        if len(rows) < VERIFIED_AT_ONCE:
            return
        place = (rows[-1]["workspace_id"], rows[-1]["contact_id"], rows[-1]["position"])


async def list_unsealed(db: Session, workspace_id: UUID | None, limit: int) -> list[tuple[UUID, UUID, int]]:
    """Return workspace, contact and last position of ledgers that are not as their erasure has left them."""
    rows = await db.fetch_rows(_LIST_UNSEALED, workspace_id=workspace_id, limit=limit)
    return [(row["workspace_id"], row["contact_id"], row["position"]) for row in rows]


def make_consent(row: Row) -> Consent:
    """Return the entry of a row of `COLUMNS`."""
    return Consent(
        id=str(row["id"]),
        position=row["position"],
        status=row["status"],
        legal_basis=row["legal_basis"],
        purpose=row["purpose"],
        obtained_at=timestamp(row["obtained_at"]),
        source=row["source"],
        wording=row["wording"],
        wording_sha256=row["wording_sha256"] and row["wording_sha256"].hex(),
        evidence=msgspec.json.decode(row["evidence"]),
        contact_version=row["object_version"],
        api_key_id=row["api_key_id"] and str(row["api_key_id"]),
        recorded_at=timestamp(row["recorded_at"]),
        previous_hash=row["previous_hash"] and row["previous_hash"].hex(),
        hash=row["hash"].hex(),
    )
