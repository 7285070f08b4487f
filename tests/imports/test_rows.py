"""What becomes of each kind of cell, and what is said about those that cannot be used."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.provisional import domains

from skipcall.contacts.model import EMAIL_LENGTH_MAX, contact_faults, email_fault
from skipcall.imports.cells import is_email, read_url, read_yes_no, split_name
from skipcall.imports.model import CellFault, ContactRow, RowFault
from skipcall.imports.numbers import read_numbers
from skipcall.imports.presets import map_header
from skipcall.imports.rows import RowConverter

MOBILE, FIXED = "+33639981234", "+33199001234"


def convert(values: dict[str, str], *, custom: Sequence[str] = ()) -> tuple[ContactRow | None, list[RowFault]]:
    values = {"firstName": "Zoé", "lastName": "Roy", "phoneNumbers": MOBILE} | values
    header = list(values)
    converter = RowConverter(map_header(header), "FR", [(header.index(name), name) for name in custom])
    return converter.convert(7, list(values.values()))


def kept(values: dict[str, str], *, custom: Sequence[str] = ()) -> tuple[ContactRow, list[tuple[str | None, str]]]:
    contact, faults = convert(values, custom=custom)
    assert contact is not None
    assert not any(fault.row_refused for fault in faults)
    return contact, [(fault.column, fault.code) for fault in faults]


def refused(values: dict[str, str]) -> list[tuple[str | None, str]]:
    contact, faults = convert(values)
    assert contact is None
    assert all(fault.row_refused and fault.line == 7 for fault in faults)
    return [(fault.column, fault.code) for fault in faults]


@pytest.mark.parametrize(
    "cell",
    [
        *("06 39 98 12 34", "06.39.98.12.34", "06-39-98-12-34", "06/39/98/12/34", "0639981234", "639981234"),
        *("0033639981234", "00 33 6 39 98 12 34", "+33 (0)6 39 98 12 34", "+33 0639981234", "33639981234"),
        *("'+33639981234", "33639981234.0", "tel:+33639981234", "Mobile : 06 39 98 12 34", "06 39 98 12 34 (perso)"),
        *("06\u00a039\u202f98 12 34", "\u202a+33639981234\u202c", "０６３９９８１２３４", " 06 39 98 12 34\t"),
    ],
)
def test_one_number_in_many_ways(cell: str) -> None:
    assert read_numbers(cell, "FR") == ([MOBILE], [])


@pytest.mark.parametrize("extension", [" x12", " ext. 12", " poste 12", ";ext=12", " Extension 12", "#12", " x 12"])
def test_an_extension_is_dropped_and_reported(extension: str) -> None:
    numbers, faults = read_numbers("06 39 98 12 34" + extension, "FR")

    assert numbers == [MOBILE]
    assert [fault.code for fault in faults] == ["EXTENSION_DROPPED"]


@pytest.mark.parametrize(
    ("country", "cell", "expected"),
    [
        ("DE", "0221/12345678", ["+4922112345678"]),
        ("DE", "030/1234567", ["+49301234567"]),
        ("DE", "04421/12345", ["+49442112345"]),
        ("DE", "+49 221/12345678", ["+4922112345678"]),
        ("DE", "+49 (0)221 / 123456", ["+49221123456"]),
        ("DE", "0049/221/12345678", ["+4922112345678"]),
        ("DE", "0221/123456/0171/7654321", ["+49221123456", "+491717654321"]),
        ("AT", "01/5123456", ["+4315123456"]),
        ("IT", "02/12345678", ["+390212345678"]),
        ("IT", "02 12345678/347 1234567", ["+390212345678", "+393471234567"]),
        ("BE", "0475/12.34.56", ["+32475123456"]),
        ("CH", "044/123 45 67", ["+41441234567"]),
        ("GB", "020/7946/0958", ["+442079460958"]),
        ("US", "650/253-0000", ["+16502530000"]),
    ],
)
def test_a_slash_may_stand_behind_an_area_code(country: str, cell: str, expected: list[str]) -> None:
    assert read_numbers(cell, country) == (expected, [])


@pytest.mark.parametrize("tail", ["123457", "78", "1234568"])
def test_what_is_behind_a_slash_lacks_its_area_code(tail: str) -> None:
    numbers, faults = read_numbers(f"0221 123456/{tail}", "DE")
    assert (numbers, [one.code for one in faults]) == (["+49221123456"], ["INVALID_PHONE_NUMBER"])


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("tel:612345678;phone-context=+44", "+44612345678"),
        ("tel:0639981234;phone-context=+33", MOBILE),
        ("tel:+33639981234;isub=1411", MOBILE),
    ],
)
def test_parameters_of_a_uri(cell: str, expected: str) -> None:
    """RFC 3966; what is dialled inside a network is no number."""
    assert read_numbers(cell, "FR") == ([expected], [])
    assert read_numbers("tel:7042;phone-context=pbx.example", "FR")[0] == []


@pytest.mark.parametrize("separator", [";", "/", ",", "|", " ::: ", "\n", "\r\n", " / ", "; "])
def test_several_numbers_in_a_cell(separator: str) -> None:
    assert read_numbers(f"06 39 98 12 34{separator}'01 99 00 12 34", "FR") == ([MOBILE, FIXED], [])


def test_a_plus_starts_a_number() -> None:
    assert read_numbers("+33639981234 +33199001234", "FR") == ([MOBILE, FIXED], [])


@pytest.mark.parametrize("cell", ["3.36123E+10", "3,36123E+10", "3E10", "3.36e+10"])
def test_what_a_spreadsheet_damaged_is_never_guessed(cell: str) -> None:
    numbers, faults = read_numbers(cell, "FR")

    assert numbers == []
    assert [fault.code for fault in faults] == ["PHONE_DAMAGED"]


@pytest.mark.parametrize(
    "cell",
    [
        *(
            "abc",
            "112",
            "+",
            "1-800-FLOWERS",
            "06 39 98 12",
            "06399812345678901",
            "0639981234 0199001234",
            "+999123456",
        ),
        *("x" * 2000, "06" * 600, "\x00", "a" * 999 + ":"),
    ],
)
def test_what_is_no_number(cell: str) -> None:
    numbers, faults = read_numbers(cell, "FR")

    assert numbers == []
    assert {fault.code for fault in faults} <= {"INVALID_PHONE_NUMBER"}
    assert faults or cell == "+"


def test_a_number_without_its_area_code_is_refused() -> None:
    assert read_numbers("253-0000", "US")[0] == []
    assert read_numbers("650-253-0000", "US") == (["+16502530000"], [])


def test_an_italian_zero_stays() -> None:
    assert read_numbers("+39 (0)6 1234567", "FR")[0] == ["+39061234567"]


def test_numbers_of_all_columns_once_each_and_mobile_first() -> None:
    contact, faults = kept({"phoneNumbers": "", "Home Phone": "01 99 00 12 34", "Mobile": f"{MOBILE};0639981234"})

    assert (contact.phone_numbers, faults) == ([MOBILE, FIXED], [])


def test_a_row_keeps_its_usable_numbers() -> None:
    contact, faults = kept({"phoneNumbers": "n.a.; 06 39 98 12 34; 3.36123E+10"})

    assert contact.phone_numbers == [MOBILE]
    assert sorted(faults, key=str) == [("phoneNumbers", "INVALID_PHONE_NUMBER"), ("phoneNumbers", "PHONE_DAMAGED")]


def test_a_row_without_a_usable_number_is_refused() -> None:
    assert refused({"phoneNumbers": "3.36123E+10"}) == [("phoneNumbers", "PHONE_DAMAGED")]
    assert refused({"phoneNumbers": " "}) == [("phoneNumbers", "REQUIRED")]
    assert refused({"phoneNumbers": "-"}) == [("phoneNumbers", "REQUIRED")]


def test_at_most_twenty_numbers() -> None:
    cell = ";".join(f"+3363998{number:04}" for number in range(22))

    contact, faults = kept({"phoneNumbers": cell})

    assert len(contact.phone_numbers) == 20
    assert faults == [("phoneNumbers", "TOO_MANY_PHONE_NUMBERS")] * 2


@pytest.mark.parametrize(
    ("full_name", "parts"),
    [
        ("Jean Dupont", ("Jean", "Dupont")),
        ("Jean de La Tour", ("Jean", "de La Tour")),
        ("Dupont, Jean", ("Jean", "Dupont")),
        ("DUPONT Jean", ("Jean", "DUPONT")),
        ("DE LA TOUR Anne Marie", ("Anne Marie", "DE LA TOUR")),
        ("Anne Marie DE LA TOUR", ("Anne Marie", "DE LA TOUR")),
        ("JEAN DUPONT", ("JEAN", "DUPONT")),
        ("J. Dupont", ("J.", "Dupont")),
        ("Dupont", None),
        ("Dupont,", None),
        ("", None),
    ],
)
def test_full_names(full_name: str, parts: tuple[str, str] | None) -> None:
    assert split_name(full_name) == parts


def test_a_missing_name_comes_from_the_full_one() -> None:
    contact, faults = kept({"lastName": "", "Full Name": "Zoé de Roy"})
    assert (contact.first_name, contact.last_name, faults) == ("Zoé", "de Roy", [])

    contact, _ = kept({"firstName": " ", "lastName": "de Roy", "Full Name": "Anne Zoé de Roy"})
    assert (contact.first_name, contact.last_name) == ("Anne Zoé", "de Roy")


def test_a_row_lists_all_its_faults_when_refused() -> None:
    assert refused({"firstName": "", "lastName": "R" * 101, "phoneNumbers": "abc", "email": "zoe"}) == [
        ("lastName", "TOO_LONG"),
        ("phoneNumbers", "INVALID_PHONE_NUMBER"),
        ("email", "INVALID_EMAIL"),
    ]
    assert refused({"firstName": "", "lastName": "", "Full Name": "Zoé"}) == [
        ("firstName", "REQUIRED"),
        ("lastName", "REQUIRED"),
    ]
    assert refused({"lastName": "Ro\x00y"}) == [("lastName", "FORBIDDEN_CHARACTER")]


def test_lengths_are_counted_in_code_points() -> None:
    contact, faults = kept({"firstName": "😀" * 100, "company": "é" * 200, "city": "x" * 201})

    assert (len(contact.first_name), len(contact.company or ""), contact.city) == (100, 200, None)
    assert faults == [("city", "TOO_LONG")]


def test_text_is_trimmed_and_folded_to_one_line() -> None:
    contact, faults = kept({"company": " Roy\r\n  & Co\t\u00a0", "city": "Pa\x07u", "Note": "a\nb"}, custom=["Note"])

    assert (contact.company, contact.city, contact.custom_fields) == ("Roy & Co", None, {"Note": "a b"})
    assert faults == [("city", "FORBIDDEN_CHARACTER")]


def test_lost_letters_are_kept_and_reported() -> None:
    contact, faults = kept({"firstName": "Fran\ufffdois"})

    assert (contact.first_name, faults) == ("Fran\ufffdois", [("firstName", "DAMAGED_TEXT")])


def test_custom_values() -> None:
    contact, faults = kept({"Note": "x" * 5_000, "Long": "x" * 5_001, "Empty": " "}, custom=["Note", "Long", "Empty"])

    assert list(contact.custom_fields) == ["Note"]
    assert faults == [("Long", "TOO_LONG")]


def test_a_form_that_is_out_of_use_is_the_telephone_that_it_was() -> None:
    assert read_numbers("+52 1 55 1234 5678", "FR") == (["+525512345678"], [])


@pytest.mark.parametrize(
    ("cell", "email", "codes"),
    [
        ("zoe@roy.example", "zoe@roy.example", []),
        (" Zoé Roy <zoe@roy.example> ", "zoe@roy.example", []),
        ("mailto:zoe@roy.example", "zoe@roy.example", []),
        ("zoe@; zoe@roy.example, z@roy.example", "zoe@roy.example", ["INVALID_EMAIL", "TOO_MANY_EMAILS"]),
        ("zoe@home.example ::: zoe@roy.example", "zoe@home.example", ["TOO_MANY_EMAILS"]),
        ("zoe@home.example ::: zoe@home.example", "zoe@home.example", []),
        ("a|b@roy.example", "a|b@roy.example", []),
        ("zoe", None, ["INVALID_EMAIL"]),
        ("zoe@localhost", None, ["INVALID_EMAIL"]),
        ("", None, []),
    ],
)
def test_emails(cell: str, email: str | None, codes: list[str]) -> None:
    contact, faults = kept({"email": cell})

    assert (contact.email, [code for _, code in faults]) == (email, codes)


ADDRESS = st.builds(
    "{}@{}".format,
    st.one_of(st.text("abAB01.+_-'!{@é \"", max_size=70), st.emails().map(lambda email: email.rpartition("@")[0])),
    st.one_of(st.text("ab-.0_é@[]", max_size=12), st.sampled_from(["roy.example", "x.test", "roy.com"]), domains()),
)


@given(st.one_of(ADDRESS, st.emails(), st.text(max_size=20)))
def test_the_remembered_verdict_is_that_of_the_api(address: str) -> None:
    assert is_email(address) is (len(address) <= EMAIL_LENGTH_MAX and email_fault(address) is None)


@pytest.mark.parametrize(
    ("cell", "url"),
    [
        ("roy.example", "https://roy.example"),
        ("www.linkedin.com/in/zoe", "https://www.linkedin.com/in/zoe"),
        ("//roy.example/a", "https://roy.example/a"),
        ("roy.example:8080/a", "https://roy.example:8080/a"),
        ("HTTP://ROY.example/?a=b#c", "HTTP://ROY.example/?a=b#c"),
        ("http://[::1]/", "http://[::1]/"),
    ],
)
def test_addresses_of_pages(cell: str, url: str) -> None:
    assert read_url(cell) == url


@pytest.mark.parametrize(
    "cell",
    [
        *(
            "javascript:alert(1)",
            "ftp://roy.example",
            "data:text/html,x",
            "https:///x",
            "n/a",
            "none",
            "https://roy.example:99999",
        ),
        *(
            "https://zoe:roy@roy.example",
            "http://127.0.0.1\\@roy.example/",
            "roy",
            "http://[::1",
            "https://a b.example",
        ),
        *("https://roy.example/\x00", "https://" + "x" * 2_041 + ".example", "mailto:zoe@roy.example"),
    ],
)
def test_what_is_no_address_of_a_page(cell: str) -> None:
    with pytest.raises(CellFault):
        read_url(cell)


def test_a_wrong_address_of_a_page_is_left_out() -> None:
    contact, faults = kept({"url": "ftp://roy.example", "linkedinUrl": "linkedin.com/in/zoe"})

    assert (contact.url, contact.linkedin_url) == (None, "https://linkedin.com/in/zoe")
    assert faults == [("url", "INVALID_URL")]


@pytest.mark.parametrize(
    ("column", "cell", "allowed", "codes"),
    [
        ("allowPhoneCalls", "true", True, []),
        ("allowPhoneCalls", "Non", False, []),
        ("allowPhoneCalls", "", None, []),
        ("Do Not Call", "1", False, []),
        ("Do Not Call", "FAUX", True, []),
        ("Do Not Call", "since May", False, ["INVALID_BOOLEAN"]),
        ("allowPhoneCalls", "perhaps", False, ["INVALID_BOOLEAN"]),
    ],
)
def test_who_may_be_called(column: str, cell: str, allowed: bool | None, codes: list[str]) -> None:
    contact, faults = kept({column: cell})

    assert (contact.allow_phone_calls, [code for _, code in faults]) == (allowed, codes)


def test_yes_and_no() -> None:
    assert [read_yes_no(word) for word in ("YES", " oui ", "x", "NON", "0", "?")] == [
        True,
        True,
        True,
        False,
        False,
        None,
    ]


@given(st.lists(st.text(max_size=40), min_size=12, max_size=12))
def test_whatever_a_contact_holds_keeps_the_rules(cells: list[str]) -> None:
    header = [
        "firstName",
        "lastName",
        "fullName",
        "email",
        "company",
        "city",
        "url",
        "linkedinUrl",
        "role",
        "doNotCall",
    ]
    header += ["phoneNumbers", "Note"]
    cells[10] += "; 06 39 98 12 34"

    contact, faults = RowConverter(map_header(header), "FR", [(11, "note")]).convert(1, cells)

    if contact is None:
        assert faults
        assert all(fault.row_refused for fault in faults)
        return
    wire = {
        "firstName": contact.first_name,
        "lastName": contact.last_name,
        "phoneNumbers": contact.phone_numbers,
        "email": contact.email,
        "company": contact.company,
        "city": contact.city,
        "url": contact.url,
        "linkedinUrl": contact.linkedin_url,
        "role": contact.role,
        "customFields": contact.custom_fields,
    }
    assert contact_faults(wire) == []
    assert contact.first_name
    assert contact.last_name
    assert MOBILE in contact.phone_numbers
