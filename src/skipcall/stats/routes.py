"""Operations on statistics: all of them reads."""

from datetime import datetime

import msgspec

from skipcall.clock import timestamp
from skipcall.http.request import Answer, Request
from skipcall.http.routing import operation
from skipcall.stats import queries
from skipcall.stats.actions import Question, understand
from skipcall.stats.buckets import Granularity
from skipcall.stats.model import (
    CALL_STATUSES,
    USERS_MAX,
    BucketsQuery,
    CallDuration,
    CallDurations,
    StatisticsQuery,
    StatusCount,
    StatusRepartition,
    TagCount,
    TagRepartition,
    UserStatistic,
    UserStatistics,
    average,
)

# `teamId` is as old as the API; RFC 9745 would have a date here, the vendor's contract has this word.
_TEAM_ID_DEPRECATED = (("deprecation", "true"), ("link", '</docs/deprecations#team-id>; rel="deprecation"'))

encode = msgspec.json.Encoder().encode


@operation(
    "GET",
    "/v1/stats/tag-repartition",
    tag="Statistics",
    scope="stats:read",
    answers=TagRepartition,
    noun="Workspace",
    statuses=(404,),
    headers=("Deprecation", "Link"),
)
async def get_tag_repartition(request: Request, query: BucketsQuery) -> Answer:
    """Get tag distribution.

    How many calls have which tag, in all or by bucket of time. A call with two tags counts for both; deleted tags go on counting
    for the calls that have them, deleted calls do not. A tag without calls in a bucket is left out.
    """
    question = await _understand(request, query, query.granularity)
    if not question.buckets:
        return Answer(encode(TagRepartition([])))
    rows = await queries.sum_tags(request.database, question.filters, question.period, question.buckets)
    dates = _dates(question.buckets, query.granularity)
    data = [
        TagCount(str(row["id"]), row["label"], row["count"], row["is_success_tag"], dates[row["bucket"] - 1])
        for row in rows
    ]
    return Answer(encode(TagRepartition(data)))


@operation(
    "GET",
    "/v1/stats/status-repartition",
    tag="Statistics",
    scope="stats:read",
    answers=StatusRepartition,
    noun="Workspace",
    statuses=(404,),
    headers=("Deprecation", "Link"),
)
async def get_status_repartition(request: Request, query: BucketsQuery) -> Answer:
    """Get call status distribution.

    How many calls have which status, in all or by bucket of time, and how many contacts were never called. A status
    without calls in a bucket is left out.
    """
    question = await _understand(request, query, query.granularity)
    rows, uncalled = await queries.sum_statuses(
        request.database, question.filters, question.period, question.buckets or [question.period.start]
    )
    dates = _dates(question.buckets, query.granularity)
    names = [(status.replace("-", "_"), status.replace("-", "_").upper()) for status in CALL_STATUSES]
    data = [
        StatusCount(name, row[column], dates[row["bucket"] - 1])  # type: ignore[arg-type]
        for row in rows
        for column, name in names
        if row[column]
    ]
    return Answer(encode(StatusRepartition(data, uncalled)))


@operation(
    "GET",
    "/v1/stats/call-duration",
    tag="Statistics",
    scope="stats:read",
    answers=CallDurations,
    noun="Workspace",
    statuses=(404,),
    headers=("Deprecation", "Link"),
)
async def get_call_duration(request: Request, query: BucketsQuery) -> Answer:
    """Get call duration statistics.

    How many calls there were and how long people talked, in all or by bucket of time. Durations are seconds of
    conversation: from the answer to the end, without ringing. Buckets without calls are there, with zeros, so that a line of a chart
    does not skip them.
    """
    question = await _understand(request, query, query.granularity)
    found = {}
    if question.buckets:
        rows = await queries.sum_durations(request.database, question.filters, question.period, question.buckets)
        found = {row["bucket"]: row for row in rows}
    data = []
    for number, date in enumerate(_dates(question.buckets, query.granularity), 1):
        row = found.get(number)
        if row is None:
            data.append(CallDuration(0, 0, 0, None, date))
        else:
            calls = sum(row[status.replace("-", "_")] for status in CALL_STATUSES)
            seconds = row["talk_seconds"] or 0
            data.append(CallDuration(calls, row["talked"] or 0, seconds, average(seconds, row["talked"]), date))
    return Answer(encode(CallDurations(data)))


@operation(
    "GET",
    "/v1/stats/users",
    tag="Statistics",
    scope="stats:read",
    answers=UserStatistics,
    noun="Workspace",
    statuses=(404,),
    headers=("Deprecation", "Link"),
)
async def get_user_statistics(request: Request, query: StatisticsQuery) -> Answer:
    """Get statistics of users.

    What each user of the workspace has done in the period, who placed most calls first. All users are in one answer, up to 1,000; of
    more, those who placed most. Calls without a user are in no row.
    """
    question = await _understand(request, query, "none")
    rows = await queries.sum_users(request.database, question.filters, question.period, USERS_MAX)
    data = [
        UserStatistic(
            organization_membership_id=str(row["id"]),
            first_name=row["first_name"],
            last_name=row["last_name"],
            calls_placed=row["placed"],
            calls_connected=row["connected"],
            connect_rate=round(row["connected"] / row["placed"], 4) if row["placed"] else None,
            talk_duration=row["talk_seconds"],
            average_talk_duration=average(row["talk_seconds"], row["talked"]),
            success_tag_count=row["successes"],
        )
        for row in rows
    ]
    return Answer(encode(UserStatistics(data)))


async def _understand(request: Request, query: StatisticsQuery, granularity: Granularity) -> Question:
    if query.team_id is not None:
        request.notes.extend(_TEAM_ID_DEPRECATED)
    return await understand(request.database, request.caller, query, granularity)


def _dates(buckets: list[datetime], granularity: Granularity) -> list[str | None]:
    """Return how each bucket is named in an answer."""
    return [None if granularity == "none" else timestamp(one) for one in buckets]
