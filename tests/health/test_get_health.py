"""`GET /v1/health`, `/livez` and `/readyz` of a server that is well; tests/http has one whose database is gone."""

from skipcall import __version__
from tests.make import Make


def test_health(make: Make) -> None:
    assert make.client().get("/v1/health") == {"status": "ok", "version": __version__}


def test_health_asks_for_no_key_and_takes_any(make: Make) -> None:
    assert make.client("nonsense").get("/v1/health")["status"] == "ok"


def test_head(make: Make) -> None:
    response = make.client().request("HEAD", "/v1/health", status=200)
    assert int(response.headers["content-length"]) > 0
    assert response.content == b""
