"""GET /v1/contacts/{id}/personal-data: everything that is known, and of nobody else."""

from uuid import UUID

from skipcall.erasures import personal_data
from tests.make import Make, Team, phone_number
from tests.recordings.sounds import wav


def test_everything_is_in_it(team: Team) -> None:
    client = team.client
    number = phone_number(330)
    field = client.post("/v1/custom-fields", {"name": "Badge"})
    person = {"firstName": "Zoé", "lastName": "Müller", "phoneNumbers": [number], "customFields": {"badge": "Gold"}}
    path = f"/v1/contacts/{client.post('/v1/contacts/upsert', {'contact': person | {'externalId': 'crm-1'}})['contact']['id']}"
    contact_id = path.rpartition("/")[2]
    linkedin = "https://www.linkedin.com/in/zo"
    merged = team.contact(first_name="Zo", email="zo@example.com", linkedin_url=linkedin, phone_numbers=[number])
    client.post(f"{path}/merge", {"contactId": merged.rpartition("/")[2]}, status=200)
    client.patch(path, {"company": "Atelier Nord"})
    client.patch(path, {"company": "Atelier Sud"})
    consent = client.post(f"{path}/consents", {"status": "objected", "source": "Phone call", "wording": "Never again"})
    entry = client.post("/v1/do-not-call", {"phoneNumber": number, "reason": "OPPOSITION"})
    call = team.call(contact_id=UUID(contact_id), phone_number=number, notes="Wants an offer")
    client.patch(call, {"notes": "Wants two offers", "tagIds": [team.tag("Later")]})
    put = {"transcript": [{"speaker": 0, "text": "Good morning", "start": 0, "end": 1}], "summary": "Agrees"}
    client.request("PUT", f"{call}/transcription", json=put, status=200)
    client.request("PUT", f"{call}/recording/audio", content=wav(), headers={"content-type": "audio/wav"}, status=201)
    unmatched = client.post(
        "/v1/calls",
        {"type": "inbound", "status": "no-answer", "startedAt": "2026-03-01T09:00:00Z", "phoneNumber": number},
    )
    sequence = team.sequence()
    client.post(f"{sequence}/contacts", [{"contactId": contact_id}], status=200)
    client.delete(f"/v1/custom-fields/{field['id']}")
    team.contact(first_name="Stranger", company="Elsewhere")
    team.call(phone_number=phone_number(331), notes="Of a stranger")

    data = client.get(f"{path}/personal-data")
    first, second = data["contacts"]
    assert (first["contact"]["id"], first["contact"]["externalId"], first["mergedIntoId"]) == (
        contact_id,
        "crm-1",
        None,
    )
    assert first["customValues"] == [{"slug": "badge", "name": "Badge", "value": "Gold"}], "archived, and still here"
    assert (second["contact"]["firstName"], second["mergedIntoId"]) == ("Zo", contact_id)
    assert data["consents"] == [consent]
    assert data["doNotCall"] == [entry]
    newest, oldest = data["calls"]
    assert (newest["call"]["notes"], newest["call"]["tags"][0]["label"]) == ("Wants two offers", "Later")
    assert (newest["transcript"][0]["text"], newest["summary"]) == ("Good morning", "Agrees")
    [recording] = newest["recordings"]
    assert recording["durationSeconds"] == 1
    assert client.request("GET", recording["audio"], status=200).content == wav()
    assert oldest["call"]["id"] == unmatched["id"]
    assert [one["sequenceId"] for one in data["sequences"]] == [sequence.rpartition("/")[2]]
    [merge] = data["merges"]
    assert (merge["contactId"], merge["intoId"]) == (second["contact"]["id"], contact_id)
    assert merge["changes"] == {"email": [None, "zo@example.com"], "linkedinUrl": [None, linkedin]}
    changes = [one["changes"] for one in data["history"]]
    assert {"company": {"old": "Atelier Nord", "new": "Atelier Sud"}} in changes
    assert "Wants an offer" in str(changes)
    assert data["incomplete"] == []
    assert "tranger" not in str(data)

    client.delete(path)
    deleted = client.get(f"{path}/personal-data")
    assert deleted["contacts"][0]["contact"]["deletedAt"]
    assert deleted["calls"][0]["call"]["notes"] == "Wants two offers"


def test_of_a_merged_contact_the_other_tells(team: Team) -> None:
    path, merged = team.contact(), team.contact()
    team.client.post(f"{path}/merge", {"contactId": merged.rpartition("/")[2]}, status=200)
    refused = team.client.request("GET", f"{merged}/personal-data", status=410)
    assert refused.json()["error"]["code"] == "CONTACT_MERGED"
    assert refused.headers["link"] == f'<{path}>; rel="canonical"'


def test_what_does_not_fit_is_named(team: Team, make: Make) -> None:
    """As many events as it takes, written by the database."""
    path = team.contact()
    make.rows(
        """
        INSERT INTO events (workspace_id, type, object_id, object_version, source)
        SELECT :workspace_id, 'contact.updated', :id, 1 + n, 'API' FROM generate_series(1, :count) n
        """,
        workspace_id=team.workspace_id,
        id=UUID(path.rpartition("/")[2]),
        count=personal_data.HISTORY_MAX,
    )
    data = team.client.get(f"{path}/personal-data")
    assert data["incomplete"] == ["history"]
    assert len(data["history"]) == personal_data.HISTORY_MAX
    assert data["history"][0]["version"] == personal_data.HISTORY_MAX + 1, "the newest are here"


def test_erasing_needs_a_scope_of_its_own(team: Team) -> None:
    """Keys that were made before have it no more than that of reading."""
    client = team.client_for(scopes=["contacts:read", "contacts:write", "personal_data:read"])
    error = client.post(f"{team.contact()}/erase", None, status=403)["error"]
    assert (error["code"], "personal_data:erase" in error["message"]) == ("INSUFFICIENT_SCOPE", True)


def test_entries_about_former_numbers_are_told_whoever_has_them_now(team: Team) -> None:
    client = team.client
    path = team.contact(last_name="Former", phone_numbers=["+33639980441"])
    client.post("/v1/do-not-call", {"phoneNumber": "+33639980441", "reason": "OPPOSITION", "source": "Said no"})
    client.patch(path, {"phoneNumbers": ["+33639980442"]})
    team.contact(last_name="Other", phone_numbers=["+33639980441"])
    [entry] = client.get(f"{path}/personal-data")["doNotCall"]
    assert entry["source"] == "Said no"
