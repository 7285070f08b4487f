"""The terms that lead a search from a range to the numbers in it, on both sides: of a value in SQL, of a range in Python."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from skipcall.contacts.ranges import FRACTION_DIGITS_MAX, INTEGER_DIGITS_MAX, STEP, TERMS_MAX, terms_between
from tests.make import Make

# With few digits, so that ends of ranges are hit and buckets are exact.
FEW = st.decimals(min_value=-150, max_value=150, places=2) | st.sampled_from(
    [
        Decimal(text)
        for text in (
            "0",
            "-0",
            "-0.00",
            "0.01",
            "-0.09",
            "9.99",
            "10",
            "99.99",
            "100",
            "0.000000001",
            "123456.78",
            "20260312",
        )
    ]
)
MANY = st.decimals(
    min_value=-(10**INTEGER_DIGITS_MAX) + 1, max_value=10**INTEGER_DIGITS_MAX - 1, places=FRACTION_DIGITS_MAX
)
BOUNDS = st.none() | FEW | MANY


def terms_of(make: Make, value: str) -> set[str]:
    found: list[str] = make.value("SELECT range_terms(:value::text)", value=f'"slug": "{value}"')
    return {term.removeprefix('"slug": "') for term in found}


@settings(max_examples=400)
@given(FEW | MANY, BOUNDS, BOUNDS)
@example(Decimal("12.50"), Decimal("12.5"), Decimal("12.5") + STEP)
@example(Decimal("-0.00"), Decimal(0), STEP)
@example(Decimal(10) ** 15 - STEP, None, None)
@example(-(Decimal(10) ** 15) + STEP, None, None)
@example(Decimal(1), Decimal(1), None)
def test_a_number_in_a_range_has_one_of_its_terms(
    make: Make, number: Decimal, low: Decimal | None, end: Decimal | None
) -> None:
    asked = terms_between(low, end)
    assert len(asked) == len(set(asked))
    is_in = (low is None or low <= number) and (end is None or number < end)
    has_one = not terms_of(make, f"{number:f}").isdisjoint(asked)
    assert has_one or not is_in
    if low is not None and low + STEP == end and has_one:  # what is asked of `equals`: alike in eight digits
        assert abs(number - low) <= max(abs(low), Decimal(1)) / 10**7


@given(st.dates(), st.dates(), st.dates())
def test_a_day_in_a_range_has_one_of_its_terms(make: Make, day: date, low: date, end: date) -> None:
    first, beyond = (Decimal(one.isoformat().replace("-", "")) for one in (low, end))
    asked = terms_between(first, beyond)
    if low <= day < end:
        assert not terms_of(make, day.isoformat()).isdisjoint(asked)
    if (low.year, low.month) == (end.year, end.month) and (end - low).days <= TERMS_MAX:
        assert (low <= day < end) == (not terms_of(make, day.isoformat()).isdisjoint(asked))


@given(st.text('0123456789-."a', max_size=20))
@example("1.2.3")
@example("2026-03")
@example("1234567890123456")
def test_what_is_neither_number_nor_day_has_no_terms(make: Make, text: str) -> None:
    terms = terms_of(make, text)
    try:
        is_number = 0 < len(text.lstrip("-").partition(".")[0]) <= INTEGER_DIGITS_MAX and Decimal(text).is_finite()
    except ArithmeticError:
        is_number = False
    if not is_number and text.count("-") < 2:
        assert terms == set()


def test_a_range_needs_few_terms() -> None:
    for low, end in ((None, None), (Decimal("0.123456789"), None), (Decimal("-98765.4321"), Decimal("98765.4321"))):
        assert len(terms_between(low, end)) <= 2 * TERMS_MAX


@pytest.mark.parametrize("end", ["0.2", "0.5", "2", "47", "1500", "20260302"])
def test_nothing_beyond_an_end_of_few_digits_is_looked_at(make: Make, end: str) -> None:
    beyond, asked = Decimal(end), terms_between(None, Decimal(end))
    step = beyond.scaleb(-2)
    for number in (beyond + step * one for one in range(-20, 20)):
        assert (number < beyond) == (not terms_of(make, f"{number:f}").isdisjoint(asked))
