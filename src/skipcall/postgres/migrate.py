"""Numbered, forward-only SQL files, each in a transaction of its own, applied once."""

from importlib import resources

from skipcall.postgres.db import Session, Statement

LOCK_TIMEOUT = "3s"
_LOCK_KEY = 5_247_001  # any number that nothing else locks

_CREATE_TABLE = Statement(
    """
    CREATE TABLE IF NOT EXISTS migrations (
        name text PRIMARY KEY, applied_at timestamptz(3) NOT NULL DEFAULT now()
    )
    """
)
_TABLE_EXISTS = Statement("SELECT to_regclass('migrations') IS NOT NULL")
_LOCK = Statement("SELECT pg_advisory_xact_lock(:key)")
_SET_TIMEOUT = Statement("SELECT set_config('lock_timeout', :timeout, true)")
_LIST = Statement("SELECT name FROM migrations")
_RECORD = Statement("INSERT INTO migrations (name) VALUES (:name)")


def names() -> list[str]:
    """Return the names of all migrations in the package, in order."""
    folder = resources.files("skipcall.postgres") / "migrations"
    return sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql"))


def read(name: str) -> str:
    """Return the SQL of one migration."""
    return (resources.files("skipcall.postgres") / "migrations" / name).read_text("utf-8")


async def pending(session: Session) -> list[str]:
    """Return the migrations that this database has not had."""
    if not await session.fetch_value(_TABLE_EXISTS):
        return names()
    applied = {row["name"] for row in await session.fetch_rows(_LIST)}
    return [name for name in names() if name not in applied]


async def migrate(session: Session) -> list[str]:
    """Apply what is pending and return its names.

    Two processes may call this at once: the lock makes one of them wait and then find nothing to do. A statement that
    cannot get its table within `LOCK_TIMEOUT` gives up and undoes its file, rather than hold up every request behind it.
    """
    applied: list[str] = []
    if not await pending(session):
        return applied
    for name in names():
        async with session.transaction():
            await session.execute(_LOCK, key=_LOCK_KEY)
            await session.execute(_SET_TIMEOUT, timeout=LOCK_TIMEOUT)
            await session.execute(_CREATE_TABLE)
            if name in await pending(session):
                await session.connection.execute(read(name))
                await session.execute(_RECORD, name=name)
                applied.append(name)
    return applied
