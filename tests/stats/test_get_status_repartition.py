"""GET /v1/stats/status-repartition, and what all statistics have in common."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from skipcall.stats.buckets import BUCKETS_MAX
from tests.make import Make
from tests.stats.recount import World, world

PATH = "/v1/stats/status-repartition"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def made(make: Make) -> World:
    return world(make)


def test_counts_calls_by_status(made: World) -> None:
    for status in ("no-answer", "in-progress", "no-answer"):
        made.call(NOON, status=status)
    assert made.team.client.get(PATH) == {
        "data": [
            {"status": "IN_PROGRESS", "count": 1, "date": None},
            {"status": "NO_ANSWER", "count": 2, "date": None},
        ],
        "nonCalledCount": 2,
    }


def test_nothing_yet(made: World) -> None:
    for params in ({}, {"granularity": "day"}, {"startDate": "2026-03-01", "granularity": "hour"}):
        assert made.team.client.get(PATH, params=params) == {"data": [], "nonCalledCount": 2}


def test_contacts_that_were_never_called(made: World) -> None:
    client, (first, second) = made.team.client, made.sequences
    for contact in made.contacts:
        made.make.rows(
            "INSERT INTO sequence_contacts (workspace_id, sequence_id, contact_id) VALUES (:workspace_id, :id, :contact)",
            workspace_id=made.team.workspace_id,
            id=first,
            contact=contact,
        )

    def uncalled(**params: Any) -> int:
        answered: int = client.get(PATH, params=params)["nonCalledCount"]
        return answered

    assert (uncalled(), uncalled(sequenceId=first), uncalled(sequenceId=second)) == (2, 2, 0)
    call = made.call(NOON, contact_id=made.contacts[0], sequence_id=second)
    assert (uncalled(), uncalled(sequenceId=first)) == (1, 2)
    made.change(call, sequence_id=first)
    assert (uncalled(), uncalled(sequenceId=first)) == (1, 1)
    assert uncalled(sequenceId=first, startDate="2030-01-01", userMembershipId=made.members[0]) == 1
    made.make.rows("UPDATE sequence_contacts SET removed_at = now() WHERE contact_id = :id", id=made.contacts[1])
    assert uncalled(sequenceId=first) == 0
    made.change(call, deleted_at=NOON)
    assert (uncalled(), uncalled(sequenceId=first)) == (2, 1)


def test_dates(made: World) -> None:
    """Days of the workspace's time zone, which is Paris, unless another is given; the end is a part of the period."""
    made.call(datetime(2026, 3, 1, 23, 0, 0, tzinfo=UTC))
    made.call(datetime(2026, 3, 2, 22, 59, 59, 999_000, tzinfo=UTC))

    def count(start: str, end: str, **params: str) -> int:
        data = made.team.client.get(PATH, params={"startDate": start, "endDate": end, **params})["data"]
        return sum(one["count"] for one in data)

    assert count("2026-03-02", "2026-03-02") == 2
    assert count("2026-03-02", "2026-03-02", timezone="UTC") == 1
    assert count("2026-03-01T23:00:00Z", "2026-03-01T23:00:00Z") == 1
    assert count("2026-03-02T00:00:00.001+01:00", "2026-03-02T23:59:59.999+01:00") == 1
    assert count("2026-03-02T00:00:00+01:00", "2026-03-02T23:59:59.998+01:00") == 1
    assert count("1970-01-01", "8998-12-31") == 2


@pytest.mark.parametrize(
    ("params", "faults"),
    [
        ({"startDate": "2026-02-30"}, [("/query/startDate", "INVALID_FORMAT")]),
        ({"startDate": "2026-03-01T10:00:00"}, [("/query/startDate", "INVALID_FORMAT")]),
        ({"endDate": "9999-12-31T23:59:59-12:00"}, [("/query/endDate", "INVALID_FORMAT")]),
        ({"endDate": "1772444520"}, [("/query/endDate", "INVALID_FORMAT")]),
        ({"endDate": ""}, [("/query/endDate", "INVALID_FORMAT")]),
        ({"startDate": "2026-03-02", "endDate": "2026-03-01"}, [("/query/startDate", "CONFLICTING_PARAMETERS")]),
        ({"timezone": "Europe/Atlantis"}, [("/query/timezone", "UNKNOWN_VALUE")]),
        ({"timezone": "../../etc/passwd"}, [("/query/timezone", "UNKNOWN_VALUE")]),
        (
            {"granularity": "minute", "callType": "both"},
            [("/query/callType", "UNKNOWN_VALUE"), ("/query/granularity", "UNKNOWN_VALUE")],
        ),
        (
            {"sequenceId": "x", "userMembershipId": "y"},
            [("/query/sequenceId", "INVALID_ID"), ("/query/userMembershipId", "INVALID_ID")],
        ),
        ({"workspaceId": str(uuid4()), "teamId": str(uuid4())}, [("/query/teamId", "CONFLICTING_PARAMETERS")]),
        (
            {"granularity": "hour", "startDate": "2026-01-01", "endDate": "2026-12-31"},
            [("/query/granularity", "TOO_MANY_BUCKETS")],
        ),
        (
            {"granularity": "day", "startDate": "1970-01-01", "endDate": "8998-12-31", "timezone": "UTC"},
            [("/query/granularity", "TOO_MANY_BUCKETS")],
        ),
    ],
)
def test_bad_input(made: World, params: dict[str, str], faults: list[tuple[str, str]]) -> None:
    for name in ("tag-repartition", "status-repartition", "call-duration"):
        assert made.team.client.faults("GET", f"/v1/stats/{name}", params=params) == faults


def test_as_many_buckets_as_there_may_be(made: World) -> None:
    made.call(NOON)
    params = {"granularity": "hour", "timezone": "UTC", "startDate": "2026-03-02T00:00:00Z"}
    end = datetime.fromtimestamp(datetime(2026, 3, 2, tzinfo=UTC).timestamp() + BUCKETS_MAX * 3600 - 0.001, UTC)
    assert len(made.team.client.get(PATH, params=params | {"endDate": end.isoformat()[:23] + "Z"})["data"]) == 1
    params["endDate"] = end.isoformat()[:14] + "59:59.999Z"
    buckets = made.team.client.get("/v1/stats/call-duration", params=params)["data"]
    assert len(buckets) == BUCKETS_MAX
    params["startDate"] = "2026-03-01T23:59:59.999Z"
    assert made.team.client.faults("GET", PATH, params=params) == [("/query/granularity", "TOO_MANY_BUCKETS")]


def test_workspace(make: Make, made: World) -> None:
    """The default workspace of the key, or one that it opens; any other does not exist. `teamId` is the old name."""
    team = made.team
    other = team.workspace()
    client = team.client_for(other, team.workspace_id)
    made.call(NOON)
    assert client.get(PATH)["data"] == []
    found = client.request("GET", PATH, params={"workspaceId": str(team.workspace_id)}, status=200)
    assert found.json()["data"] == [{"status": "COMPLETED", "count": 1, "date": None}]
    assert "deprecation" not in found.headers
    for params in (
        {"teamId": str(team.workspace_id)},
        {"teamId": str(team.workspace_id).upper(), "workspaceId": str(team.workspace_id)},
    ):
        old = client.request("GET", PATH, params=params, status=200)
        assert old.json() == found.json()
        assert old.headers["deprecation"] == "true"
        assert old.headers["link"] == '</docs/deprecations#team-id>; rel="deprecation"'
    for name in ("workspaceId", "teamId"):
        for id in (make.team().workspace_id, uuid4(), "x", f"{other},{team.workspace_id}"):
            for path in ("tag-repartition", "status-repartition", "call-duration", "users"):
                client.request("GET", f"/v1/stats/{path}", params={name: str(id)}, status=404)
