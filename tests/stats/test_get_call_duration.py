"""GET /v1/stats/call-duration."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.make import Make
from tests.stats.recount import World, world

PATH = "/v1/stats/call-duration"


@pytest.fixture
def made(make: Make) -> World:
    return world(make)


def test_counts_calls_and_seconds(made: World) -> None:
    for seconds in (60, 61, 0, None):
        made.call(datetime(2026, 3, 2, 12, tzinfo=UTC), talk_seconds=seconds)
    assert made.team.client.get(PATH) == {
        "data": [{"count": 4, "talkedCount": 2, "totalDuration": 121, "averageDuration": 60.5, "date": None}]
    }


def test_buckets_without_calls_are_there(made: World) -> None:
    nothing = {"count": 0, "talkedCount": 0, "totalDuration": 0, "averageDuration": None}
    assert made.team.client.get(PATH) == {"data": [nothing | {"date": None}]}
    assert made.team.client.get(PATH, params={"granularity": "day"}) == {"data": []}
    made.call(datetime(2026, 3, 2, 12, tzinfo=UTC))
    made.call(datetime(2026, 3, 4, 12, tzinfo=UTC))
    data = made.team.client.get(PATH, params={"granularity": "day"})["data"]
    assert [one["count"] for one in data] == [1, 0, 1]
    assert data[1] == nothing | {"date": "2026-03-02T23:00:00.000Z"}


@pytest.mark.parametrize(
    ("zone", "day", "hours", "repeated"),
    [
        ("Europe/Paris", "2026-03-29", 23, None),
        ("Europe/Paris", "2026-10-25", 25, "2026-10-25T01:00:00.000Z"),
        ("America/St_Johns", "2026-11-01", 25, "2026-11-01T04:30:00.000Z"),
        ("Asia/Kathmandu", "2026-10-25", 24, None),
        ("Australia/Lord_Howe", "2026-04-05", 25, "2026-04-04T15:00:00.000Z"),  # of half an hour
    ],
)
def test_clocks_change(made: World, zone: str, day: str, hours: int, repeated: str | None) -> None:
    query = {"granularity": "hour", "startDate": day, "endDate": day, "timezone": zone}
    starts = [one["date"] for one in made.team.client.get(PATH, params=query)["data"]]
    assert len(starts) == hours
    if repeated:
        at = datetime.fromisoformat(repeated)
        made.call(at - timedelta(minutes=5))
        made.call(at + timedelta(minutes=5))
        counts = {one["date"]: one["count"] for one in made.team.client.get(PATH, params=query)["data"]}
        assert counts[repeated] == 1
        assert counts[starts[starts.index(repeated) - 1]] == 1
    whole = made.team.client.get(PATH, params=query | {"granularity": "day"})["data"]
    assert [one["date"] for one in whole] == starts[:1]


def test_weeks_and_months(made: World) -> None:
    query = {"startDate": "2026-01-01", "endDate": "2026-03-01", "timezone": "UTC"}
    months = made.team.client.get(PATH, params=query | {"granularity": "month"})["data"]
    assert [one["date"][:10] for one in months] == ["2026-01-01", "2026-02-01", "2026-03-01"]
    weeks = made.team.client.get(PATH, params=query | {"granularity": "week"})["data"]
    assert weeks[0]["date"] == "2025-12-29T00:00:00.000Z"
    assert len(weeks) == 9


def test_a_day_that_a_zone_never_had(made: World) -> None:
    """Samoa went from the 29th to the 31st of December 2011."""
    query = {"granularity": "day", "startDate": "2011-12-29", "endDate": "2011-12-31", "timezone": "Pacific/Apia"}
    starts = [one["date"] for one in made.team.client.get(PATH, params=query)["data"]]
    assert starts == ["2011-12-29T10:00:00.000Z", "2011-12-30T10:00:00.000Z"]


def test_a_zone_whose_hours_are_no_quarters(made: World) -> None:
    """Monrovia was 44 minutes and 30 seconds behind until 1972."""
    for second in (29, 30):
        made.call(datetime(1971, 6, 1, 0, 44, second, tzinfo=UTC))
    query = {"granularity": "hour", "startDate": "1971-05-31", "endDate": "1971-06-01", "timezone": "Africa/Monrovia"}
    found = [one for one in made.team.client.get(PATH, params=query)["data"] if one["count"]]
    assert [(one["date"], one["count"]) for one in found] == [
        ("1971-05-31T23:44:30.000Z", 1),
        ("1971-06-01T00:44:30.000Z", 1),
    ]


def test_calls_whose_start_was_learnt_late_count_where_they_started(made: World) -> None:
    for number, minute in enumerate((2, 7, 12)):  # within one quarter of an hour, which the period cuts in two
        known_at = datetime(2026, 3, 2, 12 + number, 55, tzinfo=UTC)
        made.change(made.call(known_at), started_at=datetime(2026, 3, 2, 12, minute, tzinfo=UTC))
    made.call(datetime(2026, 3, 2, 12, 8, tzinfo=UTC))
    for query, count in (
        ({"startDate": "2026-03-02T12:05:00Z", "endDate": "2026-03-02T12:10:00Z"}, 2),
        ({"startDate": "2026-03-02T12:05:00Z"}, 3),
        ({"endDate": "2026-03-02T12:05:00Z"}, 1),
    ):
        [one] = made.team.client.get(PATH, params=query)["data"]
        assert one["count"] == count, query
