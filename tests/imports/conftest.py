"""Teams whose files are kept in a folder, or in a folder and in a bucket, and a worker that is told when to work."""

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from skipcall.imports.running import Importer
from skipcall.postgres.db import Database
from skipcall.postgres.embedded import EmbeddedPostgres
from skipcall.storage.model import Storage
from tests.client import Client
from tests.keeping import Kept, keeping
from tests.serving import SECRET

IMPORTS = "/v1/imports"
HEADINGS = ("First Name", "Last Name", "Email", "Phone Number")
ZOE = ("Zoé", "Roy", "zoe@roy.example", "06 39 98 00 01")
LEA = ("Léa", "Rey", "lea@rey.example", "06 39 98 00 02")


class Loader(NamedTuple):
    """A team that loads files."""

    kept: Kept

    @property
    def client(self) -> Client:
        return self.kept.team.client

    def asked(self, **settings: Any) -> str:
        """Ask for an import and return its path."""
        return f"{IMPORTS}/{self.client.post(IMPORTS, settings)['id']}"

    def sent(self, content: bytes | str, **settings: Any) -> str:
        """Ask for an import, send its file, and return its path."""
        path = self.asked(**settings)
        self.send(path, content)
        return path

    def send(self, path: str, content: bytes | str, status: int = 200) -> Any:
        content = content.encode() if isinstance(content, str) else content
        headers = {"content-type": "application/octet-stream"}
        return self.client.request("PUT", f"{path}/file", content=content, headers=headers, status=status).json()

    def done(self, content: bytes | str, **settings: Any) -> dict[str, Any]:
        """Import a file and return the import."""
        path = self.sent(content, dryRun=False, **settings)
        self.kept.work()
        return self.get(path)

    def checked(self, content: bytes | str, **settings: Any) -> dict[str, Any]:
        """Have a file checked and return the import."""
        path = self.sent(content, **settings)
        self.kept.work()
        return self.get(path)

    def get(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get(path)
        return found

    def errors(self, found: dict[str, Any]) -> list[dict[str, str]]:
        response = self.client.request("GET", f"{IMPORTS}/{found['id']}/errors", status=200)
        return list(csv.DictReader(io.StringIO(response.text, newline="")))

    def contacts(self) -> list[dict[str, Any]]:
        """Return all contacts, oldest first."""
        return self.client.walk("/v1/contacts", sort="createdAt", include="externalId", size=500)


def csv_of(*rows: Iterable[str], headings: Iterable[str] = HEADINGS) -> str:
    file = io.StringIO(newline="")
    csv.writer(file).writerows([headings, *rows])
    return file.getvalue()


def counts(**some: int) -> dict[str, int]:
    names = ("created", "updated", "unchanged", "ambiguous", "refused", "errors", "refusalsKept")
    return dict.fromkeys(names, 0) | some


async def _work(database: Database, storage: Storage) -> None:
    importer = Importer(database, storage, SECRET.encode())
    while not await importer.step():
        pass
    await importer.remove_expired()


@pytest.fixture(scope="module")
def loading(request: pytest.FixtureRequest, postgres: EmbeddedPostgres, place: Path) -> Iterator[Kept]:
    folder = place / request.module.__name__
    folder.mkdir()
    with keeping(request, postgres.url, folder, "folder", _work) as kept:
        yield kept


def _alone(kept: Kept) -> Loader:
    """What other tests have sent is not for the workers of this one."""
    kept.team.make.rows("UPDATE imports SET next_attempt_at = 'infinity' WHERE next_attempt_at IS NOT NULL")
    return Loader(kept)


@pytest.fixture
def loader(loading: Kept) -> Loader:
    """A new team."""
    return _alone(loading._replace(team=loading.team.make.team()))


@pytest.fixture(params=["folder", "bucket"])
def anywhere(request: pytest.FixtureRequest, postgres: EmbeddedPostgres, tmp_path: Path) -> Iterator[Loader]:
    """A team whose files are kept in a folder, and one whose are in a bucket."""
    with keeping(request, postgres.url, tmp_path, request.param, _work) as kept:
        yield _alone(kept)
