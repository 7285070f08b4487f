"""What becomes of the rows of a batch. Every row of an import that clients ask for passes through `decide_batch` before it is written."""

import csv
import io
from collections.abc import Mapping, Sequence
from hashlib import sha256
from uuid import UUID

import msgspec
from msgspec import UNSET

from skipcall.contacts import upserts
from skipcall.contacts.ledger import NAMES, Given, Ledger, Outcome, Record
from skipcall.contacts.model import ContactErased, ContactMerged, CustomValueTaken, PersonErased
from skipcall.contacts.upsert_model import AmbiguousMatch, UpsertOptions
from skipcall.contacts.upserting import apply_all, explain
from skipcall.custom_fields.model import Definition
from skipcall.errors import Refusal
from skipcall.imports.model import (
    ERRORS_KEPT_MAX,
    EXAMPLES_MAX,
    HEADING_LENGTH_MAX,
    CellFault,
    ContactRow,
    Converted,
    Counts,
    DryRun,
    Example,
)
from skipcall.imports.presets import DO_NOT_CALL, FULL_NAME
from skipcall.imports.scratch import Scratch
from skipcall.postgres.db import Session
from skipcall.spreadsheets import safe_cell

_NAMES = (
    *("first_name", "last_name", "email", "company", "city", "country", "url", "linkedin_url", "linkedin_sales_url"),
    *("role", "phone_numbers", "external_id"),
)
_TWO_NAMES = "No contact has these keys, and a new one needs a first and a last name: at least two words"
_REFUSAL_KEPT = CellFault(
    "REFUSAL_KEPT", "this contact is not to be called, and no file changes that; the rest of the row is applied"
)
_encode = msgspec.json.Encoder().encode


class Decided(msgspec.Struct, frozen=True):
    """What a batch comes to: an outcome for each row, None for one that could not be read."""

    ledger: Ledger
    outcomes: list[Outcome | None]
    folded: dict[str, str]


async def decide_batch(
    tx: Session,
    workspace_id: UUID,
    batch: Sequence[Converted],
    options: UpsertOptions,
    definitions: Sequence[Definition],
    scratch: Scratch | None,
    secret: bytes,
) -> Decided:
    """Decide about each row of a batch, one after the other, under the locks of an upsert.

    `scratch` holds what rows before it have done in a dry run. By the server's `secret` people who were erased are recognised.
    """
    rows = [None if row is None else _given(row) for _, row, _ in batch]
    given = [one for one in rows if one is not None]
    unique = [one.slug for one in definitions if one.is_unique]
    records, folded, erased = await upserts.find_holders(
        tx, workspace_id, given, secret, options.match, unique_slugs=unique
    )
    if scratch:
        records = scratch.overlay(records, folded, given, unique)
    required = [one.slug for one in definitions if one.is_required]

    def begin(records: Sequence[Record]) -> Ledger:
        # A file is older than what people have said since it was made, and says yes of a whole column.
        return Ledger(records, folded, options, required, unique, erased.of, is_file=True)

    ledger, applied = await apply_all(tx, begin, records, given, erased)
    explained = iter(await explain(tx, workspace_id, given, applied))
    return Decided(ledger, [None if one is None else next(explained) for one in rows], folded)


def _given(row: ContactRow) -> Given:
    """Return what a row gives; an empty cell gives nothing."""
    values = {name: value for name in _NAMES if (value := getattr(row, name))}
    if row.allow_phone_calls is not None:
        values["allow_phone_calls"] = row.allow_phone_calls
    return Given(UUID(row.id) if row.id else None, values, {**row.custom_fields})


def _values(row: ContactRow) -> dict[str, list[object]]:
    """Return what a contact that a row makes has, as changes."""
    given = _given(row)
    values = {"allow_phone_calls": True} | given.values
    custom: dict[str, list[object]] = {"customFields": [{}, given.custom_values]} if given.custom_values else {}
    return {NAMES[name]: [None, value] for name, value in values.items()} | custom


class Tally:
    """What is told of outcomes: counts, errors, and of a dry run digest and examples.

    The digest begins with what the file and its settings are. `headings` are those of the columns that fill a property, by its pointer.
    """

    def __init__(self, counts: Counts, beginning: bytes) -> None:
        self.counts = counts
        self.headings: Mapping[str, str] = {}
        self._hashed = sha256(beginning)
        self._examples: list[Example] = []

    def add(self, batch: Sequence[Converted], decided: Decided) -> str:
        """Count a batch and return its part of the file of errors."""
        lines = io.StringIO(newline="")
        writer = csv.writer(lines)
        for (line, row, faults), outcome in zip(batch, decided.outcomes, strict=True):
            status = "refused" if outcome is None or outcome.status == "error" else outcome.status
            setattr(self.counts, status, getattr(self.counts, status) + 1)
            told = [(fault.column or "", fault.code, fault.reason, "") for fault in faults]
            if outcome is not None and outcome.refusal is not None:
                told += [self._placed(*one) for one in _refusal(outcome.refusal, decided.ledger)]
            if outcome is not None and outcome.kept_refusal and outcome.record:
                self.counts.refusals_kept += 1
                told.append(self._kept_refusal(outcome.record.id, decided.ledger))
            for column, *rest in dict.fromkeys(told):  # of several parts of a cell
                if self.counts.errors < ERRORS_KEPT_MAX:
                    writer.writerow([line, safe_cell(column[:HEADING_LENGTH_MAX]), *rest])
                self.counts.errors += 1
            self._note(line, status, outcome, row)
        return lines.getvalue()

    def _placed(self, column: str, code: str, reason: str, contacts: str) -> tuple[str, str, str, str]:
        """Name the column of the file that a fault of a property is about."""
        if column in ("firstName", "lastName") and column not in self.headings and FULL_NAME in self.headings:
            return self.headings[FULL_NAME], code, _TWO_NAMES, contacts
        return self.headings.get(column, column.replace("/", ".")), code, reason, contacts

    def _kept_refusal(self, id: UUID, ledger: Ledger) -> tuple[str, str, str, str]:
        column = self.headings.get("allowPhoneCalls") or self.headings.get(DO_NOT_CALL, "")
        return column, _REFUSAL_KEPT.code, _REFUSAL_KEPT.reason, "" if ledger.is_new(id) else str(id)

    def _note(self, line: int, status: str, outcome: Outcome | None, row: ContactRow | None) -> None:
        record = outcome.record if outcome else None
        id = str(record.id) if record and not record.is_new else None
        matched_by, changes = (outcome.matched_by, outcome.changes) if outcome else ([], None)
        self._hashed.update(_encode((line, status, id, matched_by, changes)))
        count: int = getattr(self.counts, status)
        if count <= EXAMPLES_MAX:
            if status == "created" and row:
                changes = _values(row)
            self._examples.append(Example(line, status, id, matched_by, changes))  # type: ignore[arg-type]

    def dry_run(self, rows_read: int) -> DryRun:
        """Return what a dry run found."""
        return DryRun(self._hashed.hexdigest(), rows_read, self.counts, self._examples)


def _refusal(refusal: Refusal, ledger: Ledger) -> list[tuple[str, str, str, str]]:
    """Return column, code, reason and contacts of a row that is refused, without any value."""
    if isinstance(refusal, AmbiguousMatch):
        contacts = []
        for one in refusal.candidates:
            keys = " ".join(dict.fromkeys(matched.key for matched in one.matched_by))
            # An id that a dry run has invented leads nowhere.
            contacts.append(f"{'an earlier row' if ledger.is_new(UUID(one.id)) else one.id} ({keys})")
        return [("", refusal.code, "It cannot be told which contact is meant; see contacts", "; ".join(contacts))]
    if isinstance(refusal, CustomValueTaken):
        return [
            (fault.pointer[1:], fault.code, "An earlier row has this value, which must be unique", "")
            if fault.suggestion is UNSET
            else (
                fault.pointer[1:],
                fault.code,
                "Another contact has this value, which must be unique; see contacts",
                fault.suggestion,
            )
            for fault in refusal.faults
        ]
    if isinstance(refusal, ContactMerged):
        return [("id", refusal.code, "This contact was merged into another one; see contacts", str(refusal.target_id))]
    if isinstance(refusal, ContactErased):
        return [("id", refusal.code, refusal.message, "")]
    if isinstance(refusal, PersonErased):
        return [("", refusal.code, "This person was erased, and comes back only by their own will", "")]
    return [(fault.pointer[1:], fault.code, fault.message, "") for fault in refusal.faults]
