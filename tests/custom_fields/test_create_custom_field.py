"""`POST /v1/custom-fields`."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.make import Make, Team


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Industry", "industry"),
        ("Team size", "team_size"),
        ("  Chiffre d'affaires (k€)  ", "chiffre_d_affaires_k"),
        ("Société", "societe"),
        ("123", "123"),
        ("会社", "field"),
        ("___", "field"),
        ("a" * 200, "a" * 100),
        ("DROP TABLE; --", "drop_table"),
        ("__proto__", "proto"),
    ],
)
def test_the_slug_is_made_from_the_name(team: Team, name: str, slug: str) -> None:
    response = team.client.request("POST", "/v1/custom-fields", json={"name": name}, status=201)
    field = response.json()
    assert field == {
        "id": field["id"],
        "name": name,
        "slug": slug,
        "workspaceId": str(team.workspace_id),
        "createdAt": field["createdAt"],
        "updatedAt": field["createdAt"],
    }
    assert response.headers["location"] == f"/v1/custom-fields/{field['id']}"
    assert team.client.get(response.headers["location"]) == field


def test_details_are_answered_when_asked_for(team: Team) -> None:
    plain = team.client.post("/v1/custom-fields?include=details", {"name": "Note"})
    assert {name: plain[name] for name in ("type", "options", "isRequired", "isUnique", "archivedAt")} == {
        "type": "text",
        "options": [],
        "isRequired": False,
        "isUnique": False,
        "archivedAt": None,
    }
    body = {"name": "Amount", "type": "number", "isRequired": True, "isUnique": True}
    typed = team.client.post("/v1/custom-fields?include=details", body)
    assert {name: typed[name] for name in body} == body
    assert team.client.get(f"/v1/custom-fields/{typed['id']}?include=details") == typed
    assert "type" not in team.client.post("/v1/custom-fields", {"name": "Since", "type": "date"})
    assert team.client.faults("POST", "/v1/custom-fields?include=all", json={"name": "a"})


def test_keys_of_options_are_made_from_labels(team: Team) -> None:
    labels = ["Food & drinks", "food / drinks", "Société", "会社", "1-10", "x" * 200, "X" * 200, "Own"]
    options = [{"label": label} for label in labels[:-1]] + [{"label": "Own", "key": "societe"}]
    field = team.client.post(
        "/v1/custom-fields?include=details", {"name": "Kind", "type": "select", "options": options}
    )
    keys = ["food_drinks", "food_drinks_2", "societe_2", "field", "1_10", "x" * 100, "x" * 94 + "_2", "societe"]
    assert [(one["key"], one["label"], one["isArchived"]) for one in field["options"]] == [
        (key, label, False) for key, label in zip(keys, labels, strict=True)
    ]


def test_a_taken_slug_gets_a_number(team: Team) -> None:
    slugs = [
        team.client.post("/v1/custom-fields", {"name": name})["slug"] for name in ("Size", "sIZE", "SIZE", "Size!")
    ]
    assert slugs == ["size", "size_2", "size_3", "size_4"]


def test_a_long_slug_has_room_for_its_number(team: Team) -> None:
    first, second = (team.field("L" * length).slug for length in (200, 199))
    assert (len(first), len(second)) == (100, 96)
    asked = {"field": f"customFields.{second}", "operator": "isEmpty"}
    assert team.client.post("/v1/contacts/search", {"filter": asked}, 200)["meta"]["total"] == 0


def test_a_taken_name_is_409(team: Team) -> None:
    team.field("Industry")
    error = team.client.post("/v1/custom-fields", {"name": "Industry"}, status=409)["error"]
    assert error["code"] == "CUSTOM_FIELD_NAME_TAKEN"
    team.client.post("/v1/custom-fields", {"name": "INDUSTRY"})


def test_no_key_means_two_fields(team: Team) -> None:
    """What is answered by names is sent back as keys, of which slugs come first."""
    client = team.client
    origin = client.post("/v1/custom-fields", {"name": "Source"})
    client.patch(f"/v1/custom-fields/{origin['id']}", {"name": "Origin"})
    for name in ("source", "Origin"):
        refused = client.post("/v1/custom-fields", {"name": name}, status=409)["error"]
        assert refused["code"] == "CUSTOM_FIELD_NAME_TAKEN"
    renamed = client.post("/v1/custom-fields", {"name": "Size"})
    client.patch(f"/v1/custom-fields/{renamed['id']}", {"name": "channel"})
    channel = client.post("/v1/custom-fields", {"name": "Channel"})
    assert channel["slug"] == "channel_2", "a slug is no other field's name"
    path = team.contact(custom_fields={"size": "by name", "channel_2": "too"})
    before = client.get(path)
    assert before["customFields"] == {"channel": "by name", "Channel": "too"}
    assert client.patch(path, {"customFields": before["customFields"]}, 200) == before


def test_names_are_free_in_another_workspace(team: Team) -> None:
    other = team.workspace()
    client = team.client_for(team.workspace_id, other)
    here = client.post("/v1/custom-fields", {"name": "Industry"})
    there = client.post(f"/v1/custom-fields?workspaceId={other}", {"name": "Industry"})
    assert (here["slug"], there["slug"]) == ("industry", "industry")
    assert (here["workspaceId"], there["workspaceId"]) == (str(team.workspace_id), str(other))


def test_a_workspace_outside_the_scope(make: Make, team: Team) -> None:
    for id in (team.workspace(), make.team().workspace_id, "nonsense"):
        team.client.post(f"/v1/custom-fields?workspaceId={id}", {"name": "Industry"}, status=404)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, ("/name", "REQUIRED")),
        ({"name": None}, ("/name", "NULL_NOT_ALLOWED")),
        ({"name": ""}, ("/name", "TOO_SHORT")),
        ({"name": "a" * 201}, ("/name", "TOO_LONG")),
        ({"name": 1}, ("/name", "WRONG_TYPE")),
        ({"name": "a\nb"}, ("/name", "FORBIDDEN_CHARACTER")),
        ({"name": "a\u0000"}, ("/name", "FORBIDDEN_CHARACTER")),
        ([], ("", "WRONG_TYPE")),
        ({"name": "a", "type": "float"}, ("/type", "UNKNOWN_VALUE")),
        ({"name": "a", "type": None}, ("/type", "NULL_NOT_ALLOWED")),
        ({"name": "a", "type": "select"}, ("/options", "REQUIRED")),
        ({"name": "a", "type": "select", "options": []}, ("/options", "TOO_FEW_ITEMS")),
        ({"name": "a", "type": "select", "options": "x"}, ("/options", "WRONG_TYPE")),
        (
            {"name": "a", "type": "select", "options": [{"label": f"{n}"} for n in range(501)]},
            ("/options", "TOO_MANY_ITEMS"),
        ),
        ({"name": "a", "type": "select", "options": ["x"]}, ("/options/0", "WRONG_TYPE")),
        ({"name": "a", "type": "select", "options": [{}]}, ("/options/0/label", "REQUIRED")),
        ({"name": "a", "type": "select", "options": [{"label": ""}]}, ("/options/0/label", "TOO_SHORT")),
        ({"name": "a", "type": "select", "options": [{"label": "x" * 201}]}, ("/options/0/label", "TOO_LONG")),
        ({"name": "a", "type": "select", "options": [{"label": "a\n"}]}, ("/options/0/label", "FORBIDDEN_CHARACTER")),
        (
            {"name": "a", "type": "select", "options": [{"label": "x"}, {"label": "x"}]},
            ("/options/1/label", "DUPLICATE_OPTION"),
        ),
        (
            {"name": "a", "type": "select", "options": [{"label": "x", "key": "k"}, {"label": "y", "key": "k"}]},
            ("/options/1/key", "DUPLICATE_OPTION"),
        ),
        *(
            (
                {"name": "a", "type": "select", "options": [{"label": "x", "key": key}]},
                ("/options/0/key", "INVALID_FORMAT"),
            )
            for key in ("", "A", "a-b", "a" * 101, "é")
        ),
        ({"name": "a", "options": [{"label": "x"}]}, ("/type", "OPTIONS_NOT_ALLOWED")),
        ({"name": "a", "type": "number", "options": [{"label": "x"}]}, ("/type", "OPTIONS_NOT_ALLOWED")),
        ({"name": "a", "type": "nothing", "options": [{"label": "x"}]}, ("/type", "UNKNOWN_VALUE")),
        ({"name": "a", "isRequired": "true"}, ("/isRequired", "WRONG_TYPE")),
        ({"name": "a", "isUnique": None}, ("/isUnique", "NULL_NOT_ALLOWED")),
    ],
)
def test_bad_input(team: Team, body: object, fault: tuple[str, str]) -> None:
    assert team.client.faults("POST", "/v1/custom-fields", json=body) == [fault]


def test_concurrent_creations_of_one_slug(team: Team) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(
            pool.map(lambda n: team.client.request("POST", "/v1/custom-fields", json={"name": "A" * n}), range(1, 3))
        )
        made += pool.map(
            lambda sign: team.client.request("POST", "/v1/custom-fields", json={"name": f"Same{sign}"}), ".!?"
        )
    slugs = [one.json()["slug"] for one in made if one.status_code == 201]
    assert len(slugs) == len(set(slugs))


def test_there_is_a_limit(make: Make, team: Team) -> None:
    make.rows(
        """
        INSERT INTO custom_fields (workspace_id, id, slug, name)
        SELECT :workspace_id, gen_random_uuid(), 'f_' || n, 'F ' || n FROM generate_series(1, 500) n
        """,
        workspace_id=team.workspace_id,
    )
    error = team.client.post("/v1/custom-fields", {"name": "One more"}, status=409)["error"]
    assert error["code"] == "TOO_MANY_CUSTOM_FIELDS"
