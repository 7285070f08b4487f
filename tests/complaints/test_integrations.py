"""What users of other systems complain about most, asked of this one: recordings, limits, events, names, pages, refusals."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from skipcall.plans.queries import set_plan
from skipcall.settings import load
from skipcall.storage.choice import open_storage
from tests.changes.reader import Reader
from tests.client import Client
from tests.exports.conftest import make_exports
from tests.make import Make, Team, phone_number
from tests.media_host import MediaHost, answer
from tests.merges.counts import id_of
from tests.recordings.sounds import wav
from tests.recordings.test_fetching import SOUND, Provider

CONTACTS, CALLS, FEED, FIELDS = "/v1/contacts", "/v1/calls", "/v1/changes", "/v1/custom-fields"
ANA: dict[str, Any] = {"firstName": "Ana", "lastName": "Lopez", "phoneNumbers": [phone_number(1)]}


def types(changes: list[dict[str, Any]]) -> list[str]:
    return [change["type"] for change in changes]


def test_11_the_address_of_a_recording_stays(team: Team, make: Make) -> None:
    """Kept in a CRM, it plays for whoever has a key then; a link for a player needs none, and says when it ends."""
    call = team.call()
    kept = f"{call}/recording/audio"
    team.client.request("PUT", kept, status=201, content=wav())
    old = team.client_for()
    link = urlsplit(old.request("GET", kept, params={"redirect": "true"}, status=302).headers["location"]).path
    assert make.client().request("GET", link, status=200).content == wav()
    make.revoke(team.key)
    again = old.request("GET", kept, headers={"range": "bytes=0-3"}, status=206)
    assert again.content == b"RIFF"
    assert again.headers["content-range"] == f"bytes 0-3/{len(wav())}"


def test_12_a_recording_that_comes_late_is_told(team: Team, client: Client, make: Make, tmp_path: Path) -> None:
    """The provider still has it: it is on its way, not absent; when it is there, whoever follows the calls hears of it."""
    with MediaHost() as host:
        provider = Provider(make, team, host, tmp_path / "recordings")
        call = f"{CALLS}/{provider.announced('/late.mp3', answer(b'', '404 Not Found'))}"
        reader = Reader(client)
        reader.read()
        seen = client.get(call)["updatedAt"]
        provider.fetch()
        assert client.get(f"{call}/recording", 409)["error"]["code"] == "RECORDING_PROCESSING"
        host.answers["/late.mp3"] = answer(SOUND)
        provider.due(UUID(id_of(call)))
        provider.fetch()
        make.run(provider.db.close())
    assert types(reader.read()) == ["call.recording.available"]
    [changed] = client.walk(CALLS, updatedAfter=seen, include="details")
    assert (changed["id"], changed["hasRecording"]) == (id_of(call), True)


def test_13_a_429_tells_how_long_to_wait(make: Make) -> None:
    """Every answer says what is left, a refused request has done nothing, and the wait is a number of seconds."""
    team = make.team(requests_per_minute=3)
    client = team.client
    path = team.contact()
    left = [client.request("PATCH", path, json={"city": str(n)}).headers["x-ratelimit-remaining"] for n in range(3)]
    assert left == ["2", "1", "0"]
    refused = client.request("PATCH", path, json={"city": "Lost?"}, headers={"idempotency-key": "a"}, status=429)
    assert refused.json()["error"]["code"] == "RATE_LIMIT_EXCEEDED"
    wait, reset = int(refused.headers["retry-after"]), int(refused.headers["x-ratelimit-reset"])
    assert 1 <= wait <= reset - int(time.time()) + 1
    make.run(set_plan(make.db, team.organization_id, "EXPERT", 1_000_000))
    time.sleep(1.0)  # within which every key of the organization has the new budget
    assert client.get(path)["city"] == "2"
    again = client.request("PATCH", path, json={"city": "Not lost"}, headers={"idempotency-key": "a"}, status=200)
    assert "idempotent-replayed" not in again.headers


def test_14_what_changes_nothing_is_no_event(team: Team, client: Client) -> None:
    """Not a write of equal values, not reading, not a call that moves callCount: no event, and updatedAt stays."""
    team.field("Industry")
    path = team.contact(company="Nord", custom_fields={"industry": "Food"})
    reader = Reader(client)
    reader.read()
    before = client.get(path)
    equal: dict[str, Any] = {"company": "Nord", "customFields": {"industry": "Food"}}
    client.patch(path, equal)
    client.post(f"{CONTACTS}/upsert", {"contact": {"id": id_of(path), **equal}}, 200)
    client.post(f"{CONTACTS}/batch", {"items": [{"id": id_of(path), **equal}]}, 200)
    client.post(f"{path}/phone-numbers", {"phoneNumber": phone_number()}, 200)
    client.get(f"{path}/history")
    assert reader.read() == []
    team.call(contact_id=UUID(id_of(path)))
    assert types(reader.read()) == ["call.completed"]
    called = client.get(path)
    assert called == before | {"callCount": 1, "lastCallAt": called["lastCallAt"]}


def test_15_every_change_of_a_contact_is_an_event(team: Team, client: Client, tmp_path: Path) -> None:
    """Whoever made it and in whatever way: by the API one by one or many, by a file, by a merge; deletions too."""
    reader = Reader(client, object="contact")
    file = tmp_path / "contacts.csv"
    file.write_text("First Name,Last Name,Phone Number\nZoé,Roy,06 39 98 00 09\n")
    team.import_file(file)
    [imported] = reader.read()
    assert (imported["type"], imported["source"]) == ("contact.created", "SKIPCALL")
    zoe = f"{CONTACTS}/{imported['objectId']}"
    ana = f"{CONTACTS}/{client.post(CONTACTS, ANA)['id']}"
    client.patch(ana, {"role": "CTO"})
    client.post(f"{CONTACTS}/batch", {"items": [{"id": id_of(ana), "city": "Lille"}]}, 200)
    client.post(f"{ana}/consents", {"status": "objected", "source": "Phone call"})
    client.delete(ana)
    client.post(f"{ana}/restore", None, 200)
    client.post(f"{zoe}/merge", {"contactId": id_of(ana)}, 200)
    came = reader.read()
    assert types([one for one in came if one["objectId"] == id_of(ana)]) == [
        "contact.created",
        *["contact.updated"] * 3,
        "contact.deleted",
        "contact.restored",
        "contact.merged",
    ]
    assert types([one for one in came if one["objectId"] == id_of(zoe)]) == ["contact.updated"]
    assert reader.contacts == {id_of(zoe): client.get(zoe)}


def test_16_an_event_says_what_changed_and_who_did_it(team: Team, client: Client) -> None:
    """Old and new values and the key, so two systems that write to each other do not go round in circles."""
    path = team.contact(role="CEO")
    sync = team.client_for(name="Sync")
    theirs = client.request("PATCH", path, json={"role": "CTO"}, status=200)
    mirror = Reader(sync, skipOwn="true", start="now")
    mirror.read()
    del mirror.parameters["start"]
    client.patch(path, {"role": "CFO", "city": "Lille"})
    [heard] = mirror.read()
    assert heard["changes"] == {"role": {"old": "CTO", "new": "CFO"}, "city": {"old": None, "new": "Lille"}}
    assert heard["apiKeyId"] == str(team.key.id)
    sync.patch(path, {"role": "Chief Financial Officer"})  # what the other system makes of it
    assert mirror.read() == [], "its own echo"
    history = client.get(f"{path}/history")["data"]
    assert [one["apiKeyId"] == str(team.key.id) for one in history] == [False, True, True, False]
    assert history[2]["requestId"] == theirs.headers["x-request-id"]


def test_17_renaming_a_field_breaks_nothing(team: Team, client: Client) -> None:
    """The key of a field is readable and stays; what still depends on its name is warned, and named to the operator."""
    field = client.post(FIELDS, {"name": "Team size"})
    assert field["slug"] == "team_size"
    path = team.contact()
    by_name = client.request("PATCH", path, json={"customFields": {"Team size": "9"}}, status=200)
    assert {"deprecation", "link"} <= by_name.headers.keys()
    client.patch(f"{FIELDS}/{field['id']}", {"name": "Head count"})
    slugs = client.get(path, params={"customFieldKeys": "slug"})["customFields"]
    assert slugs == {"team_size": "9"}
    by_slug = client.request("PATCH", path, json={"customFields": slugs | {"team_size": "10"}}, status=200)
    assert "deprecation" not in by_slug.headers
    assert by_slug.json()["customFields"] == {"Head count": "10"}
    condition = {"field": "customFields.team_size", "operator": "equals", "value": "10"}
    assert len(client.post(f"{CONTACTS}/search", {"filter": condition}, 200)["data"]) == 1
    error = client.patch(path, {"customFields": {"Team sizes": "1"}}, 400)["error"]
    assert (error["code"], error["details"][0]["suggestion"]) == ("UNKNOWN_CUSTOM_FIELD", "team_size")


def test_18_who_is_calling(team: Team, client: Client) -> None:
    """By any number of a contact, as the telephone shows it; of several the one called last comes first."""
    desk, mobile = "+33199000142", "+33639980142"
    older, newer = (team.contact(last_name=name, phone_numbers=[mobile, desk]) for name in ("Older", "Newer"))
    team.call(contact_id=UUID(id_of(older)), started_at=datetime(2026, 3, 2, 9, tzinfo=UTC))
    for written in ("01 99 00 01 42", "0033199000142", desk):
        answer = client.get(f"{CONTACTS}/lookup", params={"phoneNumber": written, "region": "FR"})
        assert [one["contact"]["id"] for one in answer["data"]] == [id_of(older), id_of(newer)]
        assert all(one["matchedBy"][0]["value"] == desk for one in answer["data"])
    nobody = client.get(f"{CONTACTS}/lookup", params={"phoneNumber": "01 99 00 99 99"})
    assert nobody == {"data": [], "hasMore": False}


@pytest.mark.parametrize("path", [CONTACTS, CALLS, FEED])
def test_19_pages_are_large_and_tell_that_there_are_more(team: Team, client: Client, path: str) -> None:
    """The first page never looks like the whole, and walking meets everything once, whatever is written meanwhile."""
    for number in range(12):
        if path == CALLS:
            team.call(started_at=datetime(2026, 3, 2, 9, number, tzinfo=UTC))
        else:
            team.contact()
    first = client.get(path, params={"size": 5})
    assert (len(first["data"]), first["meta"]["hasMore"]) == (5, True)
    seen = [one["id"] for one in first["data"]]
    cursor = first["meta"]["nextCursor"]
    while cursor:
        team.contact()
        team.call()
        client.delete(f"{path}/{seen.pop(0)}") if path != FEED else seen.pop(0)
        page = client.get(path, params={"size": 5, "cursor": cursor})
        seen += [one["id"] for one in page["data"]]
        cursor = page["meta"]["nextCursor"] if page["meta"]["hasMore"] else None
    assert len(seen) == len(set(seen))
    assert len(client.get(path, params={"size": 500})["data"]) >= 12
    assert client.faults("GET", path, params={"size": 501}) == [("/query/size", "TOO_LARGE")]


def test_20_a_person_who_goes_is_gone_and_stays_refused(
    team: Team, client: Client, make: Make, place: Path, tmp_path: Path
) -> None:
    """Deleted with the recording and the exported file; the refusal outlives all of it, and the next import too."""
    number = phone_number(142)
    path = team.contact(last_name="Petit", phone_numbers=[number])
    call = team.call(contact_id=UUID(id_of(path)), phone_number=number)
    client.request("PUT", f"{call}/recording/audio", status=201, content=wav())
    export = f"/v1/exports/{client.post('/v1/exports', {})['id']}"
    storage = open_storage(load({"SKIPCALL_DATA": str(place / "data")}))
    make.run(make_exports(make.database_url, storage))
    assert b"Petit" in client.request("GET", f"{export}/file", status=200).content
    client.post(f"{path}/consents", {"status": "objected", "source": "Phone call"})
    client.post("/v1/do-not-call", {"phoneNumber": number, "reason": "OPPOSITION", "source": "Phone call"})
    client.delete(f"{call}/recording")
    client.delete(export)
    client.delete(path)
    client.get(f"{call}/recording/audio", 410)
    client.get(f"{export}/file", 404)
    assert not [one for one in (place / "data").rglob("*") if one.is_file() and b"Petit" in one.read_bytes()]
    old = tmp_path / "old.csv"
    old.write_text("First Name,Last Name,Phone Number\nHugo,Petit,06 39 98 01 42\n")
    team.import_file(old)
    [again] = client.get(CONTACTS)["data"]
    assert again["id"] != id_of(path)
    may_call = client.get(f"{CONTACTS}/{again['id']}/callability")
    assert [one["code"] for one in may_call["reasons"]] == ["DO_NOT_CALL"]
    [checked] = client.post("/v1/do-not-call/check", {"phoneNumbers": ["0639980142"]}, 200)["data"]
    assert (checked["callable"], checked["reasons"]) == (False, ["DO_NOT_CALL"])
    assert [one["status"] for one in client.walk(f"{path}/consents")] == ["objected"], "what was said is still proven"


def test_20_an_erased_person_does_not_come_back_with_the_next_import(
    team: Team, client: Client, tmp_path: Path
) -> None:
    """One action over every store, with a receipt; the file of last year is refused, the person's own will is not."""
    hugo = {
        "firstName": "Hugo",
        "lastName": "Petit",
        "phoneNumbers": [phone_number(143)],
        "email": "hugo.petit@example.com",
    }
    path = f"{CONTACTS}/{client.post(CONTACTS, hugo)['id']}"
    client.patch(path, {"role": "CTO"})
    erasure = client.post(f"{path}/erase", None, status=200)
    assert erasure["receipt"]["contacts"] == 1
    assert client.get(path, 410)["error"]["code"] == "CONTACT_ERASED"
    old = tmp_path / "old.csv"
    old.write_text("First Name,Last Name,Email,Phone Number\nHugo,Petit,Hugo.Petit@example.com,06 39 98 99 99\n")
    team.import_file(old)
    assert client.get(CONTACTS)["data"] == []
    upsert = {"contact": hugo}
    assert client.post(f"{CONTACTS}/upsert", upsert, status=409)["error"]["code"] == "PERSON_ERASED"
    assert client.post(CONTACTS, hugo, status=409)["error"]["code"] == "PERSON_ERASED"
    client.post(f"{CONTACTS}?allowErased=true", hugo)
    changes = client.get("/v1/changes")["data"]
    assert [one["type"] for one in changes][-2:] == ["contact.erased", "contact.created"]
    assert "CTO" not in str(changes)
    assert "petit" not in str(changes[:-1]).lower()
