"""Telegram's messages.html, messages2.html and so on: one folder a chat."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from adapters.imports.binning import Conversations, Verdict, binned, named, plain
from adapters.imports.entries import Export
from adapters.imports.moments import Clock
from adapters.imports.pages import Attributes, Page, Words
from adapters.messages import Message, Tally

PAGE = re.compile(r"(?:^|/)messages(\d*)\.html$")
ANSWERED = re.compile(r"#go_to_message(\d+)")
TIMES = ("%d.%m.%Y %H:%M:%S UTC%z", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M")
VIA = re.compile(r"\s+via @\w+$")


def read(export: Export, names: list[str], tally: Tally) -> Iterator[Message]:
    clock, conversations = Clock(), Conversations()
    folders = {name.rpartition("/")[0] for name in names}
    several = len(folders) > 1
    for folder in sorted(folders):
        pages = sorted((n for n in names if n.rpartition("/")[0] == folder), key=_number)
        told = _told(_entries(export, pages), folder if several else "", conversations, clock)
        yield from binned(tally, told)


def _told(
    entries: Iterator[tuple[str, str, _Entry]],
    folder: str,
    conversations: Conversations,
    clock: Clock,
) -> Iterator[tuple[Verdict, _Entry]]:
    for title, speaker, entry in entries:
        conversation = conversations.name(title, folder) if folder else ""
        yield _verdict(entry, speaker, conversation, clock), entry


def _number(name: str) -> int:
    found = PAGE.search(name)
    return int(found[1] or 1) if found else 0


@dataclass
class _Entry:
    """One `div.message` as its texts come in."""

    service: bool
    joined: bool
    id: str
    at: str = ""
    speaker: Words = field(default_factory=Words)
    text: Words = field(default_factory=Words)
    reply_to: str = ""
    forwarded: bool = False
    media: bool = False
    emoji: list[str] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)


class _History(Page):
    slots: ClassVar = {"from_name": "speaker", "text": "text", "reactions": "", "emoji": "emoji",
             "count": "count", "details": "", "signature": "", "media_wrap": ""}  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.title = Words()
        self.entry: _Entry | None = None
        self.finished: list[_Entry] = []

    def begins(self, tag: str, classes: frozenset[str], attributes: Attributes) -> None:
        if tag == "div" and "message" in classes:
            self.finish()
            id_ = attributes.get("id", "").removeprefix("message")
            self.entry = _Entry("service" in classes, "joined" in classes, id_)
        elif entry := self.entry:
            if "date" in classes and not self.within("forwarded"):
                entry.at = attributes.get("title", "")
            elif "forwarded" in classes:
                entry.forwarded = True
            elif "media_wrap" in classes:
                entry.media = True
            elif answered := ANSWERED.search(attributes.get("href", "")):
                entry.reply_to = entry.reply_to or answered[1]

    def says(self, slot: str, text: str) -> None:
        entry = self.entry
        if entry is None:
            if slot == "text" and self.within("page_header"):
                self.title.add(text)
        elif slot == "text":
            entry.text.add(text)
        elif slot == "speaker" and not entry.forwarded:
            entry.speaker.add(text)
        elif slot == "emoji" and text.strip():
            entry.emoji.append(text.strip())
            entry.counts.append(1)
        elif slot == "count" and entry.counts and text.strip().isdecimal():
            entry.counts[-1] = int(text.strip()[:9])

    def finish(self) -> None:
        if self.entry:
            self.finished.append(self.entry)
        self.entry = None


def _entries(export: Export, pages: list[str]) -> Iterator[tuple[str, str, _Entry]]:
    """(title of the chat, speaker, entry): who goes on speaking is named once."""
    speaker = ""
    for name in pages:
        page = _History()
        for _ in page.read(export.lines(name), name):
            for entry in page.finished:
                speaker = speaker if entry.joined else named(str(entry.speaker))
                yield named(str(page.title)), speaker, entry
            page.finished.clear()


def _verdict(entry: _Entry, speaker: str, conversation: str, clock: Clock) -> Verdict:
    if entry.service:
        return "system"
    at, text = _at(entry.at), plain(str(entry.text))
    if at is None or not speaker:
        return "unparsed"
    if not text and entry.media:
        return "media"
    return Message(
        clock.alike(at),
        VIA.sub("", speaker),
        text,
        conversation=conversation,
        id=entry.id,
        reply_to=entry.reply_to,
        reactions=tuple(zip(entry.emoji, entry.counts, strict=True)),
        forwarded=entry.forwarded,
        bot=bool(VIA.search(speaker)),
    )


def _at(title: str) -> datetime | None:
    for written in TIMES:
        try:
            return datetime.strptime(title.strip(), written)
        except ValueError:
            continue
    return None
