"""Operations on exports."""

from uuid import UUID

import msgspec

from skipcall.api_keys.model import Caller
from skipcall.errors import NotFound
from skipcall.exports import queries
from skipcall.exports.actions import key_of, remove_files
from skipcall.exports.model import (
    MEDIA_TYPES,
    CreateExport,
    CreateExportQuery,
    Export,
    ExportGone,
    ExportUnfinished,
    ListExports,
    TooManyExports,
)
from skipcall.http.objects import PART, SHOWN, answer_object
from skipcall.http.request import Answer, Request
from skipcall.http.routing import canonical_uuid, operation
from skipcall.page import Page, make_page_of_ids
from skipcall.storage.model import ObjectMissing

_ORDER = "x"

encode = msgspec.json.Encoder().encode


@operation("GET", "/v1/exports", tag="Exports", scope="contacts:read", answers=Page[Export])
async def list_exports(request: Request, query: ListExports) -> Answer:
    """List exports.

    Newest first.
    """
    caller: Caller = request.caller
    exports, total = await queries.list_exports(
        request.database,
        query.narrow(caller.scope.workspace_ids),
        before=query.before(_ORDER),
        limit=query.size + 1,
        offset=query.offset,
    )
    return Answer(encode(make_page_of_ids(query, _ORDER, exports, total)))


@operation(
    "POST",
    "/v1/exports",
    tag="Exports",
    scope="contacts:read",
    answers=Export,
    noun="Workspace",
    success=201,
    statuses=(404, 409),
)
async def create_export(request: Request, body: CreateExport, query: CreateExportQuery) -> Answer:
    """Export all contacts of a workspace.

    The file is made in the background, of the contacts as they are at one moment, whatever is written meanwhile. Ask for the export until its
    status is `COMPLETED`, then take the file from `/v1/exports/{id}/file`. It is kept for 7 days.
    """
    caller: Caller = request.caller
    workspace_id = canonical_uuid(query.workspace_id) if query.workspace_id else caller.default_workspace_id
    if workspace_id not in caller.scope.workspace_ids:
        raise NotFound("Workspace")
    export = await queries.create_export(request.database, workspace_id, body.format, caller.api_key_id)
    if export is None:
        raise TooManyExports
    return Answer(encode(export), 201, (("location", f"/v1/exports/{export.id}"),))


@operation("GET", "/v1/exports/{id}", tag="Exports", scope="contacts:read", answers=Export, noun="Export")
async def get_export(request: Request, id: UUID) -> Answer:
    """Get an export.

    Tells how far it is.
    """
    export, _ = await _get(request, id)
    return Answer(encode(export))


@operation(
    "GET",
    "/v1/exports/{id}/file",
    tag="Exports",
    scope="contacts:read",
    noun="Export",
    statuses=(409, 410, 416),
    headers=SHOWN,
    conditional=True,
    answer_types=tuple(MEDIA_TYPES.values()),
    other_successes={206: PART},
)
async def get_export_file(request: Request, id: UUID) -> Answer:
    """Get the file of an export.

    Takes `Range`, so a download that broke off goes on where it ended; `ETag` and `Repr-Digest` tell that it is the same file. In a
    CSV file, cells that a spreadsheet might take for a formula begin with an apostrophe, which an import takes off again; numbers stay as they are.
    """
    export, attempts = await _get(request, id)
    if export.status in ("PENDING", "RUNNING"):
        raise ExportUnfinished
    if export.status != "COMPLETED" or export.sha256 is None or export.size_bytes is None:
        raise ExportGone(export.status)
    try:
        return await answer_object(
            request,
            request.archive.storage,
            key_of(export.id, attempts),
            size=export.size_bytes,
            sha256=bytes.fromhex(export.sha256),
            etag=f'"{export.sha256[:32]}"',
            disposition=f'attachment; filename="contacts-{export.id}.{export.format}"',
            media_type=MEDIA_TYPES[export.format],
        )
    except ObjectMissing:
        raise ExportGone("FAILED") from None


@operation("DELETE", "/v1/exports/{id}", tag="Exports", scope="contacts:read", noun="Export", success=204)
async def delete_export(request: Request, id: UUID) -> Answer:
    """Delete an export.

    And its file, or stops making it.
    """
    caller: Caller = request.caller
    attempts = await queries.delete_export(request.database, caller.scope.workspace_ids, id)
    if attempts is None:
        raise NotFound("Export")
    await remove_files(request.archive.storage, id, attempts)
    return Answer(b"", 204)


async def _get(request: Request, id: UUID) -> tuple[Export, int]:
    caller: Caller = request.caller
    found = await queries.find_export(request.database, caller.scope.workspace_ids, id)
    if found is None:
        raise NotFound("Export")
    return found
