"""The examples that a persona is tested on, as a text that a person reads and edits.

Knows how they are chosen from what is held out, written and read; nothing of where they are kept.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b, sha256
from operator import itemgetter

from adapters.errors import BadRequest

from .render import Turn, clean_name, neutralise

FILE = "validation.txt"
EXAMPLES = 50
SEED = b"1"
LINE_BREAKS = str.maketrans({"\u2028": " ", "\u2029": " "})
HEADER = """\
# What {name} is tested on, evenly over the time that is held out. Read it, correct it, add to it.
# "==" begins an example and "<" what somebody says to {name}, as NAME: words; ">" is what {name}
# says, and an example ends with that. Two spaces go on with the message above.
# An import leaves this file alone once it is edited; delete it to get a new one.
"""


@dataclass(frozen=True)
class Example:
    at: str
    """ISO time of its first message; anything where a person wrote it."""
    turns: tuple[Turn, ...]

    @property
    def names(self) -> set[str]:
        return {name for name, _ in self.turns if name is not None}


@dataclass
class Choice:
    """Some of the examples that are offered: one of each stretch of time, and more by chance."""

    first: datetime
    last: datetime
    _best: dict[int, tuple[bytes, Example]] = field(default_factory=dict)
    _spare: list[tuple[bytes, Example]] = field(default_factory=list)

    def offer(self, at: datetime, example: Example) -> None:
        place = (at - self.first) * EXAMPLES // (self.last - self.first + timedelta(seconds=1))
        what = repr(example).encode("utf-8", "surrogatepass")
        rank = blake2b(what, digest_size=8, key=SEED).digest()
        beaten: tuple[bytes, Example] | None = (rank, example)
        if place not in self._best or rank < self._best[place][0]:
            beaten = self._best.get(place)
            self._best[place] = (rank, example)
        if beaten:
            insort(self._spare, beaten, key=itemgetter(0))
            del self._spare[EXAMPLES:]

    def examples(self) -> list[Example]:
        ranked = [*self._best.values(), *self._spare[: EXAMPLES - len(self._best)]]
        return sorted((example for _, example in ranked), key=lambda example: example.at)


def written(persona: str, examples: Sequence[Example]) -> bytes:
    """The text of examples; `persona` is the display name."""
    blocks = [HEADER.format(name=" ".join(persona.split()))]
    for example in examples:
        lines = [f"== {example.at}", *(_line(persona, turn) for turn in example.turns)]
        blocks.append("\n".join(filter(None, lines)) + "\n")
    return "\n".join(blocks).encode("utf-8", "replace")


def _line(persona: str, turn: Turn) -> str:
    name, said = turn
    lines = neutralise(said).translate(LINE_BREAKS).split("\n")
    text = "\n  ".join(filter(None, map(str.strip, lines)))
    if not text:
        return ""
    return f"> {text}" if name is None else f"< {clean_name(name, persona)}: {text}"


def read(content: bytes) -> list[Example]:
    """The examples of a text. Raises BadRequest with the number of the line that is wrong."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content[: error.start].count(b"\n") + 1
        raise _wrong(number, "is not UTF-8; save the file as UTF-8") from error
    found: list[tuple[int, str, list[Turn]]] = []
    for number, line in enumerate(text.split("\n"), 1):
        line = line.rstrip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("=="):
            found.append((number, line.strip("= "), []))
        elif found:
            _take(number, line, found[-1][2])
        else:
            raise _wrong(number, 'stands before the first "=="')
    return [_checked(*example) for example in found]


def _take(number: int, line: str, turns: list[Turn]) -> None:
    mark, rest = line[0], line[1:].strip()
    if mark == ">" and rest:
        turns.append((None, rest))
    elif mark == "<":
        name, _, words = rest.partition(":")
        if not name.strip() or not words.strip():
            raise _wrong(number, 'says who speaks and what: "< NAME: words"')
        turns.append((name.strip(), words.strip()))
    elif line[:2].isspace() and turns:
        name_before, text = turns[-1]
        turns[-1] = name_before, f"{text}\n{line.strip()}"
    else:
        raise _wrong(number, 'begins with none of "==", "<", ">" with words, or two spaces')


def _checked(number: int, at: str, turns: list[Turn]) -> Example:
    if not turns or turns[0][0] is None or turns[-1][0] is not None:
        raise _wrong(number, 'begins an example, which needs "<" first and ">" last')
    return Example(at, tuple(turns))


def _wrong(number: int, what: str) -> BadRequest:
    return BadRequest(f"line {number} of {FILE} {what}; correct it, or delete the file and import")


def digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def without(examples: Iterable[Example], names: set[str]) -> list[Example]:
    """Those in which nobody else speaks than who is named."""
    return [example for example in examples if example.names <= names]
