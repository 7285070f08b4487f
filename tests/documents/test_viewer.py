"""The page of `GET /docs`, asked for by hand and shown by a real browser."""

import re
import subprocess
from pathlib import Path

import pytest

from skipcall.app import OPERATIONS
from skipcall.documents.routes import FILES, VIEWER
from tests.client import Client
from tests.make import Make
from tests.programs import required
from tests.serving import ServerProcess

OPTIONS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --enable-logging=stderr --virtual-time-budget=10000"
).split()


@pytest.fixture
def anyone(make: Make) -> Client:
    """A client without a key."""
    return make.client()


def test_page_loads_nothing_from_elsewhere(anyone: Client) -> None:
    page = anyone.request("GET", "/docs", status=200)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "//" not in policy
    for address in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert "//" not in address, address
        anyone.request("GET", f"/{address}", status=200)
    assert not re.search(r"<script>|<style>|\son\w+=|style=", page.text), "the policy forbids what stands in the page"


@pytest.mark.parametrize("file", sorted(FILES))
def test_files_of_the_viewer(anyone: Client, file: str) -> None:
    response = anyone.request("GET", f"/docs/viewer/{file}", status=200)
    assert response.headers["content-type"] == FILES[file]
    assert response.content == (VIEWER / file).read_bytes()
    assert b"sourceMappingURL=" not in response.content[-200:]


@pytest.mark.parametrize(
    "file", ["README.md", "index.html", "..%2Froutes.py", "%2e%2e/routes.py", "swagger-ui.css/", ""]
)
def test_no_other_file_is_answered(anyone: Client, file: str) -> None:
    anyone.request("GET", f"/docs/viewer/{file}", status=404)


def test_version_and_licence_are_written_down() -> None:
    version = re.search(r"swagger-ui-dist\) (\d+\.\d+\.\d+)", (VIEWER / "README.md").read_text("utf-8"))
    assert version
    assert f'"{version[1]}"' in (VIEWER / "swagger-ui-bundle.js").read_text("utf-8")
    assert "Apache License" in (VIEWER / "LICENSE").read_text("utf-8")
    assert "SmartBear" in (VIEWER / "NOTICE").read_text("utf-8")


@pytest.mark.parametrize("path", ["/docs", "/docs/errors", "/docs/deprecations"])
def test_a_browser_shows_it(server: ServerProcess, tmp_path: Path, path: str) -> None:
    command = [required("chromium"), *OPTIONS, f"--user-data-dir={tmp_path}", "--dump-dom", f"{server.url}{path}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    complaints = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert complaints == []
    if path == "/docs":
        shown = set(re.findall(r'id="operations-[^"]*-(\w+Controller_\w+)"', done.stdout))
        assert shown == {one.operation_id for one in OPERATIONS}
    else:
        assert "<section id=" in done.stdout
