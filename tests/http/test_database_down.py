"""What a server answers while its database is gone, slow or new, and what is stored when anything gets killed."""

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from skipcall.postgres.embedded import EmbeddedPostgres
from tests.client import Client
from tests.conftest import migrated
from tests.make import Make, Team
from tests.serving import ServerProcess
from tests.telephony.requests import PUBLIC_URL, twilio_status
from tests.telephony.senders import Senders

RECOVERED_SECONDS = 15.0


@pytest.fixture(scope="module")
def database(place: Path) -> Iterator[EmbeddedPostgres]:
    """A database for this file alone, which flushes what it has acknowledged."""
    with EmbeddedPostgres.start(place / "killed") as database:
        migrated(database.url)
        yield database


@pytest.fixture
def server(database: EmbeddedPostgres, tmp_path: Path) -> Iterator[ServerProcess]:
    with ServerProcess(database.url, tmp_path / "server.log", SKIPCALL_PUBLIC_URL=PUBLIC_URL) as server:
        yield server
    assert not server.failures, json.dumps(server.failures[:3], indent=1)


@pytest.fixture
def make(server: ServerProcess, database: EmbeddedPostgres) -> Iterator[Make]:
    make = Make(database.url, server.url)
    yield make
    make.reconnect()
    make.close()


@pytest.fixture
def team(make: Make) -> Team:
    return make.team()


def processes(database: EmbeddedPostgres) -> list[int]:
    """Return the database's main process and its children."""
    main = database.process_id
    found = [main]
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(status.read_text().rpartition(")")[2].split()[1]) == main:
                found.append(int(status.parent.name))
    return found


def until(happened: Callable[[], object], seconds: float = RECOVERED_SECONDS) -> float:
    start = time.monotonic()
    while not happened():
        assert time.monotonic() < start + seconds, "did not happen in time"
        time.sleep(0.05)
    return time.monotonic() - start


def statuses_of(client: Client, seconds: float) -> list[int]:
    """Ask again and again, and return what came back; a 503 says how long to wait, in the one envelope."""
    found = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        response = client.request("GET", "/v1/contacts", failing=True)
        assert response.status_code in {200, 503}, response.text
        if response.status_code == 503:
            assert response.json()["error"]["code"] == "SERVICE_UNAVAILABLE"
            assert response.headers["retry-after"] == "1"
        found.append(response.status_code)
        time.sleep(0.02)
    return found


def test_a_killed_database_is_503_and_then_well_again(
    team: Team, database: EmbeddedPostgres, server: ServerProcess
) -> None:
    path = team.contact()
    team.client.patch(path, {"city": "Lille"})
    main = database.process_id
    os.kill(main, signal.SIGKILL)
    found = statuses_of(team.client, 0.5)
    assert 503 in found
    told = [json.loads(line) for line in server.log.splitlines() if '"unavailable"' in line]
    assert len(told) >= found.count(503)
    assert all(one["requestId"].startswith("req_") and one["operation"] == "ContactController_list" for one in told)
    until(lambda: team.client.request("GET", path, failing=True).status_code == 200)
    assert database.process_id != main
    assert team.client.get(path)["city"] == "Lille"
    assert set(statuses_of(team.client, 1)) == {200}


def test_a_callback_waits_for_its_database(
    team: Team, make: Make, database: EmbeddedPostgres, server: ServerProcess
) -> None:
    """Twilio sends a callback once: while the database comes back, it is not refused."""
    with Senders(make, team, server.url) as senders, ThreadPoolExecutor(1) as pool:
        senders.twilio("status", twilio_status("initiated", 0, 0))
        os.kill(database.process_id, signal.SIGKILL)
        sent = pool.submit(senders.twilio, "status", twilio_status("completed", 3, 37, CallDuration="30"))
        sent.result()  # asserts 204
    until(lambda: team.client.request("GET", "/v1/me", failing=True).status_code == 200)
    [call] = team.client.get("/v1/calls")["data"]
    assert call["status"] == "completed"


def test_a_database_that_stands_still(team: Team, database: EmbeddedPostgres) -> None:
    """Who needs it is told so in time; who does not is answered; afterwards all is as before."""
    path = team.contact()
    team.client.get(path)
    stopped = processes(database)
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        start = time.monotonic()
        requests: list[tuple[str, str, Any]] = [
            ("GET", path, None),
            ("GET", "/readyz", None),
            ("PATCH", path, {"city": "a"}),
        ]
        with ThreadPoolExecutor(3) as pool:
            answers = list(
                pool.map(lambda one: team.client.request(one[0], one[1], json=one[2], failing=True), requests)
            )
        assert time.monotonic() - start < 15, "ten seconds for each statement at most"
        for answer in answers:
            assert answer.status_code == 503
            assert answer.json()["error"]["code"] == "SERVICE_UNAVAILABLE"
        team.client.get("/livez")
    finally:
        for pid in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
    until(lambda: team.client.request("GET", path, failing=True).status_code == 200)
    assert team.client.get(path)["city"] in {None, "a"}
    assert set(statuses_of(team.client, 1)) == {200}


def test_ended_connections_are_replaced(team: Team, make: Make) -> None:
    """What an operator's `pg_terminate_backend`, a failover or a firewall does."""
    team.client.get("/v1/contacts")
    for _ in range(5):
        make.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
        statuses = [team.client.request("GET", "/v1/contacts", failing=True).status_code for _ in range(20)]
        assert set(statuses) <= {200, 503}
        assert statuses[-1] == 200


def test_a_server_that_starts_before_its_database(place: Path, tmp_path: Path) -> None:
    """A wrong address is known at the start, in a few words, and not at the first request."""
    with pytest.raises(AssertionError, match="the server"):
        ServerProcess("postgresql://nobody@127.0.0.1:1/nothing", tmp_path / "none.log")


class Writer(threading.Thread):
    """Writes 1, 2, 3, … into one contact and remembers what was acknowledged."""

    def __init__(self, url: str, team: Team) -> None:
        super().__init__()
        self.path = team.contact()
        self.sent = self.acknowledged = 0
        self.ended = False
        self.wrong: list[int] = []
        self._url, self._key = url, team.key.text

    def run(self) -> None:
        with httpx.Client(base_url=self._url, headers={"authorization": f"Bearer {self._key}"}, timeout=20) as http:
            while not self.ended:
                self.sent += 1
                body = {"city": str(self.sent), "customFields": {"copy": str(self.sent)}}
                try:
                    status = http.patch(self.path, json=body).status_code
                except httpx.TransportError:
                    time.sleep(0.05)
                    continue
                if status == 200:
                    self.acknowledged = self.sent
                elif status == 503:
                    time.sleep(0.05)
                else:
                    self.wrong.append(status)


def until_written(writers: list[Writer], counts: list[int]) -> None:
    until(lambda: all(writer.acknowledged >= count for writer, count in zip(writers, counts, strict=True)))


def check_all(make: Make, team: Team, writers: list[Writer]) -> None:
    """Each contact holds what was last acknowledged, or a later write whose answer got lost; never half of one."""
    make.reconnect()
    for writer in writers:
        assert writer.wrong == []
        contact = team.client.get(writer.path)
        assert contact["city"] == contact["customFields"]["Copy"]
        assert writer.acknowledged <= int(contact["city"]) <= writer.sent
        events = make.events(writer.path)
        assert [event["object_version"] for event in events] == list(range(1, len(events) + 1)), "an event per version"
        stored = make.value(
            "SELECT version FROM contacts WHERE id = :id::text::uuid", id=writer.path.rpartition("/")[2]
        )
        assert stored == len(events)
        assert json.loads(events[-1]["changes"])["city"][1] == contact["city"]


def test_nothing_acknowledged_is_lost_when_the_database_is_killed(
    make: Make, team: Team, database: EmbeddedPostgres, server: ServerProcess
) -> None:
    team.field("Copy")
    writers = [Writer(server.url, team) for _ in range(4)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(3):
            before = [writer.acknowledged for writer in writers]
            until_written(writers, [count + 5 for count in before])
            os.kill(database.process_id, signal.SIGKILL)
            time.sleep(0.1)
    finally:
        for writer in writers:
            writer.ended = True
        for writer in writers:
            writer.join()
    until(lambda: team.client.request("GET", "/v1/me", failing=True).status_code == 200)
    check_all(make, team, writers)


def test_nothing_is_half_when_the_server_is_killed(
    make: Make, team: Team, database: EmbeddedPostgres, tmp_path: Path
) -> None:
    team.field("Copy")
    for turn in range(3):
        doomed = ServerProcess(database.url, tmp_path / f"doomed-{turn}.log")
        writers = [Writer(doomed.url, team) for _ in range(4)]
        for writer in writers:
            writer.start()
        try:
            until_written(writers, [5] * len(writers))
        finally:
            doomed.kill()
            for writer in writers:
                writer.ended = True
            for writer in writers:
                writer.join()
        time.sleep(0.3)  # the database notices that nobody is there any more
        check_all(make, team, writers)
