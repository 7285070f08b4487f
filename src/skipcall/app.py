"""The composition root of the server: settings -> pool -> gate -> operations -> an RSGI application.

The only place, beside the command line, that knows every feature.
"""

import asyncio
import contextlib
import gc
import logging
import os
from collections.abc import Awaitable, Callable

from skipcall import logs, settings
from skipcall.account import routes as account
from skipcall.api_keys.gate import Gate
from skipcall.callability import routes as callability
from skipcall.calls import routes as calls
from skipcall.changes import routes as changes
from skipcall.contacts import consent_routes as consents
from skipcall.contacts import routes as contacts
from skipcall.contacts import upsert_routes as contact_upserts
from skipcall.custom_fields import routes as custom_fields
from skipcall.do_not_call import routes as do_not_call
from skipcall.documents.routes import Documents
from skipcall.erasures import routes as erasures
from skipcall.errors import Refusal
from skipcall.exports import routes as exports
from skipcall.health import routes as health
from skipcall.http.request import Answer, Request
from skipcall.http.routing import Operation
from skipcall.http.server import Application
from skipcall.idempotency.actions import forget_old_answers, perform_once
from skipcall.imports import routes as imports
from skipcall.merges import routes as merges
from skipcall.phone_numbers import routes as phone_numbers
from skipcall.postgres.db import SEARCH_SETTINGS, Database
from skipcall.recordings import routes as recordings
from skipcall.recordings.actions import Archive
from skipcall.sequences import routes as sequences
from skipcall.stats import routes as stats
from skipcall.storage.choice import open_storage
from skipcall.tags import routes as tags
from skipcall.telephony import routes as telephony
from skipcall.telephony.queries import forget_old_reports
from skipcall.telephony.sources import Sources
from skipcall.transcriptions import routes as transcriptions

FORGET_SECONDS = 600.0
# Searches have connections of their own: many heavy ones at once then hold up each other, and nothing else.
SEARCH_CONNECTIONS_MAX = 4
# Objects made since the last collection before the youngest generation is looked at: a request makes some hundreds.
COLLECT_AFTER = 50_000

# Every operation of the API. The documents about them, which `operations` adds, are made from these.
OPERATIONS: tuple[Operation, ...] = (
    contacts.list_contacts,
    contacts.create_contact,
    contacts.lookup_contacts,
    contacts.search_contacts,
    contacts.get_contact,
    contacts.update_contact,
    contacts.delete_contact,
    contacts.restore_contact,
    merges.list_duplicates,
    merges.merge_contact,
    merges.unmerge_contact,
    consents.list_contact_consents,
    consents.record_contact_consent,
    callability.get_contact_callability,
    do_not_call.list_do_not_call,
    do_not_call.create_do_not_call,
    do_not_call.get_do_not_call,
    do_not_call.delete_do_not_call,
    do_not_call.check_do_not_call,
    changes.list_contact_history,
    changes.list_changes,
    exports.list_exports,
    exports.create_export,
    exports.get_export,
    exports.get_export_file,
    exports.delete_export,
    erasures.get_personal_data,
    erasures.erase_contact,
    erasures.list_erasures,
    erasures.get_erasure,
    imports.list_imports,
    imports.create_import,
    imports.get_import,
    imports.put_import_file,
    imports.confirm_import,
    imports.cancel_import,
    imports.undo_import,
    imports.get_import_errors,
    imports.delete_import,
    contacts.add_phone_number,
    contacts.remove_phone_number,
    contact_upserts.upsert_contact,
    contact_upserts.batch_contacts,
    calls.list_calls,
    calls.create_call,
    calls.get_call,
    calls.update_call,
    calls.delete_call,
    recordings.get_recording,
    recordings.delete_recording,
    recordings.get_recording_audio,
    recordings.put_recording_audio,
    recordings.get_linked_audio,
    transcriptions.get_transcription,
    transcriptions.put_transcription,
    custom_fields.list_custom_fields,
    custom_fields.create_custom_field,
    custom_fields.list_custom_field_name_uses,
    custom_fields.get_custom_field,
    custom_fields.update_custom_field,
    custom_fields.delete_custom_field,
    custom_fields.restore_custom_field,
    tags.list_tags,
    tags.create_tag,
    tags.get_tag,
    tags.update_tag,
    tags.delete_tag,
    sequences.list_sequences,
    sequences.create_sequence,
    sequences.get_sequence,
    sequences.update_sequence,
    sequences.delete_sequence,
    sequences.list_sequence_contacts,
    sequences.add_sequence_contacts,
    sequences.remove_sequence_contacts,
    sequences.list_sequence_runs,
    phone_numbers.list_phone_numbers,
    phone_numbers.get_phone_number,
    stats.get_tag_repartition,
    stats.get_status_repartition,
    stats.get_call_duration,
    stats.get_user_statistics,
    telephony.ingest_reports,
    telephony.ingest_twilio_reports,
    account.list_workspaces,
    account.get_workspace,
    account.list_workspace_members,
    account.list_users,
    account.get_user,
    account.get_me,
    health.get_health,
    health.get_liveness,
    health.get_readiness,
)

log = logging.getLogger("skipcall.app")


def operations(public_url: str | None) -> tuple[Operation, ...]:
    """Return everything that a server answers. `public_url` is the address that its documents name, if it is known."""
    return (*OPERATIONS, *Documents(OPERATIONS, public_url).operations())


class Server:
    """One server process: what it holds, from its first request to its last."""

    def __init__(self, read: settings.Settings) -> None:
        if read.database_url is None or read.secret is None:
            raise settings.SettingsError(
                "the server needs DATABASE_URL and SKIPCALL_SECRET; `skipcall serve` sets both"
            )
        self._database = Database(read.database_url, read.connections_max)
        self._searches = Database(read.database_url, SEARCH_CONNECTIONS_MAX, SEARCH_SETTINGS)
        self._archive = Archive(
            open_storage(read), read.recording_bytes_max, read.secret.encode(), read.public_url, read.import_bytes_max
        )
        self._gate = Gate(self._database, read.secret.encode(), read.trusted_proxies)
        self._sources = Sources(read.secret.encode(), read.public_url)
        self._application = Application(operations(read.public_url), self._admit, self._perform)
        self._tasks: list[asyncio.Task[None]] = []
        self.__rsgi__ = self._application.__rsgi__

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Called by the server before the first request."""
        logs.set_up()
        loop.run_until_complete(self._database.open())
        loop.run_until_complete(self._searches.open())
        self._tasks = [loop.create_task(self._gate.keep_up()), loop.create_task(self._forget())]
        # What is loaded now stays: the collector need not look at it again, and looks at the rest less often.
        gc.collect()
        gc.freeze()
        gc.set_threshold(COLLECT_AFTER, 20, 100)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Called by the server after the last request."""
        loop.run_until_complete(self._stop())

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        with contextlib.suppress(Refusal):
            await self._gate.record_uses()
        await self._searches.close()
        await self._database.close()

    async def _admit(self, request: Request, operation: Operation | None) -> None:
        request.database = self._database
        request.searches = self._searches
        request.archive = self._archive
        request.gate = self._gate
        request.sources = self._sources
        await self._gate.admit(request, operation)

    async def _perform(self, request: Request, run: Callable[[], Awaitable[Answer]]) -> Answer:
        return await perform_once(self._database, request, request.caller.api_key_id, run)

    async def _forget(self) -> None:
        while True:
            try:
                await forget_old_answers(self._database)
                await forget_old_reports(self._database)
            except Exception as failure:  # noqa: BLE001 - this must go on
                log.warning("could not forget what is old", extra={"fields": {"exception": type(failure).__name__}})
            await asyncio.sleep(FORGET_SECONDS)


def build() -> Server:
    """Return the application; the server calls this once in each process."""
    return Server(settings.load(os.environ))
