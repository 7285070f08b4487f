"""Phone numbers as people write them, and the other forms in which the same telephone is known. No I/O.

Some countries have changed how their mobile numbers are written, or write them one way at home and another from abroad. Both
forms are in address books, and on the network both are the same telephone.
"""

import re
from typing import Literal

import phonenumbers

from skipcall.phone_numbers.model import phone_number_fault, written_forms

Reason = Literal["BR_NINTH_DIGIT", "MX_MOBILE_ONE", "AR_MOBILE_NINE"]

# Where a mark may stand or not: reason, what is before it, the mark, what is behind it. Brazil put a 9 before mobile numbers, which
# began with 6 to 9, from 2012 to 2016; fixed ones begin with 2 to 5. Mexico's 1 after the country code was dropped in 2020.
# Argentina's 9 says from abroad that a number is mobile; at home that is a 15 after the area code, which libphonenumber
# reads. Italy is not here: the 0 of its fixed numbers is a part of them.
_MARKS: tuple[tuple[Reason, str, str, str], ...] = (
    ("BR_NINTH_DIGIT", r"\+55[1-9][0-9]", "9", r"[6-9][0-9]{7}"),
    ("MX_MOBILE_ONE", r"\+52", "1", r"[2-9][0-9]{9}"),
    ("AR_MOBILE_NINE", r"\+54", "9", r"[1-3][0-9]{9}"),
)
_FORMS = tuple(
    (reason, mark, re.compile(f"({before})({mark}?)({behind})", re.ASCII)) for reason, before, mark, behind in _MARKS
)


def equivalent_forms(e164: str) -> dict[str, Reason]:
    """Return the other E.164 forms of a number, each with why it is the same. If b is one of a, a is one of b."""
    found: dict[str, Reason] = {}
    for reason, mark, form in _FORMS:
        if match := form.fullmatch(e164):
            before, given, behind = match.groups()
            found[before + ("" if given else mark) + behind] = reason
    return found


def region_fault(region: str) -> tuple[str, str] | None:
    """Return code and message of what is wrong with a country code, or None."""
    if region.upper() in phonenumbers.SUPPORTED_REGIONS:
        return None
    return "UNKNOWN_VALUE", "Must be a country code of ISO 3166-1 alpha-2"


def read_forms(text: str, region: str | None) -> dict[str, Reason | None] | None:
    """Return every E.164 form of a number that somebody wrote, itself first and without a reason, or None.

    A form that is out of use is read too, as long as one that it stands for is in use. Without a region only numbers with
    their country code are read.
    """
    for e164 in written_forms(text, region or "ZZ"):
        forms: dict[str, Reason | None] = {e164: None, **equivalent_forms(e164)}
        if any(phone_number_fault(one) is None for one in forms):
            return forms
    return None
