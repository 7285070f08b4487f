"""Recordings fetched by worker processes that are killed while they are at it."""

import asyncio
import hashlib
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from skipcall import ids
from skipcall.calls.months import ensure_months
from skipcall.postgres.embedded import EmbeddedPostgres
from skipcall.recordings.queries import announce_recording
from skipcall.telephony.queries import create_source
from skipcall.telephony.sources import SourceOptions
from tests.make import Make
from tests.media_host import MediaHost, answer
from tests.worker.process import WorkerProcess, eventually

SOUND = b"ID3\x04\x00\x00\x00\x00\x00\x00" + bytes(range(256)) * 4_000
STARTED = datetime(2026, 3, 2, 9, 41, tzinfo=UTC)


def announce(make: Make, workspace_id: UUID, url: str) -> UUID:
    """Announce a recording of a new call, and return the call."""
    source_id = make.run(
        create_source(
            make.db, workspace_id, name="Provider", provider="GENERIC", sealed_secrets=[], timezone="Europe/Paris",
            default_country="FR", options=SourceOptions(recording_hosts=("127.0.0.1",)),
        )
    )  # fmt: skip
    assert source_id is not None
    call_id = ids.id_at(STARTED)
    make.run(ensure_months(make.db, [STARTED]))
    make.rows(
        "INSERT INTO calls (workspace_id, id, provider, call_type, type, status, result, started_at, "
        "last_modification_source) VALUES (:workspace_id, :id, 'GENERIC', 'DIRECT_CALL', 'outbound', 'completed', "
        "'CONNECTED', :started_at, 'SKIPCALL')",
        workspace_id=workspace_id,
        id=call_id,
        started_at=STARTED,
    )
    make.run(
        announce_recording(
            make.db,
            workspace_id,
            call_id,
            source_id=source_id,
            provider_recording_id="RE1",
            status="available",
            url=url,
        )
    )
    return call_id


def test_what_a_killed_worker_was_at_is_taken_up_by_another(
    database: EmbeddedPostgres, make: Make, tmp_path: Path
) -> None:
    async def first_slow(writer: asyncio.StreamWriter) -> None:
        whole = answer(SOUND)
        writer.write(whole[: len(whole) // 2])
        await writer.drain()
        if len(host.requests) == 1:
            await asyncio.sleep(60)
        writer.write(whole[len(whole) // 2 :])
        await writer.drain()

    with MediaHost() as host:
        host.answers["/RE1.mp3"] = first_slow
        workspace_id = make.workspace(make.organization())
        call_id = announce(make, workspace_id, host.url("/RE1.mp3"))
        worker = WorkerProcess(database.url, tmp_path)
        eventually(lambda: len(host.requests), 1)
        worker.kill()
        with WorkerProcess(database.url, tmp_path), WorkerProcess(database.url, tmp_path):
            make.rows(
                "UPDATE call_recordings SET next_attempt_at = now() WHERE call_id = :id", id=call_id
            )  # lease over
            status = "SELECT status FROM call_recordings WHERE call_id = :id"
            eventually(lambda: make.value(status, id=call_id), "AVAILABLE")
        assert len(host.requests) == 2
    [row] = make.rows("SELECT attempts, sha256, object_key FROM call_recordings WHERE call_id = :id", id=call_id)
    assert (row["attempts"], row["sha256"]) == (2, hashlib.sha256(SOUND).digest())
    assert (tmp_path / "recordings" / row["object_key"]).read_bytes() == SOUND
    assert [event["type"] for event in make.events(f"/v1/calls/{call_id}")] == ["call.recording.available"]
