"""Objects in a bucket of S3, or of a server that speaks its protocol."""

import contextlib
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from skipcall.storage.model import READ_BYTES, ObjectMissing, StorageUnavailable, Stored

if TYPE_CHECKING:
    from obstore.store import S3Config

PART_BYTES = 5 << 20  # the smallest that S3 takes; one is held in memory while another travels
REQUEST_TIMEOUT = timedelta(seconds=30)
CONNECT_TIMEOUT = timedelta(seconds=5)
RETRIES_MAX = 2
RETRY_TIMEOUT = timedelta(seconds=10)
LIST_BATCH = 1_000

log = logging.getLogger("skipcall.storage")


class Bucket:
    """A storage in a bucket, below a prefix. What is not given comes from the environment or the machine (AWS's own names)."""

    def __init__(
        self,
        bucket: str,
        prefix: str,
        *,
        endpoint: str | None,
        region: str | None,
        key_id: str | None,
        secret: str | None,
    ) -> None:
        given: S3Config = {}
        if endpoint is not None:
            given["endpoint"] = endpoint
        if region is not None:
            given["region"] = region
        if key_id is not None:
            given["access_key_id"] = key_id
        if secret is not None:
            given["secret_access_key"] = secret
        self._store = S3Store(
            bucket,
            prefix=prefix or None,
            client_options={
                "allow_http": endpoint is not None and endpoint.startswith("http://"),
                "timeout": REQUEST_TIMEOUT,
                "connect_timeout": CONNECT_TIMEOUT,
            },
            retry_config={"max_retries": RETRIES_MAX, "retry_timeout": RETRY_TIMEOUT},
            config=given,
        )

    async def put(self, key: str, chunks: AsyncIterator[bytes], content_type: str) -> None:
        # In parts; obstore takes back the finished ones if the iterator or a part fails.
        with _refusing():
            await obstore.put_async(
                self._store,
                key,
                chunks,
                attributes={"Content-Type": content_type},
                chunk_size=PART_BYTES,
                max_concurrency=1,
            )

    async def move(self, key: str, new_key: str) -> None:
        with _refusing():
            await obstore.copy_async(self._store, key, new_key)
            await obstore.delete_async(self._store, [key])

    async def size(self, key: str) -> int | None:
        try:
            with _refusing():
                return (await obstore.head_async(self._store, key))["size"]
        except ObjectMissing:
            return None

    async def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        # A request for each piece: one for all of it would have to last as long as the reader takes.
        while start < end:
            stop = min(start + READ_BYTES, end)
            with _refusing():
                piece = await obstore.get_range_async(self._store, key, start=start, end=stop)
            yield bytes(piece)
            start = stop

    async def delete(self, keys: Sequence[str]) -> None:
        if keys:
            with _refusing(), contextlib.suppress(FileNotFoundError):
                await obstore.delete_async(self._store, list(keys))

    async def list(self, prefix: str) -> AsyncIterator[list[Stored]]:
        pages = obstore.list(self._store, prefix, chunk_size=LIST_BATCH)
        while True:
            try:
                with _refusing():
                    page = await anext(pages)
            except StopAsyncIteration:
                return
            yield [Stored(one["path"], one["size"], one["last_modified"]) for one in page]

    def path(self, key: str) -> None:  # noqa: ARG002 - none is a file
        return None

    async def sign(self, key: str, seconds: int) -> str | None:
        with _refusing():
            return await obstore.sign_async(self._store, "GET", key, timedelta(seconds=seconds))


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """Turn what obstore raises into what a storage raises; what an iterator raised goes through."""
    try:
        yield
    except FileNotFoundError as missing:
        raise ObjectMissing from missing
    except (BaseError, OSError) as failure:
        log.warning("the storage does not answer", extra={"fields": {"exception": type(failure).__name__}})
        raise StorageUnavailable from failure
