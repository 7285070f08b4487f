"""`members`: the people of an organization, and the workspaces that each of them has."""

from typing import Annotated, Any
from uuid import UUID

import typer

from skipcall.cli import options
from skipcall.cli.database import run_on_database
from skipcall.cli.names import find_organization, find_organization_id, find_workspaces
from skipcall.cli.options import AsJson, Data
from skipcall.cli.output import Item, print_item, print_list
from skipcall.clock import timestamp
from skipcall.postgres.db import Database, Row
from skipcall.users import queries
from skipcall.users.model import ROLES, STATUSES

members = typer.Typer(no_args_is_help=True, help="Members: the people of an organization.")

COLUMNS = {
    "ID": "id",
    "E-mail": "email",
    "First name": "firstName",
    "Last name": "lastName",
    "Role": "role",
    "Status": "status",
    "Workspaces": "workspaceIds",
    "Organization": "organizationId",
}


@members.command("create")
def create_member(
    organization: Annotated[str, typer.Option(help="Id or name of the organization.")],
    email: Annotated[str, typer.Option(callback=options.email, help="The address that the person is known by.")],
    first_name: Annotated[str, typer.Option(callback=options.name)],
    last_name: Annotated[str, typer.Option(callback=options.name)],
    role: Annotated[str, typer.Option(help=f"One of {', '.join(ROLES)}.")] = "MEMBER",
    status: Annotated[str, typer.Option(help=f"One of {', '.join(STATUSES)}.")] = "ACTIVE",
    workspace: Annotated[
        list[str] | None, typer.Option(help="Id or name of a workspace to have; once for each. Default: none.")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Make a person a member of an organization.

    Who is a member already gets the role, the status and the further workspaces. One person, known by the address, may
    belong to several organizations, and keeps the name that was given first.
    """
    chosen_role = options.one_of(role, ROLES, "role")
    chosen_status = options.one_of(status, STATUSES, "status")

    async def work(db: Database) -> Item:
        organization_id = (await find_organization(db, organization))["id"]
        spaces = await find_workspaces(db, workspace or [], organization_id)
        async with db.begin() as tx:
            id = await queries.create_member(
                tx,
                organization_id,
                [UUID(space.id) for _, space in spaces],
                email=email,
                first_name=first_name,
                last_name=last_name,
                role=chosen_role,
                status=chosen_status,
            )
        every = await queries.list_all_members(db, organization_id)
        return next(_member(row) for row in every if row["id"] == id)

    made = run_on_database(data, work)
    name = f"{made['firstName']} {made['lastName']}"
    print_item(made, as_json=as_json, text=f"{name} <{made['email']}> is a member ({made['role']}): {made['id']}.")


@members.command("list")
def list_members(
    organization: Annotated[str | None, typer.Option(help="Only those of one organization, by id or name.")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """List members, of one organization or of all. The id is that of the membership, which sequences name."""

    async def work(db: Database) -> list[Row]:
        return await queries.list_all_members(db, await find_organization_id(db, organization))

    print_list([_member(row) for row in run_on_database(data, work)], COLUMNS, as_json=as_json)


def _member(row: Row) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "userId": str(row["user_id"]),
        "organizationId": str(row["organization_id"]),
        "email": row["email"],
        "firstName": row["first_name"],
        "lastName": row["last_name"],
        "role": row["role"],
        "status": row["status"],
        "workspaceIds": [str(id) for id in row["workspace_ids"]],
        "createdAt": timestamp(row["created_at"]),
    }
