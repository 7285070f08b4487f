"""A storage that kills its process right after one of its steps."""

import os
import signal
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

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
