"""A managed phone number."""

import contextlib
import re
from collections.abc import Iterator
from typing import Annotated

import msgspec
import phonenumbers
from msgspec import Meta

from skipcall.errors import Conflict
from skipcall.page import PageQuery
from skipcall.phone_numbers.forms import all_forms, code_in_plan, equivalent_forms
from skipcall.workspaces.model import ID_EXAMPLE, Id, Timestamp

_LOST_PLUS = re.compile(r" [1-9]")
E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_COUNTRY_LENGTH = 2


class NumberTaken(Conflict):
    """The workspace has this number already."""

    code = "PHONE_NUMBER_TAKEN"

    def __init__(self) -> None:
        super().__init__("The workspace has this phone number already")


class ManagedPhoneNumber(msgspec.Struct, frozen=True, rename="camel"):
    """A phone number of a workspace, that its users call from and are called on."""

    id: Id
    value: Annotated[str, Meta(description="In E.164 form", extra_json_schema={"example": "+33199000142"})]
    label: Annotated[str | None, Meta(extra_json_schema={"example": "Paris"})]
    country: Annotated[str, Meta(description="ISO 3166-1 alpha-2", extra_json_schema={"example": "FR"})]
    workspace_id: Id
    assigned_membership_id: Annotated[
        str | None,
        Meta(
            description="Organization membership of the user whose number it is; null if it is nobody's",
            extra_json_schema={"example": ID_EXAMPLE},
        ),
    ]
    created_at: Timestamp


class ListPhoneNumbers(PageQuery, frozen=True, rename="camel", kw_only=True):
    """Query parameters of the list."""


def country_of(value: str) -> str | None:
    """Return the country (ISO 3166-1 alpha-2) of a number in E.164; None for one of no country, such as +800."""
    number = phonenumbers.parse(value)
    country = phonenumbers.region_code_for_number(number)
    if (
        country is None and number.country_code is not None
    ):  # not in the plan of one of several countries with this code
        country = phonenumbers.region_code_for_country_code(number.country_code)
    is_country = country is not None and len(country) == _COUNTRY_LENGTH and country != phonenumbers.UNKNOWN_REGION
    return country if is_country else None


def phone_number_fault(number: str) -> tuple[str, str] | None:
    """Return code and message of what is wrong with a phone number, or None.

    The form first: libphonenumber reads letters, other scripts' digits and extensions as numbers too.
    """
    if not E164.fullmatch(number):
        return "INVALID_PHONE_NUMBER", "Must be in E.164 form, for example +33639981234"
    if _is_possible(number):
        return None
    if in_use := next(filter(_is_possible, equivalent_forms(number)), None):
        return "INVALID_PHONE_NUMBER", f"This form is out of use: the number is {in_use}"
    return "INVALID_PHONE_NUMBER", "No number of this country has this length, or there is no such country code"


def _is_possible(number: str) -> bool:
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return False


def with_plus(parameter: str) -> str:
    """Return a number of a query with its `+`: one that is not percent-encoded arrives as a blank."""
    return f"+{parameter[1:]}" if _LOST_PLUS.match(parameter) else parameter


def read_phone_number(text: str, region: str) -> str | None:
    """Return the E.164 form of a number that somebody wrote, or None: of a form that is out of use, the one that is in use."""
    forms = (form for one in written_forms(text, region) for form in all_forms(one))
    return next((one for one in forms if phone_number_fault(one) is None), None)


def written_forms(text: str, region: str) -> Iterator[str]:
    """Yield the E.164 forms that a written number may mean, also of numbers that nobody has."""
    # libphonenumber knows no narrow blank, which French typography puts between digits.
    with contextlib.suppress(phonenumbers.NumberParseException):
        number = parse_phone_number(" ".join(text.split()), region.upper())
        yield phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def parse_phone_number(text: str, region: str) -> phonenumbers.PhoneNumber:
    """Return a number as libphonenumber reads it, of other countries too that have one plan with the region.

    Raises `NumberParseException`.
    """
    number = phonenumbers.parse(text, region, keep_raw_input=True)
    if number.country_code_source == phonenumbers.CountryCodeSource.FROM_DEFAULT_COUNTRY:
        assert number.country_code is not None
        code = code_in_plan(number.country_code, phonenumbers.national_significant_number(number))
        if code != number.country_code:
            meant = phonenumbers.PhoneNumber(country_code=code, national_number=number.national_number)
            # What nobody has there stays as it is: 0639 98 is for films and examples, 0639 the mobile numbers of Mayotte.
            return meant if phonenumbers.is_valid_number(meant) else number
    return number
