"""POST /v1/contacts/search."""

import unicodedata
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

from skipcall.contacts.filter_fields import CUSTOM_FIELD, CUSTOM_KINDS, FIELDS, OPERATORS, Kind
from tests.client import Client
from tests.make import Make, Team

SEARCH = "/v1/contacts/search"
GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "finding-contacts.md"


def found(client: Client, filter: dict[str, Any] | None = None, **body: Any) -> list[str]:
    body |= {"filter": filter} if filter else {}
    return [one["lastName"] for one in client.post(SEARCH, {"size": 100, **body}, status=200)["data"]]


def clause(field: str, operator: str, *value: Any) -> dict[str, Any]:
    return {"field": field, "operator": operator} | ({"value": value[0]} if value else {})


def test_pages_are_those_of_the_list(team: Team, client: Client, make: Make) -> None:
    make.contacts(team.workspace_id, 12)
    first = client.post(SEARCH, {}, status=200)
    listed = client.get("/v1/contacts")
    assert first["data"] == listed["data"]
    assert first["meta"] | {"nextCursor": ""} == listed["meta"] | {"nextCursor": ""}
    rest = client.post(SEARCH, {"cursor": first["meta"]["nextCursor"]}, status=200)
    assert [one["lastName"] for one in rest["data"]] == ["Number 1", "Number 0"]
    assert rest["meta"]["total"] == 12
    assert rest["meta"]["hasMore"] is False


def test_case_and_accents_do_not_matter(team: Team, client: Client) -> None:
    team.contact(last_name="Müller-Lefèvre", company="Ærø Œuvres", city="SAINT-ÉTIENNE")
    for filter in (
        clause("lastName", "equals", "MULLER-LEFEVRE"),
        clause("company", "startsWith", "aero oe"),
        clause("city", "endsWith", "étienne"),
        clause("city", "in", ["Paris", "saint-etienne"]),
        clause("lastName", "contains", "LEFÈ"),
    ):
        assert found(client, filter) == ["Müller-Lefèvre"], filter


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("Андрей", unicodedata.normalize("NFD", "АНДРЕЙ")),
        (unicodedata.normalize("NFD", "각민"), "각민"),
        ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("ガード", unicodedata.normalize("NFD", "ガード")),
        ("café\u00a0noir", "Cafe Noir"),
        ("山田\u3000太郎", "山田 太郎"),
        ("Ǿystein Ǽ", "oystein ae"),
    ],
)
def test_other_scripts_too(team: Team, client: Client, stored: str, asked: str) -> None:
    team.field("Note")
    team.contact(last_name="B", company=asked, custom_fields={"note": asked})
    team.contact(last_name="A", company=stored, custom_fields={"note": stored})
    for value in (stored, asked):
        for operator in ("equals", "contains", "startsWith", "endsWith"):
            for field in ("company", "customFields.note"):
                assert found(client, clause(field, operator, value)) == ["A", "B"], (operator, field)
        assert found(client, text=value) == ["A", "B"]


def test_words_of_free_text_stand_anywhere_in_name_email_and_company(team: Team, client: Client) -> None:
    team.contact(first_name="Zoé", last_name="Traoré", email="zt@example.com", company="Atelier Nord", city="Lille")
    team.contact(first_name="Zoé", last_name="Nordmann")
    for text in ("traore zoe", "ZOE nord atel", "zt@ex", "  Traoré  ", "é z t"):
        assert "Traoré" in found(client, text=text), text
    assert found(client, text="zoe nord") == ["Nordmann", "Traoré"]
    assert found(client, text="zoe lille") == []
    assert found(client, clause("city", "equals", "lille"), text="nord") == ["Traoré"]


def test_what_was_written_is_found_at_once(team: Team, client: Client) -> None:
    path = team.contact(company="Before")
    client.patch(path, {"company": "Afterwards"})
    assert found(client, clause("company", "equals", "afterwards")) == ["Moreau"]
    assert found(client, clause("company", "equals", "before")) == []
    client.delete(path)
    assert found(client, clause("company", "equals", "afterwards")) == []


def test_custom_fields(team: Team, client: Client) -> None:
    team.field("Industry")
    team.field("Note")
    team.contact(last_name="A", custom_fields={"industry": 'Food "retail" \\ “x”, "y', "note": "Lille"})
    team.contact(last_name="B", custom_fields={"industry": "Lille"})
    industry = "customFields.industry"
    assert found(client, clause(industry, "equals", 'food "retail" \\ "x", "y')) == ["A"]
    assert found(client, clause(industry, "contains", 'tail" \\')) == ["A"]
    assert found(client, clause(industry, "equals", "lille")) == ["B"]
    assert found(client, clause("customFields.note", "isEmpty")) == ["B"]
    assert found(client, clause(industry, "notContains", "food")) == ["B"]


def test_custom_texts_that_look_like_others(team: Team, client: Client) -> None:
    """Backslashes and quotation marks count, and another property or value that is written as a custom field is none."""
    team.field("Note")
    team.field("Other")
    texts = ["ab", "a\\b", "a\\\\b", '"ab"', "ab\\", 'ab"', '", "other": "ab', "{ab}"]
    for number, one in enumerate(texts):
        team.contact(last_name=str(number), custom_fields={"note": one})
    team.contact(first_name='"note": "ab"', last_name="A", external_id='"note": "ab', custom_fields={"other": "ab"})
    note = "customFields.note"
    for number, one in enumerate(texts):
        assert found(client, clause(note, "equals", one)) == [str(number)], one
        assert found(client, clause(note, "in", [one, "none"])) == [str(number)], one
    for operator, holds in (("contains", str.__contains__), ("startsWith", str.startswith), ("endsWith", str.endswith)):
        for part in (*texts, "a", "b", "\\", '"', "{", "}"):
            expected = [str(number) for number, one in enumerate(texts) if holds(one, part)]
            assert sorted(found(client, clause(note, operator, part))) == expected, (operator, part)
    assert found(client, clause("customFields.other", "contains", "ab")) == ["A"]
    assert found(client, clause(note, "isEmpty")) == ["A"]


def test_an_unknown_custom_field_is_told_with_the_one_that_was_meant(team: Team, client: Client) -> None:
    team.field("Industry")
    body = {"filter": {"and": [clause("city", "isEmpty"), clause("customFields.industri", "isEmpty")]}}
    error = client.post(SEARCH, body, status=400)["error"]
    assert error["code"] == "UNKNOWN_CUSTOM_FIELD"
    (detail,) = error["details"]
    assert (detail["pointer"], detail["code"]) == ("/filter/and/1/field", "UNKNOWN_CUSTOM_FIELD")
    assert detail["suggestion"] == "customFields.industry"


def test_a_field_of_one_workspace_hides_nothing_in_another(make: Make, team: Team) -> None:
    other = team.workspace()
    for workspace_id in (team.workspace_id, other):
        make.custom_field(workspace_id, "Note")
        make.contact(workspace_id, {"note": "x"}, last_name=str(workspace_id))
    client = team.client_for(team.workspace_id, other)
    note = clause("customFields.note", "equals", "x")
    assert set(found(client, note)) == {str(team.workspace_id), str(other)}
    fields = client.get("/v1/custom-fields", params={"workspaceIds": str(other)})["data"]
    client.delete(f"/v1/custom-fields/{fields[0]['id']}")
    assert found(client, note) == [str(team.workspace_id)]


def test_phone_numbers(team: Team, client: Client) -> None:
    team.contact(last_name="Paris", phone_numbers=["+33639980142", "+33199000142"])
    team.contact(last_name="Rio", phone_numbers=["+552187654321"])
    assert found(client, clause("phoneNumbers", "equals", "01 99 00 01 42")) == ["Paris"], "the workspace is in France"
    assert found(client, clause("phoneNumbers", "equals", "(21) 98765-4321"), region="BR") == ["Rio"]
    assert found(client, clause("phoneNumbers", "in", ["+33639980142", "+55 21 98765 4321"])) == ["Rio", "Paris"]
    assert found(client, clause("phoneNumbers", "startsWith", "+3319")) == ["Paris"]
    assert found(client, clause("phoneNumbers", "isEmpty")) == []
    faults = client.faults("POST", SEARCH, json={"filter": clause("phoneNumbers", "in", ["12", "+331"])})
    assert faults == [(f"/filter/value/{number}", "INVALID_PHONE_NUMBER") for number in (0, 1)]


def test_calls_and_flags(team: Team, client: Client) -> None:
    for count in range(4):
        contact_id = client.get(team.contact(last_name=str(count), allow_phone_calls=count % 2 == 0))["id"]
        for _ in range(count):
            team.call(contact_id=contact_id)
    assert found(client, clause("callCount", "between", [1, 2])) == ["2", "1"]
    assert found(client, clause("callCount", "greaterOrEqual", 3)) == ["3"]
    assert found(client, clause("callCount", "notIn", [0, 1])) == ["3", "2"]
    assert found(client, clause("allowPhoneCalls", "equals", False)) == ["3", "1"]
    assert found(client, clause("lastCallAt", "isEmpty")) == ["0"]
    assert found(client, clause("lastCallAt", "on", "2026-03-02")) == ["3", "2", "1"]
    assert found(client, sort=["-callCount"]) == ["3", "2", "1", "0"]
    assert found(client, sort=["lastCallAt"])[0] == "0"
    assert found(client, clause("lastModificationSource", "equals", "API")) == []


def test_ids(team: Team, client: Client) -> None:
    here, there = (client.get(team.contact(last_name=name))["id"] for name in "AB")
    assert found(client, clause("id", "in", [here, there.upper()])) == ["B", "A"]
    assert found(client, clause("id", "notEquals", here)) == ["B"]
    assert found(client, clause("teamId", "equals", str(team.workspace_id))) == ["B", "A"]
    assert found(client, clause("teamId", "notEquals", str(team.workspace_id))) == []


def test_days_in_a_time_zone(team: Team, client: Client, make: Make) -> None:
    """Midnight in Paris is ten in the morning in Auckland, whose day has begun thirteen hours before that of London."""
    for name, moment in (("Before", "2026-03-01T22:59:59.999Z"), ("After", "2026-03-01T23:00:00Z")):
        path = team.contact(last_name=name)
        make.value(
            "UPDATE contacts SET created_at = :moment::text::timestamptz WHERE id = :id::uuid RETURNING 1",
            moment=moment,
            id=path[-36:],
        )
    for zone in ("UTC", "Pacific/Auckland", "Pacific/Honolulu"):
        for day, rest in (("9999-12-31", "before"), ("0001-01-01", "after")):
            assert found(client, clause("createdAt", "on", day), timezone=zone) == []
            assert len(found(client, clause("createdAt", rest, day), timezone=zone)) == 2
    assert found(client, clause("createdAt", "on", "2026-03-02")) == ["After"]
    assert found(client, clause("createdAt", "on", "2026-03-02"), timezone="Pacific/Auckland") == ["After", "Before"]
    assert found(client, clause("createdAt", "before", "2026-03-02")) == ["Before"]
    assert found(client, clause("createdAt", "after", "2026-03-01")) == ["After"]
    assert found(client, clause("createdAt", "after", "2026-03-01T23:00:00+00:00")) == []
    assert found(client, clause("createdAt", "between", ["2026-03-01T22:59:59.999Z", "2026-03-01"])) == ["Before"]
    assert found(client, sort=["createdAt"]) == ["Before", "After"]


def test_relative_dates(team: Team, client: Client, make: Make) -> None:
    noon = datetime.now(UTC).replace(hour=12, minute=0)
    for days in (0, 1, 40, 400):
        path = team.contact(last_name=str(days))
        make.value(
            "UPDATE contacts SET created_at = :moment WHERE id = :id::uuid RETURNING 1",
            moment=noon - timedelta(days=days),
            id=path[-36:],
        )

    def created(*asked: Any) -> list[str]:
        return found(client, clause("createdAt", *asked), timezone="UTC")

    assert created("today") == ["0"]
    assert created("yesterday") == ["1"]
    assert created("olderThanDays", 30) == ["40", "400"]
    assert created("lastDays", 60) == ["0", "1", "40"]
    assert "0" in created("thisWeek")
    assert "0" in created("thisMonth")
    last_month = noon.replace(day=1) - timedelta(days=1)
    assert created("lastMonth") == [
        str(days) for days in (0, 1, 40, 400) if (noon - timedelta(days=days)).strftime("%Y%m") == f"{last_month:%Y%m}"
    ]


def test_groups(team: Team, client: Client) -> None:
    for city, company in (("Lille", "Nord"), ("Lille", None), ("Paris", "Nord")):
        team.contact(last_name=f"{city} {company}", city=city, company=company)
    lille, nord = clause("city", "equals", "lille"), clause("company", "equals", "nord")
    assert found(client, {"and": [lille, nord]}) == ["Lille Nord"]
    assert found(client, {"or": [lille, nord]}) == ["Paris Nord", "Lille None", "Lille Nord"]
    assert found(client, {"not": {"or": [lille, {"not": nord}]}}) == ["Paris Nord"]


def test_a_search_stays_in_the_workspaces_of_the_key(make: Make, team: Team) -> None:
    other = team.workspace()
    make.team().contact(company="Nord")
    team.contact(last_name="Here", company="Nord")
    make.contact(other, last_name="There", company="Nord")
    client = team.client_for(team.workspace_id, other)
    nord = {"filter": clause("company", "equals", "nord")}
    for asked, names in (("", ["There", "Here"]), (f"?workspaceIds={other}", ["There"])):
        page = client.post(SEARCH + asked, nord, status=200)
        assert [one["lastName"] for one in page["data"]] == names
        assert page["meta"]["total"] == len(names)
    assert found(team.client, nord["filter"]) == ["Here"]
    nowhere = client.post(f"{SEARCH}?workspaceIds={make.team().workspace_id}", nord, status=200)
    assert (nowhere["data"], nowhere["meta"]["total"]) == ([], 0)


def test_days_and_numbers_are_those_of_the_only_workspace(make: Make, team: Team) -> None:
    other = team.workspace()
    team.move(other, "DE", "Pacific/Kiritimati")
    make.contact(other, last_name="There", phone_numbers=["+493012345678"])
    make.value("UPDATE contacts SET created_at = '2026-03-02T11:00Z' WHERE workspace_id = :id RETURNING 1", id=other)
    client = team.client_for(team.workspace_id, other)
    for asked in (clause("phoneNumbers", "equals", "030 12345678"), clause("createdAt", "on", "2026-03-03")):
        page = client.post(f"{SEARCH}?workspaceIds={other}", {"filter": asked}, status=200)
        assert [one["lastName"] for one in page["data"]] == ["There"]


def test_a_cursor_goes_on_with_its_own_search_only(team: Team, client: Client, make: Make) -> None:
    make.contacts(team.workspace_id, 5)
    body: dict[str, Any] = {"filter": clause("lastName", "contains", "number"), "sort": ["lastName"], "size": 2}
    first = client.post(SEARCH, body, status=200)
    cursor = first["meta"]["nextCursor"]
    make.contact(team.workspace_id, last_name="Number 00")
    second = client.post(SEARCH, body | {"cursor": cursor, "size": 3}, status=200)
    assert [one["lastName"] for one in first["data"] + second["data"]] == [f"Number {n}" for n in (0, 1)] + [
        f"Number {n}" for n in (2, 3, 4)
    ]
    assert second["meta"]["total"] == 5, "counted once, for the first page"
    for other in (
        body | {"filter": clause("lastName", "contains", "numbe")},
        body | {"sort": ["-lastName"]},
        body | {"text": "x"},
        body | {"timezone": "UTC"},
    ):
        assert client.faults("POST", SEARCH, json=other | {"cursor": cursor}) == [("/cursor", "INVALID_CURSOR")]
    for nonsense in ("x", "é", cursor[:-4], cursor + "AAAA", ""):
        response = client.request("POST", SEARCH, json=body | {"cursor": nonsense})
        assert response.status_code == (400 if nonsense else 200)


@pytest.mark.parametrize(
    "sort",
    [
        ["-company", "lastName"],
        ["company", "-lastName"],
        ["company", "lastName"],
        ["lastName", "-company", "-lastName"],
    ],
)
def test_several_properties_to_sort_by(team: Team, client: Client, sort: list[str]) -> None:
    """The second orders what is equal in the first, whatever their directions and wherever pages end; at last the id."""
    for number in range(24):
        team.contact(company=["Nord", "Sud", None][number % 3], last_name="ABCD"[number // 3 % 4])
    body: dict[str, Any] = {"sort": sort, "size": 5}
    seen: list[dict[str, Any]] = []
    while body.get("cursor", "") is not None:
        page = client.post(SEARCH, body, status=200)
        seen += page["data"]
        body["cursor"] = page["meta"]["nextCursor"]
    first, second = sort[:2]
    expected = sorted(seen, key=lambda one: one["id"], reverse=second.startswith("-"))
    for each in (second, first):
        name = each.removeprefix("-")
        empty_is_least = [(one[name] or "", one) for one in expected]
        expected = [one for _, one in sorted(empty_is_least, key=itemgetter(0), reverse=each != name)]
    assert [one["id"] for one in seen] == [one["id"] for one in expected]
    assert len({one["id"] for one in seen}) == 24


def test_it_is_a_read(team: Team) -> None:
    path = team.contact()
    client = team.client_for(scopes=["contacts:read"])
    headers = {"idempotency-key": "k"}
    first = client.request("POST", SEARCH, json={}, headers=headers, status=200)
    again = client.request("POST", SEARCH, json={}, headers=headers, status=200)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == first.json()
    assert len(team.make.events(path)) == 1


DEEP: dict[str, Any] = clause("city", "isEmpty")
for _ in range(6):
    DEEP = {"not": DEEP}


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({"filter": {}}, [("/filter", "INVALID_FILTER")]),
        ({"filter": {"and": []}}, [("/filter/and", "TOO_FEW_ITEMS")]),
        ({"filter": {"and": [1]}}, [("/filter/and/0", "WRONG_TYPE")]),
        ({"filter": {"not": clause("a", "b"), "or": [{}]}}, [("/filter", "INVALID_FILTER")]),
        ({"filter": clause("city", "equals", "x") | {"valu": 1}}, [("/filter/valu", "INVALID_FILTER")]),
        ({"filter": clause("city", "isEmpty", "x")}, [("/filter/value", "INVALID_FILTER")]),
        ({"filter": {"field": "city"}}, [("/filter/operator", "REQUIRED")]),
        ({"filter": clause("city", "equals")}, [("/filter/value", "REQUIRED")]),
        ({"filter": clause("callCount", "equals", "1")}, [("/filter/value", "WRONG_TYPE")]),
        ({"filter": clause("callCount", "between", [1])}, [("/filter/value", "TOO_FEW_ITEMS")]),
        ({"filter": clause("callCount", "lessThan", 2**31)}, [("/filter/value", "TOO_LARGE")]),
        ({"filter": clause("allowPhoneCalls", "equals", 1)}, [("/filter/value", "WRONG_TYPE")]),
        ({"filter": clause("city", "in", ["x"] * 101)}, [("/filter/value", "TOO_MANY_ITEMS")]),
        ({"filter": clause("city", "in", ["x", "", 1])}, [("/filter/value/1", "TOO_SHORT"), ("/filter/value/2", "WRONG_TYPE")]),
        ({"filter": clause("city", "equals", "x" * 501)}, [("/filter/value", "TOO_LONG")]),
        ({"filter": clause("city", "equals", "a\x00b")}, [("/filter/value", "FORBIDDEN_CHARACTER")]),
        ({"filter": clause("id", "equals", "x")}, [("/filter/value", "INVALID_ID")]),
        ({"filter": clause("lastModificationSource", "equals", "api")}, [("/filter/value", "UNKNOWN_VALUE")]),
        ({"filter": clause("createdAt", "on", "2026-03-02T00:00:00Z")}, [("/filter/value", "INVALID_FORMAT")]),
        ({"filter": clause("createdAt", "after", "10000-01-01")}, [("/filter/value", "INVALID_FORMAT")]),
        ({"filter": clause("createdAt", "after", "9999-12-31T23:59:59.999Z")}, [("/filter/value", "INVALID_FORMAT")]),
        ({"filter": clause("createdAt", "lastDays", -1)}, [("/filter/value", "TOO_SMALL")]),
        ({"filter": clause("createdAt", "lastDays", 40_000)}, [("/filter/value", "TOO_LARGE")]),
        ({"filter": clause("phoneNumbers", "startsWith", "33")}, [("/filter/value", "INVALID_PHONE_NUMBER")]),
        ({"filter": DEEP}, [("/filter/not/not/not/not/not", "TOO_DEEP")]),
        ({"filter": {"or": [clause("city", "isEmpty")] * 51}}, [("/filter", "TOO_MANY_ITEMS")]),
        ({"filter": {"or": [clause("city", "in", ["x"] * 100)] * 6}}, [("/filter", "TOO_MANY_ITEMS")]),
        ({"text": "a " * 11}, [("/text", "TOO_MANY_ITEMS")]),
        ({"text": "a\x00"}, [("/text", "FORBIDDEN_CHARACTER")]),
        ({"sort": ["city"]}, [("/sort/0", "UNKNOWN_VALUE")]),
        ({"sort": ["company", "lastName", "createdAt", "callCount"]}, [("/sort", "TOO_MANY_ITEMS")]),
        ({"sort": []}, [("/sort", "TOO_FEW_ITEMS")]),
        ({"size": 501, "timezone": "localtime", "region": "FRA"}, [("/size", "TOO_LARGE"), ("/timezone", "UNKNOWN_VALUE"), ("/region", "UNKNOWN_VALUE")]),
    ],
)  # fmt: skip
def test_faults(client: Client, body: dict[str, Any], faults: list[tuple[str, str]]) -> None:
    assert client.faults("POST", SEARCH, json=body) == faults


def test_all_faults_at_once_with_what_was_meant(client: Client) -> None:
    filter = {
        "and": [
            clause("compny", "equls", "x"),
            clause("cty", "lessThan", 1),
            {"or": [clause("city", "contain", "x"), clause("city", "in", "x")]},
        ]
    }
    details = client.post(SEARCH, {"filter": filter}, status=400)["error"]["details"]
    assert [(one["pointer"], one["code"], one.get("suggestion")) for one in details] == [
        ("/filter/and/0/field", "UNKNOWN_FILTER_FIELD", "company"),
        ("/filter/and/0/operator", "UNKNOWN_OPERATOR", "equals"),
        ("/filter/and/1/field", "UNKNOWN_FILTER_FIELD", "city"),
        ("/filter/and/2/or/0/operator", "UNKNOWN_OPERATOR", "contains"),
        ("/filter/and/2/or/1/value", "WRONG_TYPE", None),
    ]


@pytest.mark.parametrize("kind", [one for one in OPERATORS if one != "custom"])
def test_the_guide_has_the_table_as_it_is(kind: Kind) -> None:
    fields = [f"`{name}`" for name, one in FIELDS.items() if one == kind]
    if types := [type_ for type_, one in CUSTOM_KINDS.items() if one == kind]:
        fields.append(f"`{CUSTOM_FIELD}<slug>` of type {' or '.join(types)}")
    row = f"| {kind} | {', '.join(fields)} | {', '.join(f'`{one}`' for one in OPERATORS[kind])} |"
    assert row in GUIDE.read_text("utf-8").splitlines()


def test_names_that_the_body_does_not_know(client: Client) -> None:
    response = client.request("POST", SEARCH, json={"filters": {}}, status=200)
    assert response.headers["x-ignored-fields"] == "filters"
    headers = {"prefer": "handling=strict"}
    faults = client.faults("POST", SEARCH, json={"filters": {}, "filter": {"nor": []}}, headers=headers)
    assert faults == [("/filter/nor", "INVALID_FILTER"), ("/filter", "INVALID_FILTER"), ("/filters", "UNKNOWN_FIELD")]


def test_a_blank_is_no_plus_in_a_body(team: Team, client: Client) -> None:
    """Only in a query does a plus that was not encoded arrive as a blank."""
    team.contact(phone_numbers=["+639980601"])
    french = team.contact(phone_numbers=["+33639980601"])
    for value in ("639980601", " 639980601", "\t639980601 "):
        clause = {"field": "phoneNumbers", "operator": "equals", "value": value}
        found = client.post("/v1/contacts/search", {"filter": clause, "region": "FR"}, 200)["data"]
        assert [f"/v1/contacts/{one['id']}" for one in found] == [french]
    faults = client.post(
        "/v1/contacts/search", {"filter": {"field": "customFields.T Num", "operator": "equals", "value": "1"}}, 400
    )["error"]["details"]
    assert [(one["code"], one.get("suggestion")) for one in faults] == [("UNKNOWN_FILTER_FIELD", None)]


def test_accents_alone_are_nothing_to_look_for(team: Team, client: Client) -> None:
    team.contact(last_name="Moreau")
    for operator, mark in (("equals", "\u0301"), ("notContains", "\u0301\u0308"), ("startsWith", "\u20dd")):
        error = client.post(SEARCH, {"filter": clause("company", operator, mark)}, status=400)["error"]
        assert [(one["pointer"], one["code"]) for one in error["details"]] == [("/filter/value", "TOO_SHORT")]
    assert client.post(SEARCH, {"text": "moreau \u0301"}, status=200)["meta"]["total"] == 1
    assert client.post(SEARCH, {"text": "nobody \u0301"}, status=200)["meta"]["total"] == 0


@pytest.mark.parametrize(
    ("operator", "value", "total"),
    [
        ("equals", 2**31 - 1, 0),
        ("lessOrEqual", 2**31 - 1, 1),
        ("greaterThan", 2**31 - 1, 0),
        ("between", [0, 2**31 - 1], 1),
    ],
)
def test_as_many_calls_as_can_be_counted(
    team: Team, client: Client, operator: str, value: int | list[int], total: int
) -> None:
    team.contact()
    asked = clause("callCount", operator, value)
    for one in (asked, {"or": [asked, clause("lastName", "equals", "nobody")]}):
        assert client.post(SEARCH, {"filter": one}, status=200)["meta"]["total"] == total
