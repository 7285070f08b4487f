"""API keys from the command line, and what a running server makes of them."""

import time
from pathlib import Path

import pytest

from skipcall.api_keys.model import SCOPES
from tests.cli.process import Serve, fail, read_json, run

LIVE, TEST = "Prospection", "Prospection (test)"


def test_a_key_is_printed_alone_and_opens_its_workspace(data: Path, served: Serve) -> None:
    done = run(data, "keys", "create", "--workspace", LIVE, "--name", "sync")
    [key] = done.stdout.splitlines()
    assert "shown this once" in done.stderr
    with served.client(key) as client:
        me = client.get("/v1/me").json()
    assert (me["apiKey"]["name"], [one["name"] for one in me["workspaces"]]) == ("sync", [LIVE])
    listed = [one for one in read_json(data, "keys", "list") if one["name"] == "sync"]
    assert [(one["prefix"], one["mode"]) for one in listed] == [(key.rpartition("_")[0], "LIVE")]
    assert key not in str(listed)


def test_mode_scopes_and_expiry(data: Path, served: Serve) -> None:
    made = read_json(
        data, "keys", "create", "--organization", "Atelier Démo", "--mode", "test", "--name", "reader",
        "--scopes", "contacts:read, users:read", "--expires", "2999-01-31T12:00:00+02:00",
    )  # fmt: skip
    assert made["key"].startswith("sk_test_")
    assert made["scopes"] == ["contacts:read", "users:read"]
    assert made["expiresAt"] == "2999-01-31T10:00:00.000Z"
    with served.client(made["key"]) as client:
        assert client.get("/v1/contacts").status_code == 200
        refused = client.post("/v1/contacts", json={})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "INSUFFICIENT_SCOPE")


def test_a_key_gets_scopes_that_it_was_not_made_with(data: Path, served: Serve) -> None:
    made = read_json(
        data, "keys", "create", "--workspace", LIVE, "--name", "old", "--scopes", "contacts:read,users:read"
    )
    assert "do_not_call:write" in made["missingScopes"]
    with served.client(made["key"]) as client:
        assert client.get("/v1/do-not-call").status_code == 403
        done = read_json(data, "keys", "set-scopes", "old", "all")
        assert (done["scopes"], done["missingScopes"]) == (list(SCOPES), [])
        time.sleep(1.0)
        assert client.get("/v1/do-not-call").status_code == 200
        assert "may do: tags:read." in run(data, "keys", "set-scopes", made["id"], "tags:read").stdout
        time.sleep(1.0)
        assert client.get("/v1/do-not-call").status_code == 403
    assert "did you mean tags:read?" in fail(data, "keys", "set-scopes", "old", "tags:reed")
    assert "there is no key 'nothing'" in fail(data, "keys", "set-scopes", "nothing", "all")
    [listed] = [one for one in read_json(data, "keys", "list") if one["name"] == "old"]
    assert listed["scopes"] == ["tags:read"]
    assert listed["customFieldsNamed"] == []


@pytest.mark.parametrize("by", ["id", "prefix", "name"])
def test_a_revoked_key_is_refused_within_a_second(data: Path, served: Serve, by: str) -> None:
    made = read_json(data, "keys", "create", "--workspace", LIVE, "--name", f"to revoke by {by}")
    with served.client(made["key"]) as client:
        assert client.get("/v1/me").status_code == 200
        done = read_json(data, "keys", "revoke", made[by])
        time.sleep(1.0)
        assert client.get("/v1/me").status_code == 401
    assert read_json(data, "keys", "revoke", made["id"])["revokedAt"] == done["revokedAt"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--name", "x"), "say which workspaces the key opens"),
        (("--name", "x", "--organization", "Atelier Démo"), "never both"),
        (("--name", "x", "--workspace", LIVE, "--workspace", TEST), "never both"),
        (("--name", "x", "--workspace", LIVE, "--mode", "TEST"), "never both"),
        (("--name", "x", "--workspace", "Nowhere"), "there is no workspace 'Nowhere'"),
        (("--name", "x", "--workspace", LIVE, "--scopes", "contacts:reed"), "did you mean contacts:read?"),
        (("--name", "x", "--workspace", LIVE, "--expires", "2001-01-01"), "in the past"),
        (("--name", "a\nb", "--workspace", LIVE), "a name has 1 to"),
    ],
)
def test_a_key_that_cannot_be_is_refused(data: Path, served: Serve, arguments: tuple[str, ...], message: str) -> None:
    assert message in fail(data, "keys", "create", *arguments)


def test_a_key_opens_one_organization(data: Path) -> None:
    read_json(data, "organizations", "create", "Other")
    other = read_json(
        data, "workspaces", "create", "--organization", "Other", "--name", "Elsewhere", "--country", "FR",
        "--timezone", "UTC",
    )  # fmt: skip
    said = fail(data, "keys", "create", "--name", "x", "--workspace", LIVE, "--workspace", other["id"])
    assert "workspaces of one organization" in said
    assert "there is no key 'nothing'" in fail(data, "keys", "revoke", "nothing")
