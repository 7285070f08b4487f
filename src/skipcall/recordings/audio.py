"""What audio says of itself: its format by its first bytes, and what the header of a WAV file tells. Nothing is decoded."""

import hashlib
import struct
from collections.abc import AsyncIterator

from skipcall.http.problems import PayloadTooLarge, UnsupportedMediaType
from skipcall.recordings.model import Format, Intake

SNIFFED_BYTES = 12
HEADER_BYTES_MAX = 65_536  # of a WAV file: what may stand before its sound

# Brands of MP4 files (ISO/IEC 14496-12, section 4.3) that hold sound, as recorders and telephones write them.
_BRANDS = frozenset(
    {b"M4A ", b"M4B ", b"mp41", b"mp42", b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"dash", b"3gp4", b"3gp5"}
)
_CHUNK = struct.Struct("<4sI")
_FORM = struct.Struct("<HHIIHH")  # tag, channels, rate, bytes a second, block, bits
_MPEG_SYNC, _LAYER_3 = 0xE0, 0x02


class NotAudio(UnsupportedMediaType):
    """Bytes that are not what they should be: WAV, MP3, OGG or M4A."""

    def __init__(self) -> None:
        super().__init__("The body is no WAV, MP3, OGG or M4A file")


class Reader:
    """Looks at audio that passes by. `format` is known after the first bytes, `intake` at the end."""

    intake: Intake

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._digest = hashlib.sha256()
        self._header = bytearray()
        self._size = 0
        self.format: Format | None = None

    async def watch(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Yield the same bytes. Raises `NotAudio`, and `PayloadTooLarge` beyond the limit."""
        async for chunk in chunks:
            self._size += len(chunk)
            if self._size > self._bytes_max:
                raise PayloadTooLarge(f"A recording has at most {self._bytes_max} bytes")
            self._digest.update(chunk)
            if len(self._header) < HEADER_BYTES_MAX:
                self._header += chunk[: HEADER_BYTES_MAX - len(self._header)]
            if self.format is None and len(self._header) >= SNIFFED_BYTES:
                self.format = format_of(self._header)
            yield chunk
        if self.format is None:
            raise NotAudio
        duration, channels = wav_form(self._header, self._size) if self.format == "wav" else (None, None)
        self.intake = Intake(self.format, self._size, self._digest.digest(), duration, channels)


def format_of(header: bytes | bytearray) -> Format:
    """Return the format of a file by its first bytes. Raises `NotAudio`."""
    if header[:4] in (b"RIFF", b"RF64") and header[8:12] == b"WAVE":
        return "wav"
    if header[:4] == b"OggS":
        return "ogg"
    if header[4:8] == b"ftyp" and bytes(header[8:12]) in _BRANDS:
        return "m4a"
    if header[:3] == b"ID3" or _is_mpeg_frame(header):
        return "mp3"
    raise NotAudio


def _is_mpeg_frame(header: bytes | bytearray) -> bool:
    """Whether a header of an MPEG audio frame of layer III stands here (ISO/IEC 11172-3, section 2.4.1.3)."""
    first, second, third = header[0], header[1], header[2]
    is_layer_3 = first == 0xFF and second & _MPEG_SYNC == _MPEG_SYNC and second & 0x06 == _LAYER_3  # noqa: PLR2004
    return is_layer_3 and second & 0x18 != 0x08 and third >> 4 not in (0, 15) and third & 0x0C != 0x0C  # noqa: PLR2004


def wav_form(header: bytes | bytearray, size: int) -> tuple[float | None, int]:
    """Return seconds and channels of a WAV file of `size` bytes. Raises `NotAudio` if it does not say what it is.

    A file that was written as a stream tells a length of 0 or of the largest number; then what is there counts.
    """
    place, rate, channels = SNIFFED_BYTES, 0, 0
    while place + _CHUNK.size <= len(header):
        name, length = _CHUNK.unpack_from(header, place)
        place += _CHUNK.size
        if name == b"fmt " and place + _FORM.size <= len(header):
            _, channels, _, rate, _, _ = _FORM.unpack_from(header, place)
        elif name == b"data":
            if not rate or not channels:
                break
            left = size - place
            return round(min(length or left, left) / rate, 3), channels
        place += length + length % 2
    if not rate or not channels:
        raise NotAudio
    return None, channels
