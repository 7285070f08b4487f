"""Load: wrk against a server, pgbench against the database itself. Both run on the database's core.

A run with a single refused or lost request is no run, and PATCHes that change nothing are none either.
"""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import msgspec

from benchmarks.data import ID_PREFIX, Tenant
from benchmarks.machine import pinned_to
from benchmarks.servers import BenchmarkError
from skipcall.contacts.queries import GET_CONTACT, UPDATE_CONTACT, UPDATE_CONTACT_AND_FIELDS
from skipcall.postgres.db import SESSION_SETTINGS, Statement

HTTP_CONNECTIONS = 32
DATABASE_CONNECTIONS = 16
_PGOPTIONS = " ".join(f"-c {name}={value}" for name, value in SESSION_SETTINGS.items())  # as the product's own sessions
_SCRIPT = Path(__file__).with_name("requests.lua")
_PARAMETER = re.compile(r"\$(\d+)")


class Load(msgspec.Struct, frozen=True):
    """What one run of a load generator did. pgbench has no percentiles."""

    requests: int
    per_second: float
    p50_ms: float | None = None
    p99_ms: float | None = None


class _WrkResult(msgspec.Struct):
    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    refused: int
    lost: int


def wrk(method: str, seconds: int, *, port: int, tenant: Tenant, core: int) -> Load:
    """Send GETs or PATCHes on 32 connections as fast as they are answered."""
    command = ["wrk", "-t1", f"-c{HTTP_CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "-s", str(_SCRIPT)]
    command += [f"http://127.0.0.1:{port}", "--", method, tenant.key, str(tenant.contacts), ID_PREFIX]
    return read_wrk(run(command, core, seconds), method)


def read_wrk(output: str, name: str) -> Load:
    """Return what wrk reports through `done` in our scripts."""
    line = next((line for line in output.splitlines() if line.startswith("RESULT ")), None)
    if line is None:
        raise BenchmarkError(f"wrk reported nothing: {output}")
    result = msgspec.json.decode(line.removeprefix("RESULT "), type=_WrkResult)
    if result.refused or result.lost or not result.requests:
        raise BenchmarkError(f"{name}: {result.refused} of {result.requests} refused, {result.lost} lost")
    return Load(result.requests, result.requests / result.seconds, result.p50_ms, result.p99_ms)


# What the bodies in requests.lua come down to: `:n` is a random number, the rest of the parameters is null.
_PATCHES = (
    {"first_name": "'Camille ' || :n", "role": "'Head of Sales ' || :n"},
    {"company": "'Atelier ' || :n", "city": "'Lille ' || :n"},
    {"email": "'camille.moreau.' || :n || '@example.com'"},
    {"phone_numbers": "ARRAY['+3363998' || lpad(:n, 4, '0'), '+3319900' || lpad(:n, 4, '0')]"},
    {"custom_fields": '\'{"industry":"Secteur \' || :n || \'","team_size":"\' || :n || \'"}\''},
    {"last_name": "'Moreau ' || :n", "url": "'https://example.com/' || :n", "allow_phone_calls": "true"},
)
_ID = f"('{ID_PREFIX}' || lpad(:contact, 12, '0'))::uuid"


class Pgbench:
    """The two statements as pgbench runs them: prepared, what is always sent as a parameter, and a null as a constant."""

    def __init__(self, binaries: Path, url: str, tenant: Tenant, place: Path) -> None:
        self._binary = binaries / "pgbench"
        self._url = url
        place.mkdir()
        # Parameters whose value is the same in every call.
        self._variables = {
            "workspace_ids": f"{{{tenant.workspace_id}}}",
            "by_slug": "false",
            "source": "API",
            "api_key_id": str(tenant.api_key_id),
            "request_id": "req_0123456789abcdef01234567",
        }
        head = f"\\set contact random(1, {tenant.contacts})\n\\set n random(1, 1000000)\n"
        updates = [
            self._text(UPDATE_CONTACT_AND_FIELDS if "custom_fields" in one else UPDATE_CONTACT, one) for one in _PATCHES
        ]
        texts = {"GET": [self._text(GET_CONTACT, {})], "PATCH": updates}
        self._scripts: dict[str, list[Path]] = {}
        for method, statements in texts.items():
            self._scripts[method] = [place / f"{method}{number}.sql" for number in range(len(statements))]
            for file, text in zip(self._scripts[method], statements, strict=True):
                file.write_text(f"{head}{text};\n")

    def run(self, method: str, seconds: int, *, core: int) -> Load:
        """Run the statement on 16 connections over the socket as fast as it is answered."""
        command = [str(self._binary), "-n", "-M", "prepared", f"-c{DATABASE_CONNECTIONS}", "-j1", f"-T{seconds}"]
        for name, value in self._variables.items():
            command += ["-D", f"{name}={value}"]
        for script in self._scripts[method]:
            command += ["-f", f"{script}@1"]
        return read_pgbench(run([*command, self._url], core, seconds))

    def _text(self, statement: Statement, values: dict[str, str]) -> str:
        return inline(statement, {name: f":{name}" for name in self._variables} | {"id": _ID} | values)


def inline(statement: Statement, values: Mapping[str, str]) -> str:
    """Return the text of a statement with SQL in the place of its parameters, NULL where none is given."""

    def value(match: re.Match[str]) -> str:
        return f"({values.get(statement.names[int(match[1]) - 1], 'NULL')})"

    return " ".join(_PARAMETER.sub(value, statement.text).split())


def read_pgbench(output: str) -> Load:
    """Return what pgbench reports, a transaction as a request."""
    failed = re.search(r"number of failed transactions: (\d+)", output)
    done = re.search(r"number of transactions actually processed: (\d+)", output)
    rate = re.search(r"tps = ([\d.]+)", output)
    if not failed or not done or not rate or failed[1] != "0":
        raise BenchmarkError(f"pgbench: {output}")
    return Load(int(done[1]), float(rate[1]))


def run(command: list[str], core: int, seconds: int) -> str:
    """Run a load generator on a core for so many seconds, and return what it prints."""
    with pinned_to(core):
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds + 60,
            check=False,
            env=os.environ | {"PGOPTIONS": _PGOPTIONS},
        )
    if done.returncode:
        raise BenchmarkError(f"{command[0]} failed: {done.stdout}")
    return done.stdout
