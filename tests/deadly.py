"""What kills its process: a storage right after one of its steps, a database after so many statements."""

import os
import signal
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from skipcall.postgres.db import Row, Session, Statement
from skipcall.storage.folder import Folder


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Deadly(Folder):
    """A folder in which one step is the last."""

    def __init__(self, root: Path, step: str) -> None:
        super().__init__(root)
        self.step = step

    async def put(self, key: str, chunks: AsyncIterator[bytes], content_type: str) -> None:
        await super().put(key, self.cut(chunks), content_type)
        if self.step == "pending":
            die()

    async def cut(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for chunk in chunks:
            yield chunk
            if self.step == "writing":
                die()

    async def move(self, key: str, new_key: str) -> None:
        await super().move(key, new_key)
        if self.step == "moved":
            die()

    async def delete(self, keys: Sequence[str]) -> None:
        await super().delete(keys[:1] if self.step == "one deleted" else keys)
        if self.step in {"one deleted", "deleted"}:
            die()


def die_after(statements: int) -> None:
    """Let this process die after so many statements that answer something."""
    left = iter(range(statements))
    fetch_rows, fetch_row = Session.fetch_rows, Session.fetch_row

    async def rows(self: Session, statement: Statement, **values: Any) -> list[Row]:
        found = await fetch_rows(self, statement, **values)
        if next(left, None) is None:
            die()
        return found

    async def row(self: Session, statement: Statement, **values: Any) -> Row | None:
        found = await fetch_row(self, statement, **values)
        if next(left, None) is None:
            die()
        return found

    Session.fetch_rows, Session.fetch_row = rows, row  # type: ignore[method-assign]
