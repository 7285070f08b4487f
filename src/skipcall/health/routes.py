"""Operations that a load balancer or an operator asks; none needs a key."""

from typing import Literal

import msgspec

from skipcall import __version__
from skipcall.http.request import Answer, Request
from skipcall.http.routing import operation
from skipcall.postgres.db import Statement

_ANSWERS = Statement("SELECT 1")


class Health(msgspec.Struct, frozen=True):
    """What is up."""

    status: Literal["ok"]
    version: str


class Readiness(msgspec.Struct, frozen=True, rename="camel"):
    """What a request depends on, and how the rate limit is counted."""

    status: Literal["ok"]
    database: Literal["ok"]
    rate_limit: Literal["process"]


@operation("GET", "/v1/health", tag="Health", scope=None, answers=Health, statuses=(503,))
async def get_health(request: Request) -> Answer:
    """Get the health of the API.

    Answers 503 while the database does not answer.
    """
    await request.database.fetch_value(_ANSWERS)
    return Answer(msgspec.json.encode(Health("ok", __version__)))


@operation("GET", "/livez", tag="Health", scope=None, answers=Health)
async def get_liveness(request: Request) -> Answer:  # noqa: ARG001 - every route takes the request
    """Get the liveness of a process.

    Tells whether the process lives, and nothing about what it needs.
    """
    return Answer(msgspec.json.encode(Health("ok", __version__)))


@operation("GET", "/readyz", tag="Health", scope=None, answers=Readiness, statuses=(503,))
async def get_readiness(request: Request) -> Answer:
    """Get the readiness of a process.

    Tells whether requests should be sent here. Answers 503 while the database does not answer.
    """
    await request.database.fetch_value(_ANSWERS)
    return Answer(msgspec.json.encode(Readiness("ok", "ok", "process")))
