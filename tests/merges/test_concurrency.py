"""Merges under writers: nobody fails, nothing is counted wrong, no call is lost."""

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

from skipcall.merges.actions import move_strays
from skipcall.merges.queries import forget_old_merges
from tests.client import Client
from tests.make import Make, Team
from tests.merges.counts import check_counts, id_of

ROUNDS = 8
CALL = {"type": "outbound", "status": "completed", "answeredAt": "2026-03-02T09:00:00Z"}


def log_call(client: Client, path: str, second: int) -> int:
    body = CALL | {"contactId": id_of(path), "startedAt": f"2026-03-02T09:00:{second:02}Z"}
    return client.request("POST", "/v1/calls", json=body).status_code


def act(client: Client, paths: list[str], sequence: str, number: int) -> tuple[str, int]:
    """Do one of the things that are done at once; return what, and the status."""
    path, other = paths[number % 2], paths[1 - number % 2]
    what = ["merge", "call", "call", "patch", "call", "sequence", "list", "unmerge"][number // 2 % 8]
    if what == "merge":
        status = client.request("POST", f"{path}/merge", json={"contactId": id_of(other)}).status_code
    elif what == "call":
        status = log_call(client, path, number)
    elif what == "patch":
        status = client.request("PATCH", path, json={"city": f"{number}"}).status_code
    elif what == "sequence":
        status = client.request("POST", f"{sequence}/contacts", json=[{"contactId": id_of(path)}]).status_code
    elif what == "unmerge":
        status = client.request("POST", f"{path}/unmerge").status_code
    else:
        found = client.get("/v1/contacts")["meta"]["total"]
        assert found in {1, 2}
        status = 200
    return what, status


def test_two_contacts_merged_into_each_other_while_they_are_called(make: Make) -> None:
    allowed = {
        "merge": {200, 410},
        "call": {201, 400},
        "patch": {200, 410, 404},  # 404: not there, and when it was asked where it went, it had just come back
        "sequence": {200},
        "list": {200},
        "unmerge": {200, 409},
    }
    for turn in range(ROUNDS):
        team = make.team()
        client, sequence = team.client, team.sequence()
        paths = [team.contact(), team.contact()]
        for path in paths:
            team.call(contact_id=UUID(id_of(path)))
        assert client.get("/v1/contacts")["meta"]["total"] == 2  # and the client is open
        numbers = list(range(48))
        random.Random(turn).shuffle(numbers)
        with ThreadPoolExecutor(16) as pool:
            done = list(pool.map(lambda n, c=client, p=paths, s=sequence: act(c, p, s, n), numbers))
        assert [(what, status) for what, status in done if status not in allowed[what]] == []
        check_counts(team)
        _finish(make, team, paths, 2 + done.count(("call", 201)))


def _finish(make: Make, team: Team, paths: list[str], call_count: int) -> None:
    """Merge if nobody has, and compare: every call that was logged is with the one that is left."""
    client: Any = team.client
    if client.get("/v1/contacts")["meta"]["total"] == 2:
        client.post(f"{paths[0]}/merge", {"contactId": id_of(paths[1])}, 200)
    make.run(move_strays(make.db, [team.workspace_id]))
    (left,) = client.get("/v1/contacts")["data"]
    assert left["callCount"] == call_count
    assert check_counts(team)[left["id"]] == call_count


def test_merges_in_a_ring_wait_for_nobody_in_a_circle(make: Make) -> None:
    for _ in range(ROUNDS):
        team = make.team()
        paths = [team.contact() for _ in range(6)]
        for path in paths:
            team.call(contact_id=UUID(id_of(path)))

        def merge(n: int, team: Team = team, paths: list[str] = paths) -> int:
            body = {"contactId": id_of(paths[(n + 1) % 6])}
            return team.client.request("POST", f"{paths[n % 6]}/merge", json=body).status_code

        assert team.client.get("/v1/contacts")["meta"]["total"] == 6  # and the client is open
        with ThreadPoolExecutor(12) as pool:
            statuses = list(pool.map(merge, range(12)))
        assert set(statuses) == {200, 410}
        left = team.client.get("/v1/contacts")
        assert left["meta"]["total"] == 6 - statuses.count(200)
        assert sum(one["callCount"] for one in left["data"]) == 6
        check_counts(team)


def test_a_call_that_was_being_written_follows_later(make: Make) -> None:
    team = make.team()
    target, source, third = (team.contact() for _ in range(3))
    call = team.call(contact_id=UUID(id_of(source)))
    team.client.post(f"{target}/merge", {"contactId": id_of(source)}, 200)
    team.client.post(f"{third}/merge", {"contactId": id_of(target)}, 200)
    make.rows("UPDATE calls SET contact_id = :id WHERE id = :call", id=UUID(id_of(source)), call=UUID(id_of(call)))
    for _ in range(2):  # one step of the way at a time
        make.run(move_strays(make.db, [team.workspace_id]))
    assert team.client.get(call)["contact"]["id"] == id_of(third)
    assert check_counts(team)[id_of(third)] == 1
    for path in (target, source):
        assert team.client.post(f"{path}/unmerge", None, 200)["movedCalls"] == 1
    assert check_counts(team)[id_of(source)] == 1


def test_what_can_be_undone_no_more_is_forgotten(make: Make) -> None:
    team = make.team()
    target, *sources = (team.contact(city="Lille") for _ in range(3))
    for source in sources:
        team.client.post(f"{target}/merge", {"contactId": id_of(source)}, 200)
    make.rows(
        "UPDATE contact_merges SET merged_at = merged_at - interval '31 days' WHERE source_id = :id",
        id=UUID(id_of(sources[0])),
    )
    make.run(forget_old_merges(make.db, [team.workspace_id]))
    kept = make.rows("SELECT source_id FROM contact_merges WHERE workspace_id = :id", id=team.workspace_id)
    assert [one["source_id"] for one in kept] == [UUID(id_of(sources[1]))]
    team.client.post(f"{sources[0]}/unmerge", None, 410)
