"""The only way in which tests create rows: the features' own queries and actions, on a connection of their own."""

import asyncio
import itertools
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from skipcall import ids
from skipcall.api_keys import queries as api_keys
from skipcall.api_keys.actions import create_api_key
from skipcall.api_keys.model import SCOPES
from skipcall.calls import queries as calls
from skipcall.calls.actions import columns_of
from skipcall.calls.model import CreateCall
from skipcall.calls.months import ensure_months
from skipcall.calls.queries import Author, View
from skipcall.calls.queries import Written as WrittenCall
from skipcall.contacts import queries as contacts
from skipcall.contacts.model import ContactView
from skipcall.contacts.queries import Written
from skipcall.custom_fields import queries as custom_fields
from skipcall.custom_fields.model import CustomField
from skipcall.exports import queries as exports
from skipcall.imports.actions import import_contacts
from skipcall.phone_numbers import queries as phone_numbers
from skipcall.plans import queries as plans
from skipcall.postgres.db import Database, Session, Statement, connect
from skipcall.sequences import queries as sequences
from skipcall.sequences.queries import Written as WrittenSequence
from skipcall.tags import queries as tags
from skipcall.tags.model import FIRST_TAGS as ALL_FIRST_TAGS
from skipcall.telephony import queries as telephony
from skipcall.telephony.model import Provider, Source
from skipcall.telephony.sources import SourceOptions, add_source
from skipcall.users import queries as users
from skipcall.workspaces import queries as workspaces
from skipcall.workspaces.model import Scope
from tests.client import Client
from tests.serving import SECRET

T = TypeVar("T")

FIRST_TAGS = tuple(label for label, _ in ALL_FIRST_TAGS)  # of every workspace

_number = itertools.count()


def phone_number(number: int = 0) -> str:
    """Return one of the French numbers that are reserved for fiction."""
    return f"+3363998{number:04}"


@dataclass(frozen=True)
class Key:
    """An API key; `text` is what a client sends."""

    id: UUID
    text: str


@dataclass(frozen=True)
class Team:
    """An organization with one workspace of one mode and a key for it."""

    make: "Make"
    organization_id: UUID
    workspace_id: UUID
    key: Key
    client: Client
    mode: str = "LIVE"

    def contact(self, **values: Any) -> str:
        """Create a contact in the team's workspace and return its path."""
        return f"/v1/contacts/{self.make.contact(self.workspace_id, **values)}"

    def check_call_counts(self) -> None:
        """Compare what searches read of calls with what the contacts say."""
        wrong = self.make.rows(
            """
            SELECT c.*, k.* FROM (
                SELECT id, call_count, coalesce(last_call_at, 'epoch') AS last_call_at
                FROM contacts WHERE workspace_id = :workspace_id AND deleted_at IS NULL
            ) c FULL JOIN (SELECT * FROM contact_call_counts WHERE workspace_id = :workspace_id) k ON k.contact_id = c.id
            WHERE (c.call_count, c.last_call_at) IS DISTINCT FROM (k.call_count, k.last_call_at)
            """,
            workspace_id=self.workspace_id,
        )
        assert wrong == []

    def import_file(self, path: Path, workspace_id: UUID | None = None) -> None:
        """Import a file of contacts, as the command does."""

        async def load() -> None:
            database = Database(self.make.database_url, 1)
            await database.open()
            id = workspace_id or self.workspace_id
            workspace = await workspaces.get_workspace(database, Scope(self.organization_id, (id,)), id)
            await import_contacts(database, workspace, path, create_fields=True, secret=SECRET.encode())
            await database.close()

        self.make.run(load())

    def call(self, **values: Any) -> str:
        """Create a call in the team's workspace and return its path."""
        return f"/v1/calls/{self.make.call(self.workspace_id, **values)}"

    def tag(self, label: str, *, is_success_tag: bool = False) -> str:
        """Create a tag in the team's workspace and return its id."""
        return self.make.tag(self.workspace_id, label, is_success_tag=is_success_tag)

    def member(self, **values: str) -> tuple[UUID, UUID]:
        """Make a new person a member; return the ids of the organization membership and of the workspace membership."""
        membership_id = self.make.member(self.organization_id, [self.workspace_id], **values)
        return membership_id, self.make.value(
            "SELECT id FROM workspace_memberships WHERE workspace_id = :workspace_id AND organization_membership_id = :id",
            workspace_id=self.workspace_id,
            id=membership_id,
        )

    def sequence(self, *assignees: UUID, name: str = "Prospects") -> str:
        """Create a sequence of a new member, for assignees by organization membership, and return its path."""
        return f"/v1/sequences/{self.make.sequence(self.workspace_id, self.member()[0], assignees, name)}"

    def phone_number(self, value: str = "+33199000142") -> str:
        """Add a managed phone number to the team's workspace and return its id."""
        return self.make.phone_number(self.workspace_id, value)

    def field(self, name: str, **values: Any) -> CustomField:
        """Create a custom field in the team's workspace."""
        return self.make.custom_field(self.workspace_id, name, **values)

    def export(self) -> str:
        """Ask for an export that nobody makes, and return its id."""
        return self.make.export(self.workspace_id, self.key)

    def workspace(self, mode: str | None = None) -> UUID:
        """Create another workspace in the organization."""
        return self.make.workspace(self.organization_id, mode=mode or self.mode)

    def move(self, workspace_id: UUID, country: str, timezone: str) -> None:
        """Move a workspace to another country and time zone."""
        self.make.value(
            "UPDATE workspaces SET default_country = :country, timezone = :timezone WHERE id = :id RETURNING 1",
            id=workspace_id,
            country=country,
            timezone=timezone,
        )

    def client_for(self, *workspace_ids: UUID, mode: str | None = None, **options: Any) -> Client:
        """Return a client with a new key for workspaces of the organization, by default this one."""
        key = self.make.api_key(
            self.organization_id, workspace_ids or (self.workspace_id,), mode=mode or self.mode, **options
        )
        return self.make.client(key)


@dataclass
class Make:
    """Creates things in the database of a server."""

    database_url: str
    server_url: str
    runner: asyncio.Runner = field(default_factory=asyncio.Runner)
    keys: list[str] = field(default_factory=list)
    clients: list[Client] = field(default_factory=list)
    _db: Session | None = None

    @property
    def db(self) -> Session:
        """The connection; a lost one is replaced."""
        if self._db is None or self._db.connection.is_closed():
            self._db = self.run(connect(self.database_url))
        return self._db

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(coroutine)

    def reconnect(self) -> None:
        """Open a new connection: the database of the old one was killed."""
        if self._db is not None:
            self._db.connection.terminate()
            self._db = None

    def close(self) -> None:
        for client in self.clients:
            client.close()
        if self._db is not None:
            self.run(self._db.connection.close())
        self.runner.close()

    # ------------------------------------------------------------------------------------------------- reading

    def rows(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        """Return what a query finds."""
        return [dict(row) for row in self.run(self.db.fetch_rows(Statement(sql), **values))]

    def value(self, sql: str, **values: Any) -> Any:
        """Return the first value that a query finds."""
        return self.run(self.db.fetch_value(Statement(sql), **values))

    def events(self, object_path: str) -> list[dict[str, Any]]:
        """Return what was recorded about an object, oldest first."""
        object_id = UUID(object_path.rpartition("/")[2])
        return self.rows(
            "SELECT *, changes::text AS changes FROM events WHERE object_id = :id ORDER BY id", id=object_id
        )

    # ------------------------------------------------------------------------------------------------ creating

    def client(self, key: Key | str | None = None, **options: Any) -> Client:
        """Return a client, with a key or without; it is closed after the tests."""
        text = key.text if isinstance(key, Key) else key
        self.clients.append(Client(self.server_url, text, **options))
        return self.clients[-1]

    def organization(
        self,
        plan: str | None = "EXPERT",
        status: str | None = "ACTIVE",
        *,
        requests_per_minute: int | None = 1_000_000,
        ends_at: datetime | None = None,
    ) -> UUID:
        """Create an organization; without a status it never had a subscription."""
        id = self.run(workspaces.create_organization(self.db, f"Organization {next(_number)}"))
        if status is not None:
            self.run(plans.set_plan(self.db, id, plan, requests_per_minute))
            self.run(plans.set_subscription(self.db, id, status, ends_at))
        return id

    def workspace(self, organization_id: UUID, *, mode: str = "LIVE", name: str | None = None) -> UUID:
        async def create() -> UUID:
            async with self.db.transaction():
                id = await workspaces.create_workspace(
                    self.db,
                    organization_id,
                    name=name or f"Workspace {next(_number)}",
                    mode=mode,
                    default_country="FR",
                    timezone="Europe/Paris",
                )
                await tags.create_first_tags(self.db, id)
            return id

        assert self.db is not None
        return self.run(create())

    def api_key(
        self,
        organization_id: UUID,
        workspace_ids: Sequence[UUID],
        *,
        mode: str = "LIVE",
        scopes: Sequence[str] = SCOPES,
        expires_at: datetime | None = None,
        name: str = "Test",
    ) -> Key:
        """Create a key; the first workspace is its default."""

        async def create() -> Key:
            async with self.db.transaction():
                new = await create_api_key(
                    self.db,
                    organization_id,
                    secret=SECRET.encode(),
                    mode=mode,
                    name=name,
                    workspace_ids=workspace_ids,
                    created_by="tests",
                    scopes=scopes,
                    expires_at=expires_at,
                )
            return Key(new.id, new.key)

        assert self.db is not None
        key = self.run(create())
        self.keys.append(key.text)
        return key

    def revoke(self, key: Key) -> None:
        self.run(api_keys.revoke_api_key(self.db, key.id))

    def team(self, mode: str = "LIVE", organization_id: UUID | None = None, **organization: Any) -> Team:
        """Create a workspace with a key for it, in a new organization unless one is given."""
        organization_id = organization_id or self.organization(**organization)
        workspace_id = self.workspace(organization_id, mode=mode)
        key = self.api_key(organization_id, [workspace_id], mode=mode)
        return Team(self, organization_id, workspace_id, key, self.client(key), mode)

    def contact(self, workspace_id: UUID, custom_fields: Mapping[str, str] | None = None, **values: Any) -> UUID:
        """Create a contact from values by column, as an import by a user does."""
        written = self.run(self._contact(workspace_id, ids.new_id(), custom_fields or {}, values))
        return UUID(written.contact.id)

    def contacts(self, workspace_id: UUID, count: int) -> list[str]:
        """Create many contacts at once, nearly alike, and return their ids, oldest first."""
        made = [ids.new_id() for _ in range(count)]
        self.rows(
            """
            WITH made AS (
                INSERT INTO contacts (workspace_id, id, first_name, last_name, allow_phone_calls, phone_numbers,
                                      custom_fields, last_modification_source)
                SELECT :workspace_id, id, 'Camille', 'Number ' || (number - 1), true, ARRAY[:phone_number], '{}', 'SKIPCALL'
                FROM unnest(:ids::uuid[]) WITH ORDINALITY AS one (id, number) RETURNING workspace_id, id, updated_at
            ), counted AS (
                INSERT INTO contact_counts (workspace_id, slot, count) SELECT :workspace_id, -1, count(*) FROM made
                ON CONFLICT (workspace_id, slot) DO UPDATE SET count = contact_counts.count + excluded.count
            )
            INSERT INTO events (workspace_id, type, object_id, object_version, occurred_at, source)
            SELECT workspace_id, 'contact.created', id, 1, updated_at, 'SKIPCALL' FROM made RETURNING id
            """,
            workspace_id=workspace_id,
            ids=made,
            phone_number=phone_number(),
        )
        return [str(one) for one in made]

    async def _contact(
        self, workspace_id: UUID, id: UUID, custom_fields: Mapping[str, str], values: Mapping[str, Any]
    ) -> Written:
        import msgspec

        defaults = {
            "first_name": "Camille",
            "last_name": "Moreau",
            "allow_phone_calls": True,
            "phone_numbers": [phone_number()],
        }
        written = await contacts.create_contact(
            self.db,
            workspace_id,
            id,
            defaults | dict(values),
            custom_fields=msgspec.json.encode(custom_fields).decode(),
            source="SKIPCALL",
            api_key_id=None,
            request_id=None,
            view=ContactView(),
        )
        assert isinstance(written, Written)
        return written

    def call(self, workspace_id: UUID, **values: Any) -> UUID:
        """Create a call from values of `CreateCall` and return its id; by default an answered one of one minute."""
        started_at = values.get("started_at", datetime(2026, 3, 2, 9, 41, 7, tzinfo=UTC))
        defaults: dict[str, Any] = {"type": "outbound", "status": "completed", "started_at": started_at}
        if not values.keys() & {"status", "answered_at", "ended_at"}:
            defaults |= {"answered_at": started_at, "ended_at": started_at + timedelta(minutes=1)}
        if not values.keys() & {"contact_id", "phone_number"}:
            defaults["phone_number"] = phone_number()
        return self.run(self._call(workspace_id, CreateCall(**(defaults | values))))

    async def _call(self, workspace_id: UUID, new: CreateCall) -> UUID:
        await ensure_months(self.db, [new.started_at])
        written = await calls.create_call(
            self.db,
            workspace_id,
            ids.id_at(new.started_at),
            columns_of(new),
            contact_id=new.contact_id,
            tag_ids=new.tag_ids,
            author=Author("SKIPCALL"),
            view=View(UUID(int=0)),
        )
        assert isinstance(written, WrittenCall), written
        return UUID(written.call.id)

    def custom_field(self, workspace_id: UUID, name: str, **values: Any) -> CustomField:
        return self.run(custom_fields.create_custom_field(self.db, workspace_id, name, **values))

    def tag(self, workspace_id: UUID, label: str, *, is_success_tag: bool = False) -> str:
        created = tags.create_tag(
            self.db,
            workspace_id,
            label,
            is_success_tag=is_success_tag,
            source="SKIPCALL",
            api_key_id=None,
            request_id=None,
        )
        return self.run(created).id

    def sequence(self, workspace_id: UUID, creator_id: UUID, assignees: Sequence[UUID], name: str) -> str:
        created = sequences.create_sequence(
            self.db,
            workspace_id,
            name,
            creator_id=creator_id,
            assigned_to_ids=assignees,
            source="SKIPCALL",
            api_key_id=None,
            request_id=None,
        )
        written = self.run(created)
        assert isinstance(written, WrittenSequence)
        return written.sequence.id

    def phone_number(self, workspace_id: UUID, value: str) -> str:
        created = phone_numbers.create_phone_number(self.db, workspace_id, value, country="FR", label=None)
        return self.run(created).id

    def export(self, workspace_id: UUID, key: Key) -> str:
        """Ask for an export that nobody makes, and return its id."""
        export = self.run(exports.create_export(self.db, workspace_id, "csv", key.id))
        assert export is not None
        self.rows("UPDATE exports SET next_attempt_at = NULL WHERE id = :id RETURNING id", id=UUID(export.id))
        return export.id

    def source(self, workspace_id: UUID, provider: Provider, *secrets: str, **options: Any) -> UUID:
        """Add a telephony source with these secrets to a workspace and return its id."""
        id = self.run(
            add_source(
                self.db,
                workspace_id,
                name=f"Source {next(_number)}",
                source=Source(provider=provider, secrets=secrets),
                options=SourceOptions(**options),
                secret=SECRET.encode(),
            )
        )
        assert id is not None
        return id

    def identity(self, workspace_id: UUID, source_id: UUID, identity: str, membership_id: UUID) -> None:
        """Say whose extension, account or client name it is at a source."""
        assert self.run(telephony.map_identity(self.db, workspace_id, source_id, identity, membership_id))

    def member(self, organization_id: UUID, workspace_ids: Sequence[UUID], **values: str) -> UUID:
        """Make a new person a member and return the id of the organization membership."""
        number = next(_number)
        defaults = {
            "email": f"member-{number}-{ids.random_base62(8)}@example.com",
            "first_name": "Sasha",
            "last_name": f"Member {number}",
            "role": "MEMBER",
            "status": "ACTIVE",
        }
        return self.run(users.create_member(self.db, organization_id, workspace_ids, **(defaults | values)))
