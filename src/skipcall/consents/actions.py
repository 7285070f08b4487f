"""Whether the ledger is as it was written, and `allowPhoneCalls` what follows from it."""

from uuid import UUID

import msgspec

from skipcall.consents.queries import Link, list_unsealed, stream_links
from skipcall.postgres.db import Session

BREAKS_MAX = 1_000


class Break(msgspec.Struct, frozen=True):
    """An entry at which a chain does not hold."""

    workspace_id: UUID
    contact_id: UUID
    position: int
    reason: str


class Verified(msgspec.Struct, frozen=True):
    """What was looked at, and where it does not hold; at most `BREAKS_MAX`."""

    chains: int
    entries: int
    breaks: list[Break]


async def verify_consents(db: Session, workspace_id: UUID | None) -> Verified:
    """Follow the chain of each contact of a workspace, or of all, and compare `allowPhoneCalls` with the last entry that sets it.

    Found is whatever was changed, put in or taken out without every later hash being made anew. That the newest entries
    of a chain are gone shows only beside a copy of them. Of a contact that was erased this shows too: its erasure has the digest of
    what was left.
    """
    chains = entries = 0
    breaks: list[Break] = []
    last: Link | None = None
    async for link in stream_links(db, workspace_id):
        entries += 1
        if last is None or last.contact_id != link.contact_id:
            chains, last = chains + 1, None
        reasons = [] if link.is_unchanged else ["the entry is not what was written"]
        expected = (1, None) if last is None else (last.position + 1, last.hash)
        if (link.position, link.previous_hash) != expected:
            reasons.append("the entry before it is not the one that it followed")
        if not link.is_shown:
            reasons.append("allowPhoneCalls of the contact is not what this entry has made it")
        if reasons and len(breaks) < BREAKS_MAX:
            breaks.append(Break(link.workspace_id, link.contact_id, link.position, "; ".join(reasons)))
        last = link
    unsealed = await list_unsealed(db, workspace_id, BREAKS_MAX - len(breaks))
    breaks += [Break(*one, "the ledger is not what its erasure has left") for one in unsealed]
    return Verified(chains, entries, breaks)
