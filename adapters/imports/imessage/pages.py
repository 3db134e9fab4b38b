"""imessage-exporter's HTML: a page a conversation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, ClassVar

from adapters.imports.binning import Verdict, binned, counted, named, plain
from adapters.imports.entries import Export
from adapters.imports.moments import Clock
from adapters.imports.pages import Attributes, Page, Words
from adapters.messages import Message, Tally

from .common import APPS, UNSENT, at, emoji

OURS = re.compile(r'\.message_part|imessage-exporter|class="(?:sent|received)[" ]')
MEDIA = ("img", "video", "audio")


def found(export: Export) -> list[str]:
    return [name for name in export.ending(".html") if OURS.search(export.head_text(name))]


def read(export: Export, names: list[str], tally: Tally) -> Iterator[Message]:
    clock = Clock()
    for name in names:
        conversation = PurePosixPath(name).stem if len(names) > 1 else ""
        yield from binned(tally, _verdicts(export, name, conversation, clock, tally))


@dataclass
class _Entry:
    announcement: bool
    at: Words = field(default_factory=Words)
    speaker: Words = field(default_factory=Words)
    parts: list[Words] = field(default_factory=list)
    edit: Words = field(default_factory=Words)
    reactions: list[Words] = field(default_factory=list)
    media: bool = False
    unsent: bool = False


class _Chat(Page):
    slots: ClassVar = {
        "replies": "shown again", "timestamp": "at", "sender": "speaker", "bubble": "part",
        "edited": "edit", "unsent": "part", "announcement": "", "reply_context": "",
        "expressive": "", "app": "", "reactions": "reaction", "tapbacks": "reaction",
    }  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.entry: _Entry | None = None
        self.finished: list[_Entry] = []

    def begins(self, tag: str, classes: frozenset[str], attributes: Attributes) -> None:
        del attributes
        if self.within("replies"):
            return
        announcement = "announcement" in classes
        if tag == "div" and ("message" in classes or announcement) and not self.within("message"):
            self.finish()
            self.entry = _Entry(announcement)
        elif entry := self.entry:
            if tag in MEDIA or classes & {"attachment", "app"}:
                entry.media = entry.media or not self.within("reactions")
            if classes & {"reaction", "tapback"}:
                entry.reactions.append(Words())
            if classes & {"unsent", "deleted"}:
                entry.unsent = True
            if "bubble" in classes:
                entry.parts.append(Words())
            if tag == "tr":
                entry.edit = Words()  # each row is a newer wording

    def says(self, slot: str, text: str) -> None:
        entry = self.entry
        if entry is None or self.within("replies"):
            return
        if slot == "at" and not self.within("edited"):
            entry.at.add(text)
        elif slot == "speaker":
            entry.speaker.add(text)
        elif slot == "part" and entry.parts:
            entry.parts[-1].add(text)
        elif slot == "edit":
            entry.edit.add(text)
        elif slot == "reaction" and entry.reactions:
            entry.reactions[-1].add(text)

    def finish(self) -> None:
        if self.entry:
            self.finished.append(self.entry)
        self.entry = None


def _verdicts(
    export: Export, name: str, conversation: str, clock: Clock, tally: Tally
) -> Iterator[tuple[Verdict, Any]]:
    page = _Chat()
    for _ in page.read(export.lines(name), name):
        for entry in page.finished:
            yield _verdict(entry, conversation, clock, tally), entry
        page.finished.clear()


def _verdict(entry: _Entry, conversation: str, clock: Clock, tally: Tally) -> Verdict:
    if entry.announcement:
        return "system"
    when, speaker = at(str(entry.at)), named(str(entry.speaker))
    if when is None or not speaker:
        return "unparsed"
    edit = plain(str(entry.edit))
    text = edit or plain("\n".join(plain(str(part)) for part in entry.parts))
    if entry.unsent or UNSENT.fullmatch(text):
        return "deleted"
    if APPS.fullmatch(text):
        return "system"
    if not text:
        return "media" if entry.media else "system"
    tally.edited += bool(edit)
    return Message(
        clock.alike(when),
        speaker,
        text,
        conversation=conversation,
        reactions=counted(emoji(str(reaction)) for reaction in entry.reactions),
    )
