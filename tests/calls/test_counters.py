"""`callCount`, `lastCallAt` and the totals against a recount, after any history and under many writers."""

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.client import Client
from tests.make import Make, Team

CONTACTS = 3
CREATED = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["outbound", "inbound"]),
        "status": st.sampled_from(["completed", "no-answer", "in-progress"]),
        "startedAt": st.integers(0, 59).map(lambda second: f"2026-03-{1 + second % 28:02}T09:00:{second:02}Z"),
    }
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("create"), CREATED, st.integers(0, CONTACTS), st.booleans()),
        st.tuples(st.just("attach"), st.integers(0, 9), st.integers(0, CONTACTS - 1)),
        st.tuples(st.just("detach"), st.integers(0, 9)),
        st.tuples(st.just("delete"), st.integers(0, 9)),
        st.tuples(st.just("delete contact"), st.integers(0, CONTACTS - 1)),
        st.tuples(st.just("restore contact"), st.integers(0, CONTACTS - 1)),
    ),
    min_size=1,
    max_size=14,
)
TOTALS = "SELECT coalesce(sum(count), 0)::int AS count, coalesce(sum(called), 0)::int AS called FROM contact_counts"


class History:
    """A workspace with a few contacts, and the calls that should be there: by path, contact, start, whether it counts."""

    def __init__(self, team: Team) -> None:
        self.team = team
        self.contacts = [team.contact(last_name=f"Number {number}") for number in range(CONTACTS)]
        self.present = set(self.contacts)
        self.calls: dict[str, tuple[str | None, str, bool]] = {}

    def take(self, step: tuple[Any, ...]) -> None:
        client = self.team.client
        what = step[0]
        if what == "create":
            _, body, contact, answered = step
            path = self.contacts[contact] if contact < CONTACTS else None
            body = dict(body)
            body |= {"contactId": path.rpartition("/")[2]} if path else {"phoneNumber": "+33639989999"}
            body |= {"answeredAt": body["startedAt"]} if answered else {}
            is_refused = path is not None and path not in self.present
            made = client.request("POST", "/v1/calls", json=body, status=400 if is_refused else 201).json()
            if not is_refused:
                counts = body["type"] == "outbound" or answered
                self.calls[f"/v1/calls/{made['id']}"] = (path, made["startedAt"], counts)
        elif what == "delete contact":
            path = self.contacts[step[1]]
            client.delete(path, status=204 if path in self.present else 404)
            self.present.discard(path)
        elif what == "restore contact":
            path = self.contacts[step[1]]
            client.request("POST", f"{path}/restore")
            self.present.add(path)
        elif self.calls:
            call = list(self.calls)[step[1] % len(self.calls)]
            if what == "delete":
                client.delete(call)
                del self.calls[call]
                return
            path = self.contacts[step[2]] if what == "attach" else None
            is_refused = path is not None and path not in self.present
            contact_id = path.rpartition("/")[2] if path else None
            client.patch(call, {"contactId": contact_id}, status=400 if is_refused else 200)
            if not is_refused:
                self.calls[call] = (path, *self.calls[call][1:])

    def check(self) -> None:
        called = 0
        for contact in self.present:
            starts = [start for path, start, counts in self.calls.values() if path == contact and counts]
            now = self.team.client.get(contact)
            assert (now["callCount"], now["lastCallAt"]) == (len(starts), max(starts, default=None))
            called += bool(starts)
        assert self.team.client.get("/v1/calls")["meta"]["total"] == len(self.calls)
        assert totals(self.team) == {"count": len(self.present), "called": called}


def totals(team: Team) -> dict[str, int]:
    (row,) = team.make.rows(f"{TOTALS} WHERE workspace_id = :workspace_id", workspace_id=team.workspace_id)
    return row


def check_recount(team: Team) -> None:
    """Compare every counter of a workspace with the calls that it holds."""
    wrong = team.make.rows(
        """
        SELECT c.id, c.call_count, c.last_call_at, k.* FROM contacts c CROSS JOIN LATERAL (
            SELECT count(*) AS calls, max(started_at) AS last FROM calls
            WHERE workspace_id = c.workspace_id AND contact_id = c.id AND deleted_at IS NULL
                AND (type = 'outbound' OR answered_at IS NOT NULL)
        ) k WHERE c.workspace_id = :workspace_id
            AND (c.call_count, c.last_call_at) IS DISTINCT FROM (k.calls, k.last)
        """,
        workspace_id=team.workspace_id,
    )
    assert wrong == []
    (real,) = team.make.rows(
        "SELECT count(*)::int AS count, count(*) FILTER (WHERE call_count > 0)::int AS called FROM contacts "
        "WHERE workspace_id = :workspace_id AND deleted_at IS NULL",
        workspace_id=team.workspace_id,
    )
    assert totals(team) == real
    present = "SELECT count(*) FROM calls WHERE workspace_id = :workspace_id AND deleted_at IS NULL"
    total = team.make.value(present, workspace_id=team.workspace_id)
    assert team.client.get("/v1/calls")["meta"]["total"] == total
    team.check_call_counts()


@settings(max_examples=40, deadline=None)
@given(steps=STEPS)
def test_any_history(make: Make, steps: list[tuple[Any, ...]]) -> None:
    history = History(make.team(organization_id=_organization(make)))
    for step in steps:
        history.take(step)
    history.check()
    check_recount(history.team)


_organizations: dict[int, Any] = {}


def _organization(make: Make) -> Any:
    """Return the organization that all examples share; a workspace is enough for each."""
    if id(make) not in _organizations:
        _organizations[id(make)] = make.organization()
    return _organizations[id(make)]


def test_many_writers(team: Team, client: Client) -> None:
    """Nobody waits in a circle (that would be a 503, which the client refuses), and nothing is lost."""
    contacts = [team.contact().rpartition("/")[2] for _ in range(4)]
    created = {"type": "outbound", "status": "no-answer", "startedAt": "2026-03-02T09:00:00Z"}
    tag_id = team.tag("Hot")
    shared = [client.post("/v1/calls", created | {"contactId": contacts[n % 4]})["id"] for n in range(8)]

    def work(number: int) -> None:
        draw = random.Random(number)
        own: list[str] = []
        for _ in range(12):
            what = draw.random()
            if what < 0.3:
                body = created | {"contactId": draw.choice(contacts), "tagIds": [tag_id]}
                own.append(client.post("/v1/calls", body)["id"])
            elif what < 0.45 and own:
                client.delete(f"/v1/calls/{own.pop()}")
            elif what < 0.5:
                client.patch(f"/v1/contacts/{draw.choice(contacts)}", {"role": str(number)})
            else:
                contact_id = draw.choice([*contacts, None])
                client.patch(f"/v1/calls/{draw.choice(own + shared)}", {"contactId": contact_id, "tagIds": [tag_id]})

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, range(24)))
    check_recount(team)


def test_a_contact_is_deleted_while_it_is_called(team: Team, client: Client) -> None:
    contacts = [team.contact().rpartition("/")[2] for _ in range(12)]
    created = {"type": "outbound", "status": "no-answer", "startedAt": "2026-03-02T09:00:00Z"}

    def work(number: int) -> None:
        contact = contacts[number % 12]
        if number % 3 == 2:
            client.request("DELETE", f"/v1/contacts/{contact}")
        else:
            client.request("POST", "/v1/calls", json=created | {"contactId": contact})

    order = list(range(72))
    random.Random(1).shuffle(order)
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, order))
    check_recount(team)
