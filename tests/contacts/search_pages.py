"""The first pages of a search, beside the ids that it must find."""

from typing import Any

from tests.client import Client

COUNTED_MAX = 10_000
PAGES, SIZE = 4, 500


def check_first_pages(client: Client, search: dict[str, Any], expected: list[str]) -> None:
    """Read pages of a search, counted or not, and compare totals and contacts with the ids of all that it must find, in their order."""
    counted = min(len(expected), COUNTED_MAX), len(expected) > COUNTED_MAX
    for count_total in (True, False):
        body = {**search, "size": SIZE, "countTotal": count_total}
        seen: list[str] = []
        for _ in range(PAGES):
            page = client.post("/v1/contacts/search", body, status=200)
            seen += [one["id"] for one in page["data"]]
            more = page["meta"]["hasMore"]
            told = page["meta"]["total"], page["meta"].get("totalIsLowerBound", False)
            assert told == counted or (not count_total and told == (len(seen) + more, more))
            body["cursor"] = page["meta"]["nextCursor"]
            if body["cursor"] is None:
                break
        assert seen == expected[: len(seen)]
        assert len(seen) == min(len(expected), PAGES * SIZE)
