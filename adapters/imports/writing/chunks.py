"""A document's blocks put together to chunks to learn from: whole paragraphs, up to a length.

Counts every block in one bin. Knows nothing of markup or files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from adapters.messages import Tally

from .markup import MAX_TITLE_CHARACTERS, Document
from .prose import Block

MAX_CHARACTERS = 900
"""Cleaning takes what is over 1,000 characters for pasted."""
SENTENCE_END = re.compile(r"(?:[.!?…]+[\"'”’»)\]]*(?=\s)|[。！？]+[」』”’）]*)\s*")
ITEM = "- "


class Chunk(NamedTuple):
    heading: str
    """What stands above it, "" before the first heading."""
    section: int
    number: int
    """In its section, from 1."""
    text: str


def chunks(document: Document, tally: Tally) -> Iterator[Chunk]:
    """A chunk never reaches over a heading. A paragraph that is too long is cut after a sentence,
    and its pieces count as blocks."""
    heading, section, number = "", 1, 0
    text, before = "", ""
    for kind, words in document.blocks:
        if kind not in ("paragraph", "item"):
            tally.lines += 1
            tally.put("media" if kind == "media" else "system")
        if kind == "heading" and words.casefold() != document.title.casefold():
            if text:
                yield Chunk(heading, section, number + 1, text)
            heading = " ".join(words.split())[:MAX_TITLE_CHARACTERS]
            section, number, text = section + 1, 0, ""
        for piece in _pieces(Block(kind, words)):
            tally.lines += 1
            joined = f"{text}{_between(before, kind)}{piece}"
            if text and len(joined) <= MAX_CHARACTERS:
                tally.put("merged")
                text = joined
            else:
                if text:
                    number += 1
                    yield Chunk(heading, section, number, text)
                tally.put("kept")
                text = piece
            before = kind
    if text:
        yield Chunk(heading, section, number + 1, text)


def _between(before: str, kind: str) -> str:
    return "\n" if before == kind == "item" else "\n\n"


def _pieces(block: Block) -> Iterator[str]:
    """The words of a paragraph or list item; cut where they are too long for one chunk."""
    if block.kind not in ("paragraph", "item"):
        return
    rest = ITEM + block.text if block.kind == "item" else block.text
    while len(rest) > MAX_CHARACTERS:
        end = _cut(rest)
        yield rest[:end].rstrip()
        rest = rest[end:].lstrip()
    if rest:
        yield rest


def _cut(text: str) -> int:
    """Where to end the first piece: after a sentence, else between words, else anywhere."""
    head = text[: MAX_CHARACTERS + 1]
    ends = [found.end() for found in SENTENCE_END.finditer(head) if found.end() <= MAX_CHARACTERS]
    return ends[-1] if ends else head.rfind(" ") if head.rfind(" ") > 0 else MAX_CHARACTERS
