"""`organizations`, `workspaces`, `plans` and `subscriptions`: who uses this server, and on what terms."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import typer

from skipcall.callability.rules import rule_sets
from skipcall.cli import options
from skipcall.cli.database import run_on_database
from skipcall.cli.names import find_organization, find_organization_id, find_workspaces
from skipcall.cli.options import AsJson, Data
from skipcall.cli.output import Item, print_item, print_list
from skipcall.clock import timestamp
from skipcall.plans import queries as plan_queries
from skipcall.plans.model import PLANS, STATUSES
from skipcall.postgres.db import Database, Row
from skipcall.tags.queries import create_first_tags
from skipcall.workspaces import queries
from skipcall.workspaces.model import Workspace

NO_PLAN = "NONE"
RULE_SETS = tuple(rule_sets())

organizations = typer.Typer(no_args_is_help=True, help="Organizations: who has a plan, workspaces, members and keys.")
workspaces = typer.Typer(no_args_is_help=True, help="Workspaces: each has its own contacts and custom fields.")
plans = typer.Typer(no_args_is_help=True, help="The plan of an organization: whether it has the API, and its rate.")
subscriptions = typer.Typer(no_args_is_help=True, help="The subscription of an organization: whether it is in force.")

ORGANIZATION_COLUMNS = {
    "ID": "id",
    "Name": "name",
    "Plan": "plan",
    "Subscription": "subscriptionStatus",
    "Ends": "subscriptionEndsAt",
    "Requests/min": "requestsPerMinute",
}
WORKSPACE_COLUMNS = {
    "ID": "id",
    "Name": "name",
    "Mode": "mode",
    "Country": "defaultCountry",
    "Time zone": "timezone",
    "Organization": "organizationId",
}

Organization = Annotated[str, typer.Argument(metavar="ORGANIZATION", help="Its id, or its name if only one has it.")]


@organizations.command("create")
def create_organization(
    name: Annotated[str, typer.Argument(callback=options.name, help="What it is called.")],
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Make an organization. It is on no plan yet: see `plans set` and `subscriptions set`."""

    async def work(db: Database) -> Item:
        id = await queries.create_organization(db, name)
        return _organization(await find_organization(db, str(id)))

    made = run_on_database(data, work, make=True)
    print_item(made, as_json=as_json, text=f"Organization {made['name']} is {made['id']}.")


@organizations.command("list")
def list_organizations(data: Data = None, as_json: AsJson = False) -> None:
    """List all organizations with their plan and subscription."""
    rows = run_on_database(data, queries.list_organizations)
    print_list([_organization(row) for row in rows], ORGANIZATION_COLUMNS, as_json=as_json)


@workspaces.command("create")
def create_workspace(
    organization: Annotated[str, typer.Option(help="Id or name of the organization that it belongs to.")],
    name: Annotated[str, typer.Option(callback=options.name, help="What it is called.")],
    country: Annotated[
        str,
        typer.Option(callback=options.country, help="Two letters (ISO 3166-1); national numbers in files are read so."),
    ],
    timezone: Annotated[str, typer.Option(callback=options.timezone, help="IANA name, such as Europe/Paris.")],
    mode: Annotated[
        str, typer.Option(callback=options.mode, help="LIVE or TEST; a test key opens only test workspaces.")
    ] = "LIVE",
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Make a workspace in an organization."""

    async def work(db: Database) -> Item:
        organization_id = (await find_organization(db, organization))["id"]
        async with db.begin() as tx:
            id = await queries.create_workspace(
                tx, organization_id, name=name, mode=mode, default_country=country, timezone=timezone
            )
            await create_first_tags(tx, id)
        every = await queries.list_all_workspaces(db, organization_id)
        return next(_workspace(mode, one) for mode, one in every if one.id == str(id))

    made = run_on_database(data, work)
    print_item(made, as_json=as_json, text=f"Workspace {made['name']} ({made['mode']}) is {made['id']}.")


@workspaces.command("list")
def list_workspaces(
    organization: Annotated[str | None, typer.Option(help="Only those of one organization, by id or name.")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """List workspaces, of one organization or of all."""

    async def work(db: Database) -> list[tuple[str, Workspace]]:
        return await queries.list_all_workspaces(db, await find_organization_id(db, organization))

    found = run_on_database(data, work)
    print_list([_workspace(mode, one) for mode, one in found], WORKSPACE_COLUMNS, as_json=as_json)


@workspaces.command("set-call-rules")
def set_call_rules(
    workspace: Annotated[str, typer.Argument(metavar="WORKSPACE", help="Its id, or its name if only one has it.")],
    rule_set: Annotated[str, typer.Argument(metavar="RULES", help=f"One of {', '.join(RULE_SETS)}.")],
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Say which rules `GET /v1/contacts/{id}/callability` looks at. No legal advice: which apply to you is for you to know."""
    chosen = options.one_of(rule_set, RULE_SETS, "rule set")

    async def work(db: Database) -> Item:
        [(mode, found)] = await find_workspaces(db, [workspace], None)
        await queries.set_call_rules(db, UUID(found.id), chosen)
        return _workspace(mode, found) | {"callRules": chosen}

    done = run_on_database(data, work)
    print_item(done, as_json=as_json, text=f"Workspace {done['name']} calls by {chosen}.")


@plans.command("set")
def set_plan(
    organization: Organization,
    plan: Annotated[str, typer.Argument(metavar="PLAN", help=f"One of {', '.join(PLANS)}, or {NO_PLAN}.")],
    requests_per_minute: Annotated[
        int | None, typer.Option(min=1, max=2**31 - 1, help="A rate agreed apart from the plan's own.")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Put an organization on a plan, in force within a second. Accents and case do not matter."""
    chosen = options.one_of(plan, (*PLANS, NO_PLAN), "plan")

    async def work(db: Database) -> Item:
        id = (await find_organization(db, organization))["id"]
        await plan_queries.set_plan(db, id, None if chosen == NO_PLAN else chosen, requests_per_minute)
        return _organization(await find_organization(db, str(id)))

    done = run_on_database(data, work)
    print_item(done, as_json=as_json, text=f"{done['name']} is on {done['plan'] or 'no plan'}.")


@subscriptions.command("set")
def set_subscription(
    organization: Organization,
    status: Annotated[str, typer.Argument(metavar="STATUS", help=f"One of {', '.join(STATUSES)}.")],
    ends_at: Annotated[
        str | None, typer.Option(metavar="TIME", help="When it ends: a date (UTC), or a time with its offset.")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Say whether the subscription of an organization is in force. ACTIVE, TRIALING and PAST_DUE have the API."""
    chosen = options.one_of(status, STATUSES, "status")
    ends: datetime | None = None if ends_at is None else options.moment(ends_at)

    async def work(db: Database) -> Item:
        id = (await find_organization(db, organization))["id"]
        await plan_queries.set_subscription(db, id, chosen, ends)
        return _organization(await find_organization(db, str(id)))

    done = run_on_database(data, work)
    until = f" until {done['subscriptionEndsAt']}" if done["subscriptionEndsAt"] else ""
    print_item(done, as_json=as_json, text=f"The subscription of {done['name']} is {chosen}{until}.")


def _organization(row: Row) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "plan": row["plan"],
        "requestsPerMinute": row["requests_per_minute"],
        "subscriptionStatus": row["status"],
        "subscriptionEndsAt": row["ends_at"] and timestamp(row["ends_at"]),
        "createdAt": timestamp(row["created_at"]),
    }


def _workspace(mode: str, workspace: Workspace) -> dict[str, Any]:
    return {
        "id": workspace.id,
        "name": workspace.name,
        "mode": mode,
        "organizationId": workspace.organization_id,
        "defaultCountry": workspace.default_country,
        "timezone": workspace.timezone,
        "createdAt": workspace.created_at,
        "updatedAt": workspace.updated_at,
    }
