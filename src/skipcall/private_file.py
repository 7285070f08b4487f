"""Files that only their owner may read, there as a whole or not at all."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path


def replace_file(path: Path, text: str) -> None:
    """Write a file in place of what was there. Raises `OSError`."""
    with _draft(path, text) as draft:
        draft.replace(path)


def write_once(path: Path, text: str) -> None:
    """Write a file unless it is there; of several writers, the first wins. Raises `OSError`."""
    with _draft(path, text) as draft, contextlib.suppress(FileExistsError):
        path.hardlink_to(draft)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


@contextlib.contextmanager
def _draft(path: Path, text: str) -> Iterator[Path]:
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(file, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(file)
        yield draft
    finally:
        draft.unlink(missing_ok=True)
