"""A worker that is killed at whichever moment of an import: the next one goes on, with no contact twice and none missing."""

import signal
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from tests.imports.conftest import Loader, counts, csv_of
from tests.make import phone_number

KILLED = Path(__file__).with_name("killed.py")
ROOT = Path(__file__).parents[2]
ROWS = 35
FILE = csv_of(*((f"Zoé {number}", "Roy", f"zoe.{number}@roy.example", phone_number(number)) for number in range(ROWS)))


def kill(loader: Loader, path: str, statements: int) -> None:
    """Let a worker die, and its lease be over."""
    make = loader.kept.team.make
    command = [sys.executable, str(KILLED), make.database_url, str(statements)]
    environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"} | loader.kept.settings
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    id = UUID(path.rpartition("/")[2])
    make.rows("UPDATE imports SET next_attempt_at = now() WHERE id = :id RETURNING id", id=id)


def emails(loader: Loader) -> list[str]:
    return [one["email"] for one in loader.contacts()]


ALL = [f"zoe.{number}@roy.example" for number in range(ROWS)]


@pytest.mark.parametrize("statements", [1, 4, 7, 11, 15, 19])
def test_an_import(loader: Loader, statements: int) -> None:
    path = loader.sent(FILE, matchBy=["email"], dryRun=False)
    kill(loader, path, statements)
    left = emails(loader)
    assert len(left) % 10 == 0
    assert len(left) < ROWS
    loader.kept.work()
    found = loader.get(path)
    assert (found["status"], found["counts"]) == ("COMPLETED", counts(created=ROWS))
    assert sorted(emails(loader)) == sorted(ALL)
    assert loader.client.get("/v1/contacts")["meta"]["total"] == ROWS


def test_an_import_whose_file_is_in_a_bucket_or_a_folder(anywhere: Loader) -> None:
    for statements in range(2, 19, 4):
        loader = Loader(anywhere.kept._replace(team=anywhere.kept.team.make.team()))
        path = loader.sent(FILE, matchBy=["email", "phoneNumbers"], dryRun=False)
        kill(loader, path, statements)
        kill(loader, path, 3)  # the next one too, wherever the first has left it
        loader.kept.work()
        found = loader.get(path)
        assert (found["status"], found["counts"]) == ("COMPLETED", counts(created=ROWS))
        assert sorted(emails(loader)) == sorted(ALL)


@pytest.mark.parametrize("statements", [1, 8, 13])
def test_a_dry_run(loader: Loader, statements: int) -> None:
    path = loader.sent(FILE, matchBy=["email"])
    kill(loader, path, statements)
    loader.kept.work()
    found = loader.get(path)
    assert (found["status"], found["dryRun"]["counts"]) == ("AWAITING_CONFIRMATION", counts(created=ROWS))
    assert emails(loader) == []


@pytest.mark.parametrize("statements", [1, 5, 9, 13])
def test_undoing(loader: Loader, statements: int) -> None:
    found = loader.done(FILE, matchBy=["email"])
    path = f"/v1/imports/{found['id']}"
    loader.client.post(f"{path}/undo", None, status=200)
    kill(loader, path, statements)
    loader.kept.work()
    done = loader.get(path)
    assert (done["status"], done["undone"]["deleted"]) == ("UNDONE", ROWS)
    assert emails(loader) == []
    assert loader.client.get("/v1/contacts")["meta"]["total"] == 0
