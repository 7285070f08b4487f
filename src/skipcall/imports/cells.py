"""One cell at a time: text, e-mail, address of a page, yes or no, a full name. Rules: docs of the API's fields."""

import re
from functools import lru_cache

from skipcall.contacts.model import EMAIL_LENGTH_MAX, URL_LENGTH_MAX, email_fault, url_fault
from skipcall.custom_fields.model import CONTROL_CHARACTERS
from skipcall.imports.model import CellFault

CANDIDATES_MAX = 50  # addresses tried in one cell; a text of many words is none
_LOCAL_PART_CHARS_MAX = 64
_DOMAINS_REMEMBERED = 20_000

_FOLDED = re.compile(r"[\t\r\n]+[ \t\r\n]*")
_ATOMS = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL_PART = re.compile(rf"{_ATOMS}(?:\.{_ATOMS})*")
_ANGLES = re.compile(r"<([^<>]*)>")
_EMAIL_SEPARATOR = re.compile(r"[;,|\s]|:::")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?!\d{1,5}(?:[/?#]|$))")

_YES = frozenset({"true", "yes", "y", "1", "x", "oui", "o", "vrai", "on", "t"})
_NO = frozenset({"false", "no", "n", "0", "non", "faux", "off", "f"})


def read_text(cell: str, chars_max: int) -> str:
    """Return a cell as one line: trimmed, with line breaks and tabs folded to a space.

    Raises `CellFault` for another control character, or for more than `chars_max` code points; nothing is cut off.
    """
    text = cell.strip()
    if not text.isprintable():
        text = _FOLDED.sub(" ", text)
        if CONTROL_CHARACTERS.search(text):
            raise CellFault("FORBIDDEN_CHARACTER", "the value holds a control character")
    if len(text) > chars_max:
        raise CellFault("TOO_LONG", f"the value has {len(text)} characters; {chars_max} are allowed")
    return text


def is_damaged(text: str) -> bool:
    """Tell whether a character was lost before or while the file was read."""
    return "\ufffd" in text


def read_email(cell: str) -> tuple[str | None, list[CellFault]]:
    """Return the first e-mail address of a cell that is valid, as it is written, and what was not one.

    Further ones are left out and told: a contact has one. `mailto:` and the form `Name <address>` are understood.
    """
    faults: list[CellFault] = []
    if is_email(whole := cell.strip()):  # it may have a separator in it
        return whole, faults
    candidates = _ANGLES.findall(cell) or _EMAIL_SEPARATOR.split(cell)
    found: str | None = None
    for candidate in candidates[:CANDIDATES_MAX]:
        address = candidate.strip().removeprefix("mailto:")
        if not address or address == found:
            continue
        if found is not None:
            faults.append(CellFault("TOO_MANY_EMAILS", "a contact has one e-mail address; what follows it is left out"))
            break
        if is_email(address):
            found = address
        else:
            faults.append(CellFault("INVALID_EMAIL", "this is no e-mail address that could exist"))
    return found, faults


def is_email(address: str) -> bool:
    """Tell whether the API takes an e-mail address.

    The checks of the part behind the @ take most of its 30 microseconds, and files repeat companies: for the plain
    ASCII form that verdict is kept per domain. tests/imports compares both ways.
    """
    local, at, domain = address.rpartition("@")
    if (
        at
        and len(local) <= _LOCAL_PART_CHARS_MAX
        and len(address) <= EMAIL_LENGTH_MAX
        and domain.isascii()
        and _LOCAL_PART.fullmatch(local)
    ):
        return _is_email_domain(domain)
    return len(address) <= EMAIL_LENGTH_MAX and email_fault(address) is None


@lru_cache(maxsize=_DOMAINS_REMEMBERED)
def _is_email_domain(domain: str) -> bool:
    return email_fault("a@" + domain) is None


def read_url(cell: str) -> str:
    """Return an absolute http(s) address; one without a scheme gets `https://`, if its host has a dot.

    Raises `CellFault` for what the API does not take.
    """
    text = cell.strip()
    if not text:
        return text
    if not _SCHEME.match(text):
        text = text.removeprefix("//")
        if "." not in re.split("[/?#]", text, maxsplit=1)[0].strip("."):
            raise CellFault("INVALID_URL", "this is no address of a page: its host has no dot")  # "n/a", "none"
        text = "https://" + text
    if len(text) > URL_LENGTH_MAX:
        raise CellFault("TOO_LONG", f"the address has {len(text)} characters; {URL_LENGTH_MAX} are allowed")
    if url_fault(text) is not None:
        raise CellFault("INVALID_URL", "this is no absolute http or https address")
    return text


def read_yes_no(cell: str) -> bool | None:
    """Return what a yes-or-no cell says in English or French, or None if it says neither."""
    word = cell.strip().casefold()
    if word in _YES:
        return True
    return False if word in _NO else None


def split_name(full_name: str) -> tuple[str, str] | None:
    """Return first and last name of a full one, or None if it is a single word.

    A comma puts the last name first ("Dupont, Jean"). Words in capitals are the last name, as French files write it,
    before or behind ("DUPONT Jean", "Jean DE LA TOUR"). Otherwise the first word is the first name.
    """
    last, comma, first = full_name.partition(",")
    if comma:
        return (first.strip(), last.strip()) if first.strip() and last.strip() else None
    words = full_name.split()
    if len(words) == 1 or not words:
        return None
    capitals = [word.isupper() and sum(map(str.isalpha, word)) > 1 for word in words]  # an initial is none
    cut = 1
    if capitals[0] and not all(capitals):
        cut = capitals.index(False)
        if not any(capitals[cut:]):
            return " ".join(words[cut:]), " ".join(words[:cut])
        cut = 1
    elif capitals[-1] and not all(capitals):
        cut = len(words) - capitals[::-1].index(False)
    return " ".join(words[:cut]), " ".join(words[cut:])
