"""Searches for texts among more contacts than are counted or looked at for a page, beside a plain reading of the same."""

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from skipcall.contacts.searching import DIFFERENT_MAX
from tests.contacts.search_pages import check_first_pages
from tests.make import Make, Team

OLD, NEW = 11_000, 20_200  # more than are counted, and more than are looked at for a page of what many are
DELETED = 60
AT_ONCE = 1_500  # of many, for a statement that must not take too long
NOW = datetime.now(UTC).replace(microsecond=0)

Contact = dict[str, Any]


def _is(field: str, operator: str, value: Any) -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value}


# What is asked, and what a contact must be; names are without accents and small here.
CASES: dict[str, tuple[dict[str, Any], Callable[[Contact], bool]]] = {
    "many, the oldest": ({"filter": _is("role", "contains", "chef")}, lambda one: "chef" in one["role"]),
    "many, the newest": ({"filter": _is("role", "contains", "cto")}, lambda one: one["role"] == "cto"),
    "many by a column too": (
        {"filter": {"and": [_is("role", "contains", "c"), _is("allowPhoneCalls", "equals", True)]}},
        lambda one: one["calls"],
    ),
    "few, three letters": ({"filter": _is("lastName", "contains", "ÿla")}, lambda one: "yla" in one["name"]),
    "few, two letters": ({"filter": _is("lastName", "contains", "XY")}, lambda one: "xy" in one["name"]),
    "two letters at an end": ({"filter": _is("lastName", "endsWith", "zq")}, lambda one: one["name"].endswith("zq")),
    "one letter at an end": ({"filter": _is("lastName", "endsWith", "q")}, lambda one: one["name"].endswith("q")),
    "one letter at the beginning": (
        {"filter": _is("lastName", "startsWith", "x")},
        lambda one: one["name"].startswith("x"),
    ),
    "one letter": ({"filter": _is("lastName", "contains", "q")}, lambda one: "q" in one["name"]),
    "two letters of a text": ({"text": "zq"}, lambda one: "zq" in one["name"]),
    "two letters of others": ({"filter": _is("city", "contains", "ly")}, lambda one: one["city"] == "lyon"),
    "a city's beginning": ({"filter": _is("city", "startsWith", "LY")}, lambda one: one["city"] == "lyon"),
    "a role": ({"filter": _is("role", "equals", "cto")}, lambda one: one["role"] == "cto"),
    "a name's beginning, and a city": (
        {"filter": {"and": [_is("lastName", "startsWith", "mar"), _is("city", "in", ["lyon", "Brest"])]}},
        lambda one: one["name"] == "martin" and one["city"] == "lyon",
    ),
    "another city": ({"filter": _is("city", "notEquals", "LILLE")}, lambda one: one["city"] != "lille"),
    "no city": ({"filter": {"field": "city", "operator": "isEmpty"}}, lambda one: one["city"] is None),
    "an external id": ({"filter": {"field": "externalId", "operator": "isNotEmpty"}}, lambda one: one["note"]),
    "a note": ({"filter": {"field": "customFields.note", "operator": "isNotEmpty"}}, lambda one: one["note"]),
    "no kind": ({"filter": {"field": "customFields.kind", "operator": "isEmpty"}}, lambda one: not one["kind"]),
    "no kind, or a note": (
        {
            "filter": {
                "or": [
                    {"field": "customFields.kind", "operator": "isEmpty"},
                    {"field": "customFields.note", "operator": "isNotEmpty"},
                ]
            }
        },
        lambda one: one["note"] or not one["kind"],
    ),
    "one letter of a note": ({"filter": _is("customFields.note", "contains", "z")}, lambda one: one["note"]),
    "a note or no city": (
        {
            "filter": {
                "or": [
                    {"field": "city", "operator": "isEmpty"},
                    {"not": {"field": "customFields.note", "operator": "isEmpty"}},
                ]
            }
        },
        lambda one: one["note"] or one["city"] is None,
    ),
    "whom nobody may call": ({"filter": _is("allowPhoneCalls", "equals", False)}, lambda one: not one["calls"]),
    "changed by a client": (
        {"filter": _is("lastModificationSource", "notIn", ["SKIPCALL"])},
        lambda one: one["source"] == "API",
    ),
    "an address": (
        {"filter": _is("linkedinUrl", "startsWith", "https://www.linkedin.com/in/xylander-9")},
        lambda one: one["name"] == "xylander" and one["number"] % 10 == 9,
    ),
    "what is frequent elsewhere": ({"text": "lyon"}, lambda one: "lyon" in one["name"]),
    "two letters with none behind": ({"filter": _is("lastName", "contains", "wx")}, lambda one: "wx" in one["name"]),
    "a letter of another script": ({"filter": _is("lastName", "contains", "Ж")}, lambda one: "ж" in one["name"]),
    "no letter": ({"filter": _is("lastName", "contains", "-")}, lambda one: "-" in one["name"]),
    "either": (
        {"filter": {"or": [_is("lastName", "contains", "xy"), _is("lastName", "equals", "Ozq")]}},
        lambda one: "xy" in one["name"] or one["name"] == "ozq",
    ),
    "a text and a city": (
        {"text": "xylander", "filter": _is("city", "equals", "Lille")},
        lambda one: "xylander" in one["name"] and one["city"] == "lille",
    ),
}
# `wxж`: two letters before one that is not of ASCII.
RARE = ["xylander", "ozq", "wxж", "oxy-pro", "lyonnais", "zqx", "barq"]


@pytest.fixture(scope="module")
def world(make: Make) -> tuple[Team, dict[str, Contact]]:
    """A team with many contacts, old chefs and newer CTOs with some chefs among them, and the contacts by id."""
    team = make.team()
    draw = random.Random(2811)
    contacts: dict[str, Contact] = {}
    team.field("Note")
    team.field("Kind")
    everyone = make.contacts(team.workspace_id, OLD + NEW + DELETED)
    for number, id in enumerate(everyone[:-DELETED]):
        contacts[id] = {
            "role": "cheffe de projet" if number < OLD or number % 500 == 0 else "cto",
            "name": draw.choice(RARE) if draw.random() < 0.004 else draw.choice(["martin", "bernard", "petit"]),
            "city": "lyon" if draw.random() < 0.01 else None if draw.random() < 0.002 else "lille",
            "calls": draw.random() < 0.9,
            "source": "API" if draw.random() < 0.002 else "SKIPCALL",
            "note": draw.random() < 0.002,
            "kind": draw.random() < 0.998,
            "number": number,
            "created": NOW - timedelta(days=1) + timedelta(seconds=number // 2),
        }
    given = [
        {
            "id": id,
            "role": one["role"],
            "last_name": one["name"].capitalize(),
            "city": one["city"] and one["city"].capitalize(),
            "linkedin_url": f"https://www.linkedin.com/in/{one['name']}-{one['number'] % 10}",
            "external_id": f"n{one['number']}" if one["note"] else None,
            "custom_fields": ({"note": "Zeta"} if one["note"] else {}) | ({"kind": "Lead"} if one["kind"] else {}),
            "allow_phone_calls": one["calls"],
            "last_modification_source": one["source"],
            "created_at": one["created"].isoformat(),
        }
        for id, one in contacts.items()
    ]
    columns = [name for name in given[0] if name != "id"]
    for place in range(0, len(given), AT_ONCE):
        make.rows(
            f"""
            UPDATE contacts c SET ({", ".join(columns)}) = ROW({", ".join(f"g.{name}" for name in columns)})
            FROM jsonb_populate_recordset(NULL::contacts, :given::jsonb) g
            WHERE c.workspace_id = :workspace AND c.id = g.id RETURNING 1
            """,
            workspace=team.workspace_id,
            given=json.dumps(given[place : place + AT_ONCE]),
        )
    # What was deleted is in indexes too.
    make.rows(
        """
        UPDATE contacts SET last_name = 'Xylander', city = NULL, role = 'CTO', allow_phone_calls = false
        WHERE workspace_id = :workspace AND id = ANY(:ids::text[]::uuid[]) RETURNING 1
        """,
        workspace=team.workspace_id,
        ids=everyone[-DELETED:],
    )
    for id in everyone[-DELETED:]:
        team.client.delete(f"/v1/contacts/{id}")
    for index in ("contacts_by_text", "contacts_by_value"):
        make.rows(f"SELECT gin_clean_pending_list('{index}')")
    make.rows("ANALYZE contacts")
    return team, contacts


@pytest.mark.parametrize("sort", ["-createdAt", "createdAt", "-lastName"])
@pytest.mark.parametrize("case", CASES)
def test_pages(world: tuple[Team, dict[str, Contact]], case: str, sort: str) -> None:
    team, contacts = world
    asked, holds = CASES[case]
    key = "name" if sort == "-lastName" else "created"
    expected = sorted(
        (id for id, one in contacts.items() if holds(one)),
        key=lambda contact_id: (contacts[contact_id][key], contact_id),
        reverse=sort.startswith("-"),
    )
    assert expected
    check_first_pages(team.client, {**asked, "sort": [sort]}, expected)


def test_pages_that_are_not_counted(world: tuple[Team, dict[str, Contact]]) -> None:
    """They tell what was seen, on the last page all; a cursor that has no total stands for the same on every page."""
    client = world[0].client
    many: dict[str, Any] = {"filter": _is("role", "contains", "cto"), "size": 500, "countTotal": False}
    first = client.post("/v1/contacts/search", many, status=200)["meta"]
    assert (first["total"], first["totalIsLowerBound"], first["totalPages"]) == (501, True, 2)
    later = client.post("/v1/contacts/search", {**many, "countTotal": True, "cursor": first["nextCursor"]}, status=200)
    assert later["meta"]["total"] == 1_001
    few = client.post("/v1/contacts/search", {**many, "filter": _is("lastName", "contains", "ozq")}, status=200)
    assert few["meta"]["total"] == len(few["data"])
    assert "totalIsLowerBound" not in few["meta"]
    everyone = client.post("/v1/contacts/search", {"countTotal": False}, status=200)
    assert everyone["meta"]["total"] == OLD + NEW


def test_who_lacks_a_custom_field_that_nobody_lacks(make: Make) -> None:
    team = make.team()
    client, slugs = team.client, [team.field(name).slug for name in ("Note", "Kind")]
    made = [team.contact(custom_fields=dict.fromkeys(slugs, "x")) for _ in range(3)]
    asked = {"filter": {"field": "customFields.note", "operator": "isEmpty"}}
    check_first_pages(client, asked, [])
    client.patch(made[1], {"customFields": {"note": None}}, status=200)
    check_first_pages(client, asked, [made[1].removeprefix("/v1/contacts/")])


def test_who_lacks_a_custom_field_where_contacts_differ_too_much(make: Make) -> None:
    """Each has values of other fields than all others."""
    team = make.team()
    slugs = [team.field(f"Field {number}").slug for number in range(9)]
    ids = make.contacts(team.workspace_id, DIFFERENT_MAX + 20)
    given = [
        {"id": id, "custom_fields": {slug: "x" for place, slug in enumerate(slugs) if number >> place & 1}}
        for number, id in enumerate(ids)
    ]
    make.rows(
        """
        UPDATE contacts c SET custom_fields = g.custom_fields FROM jsonb_populate_recordset(NULL::contacts, :given::jsonb) g
        WHERE c.workspace_id = :workspace AND c.id = g.id RETURNING 1
        """,
        workspace=team.workspace_id,
        given=json.dumps(given),
    )
    asked = {"filter": {"field": f"customFields.{slugs[5]}", "operator": "isEmpty"}}
    check_first_pages(team.client, asked, [id for number, id in enumerate(ids) if not number >> 5 & 1][::-1])
