"""A person whose every column in every table holds a mark is erased, and the mark is found nowhere: in no table, in no object.

The columns are read from the catalog of the database. A new table, or a new column that takes a mark and keeps it, fails this.
"""

import json
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from skipcall import ids
from skipcall.postgres.db import DatabaseRefusal
from tests.erasures.conftest import Kept
from tests.make import phone_number
from tests.recordings.sounds import wav

# Whose rows may hold something of a person, and how they are found.
ROWS = {
    "contacts": "id = ANY(:contacts)",
    "contact_consents": "contact_id = ANY(:contacts)",
    "contact_merges": "target_id = ANY(:contacts)",
    "custom_unique_values": "contact_id = ANY(:contacts)",
    "sequence_contacts": "contact_id = ANY(:contacts)",
    "sequence_call_counts": "contact_id = ANY(:contacts)",
    "events": "object_id = ANY(:contacts::uuid[] || :calls::uuid[])",
    "calls": "id = ANY(:calls)",
    "call_keys": "call_id = ANY(:calls)",
    "call_recordings": "call_id = ANY(:calls)",
    "call_tags": "call_id = ANY(:calls)",
    "call_transcriptions": "call_id = ANY(:calls)",
    "do_not_call": "workspace_id = :workspace AND phone_number IS NOT NULL",
    "exports": "workspace_id = :workspace",
    "idempotent_answers": "api_key_id = :key",
    "imports": "workspace_id = :workspace",
    "telephony_reports": "workspace_id = :workspace",
}
NOTHING_OF_CONTACTS = {
    *(
        "access_changes",
        "api_key_field_names",
        "api_key_secret",
        "api_key_uses",
        "api_key_workspaces",
        "api_keys",
        "migrations",
    ),
    *("organizations", "organization_memberships", "subscriptions", "users", "workspaces", "workspace_memberships"),
    *("call_counts", "call_statistics", "contact_counts", "tag_statistics", "event_sweeps"),  # numbers
    *("custom_fields", "tags", "sequences", "sequence_runs", "managed_phone_numbers"),  # words of the workspace
    *("telephony_sources", "telephony_identities", "telephony_file_places", "telephony_file_readers"),
    "contact_imports",  # of a file its hash
    *("import_errors", "contact_import_faults"),  # lines, headings and reasons, no values
    *("erasures", "erased_people"),  # hashes under the server's secret
}
# Columns that keep what they hold, and why.
KEPT = {
    "call_keys.key": "the provider's id of a call: what it reports of it again is dropped",
    "call_recordings.provider_recording_id": "likewise, of a recording",
    "call_recordings.object_key": "random; it leads to the object that is to be removed",
    "telephony_reports.key": "the same id; its row goes",
    "events.type": "a word of ours",
    "imports.settings": "how a file is read: its headings",
    "imports.columns": "the same, as it was read",
    "imports.counts": "numbers",
    "imports.undone": "numbers",
    "imports.failure": "a sentence of ours",
    "events.request_id": "an id of ours",
    "custom_unique_values.slug": "of the field",
}
CHECK_VIOLATION = "23514"
HASHES = ("_sha256", "_hash", "hash", "digest", "fingerprint", "sha256")


class Marked(NamedTuple):
    """A person, the mark, and the columns that hold it."""

    path: str
    mark: str
    number: str
    columns: list[str]


def columns_of(kept: Kept) -> list[dict[str, Any]]:
    """Return every column of every table that takes texts or bytes and is written by somebody."""
    return kept.team.make.rows(
        """
        SELECT c.relname AS table, a.attname AS column, t.typname AS type FROM pg_attribute a
        JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
            AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND t.typname IN ('text', '_text', 'jsonb', 'bytea', 'varchar')
        ORDER BY 1, 2
        """
    )


def tables_with(kept: Kept, *texts: str) -> set[str]:
    """Return the tables of which some row holds one of the texts, in whichever column and type."""
    found = set()
    for row in kept.team.make.rows(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition"
    ):
        is_there = kept.team.make.value(
            f"""
            SELECT EXISTS (SELECT FROM {row["relname"]} t, unnest(:texts::text[]) AS one
            WHERE strpos(t::text, one) > 0 OR strpos(t::text, encode(one::bytea, 'hex')) > 0)
            """,
            texts=texts,
        )
        if is_there:
            found.add(row["relname"])
    return found


@pytest.fixture
def marked(kept: Kept) -> Marked:
    """A person of whom everything is known, with a mark in each column."""
    team, client, make = kept.team, kept.team.client, kept.team.make
    mark, number = f"mark{ids.random_base62(16)}", phone_number(9_320)  # that no other test uses
    field = client.post("/v1/custom-fields", {"name": "Badge", "isUnique": True})["slug"]
    person = {"firstName": mark, "lastName": "Moreau", "phoneNumbers": [number], "customFields": {field: mark}}
    path = f"/v1/contacts/{client.post('/v1/contacts', person, headers={'Idempotency-Key': 'person'})['id']}"
    contact_id = UUID(path.rpartition("/")[2])
    merged = team.contact(first_name=mark)
    client.post(f"{path}/merge", {"contactId": merged.rpartition("/")[2]}, status=200)
    source_id = make.source(team.workspace_id, "GENERIC", "secret")
    call = team.call(
        contact_id=contact_id, phone_number=number, notes=mark, sequence_id=UUID(team.sequence().rpartition("/")[2])
    )
    deleted = team.call(contact_id=contact_id, phone_number=number, notes=mark)
    unmatched = team.call(phone_number=number, notes=mark)
    calls = [UUID(one.rpartition("/")[2]) for one in (call, deleted, unmatched)]
    make.rows("UPDATE calls SET contact_id = NULL WHERE id = :id", id=calls[2])
    client.request("PUT", f"{call}/transcription", json={"summary": mark}, status=200)
    client.request("PUT", f"{call}/recording/audio", content=wav(), headers={"content-type": "audio/wav"}, status=201)
    client.request(
        "PUT", f"{deleted}/recording/audio", content=wav(), headers={"content-type": "audio/wav"}, status=201
    )
    client.delete(deleted)
    client.patch(call, {"tagIds": [team.tag("Later")], "notes": f"{mark} again"})
    client.post(f"{path}/consents", {"status": "given", "source": mark, "legalBasis": "consent", "purpose": mark})
    client.post("/v1/do-not-call", {"phoneNumber": number, "reason": "MANUAL"}, headers={"Idempotency-Key": "number"})
    sequence = team.sequence()
    client.post(f"{sequence}/contacts", [{"contactId": str(contact_id)}], status=200)
    client.post("/v1/exports", {})
    kept.work()
    waiting = f"/v1/imports/{client.post('/v1/imports', {})['id']}"
    headers = {"content-type": "text/csv"}
    file = f"First Name,Last Name,Phone Number\n{mark},Moreau,{number}\n".encode()
    client.request("PUT", f"{waiting}/file", content=file, headers=headers, status=200)
    for number_of, one in enumerate(calls):
        make.rows(
            """
            WITH keyed AS (INSERT INTO call_keys (workspace_id, source_id, kind, key, call_id) VALUES (:workspace, :source, 'LEG', :key, :call))
            INSERT INTO telephony_reports (workspace_id, source_id, kind, key, digest, report)
            VALUES (:workspace, :source, 'LEG', :key, '', :report)
            """,
            workspace=team.workspace_id,
            source=source_id,
            key=f"leg {number_of}",
            call=one,
            report=json.dumps({"to": number}),
        )
    return Marked(path, mark, number, put_marks(kept, mark, [contact_id, UUID(merged.rpartition("/")[2])], calls[:2]))


def put_marks(kept: Kept, mark: str, contacts: list[UUID], calls: list[UUID]) -> list[str]:
    """Add the mark to each column of the person's rows that takes it, and return these columns."""
    team, make = kept.team, kept.team.make
    values = {"contacts": contacts, "calls": calls, "workspace": team.workspace_id, "key": team.key.id}
    marked = []
    make.value("SELECT set_config('session_replication_role', 'replica', false)")
    for one in columns_of(kept):
        name = f"{one['table']}.{one['column']}"
        assert one["table"] in ROWS or one["table"] in NOTHING_OF_CONTACTS, (
            f"say here whether {one['table']} holds people"
        )
        if one["table"] not in ROWS or name in KEPT or one["column"].endswith(HASHES):
            continue
        value = {
            "text": f"coalesce({one['column']}, '') || :mark",
            "_text": f"{one['column']} || :mark::text",
            "bytea": f"{one['column']} || :mark::text::bytea",
            "jsonb": "jsonb_build_object('company', jsonb_build_array(:mark::text, :mark::text))",
        }[one["type"]]
        condition = ROWS[one["table"]]
        given = {key: given for key, given in values.items() if f":{key}" in condition}
        try:
            rows = make.rows(
                f"UPDATE {one['table']} SET {one['column']} = {value} WHERE {condition} RETURNING 1 AS one",
                mark=mark,
                **given,
            )
        except DatabaseRefusal as refusal:
            if refusal.sqlstate != CHECK_VIOLATION:
                raise
            continue  # one of few words
        assert rows, f"the person of this test has no row in {one['table']}"
        marked.append(name)
    make.value("SELECT set_config('session_replication_role', 'origin', false)")
    return marked


def test_nothing_is_left_anywhere(kept: Kept, marked: Marked) -> None:
    client = kept.team.client
    bystander = kept.team.contact(company=f"bystander of {marked.mark[4:]}")
    tables = {name.partition(".")[0] for name in marked.columns}
    assert {"contacts", "calls", "events", "contact_consents", "idempotent_answers", "telephony_reports"} <= tables
    assert tables <= tables_with(kept, marked.mark)
    assert {key.partition("/")[0] for key in kept.objects()} == {"recordings", "exports", "imports"}
    assert any(marked.mark.encode() in content for content in kept.objects().values())

    erasure = client.post(f"{marked.path}/erase", None, status=202)
    receipt = erasure["receipt"]
    assert tables_with(kept, marked.mark, marked.number) == set(), "the files are removed later, the rows at once"
    assert erasure["status"] == "RUNNING"
    kept.work()
    assert kept.objects() == {}
    done = client.get(f"/v1/erasures/{erasure['id']}")
    assert done == erasure | {"status": "COMPLETED", "completedAt": done["completedAt"]}
    assert {name: receipt[name] for name in receipt if name not in ("changes", "refusedBy")} == {
        "contacts": 2,
        "consents": 1,
        "doNotCall": 1,
        "merges": 1,
        "sequences": 1,
        "calls": 3,
        "recordings": 2,
        "transcriptions": 1,
        "reports": 3,
        "keptAnswers": 2,
        "exports": 1,
        "imports": 1,
        "objects": 4,
    }
    assert client.get(bystander)["company"], "others are left alone"
    exported = client.walk("/v1/exports")
    assert [one["status"] for one in exported] == ["EXPIRED"]
    assert client.get(f"/v1/exports/{exported[0]['id']}/file", status=410)
