"""Options that many commands take, and what they may be."""

import difflib
import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from skipcall.custom_fields.model import CONTROL_CHARACTERS

NAME_LENGTH_MAX = 200

Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        parser=lambda text: Path(text) if text else None,
        help="The data directory. Default: SKIPCALL_DATA, else ./data.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def name(text: str) -> str:
    """Return a name of something; raise `typer.BadParameter` for one that cannot be shown."""
    if not text.strip() or len(text) > NAME_LENGTH_MAX or CONTROL_CHARACTERS.search(text):
        raise typer.BadParameter(f"a name has 1 to {NAME_LENGTH_MAX} characters, and no control characters")
    return text


def email(text: str) -> str:
    """Return an e-mail address; raise `typer.BadParameter` for anything else."""
    from skipcall.contacts.model import email_fault

    if email_fault(text):
        raise typer.BadParameter("that is no e-mail address")
    return text


def one_of(text: str, choices: Iterable[str], noun: str) -> str:
    """Return the choice that is meant, whatever its case and accents; raise `typer.BadParameter` with a suggestion."""
    known = {_key(choice): choice for choice in choices}
    if _key(text) not in known:
        close = difflib.get_close_matches(_key(text), known, 1)
        hint = f"; did you mean {known[close[0]]}?" if close else ""
        offer = f"; there are {', '.join(known.values())}" if len(known) <= 12 else ""  # noqa: PLR2004
        raise typer.BadParameter(f"there is no {noun} {text!r}{hint or offer}")
    return known[_key(text)]


def mode(text: str) -> str:
    """Return LIVE or TEST."""
    from skipcall.workspaces.model import MODES

    return one_of(text, MODES, "mode")


def country(text: str) -> str:
    """Return a country that has phone numbers, by its two letters of ISO 3166-1."""
    from phonenumbers import SUPPORTED_REGIONS

    if text.upper() not in SUPPORTED_REGIONS:
        raise typer.BadParameter(f"{text!r} is no country: give the two letters of ISO 3166-1, such as FR")
    return text.upper()


def timezone(text: str) -> str:
    """Return the IANA name of a time zone."""
    from zoneinfo import available_timezones

    return one_of(text, sorted(available_timezones()), "time zone")


def moment(text: str) -> datetime:
    """Return a moment in UTC: a date (its first instant in UTC), or a date and time with its offset."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("give a date such as 2027-01-31, or a time such as 2027-01-31T18:00:00Z") from None
    if read.tzinfo is None and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise typer.BadParameter("a time needs its offset, such as Z or +02:00")
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def _key(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in folded if not unicodedata.combining(c))
