"""POST /v1/imports/{id}/undo."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skipcall.imports import running, undoing
from tests.imports.conftest import HEADINGS, LEA, ZOE, Loader, csv_of
from tests.make import phone_number


def undone(loader: Loader, found: dict[str, Any]) -> dict[str, int]:
    path = f"/v1/imports/{found['id']}"
    assert loader.client.post(f"{path}/undo", None, 200)["status"] == "UNDOING"
    loader.kept.work()
    after = loader.get(path)
    assert after["status"] == "UNDONE"
    return {name: count for name, count in after["undone"].items() if count}


def test_contacts_that_it_made_are_deleted(loader: Loader) -> None:
    found = loader.done(csv_of(ZOE, LEA))
    zoe, _ = loader.contacts()
    assert undone(loader, found) == {"deleted": 2}
    assert loader.contacts() == []
    assert loader.client.get("/v1/contacts")["meta"]["total"] == 0
    last, first = loader.kept.team.make.events(f"/v1/contacts/{zoe['id']}")[::-1]
    assert [one["type"] for one in (first, last)] == ["contact.created", "contact.deleted"]
    assert last["request_id"] == f"undo-{found['id']}"
    loader.client.post(f"/v1/contacts/{zoe['id']}/restore", None, 200)


def test_contacts_that_others_have_changed_stay(loader: Loader) -> None:
    found = loader.done(csv_of(ZOE, LEA))
    zoe, lea = loader.contacts()
    loader.client.patch(f"/v1/contacts/{zoe['id']}", {"city": "Lille"})
    loader.client.delete(f"/v1/contacts/{lea['id']}")
    assert undone(loader, found) == {"changed": 1, "gone": 1}
    assert [one["city"] for one in loader.contacts()] == ["Lille"]


def test_old_values_come_back_where_the_new_ones_still_are(loader: Loader) -> None:
    team = loader.kept.team
    team.field("Segment")
    team.field("Score")
    values = {"email": "zoe@roy.example", "city": "Lyon", "phone_numbers": [phone_number(9)]}
    path = team.contact(**values, custom_fields={"segment": "old"})
    headings = (*HEADINGS, "City", "Company", "Segment", "Score")
    found = loader.done(csv_of((*ZOE, "Lille", "New", "new", "1"), headings=headings))
    loader.client.patch(path, {"city": "Paris", "customFields": {"score": "2"}})
    assert undone(loader, found) == {"restored": 1, "changed": 1}
    after = loader.client.get(path)
    assert (after["firstName"], after["company"], after["phoneNumbers"]) == ("Camille", None, [phone_number(9)])
    assert (after["city"], after["customFields"]) == ("Paris", {"Segment": "old", "Score": "2"})


def test_a_value_that_another_contact_has_now_is_left(loader: Loader) -> None:
    team = loader.kept.team
    team.field("Badge", is_unique=True)
    paths = [
        team.contact(email=f"{name}@example.com", custom_fields={"badge": name}, phone_numbers=[phone_number(n)])
        for n, name in enumerate("ab")
    ]
    found = loader.done(csv_of(("a@example.com", "x"), ("b@example.com", "y"), headings=("Email", "Badge")))
    team.contact(custom_fields={"badge": "a"}, phone_numbers=[phone_number(9)])
    assert undone(loader, found) == {"restored": 1, "taken": 1}
    assert [loader.client.get(path)["customFields"]["Badge"] for path in paths] == ["x", "b"]


def test_when_it_can_be_undone(loader: Loader) -> None:
    path = loader.sent(csv_of(ZOE))
    assert loader.client.post(f"{path}/undo", None, 409)["error"]["code"] == "IMPORT_STATUS"
    found = loader.done(csv_of(ZOE))
    assert found["undoUntil"] is not None
    loader.kept.team.make.rows(
        "UPDATE imports SET ended_at = now() - interval '8 days' WHERE id = :id RETURNING id", id=UUID(found["id"])
    )
    undo = f"/v1/imports/{found['id']}/undo"
    assert loader.client.post(undo, None, 410)["error"]["code"] == "UNDO_EXPIRED"
    again = loader.done(csv_of(LEA))
    undone(loader, again)
    loader.client.post(f"/v1/imports/{again['id']}/undo", None, 409)


ROW = st.tuples(
    *(st.sampled_from("AB"), st.sampled_from("AB"), st.sampled_from(["", "a@example.com", "b@example.com"])),
    *(st.sampled_from([f"063998000{n}" for n in range(4)]), st.sampled_from(["", "x", "y"])),
)


@settings(max_examples=15)
@given(st.lists(ROW, max_size=4), st.lists(ROW, min_size=1, max_size=8))
def test_all_is_as_it_was(loading: Any, before: list[tuple[str, ...]], rows: list[tuple[str, ...]]) -> None:
    """Whatever a file did, if nobody else has written since: in batches of two rows, undone in batches of two events."""
    loader = Loader(loading._replace(team=loading.team.make.team()))
    headings = (*HEADINGS, "externalId")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "BATCH_ROWS", 2)
        patch.setattr(undoing, "EVENTS_AT_ONCE", 2)
        loader.done(csv_of(*before, headings=headings), matchBy=[])
        own = {"updatedAt", "lastModificationSource"}
        told = [{k: v for k, v in one.items() if k not in own} for one in loader.contacts()]
        found = loader.done(csv_of(*rows, headings=headings))
        assert undone(loader, found).keys() <= {"deleted", "restored"}
        assert [{k: v for k, v in one.items() if k not in own} for one in loader.contacts()] == told
