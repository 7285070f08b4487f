"""`customFields` of a contact."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.client import Client
from tests.make import Make, Team
from tests.serving import ServerProcess


@pytest.fixture
def path(team: Team) -> str:
    """A contact in a workspace with the fields Industry and Team size."""
    for name in ("Industry", "Team size"):
        team.field(name)
    return team.contact(custom_fields={"industry": "Steel", "team_size": "9"})


def put(client: Client, path: str, **values: str | None) -> dict[str, str]:
    found: dict[str, str] = client.patch(path, {"customFields": values})["customFields"]
    return found


def test_only_given_keys_change(path: str, client: Client) -> None:
    assert put(client, path, team_size="10") == {"Industry": "Steel", "Team size": "10"}
    assert put(client, path) == {"Industry": "Steel", "Team size": "10"}
    assert put(client, path, industry=None) == {"Team size": "10"}
    assert put(client, path, industry="") == {"Team size": "10"}
    assert put(client, path, team_size="", industry="Food") == {"Industry": "Food"}
    assert put(client, path, industry=" ") == {"Industry": " "}


def test_a_name_is_deprecated(path: str, client: Client) -> None:
    response = client.request("PATCH", path, status=200, json={"customFields": {"Team size": "10"}})
    assert response.json()["customFields"]["Team size"] == "10"
    assert response.headers["deprecation"].startswith("@")
    assert response.headers["deprecation"][1:].isdecimal()
    assert response.headers["link"].endswith('; rel="deprecation"')
    by_slug = client.request("PATCH", path, status=200, json={"customFields": {"team_size": "10"}})
    assert "deprecation" not in by_slug.headers
    assert "link" not in by_slug.headers


def test_uses_of_a_name_are_counted_for_each_key(make: Make, own_server: ServerProcess) -> None:
    team = make.team()
    team.field("Team size")
    contact = team.contact()
    with Client(own_server.url, team.key.text) as client:
        for value in ("1", "2", "2"):
            client.patch(contact, {"customFields": {"Team size": value}})
        client.patch(contact, {"customFields": {"team_size": "3"}})
    own_server.stop()
    (use,) = make.rows("SELECT * FROM api_key_uses WHERE api_key_id = :id", id=team.key.id)
    assert use["custom_field_names_used"] == 3
    assert use["last_used_at"] is not None


def test_slug_comes_before_name(team: Team, client: Client) -> None:
    """Fields from before names could not be other fields' slugs."""
    team.field("Size")
    second = team.field("SIZE")
    assert second.slug == "size_2"
    team.make.rows("UPDATE custom_fields SET name = 'size' WHERE id = :id RETURNING 1", id=second.id)
    path = team.contact()
    assert put(client, path, size="by slug") == {"Size": "by slug"}
    assert put(client, path, Size="by name") == {"Size": "by name"}


@pytest.mark.parametrize("values", [{"team_size": "1", "Team size": "2"}, {"team_size": None, "Team size": ""}])
def test_the_same_field_twice(path: str, client: Client, values: dict[str, str | None]) -> None:
    error = client.patch(path, {"customFields": values}, 400)["error"]
    assert error["details"][0]["pointer"] == "/customFields"
    assert error["details"][0]["code"] == "DUPLICATE_CUSTOM_FIELD"
    assert client.get(path)["customFields"]["Team size"] == "9"


@pytest.mark.parametrize(
    ("key", "suggestion"),
    [
        ("team_sise", "team_size"),
        ("TEAM_SIZE", "team_size"),
        ("team size", "team_size"),
        ("Team size ", "team_size"),
        ("Team sise", "team_size"),
        ("industri", "industry"),
        ("", None),
        (" ", None),
        (".", None),
        ("__proto__", None),
        ("constructor", None),
        ("toString", None),
        ("$where", None),
        ("a.b", None),
        ("a[0]", None),
        ("'; DROP TABLE contacts; --", None),
        ("\\", None),
        ("x" * 10_000, None),
        ("王", None),
        ("\uffff", None),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_an_unknown_key(path: str, client: Client, key: str, suggestion: str | None) -> None:
    before = client.get(path)
    error = client.patch(path, {"city": "Lille", "customFields": {"industry": "Food", key: "x"}}, 400)["error"]
    assert error["code"] == "UNKNOWN_CUSTOM_FIELD"
    (detail,) = error["details"]
    assert detail["code"] == "UNKNOWN_CUSTOM_FIELD"
    assert detail["pointer"] == f"/customFields/{key[:200]}"
    if suggestion:
        assert detail["suggestion"] == suggestion
    assert client.get(path) == before


@pytest.mark.parametrize("key", ["a\u0000", "\u0000", "a\nb", "\u007f", "\u0085"], ids=ascii)
def test_a_key_with_a_control_character(path: str, client: Client, key: str) -> None:
    error = client.patch(path, {"customFields": {key: "x"}}, 400)["error"]
    assert error["details"][0]["code"] in {"FORBIDDEN_CHARACTER", "UNKNOWN_CUSTOM_FIELD"}


def test_unknown_keys_are_all_named(path: str, client: Client) -> None:
    error = client.patch(path, {"customFields": {"b/c": "x", "d~e": "x", "industry": "x"}}, 400)["error"]
    assert sorted(one["pointer"] for one in error["details"]) == ["/customFields/b~1c", "/customFields/d~0e"]


def test_fields_of_others_look_unknown(path: str, team: Team, client: Client, make: Make) -> None:
    stranger = make.team()
    stranger.field("Theirs")
    make.custom_field(team.workspace(), "Beside")
    gone = team.field("Gone")
    client.delete(f"/v1/custom-fields/{gone.id}")
    answers = set()
    for slug in ("theirs", "beside", "gone", "nowhere"):
        text = client.request("PATCH", path, status=400, json={"customFields": {slug: "x"}})
        answers.add(text.text.replace(text.headers["x-request-id"], "").replace(slug, ""))
    assert len(answers) == 1


def test_the_fields_of_the_contacts_own_workspace_count(team: Team, make: Make) -> None:
    second = team.workspace()
    make.custom_field(second, "Only there")
    client = team.client_for(team.workspace_id, second)
    client.patch(f"/v1/contacts/{make.contact(second)}", {"customFields": {"only_there": "x"}})
    client.patch(team.contact(), {"customFields": {"only_there": "x"}}, 400)


@pytest.mark.parametrize(
    ("value", "code"),
    [(1, "WRONG_TYPE"), (True, "WRONG_TYPE"), ([], "WRONG_TYPE"), ({}, "WRONG_TYPE"), ("x" * 5001, "TOO_LONG")],
    ids=lambda value: repr(value)[:10],
)
def test_values_are_text(path: str, client: Client, value: object, code: str) -> None:
    faults = client.faults("PATCH", path, json={"customFields": {"industry": value}})
    assert faults == [("/customFields/industry", code)]


def test_a_long_value(path: str, client: Client) -> None:
    assert put(client, path, industry="🏭" * 5000)["Industry"] == "🏭" * 5000


@pytest.mark.parametrize("value", [[], "industry", 1, True, [{"industry": "x"}]], ids=repr)
def test_custom_fields_are_an_object(path: str, client: Client, value: object) -> None:
    assert client.faults("PATCH", path, json={"customFields": value}) == [("/customFields", "WRONG_TYPE")]


def test_how_many(team: Team, client: Client, make: Make) -> None:
    """As many as a workspace may have fields, so that what is answered can be sent back."""
    make.rows(
        """
        INSERT INTO custom_fields (workspace_id, id, slug, name)
        SELECT :id, gen_random_uuid(), 'field_' || n, 'Field ' || n FROM generate_series(1, 500) n RETURNING id
        """,
        id=team.workspace_id,
    )
    path = team.contact()
    values = {f"field_{number}": str(number) for number in range(1, 501)}
    assert len(put(client, path, **values)) == 500
    shown = client.get(path, params={"customFieldKeys": "slug"})["customFields"]
    assert client.patch(path, {"customFields": shown}, status=200)["customFields"].keys() == {
        f"Field {number}" for number in range(1, 501)
    }
    faults = client.faults("PATCH", path, json={"customFields": {**values, "field_501": "x"}})
    assert faults == [("/customFields", "TOO_MANY_ITEMS")]


def test_many_unknown_keys_beside_many_fields_hold_nobody_up(team: Team, client: Client, make: Make) -> None:
    import time

    make.rows(
        """
        INSERT INTO custom_fields (workspace_id, id, slug, name)
        SELECT :id, gen_random_uuid(), left(repeat(n || '_name_', 30), 100), left(repeat(n || ' Name ', 40), 200)
        FROM generate_series(100, 599) n RETURNING id
        """,
        id=team.workspace_id,
    )
    path = team.contact()
    start = time.monotonic()
    unknown = {f"{number}_name_" * 12 + "_x": "x" for number in range(100, 200)}
    error = client.patch(path, {"customFields": unknown}, 400)["error"]
    assert time.monotonic() - start < 2
    assert len(error["details"]) == 50


# ------------------------------------------------------------------------------------------ fields that change meanwhile


def test_a_renamed_field(path: str, team: Team, client: Client) -> None:
    (field,) = (one for one in client.get("/v1/custom-fields")["data"] if one["slug"] == "team_size")
    before = client.get(path)
    client.patch(f"/v1/custom-fields/{field['id']}", {"name": "Head count"})
    after = client.get(path)
    assert after == before | {"customFields": {"Industry": "Steel", "Head count": "9"}}
    assert put(client, path, team_size="10")["Head count"] == "10"
    assert put(client, path, **{"Head count": "11"})["Head count"] == "11"
    client.patch(path, {"customFields": {"Team size": "12"}}, 400)


def test_an_archived_field(path: str, team: Team, client: Client) -> None:
    (field,) = (one for one in client.get("/v1/custom-fields")["data"] if one["slug"] == "team_size")
    client.delete(f"/v1/custom-fields/{field['id']}")
    assert client.get(path)["customFields"] == {"Industry": "Steel"}
    assert put(client, path, industry="Food") == {"Industry": "Food"}
    for key in ("team_size", "Team size"):
        client.patch(path, {"customFields": {key: "x"}}, 400)
    again = client.post("/v1/custom-fields", {"name": "Team size"})
    assert again["slug"] == "team_size_2", "a slug is never given twice, so no old value comes back"
    assert client.get(path)["customFields"] == {"Industry": "Food"}


def test_fields_that_come_and_go_under_load(path: str, team: Team, client: Client) -> None:
    def change(number: int) -> int:
        field = client.post("/v1/custom-fields", {"name": f"Short-lived {number}"})
        client.patch(f"/v1/custom-fields/{field['id']}", {"name": f"Renamed {number}"})
        client.delete(f"/v1/custom-fields/{field['id']}")
        return client.request("PATCH", path, json={"customFields": {field["slug"]: "x"}}).status_code

    def write(number: int) -> int:
        key = f"short_lived_{number}"
        return client.request("PATCH", path, json={"customFields": {key: "x", "industry": str(number)}}).status_code

    with ThreadPoolExecutor(16) as pool:
        changed = pool.map(change, range(20))
        written = pool.map(write, range(20))
        assert set(changed) == {400}
        assert set(written) <= {200, 400}
    assert set(client.get(path)["customFields"]) == {"Industry", "Team size"}
