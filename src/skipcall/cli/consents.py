"""`consents`: the ledger of what people said about being called."""

from typing import Annotated, Any
from uuid import UUID

import typer

from skipcall.cli.database import run_on_database
from skipcall.cli.names import find_organization_id, find_workspaces
from skipcall.cli.options import AsJson, Data
from skipcall.cli.output import CommandFailed, print_item, print_list
from skipcall.consents.actions import Verified, verify_consents
from skipcall.postgres.db import Database

consents = typer.Typer(no_args_is_help=True, help="The ledger of what people said about being called.")

BREAK_COLUMNS = {"Workspace": "workspaceId", "Contact": "contactId", "Entry": "position", "What is wrong": "reason"}


@consents.callback()
def _consents() -> None:
    """Keep `verify` a command of its own: a group of one command would otherwise be that command."""


@consents.command("verify")
def verify(
    workspace: Annotated[str | None, typer.Option(help="Only of one workspace, by id or name.")] = None,
    organization: Annotated[
        str | None, typer.Option(help="Id or name of its organization, where several have a workspace of that name.")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Follow the chain of every ledger; entries that were changed, put in or taken out are listed, and end it with status 1.

    So are those that a contact's `allowPhoneCalls` does not follow.

    That the newest entries of a ledger were taken out shows only beside a copy of them.
    """

    async def work(db: Database) -> Verified:
        if workspace is None:
            return await verify_consents(db, None)
        [(_, found)] = await find_workspaces(db, [workspace], await find_organization_id(db, organization))
        return await verify_consents(db, UUID(found.id))

    verified = run_on_database(data, work)
    breaks: list[dict[str, Any]] = [
        {
            "workspaceId": str(one.workspace_id),
            "contactId": str(one.contact_id),
            "position": one.position,
            "reason": one.reason,
        }
        for one in verified.breaks
    ]
    if breaks and not as_json:
        print_list(breaks, BREAK_COLUMNS, as_json=False)
    else:
        item = {"ledgers": verified.chains, "entries": verified.entries, "breaks": breaks}
        text = f"{verified.entries} entries in {verified.chains} ledgers are as they were written, and allowPhoneCalls follows them."
        print_item(item, as_json=as_json, text=text)
    if breaks:
        raise CommandFailed(f"{len(breaks)} entries of ledgers are not as they were written, or are not followed")
