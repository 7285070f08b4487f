"""POST /v1/imports/{id}/confirm: what a dry run finds is what is done."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skipcall.imports import running
from tests.imports.conftest import LEA, ZOE, Loader, counts, csv_of
from tests.make import phone_number

FILE = csv_of(ZOE, LEA)


def confirmed(loader: Loader, found: dict[str, Any], status: int = 200) -> dict[str, Any]:
    path = f"/v1/imports/{found['id']}"
    loader.client.post(f"{path}/confirm", {"digest": found["dryRun"]["digest"]}, status)
    loader.kept.work()
    return loader.get(path)


def test_a_dry_run_writes_nothing(loader: Loader) -> None:
    path = loader.kept.team.contact(email="zoe@roy.example", company="Old")
    found = loader.checked(csv_of(ZOE, LEA, ("A", "", "", "")))
    assert found["status"] == "AWAITING_CONFIRMATION"
    expected = counts(created=1, updated=1, refused=1, errors=1)
    assert found["counts"] == found["dryRun"]["counts"] == expected | {"errors": found["counts"]["errors"]}
    zoe, lea, refused = found["dryRun"]["examples"]
    assert (zoe["line"], zoe["status"], zoe["id"]) == (2, "updated", path.rpartition("/")[2])
    assert zoe["changes"]["firstName"] == ["Camille", "Zoé"]
    assert (lea["line"], lea["status"], lea["id"]) == (3, "created", None)
    assert lea["changes"] == {
        "firstName": [None, "Léa"],
        "lastName": [None, "Rey"],
        "email": [None, "lea@rey.example"],
        "phoneNumbers": [None, [phone_number(2)]],
        "allowPhoneCalls": [None, True],
    }
    assert refused["status"] == "refused"
    assert [one["firstName"] for one in loader.contacts()] == ["Camille"]
    assert len(loader.kept.team.make.events(path)) == 1
    done = confirmed(loader, found)
    assert (done["status"], done["counts"]) == ("COMPLETED", found["counts"])
    assert loader.errors(done) == loader.errors(found)
    assert [one["firstName"] for one in loader.contacts()] == ["Zoé", "Léa"]


def test_a_new_contact_is_shown_as_its_own_row_makes_it(loader: Loader) -> None:
    loader.kept.team.field("Industry")
    headings = ("Email", *("First Name", "Last Name", "Phone Number"), "Industry", "Do not call")
    rows = [("zoe@roy.example", "Zoé", "Roy", "0639980001", "Food", "yes"), ("zoe@roy.example", "Zoe", *"    ")]
    first, second = loader.checked(csv_of(*(row[:6] for row in rows), headings=headings))["dryRun"]["examples"]
    assert first["changes"] == {
        "email": [None, "zoe@roy.example"],
        "firstName": [None, "Zoé"],
        "lastName": [None, "Roy"],
        "phoneNumbers": [None, [phone_number(1)]],
        "allowPhoneCalls": [None, False],
        "customFields": [{}, {"industry": "Food"}],
    }
    assert second["changes"] == {"firstName": ["Zoé", "Zoe"]}


def test_nobody_becomes_who_was_erased_by_a_row_without_a_name(loader: Loader) -> None:
    team = loader.kept.team
    erased_path = team.contact(last_name="Roy", phone_numbers=[phone_number(9)])
    loader.client.post(f"{erased_path}/erase", None, status=200)
    path = team.contact(last_name="Roy", email="lea@roy.example")
    before = loader.client.get(path)
    file = csv_of(("lea@roy.example", "Zoé", phone_number(9)), headings=("Email", "First Name", "Phone Number"))
    found = loader.checked(file, matchBy=["email"])
    assert found["counts"] == counts(refused=1, errors=1)
    assert [one["code"] for one in loader.errors(found)] == ["PERSON_ERASED"]
    confirmed(loader, found)
    assert loader.client.get(path) == before


def test_what_is_confirmed_must_be_what_was_found(loader: Loader) -> None:
    path = loader.sent(FILE)
    body = {"digest": "0" * 64}
    assert loader.client.post(f"{path}/confirm", body, 409)["error"]["code"] == "IMPORT_STATUS"
    loader.kept.work()
    assert loader.client.post(f"{path}/confirm", body, 409)["error"]["code"] == "IMPORT_DIGEST_MISMATCH"
    assert loader.client.faults("POST", f"{path}/confirm", json={"digest": "x"}) == [("/digest", "INVALID_FORMAT")]
    confirmed(loader, loader.get(path))
    assert loader.get(path)["status"] == "COMPLETED"
    confirmed(loader, loader.get(path), 409)


def test_the_digest_stands_for_what_would_be_done(loader: Loader) -> None:
    first = loader.checked(FILE)["dryRun"]["digest"]
    assert loader.checked(FILE)["dryRun"]["digest"] == first
    others = [loader.checked(FILE, mode="fillIfEmpty"), loader.checked(csv_of(LEA, ZOE))]
    loader.kept.team.contact(email="zoe@roy.example", phone_numbers=[phone_number(9)])
    others.append(loader.checked(FILE))
    assert len({first, *(one["dryRun"]["digest"] for one in others)}) == 4


def test_contacts_that_have_changed_since_are_decided_anew(loader: Loader) -> None:
    found = loader.checked(FILE)
    loader.kept.team.contact(email="zoe@roy.example", phone_numbers=[phone_number(9)])
    assert confirmed(loader, found)["counts"] == counts(created=1, updated=1)


def test_fields_are_made_by_the_import_and_not_by_the_dry_run(loader: Loader) -> None:
    rows = csv_of((*ZOE, "x"), (*ZOE, "y"), headings=("First Name", "Last Name", "Email", "Phone", "Segment"))
    found = loader.checked(rows, createFields=True)
    assert loader.client.get("/v1/custom-fields")["data"] == []
    assert confirmed(loader, found)["counts"] == found["counts"] == counts(created=1, updated=1)
    assert loader.contacts()[0]["customFields"] == {"Segment": "y"}


TWO_FORMS = ["+5511987654321", "+551187654321"]  # of one telephone
NUMBERS = st.sampled_from(["", *(f"063998000{n}" for n in range(4)), "0639980001;0639980002", *TWO_FORMS])
ADDRESSES = st.sampled_from(["", "a@example.com", "A@Example.com", "b@example.com", "c@example.com", "nobody"])
ROW = st.tuples(
    *(st.sampled_from(["", "A", "B"]), st.sampled_from(["R", "S"]), ADDRESSES, NUMBERS),
    *(st.sampled_from(["", "x", "y"]), st.sampled_from(["", "1", "2"]), st.sampled_from(["", "yes", "no"])),
)
COLUMNS = ("First Name", "Last Name", "Email", "Phone", "externalId", "Badge", "Allow phone calls")
MERGE = st.tuples(st.integers(0, 2), st.integers(0, 2))
MODE = st.sampled_from(["overwrite", "fillIfEmpty"])
SETTINGS = st.fixed_dictionaries(
    {
        "matchBy": st.lists(st.sampled_from(["externalId", "phoneNumbers", "email"]), unique=True),
        "mode": MODE,
        "modes": st.fixed_dictionaries({}, optional={"phoneNumbers": MODE | st.just("append"), "email": MODE}),
    }
)


@settings(max_examples=25)
@given(st.lists(st.tuples(SETTINGS, st.lists(ROW, min_size=1, max_size=9), MERGE), min_size=1, max_size=3))
def test_a_dry_run_finds_what_is_done(
    loading: Any, steps: list[tuple[dict[str, Any], list[tuple[str, ...]], tuple[int, int]]]
) -> None:
    """Random files and merges one after the other, in batches of two rows; and the contacts are those that a batch of upserts makes, which
    lets nobody be called again.
    """
    loader, twin = (Loader(loading._replace(team=loading.team.make.team())) for _ in range(2))
    for one in (loader, twin):
        one.kept.team.field("Badge", is_unique=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "BATCH_ROWS", 2)
        for asked, rows, merge in steps:
            found = loader.checked(csv_of(*rows, headings=COLUMNS), **asked)
            done = confirmed(loader, found)
            assert done["counts"] == found["counts"]
            outcomes = {name: count for name, count in done["counts"].items() if name not in ("errors", "refusalsKept")}
            assert sum(outcomes.values()) == len(rows) == done["rowsRead"]
            if asked["matchBy"]:
                assert _upsert(twin, asked, rows) == done["counts"]["refusalsKept"]
            else:
                twin.done(csv_of(*rows, headings=COLUMNS), **asked)
            for one in (loader, twin):
                _merge(one, *merge)
    own = {"id", "teamId", "createdAt", "updatedAt"}
    told = [[{k: v for k, v in one.items() if k not in own} for one in both.contacts()] for both in (loader, twin)]
    assert told[0] == told[1]


def _merge(loader: Loader, target: int, source: int) -> None:
    ids = [one["id"] for one in loader.contacts()]
    if target != source and max(target, source) < len(ids):
        loader.client.post(f"/v1/contacts/{ids[target]}/merge", {"contactId": ids[source]}, 200)


def _upsert(twin: Loader, asked: dict[str, Any], rows: list[tuple[str, ...]]) -> int:
    """Do what the import does by upserts, and return of how many `allowPhoneCalls` was left out.

    A row without any of the keys is a contact of its own; one about somebody else at a telephone is ambiguous.
    """
    refusals_kept = 0
    for first, last, email, numbers, external_id, badge, calls in rows:
        item: dict[str, Any] = {
            "firstName": first,
            "lastName": last,
            "email": email if "@" in email else "",
            "phoneNumbers": [one if one in TWO_FORMS else "+33" + one[1:] for one in numbers.split(";") if one],
            "externalId": external_id,
            "customFields": {"badge": badge} if badge else {},
        }
        item = {name: value for name, value in item.items() if value}
        if calls:
            item["allowPhoneCalls"] = calls == "yes"
        has_key = any(key in item for key in asked["matchBy"])
        if not has_key:
            twin.done(csv_of((first, last, email, numbers, external_id, badge, calls), headings=COLUMNS), **asked)
            continue
        body = {"items": [item], "match": asked["matchBy"], "mode": asked["mode"], "modes": asked["modes"]}
        result = twin.client.post("/v1/contacts/batch", body | {"dryRun": True}, 200)["results"][0]
        if result.get("matchedBy") == ["phoneNumbers"] and _is_other(twin, result["id"], item):
            continue
        if result.get("changes", {}).get("allowPhoneCalls") == [False, True]:
            del item["allowPhoneCalls"]
            refusals_kept += 1
        twin.client.post("/v1/contacts/batch", body, 200)
    return refusals_kept


def _is_other(twin: Loader, id: str, item: dict[str, Any]) -> bool:
    known = twin.client.get(f"/v1/contacts/{id}")
    names = [{one["firstName"], one["lastName"]} for one in (known, item) if "firstName" in one]
    has_address = "email" in item and item["email"].lower() == (known["email"] or "").lower()
    return len(names) > 1 and names[0].isdisjoint(names[1]) and not has_address
