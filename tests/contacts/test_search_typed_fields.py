"""POST /v1/contacts/search by custom fields that have a type."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from skipcall.custom_fields.model import CustomFieldOption
from tests.client import Client
from tests.make import Make, Team

SEARCH = "/v1/contacts/search"
OPTIONS = [
    CustomFieldOption("food", "Food & drinks"),
    CustomFieldOption("retail", "Détail"),
    CustomFieldOption("old", "Groceries"),
]
SCORE, RENEWAL, INDUSTRY, CLIENT, SITE = (
    f"customFields.{slug}" for slug in ("score", "renewal", "industry", "is_client", "site")
)


@pytest.fixture
def team(team: Team) -> Team:
    """A team with a field of each type."""
    team.field("Score", type="number")
    team.field("Renewal", type="date")
    team.field("Industry", type="select", options=OPTIONS)
    team.field("Is client", type="boolean")
    team.field("Site", type="url")
    team.field("Note")
    return team


def found(client: Client, field: str, operator: str, *value: Any, **body: Any) -> list[str]:
    clause = {"field": field, "operator": operator} | ({"value": value[0]} if value else {})
    answer = client.post(SEARCH, {"filter": clause, "sort": ["lastName"], "size": 100, **body}, status=200)
    return [one["lastName"] for one in answer["data"]]


def keep(team: Team, slug: str, *values: str) -> None:
    """Make a contact with each value, called as the value is, and one without."""
    for value in values:
        team.contact(last_name=value, custom_fields={slug: value})
    team.contact(last_name="~none")


def test_a_key_counts_before_a_label(team: Team, client: Client) -> None:
    options = [CustomFieldOption("str", "Straße"), CustomFieldOption("str_2", "str")]
    team.field("Way", type="select", options=options)
    keep(team, "way", "str", "str_2")
    assert found(client, "customFields.way", "equals", "STR") == ["str"]
    assert found(client, "customFields.way", "equals", "STRASSE") == ["str"]
    assert found(client, "customFields.way", "notEquals", "str") == ["str_2", "~none"]


def test_what_is_written_so_counts_before_other_letter_case(team: Team, client: Client) -> None:
    """As a value that is stored: the key `small` is not what `Small` says, if an option is called so."""
    options = [
        CustomFieldOption("small", "Tiny"),
        CustomFieldOption("small_2", "Small"),
        CustomFieldOption("pro", "Pro"),
        CustomFieldOption("pro2027", "Pro of 2027"),
        CustomFieldOption("cafe", "Caf\u00e9"),
    ]
    team.field("Size", type="select", options=options)
    keep(team, "size", "cafe", "pro", "pro2027", "small", "small_2")
    [field] = [one for one in client.get("/v1/custom-fields")["data"] if one["slug"] == "size"]
    kept = [{"key": one.key, "label": one.label} for one in options if not one.key.startswith("pro")]
    client.patch(
        f"/v1/custom-fields/{field['id']}", {"options": [*kept, {"key": "pro2027", "label": "Pro"}]}, status=200
    )
    assert found(client, "customFields.size", "equals", "Small") == ["small_2"]
    assert found(client, "customFields.size", "equals", "small") == ["small"]
    assert found(client, "customFields.size", "equals", "SMALL") == ["small"]
    assert found(client, "customFields.size", "equals", "Pro") == ["pro", "pro2027"], "both are called so"
    assert found(client, "customFields.size", "notEquals", "Pro") == ["cafe", "small", "small_2", "~none"]
    assert found(client, "customFields.size", "equals", "CAFE\u0301") == ["cafe"]


def test_options_of_each_workspace(team: Team, make: Make) -> None:
    """A key of one workspace says nothing in another, and an option that only one of them has is found there."""
    other = team.workspace()
    options = {
        team.workspace_id: [
            CustomFieldOption("a", "Lead"),
            CustomFieldOption("b", "Won"),
            CustomFieldOption("lost", "X"),
        ],
        other: [CustomFieldOption("a", "Won"), CustomFieldOption("b", "Lead"), CustomFieldOption("c", "Lost")],
    }
    for place, (workspace_id, some) in enumerate(options.items()):
        make.custom_field(workspace_id, "Stage", type="select", options=some)
        for one in some:
            make.contact(workspace_id, {"stage": one.key}, last_name=f"{place} {one.label}")
        make.contact(workspace_id, last_name=f"{place} none")
    client = team.client_for(team.workspace_id, other)
    stage = "customFields.stage"
    assert found(client, stage, "equals", "Lead") == ["0 Lead", "1 Lead"]
    assert found(client, stage, "equals", "a") == ["0 Lead", "1 Won"], "a key of both"
    assert found(client, stage, "in", ["lead", "c"]) == ["0 Lead", "1 Lead", "1 Lost"]
    assert found(client, stage, "equals", "Lost") == ["0 X", "1 Lost"], "a key of one, a label of the other"
    assert found(client, stage, "notEquals", "Won") == ["0 Lead", "0 none", "0 X", "1 Lead", "1 Lost", "1 none"]
    assert found(client, stage, "notIn", ["x"]) == ["0 Lead", "0 none", "0 Won", "1 Lead", "1 Lost", "1 none", "1 Won"]


def test_numbers_that_are_too_small_for_a_float(client: Client) -> None:
    for number in ("1e-400", "-1e-324", f"0.{'0' * 350}1"):
        body = f'{{"filter": {{"field": "{SCORE}", "operator": "equals", "value": {number}}}}}'
        answer = client.request("POST", SEARCH, content=body, headers={"Content-Type": "application/json"}, status=400)
        assert [one["code"] for one in answer.json()["error"]["details"]] == ["INVALID_NUMBER"]


def test_numbers_are_compared_as_numbers(team: Team, client: Client) -> None:
    keep(team, "score", "-3", "-0.50", "0", "007", "9.5", "12.5", "12.50", "100")
    assert found(client, SCORE, "equals", 12.5) == ["12.5", "12.50"]
    assert found(client, SCORE, "equals", "12.500") == ["12.5", "12.50"]
    assert found(client, SCORE, "in", [7, "-0.5"]) == ["-0.50", "007"]
    assert found(client, SCORE, "lessThan", 0) == ["-0.50", "-3"]
    assert found(client, SCORE, "lessOrEqual", "0") == ["-0.50", "-3", "0"]
    assert found(client, SCORE, "greaterThan", 12.5) == ["100"]
    assert found(client, SCORE, "greaterThan", "12.499999999") == ["100", "12.5", "12.50"]
    assert found(client, SCORE, "greaterOrEqual", 12.5) == ["100", "12.5", "12.50"]
    assert found(client, SCORE, "between", [-0.5, 9.5]) == ["-0.50", "0", "007", "9.5"]
    assert found(client, SCORE, "between", [9.5, -0.5]) == []
    for zero in ("-0", "-0.0", "-00", -0.0):
        assert found(client, SCORE, "equals", zero) == found(client, SCORE, "in", [zero]) == ["0"]
        assert found(client, SCORE, "between", [zero, 5]) == found(client, SCORE, "between", [0, 5]) != []
        assert found(client, SCORE, "greaterOrEqual", zero) == found(client, SCORE, "greaterOrEqual", 0)
    assert found(client, SCORE, "notEquals", 0) == ["-0.50", "-3", "007", "100", "12.5", "12.50", "9.5", "~none"]
    assert found(client, SCORE, "isEmpty") == ["~none"]
    assert len(found(client, SCORE, "isNotEmpty")) == 8


NUMBERS = [
    "99999999.123456789",
    "12345678.100000001",
    "123456789012345.007",
    "-123456789012345.123456789",
    "0.000000001",
]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_of_json_is_compared_exactly(team: Team, client: Client, number: str) -> None:
    keep(team, "score", number, "99999999.12345679", "12345678.1", "123456789012345", "0")

    def found_by(written: str) -> list[str]:
        body = f'{{"filter": {{"field": "{SCORE}", "operator": "equals", "value": {written}}}}}'
        headers = {"content-type": "application/json"}
        answer = client.request("POST", SEARCH, status=200, content=body.encode(), headers=headers).json()
        return [one["lastName"] for one in answer["data"]]

    assert set(found_by(number)) == set(found_by(f'"{number}"')) >= {number}
    sign, digits = number[: number[0] == "-"], number.lstrip("-").replace(".", "")
    assert found_by(f"{sign}0.{digits}e{number.lstrip('-').index('.')}") == found_by(number)


@pytest.mark.parametrize(
    "number", ["99999999.1234567891", "1.0000000000000001e300", "1.0000000000000001e-300", "1000000000000000.0000001"]
)
def test_a_number_of_json_with_more_digits_than_a_value_is_refused(team: Team, client: Client, number: str) -> None:
    body = f'{{"filter": {{"field": "{SCORE}", "operator": "equals", "value": {number}}}}}'
    faults = client.faults("POST", SEARCH, content=body.encode(), headers={"content-type": "application/json"})
    assert faults == [("/filter/value", "INVALID_NUMBER")]


def test_what_was_written_is_found_at_once(team: Team, client: Client) -> None:
    path = team.contact(last_name="A")
    for value, low in (("1", 0), ("250.75", 250), ("-4", -5)):
        client.patch(path, {"customFields": {"score": value}})
        assert found(client, SCORE, "between", [low, low + 1]) == ["A"]
        assert found(client, SCORE, "greaterThan", 1_000) == []
    client.patch(path, {"customFields": {"score": None}})
    assert found(client, SCORE, "lessThan", 1_000) == []


def test_days(team: Team, client: Client) -> None:
    keep(team, "renewal", "0999-12-31", "2025-12-31", "2026-01-01", "2026-01-31", "2026-02-01", "9999-12-31")
    assert (
        found(client, RENEWAL, "on", "2026-01-31") == found(client, RENEWAL, "equals", "2026-01-31") == ["2026-01-31"]
    )
    assert found(client, RENEWAL, "before", "2026-01-01") == ["0999-12-31", "2025-12-31"]
    assert found(client, RENEWAL, "after", "2026-01-31") == ["2026-02-01", "9999-12-31"]
    assert found(client, RENEWAL, "after", "9999-12-31") == []
    assert found(client, RENEWAL, "between", ["2026-01-01", "2026-01-31"]) == ["2026-01-01", "2026-01-31"]
    assert found(client, RENEWAL, "in", ["2026-01-01", "0999-12-31"]) == ["0999-12-31", "2026-01-01"]
    assert found(client, RENEWAL, "notIn", ["2026-01-01", "9999-12-31"])[-1] == "~none"
    assert found(client, RENEWAL, "isEmpty") == ["~none"]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_days_from_today_in_a_time_zone(team: Team, client: Client, zone: str) -> None:
    """These two are never on the same day."""
    hours = {"Pacific/Kiritimati": 14, "Pacific/Pago_Pago": -11}[zone]
    today = (datetime.now(UTC) + timedelta(hours=hours)).date()
    days = (-400, -8, -7, -1, 0, 1, 7, 8, 400)
    for one in days:
        team.contact(last_name=str(one), custom_fields={"renewal": str(today + timedelta(days=one))})
    team.contact(last_name="~none")

    def those(operator: str, *value: Any) -> list[int]:
        return sorted(map(int, found(client, RENEWAL, operator, *value, timezone=zone)))

    assert those("today") == [0]
    assert those("yesterday") == [-1]
    assert those("tomorrow") == [1]
    assert those("lastDays", 7) == [-7, -1, 0]
    assert those("nextDays", 7) == [0, 1, 7]
    assert those("nextDays", 0) == [0]
    assert those("olderThanDays", 7) == [-400, -8]
    monday = today - timedelta(days=today.weekday())
    for operator, start in (("thisWeek", monday), ("nextWeek", monday + timedelta(days=7))):
        inside = [one for one in days if 0 <= (today + timedelta(days=one) - start).days < 7]
        assert those(operator) == inside
    for operator, months in (("lastMonth", -1), ("thisMonth", 0), ("nextMonth", 1)):
        number = today.year * 12 + today.month + months
        dates = {one: today + timedelta(days=one) for one in days}
        assert those(operator) == [one for one, day in dates.items() if day.year * 12 + day.month == number]


def test_options_by_key_or_label_archived_ones_too(team: Team, client: Client) -> None:
    keep(team, "industry", "food", "old", "retail")
    [field] = [one for one in client.get("/v1/custom-fields")["data"] if one["slug"] == "industry"]
    options = [
        {"key": "food", "label": "Food & drinks"},
        {"key": "retail", "label": "Détail"},
        {"key": "old", "label": "Food & drinks", "isArchived": True},
    ]
    client.patch(f"/v1/custom-fields/{field['id']}", {"options": options})
    assert found(client, INDUSTRY, "equals", "retail") == found(client, INDUSTRY, "equals", "DÉTAIL") == ["retail"]
    assert found(client, INDUSTRY, "equals", "food & drinks") == ["food", "old"], "both are called so"
    assert found(client, INDUSTRY, "equals", "food") == ["food"]
    assert found(client, INDUSTRY, "in", ["Détail", "old"]) == ["old", "retail"]
    assert found(client, INDUSTRY, "notEquals", "Food & drinks") == ["retail", "~none"]
    assert found(client, INDUSTRY, "isNotEmpty") == ["food", "old", "retail"]


def test_yes_or_no(team: Team, client: Client) -> None:
    keep(team, "is_client", "false", "true")
    assert found(client, CLIENT, "equals", True) == found(client, CLIENT, "equals", "true") == ["true"]
    assert found(client, CLIENT, "notEquals", True) == ["false", "~none"]
    assert found(client, CLIENT, "isEmpty") == ["~none"]


def test_addresses_are_texts(team: Team, client: Client) -> None:
    keep(team, "site", "https://nord.example/a")
    assert found(client, SITE, "contains", "NORD.example") == ["https://nord.example/a"]


@pytest.mark.parametrize(
    ("field", "operator", "value", "fault"),
    [
        (SCORE, "contains", "1", ("/filter/operator", "UNKNOWN_OPERATOR", None)),
        (SCORE, "greater", 1, ("/filter/operator", "UNKNOWN_OPERATOR", "greaterThan")),
        (SCORE, "equals", "1,5", ("/filter/value", "INVALID_NUMBER", None)),
        (SCORE, "equals", 1e300, ("/filter/value", "INVALID_NUMBER", None)),
        (SCORE, "equals", 10**15, ("/filter/value", "INVALID_NUMBER", None)),
        (SCORE, "equals", 10**30, ("/filter/value", "INVALID_NUMBER", None)),
        (SCORE, "equals", 0.1 + 0.2, ("/filter/value", "INVALID_NUMBER", None)),
        (SCORE, "equals", True, ("/filter/value", "WRONG_TYPE", None)),
        (SCORE, "between", [1, "x"], ("/filter/value/1", "INVALID_NUMBER", None)),
        (RENEWAL, "on", "2026-02-29", ("/filter/value", "INVALID_DATE", None)),
        (RENEWAL, "before", "2026-03-02T09:00:00Z", ("/filter/value", "INVALID_DATE", None)),
        (RENEWAL, "nextDays", "7", ("/filter/value", "WRONG_TYPE", None)),
        (RENEWAL, "nextDays", 40_000, ("/filter/value", "TOO_LARGE", None)),
        (RENEWAL, "lessThan", "2026-03-02", ("/filter/operator", "UNKNOWN_OPERATOR", None)),
        (INDUSTRY, "equals", "Food and drinks", ("/filter/value", "UNKNOWN_OPTION", "Food & drinks")),
        (INDUSTRY, "contains", "food", ("/filter/operator", "UNKNOWN_OPERATOR", None)),
        (CLIENT, "equals", "oui", ("/filter/value", "INVALID_BOOLEAN", None)),
        (CLIENT, "equals", 1, ("/filter/value", "WRONG_TYPE", None)),
        ("customFields.note", "equals", 1, ("/filter/value", "WRONG_TYPE", None)),
        ("customFields.note", "greaterThan", "1", ("/filter/operator", "UNKNOWN_OPERATOR", None)),
        ("customFields.note", "nearby", "1", ("/filter/operator", "UNKNOWN_OPERATOR", None)),
        ("customFields.note", "equals", {}, ("/filter/value", "WRONG_TYPE", None)),
        ("customFields.note", "today", 1, ("/filter/value", "INVALID_FILTER", None)),
    ],
)  # fmt: skip
def test_faults(
    team: Team, client: Client, field: str, operator: str, value: Any, fault: tuple[str, str, str | None]
) -> None:
    body = {"filter": {"field": field, "operator": operator, "value": value}}
    [one] = client.post(SEARCH, body, status=400)["error"]["details"]
    assert (one["pointer"], one["code"], one.get("suggestion")) == fault


def test_all_faults_of_types_come_at_once(team: Team, client: Client) -> None:
    clauses = [
        {"field": SCORE, "operator": "equals", "value": "x"},
        {"not": {"field": RENEWAL, "operator": "on", "value": "x"}},
    ]
    assert client.faults("POST", SEARCH, json={"filter": {"and": clauses}}) == [
        ("/filter/and/0/value", "INVALID_NUMBER"),
        ("/filter/and/1/not/value", "INVALID_DATE"),
    ]


def test_a_field_that_has_another_type_elsewhere_is_a_text(make: Make, team: Team) -> None:
    other = team.workspace()
    make.custom_field(other, "Score")
    make.contact(other, {"score": "high"}, last_name="high")
    keep(team, "score", "12.5")
    both = team.client_for(team.workspace_id, other)
    assert found(both, SCORE, "contains", "h") == ["high"]
    assert found(both, SCORE, "equals", "12.5") == ["12.5"]
    assert both.faults("POST", SEARCH, json={"filter": {"field": SCORE, "operator": "greaterThan", "value": 1}}) == [
        ("/filter/operator", "UNKNOWN_OPERATOR")
    ]
    here = f"{SEARCH}?workspaceIds={team.workspace_id}"
    clause = {"field": SCORE, "operator": "greaterThan", "value": 1}
    assert both.post(here, {"filter": clause}, status=200)["meta"]["total"] == 1


def test_an_archived_field_of_another_type_is_in_nobodys_way(make: Make, team: Team) -> None:
    other = team.workspace()
    field = make.custom_field(other, "Score")
    make.contact(other, {"score": "high"}, last_name="high")
    keep(team, "score", "12.5")
    both = team.client_for(team.workspace_id, other)
    both.delete(f"/v1/custom-fields/{field.id}")
    assert found(both, SCORE, "greaterThan", 1) == ["12.5"]
    assert found(both, SCORE, "isEmpty") == ["high", "~none"]


def test_pages_of_a_range(team: Team, client: Client) -> None:
    for number in range(30):
        team.contact(
            last_name=f"{number:02}", custom_fields={"score": str(number), "renewal": str(date(2026, 1, 1 + number))}
        )
    both = {
        "and": [
            {"field": SCORE, "operator": "lessThan", "value": 20},
            {"field": RENEWAL, "operator": "after", "value": "2026-01-10"},
        ]
    }
    body: dict[str, Any] = {"filter": both, "sort": ["lastName"], "size": 4}
    seen: list[str] = []
    while body.get("cursor", "") is not None:
        page = client.post(SEARCH, body, status=200)
        seen += [one["lastName"] for one in page["data"]]
        assert page["meta"]["total"] == 10
        body["cursor"] = page["meta"]["nextCursor"]
    assert seen == [f"{number:02}" for number in range(10, 20)]
