"""Paths, methods and ids that are not what they should be."""

from uuid import UUID

import pytest

from tests.client import Client
from tests.make import Make, Team


@pytest.fixture(scope="module")
def team(make: Make) -> Team:
    return make.team()


def ids_like(id: str) -> list[str]:
    """Return what Python's or PostgreSQL's reading of a UUID would take for this id, and what nobody would."""
    whole = UUID(id)
    return [
        whole.hex,
        f"{{{id}}}",
        f"urn:uuid:{id}",
        f"{id[:5]}-{id[5:8]}{id[9:]}",
        id.replace("-", ""),
        f"-{id}",
        f"{id}-",
        f" {id}",
        f"{id} ",
        f"{id}%0A",
        f"{id};x",
        f"{id}.json",
        f"{id},{id}",
        id.replace("0", "٠", 1),
        id[:-1],
        f"{id}0",
        str(whole.int),
        f"0x{whole.hex}",
        id.translate(str.maketrans("0123456789", "０１２３４５６７８９")),
    ]


@pytest.mark.parametrize("number", range(19))
def test_an_id_in_another_form_is_no_id(team: Team, number: int) -> None:
    path = team.contact()
    other = ids_like(path.rpartition("/")[2])[number]
    for method, body in (("GET", None), ("PATCH", {"city": "a"}), ("DELETE", None)):
        team.client.request(method, f"/v1/contacts/{other}", status=404, json=body)
    team.client.get(path)


@pytest.mark.parametrize(
    "end",
    [
        "x",
        "%00",
        "%ff",
        "..%2f",
        "..%2f..%2fhealth",
        "%2e%2e",
        "%252e",
        "%",
        "%zz",
        "x" * 8_000,
        "''",
        "*",
        "%0d%0a",
        "~",
    ],
    ids=lambda end: end[:20],
)
@pytest.mark.parametrize("path", ["/v1/contacts/", "/v1/custom-fields/", "/v1/workspaces/", "/v1/users/"])
def test_malformed_ids(team: Team, path: str, end: str) -> None:
    error = team.client.get(path + end, 404)["error"]
    assert error["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/",
        "/v1/contact",
        "/v1/contacts/",
        "/v1/contacts//",
        "/v1//contacts",
        "//v1/contacts",
        "/v1/Contacts",
        "/V1/contacts",
        "/v1/contacts/./",
        "/v1/contacts/a/b",
        "/v2/contacts",
        "/v1/contacts;x=1",
        "/v1/contacts%20",
        "/v1/contacts%00",
        "/v1/%63ontacts/x/y",
        "/v1/workspaces/x/members/y",
        "/favicon.ico",
        "/.env",
        "/admin",
        "/*",
    ],
)
def test_paths_that_are_not_there(team: Team, make: Make, path: str) -> None:
    error = team.client.request("GET", path, status=404).json()["error"]
    assert error["code"] == "NOT_FOUND"
    anonymous = make.client().request("GET", path)
    assert anonymous.status_code == (401 if path.startswith("/v1/") else 404)


def test_a_trailing_slash_is_another_path(team: Team) -> None:
    assert team.client.request("GET", f"{team.contact()}/").status_code == 404


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/contacts", "GET, POST, HEAD"),
        ("/v1/contacts/x", "DELETE, GET, PATCH, HEAD"),
        ("/v1/custom-fields", "GET, POST, HEAD"),
        ("/v1/custom-fields/x", "DELETE, GET, PATCH, HEAD"),
        ("/v1/me", "GET, HEAD"),
        ("/v1/workspaces/x/members", "GET, HEAD"),
        ("/livez", "GET, HEAD"),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "OPTIONS", "TRACE", "PROPFIND", "BREW"])
def test_methods_that_are_not_there(team: Team, path: str, allowed: str, method: str) -> None:
    response = team.client.request(method, path, status=405)
    assert response.headers["allow"] == allowed
    assert response.json()["error"]["code"] == "METHOD_NOT_ALLOWED"


def test_a_method_is_not_overridden(team: Team) -> None:
    path = team.contact()
    for name in ("x-http-method-override", "x-method-override", "x-http-method"):
        team.client.get(path, headers={name: "DELETE"})
    team.client.get(f"{path}?_method=DELETE")
    team.client.get(path)


def test_an_encoded_slash_changes_nothing_about_who_may(team: Team, make: Make) -> None:
    """Granian decodes paths before we see them, so `%2F` separates like `/`. It must open nothing more."""
    path = team.contact()
    encoded = path.replace("/contacts/", "/contacts%2F")
    assert team.client.request("GET", encoded).status_code in {200, 404}
    make.client().request("GET", encoded, status=401)
    make.team().client.request("GET", encoded, status=404)


def test_head(team: Team) -> None:
    for path in ("/v1/contacts", "/v1/me", "/livez", "/v1/contacts/x", "/nowhere"):
        got, head = (team.client.request(method, path) for method in ("GET", "HEAD"))
        assert (head.status_code, head.content) == (got.status_code, b"")
        assert head.headers["content-type"] == got.headers["content-type"]


def test_a_body_where_none_belongs(client: Client) -> None:
    client.request("GET", "/v1/contacts", status=200, content=b"{", headers={"content-type": "application/json"})
    client.request("GET", "/v1/contacts", status=200, content=(b"x" for _ in range(3)))
