"""No code without words: the page about errors against every code in the source."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import skipcall
from skipcall.app import OPERATIONS
from skipcall.documents import codes
from skipcall.documents.pages import Library
from skipcall.errors import Refusal
from tests.client import Client
from tests.make import Make, Team

SOURCE = Path(skipcall.__file__).parent
# Folders whose codes are no part of an answer.
OTHER_CODES = {"demo", "cli", "documents"}
ROW_CODES = "imports"  # rows of a file have their own, in pairs
CODE = re.compile(r"[A-Z]+(_[A-Z]+)+")


def kinds(kind: type[Refusal]) -> Iterator[type[Refusal]]:
    for one in kind.__subclasses__():
        yield one
        yield from kinds(one)


def fault_codes() -> set[str]:
    """Return every code of a fault in the source: in a call of `Fault`, or first in a pair with a message."""
    found = set()
    for file in SOURCE.rglob("*.py"):
        folder = file.relative_to(SOURCE).parts[0]
        if folder in OTHER_CODES:
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Fault":
                code = node.args[1]
                if not isinstance(code, ast.Starred):
                    assert isinstance(code, ast.Constant), f"{file}:{node.lineno}: a code must be a literal"
                    found.add(str(code.value))
            elif folder != ROW_CODES and isinstance(node, ast.Tuple) and len(node.elts) == 2:
                first, second = node.elts
                text = isinstance(second, ast.JoinedStr) or (
                    isinstance(second, ast.Constant)
                    and " " in str(second.value)  # two codes are not a code and its words
                )
                if text and isinstance(first, ast.Constant) and CODE.fullmatch(str(first.value)):
                    found.add(str(first.value))
    return found


@pytest.fixture(scope="module")
def every_module() -> None:
    """Load the whole package, so that every class of refusal is known."""
    for module in pkgutil.walk_packages(skipcall.__path__, "skipcall."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


@pytest.fixture
def anyone(make: Make) -> Client:
    """A client without a key."""
    return make.client()


def test_every_refusal_has_words(every_module: None) -> None:
    found = {kind.code for kind in kinds(Refusal) if kind.__module__.startswith("skipcall.")} | {"INTERNAL_ERROR"}
    assert found == set(codes.REFUSALS) | set(codes.COMMAND_LINE)
    assert set(codes.statuses()) == set(codes.REFUSALS)


def test_every_fault_has_words() -> None:
    assert fault_codes() == set(codes.FAULTS)


def test_every_code_of_a_row_has_words() -> None:
    """Rows say with the words of requests what requests can have too."""
    found = {
        str(code.value)
        for file in (SOURCE / ROW_CODES).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"CellFault", "RowFault"}
        for code in node.args
        if isinstance(code, ast.Constant) and CODE.fullmatch(str(code.value))
    }
    assert found - codes.FAULTS.keys() - codes.REFUSALS.keys() == codes.ROWS.keys()


def test_the_rule_finds_codes_of_either_form() -> None:
    assert {"MALFORMED_JSON", "INVALID_EMAIL", "FORBIDDEN_CHARACTER", "DUPLICATE_PHONE_NUMBER"} <= fault_codes()


def test_page_has_a_place_for_every_code(anyone: Client) -> None:
    html = anyone.request("GET", "/docs/errors", status=200)
    assert html.headers["content-type"] == "text/html; charset=utf-8"
    for code, status in codes.statuses().items():
        assert f'<section id="{code}">' in html.text
        assert f"<p>Status {status}. " in html.text
    for code in codes.FAULTS:
        assert f'<section id="fault-{code}">' in html.text
    for code in codes.ROWS:
        assert f'<section id="row-{code}">' in html.text
    assert "`" not in html.text, "code that was not marked up"
    assert 'style="' not in html.text
    assert "<script" not in html.text
    markdown = anyone.request("GET", "/docs/errors.md", status=200).text
    assert markdown.encode() == Library(OPERATIONS, None).errors[1]


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/v1/contacts/none", 404), ("PUT", "/v1/contacts", 405), ("GET", "/v2", 404)]
)
def test_an_error_leads_to_its_place_on_the_page(team: Team, method: str, path: str, status: int) -> None:
    address = team.client.request(method, path, status=status).json()["error"]["docUrl"]
    page, _, anchor = address.partition("#")
    assert f'<section id="{anchor}">' in team.client.request("GET", page, status=200).text


def test_a_deprecated_request_is_led_to_its_place(team: Team) -> None:
    team.field("Industry")
    response = team.client.request("PATCH", team.contact(), json={"customFields": {"Industry": "Retail"}}, status=200)
    address = response.headers["link"].partition(">")[0].removeprefix("<")
    page, _, anchor = address.partition("#")
    assert f'<section id="{anchor}">' in team.client.request("GET", page, status=200).text
    markdown = team.client.request("GET", f"{page}.md", status=200).text
    assert f'<a id="{anchor}"></a>' in markdown


def test_every_deprecation_in_the_source_has_a_place() -> None:
    page = Library(OPERATIONS, None).deprecations[0].decode()
    anchors = {
        anchor
        for file in SOURCE.rglob("*.py")
        for anchor in re.findall(r"/docs/deprecations#([\w-]+)", file.read_text("utf-8"))
    }
    assert anchors
    assert all(f'<section id="{anchor}">' in page for anchor in anchors)
