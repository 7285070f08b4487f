"""Fields that are made at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.make import Team


@pytest.mark.parametrize("with_key", [False, True], ids=["plain", "with Idempotency-Key"])
def test_twenty_names_with_one_slug(team: Team, *, with_key: bool) -> None:
    """Each gets its field: nobody is told that a name is taken which is not, and nothing fails."""

    def create(number: int) -> tuple[int, str]:
        headers = {"idempotency-key": str(number)} if with_key else {}
        name = "Team" + "_" * number + "size"
        response = team.client.request("POST", "/v1/custom-fields", json={"name": name}, headers=headers)
        return response.status_code, response.json().get("slug", response.text)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(create, range(1, 21)))
    assert [status for status, _ in answers] == [201] * 20, answers
    assert sorted(slug for _, slug in answers) == sorted(["team_size", *(f"team_size_{n}" for n in range(2, 21))])


@pytest.mark.parametrize("with_key", [False, True], ids=["plain", "with Idempotency-Key"])
def test_one_name_twenty_times(team: Team, *, with_key: bool) -> None:
    def create(number: int) -> int:
        headers = {"idempotency-key": str(number)} if with_key else {}
        return team.client.request("POST", "/v1/custom-fields", json={"name": "Size"}, headers=headers).status_code

    with ThreadPoolExecutor(20) as pool:
        assert sorted(pool.map(create, range(20))) == [201] + [409] * 19
    assert team.client.get("/v1/custom-fields")["meta"]["total"] == 1


def test_two_fields_renamed_to_one_name(team: Team) -> None:
    fields = [team.field(name) for name in ("A", "B", "C", "D")]

    def rename(id: str) -> int:
        return team.client.request("PATCH", f"/v1/custom-fields/{id}", json={"name": "Same"}).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(rename, [field.id for field in fields])) == [200, 409, 409, 409]
