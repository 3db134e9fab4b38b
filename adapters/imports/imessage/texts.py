"""imessage-exporter's text: the time, who, the words, and a blank line.

Replies are shown twice: indented below what they answer, which is skipped, and in their own place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from adapters.imports.binning import Verdict, counted, named, plain
from adapters.imports.blocks import Block, blocks, settled
from adapters.imports.entries import Export
from adapters.imports.moments import Clock
from adapters.messages import Message, Tally

from .common import APPS, TIME, UNSENT, at, emoji

FIRST = re.compile(rf"\ufeff?\s*{TIME}")
HEADER = re.compile(rf"\0({TIME})(?: \((?:Read|Delivered|Played)[^\n]*\))?(.*)")
SHOWN_REPLY = re.compile(rf" {{4}}{TIME}")
FIRST_WORDING = re.compile(rf"{TIME} (.*)")
EDITED = re.compile(r"Edited .{1,80} later: (.*)")
ATTACHED = re.compile(
    r"(?:attachments/|\S.*/Attachments/|~/Library/).*|Attachment missing!.*"
    r"|\S.*/[0-9a-f]{2}/[0-9a-f]{40}|(?:[A-Z][a-z]+ )?Sticker from .{1,80}: \S+/\S.*"
)
"""Files as the Mac keeps them, copies of them, and those in a telephone's backup."""
REACTIONS = ("Tapbacks:", "Reactions:")
ASIDE = re.compile(r"This message responded to an earlier message\.|Sent with [A-Z][\w ]{2,20}")


def found(export: Export) -> list[str]:
    return [name for name in export.ending(".txt") if FIRST.match(export.head_text(name))]


def read(export: Export, names: list[str], tally: Tally) -> Iterator[Message]:
    clock = Clock()
    for name in names:
        conversation = PurePosixPath(name).stem if len(names) > 1 else ""
        told = blocks(_marked(export.lines(name)), HEADER.match, tally)
        yield from settled(tally, ((_verdict(b, conversation, clock, tally), b) for b in told))


def _marked(lines: Iterator[str]) -> Iterator[str]:
    """Marks times after a blank line: others are part of an edited message's words."""
    blank = True
    for line in lines:
        yield "\0" + line if blank and FIRST.match(line) and not line.startswith(" ") else line
        blank = not line.strip()


def _verdict(block: Block, conversation: str, clock: Clock, tally: Tally) -> Verdict:
    if block.header[2].strip():
        return "system"
    when = at(block.header[1])
    speaker = named(block.more[0]) if block.more else ""
    if when is None or not speaker:
        return "unparsed"
    words, reactions, media, edits = _taken_apart(block.more[1:])
    text = plain("\n".join(words))
    if UNSENT.fullmatch(text):
        return "deleted"
    if APPS.fullmatch(text):
        return "system"
    if not text:
        return "media" if media else "system"
    tally.edited += edits
    return Message(
        clock.alike(when), speaker, text, conversation=conversation, reactions=counted(reactions)
    )


def _taken_apart(lines: list[str]) -> tuple[list[str], list[str], bool, bool]:
    """(words, reactions, whether a medium is attached, whether the words were edited)."""
    words: list[str] = []
    reactions: list[str] = []
    media = edited = shown_reply = listing = False
    for line in lines:
        shown_reply = (shown_reply and (line.startswith("    ") or not line)) or bool(
            SHOWN_REPLY.match(line)
        )
        listing = line in REACTIONS or (listing and bool(emoji(line)))
        if shown_reply or line in REACTIONS:
            continue
        if listing:
            reactions.append(emoji(line))
        elif newer := EDITED.fullmatch(line):
            words, edited = [newer[1]], True
        elif ATTACHED.fullmatch(line):
            media = True
        elif not ASIDE.fullmatch(line):
            first = FIRST_WORDING.fullmatch(line)
            words.append(first[1] if first and not words else line)
    return words, reactions, media, edited
