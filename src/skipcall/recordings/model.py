"""A recording on the wire, its formats, and the states that it can be in."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from skipcall.errors import Conflict, Fault, Gone, Invalid, NotFound, Refusal
from skipcall.workspaces.model import Id, Timestamp

RETRY_SECONDS = 10

AnnouncedStatus = Literal["processing", "available", "absent"]
Status = Literal["PROCESSING", "AVAILABLE", "ABSENT", "FAILED", "ERASED"]
Format = Literal["wav", "mp3", "ogg", "m4a"]
TranscriptionStatus = Literal["PENDING", "IN_PROGRESS", "FAILED", "COMPLETED"]

MEDIA_TYPES: dict[str, str] = {"wav": "audio/wav", "mp3": "audio/mpeg", "ogg": "audio/ogg", "m4a": "audio/mp4"}


class RecordingItem(msgspec.Struct, frozen=True, rename="camel"):
    """One of the recordings of a call."""

    id: Id
    status: Status
    reason: Annotated[str | None, Meta(description="Why it cannot be heard")]
    duration: Annotated[float | None, Meta(description="Seconds", extra_json_schema={"example": 94.2})]
    start_time: Timestamp
    format: Format | None
    channels: int | None
    size_bytes: int | None
    sha256: Annotated[str | None, Meta(description="SHA-256 of the audio, in hexadecimal")]


class Recording(msgspec.Struct, frozen=True, rename="camel"):
    """The recording of a call. What stands after `transcriptionStatus` is there with `include=details`."""

    id: Id
    duration: Annotated[float | None, Meta(description="Seconds, if known", extra_json_schema={"example": 94.2})]
    start_time: Timestamp
    has_transcription: bool
    transcription_status: TranscriptionStatus | None
    call_id: Id | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    format: Format | None | UnsetType = UNSET
    channels: int | None | UnsetType = UNSET
    size_bytes: int | None | UnsetType = UNSET
    sha256: Annotated[str | None | UnsetType, Meta(description="SHA-256 of the audio, in hexadecimal")] = UNSET
    recordings: Annotated[
        list[RecordingItem] | UnsetType, Meta(description="Every recording of the call, the one that it shows first")
    ] = UNSET


class RecordingView(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Which recording, and how much of it."""

    recording_id: Annotated[
        str | None, Meta(description="Another recording than the one that the call shows; see `include=details`")
    ] = None
    include: Annotated[Literal["details"] | None, Meta(description="Answer more than the documented properties")] = None


class AudioView(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Which recording, and how to get it."""

    recording_id: Annotated[
        str | None, Meta(description="Another recording than the one that the call shows; see `include=details`")
    ] = None
    redirect: Annotated[
        bool, Meta(description="Answer 302 with an address that needs no API key and is good for 15 minutes")
    ] = False


class Intake(msgspec.Struct, frozen=True):
    """What is known of audio once all of it has come in."""

    format: Format
    size_bytes: int
    sha256: bytes
    duration: float | None  # seconds
    channels: int | None


class Stored(msgspec.Struct, frozen=True):
    """What came of storing audio. `was_there`: it took the place of other audio, whose object is in the list."""

    recording_id: UUID
    was_there: bool
    old_object_key: str | None


class Found(msgspec.Struct, frozen=True):
    """A recording as it is stored; `id` is None for a call that has none."""

    workspace_id: UUID
    call_id: UUID
    id: UUID | None
    status: Status
    reason: str | None
    object_key: str | None
    format: Format | None
    channels: int | None
    duration: float | None
    size_bytes: int | None
    sha256: bytes | None
    start_time: str
    transcription_status: TranscriptionStatus | None

    def refusal(self) -> Refusal | None:
        """Return why it cannot be heard, None if it can."""
        if self.id is None:
            return NotFound("Recording")
        match self.status:
            case "PROCESSING":
                return RecordingProcessing()
            case "ABSENT":
                return RecordingAbsent(self.reason)
            case "FAILED":
                return RecordingFailed(self.reason)
            case "ERASED":
                return RecordingErased()
            case _:
                return None

    @property
    def etag(self) -> str:
        """The strong entity tag of the audio."""
        assert self.sha256 is not None
        return f'"{self.sha256.hex()[:32]}"'

    def item(self) -> RecordingItem:
        """Return it as one of the list."""
        return RecordingItem(
            str(self.id),
            self.status,
            self.reason,
            self.duration,
            self.start_time,
            self.format,
            self.channels,
            self.size_bytes,
            self.sha256.hex() if self.sha256 else None,
        )


def recording_of(one: Found, every: list[Found] | None) -> Recording:
    """Return what is documented of a recording or, with all of its call, the details too."""
    shown = Recording(
        str(one.id),
        one.duration,
        one.start_time,
        one.transcription_status == "COMPLETED",
        one.transcription_status,
    )
    if every is None:
        return shown
    return msgspec.structs.replace(
        shown,
        call_id=str(one.call_id),
        status=one.status,
        format=one.format,
        channels=one.channels,
        size_bytes=one.size_bytes,
        sha256=one.sha256.hex() if one.sha256 else None,
        recordings=[other.item() for other in every],
    )


class RecordingProcessing(Conflict):
    """There is a recording, which is not here yet."""

    code = "RECORDING_PROCESSING"
    retry_after_seconds = RETRY_SECONDS

    def __init__(self) -> None:
        super().__init__("The recording is not here yet; ask again in some seconds")


class RecordingAbsent(NotFound):
    """There is none and never will be."""

    code = "RECORDING_ABSENT"

    def __init__(self, reason: str | None) -> None:
        super().__init__("Recording")
        self.message = f"The call has no recording: {reason or 'its provider says that there is none'}"


class RecordingFailed(NotFound):
    """There was one, which could not be fetched or kept."""

    code = "RECORDING_FAILED"

    def __init__(self, reason: str | None) -> None:
        super().__init__("Recording")
        self.message = f"The recording could not be kept: {reason or 'it is not in the storage'}"


class RecordingErased(Gone):
    """It was erased by somebody who may."""

    code = "RECORDING_ERASED"

    def __init__(self) -> None:
        super().__init__("The recording was erased")


class LinkExpired(Gone):
    """A signed address after its time."""

    code = "RECORDING_LINK_EXPIRED"

    def __init__(self) -> None:
        super().__init__("This address has expired; ask for a new one")


class DigestMismatch(Invalid):
    """What arrived is not what the client says it has sent."""

    def __init__(self) -> None:
        message = "The SHA-256 of what arrived is another one"
        super().__init__([Fault("/header/Repr-Digest", "DIGEST_MISMATCH", message)])
