"""The server as a process: how it starts, what it refuses, how it ends and what it leaves behind."""

import json
import os
import re
import shlex
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from skipcall.postgres.embedded import EmbeddedPostgres
from skipcall.private_file import replace_file
from tests.cli.process import Serve, fail, read_json, run, succeed, wait_until_gone

ON_LINUX = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks into /proc")
CONTACT = {"firstName": "Ana", "lastName": "Lopez", "phoneNumbers": ["+33639980001"]}


@pytest.fixture(scope="module")
def home(place: Path) -> Path:
    """A data directory with the demo, and no server at the moment."""
    data = place / "serve"
    with Serve(data, "--demo"):
        pass
    return data


@pytest.fixture
def serve(home: Path) -> Iterator[Serve]:
    with Serve(home, "--demo") as serve:
        yield serve


def test_the_ready_file_holds_what_a_client_needs(serve: Serve) -> None:
    assert set(serve.ready) == {"url", "liveKey", "testKey", "organizationId", "workspaceId", "contactId"}
    assert serve.ready_file.stat().st_mode & 0o777 == 0o600
    with serve.client() as client:
        contact = client.get(f"/v1/contacts/{serve.ready['contactId']}").json()
        me = client.get("/v1/me").json()
    assert contact["teamId"] == serve.ready["workspaceId"]
    assert me["organization"]["id"] == serve.ready["organizationId"]
    assert (me["subscription"]["plan"], me["apiKey"]["environment"]) == ("EXPERT", "LIVE")


def test_the_ready_file_is_what_a_link_leads_to(tmp_path: Path) -> None:
    link, file = tmp_path / "link.json", tmp_path / "ready.json"
    link.symlink_to(file.name)
    for text in ("first", "second"):
        replace_file(link, text)
        assert (link.is_symlink(), file.read_text(), file.stat().st_mode & 0o777) == (True, text, 0o600)


def test_the_printed_curl_updates_a_contact(serve: Serve) -> None:
    while "Ctrl-C" not in serve.log:
        time.sleep(0.01)
    printed = serve.log[serve.log.index("curl ") : serve.log.index("Ctrl-C")].replace("\\\n", "")
    [_, _, method, url, _, key, _, content_type, _, body] = shlex.split(printed)
    headers = dict(line.split(": ") for line in (key, content_type))
    contact = httpx.request(method, url, headers=headers, content=body).json()
    assert (contact["id"], contact["role"]) == (serve.ready["contactId"], "CTO")
    assert contact["customFields"]["Industry"] == "Food"


def test_the_demo_is_what_was_promised(serve: Serve) -> None:
    with serve.client() as live, serve.client(serve.ready["testKey"]) as test:
        assert live.get("/v1/contacts").json()["meta"]["total"] > 1_900
        assert test.get("/v1/contacts").json()["meta"]["total"] == 20
        slugs = {field["slug"] for field in live.get("/v1/custom-fields?size=100").json()["data"]}
        assert slugs >= {"industry", "team_size"}
        [space] = live.get("/v1/workspaces").json()["data"]
        assert (space["defaultCountry"], space["timezone"]) == ("FR", "Europe/Paris")
        assert live.get("/v1/users").json()["meta"]["total"] == 4


def test_a_restart_keeps_data_and_keys(home: Path) -> None:
    with Serve(home, "--demo") as first, first.client() as client:
        id = client.post("/v1/contacts", json=CONTACT).json()["id"]
    with Serve(home, "--demo") as second, second.client() as client:
        assert client.get(f"/v1/contacts/{id}").json()["firstName"] == "Ana"
        total = client.get("/v1/contacts").json()["meta"]["total"]
    assert {**first.ready, "url": ""} == {**second.ready, "url": ""}
    with Serve(home) as plain, plain.client(first.ready["liveKey"]) as client:
        assert client.get("/v1/contacts").json()["meta"]["total"] == total
        assert {name for name, value in plain.ready.items() if value is not None} == {"url"}


def test_a_demo_of_which_somebody_was_erased_starts_again(home: Path) -> None:
    with Serve(home, "--demo") as serve, serve.client() as client:
        id = client.get("/v1/contacts?size=1&sort=createdAt").json()["data"][0]["id"]
        assert client.post(f"/v1/contacts/{id}/erase").is_success
    with Serve(home, "--demo") as again, again.client() as client:
        assert client.get(f"/v1/contacts/{id}").json()["error"]["code"] == "CONTACT_ERASED"


def test_a_lost_keys_file_is_made_anew(home: Path) -> None:
    (home / "demo.json").unlink()
    with Serve(home, "--demo") as serve, serve.client() as client:
        assert client.get("/v1/me").status_code == 200
    assert (home / "demo.json").stat().st_mode & 0o777 == 0o600


@ON_LINUX
def test_kill_9_loses_nothing_that_was_answered_and_leaves_nobody_behind(home: Path) -> None:
    serve = Serve(home, "--demo")
    [worker] = serve.workers()
    with serve.client() as client:
        id = client.post("/v1/contacts", json=CONTACT).json()["id"]
    port = int(serve.url.rpartition(":")[2])
    serve.kill()
    # At once, on the same port: the new server waits for the remains of the old one.
    with Serve(home, "--demo", port=port) as again, again.client() as client:
        assert client.get(f"/v1/contacts/{id}").status_code == 200
    wait_until_gone(worker)


@ON_LINUX
def test_a_worker_that_dies_is_started_again(serve: Serve) -> None:
    [worker] = serve.workers()
    os.kill(worker, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while True:
        try:
            assert httpx.get(f"{serve.url}/readyz").status_code == 200
            break
        except httpx.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert serve.workers() != [worker]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_whole_terminal_ends_it_in_order(home: Path, number: signal.Signals) -> None:
    serve = Serve(home)
    os.killpg(serve.process.pid, number)
    assert serve.process.wait(30) == 0, serve.log
    assert "{" not in serve.log  # no complaints
    with pytest.raises(httpx.ConnectError):
        httpx.get(serve.url)
    assert "does not run" in fail(home, "doctor", "--database-url")


def test_a_request_in_flight_is_answered_before_the_end(serve: Serve) -> None:
    body = json.dumps(CONTACT).encode()
    head = f"POST /v1/contacts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {serve.ready['liveKey']}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", int(serve.url.rpartition(":")[2]))) as connection:
        connection.sendall(head.encode() + body[:10])
        time.sleep(0.2)
        serve.process.terminate()
        time.sleep(0.3)
        connection.sendall(body[10:])
        assert connection.recv(64).startswith(b"HTTP/1.1 201")
    assert serve.process.wait(30) == 0


def test_a_second_server_of_the_same_directory_is_refused(serve: Serve) -> None:
    assert "another `skipcall serve` uses" in fail(serve.data, "serve", "--port", "0")


def test_a_second_server_of_the_same_external_database_is_refused(serve: Serve, place: Path) -> None:
    refused = "another `skipcall serve` uses this database"
    with (
        EmbeddedPostgres.start(place / "database", fast=True) as postgres,
        Serve(place / "external", "--demo", DATABASE_URL=postgres.url) as external,
        external.client() as client,
    ):
        assert client.get("/v1/me").status_code == 200
        assert refused in fail(place / "external2", "serve", "--port", "0", DATABASE_URL=postgres.url)
    # The embedded database of another server is no different.
    url = succeed(serve.data, "doctor", "--database-url").strip()
    assert refused in fail(place / "external3", "serve", "--port", "0", DATABASE_URL=url)


def test_a_port_that_is_taken_is_refused(serve: Serve, place: Path) -> None:
    port = serve.url.rpartition(":")[2]
    assert f"cannot listen at 127.0.0.1 port {port}" in fail(place / "other", "serve", "--port", port)
    assert not (place / "other" / "cluster").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"SKIPCALL_SECRET": "short"}, "SKIPCALL_SECRET must have at least"),
        ({"SKIPCALL_SECRET": "x" * 32}, "made under another secret"),
        ({"SKIPCALL_CONNECTIONS": "many"}, "SKIPCALL_CONNECTIONS must be"),
        ({"SKIPCALL_TRUSTED_PROXIES": "10.0.0.0/99"}, "SKIPCALL_TRUSTED_PROXIES"),
        ({"SKIPCALL_STORAGE": "file:///proc/nope"}, "SKIPCALL_STORAGE: nothing can be kept in /proc/nope"),
        (
            {"SKIPCALL_STORAGE": "s3://b", "SKIPCALL_S3_KEY_ID": "k"},
            "SKIPCALL_S3_SECRET or SKIPCALL_S3_SECRET_FILE is missing",
        ),
        ({"SKIPCALL_STORAGE": "s3://b", "SKIPCALL_S3_SECRET": "s"}, "SKIPCALL_S3_KEY_ID is missing"),
        ({"SKIPCALL_POSTGRES_BINARIES": "/nowhere"}, "SKIPCALL_POSTGRES_BINARIES"),
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, "does not answer"),
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL must be an address"),
    ],
)
def test_settings_that_cannot_be_used_are_named(home: Path, settings: dict[str, str], message: str) -> None:
    assert message in fail(home, "serve", "--port", "0", **settings)


def test_places_that_cannot_be_used_are_named(home: Path, place: Path) -> None:
    file = place / "a file"
    file.touch()
    assert "a file" in fail(file, "serve", "--port", "0")
    assert "--host nowhere.invalid" in fail(home, "serve", "--host", "nowhere.invalid", "--port", "0")
    assert "no such place" in fail(home, "serve", "--port", "0", "--ready-file", str(place / "no such place" / "file"))


def test_a_lost_secret_is_noticed(home: Path) -> None:
    secret = home / "secret"
    kept = secret.read_bytes()
    assert secret.stat().st_mode & 0o777 == 0o600
    secret.unlink()
    try:
        assert "made under another secret" in fail(home, "serve", "--port", "0")
        assert any(one["check"] == "Secret" and one["result"] == "FAULT" for one in _findings(home))
    finally:
        secret.write_bytes(kept)


def _findings(home: Path) -> list[dict[str, str]]:
    done = run(home, "doctor", "--json")
    assert done.returncode == 1
    return list(json.loads(done.stdout))


@pytest.mark.parametrize("size", [17_000, 40_000])
def test_headers_beyond_the_limit_get_our_answer(serve: Serve, size: int) -> None:
    answer = httpx.get(f"{serve.url}/livez", headers={"X-Long": "x" * size})
    assert (answer.status_code, answer.json()["error"]["code"]) == (431, "REQUEST_HEADERS_TOO_LARGE")


def test_all_addresses_can_be_listened_at(home: Path) -> None:
    with Serve(home, "--host", "0.0.0.0") as serve:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", serve.url)
        assert httpx.get(f"{serve.url}/livez").status_code == 200


def test_commands_work_without_a_server(home: Path) -> None:
    assert [one["name"] for one in read_json(home, "organizations", "list")] == ["Atelier Démo"]
