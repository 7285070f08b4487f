"""POST /v1/imports, and what becomes of a file without a dry run."""

import pytest

from skipcall.imports import running
from tests.client import Client
from tests.imports.conftest import IMPORTS, LEA, ZOE, Loader, counts, csv_of
from tests.make import Team, phone_number


def test_contacts_that_are_new(loader: Loader) -> None:
    found = loader.done(csv_of(ZOE, LEA))
    assert (found["status"], found["counts"]) == ("COMPLETED", counts(created=2))
    zoe, lea = loader.contacts()
    assert (zoe["firstName"], zoe["email"], zoe["phoneNumbers"]) == ("Zoé", "zoe@roy.example", [phone_number(1)])
    assert zoe["allowPhoneCalls"] is True
    assert (lea["firstName"], lea["lastModificationSource"]) == ("Léa", "API")
    assert loader.client.get("/v1/contacts")["meta"]["total"] == 2
    [entry] = loader.client.get(f"/v1/contacts/{zoe['id']}/history")["data"]
    assert entry["requestId"] == f"import-{found['id']}"
    assert entry["apiKeyId"] == str(loader.kept.team.key.id)
    assert loader.errors(found) == []


def test_the_same_file_again_changes_nothing(loader: Loader) -> None:
    loader.done(csv_of(ZOE, LEA))
    before = loader.contacts()
    assert loader.done(csv_of(ZOE, LEA))["counts"] == counts(unchanged=2)
    assert loader.contacts() == before


def test_without_keys_every_row_is_a_contact(loader: Loader) -> None:
    assert loader.done(csv_of(ZOE, ZOE), matchBy=[])["counts"] == counts(created=2)


def test_without_keys_an_external_id_still_is_of_one_contact(loader: Loader) -> None:
    headings = ("externalId", "First Name", "Last Name", "Phone Number")
    rows = [("crm-1", "Zoé", "Roy", "06 39 98 00 01"), ("crm-1", "Léa", "Rey", "06 39 98 00 02")]
    assert loader.done(csv_of(*rows, headings=headings), matchBy=[])["counts"] == counts(
        created=1, ambiguous=1, errors=1
    )
    assert loader.done(csv_of(rows[0], headings=headings), matchBy=[])["counts"] == counts(ambiguous=1, errors=1)


def test_rows_that_are_one_person_meet(loader: Loader) -> None:
    found = loader.done(csv_of(ZOE, ("Zoe", "Roy", "ZOE@ROY.EXAMPLE", ""), LEA))
    assert found["counts"] == counts(created=2, updated=1)
    zoe, _ = loader.contacts()
    assert (zoe["firstName"], zoe["email"], zoe["phoneNumbers"]) == ("Zoe", "ZOE@ROY.EXAMPLE", [phone_number(1)])
    history = loader.client.get(f"/v1/contacts/{zoe['id']}/history")["data"]
    assert [one["version"] for one in history] == [2, 1]


def test_what_is_there_is_overwritten_or_filled(loader: Loader) -> None:
    path = loader.kept.team.contact(email="zoe@roy.example", company="Old", phone_numbers=[phone_number(9)])
    headings = ("Email", "Company", "City", "Phone")
    rows = csv_of(("zoe@roy.example", "New", "Lille", "0639980001"), headings=headings)
    filled = loader.done(rows, matchBy=["email"], mode="fillIfEmpty", modes={"phoneNumbers": "append"})
    assert filled["counts"] == counts(updated=1)
    zoe = loader.client.get(path)
    assert (zoe["company"], zoe["city"], zoe["phoneNumbers"]) == ("Old", "Lille", [phone_number(9), phone_number(1)])
    assert loader.done(rows, matchBy=["email"])["counts"] == counts(updated=1)
    zoe = loader.client.get(path)
    assert (zoe["company"], zoe["phoneNumbers"], zoe["firstName"]) == ("New", [phone_number(1)], "Camille")


def test_an_empty_cell_changes_nothing(loader: Loader) -> None:
    path = loader.kept.team.contact(email="zoe@roy.example", company="Old", allow_phone_calls=False)
    headings = ("Email", "Company", "Allow phone calls")
    assert loader.done(csv_of(("zoe@roy.example", "", ""), headings=headings))["counts"] == counts(unchanged=1)
    assert loader.client.get(path)["allowPhoneCalls"] is False
    assert loader.done(csv_of(("zoe@roy.example", "", "no"), headings=headings))["counts"] == counts(unchanged=1)


@pytest.mark.parametrize(("heading", "says_yes"), [("Allow phone calls", "yes"), ("Ne pas appeler", "non")])
def test_no_file_lifts_a_refusal(loader: Loader, heading: str, says_yes: str) -> None:
    path = loader.kept.team.contact(email="zoe@roy.example", allow_phone_calls=False)
    rows = csv_of((ZOE[2], "New", says_yes), (ZOE[2], "", says_yes), headings=("Email", "Company", heading))
    found = loader.checked(rows)
    expected = counts(updated=1, unchanged=1, refusalsKept=2, errors=2)
    assert found["dryRun"]["counts"] == expected
    assert found["dryRun"]["examples"][0]["changes"] == {"company": [None, "New"]}
    loader.client.post(f"/v1/imports/{found['id']}/confirm", {"digest": found["dryRun"]["digest"]}, 200)
    loader.kept.work()
    assert loader.get(f"/v1/imports/{found['id']}")["counts"] == expected
    contact = loader.client.get(path)
    assert (contact["company"], contact["allowPhoneCalls"]) == ("New", False)
    assert [(one["line"], one["column"], one["code"], one["contacts"]) for one in loader.errors(found)] == [
        (line, heading, "REFUSAL_KEPT", contact["id"]) for line in "23"
    ]
    assert loader.done(rows, mode="fillIfEmpty")["counts"] == counts(unchanged=2)


def test_ambiguity_is_an_answer(loader: Loader) -> None:
    one = loader.kept.team.contact(email="zoe@roy.example", phone_numbers=[phone_number(9)])
    other = loader.kept.team.contact(phone_numbers=[phone_number(1)])
    found = loader.done(csv_of(ZOE, LEA))
    assert found["counts"] == counts(created=1, ambiguous=1, errors=1)
    [error] = loader.errors(found)
    assert (error["line"], error["code"]) == ("2", "AMBIGUOUS_MATCH")
    ids = {path.rpartition("/")[2]: key for path, key in ((one, "email"), (other, "phoneNumbers"))}
    assert set(error["contacts"].split("; ")) == {f"{id} ({key})" for id, key in ids.items()}


def test_other_systems_ids(loader: Loader) -> None:
    headings = ("Record ID", "externalId", *("First Name", "Last Name", "Phone Number"))
    rows = csv_of(("hs-1", "crm-1", "Zoé", "Roy", "0639980001"), headings=headings)
    assert loader.done(rows)["counts"] == counts(created=1)
    assert loader.contacts()[0]["externalId"] == "crm-1"
    found = loader.done(rows, mapping={"Record ID": "externalId", "externalId": None}, matchBy=["phoneNumbers"])
    assert found["counts"] == counts(ambiguous=1, errors=1), "the other system knows this number as somebody else"
    assert found["columns"] == {
        "Record ID": "externalId",
        "externalId": None,
        "First Name": "firstName",
        "Last Name": "lastName",
        "Phone Number": "phoneNumbers",
    }


def test_a_heading_means_a_slug_then_a_name_then_what_is_like_one(loader: Loader) -> None:
    """Which of several is meant by what is only like them is not guessed."""
    team = loader.kept.team
    loader.client.delete(f"/v1/custom-fields/{team.field('Budget').id}")
    slugs = [team.field(name).slug for name in ("Budget", "Budget 2", "Zone", "Zône")]
    assert slugs == ["budget_2", "budget_2_2", "zone", "zone_2"]
    known, row = ("Email", "Phone", "First Name", "Last Name"), ("a@example.com", "0639980001", "A", "B")
    found = loader.done(csv_of((*row, "1", "2", "3"), headings=(*known, "Budget 2", "budget", "Zône")))
    assert loader.contacts()[0]["customFields"] == {"Budget 2": "1", "Budget": "2", "Zône": "3"}
    found = loader.done(csv_of((*row, "4"), headings=(*known, "ZÔNE")))
    assert (found["columns"]["ZÔNE"], found["counts"]) == (None, counts(unchanged=1))
    told = loader.send(loader.asked(), csv_of((*row, "4"), headings=(*known, "customFields.ZONE")), 400)["error"][
        "details"
    ]
    assert [(one["pointer"], one["code"]) for one in told] == [("", "UNKNOWN_CUSTOM_FIELD")]
    assert "customFields.ZONE" in told[0]["message"]


def test_what_merged_contacts_were_known_by(loader: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    """In batches of one row, so that a dry run meets in each what the rows above would have written."""
    monkeypatch.setattr(running, "BATCH_ROWS", 1)
    headings = ("externalId", "First Name", "Last Name", "Phone", "City")
    people = [(name, "Zoé", "Roy", f"063998000{place}", "Nice") for place, name in enumerate(("y", "x"))]
    loader.done(csv_of(*people, headings=headings))
    stays, goes = (one["id"] for one in loader.contacts())
    loader.client.post(f"/v1/contacts/{stays}/merge", {"contactId": goes}, 200)
    rows = [("x", "Lille"), ("y", "Lille"), ("x", "Lille"), ("x", "Paris"), ("z", "Paris")]
    found = loader.checked(csv_of(*rows, headings=("externalId", "City")), matchBy=["externalId"])
    assert [one["status"] for one in found["dryRun"]["examples"]] == [
        "updated",
        "unchanged",
        "unchanged",
        "updated",
        "refused",
    ]
    loader.client.post(f"/v1/imports/{found['id']}/confirm", {"digest": found["dryRun"]["digest"]}, 200)
    loader.kept.work()
    done = loader.get(f"/v1/imports/{found['id']}")
    assert done["counts"] == found["counts"] == counts(updated=2, unchanged=2, refused=1, errors=3)
    (contact,) = loader.contacts()
    assert (contact["id"], contact["externalId"], contact["city"]) == (stays, "y", "Paris")
    loader.client.post(f"/v1/imports/{found['id']}/undo", None, 200)
    loader.kept.work()
    (contact,) = loader.contacts()
    assert (contact["externalId"], contact["city"]) == ("y", "Nice")
    assert loader.done(csv_of(people[1], headings=headings), matchBy=[])["counts"] == counts(created=1), "all are new"


def test_the_record_id_of_hubspot_is_an_external_id(loader: Loader) -> None:
    headings = ("Record ID", *("First Name", "Last Name", "Phone Number"))
    found = loader.done(csv_of(("7001", "Zoé", "Roy", "0639980001"), headings=headings))
    assert found["columns"]["Record ID"] == "externalId"
    assert loader.contacts()[0]["externalId"] == "7001"
    moved = loader.done(csv_of(("7001", "Zoé", "Roy", "0639980002"), headings=headings))
    assert moved["counts"] == counts(updated=1), "another number, the same person there"


def test_contacts_by_their_id(loader: Loader) -> None:
    id = loader.kept.team.contact(company="Old").rpartition("/")[2]
    rows = csv_of(
        (id, "New"), ("00000000-0000-7000-8000-000000000000", "x"), ("no-id", "x"), headings=("id", "Company")
    )
    found = loader.done(rows, matchBy=["id"])
    assert found["counts"] == counts(updated=1, refused=2, errors=2)
    assert [one["code"] for one in loader.errors(found)] == ["UNKNOWN_CONTACT", "INVALID_ID"]
    assert loader.contacts()[0]["company"] == "New"


def test_a_switchboard_makes_nobody_into_somebody_else(loader: Loader) -> None:
    """Who shares a telephone and has two other names is another person, unless the address is the same; with one of them it may be a correction."""
    switchboard = "0199000000"
    rows = [
        ("Ana", "Lopez", "ana@example.com", switchboard),
        ("Ben", "Petit", "ben@example.com", switchboard),
        ("Anna", "Lopez", "anna@example.com", switchboard),
        ("Carl", "Roy", "", switchboard),
        ("LOPEZ", "Anne", "anna@example.com", switchboard),
    ]
    headings = ("First Name", "Last Name", "Email", "Phone")
    found = loader.done(csv_of(*rows, headings=headings))
    assert found["counts"] == counts(created=1, ambiguous=2, updated=2, errors=2)
    errors = loader.errors(found)
    assert [(one["line"], one["code"]) for one in errors] == [("3", "AMBIGUOUS_MATCH"), ("5", "AMBIGUOUS_MATCH")]
    assert all(one["contacts"].endswith(" (phoneNumbers)") for one in errors)
    [contact] = loader.contacts()
    assert (contact["firstName"], contact["lastName"], contact["email"]) == ("LOPEZ", "Anne", "anna@example.com")
    again = loader.done(csv_of(rows[1], headings=headings), matchBy=["email"])
    assert again["counts"] == counts(created=1)


def test_blanks_around_a_value_stay(loader: Loader) -> None:
    """Values are stored as they are sent, and a file is read without blanks at the ends of its cells."""
    team = loader.kept.team
    team.field("Note")
    path = team.contact(role=" CTO\u00a0", city="Lille ", custom_fields={"note": " x "})
    before = loader.client.get(path)
    cells = (before["id"], before["role"], before["city"], " x ")
    found = loader.done(csv_of(cells, headings=("id", "Role", "City", "Note")), matchBy=["id"])
    assert found["counts"] == counts(unchanged=1)
    assert loader.client.get(path) == before


def test_ids_of_contacts_that_are_gone(loader: Loader) -> None:
    target, source, erased = (loader.kept.team.contact(phone_numbers=[phone_number(n)]) for n in range(3))
    ids = [one.rpartition("/")[2] for one in (target, source, erased)]
    loader.client.post(f"{target}/merge", {"contactId": ids[1]}, 200)
    loader.client.post(f"{erased}/erase", None, status=200)
    found = loader.done(csv_of((ids[1], "x"), (ids[2], "x"), headings=("id", "Company")), matchBy=["id"])
    assert found["counts"] == counts(refused=2, errors=2)
    told = [(one["column"], one["code"], one["contacts"]) for one in loader.errors(found)]
    assert told == [("id", "CONTACT_MERGED", ids[0]), ("id", "CONTACT_ERASED", "")]


def test_rows_that_are_refused(loader: Loader) -> None:
    rows = [
        ("", "Roy", "", "0639980001"),
        ("Zoé", "x" * 101, "", "0639980003"),
        ("Zoé", "Roy", "nobody", "0639980004"),
        ("Zoé", "Roy", "", "3.36E+10"),
        ("=1+1", "Roy", "", "0639980005"),
    ]
    found = loader.done(csv_of(*rows))
    assert found["counts"] == counts(created=2, refused=3, errors=5)
    errors = [(one["line"], one["column"], one["code"]) for one in loader.errors(found)]
    assert errors == [
        ("2", "First Name", "REQUIRED"),
        ("3", "Last Name", "TOO_LONG"),
        ("4", "Email", "INVALID_EMAIL"),
        ("5", "Phone Number", "PHONE_DAMAGED"),
        ("5", "Phone Number", "REQUIRED"),
    ]
    assert loader.contacts()[1]["firstName"] == "=1+1", "kept as it is; only files for spreadsheets are made safe"


def test_custom_fields(loader: Loader) -> None:
    team = loader.kept.team
    team.field("Score", type="number")
    team.field("Badge", is_unique=True)
    headings = (*("First Name", "Last Name", "Phone Number"), "score", "Badge", "Segment")
    rows = csv_of(
        ("A", "A", "0639980001", "12", "b-1", "x"),
        ("B", "B", "0639980002", "many", "b-2", ""),
        ("C", "C", "0639980003", "", "b-1", ""),
        headings=headings,
    )
    found = loader.done(rows, createFields=True)
    assert found["counts"] == counts(created=2, refused=1, errors=2)
    assert [(one["column"], one["code"]) for one in loader.errors(found)] == [
        ("score", "INVALID_NUMBER"),
        ("Badge", "CUSTOM_VALUE_TAKEN"),
    ]
    assert [one["customFields"] for one in loader.contacts()] == [
        {"Score": "12", "Badge": "b-1", "Segment": "x"},
        {"Badge": "b-2"},
    ]
    assert found["columns"]["Segment"] == "customFields.Segment"
    moved = csv_of(("0639980002", "b-3"), ("0639980001", "b-2"), headings=("Phone Number", "Badge"))
    assert loader.done(moved)["counts"] == counts(updated=2), "what one row gives up another may take"


def test_required_fields(loader: Loader) -> None:
    loader.kept.team.field("Segment", is_required=True)
    found = loader.done(csv_of(ZOE))
    assert found["counts"] == counts(refused=1, errors=1)
    assert loader.errors(found)[0]["code"] == "REQUIRED_CUSTOM_FIELD"


def test_numbers_that_are_not_to_be_called_stay_so(loader: Loader) -> None:
    loader.client.post("/v1/do-not-call", {"phoneNumber": phone_number(1), "reason": "OPPOSITION"})
    loader.done(csv_of(ZOE))
    [zoe] = loader.contacts()
    assert loader.client.get(f"/v1/contacts/{zoe['id']}/callability")["callable"] is False


def test_batches(loader: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of several batches, of which later ones meet what earlier ones made."""
    monkeypatch.setattr(running, "BATCH_ROWS", 3)
    rows = [("A", str(n), f"a{n % 7}@example.com", f"063998{n % 7:04}") for n in range(20)]
    found = loader.done(csv_of(*rows))
    assert found["counts"] == counts(created=7, updated=13)
    assert (found["rowsRead"], found["line"]) == (20, 21)
    assert [one["lastName"] for one in loader.contacts()] == ["14", "15", "16", "17", "18", "19", "13"]


def test_all_that_is_wrong_is_told_at_once(client: Client) -> None:
    body = {
        "format": "vcard",
        "preset": "hubspot",
        "mapping": {"a/b\n": "firstName", "x": 1},
        "matchBy": ["name"],
        "mode": "x",
        "modes": {"email": "append"},
        "defaultCountry": "XX",
    }
    assert sorted(client.faults("POST", IMPORTS, json=body)) == [
        ("/defaultCountry", "UNKNOWN_VALUE"),
        ("/mapping/a~1b\n", "FORBIDDEN_CHARACTER"),
        ("/mapping/x", "WRONG_TYPE"),
        ("/matchBy/0", "UNKNOWN_VALUE"),
        ("/mode", "UNKNOWN_VALUE"),
        ("/modes/email", "UNKNOWN_VALUE"),
        ("/preset", "CONFLICTING_PARAMETERS"),
    ]
    assert client.faults("POST", IMPORTS, json={"mapping": {"a/b\n": "x"}}) == [
        ("/mapping/a~1b\n", "FORBIDDEN_CHARACTER")
    ]


def test_limits(team: Team, client: Client) -> None:
    for _ in range(10):
        client.post(IMPORTS, {})
    assert client.post(IMPORTS, {}, 409)["error"]["code"] == "TOO_MANY_IMPORTS"
    client.post(f"{IMPORTS}/{client.walk(IMPORTS)[0]['id']}/cancel", None, 200)
    client.post(IMPORTS, {})
    client.request("POST", IMPORTS, json={}, params={"workspaceId": str(team.workspace())}, status=404)


def test_a_repeated_request_makes_one(client: Client) -> None:
    made = [client.post(IMPORTS, {}, headers={"idempotency-key": "a"}) for _ in range(2)]
    assert made[0] == made[1]
    assert len(client.walk(IMPORTS)) == 1
