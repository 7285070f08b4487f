"""Write the documents that are generated from the code: openapi.json and docs/reference/. --check only compares."""

import sys
from pathlib import Path

from skipcall.app import OPERATIONS
from skipcall.documents.pages import Library

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "reference" / "api"  # only generated files stand here
COMMAND = ".venv/bin/python tools/write_documents.py"


def stale() -> list[str]:
    """Return the paths of committed documents that are not what the code says, or that nothing generates any more."""
    wanted = Library(OPERATIONS, None).files()
    differing = [path for path, content in wanted.items() if not _is(ROOT / path, content)]
    return differing + [path for path in _pages() if path not in wanted]


def write() -> None:
    """Bring the committed documents up to date."""
    wanted = Library(OPERATIONS, None).files()
    for path in _pages():
        if path not in wanted:
            (ROOT / path).unlink()
    for path, content in wanted.items():
        if not _is(ROOT / path, content):
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / path).write_bytes(content)
            print(path)


def _is(file: Path, content: bytes) -> bool:
    return file.is_file() and file.read_bytes() == content


def _pages() -> list[str]:
    return [str(file.relative_to(ROOT)) for file in sorted(PAGES.rglob("*")) if file.is_file()]


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit("\n".join(stale()) or 0)
    write()
