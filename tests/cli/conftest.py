"""One served data directory with a demo, for every test file that does not stop servers itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.process import Serve


@pytest.fixture(scope="module")
def served(place: Path, request: pytest.FixtureRequest) -> Iterator[Serve]:
    """A server with the demo; the database is its embedded one, to which the commands of the test attach."""
    data = place / request.node.name.rpartition("/")[2].removesuffix(".py")
    with Serve(data, "--demo") as serve:
        yield serve


@pytest.fixture(scope="module")
def data(served: Serve) -> Path:
    return served.data
