"""A person's own writing: Markdown, reStructuredText, HTML, plain text and feeds, as passages.

A line of the tally is a block of a document: a paragraph or list item (a piece of one that is too
long for a passage), a heading, a picture, table or piece of code, a part of the navigation, the
front matter. A block that begins a passage is kept, one that goes on with it merged; pictures,
tables and code are media; headings, navigation, front matter and quotations of others are
system; a document that can't be read is one unparsed line. Knows nothing of the web (site) or of
rows (adapters.dataset.passages).
"""

from __future__ import annotations

import codecs
import io
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path, PurePosixPath

from adapters.dataset.passages import place
from adapters.errors import BadExport
from adapters.imports.entries import Export, opened
from adapters.messages import Message, Options, Tally

from . import dates, feeds, markup
from .chunks import chunks
from .letters import decoded
from .markup import Document, Unreadable
from .prose import NoPage, text_blocks
from .shelf import SHELF, Shelved, shelved

LOOKED_FOR = (
    "writing: .md, .rst or .html files, or a feed (.xml, .rss, .atom); plain .txt files and "
    "addresses only where `writing` is said"
)
UNNAMED = "author"
"""Who speaks where a document names nobody."""
TEXTS = (".txt", ".text")
FEEDS = (".xml", ".rss", ".atom")
MARKUP: dict[str, Callable[[str], Document]] = {
    ".md": markup.markdown, ".markdown": markup.markdown, ".rst": markup.rst,
    ".html": markup.html, ".htm": markup.html, ".xhtml": markup.html,
}  # fmt: skip
MAX_BYTES = {".rst": 1 << 20, ".md": 2 << 20, ".markdown": 2 << 20}
MAX_BYTES_OF_OTHERS = 4 << 20
"""The longest novels have so much; markup is read whole."""
MAX_LINE_CHARACTERS = 1 << 16
GENERATORS = re.compile(
    r"(?:hugo|_?config|mkdocs|pelicanconf|eleventy\.config|\.eleventy)\.(?:toml|ya?ml|json|py|c?js)"
)
TEMPLATES = frozenset((
    "layouts", "themes", "archetypes", "public", "static", "assets", "resources", "templates",
    "_site", "_layouts", "_includes", "_sass",
))  # fmt: skip
HIDDEN = re.compile(r"(?:^|/)\.[^./]")
NEVER = frozenset(("node_modules", "__pycache__", "venv"))
PAGE = re.compile(r"<(?:p|article|main)[\s>]", re.IGNORECASE)


def read(path: Path, tally: Tally, options: Options) -> Iterator[Message]:
    """The passages of all documents, in the order of their names. Raises BadExport."""
    with opened(path, options.watch) as export:
        reading = _Reading(export, tally)
        for number, document in enumerate(reading.documents(), 1):
            yield from _passages(number, document, reading, tally)
        reading.conclude()


def detect(export: Export) -> str | None:
    """Why this looks like a person's writing, if it does."""
    for name in _names(export):
        suffix = PurePosixPath(name).suffix.lower()
        if suffix in FEEDS and feeds.sort_of(export.head(name)) == "feed":
            return f"{name} is a feed"
        of_html = MARKUP.get(suffix) is markup.html
        if suffix in MARKUP and (not of_html or PAGE.search(export.head_text(name))):
            return f"{name} is a text by its ending {suffix}"
    return None


def _passages(
    number: int, document: Document, reading: _Reading, tally: Tally
) -> Iterator[Message]:
    if document.front:
        tally.lines += 1
        tally.put("system")
    speaker = document.author or UNNAMED
    at = document.at or datetime(1970, 1, 1)
    if document.draft:
        reading.drafts += 1
        left = sum(1 for _ in document.blocks)
        tally.lines += left
        tally.put("system", left)
        return
    reading.authors[speaker] += 1
    for heading, section, passage, text in chunks(document, tally):
        id_ = place(number, section, passage, heading)
        yield Message(at, speaker, text, document.title, id=id_)


class _Reading:
    """One import: the documents of an export, and what there is to say at its end."""

    def __init__(self, export: Export, tally: Tally) -> None:
        self._export, self._tally = export, tally
        self.authors: Counter[str] = Counter()
        """Documents of each."""
        self.drafts = 0
        self._dated_by_file = 0
        self._broken: list[str] = []

    def documents(self) -> Iterator[Document]:
        """Raises BadExport where there is none at all."""
        if SHELF in self._export.names:
            listed = list(shelved(self._export, self._tally))
        else:
            listed = [Shelved(name=name) for name in _names(self._export)]
        if not listed:
            raise BadExport(
                f"{self._export.path} holds no writing: no .md, .rst, .html, .txt file and no feed"
            )
        for one in listed:
            try:
                for document in self._read(one):
                    yield self._completed(document, one)
            except (Unreadable, NoPage, feeds.BadFeed) as error:
                self._miss(one.shown, str(error))

    def conclude(self) -> None:
        """Says what somebody would want to know."""
        note = self._tally.notes.append
        for sentence in self._broken[:5]:
            note(sentence)
        if len(self._broken) > 5:
            note(f"{len(self._broken) - 5} more documents could not be read")
        if self.drafts:
            note(f"drafts left out: {self.drafts}; they say so themselves")
        if self._dated_by_file:
            note(f"documents without a date, which have their file's: {self._dated_by_file}")
        if UNNAMED in self.authors and len(self.authors) > 1:
            note(
                f"documents that name no author: {self.authors[UNNAMED]}; they count as those "
                "of who was named first with --speaker"
            )

    def _read(self, one: Shelved) -> Iterator[Document]:
        suffix = one.suffix or PurePosixPath(one.name).suffix.lower()
        if suffix in FEEDS:
            yield from self._feed(one)
        elif suffix in MARKUP:
            yield MARKUP[suffix](self._text(one, suffix))
        else:
            yield self._plain(one)

    def _text(self, one: Shelved, suffix: str) -> str:
        most = MAX_BYTES.get(suffix, MAX_BYTES_OF_OTHERS)
        with self._export.open(one.name) as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise Unreadable(f"is longer than {most >> 20} MiB; split it")
        return decoded(data, one.charset)

    def _plain(self, one: Shelved) -> Document:
        head = self._export.head(one.name)
        utf16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        if b"\0" in head and not utf16:
            raise Unreadable("is no text")
        return Document(blocks=text_blocks(self._lines(one, "utf-16" if utf16 else "utf-8-sig")))

    def _lines(self, one: Shelved, encoding: str) -> Iterator[str]:
        """A line that never ends comes in pieces: some people write a paragraph a line."""
        with (
            self._export.open(one.name) as file,
            io.TextIOWrapper(file, encoding, errors="replace") as text,
        ):
            while line := text.readline(MAX_LINE_CHARACTERS):
                yield line

    def _feed(self, one: Shelved) -> Iterator[Document]:
        if feeds.sort_of(self._export.head(one.name)) != "feed":
            raise Unreadable("is no feed")
        feed = feeds.Feed()
        with self._export.open(one.name) as file:
            for entry in feed.entries(iter(lambda: file.read(1 << 16), b"")):
                if one.whole_only and not entry.whole:
                    continue
                if not entry.article:
                    self._tally.lines += 1
                    self._tally.put("system")
                    continue
                document = markup.html(entry.html)
                document.title = entry.title or document.title
                document.author = entry.author or document.author or feeds.author(feed.about)
                document.at = dates.written(entry.date) or document.at
                document.draft = document.draft or entry.draft
                yield document

    def _completed(self, document: Document, one: Shelved) -> Document:
        """With what is known of a document from outside of it."""
        document.title = one.title or document.title or _title(one.shown)
        document.author = one.author or document.author or one.owner
        document.at = (
            one.at or document.at or one.modified or dates.named(one.shown) or self._file_time(one)
        )
        return document

    def _file_time(self, one: Shelved) -> datetime:
        self._dated_by_file += 1
        with self._export.opener(one.name) as raw:
            try:
                seconds = os.fstat(raw.fileno()).st_mtime
            except (AttributeError, io.UnsupportedOperation):  # in a zip
                seconds = self._export.path.stat().st_mtime
        return datetime.fromtimestamp(seconds).replace(microsecond=0)

    def _miss(self, name: str, why: str) -> None:
        self._tally.lines += 1
        self._tally.miss(self._tally.lines, f"{name} {why}")
        self._broken.append(f"{name} {why}")


def _names(export: Export) -> list[str]:
    """The files that are writing: not those of hidden folders or of a site's templates."""
    tops = {name for name in export.names if "/" not in name}
    skipped = NEVER | TEMPLATES if any(map(GENERATORS.fullmatch, tops)) else NEVER
    found = export.ending(*TEXTS, *FEEDS, *MARKUP)
    return [
        name
        for name in found
        if not HIDDEN.search(name) and skipped.isdisjoint(name.split("/")[:-1])
    ]


def _title(name: str) -> str:
    """Of a document that has none: tea-and-cake.md, or the folder of an index.md."""
    path = PurePosixPath(name)
    stem = path.stem if path.stem not in ("index", "_index") else path.parent.name or path.stem
    bare = re.sub(r"^\d{4}-\d{2}-\d{2}-", "", stem)
    return " ".join(re.split(r"[-_\s]+", bare)).strip() or name
