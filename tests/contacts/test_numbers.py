"""The forms in which one telephone is known: equivalence goes both ways, and is never more than that."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipcall.contacts.numbers import read_forms
from skipcall.imports.numbers import read_numbers
from skipcall.phone_numbers.forms import (
    all_forms,
    all_forms_in_sql,
    compared_form,
    compared_form_in_sql,
    equivalent_forms,
)
from skipcall.phone_numbers.model import E164, phone_number_fault, read_phone_number
from skipcall.telephony.numbers import to_e164
from tests.make import Make

digits = st.text("0123456789", min_size=5, max_size=12)
numbers = st.builds(
    "{}{}".format, st.sampled_from(["+55", "+5511", "+55119", "+52", "+521", "+54", "+549", "+39", "+33", "+1"]), digits
)


@given(numbers)
def test_equivalence_goes_both_ways(number: str) -> None:
    for form, reason in equivalent_forms(number).items():
        assert form != number
        assert equivalent_forms(form)[number] == reason
        assert E164.fullmatch(form)


@given(numbers)
def test_only_the_mark_differs(number: str) -> None:
    for form in equivalent_forms(number):
        longer, shorter = sorted((number, form), key=len, reverse=True)
        assert len(longer) == len(shorter) + 1
        assert longer.endswith(shorter[5:])
        assert longer[:3] == shorter[:3]


@given(numbers)
def test_a_number_is_its_own_first_form(number: str) -> None:
    read = read_phone_number(number, "FR")
    forms = read_forms(number, None)
    assert (read is None) == (forms is None)
    if forms:
        assert read in forms
        assert next(iter(forms.values())) is None
        assert len({compared_form(one) for one in forms}) == 1
        assert sorted(all_forms(next(iter(forms)))) == sorted(forms)


def test_the_database_reads_them_alike(make: Make) -> None:
    digits = random.Random(0)
    begins = ["+55", "+5511", "+55119", "+52", "+521", "+5215", "+54", "+549", "+5411", "+39", "+33", "+1", "+5"]
    given = [
        begin + "".join(digits.choices("0123456789", k=size))
        for begin in begins
        for size in range(1, 13)
        for _ in range(20)
    ]
    forms, compared = all_forms_in_sql("n.one"), compared_form_in_sql("n.one")
    rows = make.rows(
        f"SELECT one, {forms} AS forms, {compared} AS compared FROM unnest(:given::text[]) AS n (one)", given=given
    )
    assert {row["one"]: set(row["forms"]) for row in rows} == {one: set(all_forms(one)) for one in given}
    assert {row["one"]: row["compared"] for row in rows} == {one: compared_form(one) for one in given}
    assert sum(len(set(row["forms"])) > 1 for row in rows) > 100


def test_fixed_lines_have_one_form() -> None:
    for number in ("+551132345678", "+390612345678", "+33199000142", "+12025550123", "+541523456"):
        assert equivalent_forms(number) == {}


def test_a_form_out_of_use_is_read_and_stored_by_nobody() -> None:
    assert read_phone_number("+52 1 55 1234 5678", "FR") == "+525512345678"
    assert read_forms("+52 1 55 1234 5678", None) == {"+5215512345678": None, "+525512345678": "MX_MOBILE_ONE"}


def test_a_form_out_of_use_is_refused_with_the_one_in_use() -> None:
    assert phone_number_fault("+5215512345678") == (
        "INVALID_PHONE_NUMBER",
        "This form is out of use: the number is +525512345678",
    )
    assert phone_number_fault("+525512345678") is None


@pytest.mark.parametrize(
    ("text", "e164"),
    [
        ("0692 12 34 57", "+262692123457"),
        ("0262 41 23 45", "+262262412345"),
        ("0269 60 12 34", "+262269601234"),
        ("06 39 69 12 34", "+262639691234"),
        ("0690 30 12 34", "+590690301234"),
        ("0594 28 12 34", "+594594281234"),
        ("05.96.30.12.34", "+596596301234"),
        ("+33692123457", "+33692123457"),
        ("06 39 98 12 34", "+33639981234"),  # for examples
        ("06 12 34 56 78", "+33612345678"),
    ],
)
def test_france_and_its_departments_overseas_have_one_plan(text: str, e164: str) -> None:
    """What is dialled with a 0 may have another country code, wherever it is dialled."""
    for region in ("FR", "RE", "GP", "MQ"):
        if region == "FR" or "98" not in text:  # numbers of examples are nobody's elsewhere
            assert read_phone_number(text, region) == e164
            assert read_numbers(text, region) == ([e164], [])
            assert to_e164(text, region) == e164


def test_a_national_number_needs_a_region() -> None:
    assert read_forms("06 39 98 01 42", None) is None
    assert read_forms("06 39 98 01 42", "fr") == {"+33639980142": None}
    assert read_forms("nonsense", "FR") is None
