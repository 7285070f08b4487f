"""Fetches the recordings that providers keep: each is claimed, downloaded through the guard of `outbound`, and stored.

A claim is a lease: what a killed worker was at is taken up by another when it ends. Failures are repeated with growing
pauses, a day long at the end; then the recording is FAILED, and says why.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from uuid import UUID

import msgspec

from skipcall import clock
from skipcall.calls.model import CallErased
from skipcall.errors import NotFound
from skipcall.outbound.client import Answer, Client, TooLarge
from skipcall.outbound.urls import OutboundError
from skipcall.postgres import leases
from skipcall.postgres.db import Database
from skipcall.postgres.leases import LeaseLost
from skipcall.recordings.actions import Archive, Author, store_recording
from skipcall.recordings.audio import NotAudio
from skipcall.recordings.claims import (
    Claimed,
    claim_recordings,
    end_fetching,
    leased_recording,
    postpone_recording,
    release_recording,
)

AT_ONCE_MAX = 4
DOWNLOAD_SECONDS_MAX = 600.0
IDLE_SECONDS = 2.0
PAUSES_SECONDS = (60, 300, 1_800, 7_200, 21_600, 86_400)
JITTER = 0.2
RETRY_AFTER_SECONDS_MAX = 86_400
# A provider may announce a recording some moments before it gives it out.
ATTEMPTS_UNTIL_ABSENT = 3
_OK = 200
_NOT_FOUND = 404
_GONE = 410
_REFUSED = frozenset({401, 403})

log = logging.getLogger("skipcall.recordings")


class Access(msgspec.Struct, frozen=True):
    """How the recordings of a source are reached: hosts that they may come from, and headers with credentials.

    Of several sets of headers, one after the other is tried: an old secret may still be the right one.
    """

    hosts: Sequence[str]
    headers: Sequence[Mapping[str, str]] = ({},)


class NoAccess(Exception):
    """Recordings of a source that are never fetched; the message says why."""


AccessOf = Callable[[UUID, str], Awaitable[Access]]


class _Retry(Exception):
    """An attempt that failed, in words; another one may not. `seconds` is how long the provider asks to wait."""

    def __init__(self, reason: str, seconds: float = 0) -> None:
        super().__init__(reason)
        self.reason, self.seconds = reason, seconds


class _GiveUp(Exception):
    """There is no use in another attempt. `status` is what the recording becomes."""

    def __init__(self, reason: str, status: str = "FAILED") -> None:
        super().__init__(reason)
        self.reason, self.status = reason, status


class Fetcher:
    """Fetches what is due, AT_ONCE_MAX at a time.

    `access_of` is given a source and an address.
    """

    def __init__(self, db: Database, archive: Archive, client: Client, access_of: AccessOf) -> None:
        self._db, self._archive, self._client, self._access_of = db, archive, client, access_of
        self._running: set[asyncio.Task[None]] = set()

    async def step(self) -> float:
        """Claim what there is room for and begin to fetch it; return how many seconds to wait before the next step."""
        free = AT_ONCE_MAX - len(self._running)
        claimed = await claim_recordings(self._db, limit=free, lease_seconds=leases.LEASE_SECONDS) if free else []
        for one in claimed:
            task = asyncio.create_task(self._fetch(one))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        if not self._running:
            return IDLE_SECONDS
        await asyncio.wait(self._running, timeout=IDLE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        return 0.0

    async def stop(self) -> None:
        """Break off what is running, and leave it to whoever claims it next."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _fetch(self, claimed: Claimed) -> None:
        try:
            try:
                async with leased_recording(self._db, claimed):
                    await self._download(claimed)
            except LeaseLost:
                pass
            except _Retry as failure:
                await self._postpone(claimed, failure)
            except _GiveUp as end:
                await self._end(claimed, end.status, end.reason)
            except asyncio.CancelledError:
                await release_recording(self._db, claimed)
                raise
            except Exception as failure:  # noqa: BLE001 - one recording must not hold up the others
                log.warning("a recording could not be fetched", extra=_fields(claimed, type(failure).__qualname__))
                await self._postpone(claimed, _Retry("the server could not store it"))
        except Exception as failure:  # noqa: BLE001 - the lease ends, and another attempt is made
            log.warning("a recording was left as it is", extra=_fields(claimed, type(failure).__qualname__))

    async def _download(self, claimed: Claimed) -> None:
        if claimed.attempts > len(PAUSES_SECONDS) + 1:
            raise _GiveUp("the server ended again and again while it was fetched")
        try:
            access = await self._access_of(claimed.source_id, claimed.url)
            asked = self._client.get(
                claimed.url,
                hosts=access.hosts,
                headers=access.headers[(claimed.attempts - 1) % len(access.headers)],
                bytes_max=self._archive.bytes_max,
                seconds_max=DOWNLOAD_SECONDS_MAX,
            )
            async with asked as answer:
                _check(answer, claimed.attempts)
                await store_recording(
                    self._db,
                    self._archive,
                    [claimed.workspace_id],
                    claimed.call_id,
                    claimed.id,
                    answer.body,
                    author=Author(),
                )
        except NoAccess as none:
            raise _GiveUp(str(none)) from none
        except TooLarge as failure:
            raise _GiveUp(str(failure)) from failure
        except NotAudio as failure:
            raise _GiveUp("what the provider sent is no WAV, MP3, OGG or M4A file") from failure
        except (NotFound, CallErased) as deleted:
            raise _GiveUp("the call was deleted") from deleted
        except OutboundError as failure:
            raise _Retry(str(failure)) from failure

    async def _postpone(self, claimed: Claimed, failure: _Retry) -> None:
        if claimed.attempts > len(PAUSES_SECONDS):
            await self._end(claimed, "FAILED", failure.reason)
            return
        pause = PAUSES_SECONDS[claimed.attempts - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret
        seconds = max(pause, min(failure.seconds, RETRY_AFTER_SECONDS_MAX))
        await postpone_recording(self._db, claimed, seconds=seconds, reason=failure.reason)

    async def _end(self, claimed: Claimed, status: str, reason: str) -> None:
        await end_fetching(self._db, claimed, status=status, reason=reason)
        log.warning("a recording is not fetched", extra=_fields(claimed, reason))


def _check(answer: Answer, attempts: int) -> None:
    """Raise `_Retry` or `_GiveUp` unless an answer is the audio."""
    status = answer.status
    if status == _OK:
        return
    if status == _GONE or (status == _NOT_FOUND and attempts >= ATTEMPTS_UNTIL_ABSENT):
        raise _GiveUp(f"the provider does not have it: it answered {status}", "ABSENT")
    if status in _REFUSED:
        raise _Retry(f"the provider refuses the credentials of the source: it answered {status}")
    raise _Retry(f"the provider answered {status}", read_retry_after(answer.headers.get("retry-after", "")))


def read_retry_after(text: str) -> float:
    """Return the seconds that `Retry-After` (RFC 9110, section 10.2.3) asks for, 0 for none or one that is neither form."""
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - clock.now()).total_seconds())


def _fields(claimed: Claimed, cause: str) -> dict[str, object]:
    return {"fields": {"callId": str(claimed.call_id), "recordingId": str(claimed.id), "cause": cause}}
