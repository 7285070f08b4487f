"""`GET /livez`."""

from skipcall import __version__
from tests.make import Make


def test_liveness(make: Make) -> None:
    assert make.client().get("/livez") == {"status": "ok", "version": __version__}
