"""Many at once who would each take a success tag away."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.make import Team

THREADS = 16


@pytest.mark.parametrize("with_key", [False, True], ids=["plain", "with Idempotency-Key"])
def test_one_success_tag_is_left(team: Team, *, with_key: bool) -> None:
    """Half of them delete, half demote; in the end exactly one is as it was, and the one refused was told why."""
    for turn in range(5):
        for number in range(THREADS - 1):
            team.tag(f"Won {turn} {number}", is_success_tag=True)
        tags = [one for one in team.client.get("/v1/tags", params={"size": 100})["data"] if one["isSuccessTag"]]
        assert len(tags) == THREADS

        def take(place: int, tags: list[dict[str, str]] = tags) -> tuple[int, str]:
            path = f"/v1/tags/{tags[place]['id']}"
            if place % 2:
                response = team.client.request("DELETE", path)
            else:
                headers = {"idempotency-key": path} if with_key else {}
                response = team.client.request("PATCH", path, json={"isSuccessTag": False}, headers=headers)
            return response.status_code, response.text

        with ThreadPoolExecutor(THREADS) as pool:
            answers = list(pool.map(take, range(THREADS)))
        refused = [text for status, text in answers if status == 409]
        assert len(refused) == 1, answers
        assert "LAST_SUCCESS_TAG" in refused[0]
        assert {status for status, _ in answers} == {200, 204, 409}
        left = team.client.get("/v1/tags", params={"size": 100})["data"]
        assert sum(one["isSuccessTag"] for one in left) == 1
        for one in left:
            if not one["isSuccessTag"]:
                team.client.delete(f"/v1/tags/{one['id']}")


def test_success_goes_to_and_fro(team: Team) -> None:
    """Two tags are promoted and demoted by many at once: never is there none."""
    paths = [f"/v1/tags/{team.tag(label, is_success_tag=True)}" for label in ("A", "B")]
    team.client.delete(f"/v1/tags/{team.client.get('/v1/tags')['data'][0]['id']}")

    def turn(number: int) -> bool:
        body = {"isSuccessTag": number % 3 == 0}
        assert team.client.request("PATCH", paths[number % 2], json=body).status_code in {200, 409}
        return any(one["isSuccessTag"] for one in team.client.get("/v1/tags")["data"])

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(turn, range(120)))
