"""Who may ask, in the raw: one Authorization field with one valid key, and nothing else."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from skipcall.api_keys.model import make_key
from tests.client import Client, RawAnswer, exchange
from tests.make import Make, Team
from tests.serving import SECRET, ServerProcess


@pytest.fixture(scope="module")
def team(make: Make) -> Team:
    return make.team()


def raw(server: ServerProcess, *lines: bytes, path: bytes = b"/v1/me") -> RawAnswer:
    text = b"\r\n".join([b"GET " + path + b" HTTP/1.1", b"Host: a", b"Connection: close", *lines, b"", b""])
    return RawAnswer(exchange(server.url, text))


FORMS = {
    "nothing": [],
    "empty": [b"Authorization:"],
    "no scheme": [b"Authorization: %s"],
    "another scheme": [b"Authorization: Basic %s"],
    "digest": [b"Authorization: Digest %s"],
    "token": [b"Authorization: Token %s"],
    "no space": [b"Authorization: Bearer%s"],
    "two spaces": [b"Authorization: Bearer  %s"],
    "tab": [b"Authorization: Bearer\t%s"],
    "comma": [b"Authorization: Bearer %s,"],
    "quoted": [b'Authorization: Bearer "%s"'],
    "two keys": [b"Authorization: Bearer %s %s"],
    "two fields": [b"Authorization: Bearer %s", b"Authorization: Bearer %s"],
    "two fields, one empty": [b"Authorization: Bearer %s", b"Authorization:"],
    "two schemes": [b"Authorization: Basic Og==", b"Authorization: Bearer %s"],
    "not ASCII": [b"Authorization: Bearer %s\xc3\xa9"],
    "latin-1": [b"Authorization: Bearer \xe9"],
    "another header": [b"X-API-Key: %s"],
    "proxy": [b"Proxy-Authorization: Bearer %s"],
    "cookie": [b"Cookie: Authorization=Bearer %s"],
    "long": [b"Authorization: Bearer " + b"x" * 8000],
    "long with the key": [b"Authorization: Bearer %s" + b" " * 10 + b"x" * 200],
    "lower case": [b"Authorization: Bearer %l"],
}


@pytest.mark.parametrize("form", FORMS)
def test_what_opens_nothing(server: ServerProcess, team: Team, form: str) -> None:
    key = team.key.text.encode()
    lines = [line.replace(b"%s", key).replace(b"%l", key.lower()) for line in FORMS[form]]
    answer = raw(server, *lines, b"X-Forwarded-For: 10.99.0." + str(list(FORMS).index(form)).encode())
    assert answer.status == 401
    error = json.loads(answer.body)["error"]
    assert error["code"] == "UNAUTHORIZED"
    assert error["message"] == "Invalid or revoked API key"
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("scheme", [b"Bearer", b"bearer", b"BEARER", b"BeArEr"])
def test_what_opens(server: ServerProcess, team: Team, scheme: bytes) -> None:
    assert raw(server, b"authorization: " + scheme + b" " + team.key.text.encode()).status == 200
    assert raw(server, b"AUTHORIZATION:" + scheme + b" " + team.key.text.encode() + b"  ").status == 200


def test_all_refusals_look_the_same(make: Make, team: Team) -> None:
    """Missing, malformed, unknown, revoked, expired, of the wrong secret: nobody can tell which."""
    revoked = make.api_key(team.organization_id, [team.workspace_id])
    make.revoke(revoked)
    expired = make.api_key(
        team.organization_id, [team.workspace_id], expires_at=datetime.now(UTC) - timedelta(seconds=1)
    )
    public_part = team.key.text[8:16]
    forged = make_key("LIVE")[0]
    forged_with_known_part = _with_checksum(f"sk_live_{public_part}_" + "0" * 32)
    answers = set()
    for text in (None, "x", forged, forged_with_known_part, revoked.text, expired.text, team.key.text[:-1] + "!"):
        response = make.client(text).request("GET", "/v1/me", status=401)
        body = response.text.replace(response.headers["x-request-id"], "")
        names = frozenset(set(response.headers) - {"x-ratelimit-remaining"})
        answers.add((body, names, response.headers["x-ratelimit-limit"]))
    assert len(answers) == 1


def _with_checksum(body: str) -> str:
    from skipcall.api_keys import model

    return body + model._checksum(body)


def test_a_key_works_as_soon_as_it_is_made(make: Make, team: Team) -> None:
    for _ in range(5):
        team.client_for().get("/v1/me")


def test_what_a_key_opens_is_asked_for_once(make: Make, team: Team) -> None:
    """A known key, a typo, nonsense, and an unknown key that comes again cost no query."""

    def reads() -> int:
        time.sleep(1.2)  # each backend tells its figures once a second at most
        found: int = make.value("SELECT idx_scan FROM pg_stat_user_tables WHERE relname = 'api_keys'")
        return found

    typo = team.key.text[:-1] + ("0" if team.key.text[-1] != "0" else "1")
    texts = (team.key.text, typo, "nonsense", make_key("LIVE")[0])
    clients = [make.client(text, address="10.97.0.1") for text in texts]
    for client in clients:
        client.request("GET", "/v1/users")
    before = reads()
    for _ in range(100):
        for client in clients:
            client.request("GET", "/v1/users")
    # Of each of the four kinds there were 100; the keys' last use is written down, which looks at the table too.
    assert reads() - before < 90


def test_only_a_digest_is_stored(make: Make, team: Team) -> None:
    secret = team.key.text.rpartition("_")[2]
    (row,) = make.rows("SELECT * FROM api_keys WHERE id = :id", id=team.key.id)
    assert secret not in str(row)
    assert secret[:20] not in str(row)
    assert len(row["digest"]) == 32
    assert SECRET not in str(row)


def test_ipv4_addresses_written_as_ipv6_are_told_apart(make: Make) -> None:
    first, second = (make.client("x", address=f"::ffff:203.0.113.{number}") for number in (50, 51))
    assert first.request("GET", "/v1/me").headers["x-ratelimit-remaining"] == "59"
    assert second.request("GET", "/v1/me").headers["x-ratelimit-remaining"] == "59"
    same = make.client("x", address="203.0.113.50")
    assert same.request("GET", "/v1/me").headers["x-ratelimit-remaining"] == "58"


def test_a_forged_address_does_not_help(make: Make) -> None:
    """Only what the trusted proxy added counts: the last address that is not a proxy's."""

    def left(value: str) -> str:
        return make.client("x", address=value).request("GET", "/v1/me").headers["x-ratelimit-remaining"]

    assert left("198.51.100.9") == "59"
    assert left("1.1.1.1, 198.51.100.9") == "58"
    assert left("nonsense, 198.51.100.9") == "57"
    assert left("198.51.100.9, 127.0.0.5") == "56"
    assert left("x" * 1000 + ",198.51.100.9") == "55"
    for odd in ("", ",", "nonsense", "198.51.100.9:80", "unknown", "[::1]", "fe80::1%eth0", "\u00e9"):
        with Client(make.server_url, "x", address="x") as client:
            client.request("GET", "/v1/me", status=401, headers=[("x-forwarded-for", odd.encode())])  # type: ignore[list-item]


def test_a_scope_opens_what_it_names(make: Make, team: Team) -> None:
    reader = make.client(make.api_key(team.organization_id, [team.workspace_id], scopes=["contacts:read"]))
    path = team.contact()
    reader.get(path)
    error = reader.patch(path, {"city": "x"}, 403)["error"]
    assert error["code"] == "INSUFFICIENT_SCOPE"
    assert "contacts:write" in error["message"]
    assert reader.get("/v1/me")["scopes"] == ["contacts:read"]
    nothing = make.client(make.api_key(team.organization_id, [team.workspace_id], scopes=[]))
    nothing.get("/v1/me")
    nothing.get("/v1/contacts", 403)
