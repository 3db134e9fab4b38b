"""Saved chat pages in HTML, read as a stream of texts with the place they stand in.

Everything between tags is text, and no tag is. Knows nothing of any exporter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html.parser import HTMLParser
from typing import ClassVar

from adapters.errors import BadExport

MAX_OPEN_ELEMENTS = 256
MAX_PENDING_CHARACTERS, MAX_REST_CHARACTERS = 1 << 20, 1 << 13
"""Of a tag or text that has not ended yet, and of a tag at the end of a page, where reading it
takes the square of that."""
PORTION_CHARACTERS = 1 << 16
"""Not line by line: the parser looks at all that is pending again each time."""
VOID = frozenset({"br", "hr", "img", "meta", "link", "input", "source", "wbr", "col", "area"})
SILENT = ("script", "style")

Attributes = Mapping[str, str]


class Words:
    """A text as it comes in, piece by piece."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._characters = 0

    def add(self, piece: str) -> None:
        self._pieces.append(piece)
        self._characters += len(piece)
        if self._characters > MAX_PENDING_CHARACTERS:
            raise BadExport("a text of this page never ends; this is not a chat export")

    def __str__(self) -> str:
        return "".join(self._pieces)


class Page(HTMLParser):
    """Subclasses hear of elements and of texts; a text's slot is named by a class around it."""

    slots: ClassVar[Mapping[str, str]] = {}
    """Class of an element → slot of the texts within it; the innermost counts."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[tuple[str, frozenset[str], str]] = []

    def begins(self, tag: str, classes: frozenset[str], attributes: Attributes) -> None:
        """An element opens; the slot of its own texts is not told."""

    def says(self, slot: str, text: str) -> None:
        """A text; `slot` is "" where no class around it names one."""

    def finish(self) -> None:
        """The page is at its end."""

    def within(self, class_: str) -> bool:
        return any(class_ in classes for _, classes, _ in self._open)

    def read(self, lines: Iterable[str], name: str) -> Iterable[None]:
        """Takes in the page bit by bit; pauses after each, so that what was heard can go on."""
        try:
            for some in _portions(lines):
                self.feed(some)
                self._bound(MAX_PENDING_CHARACTERS, name)
                yield
            self._bound(MAX_REST_CHARACTERS, name)
            self.close()
        except AssertionError as error:  # the parser's own word for what it can't read
            raise BadExport(f"{name} is no HTML that can be read: {error}") from error
        self.finish()
        yield

    def _bound(self, most: int, name: str) -> None:
        if len(self.rawdata) > most:
            raise BadExport(f"a tag in {name} never ends; this is not a chat export")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        classes = frozenset(attributes.get("class", "").split())
        if tag == "br":
            self.says(self._slot(), "\n")
        self.begins(tag, classes, attributes)
        if tag in VOID:
            return
        if len(self._open) >= MAX_OPEN_ELEMENTS:
            raise BadExport(f"more than {MAX_OPEN_ELEMENTS} tags within each other: no chat export")
        own = next((slot for class_, slot in self.slots.items() if class_ in classes), None)
        self._open.append((tag, classes, self._slot() if own is None else own))

    def handle_endtag(self, tag: str) -> None:
        if not any(tag == open_ for open_, _, _ in self._open):
            return
        while self._open.pop()[0] != tag:
            pass  # what was never closed ends with what is around it

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1][0] not in SILENT:
            self.says(self._slot(), data)

    def _slot(self) -> str:
        return self._open[-1][2] if self._open else ""


def _portions(lines: Iterable[str]) -> Iterator[str]:
    some: list[str] = []
    characters = 0
    for line in lines:
        some += (line, "\n")
        characters += len(line) + 1
        if characters >= PORTION_CHARACTERS:
            yield "".join(some)
            some, characters = [], 0
    yield "".join(some)
