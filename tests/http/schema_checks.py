"""What Schemathesis is told beside the document: loaded by it, for `test_every_document_promise`."""

import re
from typing import Any

import schemathesis

# Faults in data that the document calls right, since no JSON Schema can say these rules. Every other refusal of such
# data is a mistake, either in the document or in the server.
UNSAYABLE = {
    "MALFORMED_ETAG",  # If-Match is a list of tags
    "INVALID_CURSOR",  # a cursor is what a list gave
    "CONFLICTING_PARAMETERS",  # sort beside updatedSince
    "INVALID_PHONE_NUMBER",  # possible numbers, country by country
    "DUPLICATE_PHONE_NUMBER",  # the contract has no uniqueItems
    "DUPLICATE_CUSTOM_FIELD",  # by slug and by name
    "UNKNOWN_CUSTOM_FIELD",  # the fields of one workspace
    "DUPLICATE_OPTION",  # keys and labels, each once
    "OPTIONS_NOT_ALLOWED",  # beside another type than select
    "IMMUTABLE",  # the type that a field has
    "UNKNOWN_MEMBER",  # the members of one workspace
    "UNKNOWN_CONTACT",  # and so on
    "UNKNOWN_PHONE_NUMBER",
    "UNKNOWN_SEQUENCE",
    "UNKNOWN_TAG",
    "SEQUENCE_RUN_MISMATCH",  # the sequence of a session that is known
    "DUPLICATE_TAG",  # uniqueItems makes a set of the list in generated clients, which is no JSON
    "CALL_NOT_ENDED",  # endedAt beside a status that is not final
    "OUT_OF_ORDER",  # one moment after another
    "OUT_OF_RANGE",  # moments: not too old, nor in the future
    "DIGEST_MISMATCH",  # of the bytes of a recording
    "UNKNOWN_FIELD",  # Prefer: handling=strict
    "INVALID_EMAIL",  # `format: email` is looser than what can be delivered
    "UNUSABLE_FILE",  # what a file of contacts holds
    "INVALID_ID",  # of workspaceIds, separated by commas
}
# The same for codes that are otherwise sayable, by the place where they are not.
UNSAYABLE_AT = {
    ("/phoneNumber", "REQUIRED"),  # or contactId
    ("/options", "REQUIRED"),  # of a select
    ("/options", "TOO_MANY_ITEMS"),  # that can be chosen, beside archived ones
    ("/contact", "REQUIRED"),  # one of the keys that `match` names
    ("/contact/firstName", "REQUIRED"),  # of an upsert that finds no contact
    ("/contact/lastName", "REQUIRED"),
    ("/contact/phoneNumbers", "REQUIRED"),
    ("/purpose", "REQUIRED"),  # of consent that is given
    ("/legalBasis", "REQUIRED"),
    ("/sequenceId", "REQUIRED"),  # beside sequenceRunId
    ("/transcript", "REQUIRED"),  # or a summary, if COMPLETED
    ("/query/timezone", "UNKNOWN_VALUE"),  # the names of IANA
    ("/query/region", "UNKNOWN_VALUE"),  # those countries whose numbers are known
    ("/timezone", "UNKNOWN_VALUE"),
    ("/region", "UNKNOWN_VALUE"),
    ("/defaultCountry", "UNKNOWN_VALUE"),
    ("/preset", "CONFLICTING_PARAMETERS"),  # beside another format
    ("/text", "TOO_MANY_ITEMS"),  # words
    ("/query", "REQUIRED"),  # one of several
    ("/query/startDate", "INVALID_FORMAT"),  # how many days a month has
    ("/query/endDate", "INVALID_FORMAT"),
}

# Audio is sent as the bytes that it is.
schemathesis.serializer.alias(["audio/wav", "audio/mpeg", "audio/ogg", "audio/mp4"], "application/octet-stream")


@schemathesis.hook
def map_headers(ctx: schemathesis.HookContext, headers: dict[str, Any] | None) -> dict[str, Any] | None:
    """Leave out each good Idempotency-Key: the few that are generated would mostly repeat an answer, rightly."""
    key = (headers or {}).get("Idempotency-Key")
    if headers is not None and isinstance(key, str) and re.fullmatch(r"[\x20-\x7e]{1,255}", key):
        return {name: value for name, value in headers.items() if name != "Idempotency-Key"}
    return headers


@schemathesis.check
def right_data_is_refused_for_what_no_schema_says(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """Fail for right data that is refused with a fault which the document could have told."""
    positive = case.meta is not None and case.meta.generation.mode is schemathesis.GenerationMode.POSITIVE
    if not positive or response.status_code != 400:
        return
    details = response.json()["error"].get("details", [])
    # OpenAPI 3.0 has no word for the names of properties, and the pattern of URLs is an approximation. What a filter may
    # hold depends on its field, which the descriptions tell.
    codes = {
        one["code"]
        for one in details
        if not re.match("(/contact)?(/customFields/|/evidence/|/mapping/|/url$|/linkedin|/filter)", one["pointer"])
        and (one["pointer"], one["code"]) not in UNSAYABLE_AT
    }
    assert codes <= UNSAYABLE, f"right by the document, and refused: {codes - UNSAYABLE}"


@schemathesis.check
def every_answer_has_its_headers(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """Fail for an answer without request id and budget."""
    for name in ("x-request-id", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"):
        assert len(response.headers.get(name, [])) == 1, f"{name} is missing"
