"""A transcription on the wire, and the rules for what is written to one."""

import re
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeGuard

import msgspec
from msgspec import Meta

from skipcall.errors import Fault
from skipcall.recordings.model import TranscriptionStatus
from skipcall.workspaces.model import Id, Timestamp

SEGMENTS_MAX = 10_000
SEGMENT_TEXT_LENGTH_MAX = 5_000
SUMMARY_LENGTH_MAX = 20_000
LANGUAGE_LENGTH_MAX = 35
SPEAKER_MAX = 99
SECONDS_MAX = 31 * 86_400
BODY_BYTES_MAX = 4_194_304  # some hours of talk

_NOT_IN_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")  # line ends and tabs may stand there
_TEXT = {"pattern": r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"}  # the same, as the documents say it
# The form of language tags (RFC 5646, section 2.1), not the registry of them.
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", re.ASCII)

Status = Literal["PENDING", "IN_PROGRESS", "FAILED", "COMPLETED"]


def _example(description: str, example: Any, said: Mapping[str, Any] = MappingProxyType({}), **limits: Any) -> Any:
    """Return what the documents say of a property; `said` are rules that `faults_in` keeps."""
    return Meta(description=description, extra_json_schema={"example": example, **said}, **limits)


_SECONDS = {"minimum": 0, "maximum": SECONDS_MAX}
Speaker = Annotated[int, _example("Number of the speaker, from 0 on", 0, ge=0, le=SPEAKER_MAX)]
Start = Annotated[float, _example("Seconds from the start of the recording", 0.42, _SECONDS)]
End = Annotated[float, _example("Seconds from the start of the recording", 2.9, _SECONDS)]
Confidence = Annotated[float, _example("How sure the recognition is, 0 to 1", 0.97, {"minimum": 0, "maximum": 1})]


class Segment(msgspec.Struct, frozen=True, rename="camel"):
    """What one speaker said without a pause."""

    speaker: Speaker
    text: Annotated[str, _example("What was said", "Good morning")]
    start: Start
    end: End
    confidence: Confidence | None


class Transcription(msgspec.Struct, frozen=True, rename="camel"):
    """The transcription of a call."""

    id: Id
    status: TranscriptionStatus
    transcript: Annotated[list[Segment] | None, Meta(description="In order of time")]
    summary: Annotated[str | None, _example("What it came to", "Wants an offer by Friday")]
    started_at: Annotated[Timestamp | None, Meta(description="When the work on it began")]
    ended_at: Annotated[Timestamp | None, Meta(description="When the work on it ended")]


class NewSegment(msgspec.Struct, frozen=True, rename="camel"):
    """What one speaker said without a pause."""

    speaker: Speaker
    text: Annotated[str, _example("What was said", "Good morning", _TEXT, max_length=SEGMENT_TEXT_LENGTH_MAX)]
    start: Start
    end: End
    confidence: Confidence | None = None


class PutTranscription(msgspec.Struct, frozen=True, rename="camel"):
    """A transcription that was made elsewhere; it takes the place of the one that is there."""

    transcript: Annotated[list[NewSegment], Meta(max_length=SEGMENTS_MAX)] | None = None
    summary: Annotated[str, Meta(max_length=SUMMARY_LENGTH_MAX, extra_json_schema=_TEXT)] | None = None
    language: (
        Annotated[
            str,
            _example(
                "BCP 47 tag of the language",
                "fr-FR",
                {"pattern": f"^{_LANGUAGE.pattern}$"},
                max_length=LANGUAGE_LENGTH_MAX,
            ),
        ]
        | None
    ) = None
    status: Annotated[Status, Meta(description="Where the work on it stands")] = "COMPLETED"

    @staticmethod
    def faults_in(fields: Mapping[str, Any]) -> list[Fault]:
        """Return the faults that types cannot say."""
        faults = []
        transcript, summary, language = (fields.get(name) for name in ("transcript", "summary", "language"))
        if summary is not None and _NOT_IN_TEXT.search(summary):
            faults.append(Fault("/summary", "FORBIDDEN_CHARACTER", "Control characters are not allowed"))
        if language is not None and not _LANGUAGE.fullmatch(language):
            faults.append(Fault("/language", "INVALID_FORMAT", "Must be a BCP 47 tag such as fr-FR"))
        for number, segment in enumerate(transcript or ()):
            if isinstance(segment, dict):
                faults += _segment_faults(segment, f"/transcript/{number}")
        return faults


def _segment_faults(segment: Mapping[str, Any], pointer: str) -> list[Fault]:
    faults = []
    text, start, end = segment.get("text"), segment.get("start"), segment.get("end")
    if isinstance(text, str) and _NOT_IN_TEXT.search(text):
        faults.append(Fault(f"{pointer}/text", "FORBIDDEN_CHARACTER", "Control characters are not allowed"))
    for name, top in (("start", SECONDS_MAX), ("end", SECONDS_MAX), ("confidence", 1)):
        value = segment.get(name)
        if _is_number(value) and value < 0:
            faults.append(Fault(f"{pointer}/{name}", "TOO_SMALL", "Must be at least 0"))
        elif _is_number(value) and value > top:
            faults.append(Fault(f"{pointer}/{name}", "TOO_LARGE", f"Must be at most {top}"))
    if _is_number(start) and _is_number(end) and start > end:
        faults.append(Fault(f"{pointer}/end", "OUT_OF_RANGE", "Must not be before the start"))
    return faults


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
