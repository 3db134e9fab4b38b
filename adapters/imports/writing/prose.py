"""A page of HTML as the blocks of its text, told apart: what somebody wrote, and what is around it.

Reads portion by portion without a tree. Knows nothing of files, feeds or chunks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Literal, NamedTuple

from .tags import (
    AROUND,
    AROUND_CLASSES,
    DATES,
    ENDS_A_BLOCK,
    FEEDS,
    HEADINGS,
    MEDIA,
    PICTURES,
    ROLES,
    SILENT,
    TEXT_CLASSES,
    UNCLOSED,
    UNSEEN_CLASSES,
    VOID,
)

Kind = Literal["paragraph", "item", "heading", "media", "around", "cell"]
"""`around`: navigation, other people's words that are quoted, and what else is not the text.
`cell`: of a table; no block of a page that was read is one."""

PORTION_CHARACTERS = 1 << 16
MAX_PENDING_CHARACTERS, MAX_REST_CHARACTERS = 1 << 20, 1 << 13
"""Of a tag that has not ended yet (pictures may stand in their tags), and at the end of a page,
where reading them takes the square of that."""
MAX_PARAGRAPH_CHARACTERS = 1 << 16
"""Of plain text."""
MAX_DEPTH = 1_000
LONG_CELL_CHARACTERS = 200
"""Where cells are so long and hold most of the words, the table is how the page is laid out."""
LINKS_SHARE = 0.8
"""A list item or paragraph that is so much link is navigation."""
TITLES = ("og:title", "heading", "title", "first heading")
"""What names a page, the surest first; the first heading of all is often the site's name."""
BLANKS = re.compile(r"[^\S\n]+")


class Block(NamedTuple):
    kind: Kind
    text: str


class NoPage(Exception):
    """It can't be read as HTML; says why."""


@dataclass
class Page:
    """What a page says, and what it says of itself."""

    blocks: list[Block] = field(default_factory=list)
    title: str = ""
    author: str = ""
    date: str = ""
    feeds: list[str] = field(default_factory=list)
    """Addresses as written: relative ones too."""


def page(html: str) -> Page:
    """Raises NoPage."""
    try:
        return _read(html)
    except AssertionError as error:  # the parser's own word for what it can't read
        raise NoPage(f"is no HTML that can be read: {error!s:.100}") from error


def _read(html: str) -> Page:
    reader = _Reader()
    for begin in range(0, len(html), PORTION_CHARACTERS):
        reader.feed(html[begin : begin + PORTION_CHARACTERS])
        if len(reader.rawdata) > MAX_PENDING_CHARACTERS:
            reader.rawdata = ""
    if len(reader.rawdata) > MAX_REST_CHARACTERS:
        reader.rawdata = ""  # each "<!--" in it would be looked for an end anew
    reader.close()
    return reader.finished()


class _Open(NamedTuple):
    """An element that is open, and what its texts are, unless one within says otherwise."""

    tag: str
    silent: bool
    kind: Kind | None
    rank: int
    """How sure it is that the text itself is in here."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open = [_Open("", False, None, 0)]
        self._tags: Counter[str] = Counter()
        self._words: list[str] = []
        self._linked = 0
        self._pictures = 0
        self._kind: Kind = "paragraph"
        self._blocks: list[tuple[int, Block]] = []
        self._title: list[str] | None = None
        self._titles: dict[str, str] = {}
        self._page = Page()

    def finished(self) -> Page:
        """The page, once all of it was fed: only where the text is, if some place claims it."""
        self._end()
        blocks = _without_cells(self._blocks)
        best = max((rank for rank, (kind, _) in blocks if kind == "paragraph"), default=0)
        for rank, (kind, text) in blocks:
            self._page.blocks.append(Block(kind if rank >= best else "around", text))
        named = (self._titles.get(by, "") for by in TITLES)
        self._page.title = next(filter(None, named), "")
        return self._page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self._note(tag, attributes)
        if tag == "br" and self._words[-1:] == ["\n"]:
            self._end()  # a blank line
        elif tag == "br":
            self._words.append("\n")
        if tag in ENDS_A_BLOCK:
            self._end()
            self._title = None  # that nobody closed
            if self._open[-1].tag == "p":  # which nobody must close
                self._open.pop()
                self._tags["p"] -= 1
            if tag in HEADINGS:
                self._kind = "heading"
            elif tag not in ("p", "div"):  # those stand in list items, too
                self._kind = "item" if tag == "li" else "paragraph"
        around = self._open[-1]
        self._pictures += tag in PICTURES and not around.silent
        if tag in VOID or tag in UNCLOSED:
            return
        if len(self._open) > MAX_DEPTH:
            raise NoPage("has more tags within each other than any page")
        self._tags[tag] += 1
        self._open.append(_opened(tag, attributes, around))

    def handle_endtag(self, tag: str) -> None:
        if tag == "title" and self._title is not None:
            self._titles.setdefault("title", _plain(self._title))
            self._title = None
        if tag in ENDS_A_BLOCK:
            self._end()
            self._kind = "paragraph"
        if not self._tags[tag]:
            return
        closed = ""
        while closed != tag:  # what was never closed ends with what is around it
            closed = self._open.pop().tag
            self._tags[closed] -= 1

    def handle_data(self, data: str) -> None:
        if self._title is not None:
            self._title.append(data)
        elif not self._open[-1].silent and (data.strip() or self._words[-1:] != ["\n"]):
            self._words.append(data.replace("\n", " "))
            self._linked += len(data.strip()) if self._tags["a"] else 0

    def _note(self, tag: str, attributes: dict[str, str]) -> None:
        """What the page says of itself."""
        if tag == "title" and "title" not in self._titles and self._open[-1].tag != "svg":
            self._title = []
        elif tag == "time":
            self._page.date = self._page.date or attributes.get("datetime", "")
        elif tag == "link" and attributes.get("type", "").lower() in FEEDS:
            if "alternate" in attributes.get("rel", "").lower() and attributes.get("href"):
                self._page.feeds.append(attributes["href"])
        elif tag == "meta":
            names = (attributes.get(key, "").lower() for key in ("property", "name", "itemprop"))
            name, content = next(filter(None, names), ""), attributes.get("content", "").strip()
            if name == "author":
                self._page.author = self._page.author or content
            elif name == "og:title":
                self._titles.setdefault(name, content)
            elif name in DATES:
                self._page.date = content or self._page.date

    def _end(self) -> None:
        """The block that was being read is whole."""
        text, linked, pictures = _plain(self._words), self._linked, self._pictures
        self._words.clear()
        self._linked = self._pictures = 0
        if not text and not pictures:
            return
        inside = self._open[-1]
        if self._kind == "heading":
            self._titles.setdefault("heading" if inside.rank else "first heading", text)
        kind: Kind = inside.kind or (self._kind if text else "media")
        if kind in ("paragraph", "item", "cell") and linked >= LINKS_SHARE * len(text):
            kind = "around"
        self._blocks.append((inside.rank, Block(kind, text)))


def _opened(tag: str, attributes: dict[str, str], around: _Open) -> _Open:
    classes = frozenset(attributes.get("class", "").lower().split())
    whole = tag in ("html", "body", "main", "article")
    silent = around.silent or tag in SILENT or "hidden" in attributes or (
        not whole and bool(classes & UNSEEN_CLASSES)
    )  # fmt: skip
    kind = around.kind
    if kind in (None, "cell") and tag in MEDIA:
        kind = "cell" if tag == "table" else "media"
    elif kind in (None, "cell") and not whole and "admonition" not in classes and (
        tag in AROUND or attributes.get("role") in ROLES or classes & AROUND_CLASSES
    ):  # fmt: skip
        kind = "around"
    rank = around.rank
    if classes & TEXT_CLASSES or attributes.get("itemprop", "").lower() == "articlebody":
        rank = max(rank, 2)
    elif tag in ("article", "main") or attributes.get("role") == "main":
        rank = max(rank, 1)
    return _Open(tag, silent, kind, rank)


def _without_cells(blocks: list[tuple[int, Block]]) -> list[tuple[int, Block]]:
    """Each table as one medium, unless the page is laid out by tables."""
    texts, cells = (
        [text for _, (kind, text) in blocks if kind in kinds]
        for kinds in (("paragraph", "item"), ("cell",))
    )
    long = sum(len(text) for text in cells if len(text) >= LONG_CELL_CHARACTERS)
    kept: list[tuple[int, Block]] = []
    before = ""
    for rank, (kind, text) in blocks:
        if kind != "cell":
            kept.append((rank, Block(kind, text)))
        elif long > sum(map(len, texts)):
            kept.append((rank, Block("paragraph", text)))
        elif before != "cell":
            kept.append((rank, Block("media", text)))
        before = kind
    return kept


def _plain(words: list[str]) -> str:
    text = BLANKS.sub(" ", "".join(words))
    return "\n".join(filter(None, (line.strip() for line in text.split("\n"))))


def text_blocks(lines: Iterator[str]) -> Iterator[Block]:
    """The paragraphs of a plain text: what stands between blank lines."""
    paragraph: list[str] = []
    characters = 0
    for line in lines:
        bare = BLANKS.sub(" ", line).strip()
        if bare:
            paragraph.append(bare)
            characters += len(bare)
        if paragraph and (not bare or characters > MAX_PARAGRAPH_CHARACTERS):
            yield Block("paragraph", " ".join(paragraph))
            paragraph, characters = [], 0
    if paragraph:
        yield Block("paragraph", " ".join(paragraph))
