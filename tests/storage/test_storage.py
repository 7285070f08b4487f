"""What a storage promises, kept by a folder and by a bucket."""

import asyncio
import hashlib
import os
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from skipcall.settings import load
from skipcall.storage.bucket import PART_BYTES
from skipcall.storage.choice import open_storage
from skipcall.storage.folder import Folder
from skipcall.storage.model import READ_BYTES, ObjectMissing, Storage, StorageUnavailable
from tests.s3 import S3Server

Run = Callable[[Awaitable[Any]], Any]


class Interrupted(Exception):
    """The one who sends has gone."""


@pytest.fixture(params=["folder", "bucket"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        return Folder(tmp_path / "kept" / "here")
    s3: S3Server = request.getfixturevalue("s3")
    return open_storage(load(s3.settings | {"SKIPCALL_STORAGE": f"s3://recordings/{tmp_path.name}/{os.getpid()}"}))


@pytest.fixture
def run() -> Iterator[Run]:
    with asyncio.Runner() as runner:

        async def wait(awaitable: Awaitable[Any]) -> Any:
            return await awaitable

        yield lambda awaitable: runner.run(wait(awaitable))


async def chunks(content: bytes, size: int = 400_000, *, interrupted: bool = False) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]
        await asyncio.sleep(0)
    if interrupted:
        raise Interrupted


async def read(storage: Storage, key: str, start: int, end: int) -> list[bytes]:
    return [piece async for piece in storage.read(key, start, end)]


async def keys(storage: Storage, prefix: str) -> list[str]:
    return [one.key async for batch in storage.list(prefix) for one in batch]


# One part and a bit, so that a bucket gets several parts, and reading takes several pieces.
LARGE = hashlib.shake_256(b"large").digest(PART_BYTES + 1_234_567)


@pytest.mark.parametrize("content", [b"x", b"y" * 70_000, LARGE], ids=["byte", "small", "large"])
def test_what_is_put_is_read(storage: Storage, run: Run, content: bytes) -> None:
    run(storage.put("pending/a1", chunks(content), "audio/wav"))
    pieces = run(read(storage, "pending/a1", 0, len(content)))
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) <= READ_BYTES
    assert run(storage.size("pending/a1")) == len(content)


def test_a_part_is_read(storage: Storage, run: Run) -> None:
    run(storage.put("a", chunks(LARGE), "audio/wav"))
    for start, end in ((0, 1), (5, 17), (READ_BYTES - 1, READ_BYTES + 1), (100, 100 + 2 * READ_BYTES), (9, len(LARGE))):
        assert b"".join(run(read(storage, "a", start, end))) == LARGE[start:end]


def test_what_breaks_off_leaves_nothing(storage: Storage, run: Run, request: pytest.FixtureRequest) -> None:
    for content in (b"short", LARGE):
        with pytest.raises(Interrupted):
            run(storage.put("pending/a", chunks(content, interrupted=True), "audio/wav"))
    assert run(keys(storage, "pending")) == []
    assert run(storage.size("pending/a")) is None
    if not isinstance(storage, Folder):
        s3: S3Server = request.getfixturevalue("s3")
        assert s3.unfinished_uploads() == []


def test_a_cancelled_put_leaves_nothing(storage: Storage, run: Run) -> None:
    async def put() -> None:
        waiting = asyncio.Event()

        async def endless() -> AsyncIterator[bytes]:
            yield b"x" * 1000
            waiting.set()
            await asyncio.sleep(60)

        task = asyncio.create_task(storage.put("pending/b", endless(), "audio/wav"))
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(put())
    assert run(keys(storage, "pending")) == []


def test_move(storage: Storage, run: Run) -> None:
    run(storage.put("pending/a", chunks(LARGE), "audio/wav"))
    run(storage.move("pending/a", "recordings/ab/abcd"))
    assert run(keys(storage, "pending")) == []
    assert run(keys(storage, "recordings")) == ["recordings/ab/abcd"]
    assert b"".join(run(read(storage, "recordings/ab/abcd", 0, len(LARGE)))) == LARGE
    with pytest.raises(ObjectMissing):
        run(storage.move("pending/a", "recordings/x"))


def test_delete(storage: Storage, run: Run) -> None:
    for name in "abc":
        run(storage.put(f"recordings/{name}", chunks(b"x"), "audio/wav"))
    run(storage.delete(["recordings/a", "recordings/c", "recordings/never"]))
    run(storage.delete([]))
    assert run(keys(storage, "recordings")) == ["recordings/b"]


def test_list_is_in_order_and_tells_ages(storage: Storage, run: Run) -> None:
    assert run(keys(storage, "recordings")) == []
    before = datetime.now(UTC) - timedelta(seconds=2)
    names = [f"recordings/{one[:2]}/{one}" for one in ("ff01", "00aa", "0a00", "00a0")]
    for name in names:
        run(storage.put(name, chunks(b"12345"), "audio/wav"))
    assert run(keys(storage, "recordings")) == sorted(names)
    assert run(keys(storage, "recordings/00")) == sorted(names)[:2]

    async def whole() -> list[Any]:
        return [one async for batch in storage.list("recordings") for one in batch]

    for one in run(whole()):
        assert one.size == 5
        assert before <= one.modified_at <= datetime.now(UTC) + timedelta(seconds=2)


def test_what_is_not_there(storage: Storage, run: Run) -> None:
    assert run(storage.size("recordings/x")) is None
    with pytest.raises(ObjectMissing):
        run(read(storage, "recordings/x", 0, 10))


def test_a_signed_address(storage: Storage, run: Run) -> None:
    run(storage.put("recordings/a", chunks(b"0123456789"), "audio/wav"))
    url = run(storage.sign("recordings/a", 900))
    if isinstance(storage, Folder):
        assert url is None
        return
    assert "X-Amz-Expires=900" in url
    response = httpx.get(url, headers={"range": "bytes=2-4"})
    assert (response.status_code, response.content) == (206, b"234")
    assert response.headers["content-type"] == "audio/wav"
    assert httpx.get(url.replace("Signature=", "Signature=0")).status_code == 403
    assert httpx.get(url.replace("recordings/a", "recordings/b")).status_code == 403
    assert httpx.put(url, content=b"x").status_code == 403


def test_memory_stays_flat(storage: Storage, run: Run) -> None:
    """Of 60 MB on their way in and out, few are in memory at a time."""

    async def many() -> AsyncIterator[bytes]:
        for _ in range(150):
            yield LARGE[:400_000]

    async def pass_through() -> int:
        await storage.put("pending/warm", chunks(LARGE), "audio/wav")
        before = peak()
        await storage.put("pending/big", many(), "audio/wav")
        size = 0
        async for piece in storage.read("pending/big", 0, 60_000_000):
            size += len(piece)
        assert size == 60_000_000
        return peak() - before

    assert run(pass_through()) < 40_000_000


def peak() -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


# ------------------------------------------------------------------------------------------------- a folder by itself


def test_a_folder_is_for_its_owner_alone(tmp_path: Path, run: Run) -> None:
    root = tmp_path / "data" / "recordings"
    folder = Folder(root)
    run(folder.put("pending/a", chunks(b"x"), "audio/wav"))
    run(folder.move("pending/a", "recordings/ab/abc"))
    for path in (root, root / "pending", root / "recordings", root / "recordings" / "ab"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE((root / "recordings" / "ab" / "abc").stat().st_mode) == 0o600


def test_a_folder_that_cannot_be(tmp_path: Path, run: Run) -> None:
    (tmp_path / "file").write_text("no folder")
    folder = Folder(tmp_path / "file" / "recordings")
    with pytest.raises(StorageUnavailable):
        run(folder.put("pending/a", chunks(b"x"), "audio/wav"))
    with pytest.raises(StorageUnavailable):
        run(read(folder, "pending/a", 0, 1))


# -------------------------------------------------------------------------------------------------- a bucket by itself


@pytest.mark.parametrize(
    "wrong",
    [
        {"SKIPCALL_S3_SECRET": "another"},
        {"SKIPCALL_S3_ENDPOINT": "http://127.0.0.1:9"},
    ],
    ids=["secret", "address"],
)
def test_a_bucket_that_cannot_be_reached(s3: S3Server, run: Run, wrong: dict[str, str]) -> None:
    storage = open_storage(load(s3.settings | wrong))
    with pytest.raises(StorageUnavailable):
        run(storage.put("pending/a", chunks(b"x"), "audio/wav"))
    with pytest.raises(StorageUnavailable):
        run(read(storage, "pending/a", 0, 1))
    with pytest.raises(StorageUnavailable):
        run(keys(storage, "pending"))


def test_the_settings_choose(tmp_path: Path) -> None:
    chosen = open_storage(load({"SKIPCALL_DATA": str(tmp_path)}))
    assert isinstance(chosen, Folder)
    assert chosen.path("a/b") == tmp_path / "recordings" / "a" / "b"
    named = open_storage(load({"SKIPCALL_STORAGE": f"file://{tmp_path}/with%20space"}))
    assert named.path("a") == tmp_path / "with space" / "a"
