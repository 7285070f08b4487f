"""`DELETE /v1/sequences/{id}`."""

from typing import Any

from tests.make import Make, Team
from tests.sequences.people import staffed


def test_a_sequence_is_gone_with_all_its_addresses(team: Team, make: Make) -> None:
    made = staffed(team)
    made.add(made.contact_ids)
    team.client.delete(made.path)
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"name": "B"}),
        ("DELETE", "", None),
        ("GET", "/contacts", None),
        ("POST", "/contacts", [{"contactId": made.contact_ids[0]}]),
        ("DELETE", "/contacts", made.contact_ids),
        ("GET", "/runs", None),
    ):
        options: dict[str, Any] = {} if body is None else {"json": body}
        team.client.request(method, made.path + path, status=404, **options)
    assert [one["type"] for one in make.events(made.path)] == ["sequence.created", "sequence.deleted"]
    team.client.get(f"/v1/contacts/{made.contact_ids[0]}")
