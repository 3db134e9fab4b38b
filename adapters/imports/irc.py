"""IRC logs: a line a message, days in headers, in the names of files or in those of folders.

What somebody does (`* tom waves`) is told as `*waves*`. Knows nothing of personas or datasets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, time
from pathlib import Path, PurePosixPath

from adapters.errors import BadExport
from adapters.messages import Message, Options, Tally

from .binning import named, plain
from .entries import Export, opened
from .moments import Clock

LOOKED_FOR = "IRC: logs of WeeChat, irssi, ZNC, HexChat, mIRC, bots, such as '12:00 < tom> hi'"
LOGS = (".log", ".weechatlog", ".txt")
NICK = r"[^\s<>!]{1,64}(?:![^\s<>]{1,200})?"
WEECHAT = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)\S*\t([^\t]{0,80})\t(.*)")
OTHERS = re.compile(
    r"\[?(?:(\d{4}-\d\d-\d\d)[ T]|([A-Za-z]{3} \d\d|\d\d [A-Za-z]{3}) )?"
    r"(\d\d:\d\d(?::\d\d)?)(?:Z|[+-]\d\d:?\d\d)?\]?\s+(.*)"
)
SAID = re.compile(rf"<[ @+%&~!]{{0,2}}({NICK})\s?>\s?(.*)")
DID = re.compile(rf"\* {{1,2}}({NICK}) (.*)")
EVENT = re.compile(
    r"(?:-!-|\*\*\*|-->|<--|---?|=!=|-\S+-|>>>|!)(?:\s.*)?|\*\t.*"
    r"|\* (?:(?:Now talking (?:in|on)|Topic is|Set by|Joins:|Parts:|Quits:|Disconnected) .*"
    r"|\S+ (?:(?:\(\S+\) )?(?:has (?:joined|left|quit) (?:[#(]|IRC)|Quit \()"
    r"|sets mode: |is now known as |changes topic to |was kicked by ).*)"
)
DAY = re.compile(
    r"(?:---? (?:Log opened|Log closed|Day changed)|\*\*\*\* (?:BEGIN|ENDING) LOGGING AT"
    r"|Session (?:Start|Time|Close)(?: \([^()]*\))?:) (.*)"
)
DAYS = ("%a %b %d %H:%M:%S %Y", "%a %b %d %Y", "%Y-%m-%d %H:%M:%S")
IN_NAME = re.compile(r"(\d{4})[-_./]?(\d\d)[-_./]?(\d\d)")
FORMATTING = re.compile(r"\x03(?:\d{1,2}(?:,\d{1,2})?)?|[\x00-\x02\x04-\x08\x0b-\x1f]")
BETWEEN = ("=== ", "Session Ident: ")
"""What Ubuntu's logs and mIRC's say without a time: the server's words, the channel."""
PREFIXES = "@+%&~!"
HEAD_LINES = 50


def read(path: Path, tally: Tally, options: Options) -> Iterator[Message]:
    """The messages of all logs, channel after channel. Raises BadExport where there is none."""
    with opened(path, options.watch) as export:
        names = sorted(_logs(export), key=lambda name: (_channel(name), name))
        if not names:
            raise BadExport(
                f"{path} holds no IRC log that I know: lines such as '12:00 < tom> hi' below a "
                "'--- Log opened' or in a file named after its day, or WeeChat's"
            )
        several, clock = len({_channel(name) for name in names}) > 1, Clock()
        for name in names:
            log = _Log(_channel(name) if several else "", _day_in(name), clock)
            for number, line in enumerate(export.lines(name), 1):
                tally.lines += 1
                if message := log.told(number, line, tally):
                    yield message


def detect(export: Export) -> str | None:
    """Why this looks like an IRC log, if it does."""
    names = _logs(export)
    return f"{names[0]} has lines of an IRC client's log" if names else None


def _logs(export: Export) -> list[str]:
    return [name for name in export.ending(*LOGS) if _is_log(export.head_text(name), name)]


def _is_log(head: str, name: str) -> bool:
    lines = [line for line in head.splitlines()[:HEAD_LINES] if not _is_quiet(line)]
    dated = _day_in(name) is not None or any(DAY.fullmatch(line) for line in lines)
    fits = sum(_fits(line, dated) for line in lines)
    return fits * 2 > len(lines)


def _fits(line: str, dated: bool) -> bool:
    if WEECHAT.fullmatch(line) or DAY.fullmatch(line):
        return True
    found = OTHERS.fullmatch(line)
    if not found or not (dated or found[1]):
        return False
    return any(kind.fullmatch(found[4]) for kind in (SAID, DID, EVENT))


def _channel(name: str) -> str:
    """irc.libera.#tea.weechatlog, #tea.log and #tea/2024-05-01.log are all of #tea."""
    path = PurePosixPath(name)
    stem = IN_NAME.sub("", path.stem).strip(" ._-")
    if not stem:
        return path.parent.name
    return stem[stem.index("#") :] if "#" in stem else stem.rpartition(".")[2]


def _day_in(name: str) -> date | None:
    """2024-05-01 in a file's name, or the folders 2024/05/01 around it."""
    path = PurePosixPath(name)
    found = IN_NAME.search(path.name) or IN_NAME.search("/".join(path.parts[-4:-1]))
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


def _is_quiet(line: str) -> bool:
    """Whether nobody says anything in it, whatever the client."""
    return not line.strip() or line.startswith(BETWEEN)


class _Log:
    """One file: what day it is, and what each line says."""

    def __init__(self, conversation: str, day: date | None, clock: Clock) -> None:
        self._conversation, self._day, self._clock = conversation, day, clock

    def told(self, number: int, line: str, tally: Tally) -> Message | None:
        """The message of a line, if a person wrote one; the line is in its bin afterwards."""
        line = FORMATTING.sub("", line)
        if header := DAY.fullmatch(line):
            self._day = _day(header[1]) or self._day
            tally.put("system")
            return None
        if _is_quiet(line):
            tally.put("system")
            return None
        found = self._weechat(line) or self._other(line)
        if found is None:
            tally.miss(number, line)
            return None
        at, speaker, text = found
        if not speaker:
            tally.put("system")
            return None
        tally.put("kept")
        return Message(
            self._clock.alike(at), named(speaker), plain(text), conversation=self._conversation
        )

    def _weechat(self, line: str) -> tuple[datetime, str, str] | None:
        found = WEECHAT.fullmatch(line)
        at = _at(_day(found[1]), found[2]) if found else None
        if found is None or at is None:
            return None
        nick, text = found[3].strip(), found[4]
        if nick == "*":
            nick, _, did = text.partition(" ")
            return at, nick.lstrip(PREFIXES), f"*{did}*"
        return at, "" if EVENT.fullmatch(nick) else nick.lstrip(PREFIXES), text

    def _other(self, line: str) -> tuple[datetime, str, str] | None:
        found = OTHERS.fullmatch(line)
        if not found:
            return None
        day = _day(found[1]) if found[1] else self._day
        if found[2] and day:
            day = _day_of_year(found[2], day)
        at = _at(day, found[3])
        if at is None:
            return None
        if said := SAID.fullmatch(found[4]):
            return at, *_bare(said[1], said[2])
        if EVENT.fullmatch(found[4]):
            return at, "", ""
        if did := DID.fullmatch(found[4]):
            return at, _bare(did[1], "")[0], f"*{did[2]}*"
        return None


def _bare(nick: str, text: str) -> tuple[str, str]:
    """Without the address behind a nick, and then without the server's mark of who logged in."""
    name, address, _ = nick.partition("!")
    return name, text[1:] if address and text.startswith(("+", "-")) else text


def _day(written: str) -> date | None:
    with suppress(ValueError):
        return date.fromisoformat(written)
    for form in DAYS:
        try:
            return datetime.strptime(" ".join(written.split()), form).date()
        except ValueError:
            continue
    return None


def _day_of_year(written: str, near: date) -> date | None:
    """HexChat's "May 01", of the year in which the log was begun; January follows December."""
    if written[0].isdigit():
        written = " ".join(reversed(written.split()))
    day = _day(f"Mon {written} {near.year}")
    return _day(f"Mon {written} {near.year + 1}") if day and (near - day).days > 180 else day


def _at(day: date | None, clock: str) -> datetime | None:
    try:
        return datetime.combine(day, time.fromisoformat(clock)) if day else None
    except ValueError:
        return None
