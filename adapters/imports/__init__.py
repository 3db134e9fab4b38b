"""From a chat export to a persona's dataset, whatever the format.

read → clean → find the speaker → split, replace private data, render → save
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from adapters.consent import appearing, ledger, requiring
from adapters.dataset import examples, passages, store
from adapters.dataset.building import build
from adapters.dataset.clean import Cleaning
from adapters.dataset.era import Era
from adapters.dataset.people import Voice
from adapters.dataset.report import ImportReport
from adapters.dataset.report import display_name as default_name
from adapters.dataset.scratch import scratch
from adapters.dataset.shape import USUAL, Shape
from adapters.dataset.sides import LEFT_OUT
from adapters.errors import BadRequest, NoConsent, NoDataset
from adapters.keys import key
from adapters.messages import Importer, Message, Options, Tally, Tell, Watch, untold, unwatched
from adapters.privacy import KINDS, Privacy
from adapters.registry import BadName, checked

from .formats import FORMATS, resolved
from .reading import Reading, unfinished
from .speakers import Figures, chosen_numbers, listed
from .telling import Read, report_of
from .writing import UNNAMED
from .writing.address import Source, at_hand


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
        chosen, known = chosen_numbers(speakers, messages), messages.speakers
        agreed = ledger.read(home)
        requiring.refuse_withdrawn(agreed, persona, [known[number] for number in chosen])
        standing = appearing.standing(agreed, known, chosen)
        themselves = [known[number].name for number in standing.themselves]
        privacy.settle(key(home), [speaker.name for speaker in known], [name, *themselves])
        reading.recall()
        shown = appearing.others(standing, known, others, privacy.made_up)
        layout = passages.LAYOUT if writing else shape.prompt_format()
        voice = Voice(name, chosen, prompt.strip(), layout, shown, writing)
        edited = examples.edited(home, persona)
        was_read = Read(
            format, path.name, persona, messages, tally, cleaning, privacy, era, shape, others
        )
        with ExitStack() as until_it_is_there, store.rewritten(home, persona) as rows:
            built = build(messages, voice, rows, cleaning, privacy, shape, examples.times(edited))
            report = report_of(home, was_read, voice, built, rows.digest())
            report = rows.describe(examples.written(report, rows, built.examples, edited))
            _refuse_nothing(home, report)
            until_it_is_there.enter_context(ledger.held(home))  # a withdrawal is heard or finds it
            if appearing.standing(ledger.read(home), known, chosen) != standing:
                raise NoConsent(
                    f"somebody agreed or withdrew while {persona} was imported; run it again"
                )
    if consent:
        requiring.grant_stated(home, report)
    return report


def _refuse_nothing(home: Path, report: ImportReport) -> None:
    """Raises BadRequest where a dataset with rows would give way to one without, unless that is
    because somebody did not agree."""
    if report.examples + report.held_out or LEFT_OUT in report.cleaned:
        return
    with suppress(NoDataset):
        before = store.report(home, report.persona)
        if rows := before.examples + before.held_out:
            why = ", ".join(f"{count:,} {rule}" for rule, count in report.cleaned.items())
            raise BadRequest(
                f"nothing in this import can be learned from ({why or 'no message is there'}), so "
                f"the dataset of {report.persona} with its {rows:,} rows stays as it was"
            )


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
