"""Thousands of reports at once, as an import of an exchange's files brings them."""

from uuid import UUID

from skipcall import clock
from skipcall.telephony import queries
from skipcall.telephony.actions import Counts, _whole_call, record_reports
from skipcall.telephony.asterisk import CdrReader
from skipcall.telephony.conclusion import conclude
from skipcall.telephony.merge import merge
from skipcall.telephony.model import CallReport, Source
from skipcall.telephony.sources import SourceOptions, StoredSource, read_source
from tests.make import Make, Team, phone_number
from tests.telephony.senders import Senders

CONTACTS = 20
PBX = Source(provider="ASTERISK")
LINE = (
    '"","{src}","{dst}","{context}","","PJSIP/201-1","PJSIP/trunk-1","{app}","","2026-03-03 10:00:00",{answer},'
    '"2026-03-03 10:00:37",37,{billed},"{disposition}","DOCUMENTATION","1772528400.1",""'
)


def stored(make: Make, id: UUID) -> StoredSource:
    row = make.run(queries.find_source(make.db, id))
    assert row is not None
    return read_source(row)


def records(source: StoredSource, count: int, first: int = 0) -> list[CallReport]:
    """Calls from extensions 201 and 202, one a minute, every third one not answered."""
    reader = CdrReader(source.source)
    reports = []
    for number in range(first, first + count):
        day, hour, minute = 1 + number // 1440 % 28, number // 60 % 24, number % 60
        start = f"2026-03-{day:02} {hour:02}:{minute:02}"
        answer, billed, disposition = (f'"{start}:07"', 30, "ANSWERED") if number % 3 else ("", 0, "NO ANSWER")
        line = (
            f'"","{201 + number % 2}","{phone_number(number % CONTACTS)}","from-internal","","PJSIP/201-{number}",'
            f'"PJSIP/trunk-{number}","Dial","","{start}:00",{answer},"{start}:37",37,{billed},"{disposition}",'
            f'"DOCUMENTATION","1772528400.{number}",""'
        )
        report = reader.read_line(line.encode(), number + 1)
        assert isinstance(report, CallReport)
        reports.append(report)
    return reports


def test_a_batch_is_stored_once(make: Make, team: Team) -> None:
    contacts = [team.contact(phone_numbers=[phone_number(number)]) for number in range(CONTACTS // 2)]
    member, _ = team.member()
    source = stored(make, make.source(team.workspace_id, "ASTERISK"))
    make.identity(team.workspace_id, source.id, "201", member)
    reports = records(source, 1_000)
    assert make.run(record_reports(make.db, source, reports + reports[:10])) == Counts(created=1_000)
    assert make.run(record_reports(make.db, source, reports)) == Counts()
    # A batch that overlaps what is there adds the rest.
    assert make.run(record_reports(make.db, source, records(source, 1_000, first=900))) == Counts(created=900)
    senders = Senders(make, team, make.server_url)
    senders.client.close()
    calls = senders.calls()
    assert len(calls) == 1_900
    assert sum(one["result"] == "CONNECTED" for one in calls) == sum(number % 3 != 0 for number in range(1_900))
    assert sum(one["organization_membership_id"] == member for one in calls) == 950
    assert sum(one["contact_id"] is None for one in calls) == 950
    assert {one["status"] for one in calls} == {"completed", "no-answer"}
    assert team.client.get(contacts[0])["callCount"] == 95
    assert (
        make.value(
            "SELECT count(*) FROM events WHERE workspace_id = :id AND type = 'call.completed'", id=team.workspace_id
        )
        == 1_900
    )
    senders.check_counts()


def test_reports_that_wait_in_vain_are_forgotten(make: Make, team: Team) -> None:
    source = make.source(team.workspace_id, "VONAGE", "x")
    make.run(
        queries.keep_reports(make.db, team.workspace_id, source, [(("GROUP", "old"), "{}"), (("GROUP", "new"), "{}")])
    )
    make.rows(
        "UPDATE telephony_reports SET created_at = now() - interval '49 hours' WHERE source_id = :id AND key = 'old' RETURNING key",
        id=source,
    )
    make.run(queries.forget_old_reports(make.db))
    assert make.rows("SELECT key FROM telephony_reports WHERE source_id = :id", id=source) == [{"key": "new"}]


def test_the_only_report_of_a_call_says_what_merging_it_would() -> None:
    source = StoredSource(UUID(int=1), UUID(int=2), "pbx", is_disabled=False, options=SourceOptions(), source=PBX)
    lines = [
        LINE.format(src=src, dst=dst, context=context, app=app, answer=answer, billed=billed, disposition=disposition)
        for src, dst, context in (("201", "0639980001", "from-internal"), ("anonymous", "201", "from-trunk"))
        for app in ("Dial", "VoiceMail")
        for answer, billed, disposition in (
            ('"2026-03-03 10:00:07"', 30, "ANSWERED"),
            ('"2026-03-03 10:00:07"', 0, "ANSWERED"),
            ("", 0, "NO ANSWER"),
            ("", 0, "BUSY"),
            ("", 0, "CONGESTION"),
        )
    ]
    reader = CdrReader(source.source)
    for number, line in enumerate(lines, 1):
        report = reader.read_line(line.encode(), number)
        assert isinstance(report, CallReport)
        row, told = _whole_call(report, clock.now()), conclude(merge(None, report))
        for name in told.__struct_fields__:
            assert getattr(row, name) == getattr(told, name), (name, line)
