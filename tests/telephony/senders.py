"""Providers that report calls over HTTP, each with a source of its own; signed now, for real."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any, Self
from urllib.parse import urlencode
from uuid import UUID

import httpx
from nacl.signing import SigningKey
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from skipcall.telephony import queries
from tests.client import Client
from tests.make import Make, Team
from tests.telephony.requests import PUBLIC_URL

FORM = "application/x-www-form-urlencoded; charset=UTF-8"
TOKEN = "0123456789abcdef0123456789abcdef"
VONAGE_SECRET = "a signature secret of the account"
CREDENTIALS = "exchange:pass:word"
GENERIC_SECRET = "a secret that we made"


class Senders:
    """Sends what providers send. `client` may be any address."""

    def __init__(self, make: Make, team: Team, url: str) -> None:
        self.make = make
        self.team = team
        self.client = Client(url)
        self.telnyx_key = SigningKey.generate()
        self._sources: dict[str, UUID] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def source(self, provider: Any, *secrets: str, **options: Any) -> UUID:
        """Return the team's source of a provider, made with the first call."""
        if provider not in self._sources:
            self._sources[provider] = self.make.source(self.team.workspace_id, provider, *secrets, **options)
        return self._sources[provider]

    async def disable(self, id: UUID) -> None:
        await queries.set_disabled(self.make.db, self.team.workspace_id, id, disabled=True)

    def post(self, path: str, body: bytes, headers: dict[str, str], status: int = 204) -> httpx.Response:
        return self.client.request("POST", path, content=body, headers=headers, status=status)

    def twilio(
        self, callback: str, fields: dict[str, str], status: int = 204, *, token: str = TOKEN, query: str = ""
    ) -> httpx.Response:
        path = f"/ingest/twilio/{self.source('TWILIO', TOKEN)}{callback and '/' + callback}{query}"
        signature = RequestValidator(token).compute_signature(PUBLIC_URL + path, fields)
        headers = {"content-type": FORM, "x-twilio-signature": signature}
        return self.post(path, urlencode(fields).encode(), headers, status)

    def telnyx(self, body: bytes, status: int = 204, *, key: SigningKey | None = None) -> httpx.Response:
        public = base64.b64encode(bytes(self.telnyx_key.verify_key)).decode()
        path = f"/ingest/telnyx/{self.source('TELNYX', public)}"
        timestamp = str(int(time.time()))
        signed = (key or self.telnyx_key).sign(timestamp.encode() + b"|" + body).signature
        headers = {"telnyx-timestamp": timestamp, "telnyx-signature-ed25519": base64.b64encode(signed).decode()}
        return self.post(path, body, headers | {"content-type": "application/json"}, status)

    def vonage(self, event: Any, status: int = 204, *, secret: str = VONAGE_SECRET) -> httpx.Response:
        path = f"/ingest/vonage/{self.source('VONAGE', VONAGE_SECRET)}"
        body = json.dumps(event).encode()
        claims = {"iat": int(time.time()), "jti": "1", "payload_hash": hashlib.sha256(body).hexdigest()}
        signed = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
        mac = base64.urlsafe_b64encode(hmac.digest(secret.encode(), signed.encode(), "sha256")).rstrip(b"=").decode()
        headers = {"authorization": f"Bearer {signed}.{mac}", "content-type": "application/json"}
        return self.post(path, body, headers, status)

    def freeswitch(self, body: bytes, status: int = 204, *, credentials: str = CREDENTIALS) -> httpx.Response:
        path = f"/ingest/freeswitch/{self.source('FREESWITCH', CREDENTIALS)}"
        headers = {"authorization": "Basic " + base64.b64encode(credentials.encode()).decode(), "content-type": FORM}
        return self.post(path, body, headers, status)

    def generic(self, report: Any, status: int = 204, *, secret: str = GENERIC_SECRET) -> httpx.Response:
        path = f"/ingest/generic/{self.source('GENERIC', GENERIC_SECRET)}"
        body = json.dumps(report).encode()
        timestamp = str(int(time.time()))
        mac = hmac.new(secret.encode(), timestamp.encode() + b"." + body, "sha256").hexdigest()
        headers = {"x-skipcall-signature": f"t={timestamp},v1={mac}", "content-type": "application/json"}
        return self.post(path, body, headers, status)

    # ------------------------------------------------------------------------------------------------- what became

    def calls(self) -> list[dict[str, Any]]:
        """Return the team's calls as the database has them, oldest first."""
        return self.make.rows(
            "SELECT * FROM calls WHERE workspace_id = :workspace_id ORDER BY id", workspace_id=self.team.workspace_id
        )

    def call(self) -> dict[str, Any]:
        """Return the team's only call."""
        calls = self.calls()
        assert len(calls) == 1, [(one["provider_call_id"], one["status"]) for one in calls]
        return calls[0]

    def events(self, call_id: UUID) -> list[str]:
        return [one["type"] for one in self.make.events(f"/v1/calls/{call_id}")]

    def check_counts(self) -> None:
        """Compare callCount and lastCallAt of each contact, and the count of calls, with a recount."""
        wrong = self.make.rows(
            """
            SELECT c.id, c.call_count, c.last_call_at, n.count, n.last FROM contacts c CROSS JOIN LATERAL (
                SELECT count(*) AS count, max(started_at) AS last FROM calls
                WHERE workspace_id = c.workspace_id AND contact_id = c.id AND deleted_at IS NULL
                    AND (type = 'outbound' OR answered_at IS NOT NULL)
            ) n
            WHERE c.workspace_id = :workspace_id
                AND (c.call_count <> n.count OR c.last_call_at IS DISTINCT FROM n.last)
            """,
            workspace_id=self.team.workspace_id,
        )
        assert wrong == []
        counted = self.make.value(
            "SELECT coalesce(sum(count), 0)::int FROM call_counts WHERE workspace_id = :workspace_id",
            workspace_id=self.team.workspace_id,
        )
        assert counted == len([one for one in self.calls() if one["deleted_at"] is None])


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
