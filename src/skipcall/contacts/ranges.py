"""Ranges of numbers as terms that an index of whole values finds (docs/decisions/0019). No I/O, no SQL.

A number is written so that texts of one sign are in order as the numbers are: its sign, in base 4 how many digits stand before the point, and
the digits. 12.5 is `+02125`, -0.05 is `-0005`. Its terms are the beginnings of this with 0, 2, 4, 6 and 8 digits, and the one whose
second digit is missing too (`range_terms` in migration 0022): `+0`, `+02`, `+0212`, `+021250`, … So a few terms cover a range, or a bit more.
"""

from collections.abc import Iterator
from decimal import Decimal

INTEGER_DIGITS_MAX, FRACTION_DIGITS_MAX = 15, 9  # of a value
STEP = Decimal(1).scaleb(-FRACTION_DIGITS_MAX)  # between a value and the next
TERMS_MAX = 64  # of one sign
_LENGTHS = (1, 2, 4, 6, 8, 10)
_GREATEST = Decimal(10) ** INTEGER_DIGITS_MAX - STEP
_FIRST, _LAST = "0" * 26, "33" + "9" * 24


def terms_between(low: Decimal | None, end: Decimal | None) -> list[str]:
    """Return terms, one of which every number from `low` up to before `end` has, and few others. None is no bound."""
    low = -_GREATEST if low is None else low
    high = _GREATEST if end is None else end - STEP
    terms = []
    if low <= high and low < 0:
        terms += ["-" + one for one in _cover(_written(min(high, Decimal(0)), "0"), _written(low, "9"))]
    if low <= high and high >= 0:
        terms += ["+" + one for one in _cover(_written(max(low, Decimal(0)), "0"), _written(high, "9"))]
    return terms


def _written(number: Decimal, behind: str) -> str:
    """Return a number without its sign, also that of -0, as described above; what is `behind` the digits of any value does not count."""
    whole, _, fraction = f"{abs(number):.{FRACTION_DIGITS_MAX}f}".partition(".")
    digits = whole.lstrip("0")
    return f"{len(digits) // 4}{len(digits) % 4}{digits}{fraction}".ljust(len(_LAST), behind)


def _cover(low: str, high: str) -> Iterator[str]:
    """Yield what numbers from `low` to `high` begin with: what is only partly between them is taken apart as far as terms allow."""
    parts, told = [""], 0
    while parts:
        begin = parts.pop(0)
        within = max(low, _first_with(begin)), min(high, begin + _LAST[len(begin) :])
        length = next((one for one in _LENGTHS if one > len(begin)), 0)
        first, last = (int(one[:length] or 0) for one in within)
        if not length or told + len(parts) + last - first >= TERMS_MAX:
            told += 1
            yield begin
            continue
        for number in range(first, last + 1):
            child = f"{number:0{length}}"
            if low <= _first_with(child) and child + _LAST[length:] <= high:
                told += 1
                yield child
            else:
                parts.append(child)


def _first_with(begin: str) -> str:
    """Return the least number with this beginning: where one has digits before the point, the first of them is no zero."""
    is_size = len(begin) == len("00") and begin != "00"
    return f"{begin}1".ljust(len(_FIRST), "0") if is_size else begin + _FIRST[len(begin) :]
