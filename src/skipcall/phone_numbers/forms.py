"""The other forms in which the same telephone is known, here and in SQL. No I/O.

Some countries have changed how their mobile numbers are written, or write them one way at home and another from abroad. Both
forms are in address books, and on the network both are the same telephone.
"""

import re
from typing import Literal

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

# France and its departments overseas have one plan, and dial each other with a 0, but not one country code: what begins so is overseas
# (ARCEP, decision 2018-0881).
_FRENCH_CODES = (33, 262, 590, 594, 596)
_OVERSEAS = {
    **dict.fromkeys(("262", "263", "269", "639", "692", "693"), 262),
    **dict.fromkeys(("590", "690", "691"), 590),
    **dict.fromkeys(("594", "694"), 594),
    **dict.fromkeys(("596", "696", "697"), 596),
}


def code_in_plan(country_code: int, national: str) -> int:
    """Return the country code of a number that was dialled where another one is at home; `national` is without its 0."""
    return _OVERSEAS.get(national[:3], _FRENCH_CODES[0]) if country_code in _FRENCH_CODES else country_code


def equivalent_forms(e164: str) -> dict[str, Reason]:
    """Return the other E.164 forms of a number, each with why it is the same. If b is one of a, a is one of b."""
    found: dict[str, Reason] = {}
    for reason, mark, form in _FORMS:
        if match := form.fullmatch(e164):
            before, given, behind = match.groups()
            found[before + ("" if given else mark) + behind] = reason
    return found


def all_forms(e164: str) -> list[str]:
    """Return every E.164 form of a number, itself first."""
    return [e164, *equivalent_forms(e164)]


def compared_form(e164: str) -> str:
    """Return the form by which a number is compared, the one without a mark: the same for all forms of one telephone."""
    return min(all_forms(e164), key=len)


def compared_form_in_sql(number: str) -> str:
    """Return the SQL of `compared_form` of an SQL expression."""
    return _replaced(number, mark=False)


def all_forms_in_sql(number: str) -> str:
    """Return the SQL of `all_forms` of an SQL expression, in another order; a number that has one form may be there twice."""
    compared = compared_form_in_sql(number)
    # Most numbers are of other countries, and need not be looked at so closely.
    return f"CASE WHEN {number} LIKE '+5%' THEN ARRAY[{compared}, {_replaced(compared, mark=True)}] ELSE ARRAY[{number}] END"


def _replaced(number: str, *, mark: bool) -> str:
    """Return the SQL of a number with its mark, or without."""
    for _, before, sign, behind in _MARKS:
        pattern, new = (
            (f"^({before})({behind})$", rf"\1{sign}\2") if mark else (f"^({before}){sign}({behind})$", r"\1\2")
        )
        number = f"regexp_replace({number}, '{pattern}', '{new}')"
    return number
