"""schema.sql in the repository is what the migrations make."""

from skipcall.postgres.embedded import EmbeddedPostgres
from tools.write_schema import COMMAND, FILE, dump


def test_schema_is_up_to_date(postgres: EmbeddedPostgres) -> None:
    assert FILE.read_text("utf-8") == dump(postgres.url), f"to refresh it: {COMMAND}"
