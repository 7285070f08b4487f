"""GET /v1/stats/users."""

from datetime import UTC, datetime

import pytest

from tests.make import Make
from tests.stats.recount import World, world

PATH = "/v1/stats/users"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def made(make: Make) -> World:
    return world(make)


def test_counts_what_each_user_did(made: World) -> None:
    idle, busy = made.members
    for values in (
        {"talk_seconds": 100},
        {"status": "no-answer", "result": "NO_ANSWER"},
        {"status": "no-answer", "result": "NO_ANSWER"},
        {"type": "inbound", "talk_seconds": 51},
    ):
        call = made.call(NOON, organization_membership_id=busy, **values)
        made.tag(call, *made.tags)
    made.call(NOON)
    first, second = made.team.client.get(PATH)["data"]
    assert first == {
        "organizationMembershipId": str(busy),
        "firstName": "Sasha",
        "lastName": first["lastName"],
        "callsPlaced": 3,
        "callsConnected": 1,
        "connectRate": 0.3333,
        "talkDuration": 151,
        "averageTalkDuration": 75.5,
        "successTagCount": 4,
    }
    assert second == {
        "organizationMembershipId": str(idle),
        "firstName": "Sasha",
        "lastName": second["lastName"],
        "callsPlaced": 0,
        "callsConnected": 0,
        "connectRate": None,
        "talkDuration": 0,
        "averageTalkDuration": None,
        "successTagCount": 0,
    }


def test_filters(made: World) -> None:
    made.call(NOON, organization_membership_id=made.members[1], sequence_id=made.sequences[0])

    def placed(**params: str) -> list[int]:
        return [one["callsPlaced"] for one in made.team.client.get(PATH, params=params)["data"]]

    assert placed(sequenceId=str(made.sequences[0])) == [1, 0]
    assert placed(sequenceId=str(made.sequences[1])) == [0, 0]
    assert placed(callType="inbound") == [0, 0]
    assert placed(userMembershipId=str(made.members[1])) == [1]
    assert placed(startDate="2026-03-03") == [0, 0]
    assert placed(endDate="2026-03-02T12:00:00Z") == [1, 0]
    assert placed(endDate="2026-03-02T11:59:59.999Z") == [0, 0]
