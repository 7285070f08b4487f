"""Calls written with SQL, and statistics about them counted one by one, by other rules than the server's."""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from skipcall import ids
from tests.make import Make, Team

NOBODY = UUID(int=0)
QUARTER = timedelta(minutes=15)
SPAN = timedelta(days=7)  # more than any test goes from its moment
_COLUMNS = (
    "workspace_id, id, provider, call_type, type, status, result, started_at, answered_at, talk_seconds, contact_id, "
    "organization_membership_id, sequence_id, last_modification_source"
)
INSERT_CALLS = f"""
    INSERT INTO calls ({_COLUMNS})
    SELECT {_COLUMNS} FROM jsonb_populate_recordset(NULL::calls, :rows::jsonb)"""
STATUSES = ("queued", "ringing", "in-progress", "completed", "no-answer", "busy", "canceled", "failed")

# Start is learnt later only to be earlier: an id is never earlier than the start.
_SET_START = """least(:started_at, timestamptz 'epoch'
    + ('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint * interval '1 millisecond')"""

LABELS: dict[str, Callable[[datetime], Hashable]] = {
    "hour": lambda local: (local.date(), local.hour, local.utcoffset()),
    "day": lambda local: local.date(),
    "week": lambda local: local.isocalendar()[:2],
    "month": lambda local: (local.year, local.month),
    "none": lambda local: None,
}


@dataclass
class World:
    """A workspace with two of everything that calls are filtered by."""

    team: Team
    members: list[UUID] = field(default_factory=list)
    sequences: list[UUID] = field(default_factory=list)
    contacts: list[UUID] = field(default_factory=list)
    tags: list[UUID] = field(default_factory=list)

    @property
    def make(self) -> Make:
        return self.team.make

    def call(self, started_at: datetime, **values: Any) -> UUID:
        """Log one call."""
        return self.calls([values | {"started_at": started_at}])[0]

    def calls(self, rows: Sequence[Mapping[str, Any]]) -> list[UUID]:
        """Log calls in one statement."""
        defaults = {
            "workspace_id": self.team.workspace_id,
            "provider": "API",
            "call_type": "DIRECT_CALL",
            "type": "outbound",
            "status": "completed",
            "result": "CONNECTED",
            "last_modification_source": "API",
        }
        made: list[dict[str, Any]] = [defaults | {"id": ids.id_at(row["started_at"])} | dict(row) for row in rows]
        for month in {row["started_at"].strftime("%Y-%m-15") for row in rows}:
            self.make.value("SELECT create_calls_month(:month::text::timestamptz)", month=month)
        self.make.rows(INSERT_CALLS, rows=msgspec.json.encode(made).decode())
        return [row["id"] for row in made]

    def change(self, id: UUID | None, **values: Any) -> None:
        """Change columns of a call, or of all calls."""
        columns = ", ".join(f"{name} = {_SET_START if name == 'started_at' else f':{name}'}" for name in values)
        self.make.rows(
            f"UPDATE calls SET {columns} WHERE workspace_id = :workspace_id AND id = coalesce(:id, id)",
            workspace_id=self.team.workspace_id,
            id=id,
            **values,
        )

    def tag(self, call_id: UUID, *tag_ids: UUID) -> None:
        """Make these the tags of a call."""
        names = {"workspace_id": self.team.workspace_id, "call_id": call_id, "tag_ids": tag_ids}
        self.make.rows(
            "DELETE FROM call_tags WHERE workspace_id = :workspace_id AND call_id = :call_id AND tag_id <> ALL(:tag_ids)",
            **names,
        )
        self.make.rows(
            """
            INSERT INTO call_tags (workspace_id, call_id, tag_id)
            SELECT :workspace_id, :call_id, unnest(:tag_ids::uuid[]) ON CONFLICT DO NOTHING
            """,
            **names,
        )

    def stored(self) -> list[dict[str, Any]]:
        """Return the calls that count, each with its tags."""
        return self.make.rows(
            """
            SELECT c.*, array(
                SELECT tag_id FROM call_tags t WHERE t.workspace_id = c.workspace_id AND t.call_id = c.id
            ) AS tags
            FROM calls c WHERE c.workspace_id = :workspace_id AND c.deleted_at IS NULL
            """,
            workspace_id=self.team.workspace_id,
        )


def world(make: Make) -> World:
    """Make a workspace with two users, sequences, contacts and tags; the first tag is a success."""
    team = make.team()
    made = World(team)
    for number in range(2):
        made.members.append(make.member(team.organization_id, [team.workspace_id]))
        made.contacts.append(make.contact(team.workspace_id))
        made.tags.append(ids.new_id())
        make.rows(
            "INSERT INTO tags (workspace_id, id, label, is_success_tag) VALUES (:workspace_id, :id, :label, :success)",
            workspace_id=team.workspace_id,
            id=made.tags[-1],
            label=f"Outcome {number}",
            success=number == 0,
        )
        made.sequences.append(ids.new_id())
        make.rows(
            """
            INSERT INTO sequences (workspace_id, id, name, creator_id, status)
            VALUES (:workspace_id, :id, 'Leads', :creator_id, 'ACTIVE')
            """,
            workspace_id=team.workspace_id,
            id=made.sequences[-1],
            creator_id=made.members[0],
        )
    return made


# ------------------------------------------------------------------------------------------------------------- sums


def check_sums(made: World) -> None:
    """Compare every row of the tables of sums with the calls themselves, and that none is left that says nothing."""
    make, workspace = made.make, {"workspace_id": made.team.workspace_id}
    calls, tags, sequences = Counter[Any](), Counter[Any](), Counter[Any]()
    for call in made.stored():
        quarter = floor(call["started_at"])
        member, sequence = call["organization_membership_id"] or NOBODY, call["sequence_id"] or NOBODY
        for place in ((sequence, member), (None, None)):
            key = (quarter, *place, call["call_type"], call["type"])
            calls[*key, call["status"]] += 1
            calls[*key, "connected"] += call["result"] == "CONNECTED"
            calls[*key, "talked"] += (call["talk_seconds"] or 0) > 0
            calls[*key, "talk_seconds"] += call["talk_seconds"] or 0
            for tag in call["tags"]:
                tags[*key, tag] += 1
        if call["sequence_id"] and call["contact_id"]:
            sequences[sequence, call["contact_id"]] += 1
    found, found_tags = Counter[Any](), Counter[Any]()
    for row in make.rows("SELECT * FROM call_statistics WHERE workspace_id = :workspace_id", **workspace):
        key = _key(row)
        numbers = {name: row[name.replace("-", "_")] for name in (*STATUSES, "connected", "talked", "talk_seconds")}
        assert any(numbers.values()), "a row of zeros is left"
        for name, number in numbers.items():
            found[*key, name] += number
    for row in make.rows("SELECT * FROM tag_statistics WHERE workspace_id = :workspace_id", **workspace):
        found_tags[*_key(row), row["tag_id"]] += row["count"]
    rows = make.rows("SELECT * FROM sequence_call_counts WHERE workspace_id = :workspace_id", **workspace)
    assert +found == +calls
    assert not -found
    assert found_tags == tags
    assert {(row["sequence_id"], row["contact_id"]): row["count"] for row in rows} == sequences


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (row["quarter"], row["sequence_id"], row["organization_membership_id"], row["call_type"], row["type"])


# ---------------------------------------------------------------------------------------------------------- answers


def matching(made: World, query: Mapping[str, Any], zone: ZoneInfo) -> list[dict[str, Any]]:
    """Return the calls that a query is about."""

    def matches(call: Mapping[str, Any]) -> bool:
        wanted = {
            "all": True,
            "sequence": call["call_type"] == "CALL_SESSION",
            "direct": call["call_type"] == "DIRECT_CALL",
        }
        return (
            wanted.get(query.get("callType", "all"), call["type"] == query.get("callType"))
            and str(call["sequence_id"]) == query.get("sequenceId", str(call["sequence_id"]))
            and str(call["organization_membership_id"])
            == query.get("userMembershipId", str(call["organization_membership_id"]))
            and is_within(call["started_at"], query, zone)
        )

    return [call for call in made.stored() if matches(call)]


def is_within(moment: datetime, query: Mapping[str, Any], zone: ZoneInfo) -> bool:
    """Whether a moment lies in the period of a query."""
    for name, sign in (("startDate", 1), ("endDate", -1)):
        text = query.get(name)
        if text is None:
            continue
        if len(text) == len("2026-01-01"):
            difference = (moment.astimezone(zone).date() - date.fromisoformat(text)).days
        else:
            difference = (moment - datetime.fromisoformat(text)) // timedelta(milliseconds=1)
        if difference * sign < 0:
            return False
    return True


_starts: dict[Hashable, str] = {}


def bucket(moment: datetime, granularity: str, zone: ZoneInfo) -> str | None:
    """Return the start of the bucket of a moment: the earliest from which on the clocks of the zone tell its label."""
    if granularity == "none":
        return None
    label = LABELS[granularity]
    wanted = label(moment.astimezone(zone))
    if (granularity, zone, wanted) not in _starts:
        start = floor(moment)
        while label((start - QUARTER).astimezone(zone)) == wanted:
            start -= QUARTER
        _starts[granularity, zone, wanted] = start.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return _starts[granularity, zone, wanted]


def buckets(made: World, query: Mapping[str, Any], zone: ZoneInfo, around: datetime) -> list[str | None]:
    """Return all buckets of the period of a query, from the first call to the last where it is open."""
    granularity = query.get("granularity", "none")
    if granularity == "none":
        return [None]
    calls = sorted(call["started_at"] for call in made.stored())
    if not calls and not ("startDate" in query and "endDate" in query):
        return []
    first = around - SPAN if "startDate" in query else floor(calls[0])
    last = around + SPAN if "endDate" in query else floor(calls[-1]) + QUARTER
    moments = {first + number * QUARTER for number in range((last - first) // QUARTER)}
    moments |= {datetime.fromisoformat(query[name]) for name in ("startDate", "endDate") if "T" in query.get(name, "")}
    inside = (one for one in sorted(moments) if first <= one < last and is_within(one, query, zone))
    return list(dict.fromkeys(bucket(one, granularity, zone) for one in inside))


def floor(moment: datetime) -> datetime:
    """Return the start of a quarter of an hour."""
    return moment - (moment - datetime(1970, 1, 1, tzinfo=UTC)) % QUARTER
