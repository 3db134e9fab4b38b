"""RSS, Atom and sitemaps as a stream of entries, in bounded memory.

A file that declares entities is refused: nothing expands. Knows nothing of the web or of files.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal
from xml.parsers import expat

Sort = Literal["feed", "sitemap", "sitemap index"]

ROOT = re.compile(rb"<(?![?!])(?:\w+:)?(\w+)")
ROOTS: dict[str, Sort] = {
    "rss": "feed", "rdf": "feed", "feed": "feed", "urlset": "sitemap",
    "sitemapindex": "sitemap index",
}  # fmt: skip
ENTRIES = frozenset(("item", "entry", "url", "sitemap"))
HEAD_BYTES = 4096
MAX_DEPTH = 256
MAX_NAME_CHARACTERS = 200
MAX_ENTRY_CHARACTERS = 4 << 20
MAX_SILENT_BYTES = 4 << 20
"""Bytes in which nothing begins, ends or is said: the parser keeps a tag or comment whole."""
FIELDS = frozenset(
    (
        "title",
        "link",
        "content",
        "encoded",
        "description",
        "summary",
        "author",
        "creator",
        "name",
        "pubdate",
        "published",
        "updated",
        "date",
        "post_date",
        "post_type",
        "status",
        "loc",
        "lastmod",
        "managingeditor",
    )
)
OTHER_THINGS = frozenset(
    (
        "media",
        "itunes",
        "image",
        "video",
        "news",
        "xhtml",
        "thr",
        "slash",
        "podcast",
        "georss",
        "excerpt",
    )
)
WHOLE_CHARACTERS = 1_500
"""A description that is so long is the whole text."""
DATES = ("published", "pubdate", "post_date", "date", "updated", "lastmod")
MAIL = re.compile(r"\S+@\S+\s*\((.+)\)|\S+@\S+")
BLANK_LINE = re.compile(r"\n[ \t\r]*\n")
PARAGRAPHS = re.compile(r"<(?:p|br|div)\b", re.IGNORECASE)


class BadFeed(Exception):
    """It can't be read; says why."""


@dataclass
class Entry:
    """An article of a feed, or an address of a sitemap."""

    fields: dict[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return " ".join(html.unescape(self.fields.get("title", "")).split())

    @property
    def link(self) -> str:
        return (self.fields.get("link") or self.fields.get("loc") or "").strip()

    @property
    def date(self) -> str:
        return next((self.fields[name] for name in DATES if self.fields.get(name, "").strip()), "")

    @property
    def author(self) -> str:
        return author(self.fields)

    @property
    def draft(self) -> bool:
        return self.fields.get("status", "publish").strip() not in ("publish", "inherit", "")

    @property
    def article(self) -> bool:
        """WordPress exports its menus and pictures as entries, too."""
        return self.fields.get("post_type", "post").strip() in ("post", "page")

    @property
    def whole(self) -> bool:
        """Whether the text itself is in the feed, and not its beginning alone."""
        return bool(self._content) or len(self.fields.get("description", "")) >= WHOLE_CHARACTERS

    @property
    def html(self) -> str:
        text = self._content or self.fields.get("description") or self.fields.get("summary", "")
        if not PARAGRAPHS.search(text):  # as WordPress keeps them
            text = BLANK_LINE.sub("<p>", text)
        return text

    @property
    def _content(self) -> str:
        return (self.fields.get("encoded") or self.fields.get("content") or "").strip()


def author(fields: dict[str, str]) -> str:
    """RSS wants an address for an author, and a name in brackets behind it."""
    names = (fields.get(key, "").strip() for key in ("name", "creator", "author", "managingeditor"))
    name = " ".join(html.unescape(next(filter(None, names), "")[:MAX_NAME_CHARACTERS]).split())
    found = MAIL.fullmatch(name)
    return (found[1] or "") if found else name


def sort_of(head: bytes) -> Sort | None:
    """What a file is by its first element, if it is one of these."""
    if b"\0" in head[:4]:  # UTF-16
        head = head[:HEAD_BYTES].decode("utf-16", "ignore").encode()
    found = ROOT.search(head[:HEAD_BYTES])
    return ROOTS.get(found[1].decode("ascii", "ignore").lower()) if found else None


class Feed:
    """Reads one; what the feed says of itself is in `about` as it comes."""

    def __init__(self) -> None:
        self.about: dict[str, str] = {}
        self._done: list[Entry] = []
        self._entry: Entry | None = None
        self._depth = 0
        """Of the entry."""
        self._open: list[str] = []
        self._markup = 0
        """How deep in elements of HTML that stand in a text."""
        self._text: list[str] = []
        self._characters = 0
        self._heard = False

    def entries(self, data: Iterable[bytes]) -> Iterator[Entry]:
        """Raises BadFeed."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._begins
        parser.EndElementHandler = self._ends
        parser.CharacterDataHandler = self._says
        parser.EntityDeclHandler = _refuse
        silent = 0
        try:
            for portion in data:
                self._heard = False
                parser.Parse(portion, False)
                silent = 0 if self._heard else silent + len(portion)
                if silent > MAX_SILENT_BYTES:
                    raise BadFeed("has a tag or comment that never ends")
                yield from self._taken()
            parser.Parse(b"", True)
        except (expat.ExpatError, ValueError) as error:
            raise BadFeed(f"is no XML that can be read: {error}") from error
        yield from self._taken()

    def _taken(self) -> Iterator[Entry]:
        yield from self._done
        self._done.clear()

    def _begins(self, tag: str, attributes: dict[str, str]) -> None:
        name, self._heard = _local(tag), True
        self._open.append(name)
        if len(self._open) > MAX_DEPTH:
            raise BadFeed(f"has more than {MAX_DEPTH} tags within each other")
        if self._markup or (len(self._open) > 1 and self._open[-2] in ("content", "summary")):
            self._markup += 1
            self._add(f"<{name}>")
            return
        if name in ENTRIES and self._entry is None:
            self._entry, self._depth, self._characters = Entry(), len(self._open), 0
        self._text.clear()
        if name == "link" and attributes.get("rel", "alternate") == "alternate":
            self._put("link", attributes.get("href", ""))

    def _ends(self, _: str) -> None:
        name, self._heard = self._open.pop(), True
        if self._markup:
            self._markup -= 1
            self._add(f"</{name}>")
            return
        if self._entry is not None and len(self._open) < self._depth:
            self._done.append(self._entry)
            self._entry = None
        elif name in FIELDS and "source" not in self._open and "image" not in self._open:
            self._put(name, "".join(self._text))
        self._text.clear()

    def _says(self, data: str) -> None:
        self._add(html.escape(data) if self._markup else data)

    def _add(self, text: str) -> None:
        self._heard = True
        self._text.append(text)
        self._characters += len(text)
        if self._characters > MAX_ENTRY_CHARACTERS:
            raise BadFeed(f"has an entry of more than {MAX_ENTRY_CHARACTERS >> 20} MiB")

    def _put(self, name: str, text: str) -> None:
        into = self.about if self._entry is None else self._entry.fields
        if text.strip():
            into.setdefault(name, text)


def _local(tag: str) -> str:
    """An element's name; with what stands before it where that makes it another thing."""
    prefix, _, name = tag.lower().rpartition(":")
    return tag.lower() if prefix in OTHER_THINGS else name


def _refuse(*_: object) -> None:
    raise BadFeed("declares entities of its own, as no feed needs to")
