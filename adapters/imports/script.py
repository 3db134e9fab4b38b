"""Scripts with named speakers: `NAME: line`, `NAME:` and a block below, or a table without times.

A script has no times, so its order is the order of time: a minute from one speech to the next, and
a day from one scene to the next, beginning on 1 January 2000. Where no scenes are marked, one
begins after every 50 speeches, so that a part can be held out. Stage directions and scene marks are
in the bin "system". Knows nothing of personas or datasets.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath

from adapters.errors import BadExport, BadRequest
from adapters.messages import Message, Options, Tally

from .binning import Verdict, binned, named, plain
from .entries import Export, opened
from .tables import header, rows

LOOKED_FOR = "script: lines such as 'NAME: words', or 'NAME:' with the words below"
TEXTS = (".txt", ".script")
BEGINNING = datetime(2000, 1, 1)
SPEECH, SCENE = timedelta(minutes=1), timedelta(days=1)
SPEECHES_OF_AN_UNMARKED_SCENE = 50
NOTE = "a script has no times: a minute lies between two speeches here, a day between two scenes"
NAME = r"[^\W\d_][\w .,'’&#()/-]{0,48}?"
SPOKEN = re.compile(rf"({NAME}):(?:\s+(.*))?")
MARK = re.compile(
    r"(?:(?:ACT|SCENE|SCENA|EPISODE|CHAPTER|PART)\s+\w.*|(?:PROLOGUE|EPILOGUE|CHORUS)\.?"
    r"|(?:FADE|CUT) (?:IN|OUT|TO)\b.*"
    r"|(?:INT|EXT|INT\./EXT)\.? .*|(?:THE )?END\.?|[-=*#_~]{3,}|#{1,6} .*)"
)
DIRECTION = re.compile(r"[\[(].*[\])]|(?:Enter|Exit|Exeunt|Re-enter)\b.*|\*[^*]+\*")
ASIDE = re.compile(r"[\[(][^\[\]()]{1,200}[\])]")
"""A direction within a speech: (laughing), [aside]."""
MAX_SPEECH_LINES, MAX_SPEECH_CHARACTERS = 5_000, 4 << 20
COLUMNS = {
    "speaker": ("speaker", "character", "name", "person", "who", "player", "author"),
    "text": ("text", "line", "dialogue", "dialog", "words", "sentence", "playerline", "quote"),
    "conversation": ("scene", "episode", "conversation", "chapter", "act", "title"),
}
SMALL_WORDS = frozenset({"of", "the", "and", "de", "la", "von", "van", "to", "a"})
MAX_NAME_WORDS = 6
MAX_NAMES = 20_000
SHARE_OF_SPEECHES = 0.1
"""Of the lines of a script's beginning; notes with a few colons are no script."""


def read(path: Path, tally: Tally, options: Options) -> Iterator[Message]:
    """The speeches of all scripts of an export, in order. Raises BadExport where there is none."""
    with opened(path, options.watch, passes=2) as export:
        tables = [n for n in export.ending(".csv", ".tsv") if _columns(export, n, options)]
        texts = [n for n in _texts(export) if _is_script(export.head_text(n))]
        if not tables and not texts:
            raise BadExport(
                f"{path} is no script: no text with lines such as 'NAME: words', and no CSV with "
                "columns like speaker and line; name them with --column speaker=… --column text=…"
            )
        tally.notes.append(NOTE)
        clock = _Clock()
        for name in texts:
            scene = _title(name) if len(texts) > 1 else ""
            clock.next_scene()
            style = _Style.of(export.lines(name))
            yield from _Play(scene, style, clock, tally).told(export.lines(name))
        for name in tables:
            clock.next_scene()
            yield from _table(export, name, options, clock, tally)


def detect(export: Export) -> str | None:
    """Why this looks like a script, if it does."""
    for name in _texts(export):
        if _is_script(export.head_text(name)):
            return f"{name} has speeches of named speakers"
    for name in export.ending(".csv", ".tsv"):
        if columns := _columns(export, name, Options()):
            return f"{name} is a table with the columns {', '.join(columns.values())} and no times"
    return None


def _texts(export: Export) -> list[str]:
    return [n for n in export.names if PurePosixPath(n).suffix.lower() in TEXTS]


def _title(name: str) -> str:
    return PurePosixPath(name).stem


def _is_script(head: str) -> bool:
    """Speeches all over, and speakers that speak again."""
    lines = head.splitlines()[:400]
    style = _Style.of(iter(lines))
    full = sum(1 for line in lines if line.strip())
    spoken = sum(style.names.values())
    return max(style.names.values(), default=0) > 1 and spoken >= max(3, full * SHARE_OF_SPEECHES)


@dataclass(frozen=True)
class _Style:
    """How one script names its speakers: decided over the whole of it."""

    blocks: bool
    """Names stand alone on a line below a blank one; other colons are words."""
    names: Counter[str]
    scenes: bool
    """Some are marked."""

    @classmethod
    def of(cls, lines: Iterator[str]) -> _Style:
        alone: Counter[str] = Counter()
        inline: Counter[str] = Counter()
        blank, scenes = True, False
        for line in lines:
            bare = line.strip()
            if MARK.fullmatch(bare):
                scenes = True
            elif found := SPOKEN.fullmatch(bare):
                name = _bare_name(found[1])
                if blank and not found[2] and len(name.split()) <= MAX_NAME_WORDS:
                    _count(alone, name)
                elif _like_a_name(name):
                    _count(inline, name)
            blank = not bare
        blocks = alone.total() > sum(n for name, n in inline.items() if n > 1 or name.isupper())
        return cls(blocks, alone if blocks else alone + inline, scenes)

    def speech(self, bare: str, blank: bool) -> re.Match[str] | None:
        """A speaker and perhaps words, where the line begins a speech."""
        found = SPOKEN.fullmatch(bare)
        if not found:
            return None
        name = _bare_name(found[1])
        if self.blocks:
            return found if blank and not found[2] and name in self.names else None
        return found if self.names[name] > 1 or (name.isupper() and _like_a_name(name)) else None


def _count(names: Counter[str], name: str) -> None:
    if name in names or len(names) < MAX_NAMES:
        names[name] += 1


def _without_asides(text: str) -> str:
    if not ASIDE.search(text):
        return plain(text)
    lines = ASIDE.sub(" ", text).split("\n")
    return plain("\n".join(" ".join(line.split()) for line in lines))


def _bare_name(name: str) -> str:
    """TOM (aside) is TOM."""
    return named(ASIDE.sub(" ", name))


def _like_a_name(name: str) -> bool:
    """A few words, in capitals or each with one."""
    words = name.split()
    fits = all(not w[0].isalpha() or w[0].isupper() or w in SMALL_WORDS for w in words)
    return fits and 0 < len(words) <= MAX_NAME_WORDS


class _Clock:
    """The times that a script's order makes up."""

    def __init__(self) -> None:
        self._scene, self._speeches = BEGINNING - SCENE, 0

    def next_scene(self) -> None:
        minutes = self._speeches * SPEECH
        self._scene += SCENE * (1 + minutes // SCENE)
        self._speeches = 0

    def tick(self, marked: bool) -> datetime:
        """The time of the next speech; `marked`: the script itself tells its scenes."""
        if not marked and self._speeches >= SPEECHES_OF_AN_UNMARKED_SCENE:
            self.next_scene()
        self._speeches += 1
        return self._scene + (self._speeches - 1) * SPEECH


class _Play:
    """A script as text: what each line is."""

    def __init__(self, scene: str, style: _Style, clock: _Clock, tally: Tally) -> None:
        self._scene, self._style, self._clock, self._tally = scene, style, clock, tally
        self._speaker, self._words, self._characters = "", list[str](), 0
        self._spoke = False

    def told(self, lines: Iterator[str]) -> Iterator[Message]:
        blank = True
        for number, line in enumerate(lines, 1):
            self._tally.lines += 1
            bare, below_blank = line.strip(), blank
            blank = not bare
            if MARK.fullmatch(bare) or DIRECTION.fullmatch(bare):
                if MARK.fullmatch(bare):
                    yield from self._finished()
                    self._next_scene()
                self._tally.put("system")
            elif spoken := self._style.speech(bare, below_blank):
                yield from self._finished()
                self._speaker = _bare_name(spoken[1])
                self._words = [spoken[2] or ""]
                self._tally.put("kept")
            elif not self._speaker:
                self._stray(number, line)
            else:
                self._tally.put("merged")
                self._goes_on(number, bare)
        yield from self._finished()

    def _goes_on(self, number: int, bare: str) -> None:
        self._words.append(bare)
        self._characters += len(bare)
        if len(self._words) > MAX_SPEECH_LINES or self._characters > MAX_SPEECH_CHARACTERS:
            raise BadExport(
                f"the speech before line {number} has over {MAX_SPEECH_LINES:,} lines or "
                f"{MAX_SPEECH_CHARACTERS >> 20} MiB; this is no script"
            )

    def _stray(self, number: int, line: str) -> None:
        """A line that nobody speaks."""
        if line.strip():
            self._tally.miss(number, line)
        else:
            self._tally.put("system")

    def _next_scene(self) -> None:
        if self._spoke:
            self._clock.next_scene()
        self._spoke = False

    def _finished(self) -> Iterator[Message]:
        if self._speaker:
            text = _without_asides("\n".join(self._words))
            at = self._clock.tick(self._style.scenes)
            yield Message(at, self._speaker, text, conversation=self._scene)
            self._spoke = True
        self._speaker, self._words, self._characters = "", [], 0


def _columns(export: Export, name: str, options: Options) -> dict[str, str]:
    """Role → column of a table of speeches; none where speaker or text is missing."""
    there = header(export, name)
    if options.columns and (lacking := [c for c in options.columns.values() if c not in there]):
        raise BadRequest(f"{name} has no column {lacking[0]!r}; it has: {', '.join(there[:20])}")
    by_name = {column.strip().lower(): column for column in reversed(there)}
    guessed = {
        role: by_name[guess]
        for role, guesses in COLUMNS.items()
        if (guess := next((g for g in guesses if g in by_name), ""))
    }
    columns = {**guessed, **options.columns}
    return columns if "speaker" in columns and "text" in columns else {}


def _table(
    export: Export, name: str, options: Options, clock: _Clock, tally: Tally
) -> Iterator[Message]:
    columns = _columns(export, name, options)

    def verdicts() -> Iterator[tuple[Verdict, dict[str, str]]]:
        scene = None
        for row in rows(export, name):
            speaker, text = (row.get(columns[role], "") for role in ("speaker", "text"))
            now = named(row.get(columns.get("conversation", ""), ""))
            if scene is not None and now != scene:
                clock.next_scene()
            scene = now
            if not named(speaker):
                yield "system", row
            else:
                words = _without_asides(text)
                at = clock.tick("conversation" in columns)
                yield Message(at, named(speaker), words, conversation=now), row

    yield from binned(tally, verdicts())
