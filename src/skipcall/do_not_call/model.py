"""An entry of the do-not-call list, and what a check of numbers says."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
import phonenumbers
from msgspec import Meta

from skipcall import clock
from skipcall.custom_fields.model import CONTROL_CHARACTERS, PRINTABLE
from skipcall.errors import Fault
from skipcall.page import PageQuery
from skipcall.workspaces.model import ID_EXAMPLE, Id, Timestamp

PHONE_NUMBER_LENGTH_MAX = 50  # as people write them
SOURCE_LENGTH_MAX = 200
EVIDENCE_MAX = 20
EVIDENCE_NAME_LENGTH_MAX = 100
EVIDENCE_LENGTH_MAX = 1_000
CHECKED_MAX = 1_000
LATEST = datetime(9999, 12, 31, tzinfo=UTC)

Reason = Literal["OPPOSITION", "REGULATORY", "INVALID", "MANUAL"]
Obstacle = Literal["DO_NOT_CALL", "NOT_ALLOWED", "UNREADABLE"]


def _example(description: str, example: Any) -> Any:
    return Meta(description=description, extra_json_schema={"example": example})


WhyListed = Annotated[
    Reason,
    Meta(description="The person objects, a rule forbids it, the number is nobody's, or another reason of yours"),
]
Written = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=PHONE_NUMBER_LENGTH_MAX,
        description="In any usual form",
        extra_json_schema={"example": "06 39 98 01 42"},
    ),
]
Region = Annotated[
    str,
    Meta(
        description="The country of numbers without a country code: ISO 3166-1 alpha-2; the workspace's if absent",
        extra_json_schema={"example": "FR", "pattern": "^[A-Za-z]{2}$"},
    ),
]
SourceText = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=SOURCE_LENGTH_MAX,
        description="Where it was said, or which list it comes from",
        extra_json_schema={"example": "Phone call", "pattern": PRINTABLE},
    ),
]
Evidence = Annotated[
    dict[str, Annotated[str, Meta(max_length=EVIDENCE_LENGTH_MAX, extra_json_schema={"pattern": PRINTABLE})]],
    Meta(
        max_length=EVIDENCE_MAX,
        description=f"What proves it, in words of your own; names have at most {EVIDENCE_NAME_LENGTH_MAX} characters",
        extra_json_schema={"example": {"callId": ID_EXAMPLE}},
    ),
]


class DoNotCallEntry(msgspec.Struct, frozen=True, rename="camel"):
    """A number that is not to be called. It is in force until it expires or is lifted."""

    id: Id
    phone_number: Annotated[str | None, _example("In E.164 form; null once the number was erased", "+33639980142")]
    reason: WhyListed
    source: SourceText | None
    evidence: Evidence
    workspace_id: Id
    created_at: Timestamp
    expires_at: Timestamp | None
    lifted_at: Timestamp | None


class CreateDoNotCallEntry(msgspec.Struct, frozen=True, rename="camel"):
    """A number that is not to be called from now on."""

    phone_number: Written
    reason: WhyListed
    region: Region | None = None
    source: SourceText | None = None
    evidence: Evidence = msgspec.field(default_factory=dict)
    expires_at: Annotated[Annotated[datetime, Meta(tz=True)] | None, Meta(description="Never, if absent")] = None

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return the faults that types cannot say."""
        faults = region_faults(fields) + text_faults(fields, ("source",))
        if fields.get("expiresAt") and not _is_ahead(msgspec.convert(fields["expiresAt"], datetime)):
            faults.append(Fault("/expiresAt", "OUT_OF_RANGE", "Must be in the future, before the year 9999 ends"))
        return faults


class ListDoNotCall(PageQuery, frozen=True, rename="camel", kw_only=True):
    """Query parameters of the list."""

    phone_number: Annotated[Written | None, Meta(description="Only this number, in any usual form")] = None
    region: Region | None = None
    reason: WhyListed | None = None

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return what the types do not say: workspace ids and the region."""
        return PageQuery.faults_in(fields) + region_faults(fields, "/query")


class CheckNumbers(msgspec.Struct, frozen=True, rename="camel"):
    """Numbers that somebody wants to call."""

    phone_numbers: Annotated[
        list[Written],
        Meta(min_length=1, max_length=CHECKED_MAX, extra_json_schema={"example": ["+33639980142", "06 39 98 01 77"]}),
    ]
    region: Region | None = None

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return what the types do not say: that the region is a country."""
        return region_faults(fields)


class CheckedNumber(msgspec.Struct, frozen=True, rename="camel"):
    """What is known of one number."""

    phone_number: Annotated[str, _example("As it was sent", "06 39 98 01 42")]
    e164: Annotated[str | None, _example("null if it cannot be read", "+33639980142")]
    callable: Annotated[bool, _example("Whether nothing here speaks against a call", example=False)]
    reasons: Annotated[
        list[Obstacle],
        Meta(
            description=(
                "`DO_NOT_CALL`: the list has the number. `NOT_ALLOWED`: a contact with it has `allowPhoneCalls` false. "
                "`UNREADABLE`: it is no phone number"
            )
        ),
    ]
    entry_id: Annotated[str | None, _example("Of the list; of several reasons the one that holds longest", ID_EXAMPLE)]


class Checked(msgspec.Struct, frozen=True):
    """One item for each number, in the order in which they were sent."""

    data: list[CheckedNumber]


def region_faults(fields: Mapping[str, Any], place: str = "") -> list[Fault]:
    """Return a fault if `region` is there and no country."""
    if fields.get("region") is None or fields["region"].upper() in phonenumbers.SUPPORTED_REGIONS:
        return []
    return [Fault(f"{place}/region", "UNKNOWN_VALUE", "Must be a country code of ISO 3166-1 alpha-2")]


def text_faults(fields: Mapping[str, Any], names: tuple[str, ...]) -> list[Fault]:
    """Return the faults in texts of one line and in `evidence`: no control characters, no long names."""
    texts = {f"/{name}": fields.get(name) for name in names}
    too_long = []
    for key, value in (fields.get("evidence") or {}).items():
        pointer = f"/evidence/{key[:EVIDENCE_NAME_LENGTH_MAX].replace('~', '~0').replace('/', '~1')}"
        texts[pointer] = f"{key}{value}"
        if len(key) > EVIDENCE_NAME_LENGTH_MAX:
            text = f"A name in evidence has at most {EVIDENCE_NAME_LENGTH_MAX} characters"
            too_long.append(Fault(pointer, "TOO_LONG", text))
    return too_long + [
        Fault(pointer, "FORBIDDEN_CHARACTER", "Control characters are not allowed")
        for pointer, text in texts.items()
        if text and CONTROL_CHARACTERS.search(text)
    ]


def _is_ahead(moment: datetime) -> bool:
    try:
        return clock.now() < moment.astimezone(UTC) < LATEST
    except OverflowError:
        return False
