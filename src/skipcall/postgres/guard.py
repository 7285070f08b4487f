"""Owns one PostgreSQL server and shuts it down when nobody uses it any more, however they ended.

Run by `embedded.py` as `python -I -S guard.py ORDER`; imports nothing of skipcall. ORDER is JSON:
line      socket to the owner; its end says "the owner is gone". We say `r` the server is ready, `k` kept running because
          others use it; our end says "stopped"
users     open users.lock: every process that uses the server shares it, so getting it exclusively means "the last one left"
tree      path of tree.lock, which every server process inherits: it is free when the last of them is gone
pid_file  path of postmaster.pid;  command, environment, user: how to start it (root has to become someone else)
adopt     null, or the process id of a server that runs already (its guard was killed)

A server that dies by accident is started again. Signals for the terminal's process group do not count: the line does.
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
    """The server's main process: our child, or an adopted stranger."""

    def __init__(self, order: dict[str, Any], child: subprocess.Popen[bytes] | None) -> None:
        self.order, self.child = order, child
        self.pid: int = child.pid if child else order["adopt"]
        self.started = time.monotonic()
        self.ready = False
        self.pidfd: int | None = None
        if sys.platform == "linux":
            with contextlib.suppress(OSError):  # an old kernel: we look from time to time instead
                self.pidfd = os.pidfd_open(self.pid)

    def pid_file(self) -> list[str]:
        try:
            with open(self.order["pid_file"], encoding="utf-8", errors="replace") as file:
                return file.read().split("\n")
        except OSError:
            return []

    def became_ready(self) -> bool:
        if not self.ready:
            lines = self.pid_file()
            self.ready = lines[:1] == [str(self.pid)] and "".join(lines[7:8]).strip() == "ready"
        return self.ready

    def alive(self) -> bool:
        if self.child is not None:
            return self.child.poll() is None
        if self.pidfd is not None:
            return not select.select([self.pidfd], [], [], 0)[0]
        tree = claim(self.order["tree"])
        if tree is not None:
            os.close(tree)
        return tree is None and self.pid_file()[:1] == [str(self.pid)]

    def ended_by_accident(self) -> bool:
        """A clean shutdown removes postmaster.pid and answers 0; anything else was not meant."""
        return self.child.returncode != 0 if self.child is not None else bool(self.pid_file())

    def signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self.pidfd is not None and sys.platform == "linux":
                signal.pidfd_send_signal(self.pidfd, number)
            else:
                os.kill(self.pid, number)

    def shut_down(self) -> None:
        for number, seconds in ((signal.SIGINT, FAST_SHUTDOWN_SECONDS), (signal.SIGQUIT, IMMEDIATE_SHUTDOWN_SECONDS)):
            if self.alive():
                self.signal(number)
            end = time.monotonic() + seconds
            while self.alive() and time.monotonic() < end:
                select.select([self.pidfd] if self.pidfd is not None else [], [], [], 0.01)


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


def report(order: dict[str, Any], word: bytes) -> None:
    with contextlib.suppress(OSError):  # nobody is left to read it
        os.write(order["line"], word)


def pause(order: dict[str, Any], postmaster: Postmaster | None, *, owner_left: bool) -> None:
    """Wait until there is something to do, or it is time to look again at what tells nobody when it changes."""
    ready, pidfd = (postmaster.ready, postmaster.pidfd) if postmaster is not None else (False, None)
    events = [*([] if owner_left else [order["line"]]), *([] if pidfd is None else [pidfd])]
    seconds = 0.004 if not ready else 0.02 if owner_left else 0.2 if pidfd is None else None
    select.select(events, [], [], seconds)


def watch(order: dict[str, Any]) -> None:
    """Run until the server ended on purpose, or its last user left and it was shut down."""
    postmaster = Postmaster(order, None) if order["adopt"] else None
    left_at: float | None = None
    told_ready = told_kept = False
    delay = not_before = 0.0
    while True:
        now = time.monotonic()
        if left_at is None and select.select([order["line"]], [], [], 0)[0]:
            left_at = now
        if left_at is not None:
            if lock(order["users"]):
                break
            if not told_kept and now - left_at > KEPT_AFTER_SECONDS:
                told_kept = True
                report(order, b"k")
        if postmaster is None:
            postmaster = launch(order) if now >= not_before else None
        elif not postmaster.alive():
            if not told_ready or not postmaster.ended_by_accident():
                return
            print(f"skipcall guard: PostgreSQL (pid {postmaster.pid}) died, starting it again", file=sys.stderr)
            steady = now - postmaster.started > STEADY_SECONDS
            delay = 0.0 if steady else min(max(0.2, delay * 2), RESTART_DELAY_MAX_SECONDS)
            not_before = now + delay
            if postmaster.pidfd is not None:
                os.close(postmaster.pidfd)
            postmaster = None
        elif postmaster.became_ready() and not told_ready:
            told_ready = True
            report(order, b"r")
        pause(order, postmaster, owner_left=left_at is not None)
    if postmaster is not None:
        postmaster.shut_down()


if __name__ == "__main__":
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, lambda *_: None)  # not SIG_IGN, which the server would inherit
    watch(json.loads(sys.argv[1]))
