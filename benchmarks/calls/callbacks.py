"""Twilio's callbacks of many calls, four a call and signed: ours beside pgbench with the very statements that ours runs.

The statements are not written down here: one call is taken in by the product on a connection that notes what it is asked. pgbench then
runs these, prepared, for calls of its own: the id, the leg, the contact's number and the user's are other ones each time.
"""

import asyncio
import base64
import functools
import hashlib
import hmac
import random
import re
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks import servers
from benchmarks.calls.data import USERS, Made
from benchmarks.data import SECRET, last_event
from benchmarks.figures import Figure, Plan, Results, median
from benchmarks.load import DATABASE_CONNECTIONS, HTTP_CONNECTIONS, Load, read_pgbench, read_wrk, run
from benchmarks.machine import cores
from benchmarks.servers import BenchmarkError
from benchmarks.throughput import CHANGED_MIN, Run, quietest
from skipcall.calls.months import ensure_months
from skipcall.clock import now
from skipcall.postgres.db import Row, Session, Statement, connect
from skipcall.telephony.actions import record_reports
from skipcall.telephony.incoming import read_reports
from skipcall.telephony.model import IncomingRequest, Source
from skipcall.telephony.queries import find_source
from skipcall.telephony.sources import SourceOptions, StoredSource, add_source, read_source

OF_PGBENCH_MIN = 0.5
TOKEN = "only-for-benchmarks"  # noqa: S105 - guards nothing
PUBLIC_URL = "https://calls.example.com"
STATUSES = ("initiated", "ringing", "answered", "completed")
# Each connection plans each statement once, with every month of calls in it. pgbench opens its connections anew in each turn, so its
# turns are longer by this, which does not count.
PLANNING_SECONDS = 10
CALLS_AT_ONCE = 64  # more than connections, so that two callbacks of a call are seldom under way at once
SENT_TO = "+3363998{:04}"  # the numbers of contacts, see data
SENT_FROM = "+331990042{:02}"  # the users' numbers
_SCRIPT = Path(__file__).with_name("callbacks.lua")
_MONTHS = "create_calls_month"  # asked for once in the life of a process, so not what a callback costs
_ID_PREFIX = 24  # characters of an id up to its last twelve digits
_PARAMETER = re.compile(r"\$(\d+)")
_PROGRESS = re.compile(r"^progress: [\d.]+ s, ([\d.]+) tps", re.MULTILINE)


def measure(made: Made, binaries: Path, place: Path, plan: Plan, results: Results) -> None:
    """Add the figure of callbacks."""
    server_core, load_core = cores()
    place.mkdir()
    source = asyncio.run(_add_source(made))
    script = place / "callbacks.sql"
    script.write_text(asyncio.run(_script(made, source)))
    more = {"SKIPCALL_PUBLIC_URL": PUBLIC_URL}
    with servers.skipcall(made.url, place / "skipcall", server_core, more) as server:

        def ours(seconds: int) -> Callable[[], Load]:
            path = place / "callbacks.http"
            _prepare(path, source, server.port, seconds * plan.callback_rate_max)
            return functools.partial(_wrk, path, server.port, seconds, load_core)

        def pgbench(seconds: int) -> Callable[[], Load]:
            return functools.partial(_pgbench, binaries / "pgbench", made.url, script, seconds, load_core)

        candidates = [("pgbench", pgbench, None), ("skipcall", ours, server.pid)]
        rounds: list[dict[str, Run]] = []
        for number in range(plan.rounds):
            turns = candidates if number % 2 == 0 else candidates[::-1]
            rounds.append({name: _run(name, send, pid, made, plan) for name, send, pid in turns})
    results.measurements["callback"] = rounds
    ratio = median([one["skipcall"].load.per_second / one["pgbench"].load.per_second for one in rounds])
    results.figures.append(Figure("Twilio callbacks, of pgbench", ratio, at_least=OF_PGBENCH_MIN))


def _run(name: str, send: Callable[[int], Callable[[], Load]], pid: int | None, made: Made, plan: Plan) -> Run:
    asyncio.run(_settle(made))
    if pid is not None:
        send(PLANNING_SECONDS)()

    def one() -> Load:
        prepared = send(plan.seconds)
        changes = asyncio.run(last_event(made.url, made.tenant))
        load = prepared()
        changes = asyncio.run(last_event(made.url, made.tenant)) - changes
        if changes < CHANGED_MIN * load.requests:
            raise BenchmarkError(f"{name}: {load.requests} callbacks changed only {changes} calls")
        return load

    return quietest(f"callback {name}", one, pid, plan)


def _wrk(path: Path, port: int, seconds: int, core: int) -> Load:
    command = ["wrk", "-t1", f"-c{HTTP_CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "-s", str(_SCRIPT)]
    return read_wrk(run([*command, f"http://127.0.0.1:{port}", "--", str(path)], core, seconds), "callbacks")


def _pgbench(binary: Path, url: str, script: Path, seconds: int, core: int) -> Load:
    """Run the script of a call on 16 connections; a callback is a quarter of it."""
    whole = PLANNING_SECONDS + seconds
    command = [str(binary), "-n", "-P1", "-M", "prepared", f"-c{DATABASE_CONNECTIONS}", "-j1", f"-T{whole}"]
    output = run([*command, "-f", str(script), url], core, whole)
    read_pgbench(output)  # raises if something failed
    rates = [float(rate) for rate in _PROGRESS.findall(output)[PLANNING_SECONDS:]]
    if not rates:
        raise BenchmarkError(f"pgbench: {output}")
    per_second = sum(rates) / len(rates) * len(STATUSES)
    return Load(round(per_second * len(rates)), per_second)


async def _add_source(made: Made) -> StoredSource:
    db = await connect(made.url)
    try:
        # Twice: a month that was just made is not taken for known yet.
        await ensure_months(db, [now()])
        await ensure_months(db, [now()])
        id = await add_source(
            db,
            made.tenant.workspace_id,
            name="Callbacks",
            source=Source(provider="TWILIO", secrets=(TOKEN,)),
            options=SourceOptions(),
            secret=SECRET.encode(),
        )
        assert id is not None
        row = await find_source(db, id)
        assert row is not None
        return read_source(row, SECRET.encode(), PUBLIC_URL)
    finally:
        await db.connection.close()


async def _settle(made: Made) -> None:
    db = await connect(made.url)
    try:
        tables = ("call_keys", "call_statistics", f"calls_{now():%Y_%m}")
        for text in (*(f"VACUUM (ANALYZE) {table}" for table in tables), "CHECKPOINT"):
            await db.connection.execute(text)
    finally:
        await db.connection.close()


# -------------------------------------------------------------------------------------------------- what is sent


def _prepare(path: Path, source: StoredSource, port: int, requests: int) -> None:
    """Write so many callbacks to a file, those of 64 calls at a time mixed, each call's in order."""
    target = _target(source)
    begin = now() - timedelta(minutes=2)
    with path.open("wb") as file:
        for _ in range(requests // (CALLS_AT_ONCE * len(STATUSES)) + 1):
            calls = [
                (f"CA{uuid.uuid4().hex}", SENT_TO.format(random.randrange(10_000)), random.randrange(USERS))
                for _ in range(CALLS_AT_ONCE)
            ]
            for place in range(len(STATUSES)):
                for leg, number, user in calls:
                    body, headers = _callback(place, leg, number, SENT_FROM.format(user), begin, target)
                    lines = [f"POST {target} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Content-Length: {len(body)}"]
                    lines += [f"{name}: {value}" for name, value in headers.items()]
                    request = "\r\n".join([*lines, "", ""]).encode() + body
                    file.write(b"%08d" % len(request) + request)


def _target(source: StoredSource) -> str:
    return f"/ingest/twilio/{source.id}/status"


def _callback(
    place: int, leg: str, number: str, user: str, begin: datetime, target: str
) -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers of one callback of a call."""
    status = STATUSES[place]
    form = {
        "AccountSid": "AC00000000000000000000000000000001",
        "ApiVersion": "2010-04-01",
        "CallSid": leg,
        "CallStatus": "in-progress" if status == "answered" else status,
        "CallbackSource": "call-progress-events",
        "Direction": "outbound-api",
        "From": user,
        "To": number,
        "SequenceNumber": str(place),
        "Timestamp": format_datetime((begin + timedelta(seconds=20 * place)).astimezone(UTC)),
    }
    if status == "completed":
        form |= {"CallDuration": "20", "Duration": "1", "SipResponseCode": "200"}
    signed = PUBLIC_URL + target + "".join(name + form[name] for name in sorted(form))
    signature = base64.b64encode(hmac.digest(TOKEN.encode(), signed.encode(), hashlib.sha1)).decode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
    return urlencode(form).encode(), headers


# ------------------------------------------------------------------------------------------------ the same in SQL


class _Noting(Session):
    """A connection that notes which statements it is asked for, with which values."""

    __slots__ = ("asked",)

    def __init__(self, session: Session) -> None:
        super().__init__(session.connection, session.known)
        self.asked: list[tuple[Statement, dict[str, Any]]] = []

    async def fetch_row(self, statement: Statement, **values: Any) -> Row | None:
        self.asked.append((statement, values))
        return await super().fetch_row(statement, **values)

    async def fetch_rows(self, statement: Statement, **values: Any) -> list[Row]:
        self.asked.append((statement, values))
        return await super().fetch_rows(statement, **values)


async def _script(made: Made, source: StoredSource) -> str:
    """Return what pgbench runs for one call."""
    leg, number, user = "CA" + "1" * 32, SENT_TO.format(42), SENT_FROM.format(7)
    db = await connect(made.url)
    try:
        noting = _Noting(db)
        for place in range(len(STATUSES)):
            body, headers = _callback(place, leg, number, user, now() - timedelta(minutes=2), _target(source))
            lower = {name.lower(): value for name, value in headers.items()}
            reports = read_reports(source.source, IncomingRequest(_target(source), lower, body), now())
            await record_reports(noting, source, reports, request_id="req_0123456789abcdef01234567")
        asked = [(statement, values) for statement, values in noting.asked if _MONTHS not in statement.text]
        id = next(str(values["id"][0]) for _, values in asked if "id" in values)
        variable = {
            id: f"'{id[:_ID_PREFIX]}' || lpad(:n, 12, '0')",
            leg: "'CA' || lpad(:n, 32, '0')",
            number: f"'{SENT_TO[:8]}' || lpad(:contact, 4, '0')",
            user: f"'{SENT_FROM[:10]}' || lpad(:user, 2, '0')",
        }
        lines = [
            "\\set n random(1, 999999999999)",
            "\\set contact random(0, 9999)",
            f"\\set user random(0, {USERS - 1})",
        ]
        for statement, values in asked:
            prepared = await db.connection.prepare(statement.text)
            types = [f"{one.schema}.{one.name}" for one in prepared.get_parameters()]
            lines.append(_text(statement, values, types, variable))
        return "\n".join([*lines, ""])
    finally:
        await db.connection.close()


def _text(statement: Statement, values: dict[str, Any], types: Sequence[str], variable: dict[str, str]) -> str:
    """Return a statement with its values in it, those of the call at hand as expressions."""
    marks = re.compile("(" + "|".join(map(re.escape, variable)) + ")")

    def value(match: re.Match[str]) -> str:
        place = int(match[1]) - 1
        given = values[statement.names[place]]
        if given is None:
            return f"NULL::{types[place]}"
        parts = [variable.get(part) or _literal(part) for part in marks.split(_plain(given)) if part]
        return f"({' || '.join(parts) or _literal('')})::{types[place]}"

    return _PARAMETER.sub(value, " ".join(statement.text.split())) + ";"


def _plain(value: Any) -> str:
    """Return a value as PostgreSQL reads it."""
    if isinstance(value, list | tuple):
        return "{" + ",".join("NULL" if one is None else _quoted(_plain(one)) for one in value) + "}"
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _literal(text: str) -> str:
    # pgbench takes a colon for the beginning of a variable.
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace(":", "\\x3A")
    return f"E'{escaped}'"
