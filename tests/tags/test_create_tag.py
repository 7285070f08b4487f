"""`POST /v1/tags`."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.make import Make, Team


def test_a_tag(team: Team, make: Make) -> None:
    response = team.client.request("POST", "/v1/tags", json={"label": "Démo calée", "isSuccessTag": True}, status=201)
    tag = response.json()
    assert tag == {
        "id": tag["id"],
        "label": "Démo calée",
        "isSuccessTag": True,
        "createdAt": tag["createdAt"],
        "updatedAt": tag["createdAt"],
    }
    assert response.headers["location"] == f"/v1/tags/{tag['id']}"
    assert team.client.get(response.headers["location"]) == tag
    [event] = make.events(response.headers["location"])
    assert (event["type"], event["object_version"], event["source"], event["changes"]) == (
        "tag.created",
        1,
        "API",
        None,
    )


def test_it_is_no_success_unless_said(team: Team) -> None:
    assert team.client.post("/v1/tags", {"label": "Later"})["isSuccessTag"] is False


def test_a_new_workspace_has_a_success_tag(team: Team) -> None:
    labels = [(one["label"], one["isSuccessTag"]) for one in team.client.get("/v1/tags")["data"]]
    assert labels == [
        ("Rendez-vous pris", True),
        ("Pas intéressé", False),
        ("À rappeler", False),
        ("Mauvais numéro", False),
    ]


def test_a_taken_label_is_409(team: Team) -> None:
    first = team.client.post("/v1/tags", {"label": "Later"})
    assert team.client.post("/v1/tags", {"label": "Later"}, status=409)["error"]["code"] == "TAG_LABEL_TAKEN"
    team.client.post("/v1/tags", {"label": "later"})
    team.client.delete(f"/v1/tags/{first['id']}")
    assert team.client.post("/v1/tags", {"label": "Later"})["id"] != first["id"]


@pytest.mark.parametrize("with_key", [False, True], ids=["plain", "with Idempotency-Key"])
def test_one_label_twenty_times(team: Team, *, with_key: bool) -> None:
    def create(number: int) -> int:
        headers = {"idempotency-key": str(number)} if with_key else {}
        return team.client.request("POST", "/v1/tags", json={"label": "Later"}, headers=headers).status_code

    with ThreadPoolExecutor(20) as pool:
        assert sorted(pool.map(create, range(20))) == [201] + [409] * 19


def test_another_workspace(team: Team, make: Make) -> None:
    other = team.workspace()
    client = team.client_for(team.workspace_id, other)
    for query in ("", f"?workspaceId={other}"):
        client.post(f"/v1/tags{query}", {"label": "Later"})
    page = client.get("/v1/tags", params={"workspaceIds": str(other)})
    assert [one["label"] for one in page["data"]][4:] == ["Later"]
    for id in (other, make.team().workspace_id, "nonsense"):
        team.client.post(f"/v1/tags?workspaceId={id}", {"label": "Never"}, status=404)


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({}, [("/label", "REQUIRED")]),
        (
            {"label": None, "isSuccessTag": None},
            [("/label", "NULL_NOT_ALLOWED"), ("/isSuccessTag", "NULL_NOT_ALLOWED")],
        ),
        ({"label": ""}, [("/label", "TOO_SHORT")]),
        ({"label": "a" * 101, "isSuccessTag": "yes"}, [("/label", "TOO_LONG"), ("/isSuccessTag", "WRONG_TYPE")]),
        ({"label": "a\nb"}, [("/label", "FORBIDDEN_CHARACTER")]),
        ([], [("", "WRONG_TYPE")]),
    ],
)
def test_bad_input(team: Team, body: object, faults: list[tuple[str, str]]) -> None:
    assert team.client.faults("POST", "/v1/tags", json=body) == faults


def test_there_is_a_limit(make: Make, team: Team) -> None:
    make.rows(
        """
        INSERT INTO tags (workspace_id, id, label, is_success_tag)
        SELECT :workspace_id, gen_random_uuid(), 'T ' || n, false FROM generate_series(1, 196) n
        """,
        workspace_id=team.workspace_id,
    )
    assert team.client.post("/v1/tags", {"label": "More"}, status=409)["error"]["code"] == "TOO_MANY_TAGS"
    assert team.client.post("/v1/tags", {"label": "T 1"}, status=409)["error"]["code"] == "TAG_LABEL_TAKEN"
