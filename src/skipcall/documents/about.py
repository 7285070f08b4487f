"""The words of the OpenAPI document that no declaration of an operation holds."""

from typing import Any

from skipcall.plans.model import REQUESTS_PER_MINUTE

TITLE = "Skipcall Public API"
VERSION = "1.0"  # of the API, not of this server

# In the order in which the documents show them.
TAGS = {
    "Contacts": "People to call: find, create, change and delete them",
    "Consents": "What people said about being called: a ledger to which entries are only added",
    "Do not call": "Numbers that are not to be called, whoever has them; no legal advice and no promise of compliance",
    "Calls": "Who called whom, when, and what it came to; calls come from telephony, files and this API",
    "Changes": "What has changed, for systems that keep a copy: every change once, in order, as soon as it is committed",
    "Imports": "Contacts from files: tried first, then written in the background, and undone if that was a mistake",
    "Exports": "Files of all contacts, as they are at one moment",
    "Personal data": "Everything that is known of a person: to be handed over, or erased for good",
    "Custom fields": "Your own properties of contacts: a name that may change, a slug that never does",
    "Tags": "Outcomes of calls, which people choose; some of them stand for a success",
    "Sequences": "Contacts to call, shared out among users, and the sessions in which they are called",
    "Phone numbers": "The numbers that a workspace calls from and is called on",
    "Workspaces": "The workspaces that an API key opens, and who works in them",
    "Users": "Members of the organization",
    "Statistics": "Calls counted: by tag, by status, by user, and how long people talked",
    "Ingest": "Where telephony providers report calls to; authenticated by the signature of the provider, not by an API key",
    "Account": "The API key in use: what it is and what it may do",
    "Health": "Whether the server works; these need no API key",
}

_DESCRIPTION = """\
## Overview

Read and write the contacts of your organization from a CRM, an automation tool or your own programs. Bodies and answers \
are JSON in UTF-8; times are ISO 8601 in UTC.

## Plans

The API is part of the plans {plans}.

## Authentication

Send an API key with every request:

```
Authorization: Bearer sk_live_...
```

A key opens the workspaces that it was made for and no others: whatever lies outside them is answered with 404, like \
something that does not exist. Keys that begin with `sk_live_` open live workspaces, those that begin with `sk_test_` \
test workspaces. Whoever runs the server makes the keys; the API never does.

## Rate limit

All keys of an organization share one budget, counted over any 60 seconds:

| Plan | Requests |
|------|----------|
{limits}

Every answer says how much is left:

- `X-RateLimit-Limit`: requests that fit in 60 seconds
- `X-RateLimit-Remaining`: requests that would be admitted right now
- `X-RateLimit-Reset`: Unix time at which the whole budget is free again

An answer 429 carries `Retry-After`; after that many seconds one request fits.

## Errors

Every refusal has the same form, `{{"error": {{"code", "message", "status", "requestId", "docUrl", "details"}}}}`. Decide by \
`code`; all codes are explained at `/docs/errors`. `details` lists every fault of a request at once, each with a JSON pointer.

## Safe writing

- A PATCH changes only what it names.
- Send `Idempotency-Key` with a POST or a PATCH and it may be repeated without acting twice.
- Send `If-Match` with the `ETag` of an earlier answer, to an operation that names it (the others refuse it), and nobody's change is overwritten unseen.
- Send `Prefer: handling=strict` and a misspelt property is refused instead of ignored.
"""


def info() -> dict[str, Any]:
    """Return the `info` object of the document."""
    *others, last = (f"**{plan}**" for plan in REQUESTS_PER_MINUTE)
    limits = "\n".join(f"| {plan} | {requests} |" for plan, requests in REQUESTS_PER_MINUTE.items())
    description = _DESCRIPTION.format(plans=f"{', '.join(others)} and {last}", limits=limits)
    return {"title": TITLE, "description": description.strip(), "version": VERSION, "contact": {}}
