"""Entity tags (RFC 9110, section 8.8.3) and the conditions that name them (section 13.1).

A tag is `"<version>-<end of the id>-<checksum of the representation>"`. `If-Match` guards a write against another writer, so
it looks at version and id alone: a call that came in between, or another `customFieldKeys`, is no other writer.
`If-None-Match` asks whether these very bytes are known, so it looks at the whole tag.
"""

import re
import zlib

from skipcall.http.request import Answer, Request

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e]*)"')
_TAG_LIST = re.compile(r'\s*(?:W/)?"[\x21\x23-\x7e]*"(?:\s*,\s*(?:W/)?"[\x21\x23-\x7e]*")*\s*')
_OURS = re.compile(r"([0-9]{1,18})-([0-9a-f]{4})-[0-9a-f]{8}")
_ID_LENGTH = 4
CONDITION_LENGTH_MAX = 1000


def etag(id: str, version: int, body: bytes) -> str:
    """Return the tag of a representation of the record with this id."""
    return f'"{version}-{id[-_ID_LENGTH:]}-{zlib.crc32(body):08x}"'


def versions_in(if_match: str, id: str) -> list[int] | None:
    """Return the versions of a record that an `If-Match` value accepts, None for `*`.

    A weak tag never matches here (strong comparison), nor does that of another record. Raises `ValueError` for a value
    that is no list of tags.
    """
    if if_match.strip() == "*":
        return None
    if len(if_match) > CONDITION_LENGTH_MAX or not _TAG_LIST.fullmatch(if_match):
        raise ValueError("not a list of entity tags")
    found = []
    for weak, opaque in _TAG.findall(if_match):
        ours = _OURS.fullmatch(opaque)
        if ours and not weak and ours[2] == id[-_ID_LENGTH:].lower():
            found.append(int(ours[1]))
    return found


def is_known(request: Request, tag: str) -> bool:
    """Whether `If-None-Match` of a request names a tag, so that the body need not be sent."""
    known = request.scope.headers.get("if-none-match")
    return known is not None and (known.strip() == "*" or tag in (f'"{one}"' for _, one in _TAG.findall(known)))


def answer_versioned(request: Request, id: str, version: int, body: bytes, status: int = 200) -> Answer:
    """Return the answer with a versioned record as its body: its tag, or 304 if a GET's `If-None-Match` names it."""
    tag = etag(id, version, body)
    if request.scope.method in ("GET", "HEAD") and is_known(request, tag):
        return Answer(b"", 304, (("etag", tag),))
    return Answer(body, status, (("etag", tag),))
