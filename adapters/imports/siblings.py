"""The same person at two ages, or more: a life cut where the style changes most, a persona each.

Knows nothing of rows: each sibling is imported by itself, from its own time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from adapters.dataset import passages
from adapters.dataset.clean import Cleaning
from adapters.dataset.era import Era, Eras
from adapters.dataset.report import display_name as default_name
from adapters.dataset.scratch import scratch
from adapters.errors import BadRequest
from adapters.imports import checked_name, importer_of
from adapters.messages import Options, Tally, Watch, untold, unwatched
from adapters.privacy import Privacy

from .formats import resolved
from .reading import Reading
from .speakers import chosen_numbers
from .writing.address import Source

NOT_THEIRS = ("media-only", "forwarded", "bots", "links-only", "pastes", "system-text")
"""Rules that drop what says nothing about a person's style."""


@dataclass(frozen=True)
class Sibling:
    persona: str
    display_name: str
    era: Era


def siblings(
    format: str,
    path: Source,
    persona: str,
    speakers: Sequence[str],
    home: Path,
    count: int,
    *,
    display_name: str | None = None,
    date_order: str | None = None,
    era: Era | None = None,
    columns: Mapping[str, str] | None = None,
    time_format: str | None = None,
    watch: Watch = unwatched,
) -> list[Sibling]:
    """One persona for each of so many eras of what `speakers` wrote, maya-1 and so on; `era` bounds
    the whole. Raises AdaptersError with a sentence; nothing is written in any case."""
    if count < 2:
        raise BadRequest("--eras takes 2 or more")
    names = [checked_name(f"{persona}-{number}") for number in range(1, count + 1)]
    format = resolved(format, path)
    if format == passages.FORMAT or not isinstance(path, Path):
        raise BadRequest("--eras cuts chats; import writing twice, with --from and --until")
    options = Options(date_order, watch=watch, columns=columns or {}, time_format=time_format)
    eras, life = _cut(format, path, speakers, home, count, options, era)
    called = display_name or default_name(persona)
    return [
        Sibling(
            persona=name,
            display_name=f"{called} ({_years(first or life[0], last or life[1])})",
            era=replace(_between(first, last, era or Era()), of_life=eras, number=number),
        )
        for number, (name, (first, last)) in enumerate(zip(names, eras.spans, strict=True), 1)
    ]


def _cut(
    format: str,
    path: Path,
    speakers: Sequence[str],
    home: Path,
    count: int,
    options: Options,
    era: Era | None,
) -> tuple[Eras, tuple[date, date]]:
    """The eras, and the first and the last day of all."""
    from adapters.dataset.styles import Style

    tally, cleaning, style = Tally(), Cleaning(drop=NOT_THEIRS), Style()
    with scratch(home) as messages:
        reading = Reading(messages, tally, era, cleaning, Privacy(()), untold)
        reading.store(importer_of(format)(path, tally, options))
        chosen = chosen_numbers(speakers, messages, lone=False)
        messages.arrange(chosen)
        for session in messages.sessions():
            for second, speaker, text, _ in session.said:
                if speaker in chosen:
                    style.hear(messages.moment(second).date(), text)
        eras = style.eras(count)
        first, last = messages.span or (datetime.min, datetime.max)
    return eras, (first.date(), last.date())


def _between(first: date | None, last: date | None, era: Era) -> Era:
    return Era.of(
        first.isoformat() if first else era.since, last.isoformat() if last else era.until
    )


def _years(first: date, last: date) -> str:
    return f"{first.year}" if first.year == last.year else f"{first.year}–{last.year}"
