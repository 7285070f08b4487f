"""Any history of calls, and any question about them: the sums are those of a recount."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.make import Make
from tests.stats.recount import STATUSES, World, bucket, buckets, check_sums, matching, world

# Clocks change in Paris, in St. John's (an offset of half an hour) and on Lord Howe (by half an hour); in Kathmandu never.
ZONES = ["Europe/Paris", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe"]
CHANGES = [
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 3, 8, 5, 30, tzinfo=UTC),
    datetime(2026, 11, 1, 4, 30, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC),
    datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
]
NEAR = st.integers(-150, 150).map(lambda number: timedelta(minutes=15 * number)) | st.timedeltas(
    timedelta(days=-2), timedelta(days=2)
).map(lambda one: one // timedelta(milliseconds=1) * timedelta(milliseconds=1))
ONE_OF_TWO = st.none() | st.integers(0, 1)
CALL = st.fixed_dictionaries(
    {
        "after": NEAR,
        "member": ONE_OF_TWO,
        "sequence": ONE_OF_TWO,
        "contact": ONE_OF_TWO,
        "call_type": st.sampled_from(["CALL_SESSION", "DIRECT_CALL"]),
        "type": st.sampled_from(["inbound", "outbound"]),
        "status": st.sampled_from(STATUSES),
        "result": st.sampled_from(["CONNECTED", "NO_ANSWER", "VOICEMAIL"]),
        "talk_seconds": st.none() | st.integers(0, 600),
    }
)
CHANGE = st.sampled_from(
    ["after", "member", "sequence", "contact", "call_type", "type", "status", "result", "talk_seconds"]
)
STEP = (
    st.tuples(st.just("log"), st.lists(CALL, min_size=1, max_size=5))
    | st.tuples(st.just("change"), st.integers(0, 50), st.sets(CHANGE, min_size=1), CALL)
    | st.tuples(st.just("tag"), st.integers(0, 50), st.sets(st.integers(0, 1)))
    | st.tuples(st.just("delete"), st.integers(0, 50))
    | st.tuples(st.just("change all"), CHANGE, CALL)
)
POINT = st.none() | st.tuples(st.booleans(), NEAR)
QUESTION = st.fixed_dictionaries(
    {
        "zone": st.sampled_from(ZONES),
        "granularity": st.sampled_from(["hour", "day", "week", "month", "none"]),
        "start": POINT,
        "end": POINT,
        "member": ONE_OF_TWO,
        "sequence": ONE_OF_TWO,
        "callType": st.sampled_from(["all", "all", "sequence", "direct", "inbound", "outbound"]),
    }
)


@settings(max_examples=40)
@given(
    st.sampled_from(CHANGES),
    st.lists(st.tuples(st.just("log"), st.lists(CALL, min_size=1, max_size=8)) | STEP, min_size=1, max_size=8),
    st.lists(QUESTION, min_size=3, max_size=6),
)
def test_sums_and_answers_are_those_of_a_recount(
    make: Make, around: datetime, steps: list[Any], questions: list[dict[str, Any]]
) -> None:
    made = world(make)
    ids: list[Any] = []
    for step, *rest in steps:
        act(made, around, ids, step, rest)
        check_sums(made)
    for question in questions:
        ask(made, around, question)


def act(made: World, around: datetime, ids: list[Any], step: str, rest: list[Any]) -> None:
    """Do one step of a history; one about a call is left out while there is none."""
    if step == "log":
        ids += made.calls([columns(made, around, one) for one in rest[0]])
    elif not ids:
        return
    elif step == "change":
        number, names, call = rest
        made.change(ids[number % len(ids)], **columns(made, around, {name: call[name] for name in names}))
    elif step == "tag":
        made.tag(ids[rest[0] % len(ids)], *(made.tags[number] for number in rest[1]))
    elif step == "delete":
        made.change(ids[rest[0] % len(ids)], deleted_at=around)
    else:
        name, call = rest
        made.change(None, **columns(made, around, {name: call[name]}))


def columns(made: World, around: datetime, call: dict[str, Any]) -> dict[str, Any]:
    found = dict(call)
    for name, column, values in (
        ("member", "organization_membership_id", made.members),
        ("sequence", "sequence_id", made.sequences),
        ("contact", "contact_id", made.contacts),
    ):
        if name in found:
            number = found.pop(name)
            found[column] = None if number is None else values[number]
    if "after" in found:
        found["started_at"] = around + found.pop("after")
    return found


def parameters(made: World, around: datetime, question: dict[str, Any]) -> dict[str, str]:
    query = {name: question[name] for name in ("granularity", "callType")} | {"timezone": question["zone"]}
    zone = ZoneInfo(question["zone"])
    points = sorted(
        (point[0], around + point[1]) for point in (question["start"], question["end"]) if point is not None
    )
    points.sort(key=lambda point: point[1])
    names = [name for name in ("start", "end") if question[name] is not None]
    for name, (as_date, moment) in zip(names, points, strict=True):
        day: date = moment.astimezone(zone).date()
        query[f"{name}Date"] = day.isoformat() if as_date else moment.isoformat().replace("+00:00", "Z")
    if question["member"] is not None:
        query["userMembershipId"] = str(made.members[question["member"]])
    if question["sequence"] is not None:
        query["sequenceId"] = str(made.sequences[question["sequence"]])
    return query


def ask(made: World, around: datetime, question: dict[str, Any]) -> None:
    """Ask each operation one question."""
    client, query, zone = made.team.client, parameters(made, around, question), ZoneInfo(question["zone"])
    granularity = question["granularity"]
    calls = matching(made, query, zone)
    dates = [bucket(call["started_at"], granularity, zone) for call in calls]

    answered = client.get("/v1/stats/status-repartition", params=query)
    counted = Counter((call["status"].upper().replace("-", "_"), one) for call, one in zip(calls, dates, strict=True))
    assert {(one["status"], one["date"]): one["count"] for one in answered["data"]} == counted
    assert [one["date"] or "" for one in answered["data"]] == sorted(one["date"] or "" for one in answered["data"])

    answered = client.get("/v1/stats/tag-repartition", params=query)
    counted = Counter((str(tag), one) for call, one in zip(calls, dates, strict=True) for tag in call["tags"])
    assert {(one["tagId"], one["date"]): one["count"] for one in answered["data"]} == counted

    answered = client.get("/v1/stats/call-duration", params=query)
    assert [one["date"] for one in answered["data"]] == buckets(made, query, zone, around)
    for one in answered["data"]:
        here = [call for call, date in zip(calls, dates, strict=True) if date == one["date"]]
        talks = [call["talk_seconds"] for call in here if call["talk_seconds"]]
        average = round(sum(talks) / len(talks), 1) if talks else None
        assert (one["count"], one["talkedCount"]) == (len(here), len(talks))
        assert (one["totalDuration"], one["averageDuration"]) == (sum(talks), average)
    assert sum(one["count"] for one in answered["data"]) == len(calls)

    del query["granularity"]
    answered = client.get("/v1/stats/users", params=query)
    for one in answered["data"]:
        here = [call for call in calls if str(call["organization_membership_id"]) == one["organizationMembershipId"]]
        placed = [call for call in here if call["type"] == "outbound"]
        connected = sum(call["result"] == "CONNECTED" for call in placed)
        talks = [call["talk_seconds"] for call in here if call["talk_seconds"]]
        assert (one["callsPlaced"], one["callsConnected"]) == (len(placed), connected)
        assert one["connectRate"] == (round(connected / len(placed), 4) if placed else None)
        assert one["talkDuration"] == sum(talks)
        assert one["averageTalkDuration"] == (round(sum(talks) / len(talks), 1) if talks else None)
        assert one["successTagCount"] == sum(made.tags[0] in call["tags"] for call in here)
    wanted = {query["userMembershipId"]} if "userMembershipId" in query else set(map(str, made.members))
    assert {one["organizationMembershipId"] for one in answered["data"]} == wanted
