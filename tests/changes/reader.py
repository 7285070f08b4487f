"""A reader of the feed, as an integrator writes one."""

from typing import Any

from tests.client import Client


class Reader:
    """Applies every answer to a copy of the contacts, and trusts nothing that it is told."""

    def __init__(self, client: Client, *, size: int = 100, **parameters: Any) -> None:
        self.client = client
        self.parameters = {"size": size, **parameters}
        self.cursor: str | None = None
        self.contacts: dict[str, Any] = {}
        self.versions: dict[str, int] = {}
        self.seen: list[dict[str, Any]] = []

    def read(self) -> list[dict[str, Any]]:
        """Read until there is no more, and return what came."""
        came = []
        while True:
            given = self.parameters | ({"cursor": self.cursor} if self.cursor else {})
            answer = self.client.get("/v1/changes", params=given)
            came += answer["data"]
            self.cursor = answer["meta"]["nextCursor"]
            if not answer["meta"]["hasMore"]:
                break
        for change in came:
            self._apply(change)
        self.seen += came
        return came

    def _apply(self, change: dict[str, Any]) -> None:
        if change["type"].startswith("call."):
            self._apply_call(change)
            return
        id = change["objectId"]
        assert change["version"] > self.versions.get(id, 0), "each version of a contact once, in order"
        self.versions[id] = change["version"]
        if change["contact"] is None:
            self.contacts.pop(id, None)
        else:
            assert change["contact"]["id"] == id
            self.contacts[id] = change["contact"]

    def _apply_call(self, change: dict[str, Any]) -> None:
        """The contact of a call has other counters; so has the one that it was taken from, which is read."""
        before = change["changes"].get("contactId", {}).get("old")
        if before in self.contacts:
            answer = self.client.request("GET", f"/v1/contacts/{before}", failing=True)
            if answer.status_code == 200:
                self.contacts[before] = answer.json()
        if change["contact"] is not None:
            self.contacts[change["contact"]["id"]] = change["contact"]
