"""One hand-written sample of each layout, from the file to the contacts."""

from pathlib import Path

import pytest

from skipcall.imports.model import ContactRow, UnusableFile
from skipcall.imports.presets import (
    CUSTOM_PREFIX,
    KEYED_FIELDS,
    PRESETS,
    Mapping,
    Preset,
    count_known_headings,
    detect_preset,
    heading_key,
    map_header,
)
from skipcall.imports.reader import inspect_file, read_rows
from skipcall.imports.rows import RowConverter

HUBSPOT = """\
Record ID,First Name,Last Name,Email,Phone Number,Mobile Phone Number,Contact owner,Lead Status,Create Date,\
Associated Company,Job Title,City,Country/Region,Website URL,LinkedIn URL
7001,Zoé,Roy,zoe@lanterne.example,01 99 00 00 01,06 39 98 00 01,Alice,New,2025-01-02 10:00,Lanterne,CTO,Pau,France,\
lanterne.example,https://www.linkedin.com/in/zoe-roy-demo
"""
GOOGLE = """\
First Name,Middle Name,Last Name,Phonetic First Name,Organization Name,Organization Title,Notes,Labels,E-mail 1 - Label,\
E-mail 1 - Value,E-mail 2 - Label,E-mail 2 - Value,Phone 1 - Label,Phone 1 - Value,Phone 2 - Label,Phone 2 - Value,\
Address 1 - City,Address 1 - Country,Website 1 - Label,Website 1 - Value
Zoé,,Roy,,Lanterne,CTO,met in Lyon,* myContacts,* Work,zoe@lanterne.example,Home,zoe@home.example,Mobile,\
06 39 98 00 01 ::: 06 39 98 00 02,Work,01 99 00 00 01,Pau,France,Profile,https://lanterne.example
"""
PIPEDRIVE = """\
Person - ID,Person - Name,Person - First name,Person - Last name,Person - Organization,Person - Job title,\
Person - Email - Work,Person - Email - Home,Person - Phone - Work,Person - Phone - Mobile,Person - Labels
12,Zoé Roy,Zoé,Roy,Lanterne,CTO,zoe@lanterne.example,,01 99 00 00 01,06 39 98 00 01,Hot
"""
PIPEDRIVE_FRENCH = """\
Personne – ID;Personne – Nom;Personne – E-mail – Travail;Personne – Téléphone – Mobile;Organisation – Nom
12;Zoé Roy;zoe@lanterne.example;06 39 98 00 01;Lanterne
"""
APOLLO = """\
First Name,Last Name,Title,Company,Company Name for Emails,Email,Email Status,Seniority,First Phone,Work Direct Phone,\
Mobile Phone,Corporate Phone,# Employees,Industry,Person Linkedin Url,Website,City,Country,Apollo Contact Id
Zoé,Roy,CTO,Lanterne,Lanterne,zoe@lanterne.example,Verified,C suite,,'+33 1 99 00 00 01,'+33 6 39 98 00 01,\
'+33 1 99 00 00 02,120,software,http://www.linkedin.com/in/zoe-roy-demo,http://lanterne.example,Pau,France,abc
"""
LINKEDIN = """\
Notes:
"When exporting, some e-mail addresses are ""missing"".
Only people who allow it are listed with theirs."

First Name,Last Name,URL,Email Address,Company,Position,Connected On,Phone
Zoé,Roy,https://www.linkedin.com/in/zoe-roy-demo,,Lanterne,CTO,12 Mar 2024,06 39 98 00 01
"""
SALESFORCE = """\
First Name,Last Name,Title,Account Name,Phone,Mobile,Email,Mailing City,Mailing Country,Contact Owner,Do Not Call
Zoé,Roy,CTO,Lanterne,01 99 00 00 01,06 39 98 00 01,zoe@lanterne.example,Pau,France,Alice,1

Grand Totals (1 record)
Copyright (c) 2025
"""
EVABOOT = """\
First Name,Last Name,Email,Email Status,Current Job,Linkedin URL Public,Linkedin URL Unique ID,Matches Filters,\
Company Name,Company Website URL,Phone
Zoé,Roy,zoe@lanterne.example,safe,CTO,https://www.linkedin.com/in/zoe-roy-demo,\
https://www.linkedin.com/in/ACwAAdemo,YES,Lanterne,lanterne.example,06 39 98 00 01
"""
PLAIN = """\
id\tfirstName\tlastName\temail\tphoneNumbers\tcompany\tlinkedinSalesUrl\tallowPhoneCalls\tcustomFields.team_size\tRegion
1\tZoé\tRoy\tzoe@lanterne.example\t+33639980001;+33199000001\tLanterne\thttps://www.linkedin.com/sales/people/x\tfalse\t\
50-100\tSud
"""
FRENCH = """\
Nom;Prénom;Téléphone mobile;Téléphone fixe;Adresse e-mail;Société;Ville;Fonction
Roy;Zoé;06 39 98 00 01;01 99 00 00 01;zoe@lanterne.example;Lanterne;Pau;CTO
"""

MOBILE, FIXED = "+33639980001", "+33199000001"
SALES = "https://www.linkedin.com/sales/people/x"
PROFILE = "https://www.linkedin.com/in/zoe-roy-demo"


def import_one(tmp_path: Path, text: str) -> tuple[Mapping, ContactRow]:
    path = tmp_path / "contacts.csv"
    path.write_text(text, encoding="utf-8")
    layout = inspect_file(path, count_known_headings)
    mapping = map_header(layout.header)
    custom = [(index, layout.header[index]) for index in mapping.unmapped] + list(mapping.custom)
    converter = RowConverter(mapping, "FR", custom)
    rows = list(read_rows(path, layout))
    assert len(rows) == 1
    line, cells = rows[0]
    assert isinstance(cells, list)
    contact, faults = converter.convert(line, cells)
    assert contact is not None
    assert faults == []
    assert (contact.first_name, contact.last_name, contact.company) == ("Zoé", "Roy", "Lanterne")
    return mapping, contact


def test_hubspot(tmp_path: Path) -> None:
    mapping, contact = import_one(tmp_path, HUBSPOT)

    assert mapping.preset == "hubspot"
    assert contact.phone_numbers == [MOBILE, FIXED]
    assert (contact.email, contact.role, contact.city, contact.country) == (
        "zoe@lanterne.example",
        "CTO",
        "Pau",
        "France",
    )
    assert (contact.url, contact.linkedin_url) == ("https://lanterne.example", PROFILE)
    assert contact.custom_fields == {"Contact owner": "Alice", "Lead Status": "New"}


def test_google(tmp_path: Path) -> None:
    mapping, contact = import_one(tmp_path, GOOGLE)

    assert mapping.preset == "google"
    assert contact.phone_numbers == [MOBILE, "+33639980002", FIXED]
    assert (contact.email, contact.role, contact.city, contact.url) == (
        "zoe@lanterne.example",
        "CTO",
        "Pau",
        "https://lanterne.example",
    )
    assert contact.custom_fields == {"Notes": "met in Lyon", "Labels": "* myContacts"}


def test_a_number_that_google_calls_a_fax_is_left_out(tmp_path: Path) -> None:
    _, contact = import_one(tmp_path, GOOGLE.replace(",Work,01 99", ",Work Fax,01 99"))
    assert contact.phone_numbers == [MOBILE, "+33639980002"]


def test_pipedrive(tmp_path: Path) -> None:
    mapping, contact = import_one(tmp_path, PIPEDRIVE)

    assert mapping.preset == "pipedrive"
    assert contact.phone_numbers == [MOBILE, FIXED]
    assert (contact.email, contact.role) == ("zoe@lanterne.example", "CTO")
    assert contact.custom_fields == {"Person - Labels": "Hot"}


def test_pipedrive_in_french(tmp_path: Path) -> None:
    mapping, contact = import_one(tmp_path, PIPEDRIVE_FRENCH)

    assert mapping.preset == "pipedrive"
    assert (contact.phone_numbers, contact.email) == ([MOBILE], "zoe@lanterne.example")


def test_apollo(tmp_path: Path) -> None:
    mapping, contact = import_one(tmp_path, APOLLO)

    assert mapping.preset == "apollo"
    assert contact.phone_numbers == [MOBILE, FIXED, "+33199000002"]
    assert (contact.linkedin_url, contact.url) == (
        "http://www.linkedin.com/in/zoe-roy-demo",
        "http://lanterne.example",
    )
    assert contact.custom_fields == {"Seniority": "C suite", "# Employees": "120", "Industry": "software"}


def test_linkedin(tmp_path: Path) -> None:
    mapping, contact = import_one(tmp_path, LINKEDIN)

    assert mapping.preset == "linkedin"
    assert (contact.linkedin_url, contact.email, contact.role) == (PROFILE, None, "CTO")
    assert contact.custom_fields == {"Connected On": "12 Mar 2024"}


def test_linkedin_without_an_added_phone_column() -> None:
    header = ["First Name", "Last Name", "URL", "Email Address", "Company", "Position", "Connected On"]
    with pytest.raises(UnusableFile, match="LinkedIn exports hold none: add a column Phone"):
        map_header(header)

    assert map_header(header, phone_required=False).preset == "linkedin"


def test_salesforce(tmp_path: Path) -> None:
    mapping, contact = import_one(tmp_path, SALESFORCE)

    assert mapping.preset == "salesforce"
    assert contact.phone_numbers == [MOBILE, FIXED]
    assert contact.allow_phone_calls is False


def test_evaboot(tmp_path: Path) -> None:
    mapping, contact = import_one(tmp_path, EVABOOT)

    assert mapping.preset == "evaboot"
    assert (contact.linkedin_url, contact.linkedin_sales_url) == (PROFILE, "https://www.linkedin.com/in/ACwAAdemo")


def test_plain(tmp_path: Path) -> None:
    mapping, contact = import_one(tmp_path, PLAIN)

    assert mapping.preset == "plain"
    assert contact.phone_numbers == [MOBILE, FIXED]
    assert (contact.linkedin_sales_url, contact.allow_phone_calls) == (SALES, False)
    assert contact.custom_fields == {"Region": "Sud", "team_size": "50-100"}


def test_plain_in_french(tmp_path: Path) -> None:
    mapping, contact = import_one(tmp_path, FRENCH)

    assert contact.phone_numbers == [MOBILE, FIXED]
    assert (contact.email, contact.city, contact.role) == ("zoe@lanterne.example", "Pau", "CTO")
    assert mapping.unmapped == ()


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_every_heading_of_a_preset_is_found_in_it(preset: Preset) -> None:
    assert preset.columns.keys() <= KEYED_FIELDS
    for field, headings in preset.columns.items():
        for heading in headings:
            written = heading.replace("{n}", "12").upper()
            header, choices = ["Prenom", "Full Name", written], {"full name": "fullName"}
            found = map_header(header, preset, choices, phone_required=False, fields=KEYED_FIELDS)
            assert 2 in found.columns[field], heading


def test_headings_are_the_same_in_any_case_accent_space_and_dash() -> None:
    assert heading_key(" \ufeffPRÉNOM * ") == heading_key("prenom")
    assert heading_key("Personne – Nom") == heading_key("personne - nom")
    assert heading_key("Nom de l’entreprise") == heading_key("Nom de l'entreprise")
    assert heading_key("first_name") == heading_key("First  Name")


def test_numbered_columns_stand_in_order_of_their_numbers() -> None:
    header = ["First Name", "Last Name", "Phone 10 - Value", "Phone 2 - Value", "Phone 1 - Value"]

    assert map_header(header).columns["phoneNumbers"] == (4, 3, 2)


def test_choices_overrule_the_preset() -> None:
    header = ["First Name", "Last Name", "Phone", "Second", "City", "Plan"]
    choices = {"second": "phoneNumbers", "City": "", "PLAN": CUSTOM_PREFIX + "plan"}

    mapping = map_header(header, choices=choices)

    assert mapping.columns["phoneNumbers"] == (2, 3), "in the file's order"
    assert "city" not in mapping.columns
    assert (mapping.unmapped, mapping.custom) == ((), ((5, "plan"),))


@pytest.mark.parametrize(
    ("header", "chosen", "order"),
    [
        (["Phone", "Extra"], ["Extra"], [0, 1]),
        (["Extra", "Phone"], ["Extra"], [0, 1]),
        (["Phone", "Extra", "Mobile Phone", "More"], ["More", "Extra"], [2, 3, 0, 1]),
        (["B", "A"], ["A", "B"], [0, 1]),
        (["Phone 2", "Extra", "Phone 1"], ["Extra"], [2, 0, 1]),
    ],
)
def test_a_chosen_column_of_phone_numbers_stays_behind_its_neighbour(
    header: list[str], chosen: list[str], order: list[int]
) -> None:
    mapping = map_header(["fullName", *header], choices=dict.fromkeys(chosen, "phoneNumbers"))
    assert mapping.columns["phoneNumbers"] == tuple(index + 1 for index in order)


@pytest.mark.parametrize(
    ("choices", "message"), [({"Nobody": "city"}, "no column 'Nobody'"), ({"Phone": "telefon"}, "no field 'telefon'")]
)
def test_wrong_choices_are_refused(choices: dict[str, str], message: str) -> None:
    with pytest.raises(UnusableFile, match=message):
        map_header(["First Name", "Last Name", "Phone"], choices=choices)


def test_a_file_without_names_or_phones_is_refused() -> None:
    with pytest.raises(UnusableFile, match="first and last name"):
        map_header(["First Name", "Phone"])
    with pytest.raises(UnusableFile, match="no column with phone numbers"):
        map_header(["First Name", "Last Name", "Email"])


def test_the_api_names_are_detected_as_plain() -> None:
    header = ["firstName", "lastName", "email", "phoneNumbers", "company", "city", "country", "role", "url"]

    assert detect_preset(header).name == "plain"
