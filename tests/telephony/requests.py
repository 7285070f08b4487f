"""Requests as the providers send them, signed by hand or by the provider's own library, written from the field lists."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from nacl.signing import SigningKey

from skipcall.telephony.model import IncomingRequest, Source

# Reserved by ARCEP for works of fiction.
REP, PROSPECT = "+33199001234", "+33639981234"
NOW = datetime(2026, 3, 3, 10, 0, tzinfo=UTC)
PUBLIC_URL = "https://calls.example.com"
TARGET = "/ingest/twilio/5a0f/status"
TELNYX_KEY = SigningKey(b"7" * 32)

TWILIO = Source(provider="TWILIO", secrets=("12345",), public_url=PUBLIC_URL)
TELNYX = Source(provider="TELNYX", secrets=(base64.b64encode(bytes(TELNYX_KEY.verify_key)).decode(),))
VONAGE = Source(provider="VONAGE", secrets=("a secret of the account",))
FREESWITCH = Source(provider="FREESWITCH", secrets=("exchange:pass:word",))
ASTERISK = Source(provider="ASTERISK")
GENERIC = Source(provider="GENERIC", secrets=("generic secret",))
SOURCES = (TWILIO, TELNYX, VONAGE, FREESWITCH, GENERIC, ASTERISK)

CALL, CHILD, CONFERENCE, RECORDING = (prefix + "0" * 31 + "1" for prefix in ("CA", "CB", "CF", "RE"))


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def rfc2822(seconds: float) -> str:
    return at(seconds).strftime("%a, %d %b %Y %H:%M:%S +0000")


def iso(seconds: float) -> str:
    return at(seconds).isoformat().replace("+00:00", "Z")


def twilio_request(fields: dict[str, Any], signature: str = "", target: str = TARGET) -> IncomingRequest:
    headers = {"content-type": "application/x-www-form-urlencoded; charset=UTF-8", "x-twilio-signature": signature}
    return IncomingRequest(target, headers, urlencode(fields, doseq=True).encode())


def twilio_status(
    status: str, sequence: int | None = None, seconds: float | None = None, **more: str
) -> dict[str, str]:
    fields = {"AccountSid": "AC" + "0" * 32, "CallSid": CALL, "CallStatus": status, "Direction": "outbound-api"}
    fields |= {"From": REP, "To": PROSPECT, "CallbackSource": "call-progress-events"}
    if sequence is not None:
        fields["SequenceNumber"] = str(sequence)
    if seconds is not None:
        fields["Timestamp"] = rfc2822(seconds)
    return fields | more


def telnyx_event(kind: str, seconds: float = 0, **payload: Any) -> bytes:
    payload = {"call_leg_id": "leg-1", "call_session_id": "session-1", "call_control_id": "v3:x"} | payload
    data = {"record_type": "event", "event_type": kind, "id": "e-1", "occurred_at": iso(seconds), "payload": payload}
    return json.dumps({"data": data, "meta": {"attempt": 1}}).encode()


def telnyx_request(body: bytes, seconds: int = 0, key: SigningKey = TELNYX_KEY) -> IncomingRequest:
    timestamp = str(int(at(seconds).timestamp()))
    signature = base64.b64encode(key.sign(timestamp.encode() + b"|" + body).signature).decode()
    return IncomingRequest("/t", {"telnyx-timestamp": timestamp, "telnyx-signature-ed25519": signature}, body)


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def vonage_request(body: bytes, secret: str = VONAGE.secrets[0], alg: str = "HS256", **claims: Any) -> IncomingRequest:
    claims = {
        "iat": int(NOW.timestamp()),
        "jti": "1",
        "iss": "Vonage",
        "payload_hash": hashlib.sha256(body).hexdigest(),
    } | claims
    signed = f"{_part({'alg': alg, 'typ': 'JWT'})}.{_part(claims)}"
    mac = base64.urlsafe_b64encode(hmac.digest(secret.encode(), signed.encode(), "sha256")).rstrip(b"=").decode()
    return IncomingRequest("/v", {"authorization": f"Bearer {signed}.{mac}"}, body)


def generic_request(body: bytes, seconds: int = 0, secret: str = GENERIC.secrets[0]) -> IncomingRequest:
    timestamp = str(int(at(seconds).timestamp()))
    mac = hmac.new(secret.encode(), timestamp.encode() + b"." + body, "sha256").hexdigest()
    return IncomingRequest("/g", {"x-skipcall-signature": f"t={timestamp},v1={mac}"}, body)


def freeswitch_request(body: bytes, credentials: str = FREESWITCH.secrets[0]) -> IncomingRequest:
    return IncomingRequest("/f", {"authorization": "Basic " + base64.b64encode(credentials.encode()).decode()}, body)
