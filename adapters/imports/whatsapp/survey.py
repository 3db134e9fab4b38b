"""How one file writes its headers, dates and names: learned from all of it before it is told.

Knows nothing of messages.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, datetime, time, timedelta
from itertools import islice
from operator import itemgetter
from pathlib import Path

from adapters.errors import BadExport
from adapters.imports import dates
from adapters.imports.source import blocks
from adapters.messages import Options

from .header import ANY_LINE, HEADER, Frame, Kind, clock, kind, time_of
from .names import Names

PASTED_SHARE = 0.01
"""Headers of another kind than the file's own are pasted text when they are this rare."""
FRAME_LINES = 1000
MAX_DATES = MAX_NAMES = 200_000
GROUP = re.compile(r'created (?:this )?group ["“](.{1,200}?)["”]')
DAY, NAME = itemgetter(0), itemgetter(1)


class _Days(dict[str, datetime | None]):
    """Midnight of each date as written; read once."""

    def __init__(self, decision: dates.Decision) -> None:
        self.decision = decision

    def __missing__(self, text: str) -> datetime | None:
        day = self.decision.date(text)
        self[text] = datetime.combine(day, time()) if day else None
        return self[text]


class _Times(dict[str, timedelta | None]):
    """What has passed since midnight at each time as written; read once."""

    def __missing__(self, text: str) -> timedelta | None:
        at = time_of(text)
        self[text] = datetime.combine(date.min, at) - datetime.min if at else None
        return self[text]


class Survey:
    """How this one file writes its headers, dates and names."""

    def __init__(
        self,
        kinds: frozenset[Kind],
        frame: Frame | None,
        decision: dates.Decision,
        names: Names,
        groups: set[str],
    ) -> None:
        self.kinds, self.decision, self.names, self.groups = kinds, decision, names, groups
        self.frame = frame if frame and frame.kind in kinds else None
        self.lines = self.frame.lines() if self.frame else ANY_LINE
        self.days, self.times = _Days(decision), _Times()
        self.speakers = names.simple()

    def whole(self, day: str, clock: str, name: str, words: str) -> str:
        """The line that `lines` took apart."""
        rest = f"{name}: {words}" if name else words
        return self.frame.line(day, clock, rest) if self.frame and day else rest

    def header(self, line: str) -> re.Match[str] | None:
        found = HEADER.match(line)
        return found if found and kind(found) in self.kinds else None

    def moment(self, header: re.Match[str]) -> datetime | None:
        midnight, at = self.days[header["date"]], clock(header)
        return datetime.combine(midnight, at) if midnight and at else None


def survey(path: Path, options: Options) -> Survey:
    learned = _Learned()
    for block in blocks(path, lambda share: options.watch(share / 2)):
        learned.read(block)
        if len(learned.uses) > MAX_DATES or len(learned.names.second) > MAX_NAMES:
            raise BadExport(f"{path} has more than {MAX_NAMES:,} dates or names: it is no chat")
    kinds = _own(_by_kind(learned.uses))
    if not kinds:
        raise BadExport(
            f"{path} is not a WhatsApp export: no line looks like '31/12/2023, 21:05 - Name: text' "
            "or '[31/12/2023, 21:05:10] Name: text'; in WhatsApp open the chat, choose Export "
            "chat without media, and give me that .txt or .zip"
        )
    written: Counter[str] = Counter()
    for (kind_, text), count in learned.uses.items():
        if kind_ in kinds:
            written[text] += count
    return Survey(
        kinds, learned.frame, dates.decide(written, options.date_order), learned.names,
        learned.groups,
    )  # fmt: skip


class _Learned:
    """What one reading of a file teaches of it."""

    def __init__(self) -> None:
        self.uses: Counter[tuple[Kind, str]] = Counter()
        """How often each date is written, in the order of first appearance."""
        self.names, self.groups = Names(), set[str]()
        self.frame: Frame | None = None

    def read(self, block: str) -> None:
        if self.frame is None and (frame := _frame(block)):
            self.frame, self.find = frame, frame.dates().findall
        if not self.frame or "created" in block or not self._at_once(self.frame, block):
            for line in block[:-1].split("\n"):
                if header := HEADER.match(line):
                    self._line(header)

    def _at_once(self, frame: Frame, block: str) -> bool:
        """Counts the dates of a block that teaches nothing else; False where one may do more."""
        found = self.find(block)
        if not self.names.varied.issuperset(map(NAME, found)):
            return False
        days = Counter(map(DAY, found))
        if days.pop("", 0) and any(HEADER.match(line) for _, _, line in found if line):
            return False
        for day, count in days.items():
            self.uses[frame.kind, day] += count
        return True

    def _line(self, header: re.Match[str]) -> None:
        rest = header["rest"]
        self.uses[kind(header), header["date"]] += 1
        self.names.observe(rest)
        if "created" in rest and (group := GROUP.search(rest)):
            self.groups.add(group[1])


def _frame(block: str) -> Frame | None:
    """How the headers at the beginning are written, most of them."""
    frames: Counter[Frame] = Counter()
    for line in islice(block.split("\n"), FRAME_LINES):
        if (header := HEADER.match(line)) and (frame := Frame.of(header)):
            frames[frame] += 1
    return frames.most_common(1)[0][0] if frames else None


def _by_kind(uses: Counter[tuple[Kind, str]]) -> Counter[Kind]:
    kinds: Counter[Kind] = Counter()
    for (kind_, _), count in uses.items():
        kinds[kind_] += count
    return kinds


def _own(kinds: Counter[Kind]) -> frozenset[Kind]:
    """The kinds of header that are the file's own and not pasted from elsewhere."""
    strong = {k: n for k, n in kinds.items() if k != "weak"}
    enough = PASTED_SHARE * sum(strong.values())
    return frozenset(k for k, n in strong.items() if n >= enough) or frozenset(kinds)
