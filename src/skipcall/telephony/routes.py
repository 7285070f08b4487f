"""The addresses that providers call."""

import asyncio
import time
from uuid import UUID

from skipcall import clock
from skipcall.errors import NotFound, Unavailable
from skipcall.http.bodies import read_body
from skipcall.http.request import Answer, Request
from skipcall.http.routing import operation
from skipcall.telephony import actions
from skipcall.telephony.incoming import read_reports
from skipcall.telephony.model import IncomingRequest, UnsignedReport
from skipcall.telephony.sources import StoredSource

TWILIO = "twilio"
TWILIO_CALLBACKS = ("status", "recording", "conference")
# Some providers wait 10 to 15 seconds for an answer and never send a callback again, so a database that is away for a moment is waited
# for here. To record a report again changes nothing.
PATIENCE_SECONDS = 8.0
RETRY_SECONDS = 0.25
_BODY_TYPES = ("application/json", "application/x-www-form-urlencoded")


@operation(
    "POST",
    "/ingest/{provider}/{id}",
    tag="Ingest",
    scope=None,
    noun="Source",
    success=204,
    statuses=(401, 429, 503),
    body_types=_BODY_TYPES,
)
async def ingest_reports(request: Request, provider: str, id: UUID) -> Answer:
    """Take in what a provider reports about calls.

    `provider` is that of the source: `twilio`, `telnyx`, `vonage`, `freeswitch` or `generic`; `id` is the source's.
    The request is authenticated as the provider signs it: there is no API key. Reports may come in any order and repeatedly: they make one
    call. Answers 204 once everything is stored.
    """
    return await _ingest(request, provider, id)


@operation(
    "POST",
    "/ingest/{provider}/{id}/{callback}",
    tag="Ingest",
    scope=None,
    noun="Source",
    success=204,
    statuses=(401, 429, 503),
    body_types=_BODY_TYPES[1:],
)
async def ingest_twilio_reports(request: Request, provider: str, id: UUID, callback: str) -> Answer:
    """Take in a callback of Twilio.

    `provider` is `twilio`, `callback` is `status`, `recording` or `conference`. Which one it is shows in its fields: the three addresses are one, so that
    an address entered in the wrong place does no harm.
    """
    if provider != TWILIO or callback not in TWILIO_CALLBACKS:
        raise NotFound("Source")
    return await _ingest(request, provider, id)


async def _ingest(request: Request, provider: str, id: UUID) -> Answer:
    body = await read_body(request, request.operation.body_bytes_max)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await _take_in(request, provider, id, body)
        except Unavailable:
            if time.monotonic() + RETRY_SECONDS > deadline:
                raise
        await asyncio.sleep(RETRY_SECONDS)


async def _take_in(request: Request, provider: str, id: UUID, body: bytes) -> Answer:
    source: StoredSource | None = await request.sources.find(request.database, id)
    if source is None or source.is_disabled or source.provider.lower() != provider:
        raise NotFound("Source")
    scope = request.scope
    target = f"{scope.path}?{scope.query_string}" if scope.query_string else scope.path
    try:
        reports = read_reports(source.source, IncomingRequest(target, dict(scope.headers.items()), body), clock.now())
    except UnsignedReport as unsigned:
        raise request.gate.spend_failure(request, unsigned) from unsigned
    await actions.record_reports(request.database, source, reports, request_id=request.id)
    return Answer(b"", 204)
