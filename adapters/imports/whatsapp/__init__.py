"""WhatsApp's "Export chat": a text file of any phone, locale and year.

Reads the file twice as a stream: first to learn how its dates, headers and names are written,
then to tell the messages. Knows nothing of personas or datasets.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from adapters.errors import BadExport, BadRequest
from adapters.imports.source import lines
from adapters.messages import Message, Options, Tally

from . import dates
from .header import HEADER, Kind, clock, kind, visible
from .markers import (
    ATTACHED,
    ATTACHED_FILE,
    DELETED,
    EDITED,
    LRM,
    OMITTED,
    OMITTED_IOS,
    OTHER_MEDIA,
    is_system,
)
from .names import Names

WHATEVER = Options()
PASTED_SHARE = 0.01
"""Headers of another kind than the file's own are pasted text when they are this rare."""
GROUP = re.compile(r'created (?:this )?group ["“](.+?)["”]')
FILE_NAME_TITLE = re.compile(r" • ")
"""iOS writes "name • 2 pages" before a document: not a caption."""


def read(path: Path, tally: Tally, options: Options = WHATEVER) -> Iterator[Message]:
    """The messages of an export, in the order of the file. `tally` is complete at the end.

    Raises BadExport where the file is no WhatsApp export, BadRequest for an unknown date order.
    """
    if options.date_order and options.date_order not in dates.ORDERS:
        known = ", ".join(dates.ORDERS)
        raise BadRequest(f"there is no date order {options.date_order!r}; choose one of {known}")
    survey = _survey(path, options)
    tally.date_order = " and ".join(survey.decision.names)
    tally.date_order_reason = survey.decision.reason
    entry: _Entry | None = None
    for number, line in enumerate(lines(path), 1):
        tally.lines += 1
        header = survey.header(line)
        if header is None:
            if entry:
                entry.more.append(line)
            else:
                tally.miss(number, line)
            continue
        if entry and (message := entry.told(tally, survey)):
            yield message
        entry = _Entry(number, line, survey.moment(header), header["rest"])
    if entry and (message := entry.told(tally, survey)):
        yield message


@dataclass(frozen=True)
class _Survey:
    """How this one file writes its headers, dates and names."""

    kinds: frozenset[Kind]
    decision: dates.Decision
    names: Names
    groups: set[str]
    days: dict[str, date | None] = field(default_factory=dict)

    def header(self, line: str) -> re.Match[str] | None:
        found = HEADER.match(line)
        return found if found and kind(found) in self.kinds else None

    def moment(self, header: re.Match[str]) -> datetime | None:
        text = header["date"]
        if text not in self.days:
            self.days[text] = self.decision.date(text, header["separator"])
        day, time = self.days[text], clock(header)
        return datetime.combine(day, time) if day and time else None


def _survey(path: Path, options: Options) -> _Survey:
    uses: Counter[tuple[Kind, str, str]] = Counter()
    names, groups = Names(), set()
    for line in lines(path):
        if header := HEADER.match(line):
            uses[kind(header), header["date"], header["separator"]] += 1
            names.observe(header["rest"])
            if "created" in header["rest"] and (group := GROUP.search(header["rest"])):
                groups.add(group[1])
    kinds = _own(_by_kind(uses))
    if not kinds:
        raise BadExport(
            f"{path} is not a WhatsApp export: no line looks like '31/12/2023, 21:05 - Name: text' "
            "or '[31/12/2023, 21:05:10] Name: text'; in WhatsApp open the chat, choose Export "
            "chat without media, and give me that .txt or .zip"
        )
    written: Counter[tuple[str, str]] = Counter()
    for (kind_, text, separator), count in uses.items():
        if kind_ in kinds:
            written[text, separator] += count
    return _Survey(kinds, dates.decide(written, options.date_order), names, groups)


def _by_kind(uses: Counter[tuple[Kind, str, str]]) -> Counter[Kind]:
    kinds: Counter[Kind] = Counter()
    for (kind_, _, _), count in uses.items():
        kinds[kind_] += count
    return kinds


def _own(kinds: Counter[Kind]) -> frozenset[Kind]:
    """The kinds of header that are the file's own and not pasted from elsewhere."""
    strong = {k: n for k, n in kinds.items() if k != "weak"}
    enough = PASTED_SHARE * sum(strong.values())
    return frozenset(k for k, n in strong.items() if n >= enough) or frozenset(kinds)


@dataclass
class _Entry:
    """One header line and the lines that follow it."""

    number: int
    line: str
    at: datetime | None
    rest: str
    more: list[str] = field(default_factory=list)

    def told(self, tally: Tally, survey: _Survey) -> Message | None:
        """Puts every line into its bin; the message, if a person wrote one."""
        if self.at is None:
            tally.miss(self.number, self.line)
            for offset, line in enumerate(self.more, 1):
                tally.miss(self.number + offset, line)
            return None
        speaker, words = survey.names.split(self.rest)
        if speaker is None or is_system(words, speaker, survey.groups):
            tally.put("system", 1 + len(self.more))
            return None
        return self._message(tally, self.at, speaker, "\n".join([words, *self.more]))

    def _message(self, tally: Tally, at: datetime, speaker: str, marked: str) -> Message | None:
        text, edits = _unedited(visible(marked).strip())
        if DELETED.fullmatch(text):
            tally.put("deleted", 1 + len(self.more))
            return None
        tally.edited += edits
        caption = _caption(marked.strip(), text)
        if caption is None:
            tally.put("kept")
            tally.put("merged", len(self.more))
            return Message(at, speaker, text)
        tally.put("media")
        tally.put("merged" if caption else "media", len(self.more))
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
