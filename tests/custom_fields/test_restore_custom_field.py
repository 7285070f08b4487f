"""`POST /v1/custom-fields/{id}/restore`."""

from concurrent.futures import ThreadPoolExecutor

from tests.make import Make, Team


def test_field_and_values_come_back(team: Team) -> None:
    field = team.field("Industry")
    contact = team.contact(custom_fields={"industry": "Food"})
    before = team.client.get(contact)
    team.client.delete(f"/v1/custom-fields/{field.id}")
    restored = team.client.post(f"/v1/custom-fields/{field.id}/restore", None, 200)
    assert restored == team.client.get(f"/v1/custom-fields/{field.id}")
    assert restored["slug"] == "industry"
    assert set(restored) == {"id", "name", "slug", "workspaceId", "createdAt", "updatedAt"}
    assert team.client.get(contact) == before
    team.client.patch(contact, {"customFields": {"industry": "Steel"}})


def test_one_that_was_not_deleted_stays_as_it_is(team: Team) -> None:
    path = f"/v1/custom-fields/{team.field('Industry').id}"
    before = team.client.get(path)
    assert team.client.post(f"{path}/restore", None, 200) == before
    details = team.client.post(f"{path}/restore?include=details", None, 200)
    assert (details["type"], details["archivedAt"]) == ("text", None)


def test_a_name_that_is_used_meanwhile_is_409(team: Team) -> None:
    path = f"/v1/custom-fields/{team.field('Industry').id}"
    team.client.delete(path)
    other = team.field("Industry")
    error = team.client.post(f"{path}/restore", None, 409)["error"]
    assert error["code"] == "CUSTOM_FIELD_NAME_TAKEN"
    team.client.get(path, status=404)
    team.client.patch(f"/v1/custom-fields/{other.id}", {"name": "Sector"})
    assert team.client.post(f"{path}/restore", None, 200)["name"] == "Industry"


def test_a_name_that_is_a_slug_meanwhile_is_409(team: Team) -> None:
    other = team.field("Sector")
    path = f"/v1/custom-fields/{team.field('Industry').id}"
    team.client.delete(path)
    team.client.patch(f"/v1/custom-fields/{other.id}", {"name": "industry"})
    assert team.client.post(f"{path}/restore", None, 409)["error"]["code"] == "CUSTOM_FIELD_NAME_TAKEN"


def test_there_is_a_limit(make: Make, team: Team) -> None:
    path = f"/v1/custom-fields/{team.field('Industry').id}"
    team.client.delete(path)
    make.rows(
        """
        INSERT INTO custom_fields (workspace_id, id, slug, name)
        SELECT :workspace_id, gen_random_uuid(), 'f_' || n, 'F ' || n FROM generate_series(1, 500) n
        """,
        workspace_id=team.workspace_id,
    )
    assert team.client.post(f"{path}/restore", None, 409)["error"]["code"] == "TOO_MANY_CUSTOM_FIELDS"


def test_two_of_one_name_restored_at_once(team: Team) -> None:
    paths = []
    for _ in range(4):
        paths.append(f"/v1/custom-fields/{team.field('Same').id}")
        team.client.delete(paths[-1])
    with ThreadPoolExecutor(4) as pool:
        statuses = pool.map(lambda path: team.client.request("POST", f"{path}/restore").status_code, paths)
        assert sorted(statuses) == [200, 409, 409, 409]


def test_values_of_a_unique_field_stay_taken_meanwhile(team: Team) -> None:
    field = team.field("Customer number", is_unique=True)
    holder = team.contact(custom_fields={"customer_number": "4711"})
    team.client.delete(f"/v1/custom-fields/{field.id}")
    team.client.patch(holder, {"role": "CTO"})
    team.client.post(f"/v1/custom-fields/{field.id}/restore", None, 200)
    error = team.client.patch(team.contact(), {"customFields": {"customer_number": "4711"}}, 409)["error"]
    assert error["details"][0]["suggestion"] == holder.rpartition("/")[2]
