"""`GET /readyz`."""

from tests.make import Make


def test_readiness_says_where_the_rate_limit_is_counted(make: Make) -> None:
    assert make.client().get("/readyz") == {"status": "ok", "database": "ok", "rateLimit": "process"}
