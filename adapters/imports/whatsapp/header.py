"""How a WhatsApp line that begins a message looks, on every phone and in every locale known.

31/12/2023, 21:05 - Maya: text                Android
[31/12/2023, 21:05:10] Maya: text             iOS
31.12.23 21.05.10: Maya: text                 weak: only where no line has a dash or brackets
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time
from typing import Literal

MARKS = "\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufeff"
"""Invisible direction marks (and a byte order mark left by joining files)."""
SPACE = " \t\u00a0\u202f\u2009"
HALF = rf"[AaPp]\.?[{SPACE}]?[Mm](?![a-z])\.?|午前|午後|上午|下午|오전|오후|ص|م"
AFTERNOON = re.compile(r"[Pp]|午後|下午|오후|م")

CLOCK = (
    rf"(?:(?P<before>{HALF})[{SPACE}]?)?"
    r"(?P<hour>\d{1,2})[:.](?P<minute>\d\d)(?:[:.](?P<second>\d\d))?"
    rf"(?:[{SPACE}_]?(?P<after>{HALF}))?"
)

HEADER = re.compile(
    rf"""
    [{MARKS}]{{0,8}}
    (?P<open>\[)?[{MARKS}]{{0,8}}
    (?P<date>\d{{1,4}}(?P<separator>[./-])\ ?\d{{1,4}}(?P=separator)\ ?\d{{1,4}})\.?
    ,?[{SPACE}]
    (?:(?:às|ás|à|um|klo|kl\.?|at)[{SPACE}])?
    {CLOCK}
    (?(open)\][{SPACE}]?|(?:(?P<dash>[{SPACE}][-–—][{SPACE}])|:?[{SPACE}]))
    (?P<rest>.*)
    """,
    re.VERBOSE | re.DOTALL,
)
INVISIBLE = re.compile(f"[{MARKS}]")

Kind = Literal["brackets", "dash", "weak"]


def kind(header: re.Match[str]) -> Kind:
    if header["open"]:
        return "brackets"
    return "dash" if header["dash"] else "weak"


@dataclass(frozen=True)
class Frame:
    """One way to write headers, all but its digits: what most lines of a file share.

    A pattern made for it alone reads a line in a third of the time that HEADER takes, and it
    reads a line no other way than HEADER would.
    """

    kind: Kind
    date: str
    """A pattern, as is `clock`; the rest is literal."""
    between: str
    clock: str
    tail: str

    @classmethod
    def of(cls, header: re.Match[str]) -> Frame | None:
        """The frame of this line; None where another line of it might be read otherwise."""
        line, end = header.string, header.end("date")
        begin = header.start("before" if header["before"] else "hour")
        last = "after" if header["after"] else "second" if header["second"] else "minute"
        tail = line[header.end(last) : header.start("rest")]
        if kind(header) == "weak" or tail[-1] not in SPACE:
            return None
        clock = re.escape(line[header.start("hour") : header.end(last)])
        clock = re.sub(r"(?<=\D)\d\d", r"\\d\\d", re.sub(r"^\d+", r"\\d{1,2}", clock))
        if half := header["after"]:
            clock = clock.removesuffix(re.escape(half)) + f"(?:{HALF})"
        if header["before"]:
            space = line[header.end("before") : header.start("hour")]
            clock = f"(?:{HALF}){re.escape(space)}{clock}"
        date = re.sub(r"\d+", r"\\d{1,4}", re.escape(header["date"]))
        return cls(kind(header), date, line[end:begin], clock, tail)

    def lines(self) -> re.Pattern[str]:
        """Finds every line of a block: (date, clock, name, words); of others only the words."""
        between, tail = re.escape(self.between), re.escape(self.tail)
        head = rf"{self._lead}({self.date}){between}({self.clock}){tail}"
        return re.compile(rf"(?:{head}(?:([^:\n]+): )?)?(.*)\n")

    def dates(self) -> re.Pattern[str]:
        """The same, faster: (date, name or "", ""); of lines that may teach more ("", "", line)."""
        between, tail = re.escape(self.between), re.escape(self.tail)
        head = rf"{self._lead}({self.date}){between}{self.clock}{tail}"
        return re.compile(rf"(?:{head}(?:([^:\n]+): .*|(?!.*: ).*)|(.*))\n")

    @property
    def _lead(self) -> str:
        marks = f"[{MARKS}]{{0,8}}"
        return rf"{marks}\[{marks}" if self.kind == "brackets" else marks

    def line(self, date: str, clock: str, rest: str) -> str:
        opened = "[" if self.kind == "brackets" else ""
        return f"{opened}{date}{self.between}{clock}{self.tail}{rest}"


ANY_LINE = re.compile(r"()()()(.*)\n")
"""For files without a frame."""
ONLY_CLOCK = re.compile(CLOCK)


def clock(header: re.Match[str]) -> time | None:
    """The time of day, or None where there is no such time."""
    hour, half = int(header["hour"]), header["before"] or header["after"]
    if half and hour <= 12:
        hour = hour % 12 + (12 if AFTERNOON.search(half) else 0)
    try:
        return time(hour, int(header["minute"]), int(header["second"] or 0))
    except ValueError:
        return None


def time_of(text: str) -> time | None:
    """The same of the clock's words alone."""
    found = ONLY_CLOCK.fullmatch(text)
    return clock(found) if found else None


def visible(text: str) -> str:
    """The text without direction marks."""
    return text if text.isascii() else INVISIBLE.sub("", text)
