"""WhatsApp's "Export chat": a text file of any phone, locale and year.

Reads the file twice as a stream: first to learn how its dates, headers and names are written,
then to tell the messages. Knows nothing of personas or datasets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from adapters.errors import BadRequest
from adapters.imports import dates
from adapters.imports.source import blocks
from adapters.messages import Message, Options, Tally

from .header import INVISIBLE, visible
from .markers import (
    ATTACHED,
    ATTACHED_FILE,
    BEGINNINGS,
    DELETED,
    EDITED,
    LRM,
    NOTICED,
    OMITTED,
    OMITTED_IOS,
    OTHER_MEDIA,
    is_system,
)
from .survey import Survey, survey

WHATEVER = Options()
MAX_FURTHER_CHARACTERS = 1 << 18
FILE_NAME_TITLE = re.compile(r" • ")
"""iOS writes "name • 2 pages" before a document: not a caption."""


def read(path: Path, tally: Tally, options: Options = WHATEVER) -> Iterator[Message]:
    """The messages of an export, in the order of the file. `tally` is complete at the end.

    Raises BadExport where the file is no WhatsApp export, BadRequest for an unknown date order.
    """
    if options.date_order and options.date_order not in dates.ORDERS:
        known = ", ".join(dates.ORDERS)
        raise BadRequest(f"there is no date order {options.date_order!r}; choose one of {known}")
    file = survey(path, options)
    tally.date_order = " and ".join(file.decision.names)
    tally.date_order_reason = file.decision.reason
    number = plain = 0
    held: Message | None = None  # plain, and told as soon as it is known to have no further line
    entry: _Entry | None = None  # everything else
    taken_apart, speakers, days, times = file.lines.findall, file.speakers, file.days, file.times
    for block in blocks(path, lambda share: options.watch((1 + share) / 2)):
        for day, o_clock, name, words in taken_apart(block):
            number += 1
            if (
                day
                and (speaker := speakers.get(name))
                and (midnight := days[day])
                and (since := times[o_clock]) is not None
                and (text := words.strip())[:NOTICED] not in BEGINNINGS
                and ">" not in text
                and " (" not in text
                and (text.isascii() or not INVISIBLE.search(text))
            ):
                if done := held or (entry and entry.told(tally, file)):
                    yield done
                held, entry, rest = Message(midnight + since, speaker, text), None, (name, words)
                plain += 1
                continue
            line = file.whole(day, o_clock, name, words)
            if header := file.header(line):
                if done := held or (entry and entry.told(tally, file)):
                    yield done
                held, entry = None, _Entry(number, line, file.moment(header), header["rest"])
                continue
            if held:
                entry = _Entry(number - 1, "", held.at, ": ".join(rest))
                held = None
                plain -= 1
            if entry:
                entry.goes_on(line)
            else:
                tally.miss(number, line)
    if done := held or (entry and entry.told(tally, file)):
        yield done
    tally.lines += number
    tally.put("kept", plain)


@dataclass
class _Entry:
    """One header line and the lines that follow it."""

    number: int
    line: str
    at: datetime | None
    rest: str
    more: list[str] = field(default_factory=list)
    further: int = 0
    """How many lines follow; of a message that never ends `more` has only the first."""
    room: int = MAX_FURTHER_CHARACTERS

    def goes_on(self, line: str) -> None:
        self.further += 1
        self.room -= len(line) + 1
        if self.room > 0:
            self.more.append(line)

    def told(self, tally: Tally, file: Survey) -> Message | None:
        """Puts every line into its bin; the message, if a person wrote one."""
        if self.at is None:
            tally.miss(self.number, self.line)
            for offset, line in enumerate(self.more, 1):
                tally.miss(self.number + offset, line)
            tally.put("unparsed", self.further - len(self.more))
            return None
        speaker, words = file.names.split(self.rest)
        if speaker is None or is_system(words, speaker, file.groups):
            tally.put("system", 1 + self.further)
            return None
        return self._message(tally, self.at, speaker, "\n".join([words, *self.more]))

    def _message(self, tally: Tally, at: datetime, speaker: str, marked: str) -> Message | None:
        text, edits = _unedited(visible(marked).strip())
        if DELETED.fullmatch(text):
            tally.put("deleted", 1 + self.further)
            return None
        tally.edited += edits
        caption = _caption(marked.strip(), text)
        if caption is None:
            tally.put("kept")
            tally.put("merged", self.further)
            return Message(at, speaker, text)
        tally.put("media")
        tally.put("merged" if caption else "media", self.further)
        if not caption:
            return None
        tally.captions += 1
        return Message(at, speaker, _unedited(caption)[0])


def _unedited(text: str) -> tuple[str, int]:
    """(the text without the mark of an edit, how many there were)."""
    if not text.endswith(">"):
        return text, 0
    bare, edits = EDITED.subn("", text)
    return bare.rstrip(), edits


def _caption(marked: str, text: str) -> str | None:
    """What a person wrote along with a medium, perhaps nothing; None where there is no medium."""
    if OMITTED.fullmatch(text) or OTHER_MEDIA.match(text) or OMITTED_IOS.fullmatch(text):
        return ""
    before, mark, after = marked.rpartition(LRM)
    if mark and OMITTED_IOS.match(after):
        return _without_title(visible(before).strip(), after)
    if attached := _attached(text):
        start, end = attached
        before, after = text[:start].strip(), text[end:].strip()
        if after and text[start:].startswith(after):
            after = ""  # Android repeats a document's name on the next line.
        return "\n".join(part for part in (_without_title(before, ""), after) if part)
    return None


def _attached(text: str) -> tuple[int, int] | None:
    """Where the name of an attached file lies, with what the app wrote around it."""
    if ">" in text and (found := ATTACHED.search(text)):
        return found.span()
    if " (" in text or " <" in text:
        found = ATTACHED_FILE.search(text)
        return (text.rfind("\n", 0, found.start()) + 1, found.end()) if found else None
    return None


def _without_title(before: str, what: str) -> str:
    document = "oc" in what and re.match(r"(?i)do[ck]u", what)
    return "" if document or FILE_NAME_TITLE.search(before) else before
