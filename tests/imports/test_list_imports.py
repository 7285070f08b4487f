"""GET /v1/imports."""

from tests.client import Client
from tests.make import Make

IMPORTS = "/v1/imports"


def test_newest_first(client: Client) -> None:
    made = [client.post(IMPORTS, {"matchBy": match}) for match in ([], ["email"], ["id"])]
    page = client.get(IMPORTS, params={"size": 2})
    assert page["data"] == made[:0:-1]
    assert page["meta"]["total"] == 3
    assert client.walk(IMPORTS, size=2) == made[::-1]


def test_those_of_others_are_not_there(make: Make, client: Client) -> None:
    make.team().client.post(IMPORTS, {})
    assert client.get(IMPORTS)["data"] == []
