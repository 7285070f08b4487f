"""Cells of files that people open in a spreadsheet. No I/O."""

import re

from skipcall.phone_numbers.model import E164

# What a spreadsheet takes for a formula (OWASP, "CSV Injection"), also behind a semicolon, where many of them begin a cell. A list of phone numbers
# begins with a plus and is none, nor is a number. An apostrophe before one gets another, so that an import can take it off again.
_FORMULA = re.compile(r"(^|;)(?='*[=+\-@＝＋－＠\t\r])")
_GUARDED = re.compile(r"(^|;)'(?='*[=+\-@＝＋－＠\t\r])")
_NUMBERS = re.compile(rf"{E164.pattern}(?:;{E164.pattern})*|-[0-9]+(?:\.[0-9]+)?", re.ASCII)


def safe_cell(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: what might be one gets an apostrophe, numbers do not."""
    return text if _NUMBERS.fullmatch(text) else _FORMULA.sub(r"\1'", text)


def without_guard(cell: str) -> str:
    """Return a cell without the apostrophes of `safe_cell`."""
    return _GUARDED.sub(r"\1", cell)
