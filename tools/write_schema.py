"""Write schema.sql: what all migrations together make, as pg_dump tells it. --check only compares."""

import asyncio
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from skipcall.postgres.db import connect
from skipcall.postgres.embedded import EmbeddedPostgres, find_binaries
from skipcall.postgres.migrate import migrate

FILE = Path(__file__).parents[1] / "src" / "skipcall" / "postgres" / "schema.sql"
COMMAND = ".venv/bin/python tools/write_schema.py"
HEAD = f"-- What the migrations make, for reading. Made by: {COMMAND}\n\n"
# The partitions of months are made by those who write calls, not by migrations.
OPTIONS = ["--schema-only", "--no-owner", "--no-privileges", "--no-comments", "--exclude-table=calls_[0-9]*"]


def dump(url: str) -> str:
    """Return the schema of a database, without what differs from one server to the next."""
    text = subprocess.run(
        [find_binaries().directory / "pg_dump", *OPTIONS, url], check=True, capture_output=True, text=True
    ).stdout
    lines = [line for line in text.splitlines() if not re.match(r"--|SET |SELECT pg_catalog\.set_config|\\", line)]
    return HEAD + re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


async def _migrate(url: str) -> None:
    session = await connect(url)
    await migrate(session)
    await session.connection.close()


def main(*, check: bool) -> int:
    with tempfile.TemporaryDirectory(prefix="skipcall-schema-") as directory:
        Path(directory).chmod(0o711)  # root's PostgreSQL runs as somebody else
        with EmbeddedPostgres.start(Path(directory) / "data", fast=True) as postgres:
            asyncio.run(_migrate(postgres.url))
            text = dump(postgres.url)
    if FILE.is_file() and FILE.read_text("utf-8") == text:
        return 0
    if check:
        print(f"schema.sql is not what the migrations make; to refresh it: {COMMAND}")
        return 1
    FILE.write_text(text, "utf-8")
    print(FILE)
    return 0


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
