"""Which secret a database was made under, and when it may become another one."""

import asyncio
import os
from collections.abc import Awaitable, Callable

import pytest

from skipcall.api_keys.actions import SecretMismatch, create_api_key, hold_to_secret
from skipcall.api_keys.queries import revoke_api_key
from skipcall.postgres.db import Session, Statement, connect
from skipcall.postgres.embedded import EmbeddedPostgres
from skipcall.postgres.migrate import migrate
from skipcall.workspaces.queries import create_organization, create_workspace

FIRST, SECOND = b"a" * 32, b"b" * 32
LISTED = Statement(
    """
    INSERT INTO do_not_call (workspace_id, id, phone_number, number_hash, reason)
    VALUES (:id, gen_random_uuid(), '+33639980142', sha256('x'), 'MANUAL')
    """
)
ERASED = Statement("INSERT INTO erased_people (workspace_id, key_hash) VALUES (:id, sha256('x'))")


@pytest.fixture
def fresh(postgres: EmbeddedPostgres) -> Callable[[Callable[[Session], Awaitable[None]]], None]:
    """Run something on a database of its own."""
    name = f"secret_{os.getpid()}"

    async def run(work: Callable[[Session], Awaitable[None]]) -> None:
        admin = await connect(postgres.url)
        await admin.connection.execute(f"DROP DATABASE IF EXISTS {name}")
        await admin.connection.execute(f"CREATE DATABASE {name}")
        db = await connect(postgres.url.replace("/skipcall?", f"/{name}?"))
        try:
            await migrate(db)
            await work(db)
        finally:
            await db.connection.close()
            await admin.connection.execute(f"DROP DATABASE {name}")
            await admin.connection.close()

    return lambda work: asyncio.run(run(work))


@pytest.mark.parametrize("kept", [LISTED, ERASED], ids=["a number that is listed", "somebody who was erased"])
def test_what_was_hashed_holds_the_secret_even_without_keys(
    fresh: Callable[[Callable[[Session], Awaitable[None]]], None], kept: Statement
) -> None:
    async def work(db: Session) -> None:
        await hold_to_secret(db, FIRST)
        await hold_to_secret(db, SECOND)  # nothing depends on it yet
        organization_id = await create_organization(db, "Nord")
        workspace_id = await create_workspace(
            db, organization_id, name="Nord", mode="LIVE", default_country="FR", timezone="Europe/Paris"
        )
        async with db.transaction():
            key = await create_api_key(
                db,
                organization_id,
                secret=SECOND,
                mode="LIVE",
                name="key",
                workspace_ids=[workspace_id],
                created_by="test",
            )
        with pytest.raises(SecretMismatch):
            await hold_to_secret(db, FIRST)
        await revoke_api_key(db, key.id)
        await hold_to_secret(db, FIRST)
        await db.execute(kept, id=workspace_id)
        with pytest.raises(SecretMismatch):
            await hold_to_secret(db, SECOND)

    fresh(work)
