"""GET /v1/imports/{id}, and how an import ends that nobody goes on with."""

from uuid import UUID

import pytest

from skipcall.imports import running
from tests.imports.conftest import HEADINGS, ZOE, Loader, counts, csv_of


def test_what_is_known_before_a_file_is_there(loader: Loader) -> None:
    path = loader.asked(matchBy=["email"], mapping={"Wer": "fullName"})
    found = loader.get(path)
    assert found == {
        "id": path.rpartition("/")[2],
        "workspaceId": str(loader.kept.team.workspace_id),
        "status": "AWAITING_FILE",
        "settings": {
            "format": None,
            "preset": None,
            "mapping": {"Wer": "fullName"},
            "matchBy": ["email"],
            "mode": "overwrite",
            "modes": {},
            "createFields": False,
            "dryRun": True,
            "defaultCountry": None,
        },
        **dict.fromkeys(("format", "columns", "sizeBytes", "sha256", "lineCount", "dryRun", "failure", "undone")),
        "rowsRead": 0,
        "line": 0,
        "counts": counts(),
        "createdAt": found["createdAt"],
        **dict.fromkeys(("endedAt", "undoUntil")),
    }


def test_one_that_nobody_confirms(loader: Loader) -> None:
    found = loader.checked(csv_of(ZOE))
    loader.kept.team.make.rows(
        "UPDATE imports SET created_at = now() - interval '8 days' WHERE id = :id RETURNING id", id=UUID(found["id"])
    )
    loader.kept.work()
    path = f"/v1/imports/{found['id']}"
    assert loader.get(path)["status"] == "EXPIRED"

    async def listed() -> list[str]:
        return [one.key async for batch in loader.kept.storage.list("imports") for one in batch]

    assert not [key for key in loader.kept.team.make.run(listed()) if found["id"] in key]


def test_a_file_that_the_storage_has_lost(loader: Loader) -> None:
    path = loader.sent(csv_of(ZOE))

    async def lose() -> None:
        await loader.kept.storage.delete([f"imports/{path.rpartition('/')[2]}-1"])

    loader.kept.team.make.run(lose())
    loader.kept.work()
    found = loader.get(path)
    assert (found["status"], found["failure"]) == ("FAILED", "The storage does not have the file any more")


def test_one_that_fails_again_and_again(loader: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise ZeroDivisionError

    path = loader.sent(csv_of(ZOE), dryRun=False)
    monkeypatch.setattr(running, "decide_batch", fail)
    monkeypatch.setattr(running, "RETRY_SECONDS", 0.0)
    loader.kept.work()
    found = loader.get(path)
    assert (found["status"], "server's log" in found["failure"]) == ("FAILED", True)


@pytest.mark.parametrize("heading", ["No.", "Badge"])
def test_a_custom_field_that_is_gone_is_named(loader: Loader, heading: str) -> None:
    field = loader.kept.team.field("Badge")
    mapping = {"No.": "customFields.badge"} if heading == "No." else {}
    found = loader.checked(csv_of((*ZOE, "7"), headings=(*HEADINGS, heading)), mapping=mapping)
    loader.client.delete(f"/v1/custom-fields/{field.id}")
    path = f"/v1/imports/{found['id']}"
    loader.client.post(f"{path}/confirm", {"digest": found["dryRun"]["digest"]}, 200)
    loader.kept.work()
    found = loader.get(path)
    assert (found["status"], heading in found["failure"]) == ("FAILED", True), found["failure"]
