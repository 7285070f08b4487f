"""A call on the wire, and the rules for what is written to one."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import phonenumbers
from msgspec import UNSET, Meta, UnsetType

from skipcall import clock
from skipcall.contacts.model import PhoneNumber, Source
from skipcall.custom_fields.model import CONTROL_CHARACTERS, PRINTABLE
from skipcall.errors import Fault, Gone
from skipcall.page import PageQuery
from skipcall.phone_numbers.model import phone_number_fault, read_phone_number, with_plus
from skipcall.workspaces.model import ID_EXAMPLE, Id, Timestamp

NOTES_LENGTH_MAX = 10_000
EXTERNAL_ID_LENGTH_MAX = 255
TAGS_MAX = 20
PHONE_NUMBER_LENGTH_MAX = 50  # as people write them
CALL_SECONDS_MAX = 31 * 86_400
FUTURE_SECONDS_MAX = 86_400  # clocks differ, and so do time zones that somebody forgot
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 12, 31, tzinfo=UTC)
# A completed call with less talk connected nobody: someone took off and put down.
CONNECTED_SECONDS_MIN = 1
REGION_DEFAULT = "FR"

CallType = Literal["CALL_SESSION", "DIRECT_CALL"]
Type = Literal["outbound", "inbound"]
Status = Literal["queued", "ringing", "in-progress", "completed", "no-answer", "busy", "canceled", "failed"]
Result = Literal["IN_PROGRESS", "CONNECTED", "VOICEMAIL", "NO_ANSWER", "BUSY", "FAILED", "CANCELED", "ABANDONED"]
AnsweredBy = Literal["human", "machine", "fax", "unknown"]
HangupSource = Literal["caller", "callee", "system"]
CancelReason = Literal["PARALLEL_RACE_LOST"]
Provider = Literal["TWILIO", "TELNYX", "VONAGE", "ASTERISK", "FREESWITCH", "GENERIC", "API"]

# From these a call does not change any more.
FINAL_STATUSES: frozenset[str] = frozenset({"completed", "no-answer", "busy", "canceled", "failed"})
_RESULTS: dict[str, Result] = {"no-answer": "NO_ANSWER", "busy": "BUSY", "canceled": "CANCELED", "failed": "FAILED"}

INCLUDES = ("details", "tags")

_NOT_IN_NOTES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")  # line ends and tabs may stand there
_TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"  # the same, as the documents say it


def result_of(
    status: str, answered_by: str | None, talk_seconds: int | None, connected_seconds_min: int = CONNECTED_SECONDS_MIN
) -> Result:
    """Return what a call with this status came to; ABANDONED is for those to say who know who was on the line."""
    if status not in FINAL_STATUSES:
        return "IN_PROGRESS"
    if status != "completed":
        return _RESULTS[status]
    if answered_by == "machine":
        return "VOICEMAIL"
    if answered_by == "fax":
        return "FAILED"  # nobody will ever answer there
    return "NO_ANSWER" if talk_seconds is not None and talk_seconds < connected_seconds_min else "CONNECTED"


def seconds_between(start: datetime | None, end: datetime | None) -> int | None:
    """Return the whole seconds from one moment to another, never negative; None if one is not known."""
    return None if start is None or end is None else max(0, int((end - start).total_seconds()))


# ------------------------------------------------------------------------------------------------------- answers


def _example(description: str, example: Any) -> Any:
    return Meta(description=description, extra_json_schema={"example": example})


class CallContact(msgspec.Struct, frozen=True, rename="camel"):
    """Who was called or called. `isUnknown`: no contact has the number, or the contact was deleted."""

    id: Annotated[str | None, _example("Id of the contact", ID_EXAMPLE)]
    first_name: Annotated[str | None, _example("First name", "Camille")]
    last_name: Annotated[str | None, _example("Last name", "Moreau")]
    is_unknown: Annotated[bool, _example("Whether no contact is known", example=False)]


class CallNumber(msgspec.Struct, frozen=True, rename="camel"):
    """A phone number."""

    value: Annotated[str, _example("In E.164 form", "+33639980142")]


class CallCaller(msgspec.Struct, frozen=True, rename="camel"):
    """The user who made or took a call."""

    first_name: Annotated[str, _example("First name", "Alice")]
    last_name: Annotated[str, _example("Last name", "Martin")]


class CallTag(msgspec.Struct, frozen=True, rename="camel"):
    """The outcome that somebody chose."""

    id: Id
    label: Annotated[str, _example("What people see", "Meeting booked")]
    is_success_tag: Annotated[bool, _example("Whether this is a success", example=True)]


class CallErased(Gone):
    """The call was erased with the person that it was with; only that it took place is known."""

    code = "CALL_ERASED"

    def __init__(self) -> None:
        super().__init__("This call was erased with its contact, and takes nothing any more")


class Call(msgspec.Struct, frozen=True, rename="camel"):
    """A call."""

    # Exactly what Skipcall documents, in its order; what follows is there only when `include` asks for it.

    id: Id
    call_type: Annotated[CallType, Meta(description="From a session of a sequence, or a single call")]
    status: Annotated[Status, Meta(description="Where the call stands, technically")]
    type: Annotated[Type, Meta(description="Who called whom")]
    started_at: Timestamp
    ended_at: Timestamp | None
    created_at: Timestamp
    updated_at: Timestamp
    deleted_at: Timestamp | None
    contact: CallContact
    phone_number: Annotated[CallNumber | None, Meta(description="The contact's number; null if it was withheld")]
    phone_number_id: Annotated[str | None, _example("Id of this number of this contact", ID_EXAMPLE)]
    caller: Annotated[CallCaller | None, Meta(description="The user")]
    caller_phone_number: Annotated[CallNumber | None, Meta(description="The user's number")]
    managed_phone_number_id: Annotated[str | None, _example("Id of the managed number that was used", ID_EXAMPLE)]
    user_provider_sid: Annotated[str | None, _example("The provider's id of the user's leg", "CA5e0f")]
    admin_provider_sid: Annotated[str | None, _example("The provider's id of the contact's leg", "CA77b1")]
    provider_conference_id: Annotated[str | None, _example("The conference that joined both", "CF20c4")]
    transferred: Annotated[bool, _example("Whether the call was handed over to somebody else", example=False)]
    sequence_id: Annotated[str | None, _example("The sequence that it was made for", ID_EXAMPLE)]
    sequence_run_id: Annotated[str | None, _example("The session of that sequence", ID_EXAMPLE)]
    synced_with_crm_date: Timestamp | None
    organization_id: Id
    organization_membership_id: Annotated[str | None, _example("The user, as in `/v1/users`", ID_EXAMPLE)]
    notes: Annotated[str | None, _example("What the user wrote", "Call back after the 15th")]

    workspace_id: Id | UnsetType = UNSET
    ringing_at: Timestamp | None | UnsetType = UNSET
    answered_at: Timestamp | None | UnsetType = UNSET
    ring_duration: Annotated[int | None | UnsetType, _example("Seconds of ringing", 8)] = UNSET
    talk_duration: Annotated[int | None | UnsetType, _example("Seconds in which both were there", 49)] = UNSET
    duration: Annotated[int | None | UnsetType, _example("Seconds from start to end", 61)] = UNSET
    result: Annotated[Result | UnsetType, Meta(description="What it came to, as far as machines can tell")] = UNSET
    answered_by: AnsweredBy | None | UnsetType = UNSET
    hangup_cause: Annotated[str | None | UnsetType, _example("As the provider names it", "NORMAL_CLEARING")] = UNSET
    hangup_source: HangupSource | None | UnsetType = UNSET
    sip_code: Annotated[int | None | UnsetType, _example("Status of SIP (RFC 3261)", 200)] = UNSET
    cancel_reason: CancelReason | None | UnsetType = UNSET
    abandoned: Annotated[
        bool | UnsetType, _example("Whether a person answered and no user was there in time", example=False)
    ] = UNSET
    provider: Annotated[Provider | UnsetType, Meta(description="Where the call was told by")] = UNSET
    provider_call_id: Annotated[str | None | UnsetType, _example("The provider's id of the call", "CA77b1")] = UNSET
    external_id: Annotated[str | None | UnsetType, _example("Your id of the call", "crm-4711")] = UNSET
    has_recording: Annotated[bool | UnsetType, _example("Whether one can be heard now", example=True)] = UNSET
    has_transcription: bool | UnsetType = UNSET
    contact_matches: Annotated[
        int | UnsetType, _example("How many contacts had the number when the contact was looked for", 1)
    ] = UNSET
    last_modification_source: Source | UnsetType = UNSET

    tags: Annotated[list[CallTag] | UnsetType, Meta(description="By label")] = UNSET


# ------------------------------------------------------------------------------------------------------ requests

AwareDatetime = Annotated[datetime, Meta(tz=True)]


def _id(description: str) -> Any:
    return _example(description, ID_EXAMPLE)


Notes = Annotated[
    str,
    Meta(
        max_length=NOTES_LENGTH_MAX,
        description="What the user wrote; lines may end",
        extra_json_schema={"example": "Call back after the 15th", "pattern": _TEXT},
    ),
]
ExternalId = Annotated[
    str,
    Meta(
        max_length=EXTERNAL_ID_LENGTH_MAX,
        description="Your id of the call",
        extra_json_schema={"example": "crm-4711", "pattern": PRINTABLE},
    ),
]
TagId = Annotated[UUID, Meta(extra_json_schema={"example": ID_EXAMPLE})]
TagIds = Annotated[
    list[TagId],
    Meta(max_length=TAGS_MAX, description="The outcome: ids of tags, each once"),
]
ContactId = Annotated[UUID, _id("The contact")]


class CreateCall(msgspec.Struct, frozen=True, rename="camel"):
    """A call that took place, or takes place, elsewhere. At least one of `contactId` and `phoneNumber` is needed."""

    type: Annotated[Type, Meta(description="Who called whom")]
    status: Annotated[Status, Meta(description="Where the call stands")]
    started_at: Annotated[AwareDatetime, _example("When it began", "2026-03-02T09:41:07.250Z")]
    ringing_at: AwareDatetime | None = None
    answered_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    call_type: CallType = "DIRECT_CALL"
    contact_id: Annotated[ContactId | None, Meta(description="Without it, the contact with `phoneNumber`")] = None
    phone_number: Annotated[PhoneNumber | None, _example("The contact's number", "+33639980142")] = None
    caller_phone_number: Annotated[PhoneNumber | None, _example("The user's number", "+33199004242")] = None
    organization_membership_id: Annotated[UUID, _id("The user, as in `/v1/users`")] | None = None
    managed_phone_number_id: Annotated[UUID, _id("The managed number that was used")] | None = None
    sequence_id: Annotated[UUID, _id("The sequence that it was made for")] | None = None
    sequence_run_id: Annotated[
        UUID, _id("The session of that sequence: an id of your own, new with its first call")
    ] | (None) = None
    answered_by: AnsweredBy | None = None
    notes: Notes | None = None
    tag_ids: TagIds = msgspec.field(default_factory=list)
    external_id: ExternalId | None = None
    transferred: bool = False
    synced_with_crm_date: AwareDatetime | None = None

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return the faults that types cannot say."""
        faults = _value_faults(fields) + _order_faults(fields)
        if not faults and _seconds(fields) > CALL_SECONDS_MAX:
            faults.append(Fault("/endedAt", "OUT_OF_RANGE", "Must be at most 31 days after startedAt"))
        if fields.get("contactId") is None and fields.get("phoneNumber") is None:
            faults.append(Fault("/phoneNumber", "REQUIRED", "Either this or contactId is required"))
        if fields.get("sequenceRunId") is not None and fields.get("sequenceId") is None:
            faults.append(Fault("/sequenceId", "REQUIRED", "A session needs its sequence"))
        return faults


class UpdateCall(msgspec.Struct, frozen=True, rename="camel"):
    """What to change of a call. Absent properties stay; null clears."""

    notes: Notes | None | UnsetType = UNSET
    tag_ids: Annotated[TagIds | None | UnsetType, Meta(description="Given, they replace all that were there")] = UNSET
    contact_id: Annotated[ContactId | None | UnsetType, Meta(description="Null: nobody that is known")] = UNSET
    external_id: ExternalId | None | UnsetType = UNSET
    synced_with_crm_date: AwareDatetime | None | UnsetType = UNSET

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return the faults that types cannot say."""
        return _value_faults(fields)


class CallView(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """How calls are answered."""

    include: Annotated[
        str | None,
        Meta(
            description="What to answer beside the documented properties: `details`, `tags`, separated by commas",
            extra_json_schema={"pattern": f"^({'|'.join(INCLUDES)})( *, *({'|'.join(INCLUDES)}))*$"},
        ),
    ] = None

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return what the types do not say: which names there are."""
        return _include_faults(fields)


class CreateCallQuery(CallView, frozen=True, rename="camel", kw_only=True):
    """Query parameters of a creation."""

    workspace_id: Annotated[
        str | None, Meta(description="The workspace to create in; the key's default workspace if absent")
    ] = None


class ListCalls(PageQuery, frozen=True, rename="camel", kw_only=True):
    """Query parameters of the list."""

    contact_id: Annotated[UUID, _id("Calls with this contact")] | None = None
    sequence_id: Annotated[UUID, _id("Calls made for this sequence")] | None = None
    sequence_run_id: Annotated[UUID, _id("Calls of this session of a sequence")] | None = None
    organization_membership_id: Annotated[UUID, _id("Calls of this user")] | None = None
    status: Annotated[Status | None, Meta(description="Calls that stand there, technically")] = None
    result: Annotated[Result | None, Meta(description="Calls that came to this")] = None
    type: Annotated[Type | None, Meta(description="Calls in this direction")] = None
    call_type: Annotated[CallType | None, Meta(description="Calls of sessions of sequences, or single ones")] = None
    tag_id: Annotated[UUID, _id("Calls with this outcome")] | None = None
    phone_number: Annotated[
        Annotated[str, Meta(max_length=PHONE_NUMBER_LENGTH_MAX)] | None,
        Meta(
            description="Calls with this number of a contact, written in any usual way",
            extra_json_schema={"example": "06 39 98 01 42"},
        ),
    ] = None
    region: Annotated[
        str,
        Meta(
            description="The country that a `phoneNumber` without its country code is of: ISO 3166-1 alpha-2",
            extra_json_schema={"pattern": "^[A-Za-z]{2}$"},
        ),
    ] = REGION_DEFAULT
    has_recording: Annotated[bool | None, Meta(description="Whether a recording can be heard now")] = None
    min_duration: Annotated[
        Annotated[int, Meta(ge=0, le=CALL_SECONDS_MAX)] | None,
        Meta(description="Calls with at least so many seconds of talk (`talkDuration`)"),
    ] = None
    started_after: Annotated[AwareDatetime | None, Meta(description="Calls started at or after this moment")] = None
    started_before: Annotated[AwareDatetime | None, Meta(description="Calls started before this moment")] = None
    updated_after: Annotated[
        AwareDatetime | None,
        Meta(description="Calls changed at or after this moment, in the order of their last change"),
    ] = None
    updated_before: Annotated[
        AwareDatetime | None,
        Meta(description="Calls last changed before this moment, in the order of their last change"),
    ] = None
    synced_with_crm: Annotated[bool | None, Meta(description="Whether `syncedWithCrmDate` is set")] = None
    external_id: Annotated[
        Annotated[str, Meta(min_length=1, max_length=EXTERNAL_ID_LENGTH_MAX)] | None,
        Meta(description="Calls with this id of yours", extra_json_schema={"pattern": PRINTABLE}),
    ] = None
    include: Annotated[
        str | None,
        Meta(
            description="What to answer beside the documented properties: `details`, `tags`, separated by commas",
            extra_json_schema={"pattern": f"^({'|'.join(INCLUDES)})( *, *({'|'.join(INCLUDES)}))*$"},
        ),
    ] = None

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return what the types do not say: ids, moments, the phone number."""
        faults = PageQuery.faults_in(fields) + _include_faults(fields)
        for name, value in fields.items():
            if name in _FILTER_MOMENTS and not _is_moment(value):
                faults.append(Fault(f"/query/{name}", "OUT_OF_RANGE", "Must be ISO 8601, from year 1 to 9999 in UTC"))
            elif name == "externalId" and CONTROL_CHARACTERS.search(value):
                faults.append(Fault("/query/externalId", *_FORBIDDEN))
        region = fields.get("region", REGION_DEFAULT).upper()
        if region not in phonenumbers.SUPPORTED_REGIONS:
            faults.append(Fault("/query/region", "UNKNOWN_VALUE", "Must be a country code of ISO 3166-1 alpha-2"))
        elif "phoneNumber" in fields and read_phone_number(with_plus(fields["phoneNumber"]), region) is None:
            text = "Must be a phone number of this region, or one with its country code"
            faults.append(Fault("/query/phoneNumber", "INVALID_PHONE_NUMBER", text))
        return faults


# ---------------------------------------------------------------------------------------------------------- rules

_FORBIDDEN = ("FORBIDDEN_CHARACTER", "Control characters are not allowed")
_FILTER_MOMENTS = frozenset(("startedAfter", "startedBefore", "updatedAfter", "updatedBefore"))
_MOMENTS = ("startedAt", "ringingAt", "answeredAt", "endedAt")  # in the order in which they come


def _include_faults(fields: Mapping[str, Any]) -> list[Fault]:
    include = fields.get("include")
    if include is not None and any(one.strip() not in INCLUDES for one in include.split(",")):
        return [Fault("/query/include", "UNKNOWN_VALUE", f"Must be some of {', '.join(INCLUDES)}, separated by commas")]
    return []


def _value_faults(fields: Mapping[str, Any]) -> list[Fault]:
    """Return the faults of each property by itself, by its name on the wire."""
    faults = []
    for name, value in fields.items():
        if value is None:
            continue
        if name in ("phoneNumber", "callerPhoneNumber"):
            fault = phone_number_fault(value)
            faults += [Fault(f"/{name}", *fault)] if fault else []
        elif name == "notes" and _NOT_IN_NOTES.search(value):
            faults.append(Fault("/notes", "FORBIDDEN_CHARACTER", "Only line ends and tabs are allowed of these"))
        elif name == "externalId" and CONTROL_CHARACTERS.search(value):
            faults.append(Fault("/externalId", *_FORBIDDEN))
        elif name == "tagIds":
            faults += _tag_faults(value)
        elif name in _MOMENTS or name == "syncedWithCrmDate":
            moment = msgspec.convert(value, datetime)
            if not _is_moment(value) or not EARLIEST <= moment <= clock.now() + timedelta(seconds=FUTURE_SECONDS_MAX):
                text = "Must be from the year 2000 on, and at most a day in the future"
                faults.append(Fault(f"/{name}", "OUT_OF_RANGE", text))
    return faults


def _tag_faults(ids: list[Any]) -> list[Fault]:
    texts = [one.lower() if isinstance(one, str) else None for one in ids]
    return [
        Fault(f"/tagIds/{place}", "DUPLICATE_TAG", "This tag stands twice in the list")
        for place, one in enumerate(texts)
        if one is not None and one in texts[:place]
    ]


def _order_faults(fields: Mapping[str, Any]) -> list[Fault]:
    """Return the moments that come before one they must follow, and an end of a call that goes on."""
    faults = []
    last: tuple[str, datetime] | None = None
    for name in _MOMENTS:
        if fields.get(name) is None or not _is_moment(fields[name]):
            continue
        moment = msgspec.convert(fields[name], datetime)
        if last is not None and moment < last[1]:
            faults.append(Fault(f"/{name}", "OUT_OF_ORDER", f"Must not be before {last[0]}"))
        else:
            last = name, moment
    if fields.get("endedAt") is not None and fields.get("status", "completed") not in FINAL_STATUSES:
        text = f"A call that ended is {', '.join(sorted(FINAL_STATUSES))}"
        faults.append(Fault("/status", "CALL_NOT_ENDED", text))
    return faults


def _seconds(fields: Mapping[str, Any]) -> float:
    """Return how long a call with good moments lasted, 0 if that is not told."""
    if fields.get("startedAt") is None or fields.get("endedAt") is None:
        return 0
    start, end = (msgspec.convert(fields[name], datetime) for name in ("startedAt", "endedAt"))
    return (end - start).total_seconds()


def _is_moment(text: str) -> bool:
    # A query is read leniently, so the types also let seconds since 1970 pass.
    try:
        msgspec.convert(text, datetime).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        return False
    return True
