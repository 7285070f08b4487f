"""Numbers of calls: the quick way says what libphonenumber says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skipcall.telephony import numbers
from skipcall.telephony.model import Number
from skipcall.telephony.numbers import is_extension, read_number, to_e164
from tests.telephony.requests import PROSPECT

DIGITS = st.text("0123456789", min_size=1, max_size=16)


@given(
    st.one_of(DIGITS, st.builds("".join, st.tuples(st.sampled_from(["+33", "0", "00", "+", "33", "+330"]), DIGITS))),
    st.sampled_from(["FR", "BE", "CH", "DE", "ES", "IT", "US", "GB", "MC", "RE", "PL", "NL"]),
)
@settings(max_examples=2_000)
def test_the_quick_way_says_what_libphonenumber_says(text: str, country: str) -> None:
    slow = numbers._by_libphonenumber("+" + text[2:] if text.startswith("00") else text, country)

    assert to_e164(text, country) == (None if text.lower() in numbers._WITHHELD else slow)


def test_there_is_a_quick_way() -> None:
    assert numbers._simple_plan("FR") == ("+33", 9, "0")
    assert numbers._simple_plan("MC") is None
    assert numbers._simple_plan("DE") is None


@pytest.mark.parametrize(
    "raw",
    [
        PROSPECT,
        "0639981234",
        "0033639981234",
        "06 39 98 12 34",
        "+33 (0)6 39 98 12 34",
        "sip:+33639981234@x.example:5060",
        "tel:+33639981234",
        "33639981234",
        "  06.39.98.12.34\n",
    ],
)
def test_one_number_in_many_ways(raw: str) -> None:
    number = read_number(raw, "FR")

    assert number is not None
    assert number.e164 == PROSPECT


@pytest.mark.parametrize(
    "raw",
    [
        "anonymous",
        "Anonymous",
        "Restricted",
        "+266696687",
        "266696687",
        "",
        "unknown",
        "private",
        "UNAVAILABLE",
        "201",
        "client:alice",
        "sip:alice@x.example",
        "s",
        "+",
        "٣٣٣٣٣٣٣٣٣",
        "0" * 500,
        "+33639981234,5",
        "112",
    ],
)
def test_no_number_that_can_be_called(raw: str) -> None:
    number = read_number(raw, "FR")

    assert number is not None
    assert number.e164 is None
    assert number.raw == (raw[:100] or None)


def test_what_is_kept_can_be_stored() -> None:
    assert read_number("a\x00b\ud800\r\n", "FR") == Number("ab", None)
    assert read_number(None, "FR") is None


def test_extensions() -> None:
    assert all(is_extension(raw, 5) for raw in ("1", "201", "99999", "s", "alice"))
    assert not any(is_extension(raw, 5) for raw in ("", "100000", "+1", "anonymous", "Restricted", PROSPECT))
