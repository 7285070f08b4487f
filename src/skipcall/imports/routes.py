"""Operations on imports."""

import csv
import io
from collections.abc import AsyncIterator
from typing import NoReturn
from uuid import UUID

import msgspec

from skipcall.api_keys.model import Caller
from skipcall.errors import NotFound
from skipcall.http.bodies import stream_body
from skipcall.http.objects import NOT_STORED
from skipcall.http.request import Answer, Request
from skipcall.http.routing import canonical_uuid, operation
from skipcall.http.streams import StreamAnswer, Streamed
from skipcall.imports import jobs
from skipcall.imports.model import (
    ACTIVE,
    CANCELABLE,
    ERROR_HEADINGS,
    UNDOABLE,
    ConfirmImport,
    CreateImport,
    CreateImportQuery,
    Import,
    ImportDigestMismatch,
    ImportStatusMismatch,
    ListImports,
    Status,
    TooManyImports,
    UndoExpired,
)
from skipcall.imports.uploading import remove_uploads, store_file
from skipcall.page import Page, make_page_of_ids
from skipcall.settings import IMPORT_BYTES_MAX

BODY_TYPES = ("text/csv", "text/vcard", "application/octet-stream")
CSV = "text/csv; charset=utf-8"
_ORDER = "i"
_STATUSES: tuple[Status, ...] = ("AWAITING_FILE", *ACTIVE, "AWAITING_CONFIRMATION", *UNDOABLE, "EXPIRED", "UNDONE")

encode = msgspec.json.Encoder().encode


@operation("GET", "/v1/imports", tag="Imports", scope="contacts:read", answers=Page[Import])
async def list_imports(request: Request, query: ListImports) -> Answer:
    """List imports.

    Newest first.
    """
    caller: Caller = request.caller
    imports, total = await jobs.list_imports(
        request.database,
        query.narrow(caller.scope.workspace_ids),
        before=query.before(_ORDER),
        limit=query.size + 1,
        offset=query.offset,
    )
    return Answer(encode(make_page_of_ids(query, _ORDER, imports, total)))


@operation(
    "POST",
    "/v1/imports",
    tag="Imports",
    scope="contacts:write",
    answers=Import,
    noun="Workspace",
    success=201,
    statuses=(404, 409),
)
async def create_import(request: Request, body: CreateImport, query: CreateImportQuery) -> Answer:
    """Import contacts from a file.

    Says how. Then send the file, CSV or vCard 2.1 to 4.0, with `PUT /v1/imports/{id}/file`, and ask for the import now and then: the
    rest is done in the background. With `dryRun`, as by default, it first finds out what it would do and waits, `AWAITING_CONFIRMATION`,
    for `POST /v1/imports/{id}/confirm`. Each row is matched and written as by `POST /v1/contacts/upsert`: one that may mean several contacts
    is not written, and is listed in the file of errors.
    """
    caller: Caller = request.caller
    workspace_id = canonical_uuid(query.workspace_id) if query.workspace_id else caller.default_workspace_id
    if workspace_id not in caller.scope.workspace_ids:
        raise NotFound("Workspace")
    created = await jobs.create_import(request.database, workspace_id, body, caller.api_key_id)
    if created is None:
        raise TooManyImports
    return Answer(encode(created), 201, (("location", f"/v1/imports/{created.id}"),))


@operation("GET", "/v1/imports/{id}", tag="Imports", scope="contacts:read", answers=Import, noun="Import")
async def get_import(request: Request, id: UUID) -> Answer:
    """Get an import.

    Tells how far it is, and what came of it. Events of the contacts that it writes have `import-` and its id as their `requestId`.
    """
    return Answer(encode(await _get(request, id)))


@operation(
    "PUT",
    "/v1/imports/{id}/file",
    tag="Imports",
    scope="contacts:write",
    answers=Import,
    noun="Import",
    statuses=(409,),
    body_types=BODY_TYPES,
    body_bytes_max=IMPORT_BYTES_MAX,
)
async def put_import_file(request: Request, id: UUID) -> Answer:
    """Upload the file of an import.

    The bytes as they are, in UTF-8, UTF-16 or Windows-1252. A file that cannot be read at all is refused with `UNUSABLE_FILE` and why, and another
    may be sent; so it is with an upload that breaks off. Afterwards the import is `CHECKING` or, without `dryRun`, `RUNNING`.
    """
    found = await _get(request, id)
    if found.status != "AWAITING_FILE":
        raise ImportStatusMismatch(found.status, ["AWAITING_FILE"])
    chunks = stream_body(request, request.archive.import_bytes_max)
    return Answer(encode(await store_file(request.database, request.archive.storage, found, chunks)))


@operation(
    "POST",
    "/v1/imports/{id}/confirm",
    tag="Imports",
    scope="contacts:write",
    answers=Import,
    noun="Import",
    statuses=(409,),
)
async def confirm_import(request: Request, id: UUID, body: ConfirmImport) -> Answer:
    """Confirm an import.

    `digest` is that of the dry run: it says that what it found has been seen. Each row is decided anew when it is written; so if contacts have
    changed since the dry run, counts may differ from those that it found.
    """
    found = await _get(request, id)
    confirmed = await jobs.confirm_import(request.database, UUID(found.workspace_id), id, body.digest)
    if confirmed is None:
        now = await _get(request, id)
        if now.status == "AWAITING_CONFIRMATION":
            raise ImportDigestMismatch
        raise ImportStatusMismatch(now.status, ["AWAITING_CONFIRMATION"])
    return Answer(encode(confirmed))


@operation(
    "POST",
    "/v1/imports/{id}/cancel",
    tag="Imports",
    scope="contacts:write",
    answers=Import,
    noun="Import",
    statuses=(409,),
)
async def cancel_import(request: Request, id: UUID) -> Answer:
    """Cancel an import.

    What it has written by then stays, as `counts` tells, and can be undone.
    """
    caller: Caller = request.caller
    canceled = await jobs.cancel_import(request.database, caller.scope.workspace_ids, id)
    if canceled is None:
        await _refuse(request, id, CANCELABLE)
    return Answer(encode(canceled))


@operation(
    "POST",
    "/v1/imports/{id}/undo",
    tag="Imports",
    scope="contacts:write",
    answers=Import,
    noun="Import",
    statuses=(409, 410),
)
async def undo_import(request: Request, id: UUID) -> Answer:
    """Undo an import.

    For 7 days after its end. Contacts that it created are deleted, unless somebody has changed or used them since (called them, put them into a
    sequence, recorded a consent, merged another contact into them); those that it updated get back each old value, where they still have the import's,
    but `allowPhoneCalls` never becomes true again. It is done in the background; `undone` counts it, and what was left.
    """
    caller: Caller = request.caller
    undoing = await jobs.undo_import(request.database, caller.scope.workspace_ids, id, caller.api_key_id)
    if undoing is None:
        if (await _get(request, id)).status in UNDOABLE:
            raise UndoExpired
        await _refuse(request, id, UNDOABLE)
    return Answer(encode(undoing))


@operation(
    "GET",
    "/v1/imports/{id}/errors",
    tag="Imports",
    scope="contacts:read",
    noun="Import",
    headers=("Content-Disposition",),
    answer_types=(CSV,),
)
async def get_import_errors(request: Request, id: UUID) -> Answer:
    """Get the file of errors of an import.

    CSV with a line for each row that was refused or is ambiguous, with the contacts that it may mean and by which keys, or that have its value of a unique field, and for each value that was left
    out, `allowPhoneCalls` of somebody who is not to be called included: line and column of the file, code and reason. No value is repeated. It holds the first 100,000 errors so far, of the dry run and then of the
    import.
    """
    found = await _get(request, id)
    workspace_id = UUID(found.workspace_id)
    head = io.StringIO(newline="")
    csv.writer(head).writerow(ERROR_HEADINGS)
    first = head.getvalue().encode()
    size, last = await jobs.measure_errors(request.database, workspace_id, id)
    headers = (NOT_STORED, ("content-disposition", f'attachment; filename="errors-{found.id}.csv"'))
    if request.scope.method == "HEAD":
        return Streamed(len(first) + size, 200, headers, CSV)

    async def pieces() -> AsyncIterator[bytes]:
        after = -1
        while piece := await jobs.next_errors(request.database, workspace_id, id, after=after, last=last):
            after, content = piece
            yield content

    return StreamAnswer(first, pieces(), len(first) + size, 200, headers, CSV)


@operation(
    "DELETE", "/v1/imports/{id}", tag="Imports", scope="contacts:write", noun="Import", success=204, statuses=(409,)
)
async def delete_import(request: Request, id: UUID) -> Answer:
    """Delete an import.

    With its file and its errors; what it has written stays, and can be undone no more. One that is being worked on is to be canceled first.
    """
    caller: Caller = request.caller
    uploads = await jobs.delete_import(request.database, caller.scope.workspace_ids, id)
    if uploads is None:
        await _refuse(request, id, [one for one in _STATUSES if one not in ACTIVE])
    await remove_uploads(request.archive.storage, id, uploads)
    return Answer(b"", 204)


async def _get(request: Request, id: UUID) -> Import:
    caller: Caller = request.caller
    found = await jobs.find_import(request.database, caller.scope.workspace_ids, id)
    if found is None:
        raise NotFound("Import")
    return found


async def _refuse(request: Request, id: UUID, needed: tuple[Status, ...] | list[Status]) -> NoReturn:
    """Say why something could not be done to an import."""
    raise ImportStatusMismatch((await _get(request, id)).status, needed)
