"""Organizations, workspaces, members, plans and subscriptions from the command line."""

import json
import shlex
from pathlib import Path

import pytest

from tests.cli.process import Serve, fail, read_json, run, succeed


@pytest.fixture(scope="module")
def organization(data: Path) -> str:
    id: str = read_json(data, "organizations", "create", "Atelier Nord")["id"]
    return id


@pytest.fixture(scope="module")
def workspace(data: Path, organization: str) -> str:
    made = read_json(
        data, "workspaces", "create", "--organization", "atelier nord", "--name", "Sales", "--country", "fr",
        "--timezone", "Europe/Paris",
    )  # fmt: skip
    assert (made["organizationId"], made["mode"], made["defaultCountry"]) == (organization, "LIVE", "FR")
    id: str = made["id"]
    return id


def test_every_listing_is_json_a_table_or_lines(data: Path, workspace: str) -> None:
    for noun in ("organizations", "workspaces", "members", "keys"):
        items = read_json(data, noun, "list")
        assert items, noun
        lines = succeed(data, noun, "list").splitlines()
        assert len(lines) == 1 + len(items)
        assert lines[1].startswith(items[0]["id"])


def test_a_listing_can_be_of_one_organization(data: Path, workspace: str) -> None:
    assert [one["id"] for one in read_json(data, "workspaces", "list", "--organization", "Atelier Nord")] == [workspace]
    assert read_json(data, "keys", "list", "--organization", "Atelier Nord") == []


def test_members_are_made_and_changed(data: Path, organization: str, workspace: str) -> None:
    who = ("--organization", organization, "--email", "ana@example.com", "--first-name", "Ana", "--last-name", "Lopez")
    made = read_json(data, "members", "create", *who)
    assert (made["role"], made["status"], made["workspaceIds"]) == ("MEMBER", "ACTIVE", [])
    again = read_json(data, "members", "create", *who, "--role", "owner", "--workspace", "Sales")
    assert again == made | {"role": "OWNER", "workspaceIds": [workspace]}
    assert read_json(data, "members", "list", "--organization", organization) == [again]


def test_plan_and_subscription_are_in_force_at_once(data: Path, served: Serve, workspace: str) -> None:
    key = read_json(data, "keys", "create", "--workspace", workspace, "--name", "plan")["key"]
    with served.client(key) as client:
        assert client.get("/v1/contacts").json()["error"]["code"] == "SUBSCRIPTION_REQUIRED"
    done = read_json(data, "subscriptions", "set", "Atelier Nord", "active", "--ends-at", "2999-01-31")
    assert (done["subscriptionStatus"], done["subscriptionEndsAt"]) == ("ACTIVE", "2999-01-31T00:00:00.000Z")
    assert read_json(data, "plans", "set", "Atelier Nord", "intermediaire")["plan"] == "INTERMÉDIAIRE"
    limits = []
    for rate in ((), ("--requests-per-minute", "7")):
        succeed(data, "plans", "set", "Atelier Nord", "EXPERT", *rate)
        with served.client(
            read_json(data, "keys", "create", "--workspace", workspace, "--name", "rate")["key"]
        ) as client:
            limits.append(client.get("/v1/contacts").headers["X-RateLimit-Limit"])
    assert limits == ["1000", "7"]
    assert read_json(data, "plans", "set", "Atelier Nord", "none")["plan"] is None


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("organizations create ''", "a name has 1 to"),
        ("workspaces create --organization None --name A --country FR --timezone UTC", "there is no organization 'None'"),
        ("workspaces create --organization 'Atelier Nord' --name A --country XX --timezone UTC", "'XX' is no country"),
        ("workspaces create --organization 'Atelier Nord' --name A --country FR --timezone Paris", "no time zone"),
        (
            "workspaces create --organization 'Atelier Nord' --name A --country FR --timezone Europe/Pariss",
            "did you mean Europe/Paris?",
        ),
        (
            "workspaces create --organization 'Atelier Nord' --name A --country FR --timezone UTC --mode PROD",
            "there are LIVE, TEST",
        ),
        ("members create --organization 'Atelier Nord' --email a@b@c --first-name A --last-name B", "no e-mail address"),
        ("members create --organization 'Atelier Nord' --email a@example.com --first-name A --last-name B --role CHEF",
         "there is no role 'CHEF'"),
        ("plans set 'Atelier Nord' PREMIUM", "there is no plan 'PREMIUM'"),
        ("plans set 'Atelier Nord' EXPERT --requests-per-minute 0", "greater than or equal to 1"),
        ("subscriptions set 'Atelier Nord' ACTIVE --ends-at tomorrow", "give a date such as"),
        ("subscriptions set 'Atelier Nord' ACTIVE --ends-at 2027-01-01T10:00", "a time needs its offset"),
        ("subscriptions set 'Atelier Nord' PAID", "there is no status 'PAID'"),
    ],
)  # fmt: skip
def test_bad_input_is_explained(data: Path, workspace: str, command: str, message: str) -> None:
    assert message in fail(data, *shlex.split(command))


def test_a_name_that_several_have_must_be_an_id(data: Path) -> None:
    ids = [read_json(data, "organizations", "create", "Twins")["id"] for _ in range(2)]
    said = fail(data, "plans", "set", "Twins", "EXPERT")
    assert all(id in said for id in ids)
    assert read_json(data, "plans", "set", ids[0], "EXPERT")["plan"] == "EXPERT"


def test_a_directory_without_a_database_is_not_filled_by_a_listing(place: Path) -> None:
    assert "there is no database in" in fail(place / "nothing", "organizations", "list")
    assert not (place / "nothing").exists()


def test_an_empty_data_directory_is_none(place: Path) -> None:
    assert f"there is no database in {place / 'nothing'}:" in fail(place / "nothing", "members", "list", "--data", "")


def test_doctor_finds_nothing_wrong(data: Path) -> None:
    findings = {one["check"]: one for one in json.loads(run(data, "doctor", "--json").stdout)}
    assert {one["result"] for one in findings.values()} <= {"ok", "warning"}, findings
    assert findings["Secret"]["result"] == findings["Durability"]["result"] == findings["Encoding"]["result"] == "ok"
    assert {"PostgreSQL version", "PostgreSQL binaries", "Migrations", "Clocks", "Disk space"} <= findings.keys()
    url = succeed(data, "doctor", "--database-url").strip()
    external = {one["check"]: one for one in json.loads(run(data, "doctor", "--json", DATABASE_URL=url).stdout)}
    assert (external["Role"]["result"], external["Pooler"]["result"]) == ("warning", "ok")


def test_doctor_makes_nothing(place: Path, tmp_path: Path) -> None:
    nowhere, file = place / "typo" / "data", tmp_path / "file"
    findings = {one["check"]: one for one in json.loads(run(nowhere, "doctor", "--json").stdout)}
    assert findings["Storage"] == {"check": "Storage", "result": "ok", "found": str(nowhere / "recordings")}
    assert "there is no database" in findings["Database"]["found"]
    assert not nowhere.parent.exists()
    file.touch()
    assert f"nothing can be kept in {file}/recordings" in run(file, "doctor").stdout


def test_doctor_names_a_setting_that_is_none(data: Path) -> None:
    wrong = {"SKIPCALL_CONECTIONS": "3", "SKIPCALL_DB_PORT": "tcp://10.0.0.1:5432"}
    done = run(data, "doctor", **wrong)
    assert "warning\tSettings\tSKIPCALL_CONECTIONS is no setting: do you mean SKIPCALL_CONNECTIONS?" in done.stdout
    assert "SKIPCALL_DB_PORT" not in done.stdout
    assert "ok\tSettings" in run(data, "doctor").stdout


def test_doctor_names_a_database_that_cannot_be_reached(data: Path) -> None:
    done = run(data, "doctor", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert (done.returncode, "FAULT\tDatabase" in done.stdout) == (1, True)


def test_migrate_says_what_it_did(data: Path, place: Path) -> None:
    assert succeed(data, "migrate") == "Nothing to do.\n"
    assert succeed(place / "migrated", "migrate").startswith("Applied 0001_accounts.sql.")


def test_the_rules_that_a_workspace_calls_by(data: Path, served: Serve) -> None:
    assert "calls by FR_CONSUMER" in succeed(data, "workspaces", "set-call-rules", "Prospection", "fr_consumer")
    with served.client() as client:
        contact = client.get("/v1/contacts").json()["data"][0]
        found = client.get(f"/v1/contacts/{contact['id']}/callability", params={"at": "2026-05-01T09:00:00Z"}).json()
    assert (found["ruleSet"], found["reasons"][0]["code"]) == ("FR_CONSUMER", "HOLIDAY")
    succeed(data, "workspaces", "set-call-rules", "Prospection", "NONE")
    assert "FR_B2B" in fail(data, "workspaces", "set-call-rules", "Prospection", "MOON")
