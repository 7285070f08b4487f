"""How a person who was erased is recognised: by keyed hashes of what identifies somebody, of which nothing can be read back.

A key is an e-mail address in any case, a LinkedIn profile, an external id, or a phone number together with the last name: a
number alone may be a switchboard's, and the do-not-call list is there for numbers.
"""

import contextlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import idna

from skipcall.phone_numbers.forms import all_forms
from skipcall.postgres.db import Session, Statement
from skipcall.sealing import people_hashes

# The person's own pages, without what a link to them may carry along: countries, languages, where it was found.
_PROFILE = re.compile(r"linkedin\.com/(in|pub|sales/lead|sales/people)/([^/?#,]+)", re.IGNORECASE)

# Letters, digits and the like of an address that are encoded; what has a meaning of its own there, or is no UTF-8, stays as it is.
_ENCODED = re.compile(
    "(?:%(?:2[de]|3[0-9]|[46][1-9a-f]|[57][0-9a]|5f|7e|(?:c[2-9a-f]|d[0-9a-f]|e0%[ab][0-9a-f]|e[1-9a-cef]%[89ab][0-9a-f]|ed%[89][0-9a-f]"
    "|f0%[9ab][0-9a-f]%[89ab][0-9a-f]|f[1-3](?:%[89ab][0-9a-f]){2}|f4%8[0-9a-f]%[89ab][0-9a-f])%[89ab][0-9a-f]))+",
    re.IGNORECASE,
)

# Letters that are no other one with a mark, as they are written where they are missing; and letters that are marks.
_LETTERS = str.maketrans(
    dict(zip("øłđðħıŧŋ", "olddhitn", strict=True))
    | {"œ": "oe", "æ": "ae", "þ": "th", "\u0640": ""}
    | {chr(one): "" for one in (*range(0x2B9, 0x300), 0xA78C)}
)

# Which hashes are of erased people: parts of the statements that create contacts.
LIST_ERASED = "SELECT key_hash FROM erased_people WHERE workspace_id = :workspace_id AND key_hash = ANY(:person_hashes)"
IS_ERASED = f"SELECT EXISTS ({LIST_ERASED}) AS is_erased"
_LIST_ERASED = Statement(LIST_ERASED)
ARE_ANY = "EXISTS (SELECT FROM erased_people WHERE workspace_id = :workspace_id)"
_HAS_ERASED = Statement(f"SELECT {ARE_ANY}")


def person_hashes(workspace_id: UUID, person: Mapping[str, Any], secret: bytes) -> list[bytes]:
    """Return the hashes that a person, given by column, would have if it was erased, now or while keys were told apart by more.

    A phone number counts in all its forms. Those of two workspaces have nothing in common.
    """
    numbers = [form for one in person.get("phone_numbers") or () for form in all_forms(one)]
    person = {**person, "phone_numbers": numbers}
    keys = dict.fromkeys(chain(_keys(person), _former_keys(person)))
    return people_hashes((f"{workspace_id} {key}" for key in keys), secret)


def hashes_to_keep(workspace_id: UUID, person: Mapping[str, Any], secret: bytes) -> list[bytes]:
    """Return the hash of each key of a person, given by column, that is erased."""
    return people_hashes((f"{workspace_id} {key}" for key in _keys(person)), secret)


async def find_erased(
    tx: Session, workspace_id: UUID, people: Sequence[Mapping[str, Any]], secret: bytes
) -> list[bool]:
    """Return of each of many people, given by column, whether it was erased."""
    hashes = [person_hashes(workspace_id, one, secret) for one in people]
    rows = await tx.fetch_rows(_LIST_ERASED, workspace_id=workspace_id, person_hashes=list(chain(*hashes)))
    erased = {row["key_hash"] for row in rows}
    return [not erased.isdisjoint(several) for several in hashes]


class ErasedKeys:
    """Which hashes of people are of those who were erased in one workspace, as far as it was asked.

    A person of whom an item tells a part and a contact the rest is known only afterwards, so hashes that nobody has asked for yet are noted
    for `ask`. `are_any`: somebody was erased at all.
    """

    def __init__(
        self, workspace_id: UUID, secret: bytes, asked: Iterable[bytes], erased: Iterable[bytes], *, are_any: bool
    ) -> None:
        self._workspace_id = workspace_id
        self._secret = secret
        self._asked = set(asked)
        self._erased = set(erased)
        self._are_any = are_any
        self._noted: set[bytes] = set()

    def of(self, person: Mapping[str, Any]) -> set[bytes]:
        """Return the hashes of a person, given by column, that are known to be of erased people."""
        if not self._are_any:
            return set()
        hashes = person_hashes(self._workspace_id, person, self._secret)
        self._noted.update(one for one in hashes if one not in self._asked)
        return self._erased.intersection(hashes)

    async def ask(self, tx: Session) -> bool:
        """Look for the hashes that were noted, and return whether one of them is of somebody who was erased."""
        if not self._noted:
            return False
        rows = await tx.fetch_rows(_LIST_ERASED, workspace_id=self._workspace_id, person_hashes=list(self._noted))
        self._asked |= self._noted
        self._noted.clear()
        self._erased.update(row["key_hash"] for row in rows)
        return bool(rows)


async def has_erased(db: Session, workspace_id: UUID) -> bool:
    """Return whether anybody was erased in a workspace."""
    return bool(await db.fetch_value(_HAS_ERASED, workspace_id=workspace_id))


def folded_name(name: str) -> str:
    """Return the letters and digits of a name, as they are written without accents; if it has none, the name.

    Marks that are left are the vowels of other scripts.
    """
    plain = _without_accents(name)
    letters = (one for one in plain.translate(_LETTERS) if unicodedata.category(one)[0] in "LMN")
    return "".join(letters) or plain


def _keys(person: Mapping[str, Any]) -> Iterator[str]:
    if person.get("email"):
        yield f"email {_known_address(person['email'])}"
    for kind, profile in _profiles(person):
        kind = kind.partition("/")[0]  # noqa: PLW2901 - one member is a lead and one of the people
        decoded = _ENCODED.sub(lambda letters: unquote(letters[0]), profile)  # as linkedin_key of migration 0026
        yield f"linkedin {kind} {unicodedata.normalize('NFC', decoded)}".casefold()
    if person.get("external_id"):
        yield f"externalId {person['external_id']}"
    name = folded_name(person.get("last_name") or "")
    for number in person.get("phone_numbers") or ():
        yield f"phone {number} {name}"


def _known_address(email: str) -> str:
    """Return an e-mail address as it is known: in one form of Unicode, with the domain as networks write it (RFC 5891)."""
    local, _, domain = unicodedata.normalize("NFC", email).casefold().rpartition("@")
    if not domain.isascii():
        with contextlib.suppress(idna.IDNAError):
            domain = idna.encode(domain, uts46=True).decode()
    return f"{local}@{domain}"


def _former_keys(person: Mapping[str, Any]) -> Iterator[str]:
    """Yield keys as they were kept before percent encoding, other ways to write an address, apostrophes, hyphens and blanks did not matter."""
    if person.get("email"):
        yield f"email {person['email'].casefold()}"
    for kind, profile in _profiles(person):
        yield f"linkedin {kind} {profile}".casefold()
    name = _without_accents(person.get("last_name") or "")
    for number in person.get("phone_numbers") or ():
        yield f"phone {number} {name}"


def _profiles(person: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for column in ("linkedin_url", "linkedin_sales_url"):
        if profile := _PROFILE.search(person.get(column) or ""):
            yield profile[1], profile[2]


def _without_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return " ".join("".join(one for one in decomposed if not unicodedata.combining(one)).casefold().split())
