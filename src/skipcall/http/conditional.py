"""Entity tags (RFC 9110, section 8.8.3) and the conditions that name them (section 13.1).

A tag is `"<version>-<checksum of the representation>"`. `If-Match` guards a write against another writer, so it looks at
the version alone: a call that came in between, or another `customFieldKeys`, is no other writer.
`If-None-Match` asks whether these very bytes are known, so it looks at the whole tag.
"""

import re
import zlib

from skipcall.http.request import Answer, Request

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e]*)"')
_TAG_LIST = re.compile(r'\s*(?:W/)?"[\x21\x23-\x7e]*"(?:\s*,\s*(?:W/)?"[\x21\x23-\x7e]*")*\s*')
_VERSION = re.compile(r"([0-9]{1,18})-[0-9a-f]{8}")
CONDITION_LENGTH_MAX = 1000


def etag(version: int, body: bytes) -> str:
    """Return the tag of a representation."""
    return f'"{version}-{zlib.crc32(body):08x}"'


def versions_in(if_match: str) -> list[int] | None:
    """Return the versions that an `If-Match` value accepts, None for `*`. Raises `ValueError` if it is malformed.

    A weak tag never matches here (strong comparison), nor does one that we cannot have given out.
    """
    if if_match.strip() == "*":
        return None
    if len(if_match) > CONDITION_LENGTH_MAX or not _TAG_LIST.fullmatch(if_match):
        raise ValueError("not a list of entity tags")
    found = []
    for weak, opaque in _TAG.findall(if_match):
        version = _VERSION.fullmatch(opaque)
        if version and not weak:
            found.append(int(version[1]))
    return found


def is_known(request: Request, tag: str) -> bool:
    """Whether `If-None-Match` of a request names a tag, so that the body need not be sent."""
    known = request.scope.headers.get("if-none-match")
    return known is not None and (known.strip() == "*" or tag in (f'"{one}"' for _, one in _TAG.findall(known)))


def answer_versioned(request: Request, body: bytes, version: int, status: int = 200) -> Answer:
    """Return the answer with a versioned record as its body: its tag, or 304 if a GET's `If-None-Match` names it."""
    tag = etag(version, body)
    if request.scope.method in ("GET", "HEAD") and is_known(request, tag):
        return Answer(b"", 304, (("etag", tag),))
    return Answer(body, status, (("etag", tag),))
