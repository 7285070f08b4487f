"""Do a thing once for each Idempotency-Key (draft-ietf-httpapi-idempotency-key-header), in one transaction with it."""

import hashlib
from collections.abc import Awaitable, Callable
from uuid import UUID

import msgspec

from skipcall.errors import Conflict, IdempotencyMismatch
from skipcall.http.request import Answer, Request
from skipcall.postgres.db import Database, Statement

KEPT_HOURS = 24

_LOCK = Statement("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
_FIND = Statement(
    f"""
    SELECT fingerprint, status, headers, body FROM idempotent_answers
    WHERE api_key_id = :api_key_id AND idempotency_key = :key AND created_at > now() - interval '{KEPT_HOURS} hours'
    """
)
_KEEP = Statement(
    """
    INSERT INTO idempotent_answers (api_key_id, idempotency_key, fingerprint, status, headers, body)
    VALUES (:api_key_id, :key, :fingerprint, :status, :headers::jsonb, :body)
    ON CONFLICT (api_key_id, idempotency_key) DO UPDATE
    SET fingerprint = excluded.fingerprint, status = excluded.status, headers = excluded.headers,
        body = excluded.body, created_at = excluded.created_at
    """
)
_FORGET = Statement(
    f"""
    DELETE FROM idempotent_answers WHERE (api_key_id, idempotency_key) IN (
        SELECT api_key_id, idempotency_key FROM idempotent_answers
        WHERE created_at < now() - interval '{KEPT_HOURS} hours' LIMIT 5000
    )
    """
)


class KeyInUse(Conflict):
    """The first request with this key is still running."""

    code = "IDEMPOTENCY_KEY_IN_USE"
    retry_after_seconds = 1

    def __init__(self) -> None:
        super().__init__("A request with this Idempotency-Key is still running; try again")


async def perform_once(
    database: Database, request: Request, api_key_id: UUID, run: Callable[[], Awaitable[Answer]]
) -> Answer:
    """Run a route and keep its answer, or return the kept one.

    Only success is kept: a refusal undoes the transaction, so a corrected request may use the key again.
    Keys of two API keys never meet, since their scopes may differ.
    Raises `KeyInUse` while the first is running and `IdempotencyMismatch` if it was another request.
    """
    key = request.idempotency_key
    scope = request.scope
    target = f"{scope.method} {scope.path}?{scope.query_string}\n".encode()
    fingerprint = hashlib.sha256(target + request.body).digest()
    async with database.begin() as tx:
        if not await tx.fetch_value(_LOCK, name=f"{api_key_id} {key}"):
            raise KeyInUse
        kept = await tx.fetch_row(_FIND, api_key_id=api_key_id, key=key)
        if kept is not None:
            if kept["fingerprint"] != fingerprint:
                raise IdempotencyMismatch
            request.notes.clear()  # the kept ones hold them
            headers = [(name, value) for name, value in msgspec.json.decode(kept["headers"])]
            return Answer(kept["body"], kept["status"], (*headers, ("idempotent-replayed", "true")))
        request.database = tx
        answer = await run()
        await tx.execute(
            _KEEP,
            api_key_id=api_key_id,
            key=key,
            fingerprint=fingerprint,
            status=answer.status,
            headers=msgspec.json.encode([*answer.headers, *request.notes]).decode(),
            body=answer.body,
        )
    return answer


async def forget_old_answers(database: Database) -> None:
    """Delete a batch of answers that are too old to be given again."""
    await database.execute(_FORGET)
