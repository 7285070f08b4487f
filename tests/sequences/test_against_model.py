"""Any series of additions and removals, beside a dictionary that does what the documents say."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.make import Make
from tests.sequences.people import Staffed, staffed

CONTACTS = 12
ASSIGNEES = 3
PLACES = st.lists(st.integers(0, CONTACTS - 1), min_size=1, max_size=CONTACTS)
STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "add", "remove", "give"]), PLACES, st.integers(0, ASSIGNEES - 1)),
    min_size=1,
    max_size=6,
)

_people: dict[int, Staffed] = {}


def _staffed(make: Make) -> Staffed:
    """Return a new sequence; the people are the same for all examples."""
    if id(make) not in _people:
        _people[id(make)] = staffed(make.team(), assignees=ASSIGNEES, contacts=CONTACTS)
    known = _people[id(make)]
    path = known.team.sequence(*known.organization_membership_ids)
    return Staffed(known.team, path, known.organization_membership_ids, known.membership_ids, known.contact_ids)


@settings(max_examples=30)
@given(STEPS)
def test_shares_stay_as_even_as_they_can(make: Make, steps: list[tuple[str, list[int], int]]) -> None:
    made = _staffed(make)
    present: dict[str, str | None] = {}
    first: dict[str, str | None] = {}  # the assignee of everybody who was ever there
    for what, places, of in steps:
        ids = [made.contact_ids[place] for place in places]
        before = dict(present)
        if what == "remove":
            made.remove(ids)
            present = {id: assignee for id, assignee in present.items() if id not in ids}
            assert made.assigned() == present
            continue
        new = [id for id in dict.fromkeys(ids) if id not in present]
        back = [id for id in new if id in first]
        chosen = made.membership_ids[of] if what == "give" else None
        answered = made.add(ids, assignee=chosen)
        assert answered == {"added": len(new) - len(back), "revived": len(back), "ignored": len(ids) - len(new)}
        present = made.assigned()
        assert present.keys() == before.keys() | set(new)
        assert before.items() <= present.items()
        assert all(present[id] == first.setdefault(id, present[id]) for id in present)
        fresh = [id for id in new if id not in back]
        if chosen:
            assert all(present[id] == chosen for id in fresh)
            continue
        fixed = [assignee for id, assignee in present.items() if id not in fresh]
        loads = [fixed.count(id) for id in made.membership_ids]
        for id in fresh:  # one by one to who has the fewest, the first of several
            least = loads.index(min(loads))
            assert present[id] == made.membership_ids[least]
            loads[least] += 1
