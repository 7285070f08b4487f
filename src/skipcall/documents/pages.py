"""The documents, each built when it is first asked for: nothing here may slow the start of a server."""

import functools
import json
import re
from collections.abc import Sequence
from typing import Any

import msgspec

from skipcall.documents import about, codes, deprecations
from skipcall.documents.articles import as_html, as_markdown
from skipcall.http.openapi import build_document, part_of
from skipcall.http.routing import Operation

YAML_WIDTH = 80
FOLD_LENGTH = 60
STYLESHEET = "viewer/pages.css"  # beside /docs/errors and /docs/deprecations

# The form of these pages is that of the contract, so that a reader made for one reads the other.
_PAGE = """\
> ## Documentation Index
> Every page about this API is listed at: {base}/llms.txt
> Look there first to learn what else it does.

# {title}

> {description}



## OpenAPI

````yaml {base}/docs-json {method} {path}
{yaml}
````
"""


class Library:
    """The documents about some operations.

    `public_url` is the address that clients use. Without one, links are relative to whatever address a reader came by.
    """

    def __init__(self, operations: Sequence[Operation], public_url: str | None) -> None:
        self._operations = operations
        self._base = public_url or ""
        self._pages: dict[str, bytes] = {}

    @functools.cached_property
    def document(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return build_document(self._operations, info=about.info(), tags=about.TAGS, server_url=self._base or "/")

    @functools.cached_property
    def json(self) -> bytes:
        """The OpenAPI document as `/docs-json` answers it."""
        return msgspec.json.encode(self.document)

    @functools.cached_property
    def index(self) -> bytes:
        """`llms.txt` (https://llmstxt.org): what there is to read, a line for each page."""
        lines = [f"# {about.TITLE}", "", "> Contacts and custom fields of an organization, over HTTP and JSON.", ""]
        for tag in about.TAGS:
            of_tag = [(place, one) for place, one in self._by_place.items() if one.tag == tag]
            lines += [f"## {tag}", "", *(self._line(place, one) for place, one in of_tag), ""]
        lines += [
            "## Reference",
            "",
            f"- [OpenAPI document]({self._base}/docs-json): every operation and schema, as JSON",
            f"- [Errors]({self._base}/docs/errors.md): every error code, what it means and what to do",
            f"- [Deprecations]({self._base}/docs/deprecations.md): what still works and should not be used any more",
        ]
        return "\n".join([*lines, ""]).encode()

    def page(self, place: str) -> bytes | None:
        """Return the Markdown page of one operation, by `tag/page.md`; None if there is none."""
        found = self._pages.get(place)
        operation = self._by_place.get(place)
        if found is None and operation is not None:
            found = self._pages[place] = self._write_page(operation).encode()
        return found

    @property
    def places(self) -> tuple[str, ...]:
        """Where each operation has its page, below `/docs/api-reference/`."""
        return tuple(self._by_place)

    @functools.cached_property
    def errors(self) -> tuple[bytes, bytes]:
        """The page about error codes, as HTML and as Markdown."""
        article = codes.article()
        return as_html(article, STYLESHEET).encode(), as_markdown(article).encode()

    @functools.cached_property
    def deprecations(self) -> tuple[bytes, bytes]:
        """The page about deprecations, as HTML and as Markdown."""
        article = deprecations.ARTICLE
        return as_html(article, STYLESHEET).encode(), as_markdown(article).encode()

    def files(self) -> dict[str, bytes]:
        """Return the documents that are kept in the repository, by path."""
        pretty = json.dumps(self.document, indent=2, ensure_ascii=False) + "\n"
        found = {"openapi.json": pretty.encode()}
        for place in self.places:
            page = self.page(place)
            assert page is not None
            found[f"docs/reference/api/{place}"] = page
        found["docs/reference/errors.md"] = self.errors[1]
        found["docs/reference/deprecations.md"] = self.deprecations[1]
        return found

    @functools.cached_property
    def _by_place(self) -> dict[str, Operation]:
        return {f"{_slug(one.tag)}/{_slug(one.summary)}.md": one for one in self._operations}

    def _line(self, place: str, one: Operation) -> str:
        return f"- [{one.summary}]({self._base}/docs/api-reference/{place}): {_first_sentence(one)}"

    def _write_page(self, one: Operation) -> str:
        return _PAGE.format(
            base=self._base,
            title=one.summary,
            description=one.description or f"{one.summary}.",
            method=one.method.lower(),
            path=one.path,
            yaml=as_yaml(part_of(self.document, one)),
        )


def as_yaml(value: Any) -> str:
    """Return a value as YAML, long texts folded."""
    import yaml  # takes longer to import than a server may take to start

    class Dumper(yaml.SafeDumper):
        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - theirs
            super().increase_indent(flow, indentless=False)

        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - repeat what is the same
            return True

    def text(dumper: yaml.SafeDumper, data: str) -> yaml.ScalarNode:
        style = ">" if len(data) > FOLD_LENGTH and " " in data else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", data, style=style)

    Dumper.add_representer(str, text)
    written: str = yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=YAML_WIDTH)
    return written


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def _first_sentence(one: Operation) -> str:
    return (one.description or one.summary).partition(". ")[0].rstrip(".") + "."
