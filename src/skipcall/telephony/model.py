"""What a telephony provider says about a call, in one form for all of them; and what is to be known of a source."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
import phonenumbers

from skipcall.errors import Fault, Invalid, Refusal, Unauthenticated

# No call lasts longer; a larger number is no number of seconds.
CALL_SECONDS_MAX = 31 * 86_400
EXTENSION_DIGITS_MAX = 5

Provider = Literal["TWILIO", "TELNYX", "VONAGE", "ASTERISK", "FREESWITCH", "GENERIC"]
Direction = Literal["inbound", "outbound"]
Status = Literal["queued", "ringing", "in-progress", "completed", "no-answer", "busy", "canceled", "failed"]
AnsweredBy = Literal["human", "machine", "fax", "unknown"]
HangupSource = Literal["caller", "callee", "system"]
CancelReason = Literal["PARALLEL_RACE_LOST"]
RecordingStatus = Literal["processing", "available", "absent"]
ConferenceEventKind = Literal["start", "end", "join", "leave"]

TERMINAL_STATUSES: frozenset[str] = frozenset({"completed", "no-answer", "busy", "canceled", "failed"})


class MalformedReport(Invalid):
    """A body that cannot be read as what its provider documents; the message says what is wrong, and no value."""

    code = "MALFORMED_REPORT"

    def __init__(self, message: str) -> None:
        super().__init__([Fault("", "MALFORMED_REPORT", message)])


class UnsignedReport(Unauthenticated):
    """A request without the signature of its source, or with a wrong or old one: the answer does not tell which."""

    code = "UNSIGNED_REPORT"

    def __init__(self) -> None:
        Refusal.__init__(self, "The request does not carry a valid signature of this source")


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What the parsers need to know of where calls come from.

    `secrets` is what a request may be authenticated with, any one of them, so that one can follow another: Twilio's auth
    tokens, Telnyx' public keys (base64), Vonage's signature secrets, `user:password` for FreeSWITCH, the keys of the
    generic form. None at all means that nothing is ever accepted.

    The exchanges (Asterisk, FreeSWITCH) do not say which way a call goes; see `asterisk` and `freeswitch` for how the
    last three are used. Raises ValueError for a time zone, country or address that does not exist.
    """

    provider: Provider
    secrets: tuple[str, ...] = ()
    timezone: str = "Europe/Paris"  # of local times without an offset
    default_country: str = "FR"  # of national numbers, ISO 3166-1 alpha-2
    public_url: str | None = (
        None  # of this server, as the provider calls it: scheme, host and, if any, a path before ours
    )
    trunk_contexts: tuple[str, ...] = ("from-trunk*", "from-pstn*", "from-did*", "public", "external*")
    extension_digits_max: int = EXTENSION_DIGITS_MAX
    outside_prefix: str = ""  # digits dialed to get an outside line

    def __post_init__(self) -> None:
        if self.default_country not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError("default_country must be an ISO 3166-1 alpha-2 code, for example FR")
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):
            raise ValueError("timezone must be an IANA name, for example Europe/Paris") from None
        if self.public_url is not None and not self.public_url.startswith(("http://", "https://")):
            raise ValueError("public_url must start with https:// or http://")
        if self.outside_prefix and not (self.outside_prefix.isascii() and self.outside_prefix.isdecimal()):
            raise ValueError("outside_prefix must be digits")

    def __repr__(self) -> str:
        return f"Source({self.provider})"  # secrets stay out of logs and tracebacks


class IncomingRequest(msgspec.Struct, frozen=True):
    """A request of a provider, as it came: names of headers in lower case, the target with its query, the raw body."""

    target: str
    headers: Mapping[str, str]
    body: bytes


class Number(msgspec.Struct, frozen=True, gc=False):
    """A party of a call: what the provider wrote, and its E.164 form if it is a number that can be called.

    A withheld number, an extension and a SIP account have no E.164 form.
    """

    raw: str | None = None
    e164: str | None = None


class RecordingReport(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What is said about one recording. `absent`: there is none and there never will be."""

    provider_recording_id: str
    status: RecordingStatus
    url: str | None = None  # https, of the audio itself; the provider may ask for credentials there
    duration_seconds: int | None = None
    channels: int | None = None
    started_at: datetime | None = None
    format: str | None = None  # as the provider names it: mp3, wav
    conference_id: str | None = None  # the recording is of this conference, not of one leg


class ConferenceEvent(msgspec.Struct, frozen=True, gc=False):
    """Something that happened in the conference of the report; `join` and `leave` are of the report's own leg."""

    kind: ConferenceEventKind
    at: datetime


class CallReport(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One thing that a provider said, about one leg. What it did not say is None.

    `provider_call_id` is None where only a group or a conference is named. `status` None: something is added to the
    call, whose state is not told. Moments are in UTC. `number` None: nothing was said of it; a withheld one is a `Number`.
    `sequence_number` and `event_at` are the provider's order of events, see `merge`.
    """

    provider: Provider
    provider_call_id: str | None
    provider_group_id: str | None = None  # what the legs of one call have in common
    conference_id: str | None = None
    user_leg_id: str | None = None
    prospect_leg_id: str | None = None
    direction: Direction | None = (
        None  # the team's view: a rep who calls out makes an outbound call, on every leg of it
    )
    status: Status | None = None
    sequence_number: int | None = None
    event_at: datetime | None = None
    started_at: datetime | None = None
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    talk_seconds: int | None = None
    answered_by: AnsweredBy | None = None
    hangup_cause: str | None = None
    hangup_source: HangupSource | None = None
    sip_code: int | None = None
    cancel_reason: CancelReason | None = None
    from_number: Number | None = None
    to_number: Number | None = None
    recording: RecordingReport | None = None
    conference_event: ConferenceEvent | None = None

    @property
    def is_of_users_leg(self) -> bool:
        """Whether the leg is known to be the rep's: it belongs to a call, and is none by itself."""
        return self.provider_call_id is not None and self.provider_call_id == self.user_leg_id


class LineFault(msgspec.Struct, frozen=True, gc=False):
    """A line of a file that became no call. `line` counts from 1. The line itself is never repeated."""

    line: int
    code: str
    message: str
