"""The generated documents in the repository are those that the code generates."""

from tools.write_documents import COMMAND, stale


def test_committed_documents_are_up_to_date() -> None:
    found = stale()
    assert found == [], f"these differ from the code: {', '.join(found)}; to refresh them: {COMMAND}"
