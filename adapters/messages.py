"""What every importer yields, and how it accounts for what it read.

Knows nothing of any format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple

Bin = Literal["kept", "merged", "system", "media", "deleted", "unparsed"]
BINS: tuple[Bin, ...] = ("kept", "merged", "system", "media", "deleted", "unparsed")
MAX_SAMPLES = 10
SAMPLE_CHARACTERS = 80


class Message(NamedTuple):
    """One message of a person.

    A tuple, as an import makes millions: a frozen dataclass of ten fields takes six times as long.
    """

    at: datetime
    """Wall-clock time as the export shows it; aware where the export has a zone."""
    speaker: str
    """The name that people see."""
    text: str
    """What was written, lines joined by newlines; a medium's caption; may be empty."""
    conversation: str = ""
    """Which chat of the export, by title or id; "" where there is only one."""
    speaker_id: str = ""
    """The export's own id of the speaker, where it has one."""
    id: str = ""
    """The export's id of the message."""
    reply_to: str = ""
    """The id of the message it answers."""
    reactions: tuple[tuple[str, int], ...] = ()
    """Emoji and how many."""
    forwarded: bool = False
    bot: bool = False


@dataclass
class Tally:
    """Where every physical line went (every message, for structured formats).

    The bins add up to `lines`. `kept` begins a message, `merged` goes on with one.
    """

    lines: int = 0
    bins: dict[Bin, int] = field(default_factory=lambda: dict.fromkeys(BINS, 0))
    edited: int = 0
    captions: int = 0
    """Messages that are the caption of a medium: their first lines are in `media`."""
    unparsed_samples: list[tuple[int, str]] = field(default_factory=list)
    """The first few (line number from 1, beginning of the line)."""
    date_order: str | None = None
    """How dates were read, such as "dmy"; several when the file mixes them."""
    date_order_reason: str | None = None
    notes: list[str] = field(default_factory=list)
    """What the user should know about this export, a sentence each."""

    def put(self, bin_: Bin, lines: int = 1) -> None:
        self.bins[bin_] += lines

    def miss(self, number: int, line: str) -> None:
        """One line that nobody could make sense of."""
        self.put("unparsed")
        if len(self.unparsed_samples) < MAX_SAMPLES:
            self.unparsed_samples.append((number, line.strip()[:SAMPLE_CHARACTERS]))


Watch = Callable[[float], None]
"""Told which share of the export is read, from 0 to 1, as often as suits the importer."""


def unwatched(share: float) -> None:
    """For who does not want to know."""


Tell = Callable[[str], None]
"""Told a sentence for the user, while the work goes on."""


def untold(sentence: str) -> None:
    """For who does not want to hear."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the user may know better than the file, and who watches how far the reading is."""

    date_order: str | None = None
    watch: Watch = unwatched
    columns: Mapping[str, str] = field(default_factory=dict)
    """For tables: which column is `at`, `speaker`, `text` and so on."""
    time_format: str | None = None
    """For tables: how times are written, in the letters of strptime."""


Importer = Callable[[Path, Tally, Options], Iterator[Message]]
"""Reads one export as a stream; `tally` is complete when the stream ends. Raises BadExport."""
