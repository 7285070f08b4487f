"""The country of a number."""

import pytest

from skipcall.phone_numbers.model import country_of


@pytest.mark.parametrize(
    ("value", "country"),
    [
        ("+33199001234", "FR"),
        ("+12125550123", "US"),
        ("+14165550123", "CA"),
        ("+15005550006", "US"),  # in the plan of no country with this code
        ("+3222000000", "BE"),
        ("+447700900123", "GB"),
        ("+80012345678", None),
        ("+870773111632", None),
    ],
)
def test_country(value: str, country: str | None) -> None:
    assert country_of(value) == country
