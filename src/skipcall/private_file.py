"""Files that are there as a whole or not at all, for their owner alone unless something else is asked for."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

_OWNER_ALONE = 0o600


def replace_file(path: Path, text: str) -> None:
    """Write a file in place of what was there, as `replacing` does. Raises `OSError`."""
    with replacing(path) as stream:
        stream.write(text)


@contextlib.contextmanager
def replacing(path: Path, mode: int = _OWNER_ALONE) -> Iterator[TextIO]:
    """Lend what writes a file, which takes the place of what was there at the end of the block, unless that raises.

    A symbolic link stays, and leads to the new file. What is there and no regular file is written to as it is. Raises `OSError`.
    """
    if path.exists() and not path.is_file():  # a device or a pipe: in its place a file would be of use to nobody
        with path.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        return
    target = Path(os.path.realpath(path))
    with _draft(target, mode) as (draft, stream):
        yield stream
        _store(stream)
        draft.replace(target)


def write_once(path: Path, text: str) -> None:
    """Write a file unless it is there; of several writers, the first wins. Raises `OSError`."""
    with _draft(path, _OWNER_ALONE) as (draft, stream):
        stream.write(text)
        _store(stream)
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


@contextlib.contextmanager
def _draft(path: Path, mode: int) -> Iterator[tuple[Path, TextIO]]:
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(file, "w", encoding="utf-8", newline="") as stream:
            yield draft, stream
    finally:
        draft.unlink(missing_ok=True)


def _store(stream: TextIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())
