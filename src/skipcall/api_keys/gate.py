"""The gate before every operation: authentication, subscription, plan, scope of the key, rate, in this order.

What a key opens is kept in memory and asked for again when the database says that something about access has changed,
which is looked up twice a second. So a request costs no query for its key, and a revoked key is refused within one second.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from uuid import UUID

import msgspec

from skipcall import clock
from skipcall.api_keys import queries
from skipcall.api_keys.model import Caller, KeyUse, digest_of, public_part_of
from skipcall.errors import Forbidden, LimitReached, Refusal, Unauthenticated
from skipcall.http.request import Request
from skipcall.http.routing import Operation
from skipcall.postgres.db import Database
from skipcall.rate_limits.sliding_log import Budget, SlidingLog

LOOK_FOR_CHANGES_SECONDS = 0.4
KNOWN_FOR_MS = 900
KEYS_KEPT_MAX = 50_000
FAILURES_PER_MINUTE = 60
ADDRESSES_KEPT_MAX = 50_000
KEY_LENGTH_MAX = 128
RECORD_USES_SECONDS = 10.0
_BEARER = "bearer "
_RATE_LIMIT = "x-ratelimit-"

log = logging.getLogger("skipcall.api_keys")


class InsufficientScope(Forbidden):
    """A key that was not given the scope that this operation needs."""

    code = "INSUFFICIENT_SCOPE"

    def __init__(self, scope: str) -> None:
        super().__init__(f"This API key does not have the scope {scope}")


class Gate:
    """Admits requests, or raises. One for each process; its counts are exact for what passes through it."""

    def __init__(self, database: Database, secret: bytes, trusted_proxies: tuple[str, ...] = ()) -> None:
        self._database = database
        self._secret = secret
        self._trusted = [ip_network(one) for one in trusted_proxies]
        self._callers: dict[bytes, Caller | None] = {}
        self._changes = -1
        self._known_until_ms = 0
        self._organizations: dict[UUID, SlidingLog] = {}
        self._addresses: OrderedDict[str, SlidingLog] = OrderedDict()
        self._uses: dict[UUID, KeyUse] = {}

    async def admit(self, request: Request, operation: Operation | None) -> None:
        """Set `request.caller` and the rate-limit headers, or raise.

        An unknown path below `/v1/` asks for a key like a known one. What needs no key carries the headers of its
        address's budget for failed authentication, unspent.
        """
        if operation.scope is None if operation else not request.scope.path.startswith("/v1/"):
            now_ms = clock.now_ms()
            _show(request, FAILURES_PER_MINUTE, self._failures(request).look(FAILURES_PER_MINUTE, now_ms))
            return
        caller = await self._authenticate(request)
        subscription = caller.subscription
        limit = subscription.limit
        admissions = self._organizations.get(caller.scope.organization_id)
        if admissions is None:
            admissions = self._organizations[caller.scope.organization_id] = SlidingLog()
        try:
            subscription.check(clock.now())
            if operation is not None and operation.scope not in caller.scopes and operation.scope != "":
                raise InsufficientScope(str(operation.scope))
        except Refusal:
            _show(request, limit, admissions.look(limit, clock.now_ms()))
            raise
        budget = admissions.admit(limit, clock.now_ms())
        _show(request, limit, budget)
        if not budget.admitted:
            raise LimitReached(f"More than {limit} requests in 60 seconds", -(-budget.wait_ms // 1000))
        caller.use.requests += 1
        request.caller = caller

    async def _authenticate(self, request: Request) -> Caller:
        caller = None
        values = request.scope.headers.get_all("authorization")
        if len(values) == 1 and len(values[0]) <= KEY_LENGTH_MAX and values[0][:7].lower() == _BEARER:
            try:
                caller = await self._find(values[0][7:])
            except Refusal:
                _show(request, FAILURES_PER_MINUTE, self._failures(request).look(FAILURES_PER_MINUTE, clock.now_ms()))
                raise
        if caller is not None and (caller.expires_at is None or caller.expires_at > clock.now()):
            return caller
        raise self.spend_failure(request, Unauthenticated())

    def spend_failure(self, request: Request, refusal: Unauthenticated) -> Refusal:
        """Spend one failed authentication of the request's address; return the refusal, or `LimitReached`."""
        budget = self._failures(request).admit(FAILURES_PER_MINUTE, clock.now_ms())
        request.headers = [one for one in request.headers if not one[0].startswith(_RATE_LIMIT)]
        _show(request, FAILURES_PER_MINUTE, budget)
        if budget.admitted:
            return refusal
        return LimitReached("Too many requests without a valid API key from this address", -(-budget.wait_ms // 1000))

    async def _find(self, key: str) -> Caller | None:
        if clock.now_ms() > self._known_until_ms:
            await self._look_for_changes()
        digest = digest_of(key, self._secret)
        try:
            return self._callers[digest]
        except KeyError:
            pass
        public_part = public_part_of(key)
        if public_part is None:
            return None
        changes = self._changes
        caller = await queries.find_caller(self._database, public_part, digest)
        if caller is not None:
            use = self._uses.setdefault(caller.api_key_id, caller.use)
            caller = msgspec.structs.replace(caller, use=use)
        if changes == self._changes and len(self._callers) < KEYS_KEPT_MAX:
            self._callers[digest] = caller
        return caller

    async def _look_for_changes(self) -> None:
        asked_ms = clock.now_ms()
        changes = await queries.get_access_changes(self._database)
        if changes != self._changes or len(self._callers) >= KEYS_KEPT_MAX:
            self._callers.clear()
            self._changes = changes
        self._known_until_ms = asked_ms + KNOWN_FOR_MS

    def _failures(self, request: Request) -> SlidingLog:
        address = self._address(request)
        failures = self._addresses.get(address)
        if failures is None:
            failures = self._addresses[address] = SlidingLog()
            if len(self._addresses) > ADDRESSES_KEPT_MAX:
                self._addresses.popitem(last=False)
        return failures

    def _address(self, request: Request) -> str:
        """Return the client's address; an IPv6 one as its /64, which is what one customer has."""
        client = request.scope.client.rpartition(":")[0].strip("[]")
        address = _read_address(client or "127.0.0.1")
        if self._trusted and any(address in network for network in self._trusted):
            hops = ",".join(request.scope.headers.get_all("x-forwarded-for")).split(",")
            for hop in reversed(hops):
                try:
                    address = _read_address(hop.strip())
                except ValueError:
                    break
                if not any(address in network for network in self._trusted):
                    break
        return str(address) if isinstance(address, IPv4Address) else str(ip_network((address, 64), strict=False))

    async def keep_up(self) -> None:
        """Look for changes of access, and write down what keys were used for, until cancelled."""
        record_at = time.monotonic() + RECORD_USES_SECONDS
        while True:
            await asyncio.sleep(LOOK_FOR_CHANGES_SECONDS)
            try:
                await self._look_for_changes()
                if time.monotonic() >= record_at:
                    record_at = time.monotonic() + RECORD_USES_SECONDS
                    self._forget_idle()
                    await self.record_uses()
            except Exception as failure:  # noqa: BLE001 - this must go on; requests find out for themselves
                log.warning(
                    "could not look for changes of access", extra={"fields": {"exception": type(failure).__name__}}
                )

    def _forget_idle(self) -> None:
        now_ms = clock.now_ms()
        for id in [id for id, one in self._organizations.items() if one.is_empty(now_ms)]:
            del self._organizations[id]
        for address in [address for address, one in self._addresses.items() if one.is_empty(now_ms)]:
            del self._addresses[address]

    async def record_uses(self) -> None:
        """Write down what keys were used for since the last time."""
        for api_key_id, use in list(self._uses.items()):
            if use.requests or use.custom_field_names:
                await queries.record_use(self._database, api_key_id, clock.now(), use.take())


def _read_address(text: str) -> IPv4Address | IPv6Address:
    """Return an address; a socket that listens for both kinds writes those of version 4 as version 6."""
    address = ip_address(text)
    return address if isinstance(address, IPv4Address) else address.ipv4_mapped or address


def _show(request: Request, limit: int, budget: Budget) -> None:
    reset = -int(-(time.time() + budget.reset_ms / 1000) // 1)
    request.headers += (
        ("x-ratelimit-limit", str(limit)),
        ("x-ratelimit-remaining", str(budget.remaining)),
        ("x-ratelimit-reset", str(reset)),
    )
