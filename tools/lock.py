"""Writes the lock files from pyproject.toml, for all platforms and Pythons at once. Run it as `python3 run.py lock`.

What is locked stays as it is while pyproject.toml allows it; `python3 run.py lock --upgrade` takes the newest of everything.
"""

import subprocess
import sys
from pathlib import Path

LOCK_FILES = {  # each agrees with the one before it
    "requirements.lock": ["pyproject.toml"],
    "requirements-dev.lock": ["pyproject.toml", "--group=dev", "--constraints=requirements.lock"],
    "requirements-clients.lock": ["--group=clients", "--constraints=requirements-dev.lock"],
}


def main(options: list[str]) -> None:
    uv = Path(sys.executable).parent / "uv"
    for name, sources in LOCK_FILES.items():
        subprocess.run([uv, "pip", "compile", "--quiet", *options, f"--output-file={name}", *sources], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
