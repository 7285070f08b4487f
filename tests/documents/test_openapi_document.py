"""The OpenAPI document: valid for somebody else's validator, and the same from the server as from the code."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis

from skipcall.app import OPERATIONS
from skipcall.documents.pages import Library
from skipcall.http.openapi import build_document, part_of
from skipcall.http.schemas import public_name
from skipcall.postgres.embedded import EmbeddedPostgres
from tests.client import Client
from tests.make import Make
from tests.serving import ServerProcess

DOCUMENT = Library(OPERATIONS, None).document
NOT_IN_3_0 = {"$defs", "const", "anyOf", "title", "examples", "prefixItems", "propertyNames"}
CANONICAL_IDS = re.compile(r"[A-Z][A-Za-z]+Controller_[a-z]+([A-Z][a-z]+)*")


@pytest.fixture
def anyone(make: Make) -> Client:
    """A client without a key."""
    return make.client()


def schemas_in(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every schema below a value, and every schema inside it."""
    if isinstance(value, list):
        for one in value:
            yield from schemas_in(one)
    elif isinstance(value, dict):
        if isinstance(value.get("type"), str) and "in" not in value:
            yield value
        for key, one in value.items():
            if key not in ("example", "default", "enum"):
                yield from schemas_in(one)


def resolved(value: Any) -> Any:
    """Return a schema without references, in the words of JSON Schema's draft 4."""
    if isinstance(value, list):
        return [resolved(one) for one in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return resolved(DOCUMENT["components"]["schemas"][value["$ref"].rpartition("/")[2]])
    made = {key: resolved(one) for key, one in value.items() if key not in ("nullable", "example")}
    return {"anyOf": [made, {"type": "null"}]} if value.get("nullable") is True else made


def test_an_independent_validator_takes_it() -> None:
    schemathesis.openapi.from_dict(DOCUMENT).validate()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.operation_id)
def test_the_part_for_one_operation_is_valid_and_holds_what_it_uses(operation: Any) -> None:
    part = part_of(DOCUMENT, operation)
    schemathesis.openapi.from_dict(part).validate()
    used = set(re.findall(r"'#/components/(\w+/[\w-]+)'", str(part)))
    held = {f"{kind}/{name}" for kind, found in part["components"].items() for name in found}
    assert held - used == ({"securitySchemes/ApiKey"} if operation.scope is not None else set())
    assert used <= held


def test_it_speaks_the_dialect_of_3_0_0() -> None:
    assert DOCUMENT["openapi"] == "3.0.0"
    found = list(schemas_in(DOCUMENT))
    assert len(found) > 100
    for schema in found:
        assert not NOT_IN_3_0 & schema.keys(), schema
        assert schema["type"] != "null", schema
        assert schema.get("nullable", True) is True, schema


def test_every_operation_has_its_id_and_words() -> None:
    ids = [one["operationId"] for methods in DOCUMENT["paths"].values() for one in methods.values()]
    assert len(ids) == len(set(ids)) == len(OPERATIONS)
    assert [one for one in ids if not CANONICAL_IDS.fullmatch(one)] == []
    for operation in OPERATIONS:
        assert operation.summary, operation.operation_id
        assert operation.description, operation.operation_id
        for parameter in DOCUMENT["paths"][operation.path][operation.method.lower()]["parameters"]:
            assert parameter["description"], (operation.operation_id, parameter["name"])


def test_every_example_is_valid() -> None:
    examples = [one for one in schemas_in(DOCUMENT["components"]["schemas"]) if "example" in one]
    assert len(examples) > 50
    for schema in examples:
        jsonschema_rs.Draft4Validator(resolved(schema)).validate(schema["example"])
    for name, response in DOCUMENT["components"]["responses"].items():
        content = response["content"]["application/json"]
        jsonschema_rs.Draft4Validator(resolved(content["schema"])).validate(content["example"])
        assert content["example"]["error"]["code"], name


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.operation_id)
def test_guarded_operations_say_so(operation: Any) -> None:
    described = DOCUMENT["paths"][operation.path][operation.method.lower()]
    guarded = {"401", "403", "429"} <= described["responses"].keys()
    assert guarded == (described.get("security") == [{"ApiKey": []}]) == (operation.scope is not None)


def test_a_tag_without_words_is_refused() -> None:
    with pytest.raises(ValueError, match="Contacts"):
        build_document(OPERATIONS, info={}, tags={}, server_url="/")


def test_two_structs_of_one_name_are_refused() -> None:
    assert public_name("Contact") == "PublicContactDto"
    assert public_name("Page_Contact_") == "PublicContactPageDto"
    with pytest.raises(ValueError, match="same name"):
        public_name("skipcall.users.model.Role")


def test_a_start_does_not_wait_for_documents() -> None:
    code = "import sys, skipcall.app; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "skipcall.documents.routes" in loaded
    assert not loaded & {"yaml", "skipcall.http.openapi", "skipcall.documents.pages"}


def test_server_answers_it(anyone: Client) -> None:
    assert anyone.get("/docs-json") == DOCUMENT
    assert DOCUMENT["servers"] == [{"url": "/"}]


@pytest.mark.parametrize(
    "path",
    [
        "/docs-json",
        "/docs",
        "/docs/viewer/start.js",
        "/llms.txt",
        "/docs/errors",
        "/docs/errors.md",
        "/docs/deprecations",
        "/docs/deprecations.md",
        "/docs/api-reference/contacts/update-a-contact.md",
    ],
)
def test_documents_are_sent_once(anyone: Client, path: str) -> None:
    first = anyone.request("GET", path, status=200)
    tag = first.headers["etag"]
    known = anyone.request("GET", path, status=304, headers={"if-none-match": f'"other", W/{tag}'})
    assert known.headers["etag"] == tag
    anyone.request("GET", path, status=200, headers={"if-none-match": '"other"'})
    head = anyone.request("HEAD", path, status=200)
    assert (head.headers["etag"], head.headers["content-length"]) == (tag, str(len(first.content)))
    assert head.headers["content-type"] == first.headers["content-type"]
    anyone.request("POST", path, status=405)


def test_public_address_stands_in_every_document(postgres: EmbeddedPostgres, place: Path) -> None:
    address = "https://api.example.org/skipcall"
    with (
        ServerProcess(postgres.url, place / "public.log", SKIPCALL_PUBLIC_URL=address + "/") as server,
        Client(server.url) as client,
    ):
        assert client.get("/docs-json")["servers"] == [{"url": address}]
        index = client.request("GET", "/llms.txt", status=200).text
        assert index.count(f"]({address}/docs/") == len(OPERATIONS) + 2
        page = client.request("GET", "/docs/api-reference/contacts/update-a-contact.md", status=200).text
        assert f"{address}/llms.txt" in page
        assert f"\n````yaml {address}/docs-json patch /v1/contacts/{{id}}\n" in page
