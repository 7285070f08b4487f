"""Who was erased does not come back by an old list: one by one, in a batch, by an import."""

import threading
import unicodedata
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipcall.contacts.erased import person_hashes
from skipcall.imports.actions import ImportReport, import_contacts
from skipcall.imports.model import UnusableFile
from skipcall.postgres.db import Database
from skipcall.sealing import people_hashes
from skipcall.workspaces.model import Scope
from skipcall.workspaces.queries import get_workspace
from tests.client import Client
from tests.make import Make, Team
from tests.serving import SECRET

NEW = {"firstName": "Z.", "lastName": "Nobody", "phoneNumbers": ["+33639980409"]}
KNOWN_BY: dict[str, dict[str, Any]] = {
    "e-mail": {"email": "ZOE@example.COM"},
    "profile": {"linkedinUrl": "http://linkedin.com/in/Zoe-Mueller-example?trk=x"},
    "sales profile": {"linkedinSalesUrl": "https://www.linkedin.com/sales/lead/ACwAAAB,NAME_SEARCH,x1"},
    "number and name": {"phoneNumbers": ["+33639980409", "+33639980401"], "lastName": "MULLER"},
}
UNKNOWN_BY: dict[str, dict[str, Any]] = {
    "the number alone": {"phoneNumbers": ["+33639980401"]},
    "the name alone": {"firstName": "Zoé", "lastName": "Müller"},
    "the page of a company": {"linkedinUrl": "https://www.linkedin.com/company/atelier-nord"},
    "another address": {"email": "zoe@example.org"},
}


@pytest.fixture
def erased(team: Team) -> Team:
    """A team of which somebody was erased."""
    path = team.contact(
        first_name="Zoé",
        last_name="Müller",
        email="Zoe@Example.com",
        linkedin_url="https://fr.linkedin.com/in/zoe-mueller-example/",
        linkedin_sales_url="https://www.linkedin.com/sales/lead/ACwAAAB,NAME_SEARCH,q9",
        phone_numbers=["+33639980401", "+33639980402"],
    )
    team.client.patch(path, {"url": "https://atelier-nord.example"})
    assert team.client.post(f"{path}/erase", None, status=200)["receipt"]["refusedBy"] == 5
    return team


@pytest.mark.parametrize("key", KNOWN_BY)
def test_a_known_person_is_refused_whoever_writes_them(erased: Team, key: str) -> None:
    client, person = erased.client, NEW | KNOWN_BY[key]
    assert client.post("/v1/contacts", person, status=409)["error"]["code"] == "PERSON_ERASED"
    assert client.post("/v1/contacts/upsert", {"contact": person}, status=409)["error"]["code"] == "PERSON_ERASED"
    other = NEW | {"phoneNumbers": ["+33639980410"]}
    results = client.post("/v1/contacts/batch", {"items": [person, other]}, status=200)["results"]
    assert [one["status"] for one in results] == ["error", "created"], "one that is refused leaves the others alone"
    assert results[0]["error"]["code"] == "PERSON_ERASED"
    assert len(client.walk("/v1/contacts")) == 1


@pytest.mark.parametrize(
    ("known", "brought"),
    [("+5511987654321", "+551187654321"), ("+551187654321", "+5511987654321"), ("+541123456789", "+5491123456789")],
)
def test_a_number_counts_in_every_form(team: Team, known: str, brought: str) -> None:
    path = team.contact(last_name="Souza", phone_numbers=[known])
    team.client.post(f"{path}/erase", None, status=200)
    again = NEW | {"lastName": "Souza", "phoneNumbers": [brought]}
    assert team.client.post("/v1/contacts", again, status=409)["error"]["code"] == "PERSON_ERASED"
    assert team.client.post("/v1/contacts/upsert", {"contact": again}, status=409)["error"]["code"] == "PERSON_ERASED"


@pytest.mark.parametrize(
    ("known", "brought"),
    [
        ({"email": "zoe@exämple.com"}, {"email": "Zoe@xn--exmple-cua.com"}),
        ({"email": "zo\u00e9@example.com"}, {"email": "zoe\u0301@example.com"}),
        (
            {"linkedin_sales_url": "https://www.linkedin.com/sales/lead/ACwAAAB,NAME_SEARCH,q9"},
            {"linkedinSalesUrl": "https://www.linkedin.com/sales/people/ACwAAAB,x"},
        ),
    ],
)
def test_an_address_counts_in_every_form(team: Team, known: dict[str, str], brought: dict[str, str]) -> None:
    client = team.client
    client.post(f"{team.contact(**known)}/erase", None, status=200)
    assert client.post("/v1/contacts", NEW | brought, status=409)["error"]["code"] == "PERSON_ERASED"


def test_a_telephone_that_another_contact_has_in_another_form_is_theirs(team: Team) -> None:
    path = team.contact(last_name="Souza", phone_numbers=["+5511987654321"])
    team.contact(last_name="Lima", phone_numbers=["+551187654321"])
    entry = team.client.post("/v1/do-not-call", {"phoneNumber": "+5511987654321", "reason": "MANUAL", "source": "Fair"})
    assert team.client.post(f"{path}/erase", None, status=200)["receipt"]["doNotCall"] == 0
    assert team.client.get(f"/v1/do-not-call/{entry['id']}") == entry


# Two ways to write one name or profile.
SPELLINGS = [
    ("O'Brien", "O’Brien"),
    ("O'Brien", "OʼBRIEN"),
    ("Lecœur", "Lecoeur"),
    ("Sørensen", "Sorensen"),
    ("Wałęsa", "Walesa"),
    ("Saint-Exupéry", "Saint Exupery"),
    ("de\u00a0la Cruz", "De La Cruz"),
    ("Weiß", "WEISS"),
    ("Đorđević", "Dordevic"),
    ("Þórsson", "Thorsson"),
    ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
    ("각민", unicodedata.normalize("NFD", "각민")),
    ("https://www.linkedin.com/in/zo%C3%A9-1", "https://www.linkedin.com/in/zoé-1"),
    ("https://www.linkedin.com/in/zo%c3%a9-1", "https://fr.linkedin.com/in/ZO%C3%89-1/fr"),
    ("https://www.linkedin.com/in/zoé-1", "https://www.linkedin.com/in/zoe%CC%81-1"),
    ("https://www.linkedin.com/in/a%ff", "https://www.linkedin.com/in/A%FF"),
]


def _spelt(text: str, number: str) -> dict[str, Any]:
    known = {"linkedinUrl": text} if text.startswith("https:") else {"lastName": text, "phoneNumbers": ["+33639980431"]}
    return NEW | {"phoneNumbers": [number]} | known


def test_another_spelling_is_the_same_person(make: Make, tmp_path: Path) -> None:
    for erased, sent in (*SPELLINGS, *((two, one) for one, two in SPELLINGS)):
        team = make.team()
        id = team.client.post("/v1/contacts", _spelt(erased, "+33639980432"))["id"]
        team.client.post(f"/v1/contacts/{id}/erase", None, status=200)
        person = _spelt(sent, "+33639980433")
        assert team.client.post("/v1/contacts", person, 409)["error"]["code"] == "PERSON_ERASED", sent
        assert team.client.post("/v1/contacts/upsert", {"contact": person}, 409)["error"]["code"] == "PERSON_ERASED"
        [result] = team.client.post("/v1/contacts/batch", {"items": [person]}, 200)["results"]
        assert result["error"]["code"] == "PERSON_ERASED"
        path = tmp_path / "old.csv"
        cells = [person["firstName"], person["lastName"], person["phoneNumbers"][0], person.get("linkedinUrl", "")]
        path.write_text("firstName,lastName,phoneNumbers,linkedinUrl\n" + ",".join(cells))
        assert [one.code for one in bring(team, path, SECRET.encode()).faults] == ["PERSON_ERASED"], sent


@pytest.mark.parametrize(
    ("erased", "sent"), [("राम", "रोम"), ("-", "—"), ("🙂", "🙃"), ("李", "王"), ("Йод", "Йота"), ("-", "Roy")]
)
def test_other_names_are_of_others(team: Team, erased: str, sent: str) -> None:
    id = team.client.post("/v1/contacts", _spelt(erased, ""))["id"]
    team.client.post(f"/v1/contacts/{id}/erase", None, status=200)
    team.client.post("/v1/contacts", _spelt(erased, ""), 409)
    team.client.post("/v1/contacts", _spelt(sent, ""))


@pytest.mark.parametrize(
    ("kept", "sent"),
    [
        ("phone +33639980431 o'brien", "O'Brien"),
        ("phone +33639980431 de la cruz", "De la Cruz"),
        ("linkedin in zo%c3%a9-1", "https://www.linkedin.com/in/zo%C3%A9-1"),
    ],
)
def test_who_was_erased_by_an_older_version_is_known(team: Team, kept: str, sent: str) -> None:
    [key_hash] = people_hashes([f"{team.workspace_id} {kept}"], SECRET.encode())
    team.make.value(
        "INSERT INTO erased_people (workspace_id, key_hash) VALUES (:workspace_id, :key_hash) RETURNING 1",
        workspace_id=team.workspace_id,
        key_hash=key_hash,
    )
    for path, body in (("", _spelt(sent, "+33639980433")), ("/upsert", {"contact": _spelt(sent, "+33639980433")})):
        assert team.client.post(f"/v1/contacts{path}", body, 409)["error"]["code"] == "PERSON_ERASED"


def test_nobody_becomes_who_was_erased(team: Team) -> None:
    """A shared number leads to somebody else, who would be overwritten with the name and address of the erased one."""
    client, shared = team.client, "+33639980420"
    jean = {"firstName": "Jean", "lastName": "Petit", "email": "jean@example.com", "phoneNumbers": [shared]}
    marie = {"firstName": "Marie", "lastName": "Durand", "phoneNumbers": [shared]}
    erased_id = client.post("/v1/contacts", jean)["id"]
    other = client.post("/v1/contacts", marie)
    client.post(f"/v1/contacts/{erased_id}/erase", None, status=200)
    refused = client.post("/v1/contacts/upsert", {"contact": jean}, 409)["error"]
    assert (refused["code"], "create" in refused["message"]) == ("PERSON_ERASED", False)
    for mode in ("overwrite", "fillIfEmpty"):
        [result] = client.post("/v1/contacts/batch", {"items": [jean], "mode": mode}, 200)["results"]
        assert result["error"]["code"] == "PERSON_ERASED"
    assert client.get(f"/v1/contacts/{other['id']}") == other
    assert client.post("/v1/contacts/upsert", {"contact": marie | {"city": "Lille"}}, 200)["status"] == "updated"
    allowed = {"allowErased": True}
    became = client.post("/v1/contacts/upsert", {"contact": jean}, 200, params=allowed)["contact"]
    assert (became["id"], became["lastName"]) == (other["id"], "Petit")
    # Who is there again by their own will is written as anybody is.
    assert client.post("/v1/contacts/upsert", {"contact": jean | {"city": "Nice"}}, 200)["status"] == "updated"


def test_nobody_becomes_who_was_erased_by_parts(team: Team) -> None:
    """A contact has the name and an item the telephone, or the other way round, or two items have one each."""
    client, number = team.client, "+33639980426"
    erased_path = team.contact(first_name="Noa", last_name="Vautrin", phone_numbers=[number])
    client.post(f"{erased_path}/erase", None, status=200)
    namesake = NEW | {"lastName": "Vautrin", "email": "lea@example.com", "phoneNumbers": ["+33639980427"]}
    neighbour = NEW | {"lastName": "Other", "email": "max@example.com", "phoneNumbers": [number]}
    contacts = [client.post("/v1/contacts", one) for one in (namesake, neighbour)]
    by_telephone = {"email": "lea@example.com", "phoneNumbers": [number]}
    by_name = {"email": "max@example.com", "lastName": "VAUTRIN"}
    for item in (by_telephone, by_name):
        refused = client.post("/v1/contacts/upsert", {"contact": item, "match": ["email"]}, 409)["error"]
        assert refused["code"] == "PERSON_ERASED"
    both = [
        {"externalId": "one", "firstName": "Noa", "lastName": "Vautrin", "phoneNumbers": ["+33639980428"]},
        {"externalId": "one", "city": "Lille"},
        {"externalId": "one", "phoneNumbers": [number]},
        {"externalId": "one", "city": "Lyon", "phoneNumbers": ["+33639980429"]},
    ]
    for dry_run in (True, False):
        body = {"items": both, "match": ["externalId"], "dryRun": dry_run}
        results = client.post("/v1/contacts/batch", body, 200)["results"]
        assert [one["status"] for one in results] == ["created", "updated", "error", "updated"]
    assert client.get(f"/v1/contacts/{results[0]['id']}")["phoneNumbers"] == ["+33639980429"]
    assert [client.get(f"/v1/contacts/{one['id']}") for one in contacts] == contacts
    allowed = client.post(
        "/v1/contacts/upsert", {"contact": by_telephone, "match": ["email"]}, 200, params={"allowErased": True}
    )
    assert allowed["contact"]["phoneNumbers"] == [number]


def test_an_old_list_has_old_values(team: Team) -> None:
    client = team.client
    old = {"lastName": "Roy", "email": "old@example.com", "phoneNumbers": ["+33639980421"]}
    path = f"/v1/contacts/{client.post('/v1/contacts', NEW | old)['id']}"
    client.patch(path, {"lastName": "Rey", "email": "new@example.com", "phoneNumbers": ["+33639980422"]})
    client.post(f"{path}/erase", None, status=200)
    fresh = {"lastName": "Other", "phoneNumbers": ["+33639980423"]}
    for known in (
        {"email": "old@example.com"},
        {"lastName": "Roy", "phoneNumbers": ["+33639980421"]},
        {"lastName": "Rey", "phoneNumbers": ["+33639980421"]},
    ):
        assert client.post("/v1/contacts", NEW | fresh | known, 409)["error"]["code"] == "PERSON_ERASED"
    client.post("/v1/contacts", NEW | fresh)


def test_what_another_contact_has_now_is_not_the_persons(team: Team) -> None:
    """A mistake that was mended, or a merge that was undone, makes nobody else unwelcome."""
    client = team.client
    path = team.contact(email="mistake@example.com", last_name="Roy", phone_numbers=["+33639980424"])
    client.patch(path, {"email": "roy@example.com", "phoneNumbers": ["+33639980425"]})
    right = NEW | {"lastName": "Right", "email": "Mistake@example.com", "phoneNumbers": ["+33639980424"]}
    id = client.post("/v1/contacts", right)["id"]
    client.post(f"{path}/erase", None, status=200)
    client.delete(f"/v1/contacts/{id}")
    client.post("/v1/contacts", right)


@pytest.mark.parametrize("is_deleted", [False, True])
def test_what_two_people_share_is_neither_ones(team: Team, is_deleted: bool) -> None:
    """The address and the telephone of a house, and its name; also of one who can still be restored."""
    client = team.client
    shared = {
        "email": "home@example.com",
        "linkedin_sales_url": "https://www.linkedin.com/sales/lead/ACwAAAB,q9",
        "phone_numbers": ["+33639980430", "+33639980431"],
    }
    paul = team.contact(first_name="Paul", last_name="Martin", **shared)
    marie = team.contact(first_name="Marie", last_name="MARTIN", **shared)
    lodger = team.contact(first_name="Ann", last_name="Lodger", phone_numbers=["+33639980431"])
    if is_deleted:
        client.delete(marie)
        client.delete(lodger)
    client.post(f"{paul}/erase", None, status=200)
    for person in ({"email": "home@example.com"}, {"lastName": "Martin", "phoneNumbers": ["+33639980430"]}):
        client.post("/v1/contacts", NEW | person)
    client.post("/v1/contacts", NEW | {"linkedinSalesUrl": shared["linkedin_sales_url"]})
    if is_deleted:
        client.post(f"{lodger}/restore", None, 200)
    client.post(f"{lodger}/erase", None, status=200)
    again = NEW | {"lastName": "Lodger", "phoneNumbers": ["+33639980431"]}
    assert client.post("/v1/contacts", again, status=409)["error"]["code"] == "PERSON_ERASED"


@pytest.mark.parametrize("key", UNKNOWN_BY)
def test_others_who_have_something_in_common_are_not(erased: Team, key: str) -> None:
    erased.client.post("/v1/contacts", NEW | UNKNOWN_BY[key])


def test_what_another_system_knows_them_by_is_known_too(team: Team) -> None:
    person = {"externalId": "crm-7"}
    created = team.client.post("/v1/contacts/upsert", {"contact": NEW | person})["contact"]
    team.client.post(f"/v1/contacts/{created['id']}/erase", None, status=200)
    again = NEW | person | {"lastName": "Other", "phoneNumbers": ["+33639980411"]}
    assert team.client.post("/v1/contacts/upsert", {"contact": again}, status=409)["error"]["code"] == "PERSON_ERASED"


@pytest.mark.parametrize("path", ["/v1/contacts", "/v1/contacts/upsert"])
def test_who_comes_back_by_their_own_will_is_told_apart_in_the_history(erased: Team, path: str) -> None:
    client, person = erased.client, NEW | KNOWN_BY["e-mail"]
    body = {"contact": person} if path.endswith("upsert") else person
    answer = client.post(f"{path}?allowErased=true", body)
    contact = answer.get("contact", answer)
    [entry] = client.walk(f"/v1/contacts/{contact['id']}/history")
    assert entry["changes"] == {"allowErased": {"old": None, "new": True}}
    client.patch(f"/v1/contacts/{contact['id']}", {"linkedinUrl": KNOWN_BY["profile"]["linkedinUrl"]})
    updated = client.post("/v1/contacts/upsert", {"contact": {"email": person["email"], "city": "Lille"}}, status=200)
    assert updated["status"] == "updated", "who is there is not created"
    stranger = client.post(f"{path}?allowErased=true", {"contact": OTHER} if "contact" in body else OTHER)
    [entry] = client.walk(f"/v1/contacts/{stranger.get('contact', stranger)['id']}/history")
    assert entry["changes"] == {}, "nobody who was erased"


OTHER = NEW | {"phoneNumbers": ["+33639980412"]}


def test_another_workspace_does_not_know(erased: Team) -> None:
    other = erased.workspace()
    client = erased.client_for(other)
    client.post("/v1/contacts", NEW | KNOWN_BY["e-mail"])


def bring(team: Team, path: Path, secret: bytes | None) -> ImportReport:
    async def run() -> ImportReport:
        database = Database(team.make.database_url, 1)
        await database.open()
        try:
            scope = Scope(team.organization_id, (team.workspace_id,))
            return await import_contacts(
                database, await get_workspace(database, scope, team.workspace_id), path, secret=secret
            )
        finally:
            await database.close()

    return team.make.run(run())


def test_an_import_leaves_them_out_and_says_so(erased: Team, tmp_path: Path) -> None:
    path = tmp_path / "old.csv"
    path.write_text(
        "firstName,lastName,email,phoneNumbers,allowPhoneCalls\n"
        "Zoé,Müller,zoe@example.com,+33639980420,true\n"
        "Ana,Lopez,ana@example.com,+33639980421,false\n"
    )
    with pytest.raises(UnusableFile, match="secret"):
        bring(erased, path, None)
    report = bring(erased, path, SECRET.encode())
    assert (report.rows_read, report.created, report.refused) == (2, 1, 1)
    assert [(one.line, one.code, one.row_refused) for one in report.faults] == [(2, "PERSON_ERASED", True)]
    assert "zoe" not in report.faults[0].reason.lower()
    [ana] = erased.client.walk("/v1/contacts")
    [entry] = erased.client.walk(f"/v1/contacts/{ana['id']}/consents")
    assert (entry["status"], entry["source"]) == ("objected", "SKIPCALL"), "a refusal that a file brings is kept too"


def test_whoever_writes_them_while_they_are_erased(make: Make) -> None:
    """An upsert finds the contact before the erasure, or is refused; it never makes the person anew."""
    for attempt in range(12):
        team = make.team()
        person = NEW | {"email": f"zoe-{attempt}@example.com"}
        path = f"/v1/contacts/{team.client.post('/v1/contacts', person)['id']}"
        begin = threading.Barrier(3)

        def write(client: Client, person: Any = person, begin: Any = begin) -> None:
            begin.wait()
            for number in range(4):
                client.request("POST", "/v1/contacts/upsert", json={"contact": person | {"city": f"City {number}"}})

        writers = [threading.Thread(target=write, args=[team.client_for()]) for _ in range(2)]
        for one in writers:
            one.start()
        begin.wait()
        team.client.post(f"{path}/erase", None, status=200)
        for one in writers:
            one.join()
        assert team.client.walk("/v1/contacts") == []
        assert "City" not in str(team.client.walk(f"{path}/history"))


TEXT = st.text(st.characters(codec="ascii"), min_size=1, max_size=30)


@given(email=TEXT, name=st.text(max_size=30), profile=TEXT, number=TEXT)
def test_hashes_are_of_one_workspace_and_one_secret(email: str, name: str, profile: str, number: str) -> None:
    person = {"last_name": name, "linkedin_url": f"https://linkedin.com/in/{profile}", "phone_numbers": [number]}
    hashes = person_hashes(UUID(int=1), person | {"email": email}, b"one")
    assert hashes == person_hashes(UUID(int=1), person | {"email": email.swapcase()}, b"one")
    assert not set(hashes) & set(person_hashes(UUID(int=2), person | {"email": email}, b"one"))
    assert not set(hashes) & set(person_hashes(UUID(int=1), person | {"email": email}, b"two"))
