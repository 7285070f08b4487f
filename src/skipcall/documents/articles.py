"""A short text in sections, as Markdown and as HTML."""

import html
import re

import msgspec

_CODE = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")


class Entry(msgspec.Struct, frozen=True):
    """One thing explained. `anchor` is what links to it end in. Texts may hold `code` and [links](to)."""

    anchor: str
    title: str
    paragraphs: tuple[str, ...]


class Section(msgspec.Struct, frozen=True):
    """Entries that belong together."""

    title: str
    introduction: str
    entries: tuple[Entry, ...]


class Article(msgspec.Struct, frozen=True):
    """A page."""

    title: str
    introduction: str
    sections: tuple[Section, ...]


def as_markdown(article: Article) -> str:
    """Return an article as Markdown, with an anchor before each entry."""
    blocks = [f"# {article.title}", article.introduction]
    for section in article.sections:
        blocks += [f"## {section.title}", section.introduction]
        for entry in section.entries:
            blocks += [f'<a id="{entry.anchor}"></a>', f"### {entry.title}", *entry.paragraphs]
    return "\n\n".join(blocks) + "\n"


def as_html(article: Article, stylesheet: str) -> str:
    """Return an article as a page of its own."""
    parts = [f"<h1>{_inline(article.title)}</h1>", f"<p>{_inline(article.introduction)}</p>"]
    for section in article.sections:
        parts += [f"<h2>{_inline(section.title)}</h2>", f"<p>{_inline(section.introduction)}</p>"]
        for entry in section.entries:
            anchor = html.escape(entry.anchor)
            parts.append(f'<section id="{anchor}"><h3><a href="#{anchor}">{_inline(entry.title)}</a></h3>')
            parts += [f"<p>{_inline(text)}</p>" for text in entry.paragraphs]
            parts.append("</section>")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(article.title)}</title>\n"
        f'<link rel="stylesheet" href="{html.escape(stylesheet)}">\n</head>\n<body class="article">\n<main>\n'
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )


def _inline(text: str) -> str:
    escaped = _CODE.sub(r"<code>\1</code>", html.escape(text))
    return _LINK.sub(r'<a href="\2">\1</a>', escaped)
