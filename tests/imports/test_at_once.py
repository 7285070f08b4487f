"""Lists that are loaded and taken back while their people are erased, merged and written: nobody is sent away, no batch is lost."""

from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from skipcall.imports import running, undoing
from tests.imports.conftest import Loader, counts, csv_of
from tests.make import phone_number

PEOPLE, ROWS = 24, 400
HEADINGS = ("externalId", "firstName", "lastName", "city", "phoneNumbers")


@pytest.mark.parametrize("is_undone", [False, True])
def test_erasures_and_imports_wait_for_each_other_in_one_order(
    loader: Loader, monkeypatch: pytest.MonkeyPatch, is_undone: bool
) -> None:
    monkeypatch.setattr(running, "BATCH_ROWS", 5)
    monkeypatch.setattr(undoing, "EVENTS_AT_ONCE", 5)
    team = loader.kept.team
    paths = [team.contact(phone_numbers=[phone_number(number)]) for number in range(PEOPLE)]
    rows = [(f"{PEOPLE + number}", "Zoé", "Roy", "Lyon", phone_number(PEOPLE + number)) for number in range(ROWS)]
    path = loader.sent(csv_of(*rows, headings=HEADINGS), matchBy=["externalId"], dryRun=False)
    if is_undone:
        loader.kept.work()
        loader.client.post(f"{path}/undo", None, 200)

    def write(number: int) -> list[int]:
        body = {"contact": {"phoneNumbers": [phone_number(number)], "city": "Nice"}}
        merge = {"contactId": paths[number + 1][-36:]}
        return [
            loader.client.request("POST", "/v1/contacts/upsert", json=body, failing=True).status_code,
            loader.client.request("POST", f"{paths[number]}/merge", json=merge, failing=True).status_code,
            loader.client.request("POST", f"{paths[number]}/erase", failing=True).status_code,
        ]

    with ThreadPoolExecutor(4) as pool:
        written: list[Future[list[int]]] = [pool.submit(write, number) for number in range(0, PEOPLE, 2)]
        loader.kept.work()
    assert [one.result() for one in written] == [[200, 200, 200]] * (PEOPLE // 2)
    done = loader.get(path)
    assert done["status"] == ("UNDONE" if is_undone else "COMPLETED")
    assert done["undone"]["deleted"] == ROWS if is_undone else done["counts"] == counts(created=ROWS)
