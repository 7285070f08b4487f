"""`numbers`: the managed phone numbers of workspaces."""

from typing import Annotated, Any
from uuid import UUID

import typer

from skipcall.cli import options
from skipcall.cli.database import run_on_database
from skipcall.cli.names import find_organization_id, find_workspaces, pick
from skipcall.cli.options import AsJson, Data
from skipcall.cli.output import CommandFailed, Item, print_item, print_list
from skipcall.phone_numbers import queries
from skipcall.phone_numbers.model import ManagedPhoneNumber, country_of, phone_number_fault
from skipcall.postgres.db import Database
from skipcall.users.queries import list_all_members

numbers = typer.Typer(no_args_is_help=True, help="Phone numbers that workspaces call from and are called on.")

COLUMNS = {
    "ID": "id",
    "Number": "value",
    "Label": "label",
    "Country": "country",
    "Member": "assignedMembershipId",
    "Workspace": "workspaceId",
}

Number = Annotated[str, typer.Argument(metavar="NUMBER", help="Its id, or the number if only one workspace has it.")]


@numbers.command("add")
def add_number(
    number: Annotated[str, typer.Argument(help="In E.164 form, such as +33199001234.")],
    workspace: Annotated[str, typer.Option(help="Id or name of the workspace.")],
    label: Annotated[str | None, typer.Option(callback=lambda text: text and options.name(text))] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Add a phone number to a workspace."""
    if fault := phone_number_fault(number):
        raise typer.BadParameter(f"{number!r}: {fault[1]}")
    country = country_of(number)
    if country is None:
        raise typer.BadParameter(f"{number!r} is a number of no country")

    async def work(db: Database) -> Item:
        [(_, space)] = await find_workspaces(db, [workspace], None)
        return _number(await queries.create_phone_number(db, UUID(space.id), number, country=country, label=label))

    made = run_on_database(data, work)
    print_item(made, as_json=as_json, text=f"{made['value']} ({made['country']}) is {made['id']}.")


@numbers.command("list")
def list_numbers(
    organization: Annotated[str | None, typer.Option(help="Only those of one organization, by id or name.")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """List the phone numbers of one organization or of all, without those that were released."""

    async def work(db: Database) -> list[ManagedPhoneNumber]:
        return await queries.list_all_phone_numbers(db, await find_organization_id(db, organization))

    print_list([_number(one) for one in run_on_database(data, work)], COLUMNS, as_json=as_json)


@numbers.command("assign")
def assign_number(
    number: Number,
    member: Annotated[
        str | None,
        typer.Option(help="Id of the membership or e-mail address of a member. Without: the number is nobody's."),
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Make a phone number that of a member of its workspace."""

    async def work(db: Database) -> Item:
        found = await _find(db, number)
        member_id = None if member is None else await _find_member(db, found, member)
        done = await queries.assign_phone_number(db, UUID(found.workspace_id), UUID(found.id), member_id)
        if done is None:
            raise CommandFailed(f"{found.value} has just been released")
        return _number(done)

    done = run_on_database(data, work)
    print_item(done, as_json=as_json, text=f"{done['value']} is that of {done['assignedMembershipId'] or 'nobody'}.")


@numbers.command("release")
def release_number(number: Number, data: Data = None, as_json: AsJson = False) -> None:
    """Take a phone number away that was given back to the carrier. Calls keep it."""

    async def work(db: Database) -> Item:
        found = await _find(db, number)
        await queries.release_phone_number(db, UUID(found.workspace_id), UUID(found.id))
        return _number(found)

    done = run_on_database(data, work)
    print_item(done, as_json=as_json, text=f"{done['value']} is released.")


async def _find(db: Database, text: str) -> ManagedPhoneNumber:
    every = await queries.list_all_phone_numbers(db, None)
    return pick(text, [(one.id, one.value, one) for one in every], "number")


async def _find_member(db: Database, number: ManagedPhoneNumber, text: str) -> UUID:
    """Return the organization membership of a member of the number's workspace; raise `CommandFailed`."""
    workspace_id = UUID(number.workspace_id)
    members = [row for row in await list_all_members(db, None) if workspace_id in row["workspace_ids"]]
    found: UUID = pick(text, [(str(row["id"]), row["email"], row["id"]) for row in members], "member of its workspace")
    return found


def _number(number: ManagedPhoneNumber) -> dict[str, Any]:
    return {
        "id": number.id,
        "value": number.value,
        "label": number.label,
        "country": number.country,
        "workspaceId": number.workspace_id,
        "assignedMembershipId": number.assigned_membership_id,
        "createdAt": number.created_at,
    }
