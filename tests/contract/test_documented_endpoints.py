"""The other endpoints that Skipcall documents and this version answers: what is known of each of them."""

from typing import Any

import pytest

from skipcall.app import OPERATIONS
from skipcall.documents.pages import Library

OURS = Library(OPERATIONS, None).document
SCHEMAS = OURS["components"]["schemas"]

LISTS = ("/v1/workspaces", "/v1/workspaces/{id}/members", "/v1/users", "/v1/contacts", "/v1/custom-fields")


def operation(method: str, path: str) -> Any:
    return OURS["paths"][path][method]


def schema(content: Any) -> Any:
    return SCHEMAS[content["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]]


@pytest.mark.parametrize(
    ("method", "path", "tag", "success", "answer"),
    [
        ("get", "/v1/workspaces", "Workspaces", "200", "PublicWorkspacePageDto"),
        ("get", "/v1/workspaces/{id}/members", "Workspaces", "200", "PublicWorkspaceMemberPageDto"),
        ("get", "/v1/users", "Users", "200", "PublicUserPageDto"),
        ("post", "/v1/contacts", "Contacts", "201", "PublicContactDto"),
        ("get", "/v1/contacts/{id}", "Contacts", "200", "PublicContactDto"),
        ("patch", "/v1/contacts/{id}", "Contacts", "200", "PublicContactDto"),
        ("get", "/v1/custom-fields", "Custom fields", "200", "PublicCustomFieldPageDto"),
        ("post", "/v1/custom-fields", "Custom fields", "201", "PublicCustomFieldDto"),
        ("patch", "/v1/custom-fields/{id}", "Custom fields", "200", "PublicCustomFieldDto"),
    ],
)
def test_endpoint_is_there(method: str, path: str, tag: str, success: str, answer: str) -> None:
    found = operation(method, path)
    assert found["tags"] == [tag]
    assert found["security"] == [{"ApiKey": []}]
    reference = found["responses"][success]["content"]["application/json"]["schema"]["$ref"]
    assert reference == f"#/components/schemas/{answer}"
    assert {"401", "403", "429", "500"} <= found["responses"].keys()
    assert ("404" in found["responses"]) == ("{id}" in path or method == "post")
    assert ("400" in found["responses"]) or method == "get"


@pytest.mark.parametrize("path", LISTS)
def test_list_is_paged(path: str) -> None:
    parameters = {one["name"]: one["schema"] for one in operation("get", path)["parameters"] if one["in"] == "query"}
    assert parameters["page"] == {"type": "integer", "default": 0, "minimum": 0, "maximum": 1_000_000}
    assert (parameters["size"]["default"], parameters["size"]["minimum"]) == (10, 1)
    assert parameters["size"]["maximum"] >= 100
    assert parameters["workspaceIds"]["type"] == "string"
    assert not any(one.get("required") for one in operation("get", path)["parameters"] if one["in"] == "query")


def test_creation_takes_what_a_change_takes() -> None:
    created = schema(operation("post", "/v1/contacts")["requestBody"])
    changed = schema(operation("patch", "/v1/contacts/{id}")["requestBody"])
    assert created["required"] == ["firstName", "lastName", "phoneNumbers"]
    assert "required" not in changed
    without_defaults = {
        name: {keyword: one for keyword, one in found.items() if keyword != "default"}
        for name, found in created["properties"].items()
    }
    assert without_defaults == changed["properties"]


def test_custom_field() -> None:
    answered = schema(operation("patch", "/v1/custom-fields/{id}")["responses"]["200"])
    assert {"id", "name", "slug"} <= set(answered["required"])
    for method, path in (("post", "/v1/custom-fields"), ("patch", "/v1/custom-fields/{id}")):
        name = schema(operation(method, path)["requestBody"])["properties"]["name"]
        assert (name["type"], name["minLength"], name["maxLength"]) == ("string", 1, 200)


def test_members_and_users() -> None:
    member, user = SCHEMAS["PublicWorkspaceMemberDto"], SCHEMAS["PublicUserDto"]
    assert {"id", "organizationMembershipId"} <= member["properties"].keys()
    assert {"id", "organizationMembershipId"} <= user["properties"].keys()
    assert "ACTIVE" in member["properties"]["status"]["enum"]
