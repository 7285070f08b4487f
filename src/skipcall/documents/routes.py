"""Operations that answer documents. None needs a key, and none stands in the OpenAPI document, which is about the API."""

import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from skipcall.errors import NotFound
from skipcall.http.conditional import is_known
from skipcall.http.request import Answer, Request
from skipcall.http.routing import Handler, Operation, operation

if TYPE_CHECKING:
    from skipcall.documents.pages import Library

TAG = "Documents"
VIEWER = Path(__file__).parent / "viewer"
INDEX = "index.html"
# What the viewer is made of, and nothing else in that directory, is answered.
FILES = {
    "pages.css": "text/css; charset=utf-8",
    "start.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "favicon-32x32.png": "image/png",
}
_JSON = "application/json; charset=utf-8"
_TEXT = "text/plain; charset=utf-8"
_MARKDOWN = "text/markdown; charset=utf-8"
_HTML = "text/html; charset=utf-8"
_PAGE_HEADERS = (
    (
        "content-security-policy",
        (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
    ),
    ("referrer-policy", "no-referrer"),
)


class Documents:
    """The routes to the documents about some operations."""

    def __init__(self, documented: Sequence[Operation], public_url: str | None) -> None:
        self._documented = documented
        self._public_url = public_url

    def operations(self) -> tuple[Operation, ...]:
        """Return what a server answers documents with."""
        routes: dict[str, Handler] = {
            "/": self.get_start,
            "/docs-json": self.get_openapi,
            "/llms.txt": self.get_index,
            "/docs": self.get_viewer,
            "/docs/viewer/{file}": self.get_viewer_file,
            "/docs/api-reference/{tag}/{page}": self.get_page,
            "/docs/errors": self.get_errors,
            "/docs/errors.md": self.get_errors_markdown,
            "/docs/deprecations": self.get_deprecations,
            "/docs/deprecations.md": self.get_deprecations_markdown,
        }
        return tuple(operation("GET", path, tag=TAG, scope=None, noun="Page")(route) for path, route in routes.items())

    @functools.cached_property
    def library(self) -> "Library":
        """The documents themselves; what writes them is loaded when the first is asked for."""
        from skipcall.documents.pages import Library

        return Library(self._documented, self._public_url)

    async def get_start(self, _request: Request) -> Answer:
        """Go from the bare address of the server to its documents."""
        return Answer(b"", 302, (("location", "/docs"),), _TEXT)

    async def get_openapi(self, request: Request) -> Answer:
        """Get the OpenAPI document."""
        return _answer(request, self.library.json, _JSON)

    async def get_index(self, request: Request) -> Answer:
        """Get the index of all pages."""
        return _answer(request, self.library.index, _TEXT)

    async def get_page(self, request: Request, tag: str, page: str) -> Answer:
        """Get the page of one operation."""
        found = self.library.page(f"{tag}/{page}")
        if found is None:
            raise NotFound("Page")
        return _answer(request, found, _MARKDOWN)

    async def get_viewer(self, request: Request) -> Answer:
        """Get the page that shows the OpenAPI document."""
        return _answer(request, _read(INDEX), _HTML)

    async def get_viewer_file(self, request: Request, file: str) -> Answer:
        """Get a file of that page."""
        content_type = FILES.get(file)
        if content_type is None:
            raise NotFound("Page")
        return _answer(request, _read(file), content_type)

    async def get_errors(self, request: Request) -> Answer:
        """Get the page about error codes."""
        return _answer(request, self.library.errors[0], _HTML)

    async def get_errors_markdown(self, request: Request) -> Answer:
        """Get the page about error codes as Markdown."""
        return _answer(request, self.library.errors[1], _MARKDOWN)

    async def get_deprecations(self, request: Request) -> Answer:
        """Get the page about deprecations."""
        return _answer(request, self.library.deprecations[0], _HTML)

    async def get_deprecations_markdown(self, request: Request) -> Answer:
        """Get the page about deprecations as Markdown."""
        return _answer(request, self.library.deprecations[1], _MARKDOWN)


@functools.cache
def _read(file: str) -> bytes:
    return (VIEWER / file).read_bytes()


@functools.lru_cache(64)
def _tag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:16]}"'


def _answer(request: Request, body: bytes, content_type: str) -> Answer:
    """Return a document, or 304 to who has it. The documents change only with the server, so their bytes are their version."""
    tag = _tag(body)
    if is_known(request, tag):
        return Answer(b"", 304, (("etag", tag),))
    headers = _PAGE_HEADERS if content_type == _HTML else ()
    return Answer(body, 200, (("etag", tag), *headers), content_type)
