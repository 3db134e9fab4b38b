"""What is put before the persona: the remembered window with what people see around it.

Knows who asked to be forgotten and where a place was reset; knows no platform and no token.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from .around import Heard, Picture, Seen
from .cards import Persona
from .errors import MemoryGone
from .memory import Recalled
from .messages import WORDLESS, Incoming
from .people import People
from .store import Ask, Store
from .turns import PERSONA, Turn, persona_author

log = logging.getLogger(__name__)

Marks = Mapping[str, int]
"""Author's id → when that person was last forgotten, in milliseconds since 1970."""


@dataclass(frozen=True, slots=True)
class View:
    """What the persona sees: turns, oldest first and the question last, and pictures with it."""

    window: Sequence[Turn]
    pictures: tuple[Picture, ...] = ()


class Context:
    """Looks around a message, and shows nothing that was to be forgotten."""

    def __init__(self, store: Store, people: People) -> None:
        self._store = store
        self._people = people

    def others(self, said: Incoming) -> tuple[str, ...]:
        """Whose marks are asked for beside the author's own."""
        if said.around is None:
            return ()
        return tuple(sorted(said.around.authors - {said.author_id}))

    def marks_of(self, authors: Sequence[str]) -> list[Ask[int]]:
        return [self._people.forgotten_at(author) for author in authors]

    async def view(
        self, said: Incoming, recalled: Recalled, persona: Persona, marks: Marks
    ) -> View:
        if said.around is None:
            return View(recalled.window)
        seen = await said.around.look()
        marks = await self._complete(marks, seen)
        return View(merged(recalled, seen, persona, marks), seen.pictures)

    async def _complete(self, marks: Marks, seen: Seen) -> Marks:
        """A look may have found people that nobody knew of when the message was admitted."""
        lines = (*seen.heard, *seen.chain[:-1])
        new = sorted({line.author_id for line in lines if line.person} - marks.keys())
        if not new:
            return marks
        try:
            return {**marks, **dict(zip(new, await self._asked(new), strict=True))}
        except MemoryGone:
            log.warning("who asked to be forgotten can't be told; some lines are left out")
            return marks

    async def _asked(self, authors: Sequence[str]) -> list[int]:
        return await self._store.ask_all(*self.marks_of(authors))


def merged(recalled: Recalled, seen: Seen, persona: Persona, marks: Marks) -> list[Turn]:
    """The remembered turns with what was said around them, in the order people see it.

    What was said to the persona goes first: other lines fill what it leaves of the window, and
    half of the window at least. What the question replies to stands before it.
    """
    newest = persona.prompt_format.window_messages
    known = set(recalled.window)
    *before, question = _with_lines(recalled, seen, persona, marks, newest)
    kept = before[max(len(before) + 1 + len(seen.chain) - newest, 0) :]
    links = [
        link
        for link in seen.chain[:-1]
        if _may_be_shown(link, recalled, marks) and not _among(kept, link)
    ]
    # Pointing at a message is part of the question, so it is shown whatever was forgotten, and
    # in full where it was only overheard.
    for link in seen.chain[-1:]:
        if before and before[-1].message_id == link.message_id and before[-1] not in known:
            before.pop()
        links += [] if _among(before[-1:], link) else [link]
    turns = [*before, *(_turn(link, persona) for link in links), question]
    if _is_own(turns[0]) and turns[0] not in known:
        # A persona never begins: what it said first would not be shown to it.
        turns.insert(0, replace(question, message_id="", text=WORDLESS, tokens=""))
    return turns


def _with_lines(
    recalled: Recalled, seen: Seen, persona: Persona, marks: Marks, newest: int
) -> list[Turn]:
    """A line stands before the first remembered message that was said after it."""
    window = recalled.window
    places = {turn.message_id: place for place, turn in enumerate(window)}
    lines: dict[int, list[Turn]] = defaultdict(list)
    place, room = len(window) - 1, max(newest // 2, newest - len(window))
    for line in reversed(seen.heard):
        if line.message_id in places:
            place = min(place, places[line.message_id])
        elif room and line.text and _may_be_shown(line, recalled, marks):
            lines[place].insert(0, _turn(line, persona))
            room -= 1
    return list(_interleaved(window, lines))


def _interleaved(window: Sequence[Turn], lines: Mapping[int, list[Turn]]) -> Iterator[Turn]:
    for place, turn in enumerate(window):
        yield from lines.get(place, ())
        yield turn


def _may_be_shown(line: Heard, recalled: Recalled, marks: Marks) -> bool:
    """Nothing from before a reset, and nothing of a person from before they were forgotten;
    where nobody knows whether somebody was, neither."""
    if line.at_ms <= recalled.reset_at_ms:
        return False
    return not line.person or line.at_ms > marks.get(line.author_id, line.at_ms)


def _among(turns: Sequence[Turn], link: Heard) -> bool:
    """The bot's own messages have other ids in memory, and may be parts of an answer there."""
    if not link.own:
        return any(turn.message_id == link.message_id for turn in turns)
    return any(_is_own(turn) and link.text in turn.text for turn in turns)


def _is_own(turn: Turn) -> bool:
    return turn.author_id.startswith(PERSONA)


def _turn(line: Heard, persona: Persona) -> Turn:
    own_name = line.author_name.casefold() in ("", persona.display_name.casefold())
    author = persona_author(persona.name) if line.own and own_name else line.author_id
    return Turn(line.message_id, author, line.author_name or persona.display_name, line.text)
