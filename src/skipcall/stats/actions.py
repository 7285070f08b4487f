"""What a query for statistics means: which workspace, which period, which buckets."""

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from skipcall.api_keys.model import Caller
from skipcall.errors import Fault, Invalid, NotFound
from skipcall.http.routing import canonical_uuid
from skipcall.postgres.db import Session
from skipcall.stats import queries
from skipcall.stats.buckets import BUCKETS_MAX, EARLIEST, LATEST, Granularity, Period, buckets_of
from skipcall.stats.model import CALL_TYPES, StatisticsQuery, end_of, start_of
from skipcall.stats.queries import Filters
from skipcall.workspaces import queries as workspaces


class Question(msgspec.Struct, frozen=True):
    """What is asked for. Without buckets there is nothing to count."""

    filters: Filters
    period: Period
    buckets: list[datetime]


async def understand(db: Session, caller: Caller, query: StatisticsQuery, granularity: Granularity) -> Question:
    """Return what a query asks for.

    Raises `NotFound` for a workspace outside the scope of the key, `Invalid` for a period that ends before it starts or has too
    many buckets.
    """
    given = query.workspace_id or query.team_id
    workspace_id = canonical_uuid(given) if given else caller.default_workspace_id
    if workspace_id is None or workspace_id not in caller.scope.workspace_ids:
        raise NotFound("Workspace")
    call_type, type_ = CALL_TYPES[query.call_type]
    filters = Filters(
        workspace_id=workspace_id,
        sequence_id=query.sequence_id,
        user_membership_id=query.user_membership_id,
        call_type=call_type,
        type=type_,
    )
    zone = ZoneInfo(query.timezone or (await workspaces.get_workspace(db, caller.scope, workspace_id)).timezone)
    start = start_of(query.start_date, zone) if query.start_date else EARLIEST
    end = end_of(query.end_date, zone) if query.end_date else LATEST
    if start >= end:
        raise Invalid([Fault("/query/startDate", "CONFLICTING_PARAMETERS", "startDate is after endDate")])
    if granularity != "none" and not (query.start_date and query.end_date):
        span = await queries.find_span(db, workspace_id)
        if span is None:
            return Question(filters, Period(start, end), [])
        start = start if query.start_date else span.start
        end = end if query.end_date else span.end
    period = Period(start, end)
    buckets = buckets_of(period, granularity, zone) if start < end else []
    if len(buckets) > BUCKETS_MAX:
        text = f"The period has more than {BUCKETS_MAX:,} of these; shorten it, or choose a coarser granularity"
        raise Invalid([Fault("/query/granularity", "TOO_MANY_BUCKETS", text)])
    return Question(filters, period, buckets)
