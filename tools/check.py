"""Every check of the code that runs no server; with --then-test, every test too. Run it as `python3 run.py check`."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

BIN = Path(sys.executable).parent
CHECKS = {
    "types": ["mypy", "--no-error-summary"],
    "format": ["ruff", "format", "--check", "--quiet"],
    "lint": ["ruff", "check", "--quiet"],
    "imports": ["lint-imports"],
    "migrations": ["squawk", "src/skipcall/postgres/migrations/*.sql"],
    "lock files": ["pytest", "--quiet", "-n0", "--noconftest", "tests/rules/test_lock_files.py"],
}


def main(arguments: list[str]) -> int:
    with ThreadPoolExecutor(max_workers=2) as pool:
        failures = sum(pool.map(check, CHECKS))
    if "--then-test" not in arguments:
        return min(failures, 1)
    arguments.remove("--then-test")
    pytest = [sys.executable, "-m", "pytest", *arguments]
    if not failures:
        os.execv(sys.executable, pytest)
    subprocess.run(pytest, check=False)
    print("Checks failed, see above the tests.")
    return 1


def check(name: str) -> bool:
    """Whether the check failed."""
    tool, *options = CHECKS[name]
    done = subprocess.run(
        [BIN / tool, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    failed = done.returncode != 0
    print(f"{name:<12}{'FAILED' if failed else 'ok'}\n{done.stdout if failed else ''}", end="", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
