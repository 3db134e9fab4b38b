"""One import's messages on disk, so that memory does not grow with the export.

They go in as they are read and come out by conversation and session, in order of time. Knows
nothing of formats, rules or rows.

What is stored is a *stretch*: messages that follow each other in the file without a silence or
a leap back in time. Only stretches are sorted, never single lines: exports hold lines out of
order (a clock set back, a late delivery), and sorting those would tear answers from questions.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from adapters.errors import BadExport
from adapters.messages import Message

from .doubles import Doubles, Said, is_new
from .kept import Kept, Unfinished, kept, sealed, unsealed
from .roll import MAX_NAMES, Roll, Speaker
from .schema import ARRANGED, STORED, VEILED
from .stretches import Stretch
from .temporary import temporary

SILENCE_S = 6 * 3600
"""So much silence ends a session."""
SET_BACK_S = 65 * 60
"""Clocks are set back by an hour; a longer leap back begins another stretch."""
PIECE = 256
MAX_OPEN = 64
"""Conversations whose last messages wait in memory."""
EPOCH, EPOCH_UTC = datetime(1970, 1, 1), datetime(1970, 1, 1, tzinfo=UTC)

Placed = tuple[int, int, int, int, int, int, bytes]
"""(session's number, conversation, first second, last second, stretch, backwards, counts)"""


@dataclass(frozen=True, slots=True)
class Session:
    """What was said in one conversation without a long silence. Read `said` before the next."""

    conversation: int
    held_out: bool
    said: Iterator[Said]


class Scratch:
    """`kept`, if any, is the keeper of `database`, where messages are; `arranged` is where it is
    written how they are laid out, which is soon done again."""

    def __init__(
        self,
        database: sqlite3.Connection,
        arranged: sqlite3.Connection,
        kept: Kept | None = None,
    ) -> None:
        self._database, self._arranged = database, arranged
        self.kept = kept
        self.roll = Roll()
        self.number = self.roll.number
        self._conversations: dict[str, int] = {}
        self._open: dict[str, Stretch] = {}
        self._stretches = 0
        self.zoned = False
        """Whether seconds are those of UTC, as the export has zones, or of a clock on the wall."""
        self.session_count = 0
        self.doubles = Doubles(arranged)

    @property
    def speakers(self) -> list[Speaker]:
        """In the order of their numbers."""
        return self.roll.speakers

    @property
    def counts(self) -> list[int]:
        """Messages by the number of their speaker."""
        return self.roll.counts

    def take(self, messages: Iterable[tuple[int, Message]]) -> None:
        """Stores messages, each with the number of its speaker."""
        open_, piece_size = self._open, PIECE
        for number, message in messages:
            at, _, text, conversation, _, id_, *_ = message
            if at.tzinfo is None:
                since = at - EPOCH
            else:
                since, self.zoned = at - EPOCH_UTC, True
            second = since.days * 86400 + since.seconds
            stretch = open_.get(conversation)
            if stretch is None or not -SET_BACK_S <= second - stretch.at <= SILENCE_S:
                stretch = self._begun(conversation, second)
            if second > stretch.last:
                stretch.last = second
            elif second < stretch.first:
                stretch.first = second
            if second != stretch.at:
                stretch.steps += 1 if second > stretch.at else -1
                stretch.at = second
            stretch.piece.append((second, number, text, id_))
            if len(stretch.piece) >= piece_size:
                self._put(stretch)
        for stretch in open_.values():
            self._end(stretch)
        open_.clear()

    def _begun(self, conversation: str, second: int) -> Stretch:
        if ended := self._open.pop(conversation, None):
            self._end(ended)
        if (place := self._conversations.get(conversation)) is None:
            place = self._conversations[conversation] = len(self._conversations)
        if place > MAX_NAMES:
            raise BadExport(f"this export holds more than {MAX_NAMES:,} conversations")
        self._stretches += 1
        begun = Stretch(place, self._stretches, second, second, second)
        self._open[conversation] = begun
        if len(self._open) > MAX_OPEN:
            self._end(self._open.pop(next(iter(self._open))))
        return begun

    def _put(self, stretch: Stretch) -> None:
        if not stretch.piece:
            return
        stretch.counts.update([said[1] for said in stretch.piece])
        blob = sealed(stretch.piece)
        self._database.execute("INSERT INTO pieces VALUES (?, ?)", (stretch.number, blob))
        stretch.piece.clear()

    def _end(self, stretch: Stretch) -> None:
        self._put(stretch)
        self._database.execute(
            "INSERT INTO stretches VALUES (?, ?, ?, ?, ?, ?)",
            (
                stretch.conversation, stretch.first, stretch.last, stretch.number,
                stretch.steps < 0, sealed(dict(stretch.counts)),
            ),
        )  # fmt: skip

    def state(self) -> dict[str, Any]:
        """All that is not in the database yet, in plain values; between two messages."""
        return {
            "roll": self.roll.state(),
            "conversations": list(self._conversations),
            "open": [(place, stretch.plain()) for place, stretch in self._open.items()],
            "stretches": self._stretches,
            "zoned": self.zoned,
            "stored": self._stored(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Raises sqlite3.DatabaseError where the database does not hold what it held then."""
        if self._stored() != state["stored"]:
            raise sqlite3.DatabaseError("some of it is missing")
        self.roll.restore(state["roll"])
        self._conversations = {name: place for place, name in enumerate(state["conversations"])}
        self._open = {place: Stretch.of(plain) for place, plain in state["open"]}
        self._stretches, self.zoned = state["stretches"], state["zoned"]

    def _stored(self) -> tuple[int, int]:
        query = "SELECT (SELECT count(*) FROM pieces), (SELECT count(*) FROM stretches)"
        pieces, stretches = self._database.execute(query).fetchone()
        return pieces, stretches

    def arrange(self, persona: Set[int]) -> None:
        """Lays out the sessions, once, and counts the persona's messages in each."""

        def laid_out() -> Iterator[tuple[int, int, bool]]:
            for _, session in groupby(self._placed(), itemgetter(0)):
                first = latest = None
                mine, tangled = 0, False
                for _, _, begin, end, _, _, counts in session:
                    tangled = tangled or (latest is not None and begin <= latest)
                    first = begin if first is None else first
                    latest = end if latest is None else max(latest, end)
                    said = unsealed(counts)
                    mine += sum(said.get(number, 0) for number in persona & said.keys())
                yield first or 0, mine, tangled

        added = self._arranged.executemany("INSERT INTO sessions VALUES (?, ?, ?)", laid_out())
        self.session_count = added.rowcount
        if self._arranged.execute("SELECT max(tangled) FROM sessions").fetchone()[0]:
            self._recount(persona)

    def _recount(self, persona: Set[int]) -> None:
        """The persona's messages without doubles, which the stretches' own counts hold."""
        for place, session in enumerate(self.sessions(), 1):
            mine = sum(said[1] in persona for said in session.said)
            self._arranged.execute(
                "UPDATE sessions SET messages = ? WHERE rowid = ?", (mine, place)
            )
        self.doubles.forget()

    def held_out_from(self, share: float) -> int | None:
        """When the last sessions begin that hold so much of what the persona said; None: never."""
        query = "SELECT total(messages), min(first) FROM sessions"
        said, earliest = self._arranged.execute(query).fetchone()
        wanted, held, cut = share * said, 0, None
        for first, mine in self._arranged.execute(
            "SELECT first, messages FROM sessions ORDER BY first DESC, rowid DESC"
        ):
            if first == earliest or held >= wanted:
                return cut
            held, cut = held + mine, first
        return cut

    def sessions(
        self, late: int | None = None, *, held_out: bool | None = None, doubles: bool = False
    ) -> Iterator[Session]:
        """Conversation by conversation, each in order of time; `arrange` comes first.

        Those that begin `late` or later are held out; `held_out` asks for these alone, or for the
        others. What exports that overlap say twice is left out and counted, unless `doubles` are
        wanted.
        """
        tangles = self._arranged.execute("SELECT tangled FROM sessions ORDER BY rowid")
        for _, stretches in groupby(self._placed(), itemgetter(0)):
            tangled = bool(next(tangles)[0]) and not doubles
            begin = next(stretches)
            is_late = late is not None and begin[2] >= late
            if held_out is not None and held_out != is_late:
                continue
            said = self._said(chain([begin], stretches), tangled)  # noqa: B031  # only read on
            yield Session(begin[1], is_late, said)
            for _ in said:
                """What the caller has left."""

    def _placed(self) -> Iterator[Placed]:
        """Every stretch in order, with the number of its session."""
        session, place, latest = 0, -1, 0
        for conversation, first, last, *more in self._database.execute(
            "SELECT * FROM stretches ORDER BY conversation, first, number"
        ):
            if conversation != place or first - latest > SILENCE_S:
                session, place, latest = session + 1, conversation, last
            latest = max(latest, last)
            number, backwards, counts = more
            yield session, conversation, first, last, number, backwards, counts

    def _said(self, stretches: Iterable[Placed], tangled: bool) -> Iterator[Said]:
        for session, _, _, _, number, backwards, _ in stretches:
            told = self._told(number, backwards)
            yield from self.doubles.without(session, told) if tangled else told

    def _told(self, stretch: int, backwards: int) -> Iterator[Said]:
        order = "DESC" if backwards else "ASC"
        query = f"SELECT said FROM pieces WHERE stretch = ? ORDER BY rowid {order}"  # noqa: S608
        for (blob,) in self._database.execute(query, (stretch,)):
            piece: list[Said] = unsealed(blob)
            if backwards:
                piece.reverse()
            yield from piece

    def is_new_row(self, row: bytes) -> bool:
        """Whether there was no such row before."""
        return is_new(self._arranged, "rows", row)

    def moment(self, second: int) -> datetime:
        return (EPOCH_UTC if self.zoned else EPOCH) + timedelta(seconds=second)

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """The times of the first and of the last message."""
        query = "SELECT min(first), max(last) FROM stretches"
        first, last = self._database.execute(query).fetchone()
        return None if first is None else (self.moment(first), self.moment(last))


@contextmanager
def scratch(home: Path, unfinished: Unfinished | None = None) -> Iterator[Scratch]:
    """A scratch store below `home` that is gone at the end, however that comes; of an import that
    may be `unfinished` only when it is done, and as an interrupted one has left it."""
    folder = home / "datasets"
    if unfinished is None:
        with temporary(folder, STORED + ARRANGED) as database:
            yield Scratch(database, database)
        return
    with (
        temporary(folder, ARRANGED) as arranged,
        kept(folder, unfinished, STORED + VEILED) as found,
    ):
        yield Scratch(found.database, arranged, found)
