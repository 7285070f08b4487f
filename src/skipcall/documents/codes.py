"""Every code that an answer can carry, explained: the page that `docUrl` of each error leads to.

Codes and statuses come from the classes of refusals; here stand the words. A test finds every code in the source and
refuses one without words, and words without a code.
"""

from collections.abc import Iterator

from skipcall.documents.articles import Article, Entry, Section
from skipcall.errors import FAULTS_MAX, Refusal
from skipcall.http import problems
from skipcall.telephony import model as telephony  # noqa: F401 - no operation loads its refusals yet

# Of `error.code`: what happened, and what to do.
REFUSALS = {
    "UNAUTHORIZED": (
        "There is no API key in the request, or not one that is in force: mistyped, expired and revoked look the same.",
        (
            "Send `Authorization: Bearer sk_live_…` or `sk_test_…`, once. If the key is right, ask who made it whether it was "
            "revoked or has expired, and make a new one. Sending the same key again does not help."
        ),
    ),
    "FORBIDDEN": (
        "The key is known, but may not do this.",
        "Ask an administrator of the organization for another key.",
    ),
    "SUBSCRIPTION_REQUIRED": (
        "The organization has no subscription in force.",
        "Renew the subscription; the key works again within a second and need not be replaced.",
    ),
    "PLAN_NOT_ELIGIBLE": (
        "The plan of the organization does not include the API.",
        "Change to STARTER, INTERMÉDIAIRE or EXPERT; the key works again within a second and need not be replaced.",
    ),
    "INSUFFICIENT_SCOPE": (
        "The key was not given the scope that this operation needs, for example `contacts:write`.",
        "`GET /v1/me` lists the scopes of a key. Make a key that has this one too.",
    ),
    "NOT_FOUND": (
        "There is no such thing, or it is in a workspace that the key does not open: the two are answered alike.",
        "Check the id and the path, and with `GET /v1/me` the workspaces of the key. Test keys see only test workspaces.",
    ),
    "METHOD_NOT_ALLOWED": (
        "The path exists, but does not answer this method.",
        "The header `Allow` names the methods that it answers.",
    ),
    "VALIDATION_ERROR": (
        "The request breaks at least one rule.",
        (
            f"`details` lists every fault, at most {FAULTS_MAX}; each has a `pointer` to its place and a code of those below. "
            "Correct the request; as it is, it will be refused again. Nothing was changed."
        ),
    ),
    "UNKNOWN_CUSTOM_FIELD": (
        (
            "A key of `customFields` is neither the slug nor the name of a custom field of the contact's workspace; or a search "
            "asks for `customFields.` and a slug that no custom field has."
        ),
        (
            "`suggestion` names the field that looks most like it. `GET /v1/custom-fields` lists all; "
            "`POST /v1/custom-fields` creates one. Nothing was changed."
        ),
    ),
    "REQUEST_TIMEOUT": (
        "The body did not arrive in time.",
        "Send the request again, with an `Idempotency-Key` if it creates something.",
    ),
    "CONFLICT": (
        "The request is right, but cannot stand beside what is stored or running.",
        "Read the record again, then decide.",
    ),
    "IDEMPOTENCY_KEY_IN_USE": (
        "The first request with this `Idempotency-Key` is still running.",
        "Send the same request again after `Retry-After` seconds; it then answers the result of the first.",
    ),
    "AMBIGUOUS_MATCH": (
        (
            "The keys of an upsert lead to several contacts, or a phone number or e-mail address leads to a contact that has "
            "another `externalId` (and so has each one that was merged into it), or the `externalId` is that of a contact that was not to be looked for by it."
        ),
        (
            "`candidates`, inside `error`, lists the contacts, at most 100, each with its `externalId` and the keys that led to it "
            "(`matchedBy`). Send the `id` of the one that is meant, or narrow `match`. Nothing was changed."
        ),
    ),
    "TOO_MANY_PHONE_NUMBERS": (
        "The contact has as many phone numbers as it may have, or two that are merged have more.",
        "Remove one that is not needed any more.",
    ),
    "LAST_PHONE_NUMBER": (
        "The phone number is the only one of the contact, and a contact always keeps one.",
        "Add another number first, or delete the contact.",
    ),
    "CUSTOM_FIELD_NAME_TAKEN": (
        "Another custom field of the workspace has this name, or has it as its slug: both are keys of `customFields`.",
        "Use that field, or another name.",
    ),
    "TOO_MANY_CUSTOM_FIELDS": (
        "The workspace has as many custom fields as it may have.",
        "Delete one that is not needed any more.",
    ),
    "TOO_MANY_OPTIONS": (
        "The custom field would keep too many options, with those that were archived since contacts may have them.",
        "Change labels instead of making new options, or make another field.",
    ),
    "CUSTOM_VALUE_TAKEN": (
        "Another contact of the workspace has this value of a custom field that is unique.",
        (
            "`details` names the fields; `suggestion` is the id of the contact that has the value, absent if that one was written "
            "at the same moment. Change that contact, or send another value. A field that was deleted keeps its values, and holds back a contact "
            "that is to be restored: restore the field first (`POST /v1/custom-fields/{id}/restore`). Nothing was changed."
        ),
    ),
    "CUSTOM_VALUES_NOT_UNIQUE": (
        "The custom field cannot be made unique, since some of its values are on more than one contact.",
        "The message tells how many values; `suggestion` lists contacts with the same one. Change these, then try again.",
    ),
    "RECORDING_PROCESSING": (
        "The call has a recording that is not here yet: the provider is still at it, or it is being fetched.",
        "Ask again after `Retry-After` seconds.",
    ),
    "RECORDING_ABSENT": (
        "The call has no recording and never will; the message tells what its provider said.",
        "Do not ask again.",
    ),
    "RECORDING_FAILED": (
        "The call was recorded, but the recording could not be fetched or kept; the message tells why.",
        "Upload the audio with `PUT /v1/calls/{id}/recording/audio` if you have it.",
    ),
    "RECORDING_ERASED": (
        "The recording was erased. The call stays.",
        "Do not ask again.",
    ),
    "RECORDING_LINK_EXPIRED": (
        "The address of the audio was good for some minutes, which are over.",
        "Ask for a new one with `GET /v1/calls/{id}/recording/audio?redirect=true`.",
    ),
    "GONE": (
        "What was here has been erased.",
        "Do not ask again.",
    ),
    "CURSOR_EXPIRED": (
        "Changes after this cursor may have been forgotten: it is older than `SKIPCALL_CHANGES_DAYS`, or the database was restored from a copy.",
        "Begin the feed anew without a cursor. The last change of everything is kept for good, so nothing is missing but old values.",
    ),
    "TOO_MANY_EXPORTS": (
        "The workspace has as many exports under way as it may have at once.",
        "Wait until one of them has ended, or delete one.",
    ),
    "EXPORT_UNFINISHED": (
        "The file of the export is not there yet.",
        "Ask for the export itself now and then until its status is `COMPLETED`. Exports are made by `skipcall worker`, which runs beside the server by default.",
    ),
    "EXPORT_GONE": (
        "The export has no file: it failed, or has been kept for as long as exports are.",
        "Ask for a new export.",
    ),
    "TOO_MANY_IMPORTS": (
        "The workspace has as many imports under way as it may have at once; those that wait for a file or a confirmation count too.",
        "Wait until one of them has ended, or cancel one.",
    ),
    "IMPORT_STATUS": (
        "What is asked of the import cannot be done as it now stands: `message` names its status, and those in which it can.",
        "Ask for the import itself until it has such a status. Imports are done by `skipcall worker`, which runs beside the server by default.",
    ),
    "IMPORT_DIGEST_MISMATCH": (
        "What is confirmed is not what the dry run found.",
        "Look at `dryRun` of the import, and send its `digest`.",
    ),
    "UNDO_EXPIRED": (
        "The import ended too long ago to be undone.",
        "`undoUntil` of an import tells until when it can be.",
    ),
    "CONTACT_MERGED": (
        "The contact was merged into another one.",
        "The header `Link` names that one; use it from now on. `POST /v1/contacts/{id}/unmerge` undoes the merge.",
    ),
    "CALL_ERASED": (
        "The call was erased with the person that it was with. It can still be read: that it took place, when and how it ended.",
        "Nothing can be written to it any more.",
    ),
    "CONTACT_ERASED": (
        "The contact was erased, with all that was known of the person.",
        "Nothing brings it back. The message names the erasure, whose receipt tells when it was and who asked for it.",
    ),
    "PERSON_ERASED": (
        (
            "The new contact has, or the one that an upsert leads to would get, an e-mail address, a LinkedIn profile, an external id, or a phone number together with the last name "
            "of somebody who was erased in this workspace."
        ),
        (
            "Take the person out of the list that this came from. If they came back by their own will, create or upsert them alone, with "
            "`allowErased=true`, which batches and imports do not take; the history of a new contact then tells so."
        ),
    ),
    "RESTORE_EXPIRED": (
        "What was deleted or merged can be brought back for some days, which are over.",
        "Create the contact anew.",
    ),
    "RESTORE_BY_UNMERGE": (
        "The contact was merged, not deleted. `conflictingId` is the contact that took it in.",
        "Undo the merge with `POST /v1/contacts/{id}/unmerge`.",
    ),
    "CONTACT_NOT_MERGED": (
        "The contact was not merged into another one, so there is no merge to undo.",
        "Nothing is to be done. The id to undo a merge with is that of the contact that went.",
    ),
    "MERGE_TARGET_GONE": (
        "The contact that took this one in is itself deleted or merged; `conflictingId` is its id.",
        "Restore that contact, or undo its merge, first.",
    ),
    "MERGED_LATER": (
        "Another contact was merged into the same one after this one; `conflictingId` is its id.",
        "Undo that merge first: merges are undone in the opposite order.",
    ),
    "TOO_MANY_CALLS": (
        "The contact that goes has more calls than can be moved at once.",
        "Merge the other way round: the contact with more calls stays.",
    ),
    "EXTERNAL_ID_TAKEN": (
        "Another contact of the workspace has this `externalId`; `conflictingId` is its id.",
        "Use that contact, or give one of the two another `externalId`.",
    ),
    "RANGE_NOT_SATISFIABLE": (
        "`Range` begins beyond the end; `Content-Range` tells how long the whole is.",
        "Ask for a part that exists, or for the whole.",
    ),
    "TAG_LABEL_TAKEN": (
        "Another tag of the workspace has this label.",
        "Use that tag, or another label.",
    ),
    "TOO_MANY_TAGS": (
        "The workspace has as many tags as it may have.",
        "Delete one that is not needed any more.",
    ),
    "LAST_SUCCESS_TAG": (
        "The tag is the only one of its workspace with `isSuccessTag`, and a workspace always keeps one.",
        "Create another success tag, or make another tag one, first.",
    ),
    "VERSION_MISMATCH": (
        "`If-Match` names a version, and the record has been changed since.",
        "Read the record again, apply your change to what it is now, and send the new `ETag`.",
    ),
    "PAYLOAD_TOO_LARGE": (
        "The body is larger than a body may be.",
        "`GET /v1/me` tells the limit (`limits.bodyBytesMax`). Send less at once.",
    ),
    "UNSUPPORTED_MEDIA_TYPE": (
        "The body is not JSON in UTF-8, or it is compressed.",
        (
            "Send `Content-Type: application/json` (a PATCH also takes `application/merge-patch+json`) and no "
            "`Content-Encoding`."
        ),
    ),
    "IDEMPOTENCY_KEY_REUSED": (
        "This `Idempotency-Key` came before, with another path, query or body.",
        "Use a new key for each thing you want done, and repeat it only with the very same request.",
    ),
    "RATE_LIMIT_EXCEEDED": (
        (
            "The organization has sent as many requests in the last 60 seconds as its plan allows; or, without a valid key, your "
            "address has."
        ),
        "Wait `Retry-After` seconds: one request then fits. `X-RateLimit-Remaining` tells beforehand how many do.",
    ),
    "REQUEST_HEADERS_TOO_LARGE": (
        "The header fields are too many or too long.",
        "Send fewer; cookies are not needed here.",
    ),
    "MALFORMED_REPORT": (
        "What a telephony provider sent is not what it documents.",
        "Look at the message; if the provider is right, tell the operator the `requestId`.",
    ),
    "UNSIGNED_REPORT": (
        "A report of a telephony provider does not carry a valid signature of its source.",
        "Check the secret that the source was made with, and the public address that the provider calls.",
    ),
    "INTERNAL_ERROR": (
        "The server failed in a way that it does not know.",
        "Trying again later may help. Tell the operator the `requestId`: it finds the failure in the logs.",
    ),
    "SERVICE_UNAVAILABLE": (
        "Something that the server needs, such as its database, does not answer for the moment.",
        "Send the request again after `Retry-After` seconds, with an `Idempotency-Key` if it creates something.",
    ),
}

# Of refusals that only the command line can meet.
COMMAND_LINE = {
    "IMPORT_RUNNING": "Another process imports the same file into the same workspace. Let it finish.",
    "PHONE_NUMBER_TAKEN": "The workspace has this managed phone number already.",
    "SECRET_MISMATCH": (
        "What is in the database was made under another secret than the one that is set: no API key would open anything, no number on "
        "the do-not-call list and nobody who was erased would be known again. Set `SKIPCALL_SECRET` to the secret of that time."
    ),
}

# Of rows of a file of contacts, beside those of faults: what no request can have.
ROWS = {
    "DAMAGED_TEXT": "A letter was lost to a wrong encoding before the file came here (U+FFFD). The value is kept; export the file as UTF-8.",
    "EXTENSION_DROPPED": "The phone number is kept without its extension.",
    "NOT_A_PERSON": "The card of an address book is one of a group. The row is refused.",
    "PHONE_DAMAGED": (
        "A spreadsheet stored a phone number as a power of ten (`3.36E+10`), and its last digits are lost. "
        "Export the column as text."
    ),
    "REFUSAL_KEPT": (
        "The row says that a contact may be called whose `allowPhoneCalls` is false: that stays, and the rest of the row is applied. "
        "Who knows better sets it with a PATCH."
    ),
    "TOO_MANY_EMAILS": "The cell holds several e-mail addresses. The first is kept: a contact has one.",
    "ROW_UNREADABLE": "Where the row ends cannot be told: a quote is never closed, or the line is too long. The row is refused.",
    "TOO_MANY_CELLS": "The row has more cells than the header: a cell with a delimiter in it is not quoted. The row is refused.",
}

# Of `error.details[].code`: what is wrong.
FAULTS = {
    "SAME_CONTACT": "`contactId` is the contact of the path: a contact cannot be merged into itself.",
    "MALFORMED_REPORT": "A report of a telephony provider cannot be read as what that provider documents.",
    "DIGEST_MISMATCH": "The recording that arrived has another SHA-256 than `Repr-Digest` or `Content-Digest` says. Nothing was kept.",
    "MALFORMED_JSON": "The body is no valid JSON in UTF-8.",
    "INCOMPLETE_BODY": "The connection ended, or the chunks broke off, before the body was complete.",
    "DUPLICATE_KEY": "A property stands twice in one object; which of the two is meant cannot be known.",
    "TOO_DEEP": "Objects and arrays are nested deeper than any body of this API needs.",
    "REQUIRED": "A property that must be there is absent.",
    "NULL_NOT_ALLOWED": "This property may be left out, but not be null.",
    "WRONG_TYPE": "The value is of another JSON type than it must be.",
    "UNKNOWN_VALUE": "The value is not one of those allowed.",
    "UNKNOWN_FIELD": (
        "Under `Prefer: handling=strict`: this name is not known, or is of a property that cannot be set. `suggestion` may "
        "name the one that was meant."
    ),
    "UNKNOWN_CUSTOM_FIELD": "The workspace of the contact has no custom field with this slug or name.",
    "REQUIRED_CUSTOM_FIELD": "The workspace asks for a value of this custom field; a new contact lacks it, or a change clears it.",
    "CUSTOM_VALUE_TAKEN": "Another contact has this value of a unique custom field; its id is in `suggestion`, where it is known.",
    "CUSTOM_VALUES_NOT_UNIQUE": "The contacts whose ids are in `suggestion` have the same value of the field.",
    "INVALID_NUMBER": "This custom field takes decimal numbers, without exponent, spaces or a comma.",
    "INVALID_DATE": "This custom field takes days that exist, in the form `2026-11-23`.",
    "INVALID_BOOLEAN": "This custom field takes `true` and `false`.",
    "UNKNOWN_OPTION": (
        "This custom field takes the keys and labels of its options. `suggestion` may be the key of the one that was meant."
    ),
    "DUPLICATE_OPTION": "Two options of the list have the same key or the same label.",
    "OPTIONS_NOT_ALLOWED": "Options are for custom fields of type `select`.",
    "IMMUTABLE": "This property never changes.",
    "UNKNOWN_FILTER_FIELD": "Contacts cannot be searched by a field of this name. `suggestion` may name the one that was meant.",
    "UNKNOWN_OPERATOR": "A field of this kind has no such operator, and the message lists those it has; or no field has it.",
    "INVALID_FILTER": (
        "This part of a filter has the wrong parts: it must have one of `and`, `or`, `not`, or a `field` with its `operator` and, "
        "if that takes one, a `value`."
    ),
    "DUPLICATE_CUSTOM_FIELD": "One custom field is given twice, by its slug and by its name.",
    "TOO_SHORT": "The text has too few characters.",
    "TOO_LONG": "The text has too many characters.",
    "TOO_SMALL": "The number is too small.",
    "TOO_LARGE": "The number is too large.",
    "TOO_FEW_ITEMS": "The array or object has too few items.",
    "TOO_MANY_ITEMS": "The array or object has too many items.",
    "FORBIDDEN_CHARACTER": "The text holds a control character, such as a line break, a tab or NUL; notes may have lines.",
    "INVALID_EMAIL": "This is no e-mail address.",
    "INVALID_URL": "This is no absolute `http` or `https` address.",
    "INVALID_PHONE_NUMBER": (
        "This is no phone number in E.164 form, `+` and the country code first, or no number of that country is so long. Of a "
        "filter: no number of the region, in any form."
    ),
    "DUPLICATE_PHONE_NUMBER": "This number stands twice in the list.",
    "UNKNOWN_MEMBER": "This person is no member of the workspace or, where an assignee is meant, is none of the sequence's.",
    "INVALID_ID": "At least one of the ids is no UUID, or there are too many.",
    "INVALID_CURSOR": "The cursor is not one that this list has given, or comes from a list in another order, or a search for something else.",
    "INVALID_FORMAT": "The value does not have the form that it must have.",
    "OUT_OF_RANGE": (
        "The time, taken to UTC, is before the year 1 or after the year 9999; or, in what is written, earlier or later than "
        "the message says."
    ),
    "OUT_OF_ORDER": "A call starts, rings, is answered and ends, in this order: this moment is before one it must follow.",
    "CALL_NOT_ENDED": "The call has an end, but a status of a call that goes on.",
    "DUPLICATE_TAG": "This tag stands twice in the list.",
    "UNUSABLE_FILE": "The file cannot be imported at all; `message` says why and, where there is one, the way out.",
    "UNKNOWN_HEADING": "The file has no column with this heading, or this is no property that is read of a card. `suggestion` may name what was meant.",
    "DUPLICATE_COLUMN": "Two columns of the file have the same heading, or by `mapping` the same meaning, and fill a property that has one value; `message` "
    "names both. Several columns may hold phone numbers.",
    "UNKNOWN_CONTACT": "The workspace has no contact with this id.",
    "UNKNOWN_TAG": "The workspace has no tag with this id, or it was deleted.",
    "UNKNOWN_PHONE_NUMBER": "The workspace has no managed phone number with this id.",
    "UNKNOWN_SEQUENCE": "The workspace has no sequence with this id.",
    "SEQUENCE_RUN_MISMATCH": "The id is that of a session of another sequence.",
    "MALFORMED_ETAG": "`If-Match` is neither `*` nor a list of entity tags in quotation marks.",
    "NOT_CONDITIONAL": "`If-Match` names a version, and this operation looks at none: somebody's change might be overwritten unseen.",
    "MALFORMED_QUERY": "The query string cannot be read, or has too many parameters.",
    "DUPLICATE_PARAMETER": "This query parameter may be given once.",
    "CONFLICTING_PARAMETERS": "Two query parameters exclude each other.",
    "TOO_MANY_BUCKETS": "The period has more hours, days, weeks or months than one answer may hold.",
}


def statuses() -> dict[str, int]:
    """Return the HTTP status of every code that an answer can have, by status and then by code."""
    found = {problems.FAILURE_CODE: problems.FAILURE_STATUS}
    for kind in _kinds(Refusal):
        if kind.code not in COMMAND_LINE:
            found[kind.code] = problems.status_of(kind)
    return dict(sorted(found.items(), key=lambda one: (one[1], one[0])))


def article() -> Article:
    """Return the page about codes. Raises `KeyError` for a code that nothing is said about."""
    refusals = [
        Entry(code, f"`{code}`", (f"Status {status}. {REFUSALS[code][0]}", REFUSALS[code][1]))
        for code, status in statuses().items()
    ]
    faults = [Entry(f"fault-{code}", f"`{code}`", (text,)) for code, text in sorted(FAULTS.items())]
    rows = [Entry(f"row-{code}", f"`{code}`", (text,)) for code, text in sorted(ROWS.items())]
    command_line = [Entry(code, f"`{code}`", (text,)) for code, text in sorted(COMMAND_LINE.items())]
    return Article(
        title="Errors",
        introduction=(
            'Every refusal is `{"error": {"code", "message", "status", "requestId", "docUrl"}}`, also where the request did '
            "not reach an operation; only what is no valid HTTP gets a 400, 414 or 431 without a body. "
            "Decide by `code`: it does not change. `message` is for people and may. `requestId` is "
            "the header `X-Request-Id` once more; quote it when you ask for help."
        ),
        sections=(
            Section("Codes", "What `error.code` can be, by status.", tuple(refusals)),
            Section(
                "Faults",
                "What `error.details[].code` can be, with status 400 or 409. `pointer` tells where: a JSON pointer (RFC 6901) into "
                "the body, or `/query/` or `/header/` and a name. The value itself is never repeated.",
                tuple(faults),
            ),
            Section(
                "Rows of a file",
                "What `code` can be in the file of errors of an import, beside the codes above: `AMBIGUOUS_MATCH` and `PERSON_ERASED` of a row, "
                "and those of faults. `column` is the heading.",
                tuple(rows),
            ),
            Section("On the command line", "Codes that no HTTP answer has.", tuple(command_line)),
        ),
    )


def _kinds(kind: type[Refusal]) -> Iterator[type[Refusal]]:
    for one in kind.__subclasses__():
        if one.__module__.startswith("skipcall."):
            yield one
        yield from _kinds(one)
