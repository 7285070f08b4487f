"""From what an operator types, an id or a name, to the record that is meant."""

from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

from skipcall.cli.output import CommandFailed
from skipcall.postgres.db import Row, Session
from skipcall.workspaces import queries as workspaces
from skipcall.workspaces.model import Workspace

T = TypeVar("T")


def pick(text: str, records: Sequence[tuple[str, str, T]], noun: str) -> T:
    """Return the one record whose id, else whose name, is `text`. Records are id, name and the thing itself.

    Names are compared as they are, and if none fits, without regard to case. Raises `CommandFailed` unless one fits.
    """
    for fits in (
        [one for one in records if one[0] == text.lower()],
        [one for one in records if one[1] == text],
        [one for one in records if one[1].casefold() == text.casefold()],
    ):
        if len(fits) == 1:
            return fits[0][2]
        if fits:
            raise CommandFailed(
                f"several {noun}s are called {text!r}; name it by id: {', '.join(one[0] for one in fits)}"
            )
    raise CommandFailed(f"there is no {noun} {text!r}")


async def find_organization(db: Session, text: str) -> Row:
    """Return the organization of an id or a name; raise `CommandFailed`."""
    rows = await workspaces.list_organizations(db)
    return pick(text, [(str(row["id"]), row["name"], row) for row in rows], "organization")


async def find_organization_id(db: Session, text: str | None) -> UUID | None:
    """Return the id of an organization, or None for None, which stands for all."""
    return None if text is None else (await find_organization(db, text))["id"]


async def find_workspaces(
    db: Session, texts: Sequence[str], organization_id: UUID | None
) -> list[tuple[str, Workspace]]:
    """Return mode and record of each workspace named, of one organization or of any; raise `CommandFailed`."""
    every = await workspaces.list_all_workspaces(db, organization_id)
    records = [(workspace.id, workspace.name, (mode, workspace)) for mode, workspace in every]
    return [pick(text, records, "workspace") for text in texts]
