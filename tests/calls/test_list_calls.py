"""GET /v1/calls."""

import itertools
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skipcall.calls import listing
from skipcall.calls.model import ListCalls
from tests.client import Client
from tests.make import Make, Team, phone_number

START = datetime(2026, 1, 30, tzinfo=UTC)
RUN = UUID("01934f6a-8c1e-7b52-9d34-5a6f0e21c7d8")
NOBODY = "00000000-0000-7000-8000-000000000000"


def stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class World(NamedTuple):
    """A workspace with calls of every kind, as the API shows them (newest first), and its names of things."""

    team: Team
    calls: list[dict[str, Any]]
    names: dict[str, str]

    def __repr__(self) -> str:
        return "World"


@pytest.fixture(scope="module")
def world(make: Make) -> World:
    team = make.team()
    contact = team.contact(phone_numbers=[phone_number(500)]).rpartition("/")[2]
    member, _ = team.member()
    sequence = team.sequence().rpartition("/")[2]
    tag = team.tag("Hot")
    kinds: Iterator[dict[str, Any]] = itertools.cycle(
        [
            {"status": "no-answer"},
            {"talk": 20, "tag_ids": [UUID(tag)], "contact_id": UUID(contact)},
            {"talk": 100, "call_type": "CALL_SESSION", "sequence_id": UUID(sequence), "sequence_run_id": RUN},
            {"status": "busy", "type": "inbound", "contact_id": UUID(contact)},
            {"talk": 300, "synced_with_crm_date": START, "organization_membership_id": member},
            {"status": "queued", "external_id": "crm-1", "tag_ids": [UUID(tag)]},
            {"talk": 61, "answered_by": "machine", "phone_number": phone_number(501)},
        ]
    )
    for number in range(42):
        values = dict(next(kinds))
        started_at = START + number * timedelta(hours=30)  # more than one month
        if talk := values.pop("talk", None):
            values |= {"answered_at": started_at, "ended_at": started_at + timedelta(seconds=talk)}
        path = team.call(started_at=started_at, notes=str(number), **values)
        if number % 5 == 0:
            team.client.patch(path, {"notes": f"{number} changed"})
        if number % 10 == 7:  # the start is learnt to be earlier than the id says
            earlier = started_at - timedelta(days=3)
            id = UUID(path.rpartition("/")[2])
            make.value(
                "UPDATE calls SET started_at = :at WHERE id = :id AND workspace_id = :workspace_id RETURNING version",
                at=earlier,
                id=id,
                workspace_id=team.workspace_id,
            )
        if number % 6 == 0:
            id = UUID(path.rpartition("/")[2])
            make.value(
                "UPDATE calls SET has_recording = true WHERE id = :id AND workspace_id = :workspace_id RETURNING version",
                id=id,
                workspace_id=team.workspace_id,
            )
    team.client.delete(team.call(started_at=START, tag_ids=[UUID(tag)], contact_id=UUID(contact)))
    calls = team.client.walk("/v1/calls", include="details,tags", size=50)
    assert [call["id"] for call in calls] == sorted((call["id"] for call in calls), reverse=True)
    return World(team, calls, {"contact": contact, "member": str(member), "sequence": sequence, "tag": tag})


Check = Callable[[dict[str, Any]], bool]


def equal(name: str, *values: str) -> list[tuple[str, Check]]:
    def check(value: str) -> Check:
        return lambda call: call[name] == value

    return [(value, check(value)) for value in values]


def whether(check: Check) -> list[tuple[str, Check]]:
    return [("true", check), ("false", lambda call: not check(call))]


def at_least(*seconds: int) -> list[tuple[str, Check]]:
    def check(least: int) -> Check:
        return lambda call: least == 0 or (call["talkDuration"] or 0) >= least

    return [(str(least), check(least)) for least in seconds]


def filters(world: World) -> dict[str, list[tuple[str, Check]]]:
    """Return every filter with values, each with what it must leave."""
    names = world.names
    middle = stamp(START + timedelta(days=20))
    updated = sorted(call["updatedAt"] for call in world.calls)[20]
    return {
        "contactId": [(names["contact"], lambda c: c["contact"]["id"] == names["contact"]), (NOBODY, lambda _: False)],
        "sequenceId": equal("sequenceId", names["sequence"]),
        "sequenceRunId": equal("sequenceRunId", str(RUN), NOBODY),
        "organizationMembershipId": equal("organizationMembershipId", names["member"]),
        "status": equal("status", "completed", "busy", "ringing"),
        "result": equal("result", "CONNECTED", "VOICEMAIL", "IN_PROGRESS"),
        "type": equal("type", "inbound", "outbound"),
        "callType": equal("callType", "CALL_SESSION", "DIRECT_CALL"),
        "tagId": [(names["tag"], lambda c: bool(c["tags"])), (NOBODY, lambda _: False)],
        "phoneNumber": [(phone_number(501), lambda c: c["phoneNumber"] == {"value": phone_number(501)})],
        "hasRecording": whether(lambda c: c["hasRecording"]),
        "minDuration": at_least(0, 1, 20, 60, 61, 62, 300, 5_000),
        "startedAfter": [(middle, lambda c: c["startedAt"] >= middle)],
        "startedBefore": [(middle, lambda c: c["startedAt"] < middle)],
        "updatedAfter": [(updated, lambda c: c["updatedAt"] >= updated)],
        "updatedBefore": [(updated, lambda c: c["updatedAt"] < updated)],
        "syncedWithCrm": whether(lambda c: c["syncedWithCrmDate"] is not None),
        "externalId": equal("externalId", "crm-1"),
    }


NAMES = [
    one.encode_name
    for one in msgspec.structs.fields(ListCalls)
    if one.name not in {"page", "size", "cursor", "workspace_ids", "region", "include"}
]


def agree(world: World, chosen: list[tuple[str, str, Check]], size: int) -> None:
    wanted = [call for call in world.calls if all(check(call) for _, _, check in chosen)]
    parameters: dict[str, Any] = {name: value for name, value, _ in chosen} | {"include": "details,tags", "size": size}
    if parameters.keys() & {"updatedAfter", "updatedBefore"}:
        wanted.sort(key=lambda call: (call["updatedAt"], call["id"]))
    page = world.team.client.get("/v1/calls", params=parameters)
    assert page["meta"]["total"] == len(wanted)
    assert world.team.client.walk("/v1/calls", **parameters) == wanted
    second = world.team.client.get("/v1/calls", params=parameters | {"page": 1})
    assert second["data"] == wanted[size : 2 * size]
    assert second["meta"]["total"] == len(wanted)


@pytest.mark.parametrize("name", NAMES)
def test_each_filter(world: World, name: str) -> None:
    for value, check in filters(world)[name]:
        agree(world, [(name, value, check)], 4)


@settings(max_examples=60, deadline=None)
@given(chosen=st.sets(st.sampled_from(NAMES), min_size=2, max_size=5), pick=st.integers(0, 7), size=st.integers(1, 12))
def test_any_combination(world: World, chosen: set[str], pick: int, size: int) -> None:
    known = filters(world)
    agree(world, [(name, *known[name][pick % len(known[name])]) for name in sorted(chosen)], size)


def test_no_filter(world: World) -> None:
    meta = world.team.client.get("/v1/calls", params={"size": 5})["meta"]
    assert (meta["total"], meta["totalPages"], meta["hasMore"]) == (42, 9, True)
    assert "totalIsLowerBound" not in meta
    assert world.team.client.get("/v1/calls", params={"size": 500, "page": 7})["data"] == []


def test_the_default_shape_is_that_of_one_call(world: World) -> None:
    call = world.team.client.get("/v1/calls", params={"size": 1})["data"][0]
    assert call == world.team.client.get(f"/v1/calls/{call['id']}")


@pytest.mark.parametrize(
    ("written", "region"),
    [
        ("+33639980501", None),
        ("%2B33639980501", None),
        ("06 39 98 05 01", None),
        ("0033 6 39 98 05 01", "fr"),
        ("+33 (0)6.39.98.05.01", None),
        ("06-39-98-05-01", "FR"),
        ("011 33 639980501", "US"),
    ],
)
def test_a_number_in_any_form(world: World, written: str, region: str | None) -> None:
    query = f"phoneNumber={written}" + (f"&region={region}" if region else "")
    assert world.team.client.get(f"/v1/calls?{query}")["meta"]["total"] == 6


def test_all_faults_at_once(client: Client) -> None:
    query = {
        "contactId": "x",
        "tagId": "",
        "status": "COMPLETED",
        "hasRecording": "maybe",
        "minDuration": "-1",
        "startedAfter": "yesterday",
        "updatedBefore": "2026-01-01",
        "externalId": "",
        "phoneNumber": "12",
        "include": "all",
        "workspaceIds": "x",
        "size": "501",
    }
    assert sorted(client.faults("GET", "/v1/calls", params=query)) == [
        ("/query/contactId", "INVALID_ID"),
        ("/query/externalId", "TOO_SHORT"),
        ("/query/hasRecording", "WRONG_TYPE"),
        ("/query/include", "UNKNOWN_VALUE"),
        ("/query/minDuration", "TOO_SMALL"),
        ("/query/phoneNumber", "INVALID_PHONE_NUMBER"),
        ("/query/size", "TOO_LARGE"),
        ("/query/startedAfter", "WRONG_TYPE"),
        ("/query/status", "UNKNOWN_VALUE"),
        ("/query/tagId", "INVALID_ID"),
        ("/query/updatedBefore", "WRONG_TYPE"),
        ("/query/workspaceIds", "INVALID_ID"),
    ]
    assert client.faults("GET", "/v1/calls", params={"region": "XX"}) == [("/query/region", "UNKNOWN_VALUE")]
    assert client.faults("GET", "/v1/calls?cursor=abc") == [("/query/cursor", "INVALID_CURSOR")]
    moments = {"startedAfter": "0001-01-01T00:00:00Z", "startedBefore": "9999-12-31T23:59:59Z"}
    assert client.get("/v1/calls", params=moments)["data"] == []


def test_workspaces(make: Make) -> None:
    team = make.team()
    second = team.workspace()
    own = team.call().rpartition("/")[2]
    other = str(make.call(second))
    stranger = make.team()
    stranger.call()
    client = team.client_for(team.workspace_id, second)
    for parameters in ({}, {"type": "outbound"}, {"updatedAfter": "2026-01-01T00:00:00Z"}):
        both = client.get("/v1/calls", params=parameters)
        assert {call["id"] for call in both["data"]} == {own, other}
        assert both["meta"]["total"] == 2
        narrowed = client.get("/v1/calls", params=parameters | {"workspaceIds": str(second)})
        assert [call["id"] for call in narrowed["data"]] == [other]
        nothing = client.get("/v1/calls", params=parameters | {"workspaceIds": str(stranger.workspace_id)})
        assert (nothing["data"], nothing["meta"]["total"]) == ([], 0)


def test_a_deleted_call_is_not_counted_by_its_tag(make: Make) -> None:
    team = make.team()
    tag = team.tag("Rappel")
    calls = [team.call() for _ in range(4)]
    for call in calls:
        team.client.patch(call, {"tagIds": [tag]})
    team.client.delete(calls[0])
    page = team.client.get("/v1/calls", params={"tagId": tag, "size": 1})  # full, so it is counted
    assert page["meta"]["total"] == 3
    assert calls[0].rpartition("/")[2] not in {
        one["id"] for one in team.client.get("/v1/calls", params={"tagId": tag})["data"]
    }


def test_every_composed_statement_names_the_workspace() -> None:
    """What `tests/rules/test_tenant_queries.py` asks of statements that it can find."""
    names = [one for one in ListCalls.__struct_fields__ if one in listing._CONDITIONS] + ["tag_id"]
    for count in (0, 1, 2, 3):
        for chosen in itertools.combinations(names, count):
            for compose in (listing._compose, listing._compose_changed):
                text = compose.__wrapped__(frozenset(chosen), 60, True).text
                for table in ("calls", "call_tags", "events", "call_counts"):
                    for part in re.findall(rf"FROM {table}\b(.*?)(?:LIMIT|ORDER BY|\))", text, re.DOTALL):
                        assert "workspace_id" in part, part


def test_a_count_of_more_than_ten_thousand_is_a_lower_bound(make: Make) -> None:
    team = make.team()
    make.rows("SELECT create_calls_month('2025-01-01Z'::timestamptz)")
    make.rows(
        """
        INSERT INTO calls (workspace_id, id, provider, call_type, type, status, result, started_at, last_modification_source)
        SELECT :workspace_id::uuid, (left(first_id_at(at)::text, 14) || '7' || right(gen_random_uuid()::text, 21))::uuid,
            'API', 'DIRECT_CALL', 'outbound', 'no-answer', 'NO_ANSWER', at, 'API'
        FROM (SELECT '2025-01-01Z'::timestamptz + n * interval '1 second' AS at FROM generate_series(1, 10050) n) g
        """,
        workspace_id=team.workspace_id,
    )
    assert team.client.get("/v1/calls")["meta"]["total"] == 10_050
    page = team.client.get("/v1/calls", params={"type": "outbound", "size": 100})
    assert (page["meta"]["total"], page["meta"]["totalIsLowerBound"]) == (10_000, True)
    following = team.client.get("/v1/calls", params={"type": "outbound", "cursor": page["meta"]["nextCursor"]})
    assert (following["meta"]["total"], following["meta"]["totalIsLowerBound"]) == (10_000, True)
    deep = team.client.get("/v1/calls", params={"type": "outbound", "size": 500, "page": 20})
    assert len(deep["data"]) == 50
