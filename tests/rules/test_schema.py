"""schema.sql in the repository is what the migrations make."""

from skipcall.postgres.embedded import EmbeddedPostgres
from tests.make import Make
from tools.write_schema import COMMAND, FILE, dump


def test_schema_is_up_to_date(make: Make, postgres: EmbeddedPostgres) -> None:
    make.value("SELECT create_calls_month('2026-03-02')")  # its partition is no part of the schema
    assert FILE.read_text("utf-8") == dump(postgres.url), f"to refresh it: {COMMAND}"
