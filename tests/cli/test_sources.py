"""Sources from the command line, and what a running server makes of their reports."""

import base64
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from tests.cli.process import COMMAND, Serve, environment, fail, read_json, succeed

WORKSPACE = "Prospection"
PUBLIC_URL = "https://calls.example.com"
KNOWN_WITHIN_SECONDS = 1.0


@pytest.fixture(scope="module")
def served(place: Path) -> Iterator[Serve]:
    with Serve(place / "sources", "--demo", SKIPCALL_PUBLIC_URL=PUBLIC_URL) as serve:
        yield serve


def secret_file(data: Path, secret: str) -> str:
    file = data.with_name("secret-of-a-source")
    file.write_text(secret + "\n")
    return str(file)


def add(data: Path, provider: str, name: str, secret: str, *more: str) -> Any:
    arguments = ("--workspace", WORKSPACE, "--provider", provider, "--name", name, *more)
    file = secret_file(data, secret)
    return json.loads(
        succeed(data, "sources", "add", *arguments, "--secret-file", file, "--json", SKIPCALL_PUBLIC_URL=PUBLIC_URL)
    )


def report(served: Serve, source: Any, credentials: str, uuid: str = "leg-1", user: str = "201") -> int:
    """Post a record of FreeSWITCH, and return the status."""
    values = {
        "uuid": uuid,
        "call_uuid": uuid,
        "direction": "inbound",
        "user_context": "default",
        "hangup_cause": "USER_BUSY",
    }
    values |= {"start_uepoch": "1772528400000000", "end_uepoch": "1772528409000000", "answer_uepoch": "0"}
    profile = {"caller_id_number": user, "destination_number": "+33639981234"}
    body = json.dumps({"variables": values, "callflow": {"caller_profile": profile}})
    headers = {"authorization": "Basic " + base64.b64encode(credentials.encode()).decode()}
    address = served.url + source["addresses"][0].removeprefix(PUBLIC_URL)
    return httpx.post(address, content=body, headers=headers).status_code


def calls(served: Serve) -> list[Any]:
    parameters = {"include": "details", "size": "100", "phoneNumber": "+33639981234"}
    with served.client() as client:
        found: list[Any] = client.get("/v1/calls", params=parameters).json()["data"]
    return found


def test_the_addresses_to_enter_work(data: Path, served: Serve) -> None:
    made = add(data, "twilio", "Twilio France", "the auth token", "--account-id", "AC1")
    assert made["addresses"] == [
        f"{PUBLIC_URL}/ingest/twilio/{made['id']}/{one}" for one in ("status", "recording", "conference")
    ]
    assert (made["timezone"], made["defaultCountry"], made["options"]) == ("Europe/Paris", "FR", {"accountId": "AC1"})
    fields = {
        "CallSid": "CA1",
        "CallStatus": "busy",
        "Direction": "outbound-api",
        "From": "+33199001234",
        "To": "0639981234",
    }
    address = made["addresses"][0]
    signature = RequestValidator("the auth token").compute_signature(address, fields)
    local = served.url + address.removeprefix(PUBLIC_URL)
    assert httpx.post(local, data=fields, headers={"x-twilio-signature": signature}).status_code == 204
    [call] = [one for one in calls(served) if one["providerCallId"] == "CA1"]
    assert (call["status"], call["phoneNumber"]["value"]) == ("busy", "+33639981234")


def test_a_secret_is_read_from_standard_input_and_never_shown(data: Path, served: Serve) -> None:
    arguments = ["sources", "add", "--workspace", WORKSPACE, "--provider", "GENERIC", "--name", "Script"]
    done = subprocess.run(
        [*COMMAND, *arguments], env=environment(SKIPCALL_DATA=str(data)), input="piped secret\n", capture_output=True,
        text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "/ingest/generic/" in done.stdout
    assert "set SKIPCALL_PUBLIC_URL" in done.stderr
    for arguments in (["list"], ["show", "Script"]):
        assert "piped secret" not in succeed(data, "sources", *arguments)
    assert "secretCount: 1" in succeed(data, "sources", "show", "Script")


def test_one_secret_follows_another(data: Path, served: Serve) -> None:
    made = add(data, "FREESWITCH", "To rotate", "cdr:one")
    assert report(served, made, "cdr:one") == 204
    rotated = read_json(data, "sources", "rotate-secret", made["id"], "--secret-file", secret_file(data, "cdr:two"))
    assert rotated["secretCount"] == 2
    time.sleep(KNOWN_WITHIN_SECONDS)
    assert [report(served, made, one) for one in ("cdr:one", "cdr:two", "cdr:three")] == [204, 204, 401]
    assert read_json(data, "sources", "rotate-secret", "To rotate", "--drop")["secretCount"] == 1
    time.sleep(KNOWN_WITHIN_SECONDS)
    assert [report(served, made, one) for one in ("cdr:one", "cdr:two")] == [401, 204]


def test_a_disabled_source_is_not_there(data: Path, served: Serve) -> None:
    made = add(data, "FREESWITCH", "To disable", "cdr:one")
    assert report(served, made, "cdr:one") == 204
    assert read_json(data, "sources", "disable", made["id"])["disabledAt"] is not None
    time.sleep(KNOWN_WITHIN_SECONDS)
    assert report(served, made, "cdr:one") == 404
    read_json(data, "sources", "enable", "To disable")
    time.sleep(KNOWN_WITHIN_SECONDS)
    assert report(served, made, "cdr:one") == 204


def test_an_identity_gives_calls_their_user(data: Path, served: Serve) -> None:
    made = add(data, "FREESWITCH", "Exchange", "cdr:one")
    [member, *_] = read_json(data, "members", "list", "--organization", "Atelier Démo")
    done = read_json(data, "sources", "map", "Exchange", "sip:301@pbx.example.com", member["email"])
    assert (done["identity"], done["organizationMembershipId"]) == ("301", member["id"])
    assert [one["email"] for one in read_json(data, "sources", "identities", "Exchange")] == [member["email"]]
    assert report(served, made, "cdr:one", "of-301", "301") == 204
    [call] = [one for one in calls(served) if one["providerCallId"] == "of-301"]
    assert call["organizationMembershipId"] == member["id"]
    read_json(data, "sources", "unmap", "Exchange", "301")
    assert read_json(data, "sources", "identities", "Exchange") == []
    assert "is nobody's" in fail(data, "sources", "unmap", "Exchange", "301")
    assert "there is no member of the workspace" in fail(data, "sources", "map", "Exchange", "301", "who@example.com")


def test_a_source_of_files_has_no_secret_and_no_address(data: Path, served: Serve) -> None:
    made = read_json(
        data, "sources", "add", "--workspace", WORKSPACE, "--provider", "asterisk", "--name", "Asterisk", "--timezone", "utc",
        "--country", "be", "--trunk-context", "from-operator*", "--outside-prefix", "0", "--extension-digits", "4",
        "--folder", "/var/log/asterisk/cdr-csv",
    )  # fmt: skip
    assert (made["addresses"], made["secretCount"], made["timezone"], made["defaultCountry"]) == ([], 0, "UTC", "BE")
    assert made["options"] == {
        "trunkContexts": ["from-operator*"], "outsidePrefix": "0", "extensionDigitsMax": 4, "folder": "/var/log/asterisk/cdr-csv",
    }  # fmt: skip
    assert "its calls come from files" in fail(data, "sources", "rotate-secret", "Asterisk")


@pytest.mark.parametrize(
    ("provider", "secret", "message"),
    [
        ("FREESWITCH", "no colon", "user:password"),
        ("TELNYX", "not base64", "32 bytes in base64"),
        ("TWILIO", "", "1 to 1000 printable"),
        ("TWILO", "x", "did you mean TWILIO?"),
    ],
)
def test_a_source_that_cannot_be_is_refused(
    data: Path, served: Serve, provider: str, secret: str, message: str
) -> None:
    file = secret_file(data, secret)
    arguments = ("--workspace", WORKSPACE, "--provider", provider, "--name", "x", "--secret-file", file)
    assert message in fail(data, "sources", "add", *arguments)


def test_a_name_is_taken_once(data: Path, served: Serve) -> None:
    add(data, "GENERIC", "Twice", "x")
    file = secret_file(data, "x")
    arguments = ("--workspace", WORKSPACE, "--provider", "GENERIC", "--name", "Twice", "--secret-file", file)
    assert "already" in fail(data, "sources", "add", *arguments)
    assert "there is no source" in fail(data, "sources", "show", "nothing")
    assert "Twice" in [one["name"] for one in read_json(data, "sources", "list", "--workspace", WORKSPACE)]
