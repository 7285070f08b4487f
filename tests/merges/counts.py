"""What merges move, counted anew."""

from typing import Any
from uuid import UUID

from tests.client import Client
from tests.make import Make, Team

CALLED = "SELECT coalesce(sum(called), 0)::int FROM contact_counts WHERE workspace_id = :workspace_id"
RECOUNT = """
    SELECT c.id::text, c.call_count, count(k.id)::int AS calls, c.last_call_at, max(k.started_at) AS last_at
    FROM contacts c LEFT JOIN calls k ON k.workspace_id = c.workspace_id AND k.contact_id = c.id AND k.is_counted
    WHERE c.workspace_id = :workspace_id GROUP BY c.workspace_id, c.id"""
TOTALS = """
    SELECT coalesce(sum(count), 0)::int AS count, coalesce(sum(called), 0)::int AS called
    FROM contact_counts WHERE workspace_id = :workspace_id"""
LIVE = """
    SELECT count(*)::int AS count, (count(*) FILTER (WHERE call_count > 0))::int AS called
    FROM contacts WHERE workspace_id = :workspace_id AND deleted_at IS NULL"""
SEQUENCES = """
    SELECT s.contact_count, (
        SELECT count(*)::int FROM sequence_contacts sc
        WHERE sc.workspace_id = s.workspace_id AND sc.sequence_id = s.id AND sc.removed_at IS NULL
    ) AS present FROM sequences s WHERE s.workspace_id = :workspace_id"""


def id_of(path: str) -> str:
    return path.rpartition("/")[2]


def set_external_id(make: Make, path: str, external_id: str | None) -> None:
    make.rows(
        "UPDATE contacts SET external_id = :external_id WHERE id = :id", id=UUID(id_of(path)), external_id=external_id
    )


def present_in(client: Client, sequence: str) -> list[str]:
    """Return the contacts of a sequence."""
    return [one["contactId"] for one in client.get(f"{sequence}/contacts")["data"]]


def check_counts(team: Team) -> dict[str, Any]:
    """Compare every count of a workspace with a recount, and return the calls of each contact."""
    values = {"workspace_id": team.workspace_id}
    rows = team.make.rows(RECOUNT, **values)
    for row in rows:
        assert (row["call_count"], row["last_call_at"]) == (row["calls"], row["last_at"])
    assert team.make.rows(TOTALS, **values) == team.make.rows(LIVE, **values)
    for row in team.make.rows(SEQUENCES, **values):
        assert row["contact_count"] == row["present"]
    team.check_call_counts()
    return {row["id"]: row["calls"] for row in rows}
