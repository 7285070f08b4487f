"""Which encoding a text file has: byte order marks, UTF-16 by its zeros, strict UTF-8, else Windows-1252."""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from skipcall.imports.model import UnusableFile

HEAD_BYTES = 65_536
CHUNK_BYTES = 1 << 18
CARD_START = b"BEGIN:VCARD"

# UTF-32 first: its little-endian mark starts with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHER_FORMATS = (
    (b"PK\x03\x04", "an Excel workbook or a zip archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook"),
    (b"%PDF-", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (CARD_START, "a vCard file"),
)
# In UTF-16 of western text nearly every second byte is zero, and hardly any of the others.
_UTF16_ZEROS_MIN = 0.5
_UTF16_OTHER_ZEROS_MAX = 0.05
_TEXT_ZEROS_MAX = 0.02

_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")
_BEYOND_ASCII = re.compile("[^\x00-\x7f\udc80-\udcff]")
# In Windows-1252 the bytes of these would be "Ã" or "â" and a sign: no text has that. Of other sequences some do: "É®".
_SURELY_UTF8 = re.compile("[\u00c0-\u00ff\u2000-\u203f]")


def detect_encoding(path: Path, *, cards: bool = False) -> str:
    """Return the name of the codec that reads this file; the whole file is read once, in constant memory.

    UTF-8 with a few damaged bytes stays UTF-8 as long as its good sequences outnumber them, those that are surely UTF-8
    counting twice: reading it as Windows-1252 would turn every accent of the file into two wrong letters.
    With `cards` it may be a vCard file. Raises `UnusableFile` if the file is empty, is no text, or cannot be opened.
    """
    try:
        with path.open("rb") as file:
            return _detect(file, path, cards=cards)
    except OSError as error:
        raise UnusableFile(f"{path.name} cannot be read: {error.strerror or error}") from error


def _detect(file: BinaryIO, path: Path, *, cards: bool) -> str:
    head = file.read(HEAD_BYTES)
    if not head.strip(b" \t\r\n\x00"):
        raise UnusableFile(f"{path.name} is empty")
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    for start, kind in _OTHER_FORMATS:
        if head.startswith(start) and not (cards and start == CARD_START):
            raise UnusableFile(f"{path.name} is {kind}, not a CSV file; save or export it as CSV first")
    if utf16 := _utf16_by_zeros(head):
        return utf16
    if head.count(0) > len(head) * _TEXT_ZEROS_MAX:
        raise UnusableFile(f"{path.name} is not a text file")
    file.seek(0)
    if _is_utf8(file):
        return "utf-8"
    file.seek(0)
    good, bad = _count_utf8(file)
    return "utf-8" if good > bad else "cp1252"


def _utf16_by_zeros(head: bytes) -> str | None:
    pairs = len(head) // 2
    if not pairs:
        return None
    even = head[0 : pairs * 2 : 2].count(0) / pairs
    odd = head[1 : pairs * 2 : 2].count(0) / pairs
    if odd >= _UTF16_ZEROS_MIN and even <= _UTF16_OTHER_ZEROS_MAX:
        return "utf-16-le"
    if even >= _UTF16_ZEROS_MIN and odd <= _UTF16_OTHER_ZEROS_MAX:
        return "utf-16-be"
    return None


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


def _is_utf8(file: BinaryIO) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        for chunk in _chunks(file):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _count_utf8(file: BinaryIO) -> tuple[int, int]:
    """Return how much speaks for UTF-8, in characters beyond ASCII, and how many bytes are none."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    good = bad = 0
    for chunk in _chunks(file):
        text = decoder.decode(chunk)
        good += len(_BEYOND_ASCII.findall(text)) + len(_SURELY_UTF8.findall(text))
        bad += len(_ESCAPED_BYTE.findall(text))
    bad += len(decoder.decode(b"", final=True))
    return good, bad
