"""Any history of creations, changes, deletions, merges and erasures: a reader of the feed ends with the table, the counts are
right, and nothing that only erased contacts had is left.
"""

from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.changes.reader import Reader
from tests.make import Make, phone_number
from tests.merges.counts import check_counts

ONE = st.integers(0, 3)
STEPS = st.lists(
    st.tuples(st.sampled_from(["patch", "delete", "restore", "unmerge", "call", "erase"]), ONE, ONE)
    | st.tuples(st.just("merge"), ONE, ONE),
    min_size=1,
    max_size=12,
)
GONE = {404, 409, 410}
# Every row that says something of a contact or a call, as text.
EVERYTHING = """
    SELECT coalesce(string_agg(line, ' '), '') FROM (
        SELECT t::text AS line FROM contacts t WHERE workspace_id = :id
        UNION ALL SELECT t::text FROM events t WHERE workspace_id = :id
        UNION ALL SELECT t::text FROM calls t WHERE workspace_id = :id
        UNION ALL SELECT t::text FROM contact_merges t WHERE workspace_id = :id
    ) lines
"""


def without_counters(contacts: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return contacts by id without what calls move, which is no change of a contact."""
    return {one["id"]: one | {"callCount": None, "lastCallAt": None} for one in contacts}


@settings(max_examples=40)
@given(steps=STEPS)
def test_the_feed_the_counts_and_what_is_left(make: Make, steps: list[tuple[str, int, int]]) -> None:
    team = make.team()
    client = team.client
    reader = Reader(client, size=7)
    sequence = team.sequence()
    paths: list[str] = []
    owners: dict[str, set[int]] = {}  # a word -> the contacts that it was written to, or that a merge has given it to
    for number in range(4):
        owners[f"word-{number}-"] = {number}
        paths.append(team.contact(company=f"word-{number}-", phone_numbers=[phone_number(340 + number)]))
        client.post(f"{sequence}/contacts", [{"contactId": paths[-1].rpartition("/")[2]}], status=200)
    erased: set[int] = set()
    for place, (step, one, other) in enumerate(steps):
        path = paths[one]
        if step == "patch":
            word = f"patch-{place}-"
            done = client.request("PATCH", path, json={"role": word})
            if done.is_success:
                owners[word] = {one}
        elif step == "delete":
            done = client.request("DELETE", path)
        elif step == "call":
            word = f"note-{place}-"
            contact_id = UUID(path.rpartition("/")[2])
            body = {
                "type": "outbound",
                "status": "completed",
                "startedAt": "2026-03-02T09:41:07Z",
                "contactId": str(contact_id),
            }
            done = client.request("POST", "/v1/calls", json=body | {"notes": word})
            continue
        elif step == "merge":
            done = client.request("POST", f"{path}/merge", json={"contactId": paths[other].rpartition("/")[2]})
            if done.status_code == 200:
                for having in owners.values():
                    if other in having:
                        having.add(one)
        else:
            done = client.request("POST", f"{path}/{step}")
            if step == "erase" and done.is_success:
                contact_ids = done.json()["contactIds"]
                erased |= {number for number in range(4) if paths[number].rpartition("/")[2] in contact_ids}
        assert done.is_success or done.status_code in GONE | {400}, done.text
        if place % 4 == 3:
            reader.read()
    reader.read()
    assert without_counters(list(reader.contacts.values())) == without_counters(client.walk("/v1/contacts"))
    check_counts(team)
    left = make.value(EVERYTHING, id=team.workspace_id)
    ids = [UUID(paths[number].rpartition("/")[2]) for number in erased]
    noted = "SELECT count(*) FROM calls WHERE contact_id = ANY(:ids) AND (notes, phone_number) IS DISTINCT FROM (NULL, NULL)"
    assert make.value(noted, ids=ids) == 0
    for number in erased:
        assert client.request("GET", paths[number]).json()["error"]["code"] == "CONTACT_ERASED"
    for word, having in owners.items():
        assert having - erased or word not in left, f"{word} of an erased contact is left"
