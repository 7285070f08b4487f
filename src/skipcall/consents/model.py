"""An entry of the ledger of a contact, and the rules for a new one."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from skipcall import clock
from skipcall.do_not_call.model import Evidence, SourceText, text_faults
from skipcall.errors import Fault
from skipcall.page import PageQuery
from skipcall.workspaces.model import ID_EXAMPLE, Id, Timestamp

PURPOSE_LENGTH_MAX = 200
WORDING_LENGTH_MAX = 10_000
YEAR_MIN = 1900  # some systems write the first day of all for none
AHEAD_SECONDS_MAX = 300  # clocks differ

GivenStatus = Literal["given", "refused", "withdrawn", "objected"]
Status = Literal["given", "refused", "withdrawn", "objected", "asserted"]
LegalBasis = Literal["consent", "current_contract", "b2b_legitimate_interest"]

_NOT_IN_WORDING = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")  # line ends and tabs may stand there
_SHA256 = {"pattern": "^[0-9a-f]{64}$", "example": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}

Purpose = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=PURPOSE_LENGTH_MAX,
        description="What calls are for",
        extra_json_schema={"example": "Offers about renovation", "pattern": r"^[^\x00-\x1f\x7f-\x9f]*$"},
    ),
]
Wording = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=WORDING_LENGTH_MAX,
        description="The text that was agreed to, or the person's own words; lines may end",
        extra_json_schema={
            "example": "I agree to be called about renovation.",
            "pattern": r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$",
        },
    ),
]


class Consent(msgspec.Struct, frozen=True, rename="camel"):
    """An entry of the ledger. It never changes."""

    id: Id
    position: Annotated[int, Meta(description="In the contact's ledger, from 1", extra_json_schema={"example": 2})]
    status: Annotated[
        Status,
        Meta(
            description=(
                "`given`, `refused`, `withdrawn` or `objected` as it was recorded. A change of `allowPhoneCalls` alone is "
                "`objected` if it became false, `asserted` if it became true: somebody says so, and no more is known"
            )
        ),
    ]
    legal_basis: LegalBasis | None
    purpose: Purpose | None
    obtained_at: Timestamp
    source: Annotated[
        str,
        Meta(
            description="`API` or `SKIPCALL` where `allowPhoneCalls` was changed",
            extra_json_schema={"example": "Phone call"},
        ),
    ]
    wording: Wording | None
    wording_sha256: Annotated[str | None, Meta(description="Of its UTF-8 bytes", extra_json_schema=_SHA256)]
    evidence: Evidence
    contact_version: Annotated[
        int,
        Meta(
            description="Version of the contact. If it changed with this entry, the change of this version names key and request",
            extra_json_schema={"example": 3},
        ),
    ]
    api_key_id: Annotated[str | None, Meta(description="Who recorded it", extra_json_schema={"example": ID_EXAMPLE})]
    recorded_at: Timestamp
    previous_hash: Annotated[str | None, Meta(description="`hash` of the entry before", extra_json_schema=_SHA256)]
    hash: Annotated[str, Meta(description="Of the entry before and this one", extra_json_schema=_SHA256)]


class RecordConsent(msgspec.Struct, frozen=True, rename="camel"):
    """What a person said about being called. `given` needs `legalBasis` and `purpose`."""

    status: Annotated[GivenStatus, Meta(description="What was said")]
    source: SourceText
    legal_basis: Annotated[LegalBasis | None, Meta(description="What calls rest on")] = None
    purpose: Purpose | None = None
    obtained_at: Annotated[
        Annotated[datetime, Meta(tz=True)] | None, Meta(description="When it was said; now, if absent")
    ] = None
    wording: Wording | None = None
    evidence: Evidence = msgspec.field(default_factory=dict)

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return the faults that types cannot say."""
        faults = text_faults(fields, ("source", "purpose"))
        if _NOT_IN_WORDING.search(fields.get("wording") or ""):
            faults.append(Fault("/wording", "FORBIDDEN_CHARACTER", "Of control characters, only lines may end"))
        if fields.get("obtainedAt") and not _is_past(msgspec.convert(fields["obtainedAt"], datetime)):
            faults.append(Fault("/obtainedAt", "OUT_OF_RANGE", f"Must be in the past, from {YEAR_MIN} on"))
        if fields.get("status") == "given":
            missing = [name for name in ("legalBasis", "purpose") if fields.get(name) is None]
            faults += [Fault(f"/{name}", "REQUIRED", "Consent that is given needs this") for name in missing]
        return faults


class ListContactConsents(PageQuery, frozen=True, rename="camel", kw_only=True):
    """Query parameters of the ledger."""


def _is_past(moment: datetime) -> bool:
    try:
        utc = moment.astimezone(UTC)
        return utc.year >= YEAR_MIN and utc <= clock.now() + timedelta(seconds=AHEAD_SECONDS_MAX)
    except OverflowError:
        return False
