"""POST /v1/contacts/{id}/restore."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from skipcall.contacts.model import RESTORE_DAYS
from tests.client import Client
from tests.make import Make, Team

CALLED = "SELECT coalesce(sum(called), 0)::int FROM contact_counts WHERE workspace_id = :workspace_id"


def id_of(path: str) -> UUID:
    return UUID(path.rpartition("/")[2])


def set_external_id(make: Make, path: str, external_id: str) -> None:
    make.rows("UPDATE contacts SET external_id = :external_id WHERE id = :id", id=id_of(path), external_id=external_id)


def test_a_deleted_contact_is_back_as_it_was(team: Team, client: Client, make: Make) -> None:
    team.field("Industry")
    path = team.contact(company="Atelier Nord", custom_fields={"industry": "Retail"})
    team.call(contact_id=id_of(path))
    before = client.get(path)
    client.delete(path)
    response = client.request("POST", f"{path}/restore", params={"customFieldKeys": "slug"}, status=200)
    contact = response.json()
    assert contact["customFields"] == {"industry": "Retail"}
    assert contact == before | {name: contact[name] for name in ("updatedAt", "lastModificationSource", "customFields")}
    assert contact["updatedAt"] > before["updatedAt"]
    client.patch(path, {"city": "Lille"}, headers={"if-match": response.headers["etag"]})
    assert client.get("/v1/contacts")["meta"]["total"] == 1
    *_, restored, _ = make.events(path)
    assert (restored["type"], restored["changes"], restored["source"]) == ("contact.restored", None, "API")
    assert restored["request_id"] == response.headers["x-request-id"]


def test_the_counts_are_moved_back(team: Team, client: Client, make: Make) -> None:
    called, other = team.contact(), team.contact()
    call = team.call(contact_id=id_of(called))
    for path in (called, other):
        client.delete(path)
    assert make.value(CALLED, workspace_id=team.workspace_id) == 0
    for path in (called, other, called):
        client.post(f"{path}/restore", None, 200)
    assert client.get("/v1/contacts")["meta"]["total"] == 2
    assert make.value(CALLED, workspace_id=team.workspace_id) == 1
    client.delete(called)
    client.delete(call)
    assert client.post(f"{called}/restore", None, 200)["callCount"] == 0
    assert make.value(CALLED, workspace_id=team.workspace_id) == 0


def test_one_that_is_not_deleted_stays_as_it_is(team: Team, client: Client, make: Make) -> None:
    path = team.contact()
    before = client.request("GET", path)
    response = client.request("POST", f"{path}/restore", status=200)
    assert response.json() == before.json()
    assert response.headers["etag"] == before.headers["etag"]
    assert len(make.events(path)) == 1


@pytest.mark.parametrize(("days", "status"), [(RESTORE_DAYS - 1, 200), (RESTORE_DAYS + 1, 410)])
def test_it_can_be_done_for_some_days(team: Team, client: Client, make: Make, days: int, status: int) -> None:
    path = team.contact()
    client.delete(path)
    make.rows(
        "UPDATE contacts SET deleted_at = deleted_at - make_interval(days => :days) WHERE id = :id",
        id=id_of(path),
        days=days,
    )
    response = client.request("POST", f"{path}/restore", status=status)
    if status == 410:
        assert response.json()["error"]["code"] == "RESTORE_EXPIRED"
        assert "link" not in response.headers
        client.get(path, 404)


def test_an_external_id_that_another_has_by_now(team: Team, client: Client, make: Make) -> None:
    path, other = team.contact(), team.contact()
    set_external_id(make, path, "crm-1")
    client.delete(path)
    set_external_id(make, other, "crm-1")
    error = client.post(f"{path}/restore", None, 409)["error"]
    assert error["code"] == "EXTERNAL_ID_TAKEN"
    assert error["conflictingId"] == str(id_of(other))
    assert error["conflictingId"] in error["message"]
    set_external_id(make, other, "crm-2")
    client.post(f"{path}/restore", None, 200)


def test_a_value_of_a_unique_field_that_another_has_by_now(team: Team, client: Client) -> None:
    team.field("Badge", is_unique=True)
    path = team.contact(custom_fields={"badge": "A"})
    client.delete(path)
    other = team.contact(custom_fields={"badge": "A"})
    error = client.post(f"{path}/restore", None, 409)["error"]
    assert (error["code"], [(one["pointer"], one["suggestion"]) for one in error["details"]]) == (
        "CUSTOM_VALUE_TAKEN",
        [("/customFields/badge", str(id_of(other)))],
    )
    client.patch(other, {"customFields": {"badge": None}})
    client.post(f"{path}/restore", None, 200)


def test_a_value_of_a_unique_field_that_was_deleted(team: Team, client: Client) -> None:
    """Values stay unique, as the field may come back; until then nobody can change them."""
    field = team.field("Badge", is_unique=True)
    path = team.contact(custom_fields={"badge": "A"})
    client.delete(path)
    other = team.contact(custom_fields={"badge": "A"})
    client.delete(f"/v1/custom-fields/{field.id}")
    assert client.post(f"{path}/restore", None, 409)["error"]["code"] == "CUSTOM_VALUE_TAKEN"
    client.post(f"/v1/custom-fields/{field.id}/restore", None, 200)
    client.patch(other, {"customFields": {"badge": None}})
    client.post(f"{path}/restore", None, 200)


def test_it_does_not_return_into_its_sequences(team: Team, client: Client) -> None:
    sequence, path = team.sequence(), team.contact()
    client.post(f"{sequence}/contacts", [{"contactId": str(id_of(path))}], 200)
    client.delete(path)
    client.post(f"{path}/restore", None, 200)
    assert client.get(f"{sequence}/contacts")["data"] == []


def test_restored_many_times_at_once_counts_once(team: Team, client: Client, make: Make) -> None:
    path = team.contact()
    client.delete(path)
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: client.post(f"{path}/restore", None, 200), range(10)))
    assert client.get("/v1/contacts")["meta"]["total"] == 1
    assert [one["type"] for one in make.events(path)] == ["contact.created", "contact.deleted", "contact.restored"]
