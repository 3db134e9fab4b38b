"""The report of an import: where everything went that was read, and what was made of it.

Nobody is named in it whom the rows do not show.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from adapters.consent import appearing
from adapters.dataset.building import Built
from adapters.dataset.clean import Cleaning
from adapters.dataset.era import Era
from adapters.dataset.people import Voice, called
from adapters.dataset.report import ImportReport
from adapters.dataset.scratch import Scratch
from adapters.dataset.shape import Shape
from adapters.messages import Tally
from adapters.privacy import KINDS, Privacy

MAX_REACTIONS = 20
MUCH_UNPARSED = 0.1
"""More lines than this that nobody understands are worth a word."""


@dataclass(frozen=True)
class Read:
    """An export that was read, and how."""

    format: str
    source: str
    """Its name, without its folder."""
    persona: str
    scratch: Scratch
    tally: Tally
    cleaning: Cleaning
    privacy: Privacy
    era: Era | None
    shape: Shape
    others: str


def _doubts(tally: Tally) -> Iterator[str]:
    if tally.bins["unparsed"] > MUCH_UNPARSED * max(1, tally.lines):
        yield (
            f"{tally.bins['unparsed']:,} of {tally.lines:,} lines were not understood: look at the "
            "samples; perhaps it is another format, or --date-order is another one"
        )


def report_of(home: Path, read: Read, voice: Voice, built: Built, digest: str) -> ImportReport:
    """All that is known of an import; `digest` is over its rows. Raises NotWritable."""
    tally, scratch, cleaning, privacy = read.tally, read.scratch, read.cleaning, read.privacy
    era, shape = read.era, read.shape
    speakers, hidden = scratch.speakers, privacy.hidden
    said: Counter[str] = Counter()
    for label, count in zip(called(speakers, voice, privacy.label), scratch.counts, strict=True):
        said[label] += count
    first, last = scratch.span or (None, None)
    return ImportReport(
        persona=read.persona,
        display_name=voice.display_name,
        format=read.format,
        source=hidden(read.source),
        imported_at=datetime.now(UTC).replace(microsecond=0),
        lines=tally.lines,
        kept=tally.bins["kept"],
        merged=tally.bins["merged"],
        system=tally.bins["system"],
        media=tally.bins["media"],
        deleted=tally.bins["deleted"],
        unparsed=tally.bins["unparsed"],
        unparsed_samples=tuple((n, hidden(line)) for n, line in tally.unparsed_samples),
        edited=tally.edited,
        captions=tally.captions,
        date_order=tally.date_order,
        date_order_reason=tally.date_order_reason,
        notes=(*tally.notes, *_doubts(tally)),
        speakers=dict(said.most_common()),
        persona_speakers=tuple(sorted({speakers[number].name for number in voice.speakers})),
        cleaned=dict(cleaning.dropped),
        cleaned_samples={
            rule: tuple(map(hidden, texts)) for rule, texts in cleaning.samples.items()
        },
        private_kinds=tuple(kind for kind in KINDS if kind in privacy.kinds),
        replaced={kind: privacy.replaced[kind] for kind in KINDS if privacy.replaced[kind]},
        replaced_samples={kind: tuple(texts) for kind, texts in privacy.samples.items()},
        reactions=scratch.roll.reactions(voice.speakers, MAX_REACTIONS),
        replies=scratch.roll.replies(voice.speakers),
        sessions=built.sessions,
        learned=built.train.messages,
        examples=built.train.rows,
        held_out_messages=built.held_out.messages,
        held_out=built.held_out.rows,
        first=first,
        last=last,
        since=era.since if era else None,
        until=era.until if era else None,
        eras=era.of_life if era else None,
        era=era.number if era else 0,
        system_prompt=voice.system_prompt,
        prompt_format=voice.layout,
        digest=digest,
        layout=shape.layout,
        max_examples=shape.max_examples,
        sample=shape.sample if shape.max_examples else "",
        beyond_budget=built.beyond_budget,
        people=appearing.remembered(home, built.people),
        others=read.others,
        figures=built.figures,
    )
