"""`keys`: making API keys, looking at them, revoking them."""

import getpass
from typing import Annotated, Any
from uuid import UUID

import msgspec
import typer

from skipcall import clock
from skipcall.api_keys import queries
from skipcall.api_keys.actions import create_api_key, hold_to_secret
from skipcall.api_keys.model import SCOPES
from skipcall.cli import options
from skipcall.cli.database import read_settings, run_on_database
from skipcall.cli.names import find_organization_id, find_workspaces, pick
from skipcall.cli.options import AsJson, Data
from skipcall.cli.output import CommandFailed, Item, print_item, print_json, print_list
from skipcall.cli.secret import get_secret
from skipcall.clock import timestamp
from skipcall.postgres.db import Database, Row
from skipcall.workspaces.model import Workspace
from skipcall.workspaces.queries import list_all_workspaces

keys = typer.Typer(no_args_is_help=True, help="API keys: what opens which workspaces, and for how long.")

COLUMNS = {
    "ID": "id",
    "Name": "name",
    "Begins with": "prefix",
    "Last used": "lastUsedAt",
    "Field names": "customFieldNamesUsed",
    "Expires": "expiresAt",
    "Revoked": "revokedAt",
    "Lacks": "missingScopes",
}
ALL_SCOPES = "all"
KeyName = Annotated[
    str, typer.Argument(help="Its id, the part that it begins with, or its name if only one has it.", metavar="KEY")
]


@keys.command("create")
def create_key(
    name: Annotated[str, typer.Option(callback=options.name, help="What the key is for.")],
    workspace: Annotated[
        list[str] | None,
        typer.Option(help="Id or name of a workspace that the key opens; once for each. The first gets new contacts."),
    ] = None,
    organization: Annotated[
        str | None, typer.Option(help="Id or name of the organization; without --workspace, all its workspaces.")
    ] = None,
    mode: Annotated[str | None, typer.Option(help="LIVE or TEST, where an organization has both.")] = None,
    scopes: Annotated[
        str | None, typer.Option(help=f"What it may do, separated by commas. Default: all of {', '.join(SCOPES)}.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="TIME", help="A date (UTC) or a time with its offset. Default: never.")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Make an API key and print it. It is shown this once, and kept nowhere."""
    chosen_mode = None if mode is None else options.mode(mode)
    chosen_scopes = _scopes(scopes)
    expires_at = None if expires is None else options.moment(expires)
    if expires_at is not None and expires_at <= clock.now():
        raise typer.BadParameter("--expires is in the past")
    if not workspace and organization is None:
        raise typer.BadParameter("say which workspaces the key opens: --workspace, or --organization for all of one")
    read = read_settings(data)

    async def work(db: Database) -> Item:
        found_mode, spaces = await _find(db, workspace, organization, chosen_mode)
        secret = get_secret(read).encode()
        await hold_to_secret(db, secret)
        async with db.begin() as tx:
            made = await create_api_key(
                tx,
                UUID(spaces[0].organization_id),
                secret=secret,
                mode=found_mode,
                name=name,
                workspace_ids=[UUID(space.id) for space in spaces],
                created_by=f"command line ({_user()})",
                scopes=chosen_scopes,
                expires_at=expires_at,
            )
        rows = await queries.list_api_keys(db, UUID(spaces[0].organization_id))
        return next({"key": made.key, **_key(row)} for row in rows if row["id"] == made.id)

    made = run_on_database(data, work)
    if as_json:
        print_json(made)
        return
    print(made["key"])
    typer.echo(f"This {made['mode'].lower()} key is shown this once. Its id is {made['id']}.", err=True)


@keys.command("list")
def list_keys(
    organization: Annotated[str | None, typer.Option(help="Only those of one organization, by id or name.")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """List API keys, revoked ones too, of one organization or of all."""

    async def work(db: Database) -> list[Row]:
        return await queries.list_api_keys(db, await find_organization_id(db, organization))

    print_list([_key(row) for row in run_on_database(data, work)], COLUMNS, as_json=as_json)


@keys.command("set-scopes")
def set_scopes(
    key: KeyName,
    scopes: Annotated[
        str,
        typer.Argument(help=f"What it may do, separated by commas, or `{ALL_SCOPES}` for all that there are today."),
    ],
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Set what an API key may do, within a second. A key keeps the scopes it was made with until then, also when new ones come up."""
    chosen = _scopes(None if scopes == ALL_SCOPES else scopes)

    async def work(db: Database) -> Item:
        id = (await _pick(db, key))["id"]
        await queries.set_scopes(db, id, chosen)
        return _key(await _pick(db, str(id)))

    done = run_on_database(data, work)
    print_item(done, as_json=as_json, text=f"{done['name']} ({done['prefix']}) may do: {', '.join(done['scopes'])}.")


@keys.command("revoke")
def revoke_key(
    key: KeyName,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Revoke an API key. Running servers refuse it within a second. There is no way back: make a new one."""

    async def work(db: Database) -> Item:
        row = await _pick(db, key)
        revoked_at = await queries.revoke_api_key(db, row["id"])
        return _key(row) | {"revokedAt": timestamp(revoked_at)}

    done = run_on_database(data, work)
    print_item(done, as_json=as_json, text=f"{done['name']} ({done['prefix']}) is revoked since {done['revokedAt']}.")


async def _pick(db: Database, key: str) -> Row:
    """Return the key that an operator means."""
    rows = await queries.list_api_keys(db, None)
    by_prefix = next((row for row in rows if row["prefix"] == key), None)
    in_force = [row for row in rows if row["revoked_at"] is None] or rows
    return by_prefix or pick(key, [(str(row["id"]), row["name"], row) for row in _or_all(in_force, rows, key)], "key")


def _or_all(in_force: list[Row], rows: list[Row], key: str) -> list[Row]:
    """Return the keys that a name may mean: those in force; an id may mean any."""
    return rows if any(str(row["id"]) == key.lower() for row in rows) else in_force


async def _find(
    db: Database, texts: list[str] | None, organization: str | None, mode: str | None
) -> tuple[str, list[Workspace]]:
    """Return the mode of a new key and its workspaces; raise `CommandFailed` where they cannot share a key."""
    organization_id = await find_organization_id(db, organization)
    if texts:
        found = await find_workspaces(db, list(dict.fromkeys(texts)), organization_id)
    else:
        found = await list_all_workspaces(db, organization_id)
    found = [one for one in found if mode in (None, one[0])] if not texts else found
    modes = {one for one, _ in found} | ({mode} if mode else set())
    if not found:
        raise CommandFailed("that organization has no such workspace yet: see `skipcall workspaces create`")
    if len(modes) > 1:
        raise CommandFailed(
            "a key opens live workspaces or test workspaces, never both: choose with --workspace or with --mode"
        )
    if len({workspace.organization_id for _, workspace in found}) > 1:
        raise CommandFailed("a key opens workspaces of one organization; these belong to several")
    return found[0][0], list({workspace.id: workspace for _, workspace in found}.values())


def _scopes(text: str | None) -> list[str]:
    if text is None:
        return list(SCOPES)
    return list(dict.fromkeys(options.one_of(one.strip(), SCOPES, "scope") for one in text.split(",")))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user that has no name
        return "unknown"


def _key(row: Row) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "organizationId": str(row["organization_id"]),
        "name": row["name"],
        "prefix": row["prefix"],
        "mode": row["mode"],
        "scopes": list(row["scopes"]),
        "missingScopes": [one for one in SCOPES if one not in row["scopes"]],
        "workspaceIds": [str(id) for id in row["workspace_ids"]],
        "createdBy": row["created_by"],
        "createdAt": timestamp(row["created_at"]),
        "expiresAt": row["expires_at"] and timestamp(row["expires_at"]),
        "revokedAt": row["revoked_at"] and timestamp(row["revoked_at"]),
        "lastUsedAt": row["last_used_at"] and timestamp(row["last_used_at"]),
        "customFieldNamesUsed": row["custom_field_names_used"],
        "customFieldsNamed": msgspec.json.decode(row["fields_named"]),
    }
