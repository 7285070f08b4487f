"""The index and the Markdown page of each operation, in the form that the contract has."""

import re
from typing import Any

import pytest
import yaml

from skipcall.app import OPERATIONS
from skipcall.documents.pages import Library, as_yaml
from skipcall.http.openapi import part_of
from tests.client import Client
from tests.make import Make

LIBRARY = Library(OPERATIONS, None)
FORM = re.compile(
    r"> ## Documentation Index\n> [^\n]*: /llms\.txt\n> [^\n]+\n\n"
    r"# (?P<title>[^\n]+)\n\n> (?P<description>[^\n]+)\n\n\n\n"
    r"## OpenAPI\n\n````yaml /docs-json (?P<method>[a-z]+) (?P<path>/\S*)\n(?P<yaml>.*)\n````\n",
    re.DOTALL,
)
LINE = re.compile(r"- \[([^\]]+)\]\((/[^)]+)\): \S.*\.?")


@pytest.fixture
def anyone(make: Make) -> Client:
    """A client without a key."""
    return make.client()


def test_the_bare_address_leads_to_the_documents(anyone: Client) -> None:
    response = anyone.request("GET", "/", status=302)
    anyone.request("GET", response.headers["location"], status=200)


def test_index_leads_to_every_page(anyone: Client) -> None:
    index = anyone.request("GET", "/llms.txt", status=200)
    assert index.headers["content-type"] == "text/plain; charset=utf-8"
    title, _, summary, *rest = index.text.splitlines()
    assert title == "# Skipcall Public API"
    assert summary.startswith("> ")
    links = {}
    for line in rest:
        if line.startswith("-"):
            match = LINE.fullmatch(line)
            assert match, line
            links[match[2]] = match[1]
        else:
            assert line == "" or line.startswith("## "), line
    pages = [link for link in links if link.startswith("/docs/api-reference/")]
    assert len(pages) == len(OPERATIONS)
    assert set(links) - set(pages) == {"/docs-json", "/docs/errors.md", "/docs/deprecations.md"}
    for link, name in links.items():
        text = anyone.request("GET", link, status=200).text
        assert link == "/docs-json" or f"# {name}\n" in text


@pytest.mark.parametrize("address", LIBRARY.places)
def test_page_has_the_form_of_the_contract(anyone: Client, address: str) -> None:
    response = anyone.request("GET", f"/docs/api-reference/{address}", status=200)
    assert response.headers["content-type"] == "text/markdown; charset=utf-8"
    page = FORM.fullmatch(response.text)
    assert page, response.text[:500]
    (operation,) = [one for one in OPERATIONS if (one.method.lower(), one.path) == (page["method"], page["path"])]
    assert (page["title"], page["description"]) == (operation.summary, operation.description)
    assert yaml.safe_load(page["yaml"]) == part_of(LIBRARY.document, operation)


def test_addresses_are_those_that_readers_know() -> None:
    assert {
        "contacts/update-a-contact.md",
        "contacts/create-a-contact.md",
        "contacts/get-a-contact.md",
        "custom-fields/list-custom-fields.md",
        "custom-fields/create-a-custom-field.md",
        "custom-fields/update-a-custom-field.md",
        "workspaces/list-members-of-a-workspace.md",
        "tags/create-a-tag.md",
        "tags/delete-a-tag.md",
        "sequences/create-a-sequence.md",
        "sequences/list-contacts-of-a-sequence.md",
        "sequences/add-contacts-to-a-sequence.md",
        "sequences/remove-contacts-from-a-sequence.md",
    } <= set(LIBRARY.places)


@pytest.mark.parametrize(
    "path",
    [
        "/docs/api-reference/contacts/update-a-contact",
        "/docs/api-reference/users/update-a-contact.md",
        "/docs/api-reference/%2e%2e/errors.md",
        "/docs/api-reference/contacts/..%2F..%2Ferrors.md",
        "/docs/api-reference",
        "/docs/",
    ],
)
def test_no_other_page_is_there(anyone: Client, path: str) -> None:
    assert anyone.request("GET", path, status=404).json()["error"]["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    "value",
    [
        {"200": "true", "a": ["1", 1, True, None, 1.5], "b": {}, "c": []},
        {
            "text": "A long text " * 20,
            "lines": "One\n\nTwo, which is a long line, or so it is meant to be, at least\n- three",
        },
        {"+33639980142": "2026-03-02T09:41:07.250Z", "quote": '"7-0badcafe"', "colon": "a: b", "é": "…"},
        {"edges": [" leading and more than sixty characters so that it would be folded " + "x" * 80 + " "]},
    ],
)
def test_yaml_says_what_was_meant(value: Any) -> None:
    assert yaml.safe_load(as_yaml(value)) == value
    assert as_yaml({"same": [value, value]}).count("&") == 0
