"""Owns one PostgreSQL server and shuts it down when nobody uses it any more, however they ended.

Run by `embedded.py` as `python -I -S guard.py ORDER`; imports nothing of skipcall. ORDER is JSON:
lifeline  pipe that says "the owner is gone" by a byte or by its end
report    pipe for the answers: `r` the server is ready, `k` kept running because others use it; its end means "stopped"
users     open users.lock: every process that uses the server shares it, so getting it exclusively means "the last one left"
tree      path of tree.lock, which every server process inherits: it is free when the last of them is gone
pid_file  path of postmaster.pid;  command, environment, user: how to start it (root has to become someone else)
adopt, pidfd  a server that runs already (from a guard that was killed), instead of starting one

A server that dies by accident is started again. Signals for the terminal's process group do not count: the pipe does.
"""

import contextlib
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from typing import Any

FAST_SHUTDOWN_SECONDS = 20.0
IMMEDIATE_SHUTDOWN_SECONDS = 10.0
KEPT_AFTER_SECONDS = 0.25
RESTART_DELAY_MAX_SECONDS = 5.0
STEADY_SECONDS = 10.0  # having run so long, it is started again at once


class Postmaster:
    """The server's main process: our child, or an adopted stranger that a pidfd names beyond doubt."""

    def __init__(self, order: dict[str, Any], child: subprocess.Popen[bytes] | None) -> None:
        self.order, self.child = order, child
        self.pid: int = child.pid if child else order["adopt"]
        self.pidfd: int | None = order["pidfd"] if child is None else None
        self.started = time.monotonic()
        if child is not None and sys.platform == "linux":
            try:
                self.pidfd = os.pidfd_open(child.pid)
            except OSError:  # an old kernel: the loop looks from time to time instead
                self.pidfd = None

    def pid_file(self) -> list[str]:
        try:
            with open(self.order["pid_file"], encoding="utf-8", errors="replace") as file:
                return file.read().split("\n")
        except OSError:
            return []

    def ready(self) -> bool:
        lines = self.pid_file()
        return lines[:1] == [str(self.pid)] and [line.strip() for line in lines[7:8]] == ["ready"]

    def alive(self) -> bool:
        if self.child is not None:
            return self.child.poll() is None
        if self.pidfd is not None:
            return not select.select([self.pidfd], [], [], 0)[0]
        return self.pid_file()[:1] == [str(self.pid)] and claim(self.order["tree"]) is None

    def ended_by_accident(self) -> bool:
        """A clean shutdown removes postmaster.pid and answers 0; anything else was not meant."""
        return self.child.returncode != 0 if self.child is not None else bool(self.pid_file())

    def signal(self, number: signal.Signals) -> None:
        if self.child is not None:
            self.child.send_signal(number)
        elif self.pidfd is not None and sys.platform == "linux":
            signal.pidfd_send_signal(self.pidfd, number)
        else:
            os.kill(self.pid, number)

    def forget(self) -> None:
        if self.pidfd is not None:
            os.close(self.pidfd)


def claim(path: str) -> int | None:
    """Return the file at `path`, locked for us alone, or None while anyone else holds it."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    if lock(file):
        return file
    os.close(file)
    return None


def lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def launch(order: dict[str, Any]) -> Postmaster | None:
    """Start the server, or return None while a process of an earlier one still lives."""
    tree = claim(order["tree"])
    if tree is None:
        return None
    child = subprocess.Popen(
        order["command"], env=order["environment"], stdin=subprocess.DEVNULL, cwd="/", pass_fds=[tree], **order["user"]
    )
    os.close(tree)
    return Postmaster(order, child)


def shut_down(postmaster: Postmaster) -> None:
    for number, seconds in ((signal.SIGINT, FAST_SHUTDOWN_SECONDS), (signal.SIGQUIT, IMMEDIATE_SHUTDOWN_SECONDS)):
        if not postmaster.alive():
            return
        postmaster.signal(number)
        end = time.monotonic() + seconds
        while postmaster.alive() and time.monotonic() < end:
            select.select([postmaster.pidfd] if postmaster.pidfd is not None else [], [], [], 0.01)


def report(order: dict[str, Any], word: bytes) -> None:
    with contextlib.suppress(OSError):  # nobody is left to read it
        os.write(order["report"], word)


def watch(order: dict[str, Any]) -> None:
    """Run until the server ended on purpose, or its last user left and it was shut down."""
    postmaster = Postmaster(order, None) if order["adopt"] else None
    left_at: float | None = None
    ready_once = ready = kept = False
    delay = not_before = 0.0
    while True:
        now = time.monotonic()
        if left_at is None and select.select([order["lifeline"]], [], [], 0)[0]:
            left_at = now
        if left_at is not None:
            if lock(order["users"]):
                break
            if not kept and now - left_at > KEPT_AFTER_SECONDS:
                kept = True
                report(order, b"k")
        if postmaster is None:
            postmaster = launch(order) if now >= not_before else None
        elif not postmaster.alive():
            if not ready_once or not postmaster.ended_by_accident():
                return
            print(
                f"skipcall guard: PostgreSQL (pid {postmaster.pid}) died, starting it again",
                file=sys.stderr,
                flush=True,
            )
            delay = (
                0.0
                if now - postmaster.started > STEADY_SECONDS
                else min(max(0.2, delay * 2), RESTART_DELAY_MAX_SECONDS)
            )
            not_before, ready = now + delay, False
            postmaster.forget()
            postmaster = None
        elif not ready and postmaster.ready():
            ready = True
            if not ready_once:
                ready_once = True
                report(order, b"r")
        events = [order["lifeline"]] if left_at is None else []
        if postmaster is not None and postmaster.pidfd is not None:
            events.append(postmaster.pidfd)
        seconds = 0.004 if not ready else 0.02 if left_at is not None else 0.2
        idle = ready and left_at is None and postmaster is not None and postmaster.pidfd is not None
        select.select(events, [], [], None if idle else seconds)
    if postmaster is not None:
        shut_down(postmaster)


if __name__ == "__main__":
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, lambda *_: None)  # not SIG_IGN, which the server would inherit
    watch(json.loads(sys.argv[1]))
