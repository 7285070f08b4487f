"""Address books: vCard 2.1, 3.0 and 4.0, in the shapes that phones, Google, Apple and Outlook write."""

from typing import Any

import pytest

from tests.imports.conftest import Loader, counts, csv_of
from tests.make import phone_number

OLD = """BEGIN:VCARD\r
VERSION:2.1\r
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Lef=C3=A8vre;Zo=C3=A9;;;\r
FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Zo=C3=A9 Lef=C3=A8vre, la directrice de la =\r
maison\r
TEL;WORK;VOICE:01 99 00 01 42\r
TEL;CELL;PREF:06 39 98 00 42\r
TEL;FAX:01 99 00 01 43\r
EMAIL;INTERNET:zoe@example.com\r
ORG:Atelier Nord;Ventes\r
TITLE;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:Directrice g=E9n=E9rale\r
ADR;WORK:;;1 rue du Port;Lille;;59000;France\r
PHOTO;ENCODING=BASE64;TYPE=JPEG:/9j/4AAQSkZJRgABAQAAAQABAAD\r
 AAAAAAAAAAAAAAAAAAAAA\r
\r
END:VCARD\r
"""
APPLE = """BEGIN:VCARD
VERSION:3.0
PRODID:-//Apple Inc.//macOS 15.0//EN
N:Roy;L\u00e9a;;;
FN:L\u00e9a Roy
ORG:Atelier Sud\\; Fils\\, et Cie;
item1.TEL;type=pref:+33 6 39 98 00 43
item1.X-ABLabel:_$!<Mobile>!$_
TEL;type=HOME;type=VOICE:+33 6 39 98 00 44
EMAIL;type=INTERNET;type=WORK;type=pref:lea@exam
 ple.com
item2.URL;type=pref:https\\://lea.example/accueil
X-SOCIALPROFILE;type=linkedin:https://www.linkedin.com/in/lea-roy-example
NOTE:Deux lignes\\nde note
UID:4F0A
END:VCARD
"""
NEW = """BEGIN:VCARD
VERSION:4.0
FN:Marc Petit
N:Petit;Marc;;;
TEL;VALUE=uri;PREF=2;TYPE="voice,work":tel:+33-6-39-98-00-46
TEL;VALUE=uri;PREF=1;TYPE="voice,cell":tel:+33-6-39-98-00-45
EMAIL;PREF=1:marc@example.com
ORG:Atelier Est
TITLE:Acheteur
ADR;TYPE=work:;;2 rue Haute;Metz;;57000;France
URL:https://marc.example
UID:urn:uuid:9b0f6f7e-0000-4000-8000-000000000000
END:VCARD
"""


def taken(loader: Loader, text: str) -> dict[str, Any]:
    found = loader.done(text)
    assert found["format"] == "vcard"
    assert (found["status"], found["counts"]["created"]) == ("COMPLETED", 1), loader.errors(found)
    [contact] = loader.contacts()
    return contact


def some(contact: dict[str, Any], *names: str) -> list[Any]:
    return [contact[name] for name in names]


def test_version_2(loader: Loader) -> None:
    zoe = taken(loader, OLD)
    assert some(zoe, "firstName", "lastName", "email", "company") == [
        "Zoé",
        "Lefèvre",
        "zoe@example.com",
        "Atelier Nord",
    ]
    assert some(zoe, "role", "city", "country") == ["Directrice générale", "Lille", "France"]
    assert zoe["phoneNumbers"] == [phone_number(42), "+33199000142"], "the preferred one first, no fax"


def test_version_3(loader: Loader) -> None:
    lea = taken(loader, APPLE)
    assert some(lea, "firstName", "lastName", "email") == ["Léa", "Roy", "lea@example.com"]
    assert lea["company"] == "Atelier Sud; Fils, et Cie"
    assert lea["phoneNumbers"] == [phone_number(43), phone_number(44)]
    assert some(lea, "url", "linkedinUrl") == [
        "https://lea.example/accueil",
        "https://www.linkedin.com/in/lea-roy-example",
    ]
    assert lea["externalId"] is None


def test_version_4(loader: Loader) -> None:
    marc = taken(loader, NEW)
    assert some(marc, "firstName", "lastName", "email", "company") == [
        "Marc",
        "Petit",
        "marc@example.com",
        "Atelier Est",
    ]
    assert some(marc, "role", "city", "url") == ["Acheteur", "Metz", "https://marc.example"]
    assert marc["phoneNumbers"] == [phone_number(45), phone_number(46)]


def test_uids_are_external_ids_where_they_are_asked_for(loader: Loader) -> None:
    asked = {"mapping": {"UID": "externalId"}, "matchBy": ["externalId"]}
    loader.done(NEW, **asked)
    assert loader.done(NEW.replace("Acheteur", "Directeur"), **asked)["counts"] == counts(updated=1)
    [marc] = loader.contacts()
    assert some(marc, "externalId", "role") == ["urn:uuid:9b0f6f7e-0000-4000-8000-000000000000", "Directeur"]


def test_other_properties_are_mapped(loader: Loader) -> None:
    fields = {"bday": "Born", "CATEGORIES": "Groups", "NICKNAME": "Nick", "X-CRM-ID": "CRM"}
    for name in fields.values():
        loader.kept.team.field(name)
    more = "BDAY:1985-01-02\nCATEGORIES:Food\\, drinks,Retail\nNICKNAME:Mac\nNICKNAME:Marco\nitem1.X-Crm-Id;TYPE=x:7\nROLE:Buyer\n"
    path = loader.sent(NEW.replace("TITLE:Acheteur\n", more), dryRun=False, mapping=fields | {"ROLE": "city"})
    assert (
        loader.get(path)["columns"].items()
        >= {"BDAY": "customFields.born", "ROLE": "city", "ADR locality": "city"}.items()
    )
    loader.kept.work()
    [marc] = loader.contacts()
    assert marc["customFields"] == {
        "Born": "1985-01-02",
        "Groups": "Food, drinks,Retail",
        "Nick": "Mac Marco",
        "CRM": "7",
    }
    assert some(marc, "role", "city") == ["Buyer", "Buyer"]


def test_a_property_that_is_not_read_is_refused(loader: Loader) -> None:
    path = loader.asked(mapping={"NICKNAM": "role", "PHOTO": "company"})
    second, first = loader.send(path, NEW, 400)["error"]["details"]
    assert (first["pointer"], first["code"], first["suggestion"]) == ("/mapping/NICKNAM", "UNKNOWN_HEADING", "NICKNAME")
    assert second["pointer"] == "/mapping/PHOTO"
    assert "BDAY" in second["message"]


@pytest.mark.parametrize(
    ("broken", "line", "code"),
    [
        ("BEGIN:VCARD\nVERSION:3.0\nFN:Nobody\n", 1, "ROW_UNREADABLE"),
        ("this is no card\n", 1, "ROW_UNREADABLE"),
        ("BEGIN:VCARD\nVERSION:4.0\nKIND:group\nFN:Sales\nEND:VCARD\n", 1, "NOT_A_PERSON"),
        ("BEGIN:VCARD\nVERSION:3.0\nN:Roy;Zoé\nEMAIL:nowhere\nTEL:12\nEND:VCARD\n", 1, "INVALID_PHONE_NUMBER"),
    ],
)
def test_a_bad_card_leaves_the_others_alone(loader: Loader, broken: str, line: int, code: str) -> None:
    found = loader.done(broken + NEW, format="vcard")
    assert found["counts"]["created"] == 1
    told = [(one["line"], one["code"]) for one in loader.errors(found)]
    assert (str(line), code) in told


def test_many_cards_of_all_versions(loader: Loader) -> None:
    found = loader.done(OLD + APPLE + "\n" + NEW)
    assert found["counts"] == counts(created=3)
    assert found["rowsRead"] == 3


def test_people_who_were_erased_are_refused(loader: Loader) -> None:
    loader.done(NEW)
    [marc] = loader.contacts()
    loader.client.post(f"/v1/contacts/{marc['id']}/erase", None, status=200)
    dry = loader.checked(NEW)
    assert dry["dryRun"]["counts"]["refused"] == 1
    found = loader.done(
        csv_of(("M.", "Nobody", "Marc@example.com", "06 39 98 00 47"), ("Zoé", "Roy", "", "06 39 98 00 48"))
    )
    assert found["counts"] == counts(created=1, refused=1, errors=1)
    [told] = loader.errors(found)
    assert (told["line"], told["code"]) == ("2", "PERSON_ERASED")
    assert [one["lastName"] for one in loader.contacts()] == ["Roy"]


@pytest.mark.parametrize(("version", "role"), [("2.1", "Head of the sales"), ("3.0", "Head of thesales")])
def test_where_a_line_is_folded(loader: Loader, version: str, role: str) -> None:
    """In 2.1 what a line is folded at belongs to the text (vCard 2.1, section 2.1.3); later it is taken out (RFC 6350, section 3.2)."""
    card = f"BEGIN:VCARD\r\nVERSION:{version}\r\nN:Roy;Ann\r\nTEL:+33639980042\r\nTITLE:Head of the\r\n sales\r\nEND:VCARD\r\n"
    assert taken(loader, card)["role"] == role


@pytest.mark.parametrize(
    ("text", "last_name"),
    [("N;ENCODING=b:RHVwb250O0plYW4=", "Dupont"), ("N;BASE64;CHARSET=utf-8:TcO8bGxlcjtKZWFu", "Müller")],
)
def test_names_in_base64(loader: Loader, text: str, last_name: str) -> None:
    card = f"BEGIN:VCARD\r\nVERSION:3.0\r\n{text}\r\nX-PHOTO;ENCODING=b:/9j/4AAQ\r\nTEL:0639980001\r\nEND:VCARD\r\n"
    assert some(taken(loader, card), "firstName", "lastName") == ["Jean", last_name]


def test_the_card_of_who_acts_for_a_person_is_left_out(loader: Loader) -> None:
    """VCard 2.1, AGENT: a card inside a card."""
    agent = "AGENT:\r\nBEGIN:VCARD\r\nVERSION:2.1\r\nN:Aide;Ann\r\nTEL:0639980002\r\nEND:VCARD\r\n"
    card = f"BEGIN:VCARD\r\nVERSION:2.1\r\nN:Roy;Zoé\r\n{agent}TEL:0639980001\r\nEND:VCARD\r\n"
    zoe = taken(loader, card)
    assert some(zoe, "firstName", "lastName", "phoneNumbers") == ["Zoé", "Roy", ["+33639980001"]]
