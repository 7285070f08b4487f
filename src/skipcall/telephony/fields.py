"""Single values of a provider's report: text, ids, moments, seconds, addresses; and bodies as a whole.

An absent or empty value is None. One that is there and cannot be read raises `MalformedReport` with the name of the field.
"""

import ipaddress
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from skipcall.contacts.model import URL_LENGTH_MAX, url_fault
from skipcall.telephony.model import CALL_SECONDS_MAX, MalformedReport

FORM_FIELDS_MAX = 500
ID_CHARS_MAX = 200
TEXT_CHARS_MAX = 200
YEAR_MIN, YEAR_MAX = 1990, 2200
SIP_CODE_MIN, SIP_CODE_MAX = 100, 699

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_EPOCH_SECONDS_MIN = int(datetime(YEAR_MIN, 1, 1, tzinfo=UTC).timestamp())
_EPOCH_SECONDS_MAX = int(datetime(YEAR_MAX, 1, 1, tzinfo=UTC).timestamp())
_NUMBER = re.compile(r"[0-9]{1,16}(?:\.[0-9]{0,9})?", re.ASCII)
_MICROSECONDS_IN_SECOND = 1_000_000

Form = Mapping[str, list[str]]


def read_form(body: bytes) -> dict[str, list[str]]:
    """Return the values of a URL-encoded form by name, empty ones too. Raises `MalformedReport`."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FORM_FIELDS_MAX)
    except ValueError:  # not UTF-8, or too many fields
        raise MalformedReport("The body is no URL-encoded form in UTF-8, or has too many fields") from None
    form: dict[str, list[str]] = {}
    for name, value in pairs:
        form.setdefault(name, []).append(value)
    return form


def read_json_object(body: bytes) -> dict[str, Any]:
    """Return a JSON object. Raises `MalformedReport` for anything else, also for one nested too deeply."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise MalformedReport("The body is not JSON in UTF-8") from None
    if not isinstance(value, dict):
        raise MalformedReport("The body is not a JSON object")
    return value


def member(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a JSON object inside another. Raises `MalformedReport` if it is absent or something else."""
    inner = value.get(name)
    if not isinstance(inner, dict):
        raise MalformedReport(f"{name} is not a JSON object")
    return inner


def read_text(value: Any, name: str, chars_max: int = TEXT_CHARS_MAX) -> str | None:
    """Return a text, or a number as text, without control characters and cut to its length."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise MalformedReport(f"{name} is not a text")
    return _UNPRINTABLE.sub("", str(value)).strip()[:chars_max] or None


def read_id(value: Any, name: str) -> str | None:
    """Return an identifier: printable, whole. A longer one is refused, since cut off it could be another's."""
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > ID_CHARS_MAX or _UNPRINTABLE.search(value):
        raise MalformedReport(f"{name} is not an identifier of at most {ID_CHARS_MAX} printable characters")
    return value


def require_id(value: Any, name: str) -> str:
    """Return an identifier that must be there."""
    found = read_id(value, name)
    if found is None:
        raise MalformedReport(f"{name} is missing")
    return found


def read_seconds(value: Any, name: str) -> int | None:
    """Return a number of seconds, fractions dropped, from a number or its text."""
    seconds = _read_decimal(value, name)
    if seconds is None:
        return None
    if seconds > CALL_SECONDS_MAX:
        raise MalformedReport(f"{name} is longer than any call")
    return int(seconds)


def read_count(value: Any, name: str, largest: int) -> int | None:
    """Return a whole number from 0 to `largest`, from a number or its text."""
    count = _read_decimal(value, name)
    if count is None:
        return None
    if count > largest or count != int(count):
        raise MalformedReport(f"{name} is not a whole number up to {largest}")
    return int(count)


def read_sip_code(value: Any) -> int | None:
    """Return a SIP response code (RFC 3261, 21); None for what is none, since providers put words here too."""
    text = str(value)
    if not text.isascii() or not text.isdecimal() or len(text) != len("200"):
        return None
    code = int(text)
    return code if SIP_CODE_MIN <= code <= SIP_CODE_MAX else None


def read_epoch(value: Any, name: str) -> datetime | None:
    """Return the moment of a Unix time in seconds, or in microseconds if it is that large. Zero is no moment."""
    number = _read_decimal(value, name)
    if not number:
        return None
    if number > _EPOCH_SECONDS_MAX:
        number /= _MICROSECONDS_IN_SECOND
    if not _EPOCH_SECONDS_MIN <= number <= _EPOCH_SECONDS_MAX:
        raise MalformedReport(f"{name} is not a moment")
    return datetime.fromtimestamp(number, UTC)


def read_iso(value: Any, name: str) -> datetime | None:
    """Return the moment of an ISO 8601 text; one without an offset is in UTC."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise MalformedReport(f"{name} is not a moment in ISO 8601")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise MalformedReport(f"{name} is not a moment in ISO 8601") from None
    return to_utc(moment, name)


def read_rfc2822(value: str | None, name: str) -> datetime | None:
    """Return the moment of an RFC 2822 date, as Twilio writes it; one without an offset is in UTC."""
    if not value:
        return None
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError, IndexError):
        raise MalformedReport(f"{name} is not a date in RFC 2822") from None
    return to_utc(moment, name)


def to_utc(moment: datetime, name: str) -> datetime:
    """Return the moment in UTC, a naive one taken for UTC. Raises `MalformedReport` outside of the years that calls have."""
    if not YEAR_MIN <= moment.year < YEAR_MAX:
        raise MalformedReport(f"{name} is not a moment between {YEAR_MIN} and {YEAR_MAX}")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def read_recording_url(value: Any, name: str) -> str | None:
    """Return the address of a recording: https, a host by name, no credentials, no fragment.

    Only the form is judged here. Which hosts may be asked, and where they resolve to, is for who fetches it.
    """
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > URL_LENGTH_MAX or url_fault(value) is not None:
        raise MalformedReport(f"{name} is not an https address")
    parts = urlsplit(value)
    if parts.scheme != "https" or "#" in value or _is_ip_literal(parts.hostname or ""):
        raise MalformedReport(f"{name} is not an https address of a host by name, without a fragment")
    return value


def _is_ip_literal(host: str) -> bool:
    last = host.rstrip(".").rsplit(".", 1)[-1]
    if last.isdecimal() or last.lower().startswith("0x"):  # 127.1, 2130706433 and 0x7f.1 reach an address too
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _read_decimal(value: Any, name: str) -> float | None:
    """Return a number that is not negative; floats hold Unix microseconds exactly enough (2^53)."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        text = value.strip()
        if not _NUMBER.fullmatch(text):
            raise MalformedReport(f"{name} is not a number")
        return float(text)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float(1 << 62):
        raise MalformedReport(f"{name} is not a number")
    return float(value)
