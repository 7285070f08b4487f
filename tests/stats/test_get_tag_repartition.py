"""GET /v1/stats/tag-repartition."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from tests.make import Make
from tests.stats.recount import World, check_sums, world

PATH = "/v1/stats/tag-repartition"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def made(make: Make) -> World:
    return world(make)


def test_counts_calls_by_tag(made: World) -> None:
    success, other = made.tags
    for tags in ([success], [success, other], []):
        made.tag(made.call(NOON), *tags)
    assert made.team.client.get(PATH) == {
        "data": [
            {"tagId": str(success), "label": "Outcome 0", "count": 2, "isSuccess": True, "date": None},
            {"tagId": str(other), "label": "Outcome 1", "count": 1, "isSuccess": False, "date": None},
        ]
    }
    by_day = made.team.client.get(PATH, params={"granularity": "day"})["data"]
    assert {one["date"] for one in by_day} == {"2026-03-01T23:00:00.000Z"}


def test_a_deleted_tag_goes_on_counting_and_a_deleted_call_does_not(made: World) -> None:
    kept, deleted = made.call(NOON), made.call(NOON)
    made.tag(kept, made.tags[1])
    made.tag(deleted, made.tags[1])
    made.change(deleted, deleted_at=NOON)
    made.make.rows("UPDATE tags SET archived_at = now() WHERE id = :id", id=made.tags[1])
    assert [(one["label"], one["count"]) for one in made.team.client.get(PATH)["data"]] == [("Outcome 1", 1)]


def test_filters(made: World) -> None:
    client = made.team.client
    made.tag(
        made.call(
            NOON,
            call_type="CALL_SESSION",
            sequence_id=made.sequences[0],
            organization_membership_id=made.members[0],
        ),
        made.tags[0],
    )
    made.tag(made.call(NOON, type="inbound"), made.tags[1])

    def labels(**params: str) -> list[str]:
        return [one["label"] for one in client.get(PATH, params=params)["data"]]

    member = client.get(f"/v1/workspaces/{made.team.workspace_id}/members")["data"][0]
    assert member["organizationMembershipId"] == str(made.members[0])
    for params in (
        {"sequenceId": str(made.sequences[0])},
        {"userMembershipId": str(made.members[0])},
        {"userMembershipId": member["id"]},
        {"userMembershipId": member["id"], "sequenceId": str(made.sequences[0])},
        {"callType": "sequence"},
        {"callType": "outbound"},
    ):
        assert labels(**params) == ["Outcome 0"], params
    for params in ({"callType": "inbound"}, {"callType": "direct"}):
        assert labels(**params) == ["Outcome 1"], params
    for params in (
        {"sequenceId": str(made.sequences[1])},
        {"sequenceId": str(uuid4())},
        {"userMembershipId": str(uuid4())},
        {"userMembershipId": str(made.members[1])},
        {"sequenceId": "00000000-0000-0000-0000-000000000000", "callType": "inbound"},
        {"userMembershipId": "00000000-0000-0000-0000-000000000000"},
    ):
        assert labels(**params) == [], params


def test_a_call_and_its_tags_in_one_statement(made: World) -> None:
    made.make.value("SELECT create_calls_month('2026-03-02')")
    made.make.rows(
        """
        WITH c AS (
            INSERT INTO calls (workspace_id, id, provider, call_type, type, status, result, started_at, last_modification_source)
            SELECT :workspace_id, first_id_at('2026-03-02'), 'API', 'DIRECT_CALL', 'inbound', 'completed', 'CONNECTED',
                '2026-03-02', 'API'
            RETURNING workspace_id, id
        )
        INSERT INTO call_tags (workspace_id, call_id, tag_id) SELECT workspace_id, id, :tag_id FROM c
        """,
        workspace_id=made.team.workspace_id,
        tag_id=made.tags[0],
    )
    check_sums(made)
