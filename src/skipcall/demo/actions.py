"""Makes the demo: an organization on EXPERT with a live and a test workspace, people, contacts from a file, and calls.

Every call finds what an earlier one made and adds only what is missing, so that a server can be started with it any
number of times. What was changed or deleted since stays so.
"""

import tempfile
from itertools import islice
from pathlib import Path
from uuid import UUID

import msgspec

from skipcall.api_keys import queries as api_keys
from skipcall.api_keys.actions import create_api_key
from skipcall.api_keys.model import digest_of, public_part_of
from skipcall.contacts import listing as contact_lists
from skipcall.contacts.model import ContactView
from skipcall.page import FIRST_ID
from skipcall.plans import queries as plans
from skipcall.postgres.db import Database
from skipcall.private_file import replace_file
from skipcall.recordings.actions import Archive
from skipcall.tags.queries import create_first_tags
from skipcall.users import queries as users
from skipcall.workspaces import queries as workspaces
from skipcall.workspaces.model import Workspace

ORGANIZATION = "Atelier Démo"
PLAN = "EXPERT"
COUNTRY, TIMEZONE = "FR", "Europe/Paris"
WORKSPACES = {"LIVE": "Prospection", "TEST": "Prospection (test)"}
MEMBERS = (
    ("camille.moreau@atelier-demo.example", "Camille", "Moreau", "OWNER", ("LIVE", "TEST")),
    ("hugo.lefevre@atelier-demo.example", "Hugo", "Lefèvre", "ADMIN", ("LIVE", "TEST")),
    ("ines.benali@atelier-demo.example", "Inès", "Benali", "MEMBER", ("LIVE",)),
    ("louis.garnier@atelier-demo.example", "Louis", "Garnier", "MEMBER", ("LIVE",)),
)
CONTACTS_FILE = Path(__file__).with_name("contacts.csv")
TEST_CONTACTS = 20
KEYS_FILE = "demo.json"
CREATED_BY = "demo"


class Demo(msgspec.Struct, frozen=True, rename="camel"):
    """What to try the demo with. There is no contact once all were deleted."""

    live_key: str
    test_key: str
    organization_id: UUID
    workspace_id: UUID
    contact_id: UUID | None


class _Keys(msgspec.Struct, frozen=True, rename="camel"):
    live_key: str = ""
    test_key: str = ""


async def make_demo(db: Database, archive: Archive, data_directory: Path) -> Demo:
    """Return the demo of this database, made or completed. Its keys are kept in `demo.json` of the data directory.

    Raises `Unavailable`, and `OSError` for a data directory that cannot be written.
    """
    organization_id = await _find_organization(db) or await _make_organization(db)
    spaces = await _workspaces(db, organization_id)
    await _import_contacts(db, spaces, archive.secret)
    await _make_calls(db, archive, spaces["LIVE"])
    keys = await _keep_keys(db, archive.secret, organization_id, spaces, data_directory / KEYS_FILE)
    live_id = UUID(spaces["LIVE"].id)
    newest, _ = await contact_lists.list_contacts(
        db, [live_id], newest_first=False, after=FIRST_ID, limit=1, offset=0, view=ContactView()
    )
    contact_id = UUID(newest[0].id) if newest else None
    return Demo(keys.live_key, keys.test_key, organization_id, live_id, contact_id)


async def _find_organization(db: Database) -> UUID | None:
    every = await workspaces.list_organizations(db)
    return next((row["id"] for row in every if row["name"] == ORGANIZATION), None)


async def _workspaces(db: Database, organization_id: UUID) -> dict[str, Workspace]:
    every = await workspaces.list_all_workspaces(db, organization_id)
    return dict(reversed(every))  # the first of each mode


async def _make_organization(db: Database) -> UUID:
    async with db.begin() as tx:
        organization_id = await workspaces.create_organization(tx, ORGANIZATION)
        await plans.set_plan(tx, organization_id, PLAN, None)
        await plans.set_subscription(tx, organization_id, "ACTIVE", None)
        space_ids = {
            mode: await workspaces.create_workspace(
                tx, organization_id, name=name, mode=mode, default_country=COUNTRY, timezone=TIMEZONE
            )
            for mode, name in WORKSPACES.items()
        }
        for space_id in space_ids.values():
            await create_first_tags(tx, space_id)
        for email, first_name, last_name, role, modes in MEMBERS:
            await users.create_member(
                tx,
                organization_id,
                [space_ids[mode] for mode in modes],
                email=email,
                first_name=first_name,
                last_name=last_name,
                role=role,
                status="ACTIVE",
            )
    return organization_id


async def _import_contacts(db: Database, spaces: dict[str, Workspace], secret: bytes) -> None:
    """Import the file into the live workspace and its beginning into the test one, unless that was done."""
    from skipcall.imports.actions import import_contacts  # slow to load, and most starts of a server need none

    await import_contacts(db, spaces["LIVE"], CONTACTS_FILE, create_fields=True, secret=secret)
    with tempfile.TemporaryDirectory() as directory:
        beginning = Path(directory) / CONTACTS_FILE.name
        with CONTACTS_FILE.open(encoding="utf-8", newline="") as file:
            beginning.write_text("".join(islice(file, 1 + TEST_CONTACTS)), encoding="utf-8", newline="")
        await import_contacts(db, spaces["TEST"], beginning, create_fields=True, secret=secret)


async def _make_calls(db: Database, archive: Archive, space: Workspace) -> None:
    """Make three months of calls, unless there are any."""
    from skipcall.demo.history import make_history, make_recordings  # most starts of a server need none

    async with db.begin() as tx:
        history = await make_history(tx, space)
    await make_recordings(db, archive, UUID(space.id), history)


async def _keep_keys(
    db: Database, secret: bytes, organization_id: UUID, spaces: dict[str, Workspace], path: Path
) -> _Keys:
    """Return the keys of the file that still open their workspace, and new ones, noted there, for the others."""
    kept = _read_keys(path)
    found = {}
    for mode, key in (("LIVE", kept.live_key), ("TEST", kept.test_key)):
        if await _opens(db, key, secret, UUID(spaces[mode].id)):
            found[mode] = key
        else:
            async with db.begin() as tx:
                made = await create_api_key(
                    tx,
                    organization_id,
                    secret=secret,
                    mode=mode,
                    name=f"Demo ({mode.lower()})",
                    workspace_ids=[UUID(spaces[mode].id)],
                    created_by=CREATED_BY,
                )
            found[mode] = made.key
    keys = _Keys(found["LIVE"], found["TEST"])
    if keys != kept:
        replace_file(path, msgspec.json.format(msgspec.json.encode(keys)).decode() + "\n")
    return keys


def _read_keys(path: Path) -> _Keys:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Keys)
    except (FileNotFoundError, msgspec.DecodeError):
        return _Keys()


async def _opens(db: Database, key: str, secret: bytes, workspace_id: UUID) -> bool:
    public_part = public_part_of(key)
    if public_part is None:
        return False
    caller = await api_keys.find_caller(db, public_part, digest_of(key, secret))
    return caller is not None and workspace_id in caller.scope.workspace_ids
