"""Many at once in one sequence."""

import random
from concurrent.futures import ThreadPoolExecutor

from tests.make import Team
from tests.sequences.people import staffed


def test_overlapping_additions(team: Team) -> None:
    """Nobody is there twice, everybody is counted once, and the shares are even."""
    made = staffed(team, assignees=7, contacts=60)
    sets = [random.Random(number).sample(made.contact_ids, 30) for number in range(24)]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(made.add, sets))
    reached = {id for ids in sets for id in ids}
    assert sum(one["added"] for one in answers) == len(reached)
    assert made.assigned().keys() == reached
    loads = made.loads()
    assert max(loads) - min(loads) <= 1, loads


def test_additions_beside_removals_and_deletions(team: Team) -> None:
    """Nothing hangs, and the count is that of what is there."""
    made = staffed(team, assignees=3, contacts=40)

    def work(number: int) -> None:
        draw = random.Random(number)
        ids = draw.sample(made.contact_ids, 15)
        if number % 3 == 0:
            made.remove(ids)
        elif number % 3 == 1:
            team.client.request("DELETE", f"/v1/contacts/{made.contact_ids[number // 3]}", status=204)
        else:
            made.add(ids)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, range(60)))
    deleted = set(made.contact_ids[:20])
    assert not made.assigned().keys() & deleted
    assert made.add(made.contact_ids)["ignored"] >= len(deleted)
    assert sorted(made.assigned()) == sorted(made.contact_ids[20:])
