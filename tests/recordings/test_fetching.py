"""Recordings fetched from a provider's host that behaves in every way it can; what it says comes out of the API."""

import asyncio
import hashlib
import itertools
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from skipcall import ids
from skipcall.calls.months import ensure_months
from skipcall.outbound.client import Client
from skipcall.postgres import leases
from skipcall.postgres.db import Database, Statement
from skipcall.recordings.actions import Archive, Author, erase_recordings
from skipcall.recordings.claims import claim_recordings
from skipcall.recordings.fetching import PAUSES_SECONDS, Access, Fetcher, NoAccess, read_retry_after
from skipcall.recordings.queries import announce_recording
from skipcall.sealing import seal
from skipcall.storage.folder import Folder
from skipcall.telephony.queries import create_source, find_source, set_disabled
from skipcall.telephony.recording_access import access_to_recordings
from skipcall.telephony.sources import SourceOptions, read_source
from tests.make import Make, Team
from tests.media_host import MediaHost, answer

SOUND = b"ID3\x04\x00\x00\x00\x00\x00\x00" + bytes(range(256)) * 400
STARTED = datetime(2026, 3, 2, 9, 41, tzinfo=UTC)
SECRET = b"a secret of the tests of fetching"
BYTES_MAX = 1_000_000
_numbers = itertools.count()

CALL = Statement("""
INSERT INTO calls (workspace_id, id, provider, call_type, type, status, result, started_at, last_modification_source)
VALUES (:workspace_id, :id, 'GENERIC', 'DIRECT_CALL', 'outbound', 'completed', 'CONNECTED', :started_at, 'SKIPCALL')""")


class Provider:
    """A provider's host, the account there, and the fetcher of a server."""

    def __init__(self, make: Make, team: Team, host: MediaHost, folder: Path) -> None:
        self.make, self.team, self.host = make, team, host
        self.db = Database(make.database_url, 4)
        make.run(self.db.open())
        make.rows("UPDATE call_recordings SET next_attempt_at = NULL RETURNING id")  # of other tests: due, and not ours
        self.archive = Archive(Folder(folder), BYTES_MAX, b"x" * 32, None)
        self.source_id = self.source("GENERIC", recording_hosts=("127.0.0.1",))
        self.fetcher = Fetcher(self.db, self.archive, Client([ip_network("127.0.0.0/8")]), self.access_of)

    def source(self, provider: str, *secrets: str, **options: Any) -> UUID:
        id = self.make.run(
            create_source(
                self.make.db,
                self.team.workspace_id,
                name=f"Provider {next(_numbers)}",
                provider=provider,
                sealed_secrets=[seal(secret, SECRET) for secret in secrets],
                timezone="Europe/Paris",
                default_country="FR",
                options=SourceOptions(**options),
            )
        )
        assert id is not None
        return id

    async def access_of(self, source_id: UUID, url: str) -> Access:
        row = await find_source(self.db, source_id)
        assert row is not None
        return access_to_recordings(read_source(row, SECRET), url)

    def announced(self, path: str, found: Any = None, source_id: UUID | None = None) -> UUID:
        """Announce a recording at a path of the host, which answers with what is `found`; return the call."""
        if found is not None:
            self.host.answers[path] = found
        return self.make.run(self._announce(self.host.url(path), source_id or self.source_id))

    async def _announce(self, url: str, source_id: UUID) -> UUID:
        call_id = ids.id_at(STARTED)
        await ensure_months(self.make.db, [STARTED])
        await self.make.db.fetch_rows(CALL, workspace_id=self.team.workspace_id, id=call_id, started_at=STARTED)
        await announce_recording(
            self.make.db,
            self.team.workspace_id,
            call_id,
            source_id=source_id,
            provider_recording_id="RE1",
            status="available",
            url=url,
        )
        return call_id

    def fetch(self) -> None:
        """Fetch what is due, and wait until it is done."""

        async def run() -> None:
            await self.fetcher.step()
            while self.fetcher._running:
                await asyncio.wait(self.fetcher._running)

        self.make.run(run())

    def row(self, call_id: UUID) -> dict[str, Any]:
        [row] = self.make.rows(
            "SELECT *, extract(epoch FROM next_attempt_at - now())::float8 AS seconds FROM call_recordings "
            "WHERE workspace_id = :workspace_id AND call_id = :call_id",
            workspace_id=self.team.workspace_id,
            call_id=call_id,
        )
        return row

    def due(self, call_id: UUID) -> None:
        """Let the pause before the next attempt be over."""
        self.make.rows(
            "UPDATE call_recordings SET next_attempt_at = now() WHERE workspace_id = :workspace_id AND call_id = :call_id",
            workspace_id=self.team.workspace_id,
            call_id=call_id,
        )


@pytest.fixture
def provider(make: Make, team: Team, tmp_path: Path) -> Iterator[Provider]:
    make.rows("UPDATE call_recordings SET next_attempt_at = NULL")  # of other tests
    with MediaHost() as host:
        provider = Provider(make, team, host, tmp_path / "recordings")
        yield provider
        make.run(provider.db.close())


def test_a_recording_is_fetched_hashed_and_announced(provider: Provider) -> None:
    call_id = provider.announced("/RE1.mp3", answer(SOUND))
    provider.fetch()
    row = provider.row(call_id)
    assert (row["status"], row["format"], row["size_bytes"]) == ("AVAILABLE", "mp3", len(SOUND))
    assert row["sha256"] == hashlib.sha256(SOUND).digest()
    assert (row["url"], row["next_attempt_at"], row["reason"]) == (None, None, None)
    path = provider.archive.storage.path(row["object_key"])
    assert path is not None
    assert path.read_bytes() == SOUND
    events = provider.make.events(f"/v1/calls/{call_id}")
    assert [event["type"] for event in events] == ["call.recording.available"]
    provider.fetch()
    assert len(provider.host.requests) == 1


@pytest.mark.parametrize(
    "status",
    [
        "500 Internal Server Error",
        "503 Service Unavailable",
        "429 Too Many Requests",
        "425 Too Early",
        "202 Accepted",
        "401 Unauthorized",
        "403 Forbidden",
    ],
)
def test_what_may_fare_better_later_is_tried_again_with_growing_pauses(provider: Provider, status: str) -> None:
    call_id = provider.announced("/a", answer(b"not yet", status))
    for attempt, pause in enumerate(PAUSES_SECONDS, 1):
        provider.fetch()
        row = provider.row(call_id)
        assert (row["status"], row["attempts"]) == ("PROCESSING", attempt)
        assert status[:3] in row["reason"]
        assert 0.75 * pause < row["seconds"] < 1.25 * pause
        provider.fetch()
        assert len(provider.host.requests) == attempt, "it was not due"
        provider.due(call_id)
    provider.fetch()
    row = provider.row(call_id)
    assert (row["status"], row["next_attempt_at"]) == ("FAILED", None)
    assert status[:3] in row["reason"]


def test_a_recording_that_comes_late(provider: Provider) -> None:
    call_id = provider.announced("/a")  # 404
    provider.fetch()
    provider.host.answers["/a"] = answer(SOUND)
    provider.due(call_id)
    provider.fetch()
    assert provider.row(call_id)["status"] == "AVAILABLE"


def test_a_recording_that_is_not_there(provider: Provider) -> None:
    call_id = provider.announced("/a")
    for _ in range(3):
        provider.due(call_id)
        provider.fetch()
    row = provider.row(call_id)
    assert (row["status"], row["attempts"], row["next_attempt_at"]) == ("ABSENT", 3, None)
    assert "404" in row["reason"]


def test_a_recording_that_is_gone(provider: Provider) -> None:
    call_id = provider.announced("/a", answer(status="410 Gone"))
    provider.fetch()
    assert provider.row(call_id)["status"] == "ABSENT"


@pytest.mark.parametrize(("seconds", "wanted"), [(600, 600), (1, 60), (999_999, 86_400)])
def test_the_provider_may_ask_for_a_longer_pause(provider: Provider, seconds: int, wanted: int) -> None:
    call_id = provider.announced("/a", answer(status="503 Service Unavailable", Retry_After=str(seconds)))
    provider.fetch()
    assert wanted * 0.75 < provider.row(call_id)["seconds"] < wanted * 1.25


def test_retry_after_in_both_forms() -> None:
    assert read_retry_after("120") == 120
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert 95 < read_retry_after(later) <= 100
    for text in ("", "soon", "-1", "1.5", "Wed, 21 Oct 2015 07:28:00 GMT", "٣"):
        assert read_retry_after(text) == 0


@pytest.mark.parametrize("body", [b"", b"<html>Sign in</html>" * 10, b"RIFF" + bytes(8)])
def test_what_is_no_audio_is_not_kept(provider: Provider, body: bytes) -> None:
    call_id = provider.announced("/a", answer(body))
    provider.fetch()
    row = provider.row(call_id)
    assert (row["status"], row["next_attempt_at"]) == ("FAILED", None)
    assert "no WAV" in row["reason"]
    _assert_nothing_is_stored(provider)


def test_what_is_too_large_is_not_kept(provider: Provider) -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + SOUND)
        while True:
            writer.write(bytes(10_000))
            await writer.drain()

    call_id = provider.announced("/a", endless)
    provider.fetch()
    row = provider.row(call_id)
    assert (row["status"], row["reason"]) == ("FAILED", f"the answer has more than {BYTES_MAX} bytes")
    _assert_nothing_is_stored(provider)


def test_what_breaks_off_is_tried_again(provider: Provider) -> None:
    call_id = provider.announced("/a", answer(SOUND)[:-1])
    provider.fetch()
    assert provider.row(call_id)["status"] == "PROCESSING"
    _assert_nothing_is_stored(provider)


def _assert_nothing_is_stored(provider: Provider) -> None:
    async def keys() -> list[str]:
        return [
            one.key
            for prefix in ("pending", "recordings")
            async for batch in provider.archive.storage.list(prefix)
            for one in batch
        ]

    assert provider.make.run(keys()) == []


def test_a_host_that_the_source_does_not_name_is_not_asked(provider: Provider) -> None:
    other = provider.source("GENERIC", recording_hosts=("media.example",))
    none = provider.source("FREESWITCH")
    first = provider.announced("/a", answer(SOUND), other)
    second = provider.announced("/a", answer(SOUND), none)
    provider.fetch()
    assert provider.host.requests == []
    assert (provider.row(first)["status"], provider.row(first)["attempts"]) == ("PROCESSING", 1)
    assert (provider.row(second)["status"], "recordingHosts" in provider.row(second)["reason"]) == ("FAILED", True)


def test_credentials_of_twilio_go_to_the_provider_and_a_second_token_is_tried(provider: Provider) -> None:
    account = "AC" + "0" * 32
    source = provider.source("TWILIO", "old token", "new token", recording_hosts=("127.0.0.1",))
    path = f"/2010-04-01/Accounts/{account}/Recordings/RE1.mp3"
    call_id = provider.announced(path, answer(status="401 Unauthorized"), source)
    provider.fetch()
    provider.host.answers[path] = answer(status="307 Temporary Redirect", Location="/signed")
    provider.host.answers["/signed"] = answer(SOUND)
    provider.due(call_id)
    provider.fetch()
    assert provider.row(call_id)["status"] == "AVAILABLE"
    sent = [
        b64decode(headers["authorization"].removeprefix("Basic ")).decode() for _, headers in provider.host.requests
    ]
    assert sent[:2] == [f"{account}:old token", f"{account}:new token"]


def test_what_each_provider_allows(provider: Provider) -> None:
    def access(provider_name: str, *secrets: str, **options: Any) -> Access:
        return provider.make.run(provider.access_of(provider.source(provider_name, *secrets, **options), "https://x/"))

    assert "api.twilio.com" in access("TWILIO", "token", account_id="AC1").hosts
    assert list(access("TELNYX").headers) == [{}]
    for name, why in (("VONAGE", "private key"), ("TWILIO", "AccountSid"), ("GENERIC", "recordingHosts")):
        with pytest.raises(NoAccess, match=why):
            access(name)
    source = provider.source("TELNYX")
    provider.make.run(set_disabled(provider.db, provider.team.workspace_id, source, disabled=True))
    with pytest.raises(NoAccess, match="disabled"):
        provider.make.run(provider.access_of(source, "https://x/"))


def test_a_recording_that_is_erased_while_it_is_fetched_stays_erased(provider: Provider) -> None:
    async def slow(writer: asyncio.StreamWriter) -> None:
        whole = answer(SOUND)
        writer.write(whole[:-10])
        await writer.drain()
        await asyncio.sleep(1)
        writer.write(whole[-10:])

    call_id = provider.announced("/a", slow)

    async def run() -> None:
        await provider.fetcher.step()
        await erase_recordings(provider.db, provider.archive, [provider.team.workspace_id], call_id, author=Author())
        while provider.fetcher._running:
            await asyncio.wait(provider.fetcher._running)

    provider.host.answers["/a"] = slow
    provider.make.run(asyncio.wait_for(run(), 30))
    assert provider.row(call_id)["status"] == "ERASED"
    _assert_nothing_is_stored(provider)


def test_one_worker_for_one_recording_and_another_when_it_was_killed(provider: Provider) -> None:
    call_id = provider.announced("/a", answer(SOUND))
    [claimed] = provider.make.run(claim_recordings(provider.db, limit=10, lease_seconds=60))  # and is killed
    assert claimed.call_id == call_id
    provider.fetch()
    assert provider.host.requests == []
    provider.due(call_id)  # its lease is over
    provider.fetch()
    row = provider.row(call_id)
    assert (row["status"], row["attempts"]) == ("AVAILABLE", 2)


def test_a_download_longer_than_a_lease_is_nobody_elses(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    lease = 1.5
    monkeypatch.setattr(leases, "LEASE_SECONDS", lease)

    async def slow(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2 * lease)
        writer.write(answer(SOUND))

    call_id = provider.announced("/a", slow)

    async def run() -> None:
        await provider.fetcher.step()
        while provider.fetcher._running:
            assert await claim_recordings(provider.db, limit=10, lease_seconds=lease) == []
            await asyncio.sleep(lease / 20)

    provider.make.run(run())
    row = provider.row(call_id)
    assert (row["status"], row["attempts"]) == ("AVAILABLE", 1)


def test_a_recording_that_kills_every_worker_ends(provider: Provider) -> None:
    call_id = provider.announced("/a", answer(SOUND))
    for _ in range(len(PAUSES_SECONDS) + 1):
        provider.make.run(claim_recordings(provider.db, limit=10, lease_seconds=60))
        provider.due(call_id)
    provider.fetch()
    assert provider.row(call_id)["status"] == "FAILED"


def test_a_worker_that_is_stopped_gives_back_what_it_was_at(provider: Provider) -> None:
    async def silent(_writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    calls = [provider.announced(f"/{number}", silent) for number in range(6)]

    async def run() -> None:
        await provider.fetcher.step()
        while len(provider.host.requests) < 4:  # noqa: ASYNC110 - of another thread
            await asyncio.sleep(0.01)
        await provider.fetcher.stop()

    provider.make.run(run())
    assert len(provider.host.requests) == 4, "more than four at once"
    for call_id in calls:
        row = provider.row(call_id)
        assert (row["status"], row["attempts"], row["seconds"] <= 0) == ("PROCESSING", 0, True)
