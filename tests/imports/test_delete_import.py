"""DELETE /v1/imports/{id}."""

from tests.imports.conftest import ZOE, Loader, csv_of


def test_it_is_gone_and_what_it_wrote_stays(loader: Loader) -> None:
    found = loader.done(csv_of(ZOE, ("A", "", "", "")))
    path = f"/v1/imports/{found['id']}"
    loader.client.delete(path)
    loader.client.get(path, 404)
    loader.client.get(f"{path}/errors", 404)
    loader.client.delete(path, 404)
    assert len(loader.contacts()) == 1


def test_one_that_is_worked_on_is_canceled_first(loader: Loader) -> None:
    path = loader.sent(csv_of(ZOE))
    assert loader.client.delete(path, 409).json()["error"]["code"] == "IMPORT_STATUS"
    loader.client.post(f"{path}/cancel", None, 200)
    loader.client.delete(path)
