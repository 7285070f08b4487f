"""The tree of commands, and what a person sees when one fails."""

import os
import sys
from typing import Annotated

import typer

from skipcall import __version__
from skipcall.cli import accounts, calls, consents, contacts, keys, members, numbers, sources
from skipcall.cli.database import database_url, read_settings
from skipcall.cli.doctor import doctor
from skipcall.cli.options import Data
from skipcall.cli.output import CommandFailed, warn
from skipcall.cli.serve import serve
from skipcall.cli.worker import worker
from skipcall.errors import Refusal
from skipcall.postgres.db import DatabaseRefusal, connect
from skipcall.postgres.embedded import PostgresError
from skipcall.settings import SettingsError

app = typer.Typer(
    name="skipcall",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A self-hosted contacts-and-calls API on PostgreSQL.",
    epilog="The database is DATABASE_URL, else an embedded one in the data directory; every command works while the "
    "server runs, and while it does not.",
)


def _print_version(asked: bool) -> None:  # noqa: FBT001 - typer calls it
    if asked:
        print(__version__)
        raise typer.Exit


@app.callback()
def _skipcall(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def migrate(data: Data = None) -> None:
    """Bring the database up to date. `serve` does it too; alone, it prepares an upgrade or a new database."""
    import asyncio

    from skipcall.postgres import migrate as migrations

    async def run(url: str) -> list[str]:
        session = await connect(url)
        try:
            return await migrations.migrate(session)
        finally:
            await session.connection.close()

    with database_url(read_settings(data), make=True) as url:
        applied = asyncio.run(run(url))
    print("\n".join([f"Applied {name}." for name in applied] or ["Nothing to do."]))


app.command()(serve)
app.command()(worker)
app.command()(doctor)
app.add_typer(accounts.organizations, name="organizations")
app.add_typer(accounts.workspaces, name="workspaces")
app.add_typer(members.members, name="members")
app.add_typer(keys.keys, name="keys")
app.add_typer(numbers.numbers, name="numbers")
app.add_typer(accounts.plans, name="plans")
app.add_typer(accounts.subscriptions, name="subscriptions")
app.add_typer(contacts.contacts, name="contacts")
app.add_typer(consents.consents, name="consents")
app.add_typer(sources.sources, name="sources")
app.add_typer(calls.calls, name="calls")


def main() -> None:
    """Run the command line. What an operator can mend ends it with one sentence and exit status 1."""
    try:
        app(prog_name="skipcall")
    except (CommandFailed, SettingsError, PostgresError) as failure:
        _fail(str(failure))
    except Refusal as refusal:
        cause = refusal.__cause__
        _fail(refusal.message if cause is None else f"{refusal.message} ({str(cause) or type(cause).__name__})")
    except DatabaseRefusal as refusal:
        _fail(f"the database refuses: {refusal}")
    except BrokenPipeError:  # `skipcall keys list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as problem:
        _fail(str(problem))
    except Exception as failure:
        from skipcall.imports.model import UnusableFile

        if not isinstance(failure, UnusableFile):
            raise
        _fail(str(failure))


def _fail(message: str) -> None:
    warn(message)
    sys.exit(1)
