"""`sources`: where calls come from, who may report them, and whose extensions and accounts they name."""

import sys
from pathlib import Path
from typing import Annotated, Any, get_args
from uuid import UUID

import typer

from skipcall.cli import options
from skipcall.cli.database import read_settings, run_on_database
from skipcall.cli.names import find_workspaces, pick
from skipcall.cli.options import AsJson, Data
from skipcall.cli.output import CommandFailed, Item, print_item, print_json, print_list, warn
from skipcall.cli.secret import get_secret
from skipcall.clock import timestamp
from skipcall.postgres.db import Database, Row
from skipcall.settings import Settings
from skipcall.telephony import queries
from skipcall.telephony.model import EXTENSION_DIGITS_MAX, Provider, Source

sources = typer.Typer(
    no_args_is_help=True, help="Sources: the providers and exchanges that report calls, each to one workspace."
)

PROVIDERS: tuple[Provider, ...] = get_args(Provider)
SECRET_LENGTH_MAX = 1_000
PUBLIC_KEY_BYTES = 32
IDENTITY_LENGTH_MAX = 100
EXTENSION_DIGITS_LIMIT = 10

_SECRETS = {
    "TWILIO": "auth token",
    "TELNYX": "public key",
    "VONAGE": "signature secret",
    "FREESWITCH": "user:password",
    "GENERIC": "secret",
}
_CALLBACKS = {"TWILIO": ("status", "recording", "conference")}

COLUMNS = {
    "ID": "id",
    "Name": "name",
    "Provider": "provider",
    "Workspace": "workspaceName",
    "Disabled": "disabledAt",
}
IDENTITY_COLUMNS = {"Identity": "identity", "E-mail": "email", "First name": "firstName", "Last name": "lastName"}

Named = Annotated[str, typer.Argument(metavar="SOURCE", help="Its id, or its name if only one has it.")]
SecretFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", allow_dash=True, help="Read the secret from a file, or from standard input for -. Default: ask."
    ),
]


@sources.command("add")
def add_source(
    workspace: Annotated[str, typer.Option(help="Id or name of the workspace that gets the calls.")],
    provider: Annotated[str, typer.Option(help=f"One of {', '.join(PROVIDERS)}.")],
    name: Annotated[str, typer.Option(callback=options.name, help="What it is called; one in a workspace.")],
    secret_file: SecretFile = None,
    timezone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Of times without an offset. Default: the workspace's.")
    ] = None,
    country: Annotated[
        str | None, typer.Option(help="Of national numbers, such as FR. Default: the workspace's.")
    ] = None,
    account_id: Annotated[
        str | None, typer.Option(help="Twilio: the AccountSid, with which recordings are fetched.")
    ] = None,
    recording_host: Annotated[
        list[str] | None, typer.Option(metavar="HOST", help="A further host to fetch recordings from; once for each.")
    ] = None,
    trunk_context: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Asterisk, FreeSWITCH: a context of outside lines; once for each."),
    ] = None,
    extension_digits: Annotated[
        int, typer.Option(min=1, max=EXTENSION_DIGITS_LIMIT, help="Asterisk: the longest extension.")
    ] = EXTENSION_DIGITS_MAX,
    outside_prefix: Annotated[str, typer.Option(metavar="DIGITS", help="Asterisk: dialed for an outside line.")] = "",
    folder: Annotated[
        Path | None, typer.Option(help="Asterisk: the folder of its CDR files, which the worker follows.")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Add a source, and print the addresses to enter at the provider. The secret is asked for, or read from a file."""
    from skipcall.telephony.sources import SourceOptions
    from skipcall.telephony.sources import add_source as add

    chosen = options.one_of(provider, PROVIDERS, "provider")
    zone = None if timezone is None else options.timezone(timezone)
    chosen_country = None if country is None else options.country(country)
    _check(chosen, outside_prefix, folder)
    secrets = () if chosen == "ASTERISK" else (_read_secret(chosen, secret_file),)
    read = read_settings(data)
    chosen_options = SourceOptions(
        trunk_contexts=tuple(trunk_context) if trunk_context else None,
        extension_digits_max=extension_digits,
        outside_prefix=outside_prefix,
        recording_hosts=tuple(recording_host or ()),
        account_id=account_id,
        folder=None if folder is None else str(folder),
    )

    async def work(db: Database) -> Item:
        [(_, space)] = await find_workspaces(db, [workspace], None)
        source = Source(
            provider=chosen,  # type: ignore[arg-type]  # one of PROVIDERS
            secrets=secrets,
            timezone=zone or space.timezone,
            default_country=chosen_country or space.default_country,
        )
        secret = await _secret_of_server(db, read)
        id = await add(db, UUID(space.id), name=name, source=source, options=chosen_options, secret=secret)
        if id is None:
            raise CommandFailed(f"the workspace has a source called {name!r} already")
        return _source(await _find(db, str(id)), read)

    made = run_on_database(data, work)
    _warn_without_address(made, read)
    lines = [f"Source {made['name']} ({made['provider']}) is {made['id']}.", *made["addresses"]]
    print_item(made, as_json=as_json, text="\n".join(lines))


@sources.command("list")
def list_sources(
    workspace: Annotated[str | None, typer.Option(help="Only those of one workspace, by id or name.")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """List sources, of one workspace or of all."""
    read = read_settings(data)

    async def work(db: Database) -> list[Row]:
        spaces = [] if workspace is None else await find_workspaces(db, [workspace], None)
        return await queries.list_sources(db, UUID(spaces[0][1].id) if spaces else None)

    print_list([_source(row, read) for row in run_on_database(data, work)], COLUMNS, as_json=as_json)


@sources.command("show")
def show_source(source: Named, data: Data = None, as_json: AsJson = False) -> None:
    """Show a source, with the addresses to enter at the provider. Secrets are never shown."""
    read = read_settings(data)

    async def work(db: Database) -> Item:
        return _source(await _find(db, source), read)

    found = run_on_database(data, work)
    _warn_without_address(found, read)
    if as_json:
        print_json(found)
        return
    for property, value in found.items():
        print(
            f"{property}: {', '.join(map(str, value)) if isinstance(value, list) else '-' if value is None else value}"
        )


@sources.command("rotate-secret")
def rotate_secret(
    source: Named,
    secret_file: SecretFile = None,
    drop: Annotated[bool, typer.Option("--drop", help="Forget the earlier secret; the newest stays.")] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Give a source a new secret beside the present one, good on a running server within a second.

    Both are good until `--drop`.
    """
    read = read_settings(data)

    async def work(db: Database) -> Item:
        from skipcall.sealing import seal

        row = await _find(db, source)
        if row["provider"] not in _SECRETS:
            raise CommandFailed("this source has no secret: its calls come from files")
        known: list[bytes] = row["sealed_secrets"]
        if drop:
            secrets = known[:1]
        else:
            secrets = [seal(_read_secret(row["provider"], secret_file), await _secret_of_server(db, read)), *known[:1]]
        if not await queries.set_secrets(db, row["workspace_id"], row["id"], secrets, known=known):
            raise CommandFailed("somebody else has changed the secrets just now; try again")
        return _source(await _find(db, str(row["id"])), read)

    done = run_on_database(data, work)
    count = done["secretCount"]
    print_item(done, as_json=as_json, text=f"{done['name']} has {count} secret{'s' if count > 1 else ''}.")


@sources.command("disable")
def disable_source(source: Named, data: Data = None, as_json: AsJson = False) -> None:
    """Take no more reports from a source: its addresses answer 404 within a second. Its calls stay."""
    _set_disabled(source, data, disabled=True, as_json=as_json)


@sources.command("enable")
def enable_source(source: Named, data: Data = None, as_json: AsJson = False) -> None:
    """Take reports from a source again."""
    _set_disabled(source, data, disabled=False, as_json=as_json)


@sources.command("map")
def map_identity(
    source: Named,
    identity: Annotated[
        str, typer.Argument(help="An extension, a client or SIP account, or a number, as the provider names it.")
    ],
    email: Annotated[str, typer.Argument(callback=options.email, help="The member whose it is.")],
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Say whose extension, account or client name it is; calls that come in from now on get this user."""
    named = _identity(identity)

    async def work(db: Database) -> Item:
        from skipcall.users.queries import list_all_members

        row = await _find(db, source)
        members = [one for one in await list_all_members(db, None) if row["workspace_id"] in one["workspace_ids"]]
        member = pick(email, [(str(one["id"]), one["email"], one) for one in members], "member of the workspace")
        if not await queries.map_identity(db, row["workspace_id"], row["id"], named, member["id"]):
            raise CommandFailed("that member has just left the workspace")
        return {
            "sourceId": str(row["id"]),
            "identity": named,
            "organizationMembershipId": str(member["id"]),
            "email": email,
        }

    done = run_on_database(data, work)
    print_item(done, as_json=as_json, text=f"{done['identity']} is {done['email']}.")


@sources.command("unmap")
def unmap_identity(
    source: Named,
    identity: Annotated[str, typer.Argument(help="As given to `map`.")],
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Forget whose identity it is. Calls keep their users."""
    named = _identity(identity)

    async def work(db: Database) -> Item:
        row = await _find(db, source)
        if not await queries.unmap_identity(db, row["workspace_id"], row["id"], named):
            raise CommandFailed(f"{named!r} is nobody's: see `skipcall sources identities`")
        return {"sourceId": str(row["id"]), "identity": named}

    done = run_on_database(data, work)
    print_item(done, as_json=as_json, text=f"{named} is nobody's now.")


@sources.command("identities")
def list_identities(source: Named, data: Data = None, as_json: AsJson = False) -> None:
    """List the identities of a source, and whose they are."""

    async def work(db: Database) -> list[Item]:
        row = await _find(db, source)
        return [_mapped(one) for one in await queries.list_identities(db, row["workspace_id"], row["id"])]

    print_list(run_on_database(data, work), IDENTITY_COLUMNS, as_json=as_json)


def _set_disabled(source: str, data: Path | None, *, disabled: bool, as_json: bool) -> None:
    read = read_settings(data)

    async def work(db: Database) -> Item:
        row = await _find(db, source)
        await queries.set_disabled(db, row["workspace_id"], row["id"], disabled=disabled)
        return _source(await _find(db, str(row["id"])), read)

    done = run_on_database(data, work)
    print_item(done, as_json=as_json, text=f"{done['name']} is {'disabled' if disabled else 'enabled'}.")


def _check(provider: str, outside_prefix: str, folder: Path | None) -> None:
    if outside_prefix and not (outside_prefix.isascii() and outside_prefix.isdecimal()):
        raise typer.BadParameter("--outside-prefix is digits")
    if folder is not None and (provider != "ASTERISK" or not folder.is_absolute()):
        raise typer.BadParameter("--folder is the absolute path of a folder of Asterisk")


async def _secret_of_server(db: Database, read: Settings) -> bytes:
    """Return the secret to seal with, once it is known to be that of the servers of this database."""
    from skipcall.api_keys.actions import hold_to_secret

    secret = get_secret(read).encode()
    await hold_to_secret(db, secret)
    return secret


async def _find(db: Database, text: str) -> Row:
    rows = await queries.list_sources(db, None)
    return pick(text, [(str(row["id"]), row["name"], row) for row in rows], "source")


def _read_secret(provider: str, file: Path | None) -> str:
    """Return the secret, asked for or read; raise `CommandFailed` for one that the provider cannot have given out."""
    what = _SECRETS[provider]
    if file is None and sys.stdin.isatty():
        secret: str = typer.prompt(f"The {what} of the provider", hide_input=True, err=True)
    elif file is None or str(file) == "-":
        secret = sys.stdin.readline(SECRET_LENGTH_MAX + 2)
    else:
        secret = file.read_text("utf-8")
    secret = secret.strip()
    if not secret or len(secret) > SECRET_LENGTH_MAX or not secret.isprintable():
        raise CommandFailed(f"the {what} has 1 to {SECRET_LENGTH_MAX} printable characters")
    if provider == "FREESWITCH" and ":" not in secret:
        raise CommandFailed("the secret of FreeSWITCH is user:password, as in `cred` of json_cdr.conf.xml")
    if provider == "TELNYX" and not _is_public_key(secret):
        raise CommandFailed(
            "the public key of Telnyx is 32 bytes in base64; it is in the portal under Keys & Credentials"
        )
    return secret


def _is_public_key(text: str) -> bool:
    import base64
    import binascii

    try:
        return len(base64.b64decode(text, validate=True)) == PUBLIC_KEY_BYTES
    except (binascii.Error, ValueError):
        return False


def _identity(text: str) -> str:
    from skipcall.telephony.identities import identity_of

    named = identity_of(text)
    if named is None or len(named) > IDENTITY_LENGTH_MAX or not named.isprintable():
        raise typer.BadParameter(f"an identity has 1 to {IDENTITY_LENGTH_MAX} printable characters")
    return named


def _warn_without_address(source: Item, read: Settings) -> None:
    if source["addresses"] and read.public_url is None:
        warn(
            "set SKIPCALL_PUBLIC_URL to the address at which the provider reaches this server; these are its paths only"
        )
        if source["provider"] == "TWILIO":
            warn("the server needs it too: Twilio signs the whole address, so without it every callback is refused")


def _source(row: Row, read: Settings) -> dict[str, Any]:
    import msgspec

    paths = [
        f"/ingest/{row['provider'].lower()}/{row['id']}{one and '/' + one}"
        for one in _CALLBACKS.get(row["provider"], ("",))
    ]
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "provider": row["provider"],
        "workspaceId": str(row["workspace_id"]),
        "workspaceName": row["workspace_name"],
        "mode": row["mode"],
        "addresses": [(read.public_url or "") + path for path in paths] if row["provider"] in _SECRETS else [],
        "secretCount": len(row["sealed_secrets"]),
        "timezone": row["timezone"],
        "defaultCountry": row["default_country"],
        "options": msgspec.json.decode(row["options"]),
        "createdAt": timestamp(row["created_at"]),
        "updatedAt": timestamp(row["updated_at"]),
        "disabledAt": row["disabled_at"] and timestamp(row["disabled_at"]),
    }


def _mapped(row: Row) -> dict[str, Any]:
    return {
        "identity": row["identity"],
        "organizationMembershipId": str(row["organization_membership_id"]),
        "email": row["email"],
        "firstName": row["first_name"],
        "lastName": row["last_name"],
    }
