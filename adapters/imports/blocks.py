"""Text exports: messages that begin with a header line, and every physical line in its bin.

Knows nothing of any exporter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from re import Match

from adapters.errors import BadExport
from adapters.messages import Message, Tally

from .binning import Verdict

MAX_LINES, MAX_CHARACTERS = 20_000, 4 << 20
"""Of one message: more would be a file of another kind, all in memory."""


@dataclass
class Block:
    """A header and the lines that follow it."""

    number: int
    line: str
    header: Match[str]
    more: list[str] = field(default_factory=list)
    characters: int = 0
    """Of the lines that follow."""

    def goes_on(self, line: str) -> None:
        self.more.append(line)
        self.characters += len(line)
        if len(self.more) > MAX_LINES:
            raise BadExport(f"line {self.number} begins a text of over {MAX_LINES:,} lines")
        if self.characters > MAX_CHARACTERS:
            raise BadExport(f"line {self.number} begins a text of over {MAX_CHARACTERS >> 20} MiB")


def blocks(
    lines: Iterable[str], header: Callable[[str], Match[str] | None], tally: Tally
) -> Iterator[Block]:
    """Every header with its lines. Lines before the first one are unparsed, blank ones merged."""
    block: Block | None = None
    for number, line in enumerate(lines, 1):
        tally.lines += 1
        if found := header(line):
            if block:
                yield block
            block = Block(number, line, found)
        elif block is None:
            if line.strip():
                tally.miss(number, line)
            else:
                tally.put("merged")
        else:
            block.goes_on(line)
    if block:
        yield block


def settled(tally: Tally, told: Iterable[tuple[Verdict, Block]]) -> Iterator[Message]:
    """The messages; all lines of each block are put where its verdict says."""
    for verdict, block in told:
        if isinstance(verdict, Message):
            tally.put("kept")
            tally.put("merged", len(block.more))
            yield verdict
        elif verdict == "unparsed":
            for offset, line in enumerate((block.line, *block.more)):
                tally.miss(block.number + offset, line)
        else:
            tally.put(verdict, 1 + len(block.more))
