"""Managed phone numbers from the command line, and what a running server answers of them."""

from pathlib import Path
from typing import Any

import pytest

from tests.cli.process import Serve, fail, read_json, succeed

LIVE, TEST = "Prospection", "Prospection (test)"


def answered(served: Serve) -> dict[str, Any]:
    with served.client() as client:
        return {one["value"]: one for one in client.get("/v1/phone-numbers", params={"size": 100}).json()["data"]}


def test_added_assigned_and_released(data: Path, served: Serve) -> None:
    made = read_json(data, "numbers", "add", "+33199001201", "--workspace", LIVE, "--label", "Paris")
    assert (made["country"], made["label"], made["assignedMembershipId"]) == ("FR", "Paris", None)
    assert answered(served)["+33199001201"] == made
    done = read_json(data, "numbers", "assign", "+33199001201", "--member", "ines.benali@atelier-demo.example")
    [ines] = [one for one in read_json(data, "members", "list") if one["email"].startswith("ines.")]
    assert done == made | {"assignedMembershipId": ines["id"]}
    assert done in read_json(data, "numbers", "list")
    assert read_json(data, "numbers", "assign", made["id"])["assignedMembershipId"] is None
    assert "is released" in succeed(data, "numbers", "release", made["id"])
    assert "+33199001201" not in answered(served)
    with served.client() as client:
        assert client.get(f"/v1/phone-numbers/{made['id']}").status_code == 404
    assert "there is no number" in fail(data, "numbers", "release", made["id"])
    again = read_json(data, "numbers", "add", "+33199001201", "--workspace", LIVE)
    assert again["id"] != made["id"]


def test_one_number_in_two_workspaces_is_named_by_id(data: Path, served: Serve) -> None:
    made = [read_json(data, "numbers", "add", "+33199001202", "--workspace", one) for one in (LIVE, TEST)]
    said = fail(data, "numbers", "release", "+33199001202")
    assert all(one["id"] in said for one in made)
    assert "has this phone number already" in fail(data, "numbers", "add", "+33199001202", "--workspace", LIVE)


def test_a_listing_is_a_table_or_lines(data: Path, served: Serve) -> None:
    read_json(data, "numbers", "add", "+33199001203", "--workspace", LIVE)
    items = read_json(data, "numbers", "list", "--organization", "Atelier Démo")
    assert len(succeed(data, "numbers", "list").splitlines()) == 1 + len(items)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("add", "0199001234", "--workspace", LIVE), "Must be in E.164 form"),
        (("add", "+331990012345678", "--workspace", LIVE), "has this length"),
        (("add", "+80012345678", "--workspace", LIVE), "a number of no country"),
        (("add", "+33199001234", "--workspace", "Nowhere"), "there is no workspace 'Nowhere'"),
        (("add", "+33199001234", "--workspace", LIVE, "--label", "a\nb"), "a name has 1 to"),
        (("assign", "+33199001999"), "there is no number '+33199001999'"),
    ],
)
def test_bad_input_is_explained(data: Path, served: Serve, arguments: tuple[str, ...], message: str) -> None:
    assert message in fail(data, "numbers", *arguments)


def test_a_member_of_another_workspace_is_refused(data: Path, served: Serve) -> None:
    made = read_json(data, "numbers", "add", "+33199001204", "--workspace", TEST)
    said = fail(data, "numbers", "assign", made["id"], "--member", "ines.benali@atelier-demo.example")
    assert "there is no member of its workspace" in said
