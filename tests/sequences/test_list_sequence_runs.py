"""`GET /v1/sequences/{id}/runs`."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from tests.make import Team
from tests.sequences.people import Staffed, staffed

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_a_run_and_its_calls(team: Team) -> None:
    made = staffed(team)
    run, user = uuid4(), made.organization_membership_ids[0]
    who = {"sequence_run_id": run, "organization_membership_id": user}
    made.call(made.contact_ids[0], started_at=START, **who)
    busy = START + timedelta(minutes=2)
    made.call(made.contact_ids[1], started_at=busy, ended_at=busy + timedelta(seconds=5), status="busy", **who)
    made.call(made.contact_ids[2])  # in the sequence, in no run
    page = team.client.get(f"{made.path}/runs")
    assert page["data"] == [
        {
            "id": str(run),
            "sequenceId": str(made.id),
            "organizationMembershipId": str(user),
            "startedAt": "2026-03-02T09:00:00.000Z",
            "endedAt": "2026-03-02T09:02:05.000Z",
            "callsPlaced": 2,
            "callsConnected": 1,
        }
    ]
    assert page["meta"]["total"] == 1


def test_a_run_goes_on_while_a_call_does(team: Team) -> None:
    made = staffed(team)
    run = uuid4()
    made.call(made.contact_ids[0], sequence_run_id=run, started_at=START)
    made.call(made.contact_ids[1], sequence_run_id=run, started_at=START, status="ringing")
    [found] = team.client.get(f"{made.path}/runs")["data"]
    assert (found["endedAt"], found["callsPlaced"]) == (None, 2)


def test_deleted_calls_do_not_count(team: Team) -> None:
    made = staffed(team)
    call = made.call(made.contact_ids[0], sequence_run_id=uuid4(), started_at=START)
    made.team.make.rows("UPDATE calls SET deleted_at = now() WHERE id = :id", id=UUID(call))
    [found] = team.client.get(f"{made.path}/runs")["data"]
    assert (found["endedAt"], found["callsPlaced"], found["callsConnected"]) == (None, 0, 0)


def _runs(made: Staffed, count: int) -> list[str]:
    """Return runs, newest first; some begin at the same moment."""
    runs = sorted((START + timedelta(minutes=number // 2), uuid4()) for number in range(count))
    for started_at, run in runs:
        made.call(made.contact_ids[0], sequence_run_id=run, started_at=started_at)
    return [str(run) for _, run in reversed(runs)]


def test_newest_first_by_page_and_by_cursor(team: Team) -> None:
    made = staffed(team)
    runs = _runs(made, 7)
    assert [one["id"] for one in team.client.walk(f"{made.path}/runs", size=3)] == runs
    page = team.client.get(f"{made.path}/runs", params={"size": 3, "page": 1})
    assert [one["id"] for one in page["data"]] == runs[3:6]
    assert page["meta"]["total"] == 7


def test_runs_of_another_sequence_are_not_here(team: Team) -> None:
    one, other = staffed(team), staffed(team)
    _runs(one, 2)
    assert team.client.get(f"{other.path}/runs")["data"] == []
