"""From a chat export to a persona's dataset, whatever the format.

read → clean → find the speaker → split, replace private data, render → save
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from adapters.consent import appearing, ledger, requiring
from adapters.dataset import examples, passages, store
from adapters.dataset.building import Built, build
from adapters.dataset.clean import Cleaning
from adapters.dataset.era import Era
from adapters.dataset.people import Voice, called
from adapters.dataset.report import ImportReport
from adapters.dataset.report import display_name as default_name
from adapters.dataset.scratch import Scratch, scratch
from adapters.dataset.shape import USUAL, Shape
from adapters.dataset.store import Rows
from adapters.errors import BadRequest
from adapters.keys import key
from adapters.messages import Importer, Message, Options, Tally, Tell, Watch, untold, unwatched
from adapters.privacy import KINDS, Privacy
from adapters.registry import BadName, checked

from .formats import FORMATS, resolved
from .reading import Reading, unfinished
from .speakers import Figures, chosen_numbers, listed
from .writing import UNNAMED
from .writing.address import Source, at_hand

MAX_REACTIONS = 20


def import_chat(
    format: str,
    path: Source,
    persona: str,
    speakers: Sequence[str],
    home: Path,
    *,
    system_prompt: str | None = None,
    display_name: str | None = None,
    date_order: str | None = None,
    era: Era | None = None,
    keep: Collection[str] = (),
    drop: Collection[str] = (),
    languages: Collection[str] = (),
    columns: Mapping[str, str] | None = None,
    time_format: str | None = None,
    private_kinds: Collection[str] = tuple(KINDS),
    others: str = appearing.PSEUDONYM,
    consent: bool = False,
    shape: Shape = USUAL,
    watch: Watch = unwatched,
    tell: Tell = untold,
) -> ImportReport:
    """Reads an export and writes the persona's dataset below `home`, replacing the one before.

    `speakers` are the names or ids that the persona has in the export; `era` is the time to learn
    from; `keep`, `drop` and `languages` are about cleaning (see Cleaning); private data of
    `private_kinds` is replaced (see Privacy); `others` says how those appear who did not agree
    (see appearing); with `consent` it is written down that the persona's speakers did; `shape` is
    how the rows are to look; `watch` is told how far the reading is, `tell` sentences for the user.
    An import that was interrupted goes on where it stopped. Raises AdaptersError with a sentence;
    nothing is written then.
    """
    format = resolved(format, path)
    importer = importer_of(format)
    name = display_name or default_name(checked_name(persona))
    appearing.checked(others)
    ledger.read(home)  # one that can't be understood is told before all is read
    writing = format == passages.FORMAT
    if writing and shape.of_a_chat:
        raise BadRequest("what somebody wrote is no chat: leave out --layout and --burst-separator")
    prompt = system_prompt
    if prompt is None:
        prompt = f"You are {name}." + ("" if writing else " You are chatting with friends.")
    tally, privacy = Tally(), Privacy(private_kinds)
    cleaning = Cleaning(keep, drop, languages)
    options = Options(date_order, watch=watch, columns=columns or {}, time_format=time_format)
    author = speakers[0] if writing and speakers else ""
    begun = unfinished(persona, path, (format, options, era, author), cleaning, privacy, tell)
    with at_hand(path, home, watch) as there, scratch(home, begun) as messages:
        read = importer(there, tally, options)
        if author:
            read = _attributed(read, author)
        reading = Reading(messages, tally, era, cleaning, privacy, tell)
        reading.store(read)
        watch(1.0)
        chosen, known = chosen_numbers(speakers, messages, lone=writing), messages.speakers
        standing = appearing.standing(ledger.read(home), known, chosen)
        themselves = [known[number].name for number in standing.themselves]
        privacy.settle(key(home), [speaker.name for speaker in known], [name, *themselves])
        reading.recall()
        shown = appearing.others(standing, known, others, privacy.made_up)
        layout = passages.LAYOUT if writing else shape.prompt_format()
        voice = Voice(name, chosen, prompt.strip(), layout, shown, writing)
        edited = examples.edited(home, persona)
        with store.rewritten(home, persona) as rows:
            tested = examples.times(edited)
            built = build(messages, voice, rows, cleaning, privacy, shape, tested)
            report = _report(
                format, path, persona, voice, tally, messages, cleaning, privacy, era, built, rows
            )
            who = {
                "layout": shape.layout,
                "max_examples": shape.max_examples,
                "sample": shape.sample if shape.max_examples else "",
                "beyond_budget": built.beyond_budget,
                "people": appearing.remembered(home, built.people),
                "others": others,
            }
            report = examples.written(report.model_copy(update=who), rows, built.examples, edited)
            report = rows.describe(report)
    if consent:
        requiring.grant_stated(home, report)
    return report


def _attributed(read: Iterable[Message], author: str) -> Iterator[Message]:
    """The messages; texts that name nobody are by whom they are imported for."""
    for message in read:
        yield message._replace(speaker=author) if message.speaker == UNNAMED else message


def list_speakers(
    format: str,
    path: Source,
    home: Path | None = None,
    *,
    date_order: str | None = None,
    watch: Watch = unwatched,
) -> list[Figures]:
    """Who speaks in an export, for each of its conversations; authors in all that they wrote.

    What is on the web waits below `home` for an import. Raises AdaptersError.
    """
    format = resolved(format, path)
    importer = importer_of(format)
    with at_hand(path, home, watch, keep=True) as there:
        told = importer(there, Tally(), Options(date_order, watch=watch))
        if format == passages.FORMAT:
            told = (message._replace(conversation="") for message in told)
        return listed(told)


def importer_of(format: str) -> Importer:
    if format not in FORMATS:
        known = ", ".join(sorted(FORMATS))
        raise BadRequest(f"there is no import format {format!r}; there is: {known}")
    return FORMATS[format]


def checked_name(persona: str) -> str:
    try:
        return checked(persona)
    except BadName as error:
        raise BadRequest(str(error)) from error


def _report(
    format: str,
    path: Source,
    persona: str,
    voice: Voice,
    tally: Tally,
    scratch: Scratch,
    cleaning: Cleaning,
    privacy: Privacy,
    era: Era | None,
    built: Built,
    rows: Rows,
) -> ImportReport:
    speakers, hidden = scratch.speakers, privacy.hidden
    said: Counter[str] = Counter()
    for label, count in zip(called(speakers, voice, privacy.label), scratch.counts, strict=True):
        said[label] += count
    first, last = scratch.span or (None, None)
    return ImportReport(
        persona=persona,
        display_name=voice.display_name,
        format=format,
        source=hidden(path.name),
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
        notes=tuple(tally.notes),
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
        digest=rows.digest(),
        figures=built.figures,
    )
