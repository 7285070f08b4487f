#!/usr/bin/env python3
"""The one command of this repository. It needs Python 3.11 or newer with pip, and keeps everything else in .venv.

python3 run.py                     the server with demo data, the same as: python3 run.py serve --demo
python3 run.py COMMAND [ARGS]      any command of skipcall; --help lists them
python3 run.py test [ARGS]         every check, then every test; ARGS go to pytest
python3 run.py test --clients      the tests with generated clients, alone (they need Java)
python3 run.py check               format, lint, types, imports between folders, migrations, lock files
python3 run.py bench [ARGS]        the benchmarks
python3 run.py lock [--upgrade]    writes the lock files anew from pyproject.toml
"""

# Python 3.8 must be able to read this file, to say that it is too old. When .venv is ready, nothing here may cost more
# than a few milliseconds: what only the set-up needs is imported where it is used.
from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed"  # what .venv holds; missing while .venv is half-made

OLDEST_PIP = (22, 3)  # the first that installs into another environment
LOCK_FILES = ["requirements.lock", "requirements-dev.lock", "requirements-clients.lock"]
SERVER, DEVELOPMENT, CLIENTS = 1, 2, 3  # how many of the lock files a command needs

COMMANDS = {  # ours; every other command is skipcall's
    "test": (DEVELOPMENT, ["tools/check.py", "--then-test"]),
    "test --clients": (CLIENTS, ["-m", "pytest", "tests/clients"]),
    "check": (DEVELOPMENT, ["tools/check.py"]),
    "bench": (DEVELOPMENT, ["-m", "benchmarks"]),
    "lock": (DEVELOPMENT, ["tools/lock.py"]),
}


def main(arguments: list[str]) -> None:
    if "--clients" in arguments and arguments[0] == "test":
        arguments = ["test --clients"] + [each for each in arguments[1:] if each != "--clients"]
    if arguments[0] in COMMANDS:
        needed, command = COMMANDS[arguments.pop(0)]
        os.chdir(ROOT)
    else:
        needed, command = SERVER, ["-P", "-m", "skipcall"]  # -P: whatever folder the user is in, its files aren't ours
    prepare(needed)
    os.execv(PYTHON, [str(PYTHON), *command, *arguments])  # signals and the exit status are then the command's own


def prepare(needed: int) -> None:
    """Make sure that .venv holds the first `needed` lock files."""
    target = stamp(needed)
    if installed().startswith(target):
        return
    import fcntl

    print("Setting up .venv, this can take a minute ...", file=sys.stderr, flush=True)
    with (ROOT / ".venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if installed().startswith(target):  # by another run, while this one waited
            return
        pip = find_pip()
        reusable = installed().startswith(stamp(0))
        STAMP.unlink(missing_ok=True)
        if not reusable:
            make_venv()
        # pip holds the lock too: should this process be killed, the next one waits until that pip has ended.
        install(pip, LOCK_FILES[:needed], keep_open=lock.fileno())
        STAMP.write_bytes(target)


def installed() -> bytes:
    return STAMP.read_bytes() if STAMP.exists() else b""


def stamp(needed: int) -> bytes:
    """How STAMP begins if this Python made .venv, in this folder, and it holds the first `needed` lock files."""
    owner = f"{sys.version}\n{sys.base_prefix}\n{VENV}\n"
    return owner.encode() + b"".join((ROOT / name).read_bytes() for name in LOCK_FILES[:needed])


def make_venv() -> None:
    import shlex
    import venv

    venv.create(VENV, clear=True, symlinks=True)
    for packages in VENV.glob("lib/python*/site-packages"):
        (packages / "skipcall.pth").write_text(f"{ROOT / 'src'}\n", encoding="utf-8")
    script = VENV / "bin" / "skipcall"
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(str(PYTHON))} -P -m skipcall "$@"\n', encoding="utf-8")
    script.chmod(0o755)


def find_pip() -> list[str]:
    import re
    import subprocess

    outside = getattr(sys, "_base_executable", sys.executable)  # a .venv made here has no pip of its own
    for python in (sys.executable, outside):
        answer = subprocess.run([python, "-m", "pip", "--version"], capture_output=True, text=True, check=False)
        version = re.match(r"pip (\d+)\.(\d+)", answer.stdout)
        if version and (int(version[1]), int(version[2])) >= OLDEST_PIP:
            return [python, "-m", "pip"]
    sys.exit(
        f"The set-up needs pip 22.3 or newer, and {outside} has none. To get it:\n"
        f"  Debian, Ubuntu   apt-get install python3-pip\n"
        f"  elsewhere        {outside} -m ensurepip --upgrade\n"
        f"  when it is old   {outside} -m pip install --upgrade pip"
    )


def install(pip: list[str], lock_files: list[str], keep_open: int) -> None:
    import subprocess

    command = [*pip, "--python", str(PYTHON), "install", "--quiet", "--no-input", "--no-compile", "--no-user"]
    command += ["--disable-pip-version-check", "--only-binary", ":all:", "--require-hashes"]
    command += [f"--requirement={ROOT / name}" for name in lock_files]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, pass_fds=[keep_open]
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\npip could not install what skipcall needs; its own words are above.")


if __name__ == "__main__":
    if os.name != "posix":
        sys.exit("skipcall runs on Linux and macOS. On Windows, use it inside WSL.")
    if sys.version_info < (3, 11):
        sys.exit(f"skipcall needs Python 3.11 or newer, and this is {sys.version.split()[0]}. Try: python3.13 run.py")
    try:
        main(sys.argv[1:] or ["serve", "--demo"])
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:  # a full disk, a folder that belongs to somebody else
        sys.exit(f"The set-up failed: {error}")
