"""Small audio files, made here."""

import io
import struct
import wave


def wav(seconds: float = 1.0, *, channels: int = 1, rate: int = 8_000, seed: int = 0) -> bytes:
    """Return a WAV file of some seconds."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        frames = int(seconds * rate)
        out.writeframes(bytes((seed + place) % 251 for place in range(frames * channels * 2)))
    return file.getvalue()


def streamed_wav(seconds: float = 1.0, length: int = 0xFFFFFFFF) -> bytes:
    """Return a WAV file whose writer did not know its length."""
    whole = wav(seconds)
    return whole[:4] + struct.pack("<I", length) + whole[8:40] + struct.pack("<I", length) + whole[44:]


MP3 = b"\xff\xfb\x90\x64" + bytes(413)
MP3_WITH_TAGS = b"ID3\x04\x00\x00\x00\x00\x00\x0a" + bytes(10) + MP3
OGG = b"OggS\x00\x02" + bytes(22) + b"\x01\x1e\x01vorbis" + bytes(40)
M4A = b"\x00\x00\x00\x20ftypM4A \x00\x00\x00\x00M4A mp42isom\x00\x00\x00\x00" + bytes(100)
