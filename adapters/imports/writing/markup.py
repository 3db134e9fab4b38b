"""Markdown, reStructuredText and HTML, read as documents: what the text says, and of itself.

Nothing that a text includes or runs is included or run. Knows nothing of files or chunks.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .dates import written
from .prose import Block, page

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

MAX_FRONT_CHARACTERS = 1 << 16
MAX_TOML_DOTS = 200
"""On one line: of a key of n parts the parser keeps n² of them."""
MAX_PARAGRAPH_CHARACTERS = 1 << 13
"""Of Markdown, whose parser takes the square of a paragraph's length for some of them."""
BLANK_LINES = re.compile(r"(\n(?:[ \t]*+\n)+)")
MAX_RST_LINE_CHARACTERS = 10_000
MAX_REPLACED_CHARACTERS = 8 << 20
RST_REPLACEMENT = re.compile(r"^[ \t]*\.\.[ \t]+\|", re.MULTILINE)
FRONT = re.compile(r"\ufeff?(---|\+\+\+)[ \t]*\r?\n(.*?)\r?\n(?:\1|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.S)
SHORTCODE = re.compile(
    r"\{\{[<%](?:[^>%{]|[>%](?!\}\}))*+[>%]\}\}|\{\{[^{}\n]*+\}\}|\{%[^{}%]*+%\}"
)
"""Of Hugo, Jekyll and their like."""
CODE = {"highlight": "<pre>", "endhighlight": "</pre>", "/highlight": "</pre>"}
FOOTNOTE = re.compile(r"\[\^[^\]\s]{1,60}\]:?")
WIKI_PICTURE = re.compile(r"!\[\[[^\[\]\n]*+\]\]")
WIKI_LINK = re.compile(r"\[\[(?:[^\[\]|\n]*+\|)?([^\[\]|\n]*+)\]\]")
RST_FIELD = re.compile(r":(date|author|authors|title|status|draft):[ \t]+(.+)", re.IGNORECASE)
RST_FRONT_LINES = 40
RST = {
    "file_insertion_enabled": False, "raw_enabled": False, "_disable_config": True,
    "report_level": 5, "halt_level": 5, "traceback": True, "warning_stream": False,
    "syntax_highlight": "none", "embed_stylesheet": False, "stylesheet_path": "",
}  # fmt: skip
MAX_TITLE_CHARACTERS = 200


@dataclass
class Document:
    """One text: an article, a page, a note."""

    title: str = ""
    author: str = ""
    at: datetime | None = None
    draft: bool = False
    front: int = 0
    """Blocks that speak of the document only."""
    blocks: Iterable[Block] = field(default_factory=list)


class Unreadable(Exception):
    """It is no text of that kind; says why."""


def markdown(text: str) -> Document:
    """Raises Unreadable or NoPage."""
    document, body = _fronted(text)
    body = FOOTNOTE.sub("", SHORTCODE.sub(_placeholder, body))
    body = WIKI_LINK.sub(r"\1", WIKI_PICTURE.sub("<embed>", body))
    return _with_page(document, _markdown().render(_cut(body)))


def html(text: str) -> Document:
    """Jekyll's pages have front matter, too. Raises NoPage."""
    document, body = _fronted(text)
    return _with_page(document, body)


def rst(text: str) -> Document:
    """Raises Unreadable or NoPage."""
    from docutils.core import publish_parts

    document, body = _fronted(text)
    settings = RST | {"line_length_limit": _line_limit(body)}
    fields = (RST_FIELD.match(line) for line in body.splitlines()[:RST_FRONT_LINES])
    _describe(document, {found[1].lower(): found[2] for found in fields if found})
    try:
        parts = publish_parts(body, writer="html5", settings_overrides=settings)
    except Exception as error:  # whatever docutils dies of, which of broken texts is a lot
        raise Unreadable(f"is no reStructuredText that can be read: {error!r:.100}") from error
    return _with_page(document, parts["html_body"])


def plain(front: str) -> Document:
    """Of a plain text, by its beginning; its blocks are the caller's to add."""
    return _fronted(front)[0]


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    # An address is written once and may be meant in every other word: none is needed here.
    parser.add_render_rule("link_open", lambda *_: "<a>")
    parser.add_render_rule("image", lambda *_: "<img>")
    return parser


def _cut(body: str) -> str:
    """The text, with a blank line in paragraphs that are too long for the parser."""
    pieces: list[str] = []
    for part in BLANK_LINES.split(body):
        begin = 0
        while len(part) - begin > MAX_PARAGRAPH_CHARACTERS:
            most = begin + MAX_PARAGRAPH_CHARACTERS
            end = max(part.rfind(blank, begin, most) for blank in " \n") + 1 or most
            pieces += (part[begin:end], "\n\n")
            begin = end
        pieces.append(part[begin:])
    return "".join(pieces)


def _line_limit(body: str) -> int:
    """How long docutils may let a line, or what stands for a |name|, be. Raises Unreadable."""
    limit = MAX_RST_LINE_CHARACTERS
    longest = max(map(len, body.splitlines()), default=0)
    if longest > limit:
        raise Unreadable(f"has a line of more than {limit:,} characters; break it")
    if RST_REPLACEMENT.search(body):
        limit = min(limit, MAX_REPLACED_CHARACTERS // max(1, body.count("|") // 2))
        if longest > limit:
            raise Unreadable("has names in bars that stand for too much text; write it out")
    return limit


def _placeholder(found: re.Match[str]) -> str:
    """A shortcode as HTML: a picture or the like, unless it is the end of one or code."""
    words = found[0].strip("{}<>% \t\n").split(maxsplit=1)
    name = words[0].lower() if words else ""
    return CODE.get(name) or ("" if name.startswith(("/", "end")) else "<embed>")


def _with_page(document: Document, body: str) -> Document:
    found = page(body)
    document.title = document.title or found.title[:MAX_TITLE_CHARACTERS]
    document.author = document.author or found.author[:MAX_TITLE_CHARACTERS]
    document.at = document.at or written(found.date)
    document.blocks = found.blocks
    return document


def _fronted(text: str) -> tuple[Document, str]:
    """What the front matter says, and the text behind it."""
    document = Document()
    found = FRONT.match(text[:MAX_FRONT_CHARACTERS])
    if not found:
        return document, text
    document.front = 1
    try:
        _describe(document, _toml(found[2]) if found[1] == "+++" else _yaml(found[2]))
    except (ValueError, RecursionError):
        document.front = 0  # so a line of dashes, and a text that goes on
        return document, text
    return document, text[found.end() :]


def _yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506  # makes nothing but strings
    except yaml.YAMLError as error:
        raise ValueError from error


def _toml(text: str) -> Any:
    if any(line.count(".") > MAX_TOML_DOTS for line in text.split("\n")):
        raise ValueError("a key in too many parts")
    return tomllib.loads(text.replace("\r\n", "\n"))


def _describe(document: Document, front: Any) -> None:
    if not isinstance(front, Mapping):
        raise ValueError("no front matter")
    lower = {str(key).lower(): value for key, value in front.items()}
    document.title = document.title or _line(lower.get("title"))
    document.author = document.author or _line(lower.get("author") or lower.get("authors"))
    document.at = document.at or written(_line(lower.get("date") or lower.get("pubdate")))
    document.draft = (
        document.draft
        or _line(lower.get("draft")).lower() in ("true", "yes")
        or _line(lower.get("published")).lower() == "false"
        or _line(lower.get("status")).lower() == "draft"
    )


def _line(value: Any) -> str:
    """A value on one line: the first of several, the name of what has one."""
    for _ in range(3):
        if isinstance(value, list):
            value = value[0] if value else ""
        elif isinstance(value, Mapping):
            value = value.get("name", "")
    if value is None or isinstance(value, (list, Mapping)):
        return ""
    return " ".join(str(value).split())[:MAX_TITLE_CHARACTERS]
