"""Any history of merges, undone merges, deletions and calls, beside a model that keeps it in dictionaries."""

import copy
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from hypothesis import example, given, settings
from hypothesis import strategies as st

from skipcall.consents.actions import verify_consents
from tests.make import Make, Team, phone_number
from tests.merges.counts import check_counts, id_of, present_in

CONTACTS, SEQUENCES = 4, 2
NAMES = ("company", "city", "role")
ONE = st.integers(0, CONTACTS - 1)
VALUES = st.fixed_dictionaries({name: st.sampled_from([None, "one", "two"]) for name in NAMES})
CONTACT = st.tuples(
    VALUES, st.booleans(), st.sets(st.integers(0, 5), min_size=1, max_size=3), st.sets(st.integers(0, 1))
)
STEPS = st.lists(
    st.tuples(st.just("merge"), ONE, ONE, st.sets(st.sampled_from(NAMES)))
    | st.tuples(st.just("unmerge"), ONE)
    | st.tuples(st.just("delete"), ONE)
    | st.tuples(st.just("restore"), ONE)
    | st.tuples(st.just("call"), ONE)
    | st.tuples(st.just("patch"), ONE, st.sampled_from(NAMES), st.sampled_from([None, "one", "three"]))
    | st.tuples(st.just("refuse"), ONE)
    | st.tuples(st.just("allow"), ONE)
    | st.tuples(st.just("leave"), ONE, st.integers(0, SEQUENCES - 1)),
    min_size=1,
    max_size=14,
)


@dataclass
class Person:
    """What is known of a contact. `moved` is what its merge moved, while it is merged."""

    values: dict[str, Any]
    sequences: set[int]
    calls: set[str] = field(default_factory=set)
    state: str = "live"
    target: int | None = None
    moved: tuple[set[str], set[int], set[int], dict[str, Any], dict[str, Any]] | None = None
    merged_at: int = 0


class Model:
    """Contacts by number. Each step returns the status that the server must answer."""

    def __init__(self, people: list[Person]) -> None:
        self.people = people
        self.merges = 0

    def missing(self, number: int) -> int | None:
        return {"live": None, "deleted": 404, "merged": 410}[self.people[number].state]

    def merge(self, target: int, source: int, chosen: set[str]) -> int:
        if target == source:
            return 400
        for one in (target, source):
            if (status := self.missing(one)) is not None:
                return status
        a, b = self.people[target], self.people[source]
        before = copy.deepcopy(a.values)
        for name in NAMES:
            first, other = (b, a) if name in chosen else (a, b)
            a.values[name] = first.values[name] or other.values[name]
        a.values["allowPhoneCalls"] = a.values["allowPhoneCalls"] and b.values["allowPhoneCalls"]
        a.values["phoneNumbers"] += [one for one in b.values["phoneNumbers"] if one not in a.values["phoneNumbers"]]
        b.moved = (b.calls, set(b.sequences), b.sequences - a.sequences, before, copy.deepcopy(a.values))
        a.calls, b.calls = a.calls | b.calls, set()
        a.sequences, b.sequences = a.sequences | b.sequences, set()
        self.merges += 1
        b.state, b.target, b.merged_at = "merged", target, self.merges
        return 200

    def unmerge(self, number: int) -> int:
        person = self.people[number]
        if person.state != "merged":
            return 409
        assert person.target is not None
        assert person.moved is not None
        target = self.people[person.target]
        if target.state != "live":
            return 409
        if any(one.target == person.target and one.merged_at > person.merged_at for one in self.people):
            return 409
        calls, sequences, gained, old, new = person.moved
        person.calls = calls & target.calls
        target.calls -= person.calls
        person.sequences = sequences & target.sequences
        target.sequences -= gained
        for name, value in old.items():
            if target.values[name] == new[name] and name != "allowPhoneCalls":  # a refusal stays
                target.values[name] = value
        person.values["allowPhoneCalls"] = person.values["allowPhoneCalls"] and target.values["allowPhoneCalls"]
        person.state, person.target, person.moved = "live", None, None
        return 200

    def delete(self, number: int) -> int:
        if (status := self.missing(number)) is not None:
            return status
        self.people[number].state = "deleted"
        self.people[number].sequences = set()
        return 204

    def restore(self, number: int) -> int:
        person = self.people[number]
        if person.state == "merged":
            return 409
        person.state = "live"
        return 200


def take(team: Team, model: Model, paths: list[str], sequences: list[str], step: tuple[Any, ...]) -> None:
    """Do one step on both sides."""
    what, number, *rest = step
    client, path = team.client, paths[number]
    person = model.people[number]
    if what == "merge":
        body = {"contactId": id_of(paths[rest[0]]), "fields": dict.fromkeys(rest[1], "source")}
        client.post(f"{path}/merge", body, model.merge(number, *rest))
    elif what == "unmerge":
        client.post(f"{path}/unmerge", None, model.unmerge(number))
    elif what == "delete":
        client.delete(path, model.delete(number))
    elif what == "restore":
        client.post(f"{path}/restore", None, model.restore(number))
    elif what == "call" and person.state == "live":
        person.calls.add(id_of(team.call(contact_id=UUID(id_of(path)))))
    elif what == "patch":
        client.patch(path, {rest[0]: rest[1]}, model.missing(number) or 200)
        if person.state == "live":
            person.values[rest[0]] = rest[1]
    elif what in ("refuse", "allow"):
        if what == "allow":
            client.patch(path, {"allowPhoneCalls": True}, model.missing(number) or 200)
        else:
            client.post(f"{path}/consents", {"status": "objected", "source": "call"}, model.missing(number) or 201)
        if person.state == "live":
            person.values["allowPhoneCalls"] = what == "allow"
    elif what == "leave":
        client.request("DELETE", f"{sequences[rest[0]]}/contacts", json=[id_of(path)], status=204)
        person.sequences.discard(rest[0])


def compare(team: Team, model: Model, paths: list[str], sequences: list[str]) -> None:
    counted = check_counts(team)
    for number, (person, path) in enumerate(zip(model.people, paths, strict=True)):
        assert counted[id_of(path)] == len(person.calls), number
        contact = team.client.request("GET", path, status=model.missing(number) or 200).json()
        if person.state == "live":
            assert {name: contact[name] for name in person.values} == person.values
            assert contact["callCount"] == len(person.calls)
            calls = team.client.get("/v1/calls", params={"contactId": id_of(path), "size": 100})["data"]
            assert {one["id"] for one in calls} == person.calls
    for number, sequence in enumerate(sequences):
        present = [path for person, path in zip(model.people, paths, strict=True) if number in person.sequences]
        assert present_in(team.client, sequence) == sorted(map(id_of, present))


ALIKE: Any = [(dict.fromkeys(NAMES), True, {number}, set()) for number in range(CONTACTS)]


@example(ALIKE, [("merge", 0, 1, set()), ("refuse", 0), ("unmerge", 1)])
@settings(max_examples=40)
@given(st.lists(CONTACT, min_size=CONTACTS, max_size=CONTACTS), STEPS)
def test_merges_do_what_the_model_does(make: Make, contacts: list[Any], steps: list[tuple[Any, ...]]) -> None:
    team = make.team()
    sequences = [team.sequence(name=f"{number}") for number in range(SEQUENCES)]
    people, paths = [], []
    for values, allowed, numbers, joined in contacts:
        phone_numbers = [phone_number(one) for one in sorted(numbers)]
        paths.append(
            team.contact(
                **{name: value or "" for name, value in values.items()},
                allow_phone_calls=allowed,
                phone_numbers=phone_numbers,
            )
        )
        people.append(Person(values | {"allowPhoneCalls": allowed, "phoneNumbers": phone_numbers}, set(joined)))
        for one in joined:
            team.client.post(f"{sequences[one]}/contacts", [{"contactId": id_of(paths[-1])}], 200)
    model = Model(people)
    for step in steps:
        take(team, model, paths, sequences, step)
        compare(team, model, paths, sequences)
    assert make.run(verify_consents(make.db, team.workspace_id)).breaks == []
