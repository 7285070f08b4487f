"""A sequence with assignees and contacts, for the tests of this folder."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tests.make import Team


@dataclass
class Staffed:
    """A sequence, its assignees by both of their memberships, in the order of assignment, and contacts outside it."""

    team: Team
    path: str
    organization_membership_ids: list[UUID]
    membership_ids: list[str]
    contact_ids: list[str]

    @property
    def id(self) -> UUID:
        return UUID(self.path.rpartition("/")[2])

    def add(self, contact_ids: Iterable[str], assignee: str | None = None, **options: Any) -> dict[str, int]:
        """Add contacts and return what was answered."""
        given = {} if assignee is None else {"assignedToWorkspaceMembershipId": assignee}
        items = [{"contactId": id} | given for id in contact_ids]
        answered: dict[str, int] = self.team.client.post(f"{self.path}/contacts", items, status=200, **options)
        return answered

    def remove(self, contact_ids: Sequence[str]) -> None:
        self.team.client.delete(f"{self.path}/contacts", json=list(contact_ids))

    def contacts(self, **query: Any) -> list[dict[str, Any]]:
        """Return all contacts of the sequence, and check that they are as many as it says."""
        found = self.team.client.walk(f"{self.path}/contacts", size=100, **query)
        assert query or len(found) == self.team.client.get(self.path)["contactCount"]
        return found

    def assigned(self) -> dict[str, str | None]:
        """Return the assignee of each contact."""
        return {one["contactId"]: one["assignedToWorkspaceMembershipId"] for one in self.contacts()}

    def loads(self) -> list[int]:
        """Return how many contacts each assignee has, in the order of assignment."""
        assignees = list(self.assigned().values())
        return [assignees.count(id) for id in self.membership_ids]

    def call(self, contact_id: str, **values: Any) -> str:
        """Create a call to a contact within the sequence and return its id."""
        path = self.team.call(contact_id=UUID(contact_id), sequence_id=self.id, **values)
        return path.rpartition("/")[2]


def staffed(team: Team, assignees: int = 3, contacts: int = 10) -> Staffed:
    """Make a sequence with assignees, and contacts."""
    members = [team.member() for _ in range(assignees)]
    path = team.sequence(*(id for id, _ in members))
    made = team.make.contacts(team.workspace_id, contacts)
    return Staffed(team, path, [id for id, _ in members], [str(id) for _, id in members], made)
