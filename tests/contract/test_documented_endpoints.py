"""The other endpoints that Skipcall documents and this version answers: what is known of each of them."""

from typing import Any

import pytest

from skipcall.app import OPERATIONS
from skipcall.documents.pages import Library

OURS = Library(OPERATIONS, None).document
SCHEMAS = OURS["components"]["schemas"]

LISTS = (
    "/v1/workspaces",
    "/v1/workspaces/{id}/members",
    "/v1/users",
    "/v1/contacts",
    "/v1/calls",
    "/v1/custom-fields",
    "/v1/tags",
    "/v1/sequences",
    "/v1/sequences/{id}/contacts",
)


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
        ("get", "/v1/calls", "Calls", "200", "PublicCallPageDto"),
        ("get", "/v1/calls/{id}", "Calls", "200", "PublicCallDto"),
        ("get", "/v1/custom-fields", "Custom fields", "200", "PublicCustomFieldPageDto"),
        ("post", "/v1/custom-fields", "Custom fields", "201", "PublicCustomFieldDto"),
        ("patch", "/v1/custom-fields/{id}", "Custom fields", "200", "PublicCustomFieldDto"),
        ("get", "/v1/tags", "Tags", "200", "PublicTagPageDto"),
        ("post", "/v1/tags", "Tags", "201", "PublicTagDto"),
        ("get", "/v1/tags/{id}", "Tags", "200", "PublicTagDto"),
        ("patch", "/v1/tags/{id}", "Tags", "200", "PublicTagDto"),
        ("get", "/v1/sequences", "Sequences", "200", "PublicSequencePageDto"),
        ("post", "/v1/sequences", "Sequences", "201", "PublicSequenceDto"),
        ("get", "/v1/sequences/{id}/contacts", "Sequences", "200", "PublicSequenceContactPageDto"),
        ("post", "/v1/sequences/{id}/contacts", "Sequences", "200", "PublicAddedContactsDto"),
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


@pytest.mark.parametrize(
    ("path", "answer", "properties"),
    [
        ("tag-repartition", "TagRepartition", {"tagId", "label", "count", "isSuccess", "date"}),
        ("status-repartition", "StatusRepartition", {"status", "count", "date"}),
        ("call-duration", "CallDurations", {"count", "totalDuration", "averageDuration"}),
    ],
)
def test_statistics(path: str, answer: str, properties: set[str]) -> None:
    found = operation("get", f"/v1/stats/{path}")
    assert found["tags"] == ["Statistics"]
    parameters = {one["name"]: one["schema"] for one in found["parameters"] if one["in"] == "query"}
    known = {
        "sequenceId",
        "userMembershipId",
        "callType",
        "granularity",
        "startDate",
        "endDate",
        "workspaceId",
        "teamId",
    }
    assert known <= parameters.keys()
    assert parameters["callType"] == {
        "type": "string",
        "default": "all",
        "enum": ["all", "direct", "inbound", "outbound", "sequence"],
    }
    assert set(parameters["granularity"]["enum"]) == {"hour", "day", "week", "month", "none"}
    answered = schema(found["responses"]["200"])
    assert answered is SCHEMAS[f"Public{answer}Dto"]
    item = SCHEMAS[answered["properties"]["data"]["items"]["$ref"].rpartition("/")[2]]
    assert properties <= item["properties"].keys()
    assert ("nonCalledCount" in answered["properties"]) == (path == "status-repartition")


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


def test_tag() -> None:
    properties = ["id", "label", "isSuccessTag", "createdAt", "updatedAt"]
    created = operation("post", "/v1/tags")
    assert list(schema(created["responses"]["201"])["properties"]) == properties
    body = schema(created["requestBody"])
    assert (body["required"], body["properties"]["isSuccessTag"]["default"]) == (["label"], False)
    removed = operation("delete", "/v1/tags/{id}")
    assert {"204", "404", "409"} <= removed["responses"].keys()


def test_sequence() -> None:
    body = schema(operation("post", "/v1/sequences")["requestBody"])
    assert {"assignedToIds", "creatorId"} <= body["properties"].keys()
    parameters = {one["name"] for one in operation("get", "/v1/sequences/{id}/contacts")["parameters"]}
    assert {"tagLabel", "status"} <= parameters


def test_contacts_of_a_sequence_are_sent_as_an_array() -> None:
    path = "/v1/sequences/{id}/contacts"
    added, removed = (
        operation(method, path)["requestBody"]["content"]["application/json"]["schema"] for method in ("post", "delete")
    )
    for body in (added, removed):
        assert (body["type"], body["minItems"], body["maxItems"]) == ("array", 1, 100)
    item = SCHEMAS[added["items"]["$ref"].rpartition("/")[2]]
    assert item["required"] == ["contactId"]
    assert set(item["properties"]) == {"contactId", "assignedToWorkspaceMembershipId"}
    assert (removed["items"]["type"], removed["items"]["format"]) == ("string", "uuid")
    assert operation("delete", path)["responses"].keys() >= {"204", "400", "404"}


def test_members_and_users() -> None:
    member, user = SCHEMAS["PublicWorkspaceMemberDto"], SCHEMAS["PublicUserDto"]
    assert {"id", "organizationMembershipId"} <= member["properties"].keys()
    assert {"id", "organizationMembershipId"} <= user["properties"].keys()
    assert "ACTIVE" in member["properties"]["status"]["enum"]


CALL = (
    "id callType status type startedAt endedAt createdAt updatedAt deletedAt contact phoneNumber phoneNumberId caller "
    "callerPhoneNumber managedPhoneNumberId userProviderSid adminProviderSid providerConferenceId transferred sequenceId "
    "sequenceRunId syncedWithCrmDate organizationId organizationMembershipId notes"
).split()


def test_call() -> None:
    call = SCHEMAS["PublicCallDto"]
    assert list(call["properties"])[: len(CALL)] == CALL
    assert set(call["required"]) <= set(CALL)
    assert call["properties"]["callType"]["enum"] == ["CALL_SESSION", "DIRECT_CALL"]
    assert {"completed", "no-answer", "busy", "canceled", "failed"} <= set(call["properties"]["status"]["enum"])
    assert set(call["properties"]["type"]["enum"]) == {"outbound", "inbound"}
    assert list(SCHEMAS["PublicCallContactDto"]["properties"]) == ["id", "firstName", "lastName", "isUnknown"]
    assert list(SCHEMAS["PublicCallNumberDto"]["properties"]) == ["value"]
    assert list(SCHEMAS["PublicCallCallerDto"]["properties"]) == ["firstName", "lastName"]
