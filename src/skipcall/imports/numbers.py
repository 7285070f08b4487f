"""Phone numbers as people and programs write them into cells, turned into E.164. Nothing is ever guessed."""

import re
import unicodedata

import phonenumbers
from phonenumbers import NumberParseException, ValidationResult

from skipcall.imports.model import CellFault
from skipcall.phone_numbers.forms import equivalent_forms
from skipcall.phone_numbers.model import E164, parse_phone_number, phone_number_fault

CELL_CHARS_MAX = 1_000
_GROUP_DIGITS_MAX = 4
_NUMBER_DIGITS_MIN = 7  # fewer between slashes, without zeros in front, are an area code

# Spaces of all kinds, invisible marks that come with a copied number, and the punctuation within one number.
_DROPPED = str.maketrans(
    "",
    "",
    " \t.-()\u00a0\u2007\u2009\u202f\u2010\u2011\u2012\u2013\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\ufeff",
)
_SPACES = re.compile(r"[^\S\r\n]+")
_PLAIN = re.compile(r"\+?[0-9]{3,17}", re.ASCII)
_SEPARATOR_BUT_SLASH = re.compile(r":::|[;,|\r\n]|(?<=[0-9)])\s*(?=\+)")
_SEPARATOR = re.compile(f"{_SEPARATOR_BUT_SLASH.pattern}|/")
# A large number that a spreadsheet stored as 3.36E+10: the digits behind are gone.
_SPREADSHEET = re.compile(r"[0-9](?:[.,][0-9]+)?E\+?[0-9]{1,3}", re.ASCII | re.IGNORECASE)
_FLOAT = re.compile(r"(\+?[0-9]{5,17})[.,]0+", re.ASCII)  # the same as a whole number, nothing lost
_LABEL = re.compile(r"\s*(?:[^\W\d_]{1,20}\.?\s{0,3}){1,3}:\s*|\s*tel:", re.IGNORECASE)
_DIGIT = re.compile(r"[+0-9]")
_NO_DIGIT = re.compile(r"[^0-9]")
_REMARK = re.compile(r"\s*\([^()0-9]*\)\s*$")
_EXTENSION = re.compile(
    r"(?P<number>[^a-z#]*[0-9)])\s*(?:;?\s*(?:ext(?:ension)?|poste|x|#)\s*[.:=]?\s*[0-9]{1,6})\s*", re.IGNORECASE
)
_EXTENSION_PARAMETER = re.compile(r";\s*ext=[0-9]{1,6}", re.IGNORECASE)
# Of a `tel:` URI (RFC 3966): the beginning of a number without it, and what else may be told of one.
_CONTEXT_PARAMETER = re.compile(r"(?:tel:)?(?P<number>[0-9().-]+);phone-context=(?P<context>\+[0-9.-]+)", re.IGNORECASE)
_OTHER_PARAMETER = re.compile(r";\s*(?!phone-context)[a-z-]{2,20}=[^;,|\s]*", re.IGNORECASE)


def read_numbers(cell: str, country: str) -> tuple[list[str], list[CellFault]]:
    """Return the numbers of a cell in E.164, in its order, and what could not be used.

    Several numbers are told apart by `;` `/` `,` `|` ` ::: `, a line break or the next `+`; a slash may also stand behind an area code
    (`0221/123456`) or between groups. National numbers are of
    `country` (ISO 3166-1 alpha-2). `0033…`, `+33 (0)6…`, a leading apostrophe, labels ("Mobile:") and `tel:` are
    understood; an extension is dropped and reported. A number must be possible by libphonenumber, without its area
    code missing. What a spreadsheet damaged ("3.36E+10") is refused: its last digits no longer exist.
    """
    compact = cell.translate(_DROPPED).lstrip("'")
    if _PLAIN.fullmatch(compact):  # most cells; as a float, "33639981234.0" would gain a digit here
        if not _FLOAT.fullmatch(cell.strip(" '")):
            try:
                return [_to_e164(compact, country)], []
            except CellFault as fault:
                return [], [fault]
    elif not compact:
        return [], []
    return _read_pieces(cell, country)


def _read_pieces(cell: str, country: str) -> tuple[list[str], list[CellFault]]:
    if len(cell) > CELL_CHARS_MAX:
        return [], [CellFault("INVALID_PHONE_NUMBER", f"more than {CELL_CHARS_MAX} characters are no phone numbers")]
    if not cell.isascii():
        cell = unicodedata.normalize("NFKC", cell)
    cell = _SPACES.sub(" ", cell)  # so that no pattern below meets a long run of them
    numbers: list[str] = []
    faults: list[CellFault] = []
    for piece in _split(cell, country, faults):
        try:
            numbers.append(_to_e164(_strip(piece, faults), country))
        except CellFault as fault:
            faults.append(fault)
    return numbers, faults


def _split(cell: str, country: str, faults: list[CellFault]) -> list[str]:
    if _SPREADSHEET.search(cell):
        # Before splitting, since the French form has a comma in it. What stands beside it is still used.
        whole, damaged = _SPREADSHEET.subn(" ", cell)
        reason = (
            "a spreadsheet stored this number as a power of ten and lost its last digits; export the column as text"
        )
        faults.extend(CellFault("PHONE_DAMAGED", reason) for _ in range(damaged))
        cell = whole
    cell, extensions = _EXTENSION_PARAMETER.subn("", cell)
    faults.extend(_dropped_extension() for _ in range(extensions))
    cell = _CONTEXT_PARAMETER.sub(r"\g<context>\g<number>", _OTHER_PARAMETER.sub("", cell))
    cell = _FLOAT.sub(r"\1", cell) if _FLOAT.fullmatch(cell.strip(" '")) else cell
    groups = [piece for piece in _SEPARATOR.split(cell) if _is_there(piece)]
    if len(groups) > 1 and all(_is_group(piece) for piece in groups):
        return ["".join(groups)]  # 06/12/34/56/78: one number, written with slashes
    parts = (part for part in _SEPARATOR_BUT_SLASH.split(cell) if _is_there(part))
    return [piece for part in parts for piece in _between_slashes(part, country, faults)]


def _between_slashes(part: str, country: str, faults: list[CellFault]) -> list[str]:
    """Return the numbers of a text, each with its area code, and what is none. A second one that lacks its own is refused."""
    pieces: list[str] = []
    head = ""
    for piece in part.split("/"):
        head += piece
        if len(_NO_DIGIT.sub("", head).lstrip("0")) >= _NUMBER_DIGITS_MIN or not _DIGIT.search(head):
            pieces.append(head)
            head = ""
    kept: list[str] = []
    plan = phonenumbers.PhoneMetadata.metadata_for_region(country)
    is_whole = False  # the one before began as numbers do where they begin with a zero
    for piece in [*pieces, head]:
        begin = _DIGIT.search(piece)
        if is_whole and begin and begin[0] not in "+0":
            faults.append(CellFault("INVALID_PHONE_NUMBER", "what is behind the slash is no whole number"))
        elif _is_there(piece):
            kept.append(piece)
            is_whole = plan is not None and plan.national_prefix == "0" and begin is not None and begin[0] in "+0"
    return kept


def _is_there(piece: str) -> bool:
    return bool(piece.translate(_DROPPED).strip("'+"))


def _is_group(piece: str) -> bool:
    digits = piece.strip().lstrip("'")
    return digits.isdecimal() and len(digits) <= _GROUP_DIGITS_MAX


def _strip(piece: str, faults: list[CellFault]) -> str:
    """Return the digits of one number, and the plus sign if it has one."""
    text = piece.strip().lstrip("'")
    text = _REMARK.sub("", text)
    if label := _LABEL.match(text):
        text = text[label.end() :]
    if extension := _EXTENSION.fullmatch(text):
        text = extension["number"]
        faults.append(_dropped_extension())
    return text.translate(_DROPPED)


def _dropped_extension() -> CellFault:
    return CellFault("EXTENSION_DROPPED", "the number is kept without its extension")


def _to_e164(compact: str, country: str) -> str:
    if not _PLAIN.fullmatch(compact):
        raise CellFault("INVALID_PHONE_NUMBER", "this is not one phone number")
    if compact.startswith("00"):
        compact = "+" + compact[2:]
    try:
        number = parse_phone_number(compact, country)
    except NumberParseException:
        raise CellFault(
            "INVALID_PHONE_NUMBER", f"this is no phone number, neither international nor of {country}"
        ) from None
    e164 = f"+{number.country_code}{phonenumbers.national_significant_number(number)}"
    # "Possible locally" is not enough: a number without its area code reaches someone else from elsewhere.
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        # Of a form that is out of use, such as Mexico's with a 1, the one that is in use is the same telephone.
        for form in equivalent_forms(e164):
            if phone_number_fault(form) is None:
                return form
        raise CellFault("INVALID_PHONE_NUMBER", "this number has too few or too many digits, or lacks its area code")
    if not E164.fullmatch(e164):
        raise CellFault("INVALID_PHONE_NUMBER", "this number has too few or too many digits")
    return e164
