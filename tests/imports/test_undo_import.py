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


def test_contacts_that_somebody_has_used_stay(loader: Loader) -> None:
    """Though no value of theirs has changed."""
    team, client = loader.kept.team, loader.client
    names = ("objector", "merged", "called", "member", "consenting", "unused")
    rows = [(name, "Roy", f"{name}@example.com", phone_number(at), "x"[at:]) for at, name in enumerate(names)]
    found = loader.done(csv_of(*rows, headings=(*HEADINGS, "Do not call")))
    ids = {one["firstName"]: one["id"] for one in loader.contacts()}
    older = team.contact(first_name="merged", last_name="Roy", phone_numbers=[phone_number(1)])
    client.post(f"/v1/contacts/{ids['merged']}/merge", {"contactId": older.rpartition("/")[2]}, 200)
    team.call(contact_id=UUID(ids["called"]))
    client.post(f"{team.sequence()}/contacts", [{"contactId": ids["member"]}], 200)
    consent = {"status": "given", "source": "form", "legalBasis": "consent", "purpose": "offers"}
    client.post(f"/v1/contacts/{ids['consenting']}/consents", consent, 201)
    client.post(f"/v1/contacts/{ids['objector']}/consents", {"status": "objected", "source": "call"}, 201)
    assert {
        one["version"] for one in team.make.rows("SELECT version FROM contacts WHERE id = ANY(:ids)", ids=ids.values())
    } == {1}
    assert undone(loader, found) == {"deleted": 1, "changed": 5}
    assert [one["firstName"] for one in loader.contacts()] == sorted(set(names) - {"unused"}, key=names.index)


def test_a_refusal_that_it_brought_does_not_hold_a_contact(loader: Loader) -> None:
    found = loader.done(csv_of((*ZOE, "x"), headings=(*HEADINGS, "Do not call")))
    assert undone(loader, found) == {"deleted": 1}


def test_nobody_is_called_again(loader: Loader) -> None:
    """A refusal of since shows in no value where the import brought one too."""
    team = loader.kept.team
    path = team.contact(email="zoe@roy.example", company="Old")
    other = team.contact(email="lea@rey.example", phone_numbers=[phone_number(2)])
    headings = ("Email", "Company", "allowPhoneCalls")
    found = loader.done(csv_of((ZOE[2], "New", "false"), (LEA[2], "", "false"), headings=headings))
    loader.client.post(f"{path}/consents", {"status": "objected", "source": "call"}, 201)
    assert undone(loader, found) == {"restored": 1, "changed": 2}
    after = loader.client.get(path)
    assert (after["company"], after["allowPhoneCalls"]) == ("Old", False)
    assert loader.client.get(other)["allowPhoneCalls"] is False


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


def test_the_rest_of_such_a_contact_comes_back(loader: Loader) -> None:
    team = loader.kept.team
    contact = {"firstName": "Zoé", "lastName": "Roy", "phoneNumbers": [phone_number(1)]}
    path = f"/v1/contacts/{team.client.post('/v1/contacts/upsert', {'contact': contact | {'externalId': 'k1', 'company': 'Old'}})['contact']['id']}"
    cells = (path.rpartition("/")[2], "k2", "New")
    found = loader.done(csv_of(cells, headings=("id", "externalId", "Company")), matchBy=["id"])
    team.client.post(
        "/v1/contacts/upsert", {"contact": contact | {"externalId": "k1", "phoneNumbers": [phone_number(2)]}}
    )
    assert undone(loader, found) == {"restored": 1, "taken": 1}
    after = team.client.get(path, params={"include": "externalId"})
    assert (after["externalId"], after["company"]) == ("k2", "Old")


def test_nobody_becomes_who_was_erased_since(loader: Loader) -> None:
    team = loader.kept.team
    path = team.contact(email="shared@example.com", company="Old")
    found = loader.done(
        csv_of((path.rpartition("/")[2], "new@example.com", "New"), headings=("id", "Email", "Company")), matchBy=["id"]
    )
    erased = team.contact(email="shared@example.com", phone_numbers=[phone_number(7)])
    loader.client.post(f"{erased}/erase", None, status=200)
    assert undone(loader, found) == {"restored": 1, "changed": 1}
    after = loader.client.get(path)
    assert (after["email"], after["company"]) == ("new@example.com", "Old")


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
    st.sampled_from(["", "yes", "no"]),
)


@settings(max_examples=15)
@given(st.lists(ROW, max_size=4), st.lists(ROW, min_size=1, max_size=8))
def test_all_is_as_it_was(loading: Any, before: list[tuple[str, ...]], rows: list[tuple[str, ...]]) -> None:
    """Whatever a file did, if nobody else has written since, but for refusals: in batches of two rows, undone in batches of two events."""
    loader = Loader(loading._replace(team=loading.team.make.team()))
    headings = (*HEADINGS, "externalId", "allowPhoneCalls")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "BATCH_ROWS", 2)
        patch.setattr(undoing, "EVENTS_AT_ONCE", 2)
        loader.done(csv_of(*before, headings=headings), matchBy=[])
        own = {"updatedAt", "lastModificationSource"}
        told = [{k: v for k, v in one.items() if k not in own} for one in loader.contacts()]
        found = loader.done(csv_of(*rows, headings=headings))
        refused = {one["id"] for one in loader.contacts() if not one["allowPhoneCalls"]}
        left = [one for one in told if one["id"] in refused and one["allowPhoneCalls"]]
        assert undone(loader, found).get("changed", 0) == len(left)
        for one in left:
            one["allowPhoneCalls"] = False
        assert [{k: v for k, v in one.items() if k not in own} for one in loader.contacts()] == told
