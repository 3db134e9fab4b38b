"""Reads an export into the scratch, or goes on where an interrupted import stopped.

Parsing is the cheapest part: what was stored before is parsed again and passed over; nothing is
read where all was.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from adapters.dataset.clean import Cleaning
from adapters.dataset.era import Era
from adapters.dataset.kept import Unfinished
from adapters.dataset.scratch import Scratch
from adapters.dataset.veiled import Recalling
from adapters.messages import Message, Options, Tally, Tell
from adapters.privacy import Privacy

from .writing.address import Source

READING, HEARD = "reading", "heard "
CODE = Path(__file__).parents[1]


def unfinished(
    persona: str,
    path: Source,
    asked: tuple[str, Options, Era | None, str],
    cleaning: Cleaning,
    privacy: Privacy,
    tell: Tell,
) -> Unfinished | None:
    """What an interrupted import must have had in common with this one for this to go on with it;
    None where that can't be told of the export, as of one on the web."""
    format, options, era, author = asked
    if not isinstance(path, Path):
        return None
    what = hashlib.sha256()
    try:
        code = sorted(file for file in CODE.rglob("*") if file.suffix in (".py", ".toml"))
        for file in (*_files(path.resolve()), *code):
            seen = file.stat()
            what.update(repr((str(file), seen.st_size, seen.st_mtime_ns)).encode())
    except OSError:
        return None
    given = (options.date_order, sorted(options.columns.items()), options.time_format)
    rules = (cleaning.asked, sorted(privacy.kinds), author)
    time = (era.since, era.until) if era else None
    what.update(repr((format, given, time, rules)).encode())
    return Unfinished(persona, what.hexdigest(), tell)


@dataclass(frozen=True)
class Reading:
    """One import's, as far as it is before the persona is known."""

    scratch: Scratch
    tally: Tally
    era: Era | None
    cleaning: Cleaning
    privacy: Privacy
    tell: Tell

    def store(self, read: Iterable[Message]) -> None:
        """Stores the messages worth keeping; learns who speaks and who is talked about."""
        if self._is_complete():
            return
        rest = islice(read, self._count, None)
        worth = self.cleaning.cleaned(self._counted(rest), self._keep_if_due)
        self.scratch.take(self.privacy.met(worth))
        self._keep(complete=True)

    def recall(self) -> None:
        """Spares `privacy`, once it is settled, what was found out before."""
        if (keeper := self.scratch.kept) and self.privacy.kinds:
            self.privacy.memory = Recalling(keeper, self.privacy.settled)

    @property
    def _count(self) -> int:
        """Messages that were read."""
        return sum(self.scratch.counts)

    def _counted(self, read: Iterable[Message]) -> Iterator[tuple[int, Message]]:
        """Each message of the era, with its speaker's number."""
        roll, era, cleaning = self.scratch.roll, self.era, self.cleaning
        for message in read:
            number = roll.number(message)
            if era and not era.holds(message.at):
                cleaning.drop("outside of the time asked for", message.text, number)
                continue
            if message.reply_to or message.reactions:
                roll.heed(number, message)
            yield number, message

    def _is_complete(self) -> bool:
        """Restores what was kept, if anything; whether that was everything."""
        keeper = self.scratch.kept
        if not keeper or not (kept := keeper.read(READING)):
            return False
        self.scratch.restore(kept["scratch"])
        self.cleaning.restore(kept["cleaning"])
        self.privacy.restore(kept["privacy"])
        self.tell(f"going on where it stopped: {self._count:,} messages are there already")
        if kept["tally"]:
            vars(self.tally).update(kept["tally"])
            return True
        tables = sorted(part for part in keeper.parts if part.startswith(HEARD))
        if tables:
            self.cleaning.hear(keeper.read(part) for part in tables)
        return False

    def _keep_if_due(self) -> None:
        if self.scratch.kept and self.scratch.kept.due:
            self._keep(complete=False)

    def _keep(self, *, complete: bool) -> None:
        if keeper := self.scratch.kept:
            keeper.checkpoint(self._parts(complete))

    def _parts(self, complete: bool) -> Iterator[tuple[str, Any]]:
        yield (
            READING,
            {
                "scratch": self.scratch.state(),
                "cleaning": self.cleaning.state(),
                "privacy": self.privacy.state(),
                "tally": vars(self.tally) if complete else None,
            },
        )
        if not complete:  # then nothing more will be heard
            for number, table in enumerate(self.cleaning.heard()):
                yield f"{HEARD}{number:03}", table


def _files(path: Path) -> Iterator[Path]:
    """The export's own, in order."""
    if not path.is_dir():
        yield path
        return
    for folder, folders, names in os.walk(path):
        folders.sort()
        yield from (Path(folder, name) for name in sorted(names))
