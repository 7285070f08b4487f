"""Imports a file of contacts into a workspace: batch by batch, each in one transaction with the note of how far it came.

So a run that died at any point is continued by the same command, with no contact twice and none missing; and a file that
was imported completely is not imported again. The file is known by its SHA-256. Rows that were refused are mended in a
file of their own, which is another file.
"""

import contextlib
import hashlib
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import msgspec

from skipcall.contacts.erased import find_erased, has_erased
from skipcall.custom_fields import queries as custom_fields
from skipcall.custom_fields.model import Definition
from skipcall.errors import Conflict, Unavailable
from skipcall.imports import queries
from skipcall.imports.model import Converted, RowFault, UnusableFile
from skipcall.imports.places import Placed, place_columns
from skipcall.imports.presets import EXTERNAL_ID, Preset, count_known_headings, heading_key, map_header
from skipcall.imports.presets import Mapping as HeaderMapping
from skipcall.imports.queries import ImportRun
from skipcall.imports.reader import inspect_file, read_rows
from skipcall.imports.rows import RowConverter
from skipcall.postgres.db import Database, Session, UniqueViolation
from skipcall.workspaces.model import Workspace

BATCH_ROWS = 2_500
TRIES_MAX = 5  # of a batch whose unique values others write at the same time
ANALYZE_FROM_ROWS = 1_000
FAULTS_KEPT_MAX = 1_000
_CHUNK_BYTES = 1 << 18


class ImportRunning(Conflict):
    """Another process imports the same file into the same workspace."""

    code = "IMPORT_RUNNING"

    def __init__(self) -> None:
        super().__init__("Another process is importing this file into this workspace")


class _Unique(NamedTuple):
    """A column that fills a field whose values are unique."""

    heading: str
    is_required: bool


class Progress(msgspec.Struct, frozen=True):
    """Where an import is: after each batch. `line` of `lines` tells the share that is done."""

    rows_read: int
    created: int
    refused: int
    line: int
    lines: int


class ImportReport(msgspec.Struct):
    """What came of an import, over all runs of the file.

    `fields` names the custom field (slug) that each further column filled, `left_out` the columns that went nowhere.
    `faults` holds the first FAULTS_KEPT_MAX of `fault_count`; `on_fault` is told all of them.
    """

    preset: str
    encoding: str
    delimiter: str
    fields: dict[str, str]
    left_out: list[str]
    rows_read: int = 0
    created: int = 0
    refused: int = 0
    rows_of_earlier_runs: int = 0
    was_complete: bool = False
    fault_count: int = 0
    faults: list[RowFault] = []


async def import_contacts(
    db: Database,
    workspace: Workspace,
    path: Path,
    *,
    preset: Preset | None = None,
    choices: Mapping[str, str] | None = None,
    create_fields: bool = False,
    phone_required: bool = True,
    secret: bytes | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
    on_fault: Callable[[RowFault], None] = lambda _: None,
) -> ImportReport:
    """Import a file, from where an earlier run of the same file stopped, and report.

    Columns without a field of their own go into the custom fields of the workspace that have their heading as name or
    slug; with `create_fields` missing ones are made. See `map_header` for `preset`, `choices` and `phone_required`.
    `secret` is the server's, by which people who were erased are recognised and refused.
    The faults of earlier runs are a part of the report, also where nothing is left to do.
    Raises `UnusableFile`, `ImportRunning`, `TooManyFields`, and `Unavailable` if the database is lost; what was
    committed until then stays, and the same call goes on from there.
    """
    layout = inspect_file(path, count_known_headings)
    mapping = map_header(layout.header, preset, choices, phone_required=phone_required)
    digest, lines = _fingerprint(path)
    workspace_id = UUID(workspace.id)
    if secret is None and await has_erased(db, workspace_id):
        raise UnusableFile(
            "people were erased in this workspace, and without the server's secret they are not recognised"
        )
    places, left_out = await _places(db, workspace_id, mapping, create=create_fields)
    left_out += [heading for heading in layout.header if heading_key(heading) == heading_key(EXTERNAL_ID)]
    run = await queries.start_import(db, workspace_id, digest)
    report = ImportReport(
        mapping.preset,
        layout.encoding,
        layout.delimiter,
        {layout.header[index]: slug for index, slug in places},
        left_out,
        rows_read=run.rows_read,
        created=run.created,
        refused=run.refused,
        rows_of_earlier_runs=run.rows_read,
        was_complete=run.completed_at is not None,
    )
    async for faults in queries.list_faults(db, workspace_id, run.id):
        _note(faults, report, on_fault)
    if report.was_complete:
        return report
    definitions = await custom_fields.list_definitions(db, workspace_id)
    _check_required(definitions, places)
    converter = RowConverter(
        mapping, workspace.default_country, places, definitions=definitions, phone_required=phone_required
    )
    unique = _unique_columns(definitions, layout.header, places)
    rows = converter.convert_all(islice(read_rows(path, layout), run.rows_read, None))
    while batch := list(islice(rows, BATCH_ROWS)):
        _note(await _write_if_free(db, workspace_id, run, report, batch, unique, secret), report, on_fault)
        on_progress(Progress(report.rows_read, report.created, report.refused, batch[-1][0], lines))
    if not await queries.complete_import(db, workspace_id, run.id, report.rows_read):
        raise ImportRunning
    if report.created >= ANALYZE_FROM_ROWS:
        await queries.refresh_statistics(db)
    return report


async def _places(
    db: Database, workspace_id: UUID, mapping: HeaderMapping, *, create: bool
) -> tuple[list[tuple[int, str]], list[str]]:
    """Return the position and slug of each column that fills a custom field, and the headings that fill none."""
    placed = place_columns(await custom_fields.list_definitions(db, workspace_id), mapping, create=create)
    if placed.missing:
        raise UnusableFile(
            f"the workspace has no custom field {placed.missing[0]!r}; create it, or let the import create fields"
        )
    return await fill_fields(db, workspace_id, placed), placed.left_out


async def _write_if_free(
    db: Database,
    workspace_id: UUID,
    run: ImportRun,
    report: ImportReport,
    batch: list[Converted],
    unique: Mapping[str, _Unique],
    secret: bytes | None,
) -> list[RowFault]:
    for _ in range(TRIES_MAX):
        with contextlib.suppress(UniqueViolation):
            return await _write(db, workspace_id, run, report, batch, unique, secret)
    raise Unavailable("Others write the same values of a unique field; import the file again")


async def _write(
    db: Database,
    workspace_id: UUID,
    run: ImportRun,
    report: ImportReport,
    batch: list[Converted],
    unique: Mapping[str, _Unique],
    secret: bytes | None,
) -> list[RowFault]:
    """Add what can be added of a batch; return, and keep, what is wrong with the rest.

    Raises `UniqueViolation` if somebody else writes one of these at the same time; nothing is added then.
    """
    async with db.begin() as tx:
        if secret is not None:
            batch = await _leave_out_erased(tx, workspace_id, secret, batch)
        if unique:
            batch = await _leave_out_taken(tx, workspace_id, unique, batch)
        contacts = [contact for _, contact, _ in batch if contact is not None]
        moment = await queries.advance_import(
            tx, workspace_id, run.id, rows_before=report.rows_read, rows=len(batch), created=len(contacts)
        )
        if moment is None:
            raise ImportRunning
        faults = [fault for _, _, found in batch for fault in found]
        if faults:
            await queries.add_faults(tx, workspace_id, run.id, report.rows_read, faults)
        if contacts:
            await queries.insert_contacts(tx, workspace_id, contacts, moment)
    report.rows_read += len(batch)
    report.created += len(contacts)
    report.refused += len(batch) - len(contacts)
    return faults


async def _leave_out_taken(
    tx: Session, workspace_id: UUID, unique: Mapping[str, _Unique], batch: list[Converted]
) -> list[Converted]:
    """Take from the rows of a batch the values of unique fields that others have, and the rows that must have them."""
    given = [
        (slug, contact.custom_fields[slug])
        for _, contact, _ in batch
        if contact is not None
        for slug in unique.keys() & contact.custom_fields.keys()
    ]
    taken = {*await custom_fields.list_taken_values(tx, workspace_id, given)}
    left: list[Converted] = []
    for line, contact, faults in batch:
        if contact is None:
            left.append((line, None, faults))
            continue
        values = contact.custom_fields
        found = sorted(slug for slug in unique.keys() & values.keys() if (slug, values[slug]) in taken)
        refused = any(unique[slug].is_required for slug in found)
        if not refused:
            values = {slug: value for slug, value in values.items() if slug not in found}
            taken.update((slug, values[slug]) for slug in unique.keys() & values.keys())
        reason = "another contact has this value of a field whose values are unique"
        more = [RowFault(line, unique[slug].heading, "CUSTOM_VALUE_TAKEN", reason, refused) for slug in found]
        earlier = [msgspec.structs.replace(one, row_refused=refused) for one in faults]
        kept = None if refused else msgspec.structs.replace(contact, custom_fields=values)
        left.append((line, kept, [*earlier, *more]))
    return left


async def _leave_out_erased(tx: Session, workspace_id: UUID, secret: bytes, batch: list[Converted]) -> list[Converted]:
    """Refuse the rows of a batch that are people who were erased."""
    people = [msgspec.structs.asdict(contact) for _, contact, _ in batch if contact is not None]
    is_erased = iter(await find_erased(tx, workspace_id, people, secret))
    left: list[Converted] = []
    for line, contact, faults in batch:
        if contact is not None and next(is_erased):
            reason = "this person was erased, and comes back only by their own will"
            earlier = [msgspec.structs.replace(one, row_refused=True) for one in faults]
            left.append((line, None, [*earlier, RowFault(line, None, "PERSON_ERASED", reason, row_refused=True)]))
        else:
            left.append((line, contact, faults))
    return left


def _unique_columns(
    definitions: Sequence[Definition], header: Sequence[str], places: Sequence[tuple[int, str]]
) -> dict[str, _Unique]:
    headings = {slug: header[index] for index, slug in places}
    return {
        one.slug: _Unique(headings[one.slug], one.is_required)
        for one in definitions
        if one.is_unique and one.slug in headings
    }


def _check_required(definitions: Sequence[Definition], places: Sequence[tuple[int, str]]) -> None:
    filled = {slug for _, slug in places}
    missing = next((one.name for one in definitions if one.is_required and one.slug not in filled), None)
    if missing is not None:
        raise UnusableFile(
            f"every contact of the workspace must have a value of the custom field {missing!r}, and no column of the file fills it"
        )


def _note(faults: list[RowFault], report: ImportReport, on_fault: Callable[[RowFault], None]) -> None:
    for fault in faults:
        report.fault_count += 1
        if len(report.faults) < FAULTS_KEPT_MAX:
            report.faults.append(fault)
        on_fault(fault)


def _fingerprint(path: Path) -> tuple[bytes, int]:
    """Return the SHA-256 of a file and about how many lines it has."""
    digest = hashlib.sha256()
    lines = 1
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            lines += chunk.count(b"\n")
    return digest.digest(), lines


async def fill_fields(db: Session, workspace_id: UUID, placed: Placed) -> list[tuple[int, str]]:
    """Return the position and slug of each column that fills a custom field; the fields that are not there are made."""
    return [
        (one.index, one.slug or (await custom_fields.create_custom_field(db, workspace_id, one.name)).slug)
        for one in placed.places
    ]
