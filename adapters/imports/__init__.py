"""From a chat export to a persona's dataset, whatever the format.

read → find the speaker → clean, split, render → save
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from adapters.dataset.building import Built, Voice, build
from adapters.dataset.report import ImportReport
from adapters.dataset.report import display_name as default_name
from adapters.dataset.store import Dataset, digest, save
from adapters.errors import BadRequest, UnknownSpeaker
from adapters.manifest import PromptFormat
from adapters.messages import Importer, Message, Options, Tally
from adapters.registry import BadName, checked

from .formats import FORMATS, resolved

MAX_LISTED_SPEAKERS = 12


def import_chat(
    format: str,
    path: Path,
    persona: str,
    speakers: Sequence[str],
    home: Path,
    *,
    system_prompt: str | None = None,
    display_name: str | None = None,
    date_order: str | None = None,
    columns: Mapping[str, str] | None = None,
    time_format: str | None = None,
) -> ImportReport:
    """Reads an export and writes the persona's dataset below `home`, replacing the one before.

    `speakers` are the names that the persona has in the export. Raises AdaptersError with a
    sentence; nothing is written then.
    """
    format = resolved(format, path)
    importer = _importer(format)
    name = display_name or default_name(_checked(persona))
    tally = Tally()
    options = Options(date_order, columns=columns or {}, time_format=time_format)
    messages = list(importer(path, tally, options))
    known = Counter(message.speaker for message in messages)
    chosen = _chosen(speakers, known)
    prompt = (
        f"You are {name}. You are chatting with friends."
        if system_prompt is None
        else (system_prompt.strip())
    )
    voice = Voice(name, frozenset(chosen), prompt, PromptFormat())
    built = build(messages, voice)
    report = _report(format, path, persona, voice, tally, known, built, messages)
    save(home, Dataset(report, built.train.rows, built.held_out.rows))
    return report


def _importer(format: str) -> Importer:
    if format not in FORMATS:
        known = ", ".join(sorted(FORMATS))
        raise BadRequest(f"there is no import format {format!r}; there is: {known}")
    return FORMATS[format]


def _checked(persona: str) -> str:
    try:
        return checked(persona)
    except BadName as error:
        raise BadRequest(str(error)) from error


def _chosen(wanted: Sequence[str], known: Counter[str]) -> tuple[str, ...]:
    """The speakers meant, as the export spells them; letter case is forgiven where it is clear."""
    listed = ", ".join(
        f"{name} ({count})" for name, count in known.most_common(MAX_LISTED_SPEAKERS)
    )
    more = len(known) - MAX_LISTED_SPEAKERS
    who = f"in it speak: {listed}" + (f" and {more} more" if more > 0 else "")
    if not known:
        raise UnknownSpeaker("nobody speaks in this export: it holds no message of a person")
    if not wanted:
        raise BadRequest(f"say who the persona is with --speaker NAME; {who}")
    chosen = []
    for name in wanted:
        bare = " ".join(name.split()).removeprefix("~").strip()
        alike = [spelt for spelt in known if spelt.casefold() == bare.casefold()]
        match = bare if bare in known else alike[0] if len(alike) == 1 else None
        if match is None:
            raise UnknownSpeaker(f"{name!r} does not speak in this export; {who}")
        chosen.append(match)
    return tuple(dict.fromkeys(chosen))


def _report(
    format: str,
    path: Path,
    persona: str,
    voice: Voice,
    tally: Tally,
    known: Counter[str],
    built: Built,
    messages: Sequence[Message],
) -> ImportReport:
    return ImportReport(
        persona=persona,
        display_name=voice.display_name,
        format=format,
        source=path.name,
        imported_at=datetime.now(UTC).replace(microsecond=0),
        lines=tally.lines,
        kept=tally.bins["kept"],
        merged=tally.bins["merged"],
        system=tally.bins["system"],
        media=tally.bins["media"],
        deleted=tally.bins["deleted"],
        unparsed=tally.bins["unparsed"],
        unparsed_samples=tuple(tally.unparsed_samples),
        edited=tally.edited,
        captions=tally.captions,
        date_order=tally.date_order,
        date_order_reason=tally.date_order_reason,
        notes=tuple(tally.notes),
        speakers=dict(known.most_common()),
        persona_speakers=tuple(sorted(voice.speakers)),
        cleaned=dict(built.cleaned),
        sessions=built.sessions,
        learned=built.train.messages,
        examples=len(built.train.rows),
        held_out_messages=built.held_out.messages,
        held_out=len(built.held_out.rows),
        first=min((m.at for m in messages), default=None),
        last=max((m.at for m in messages), default=None),
        system_prompt=voice.system_prompt,
        prompt_format=voice.layout,
        digest=digest(built.train.rows, built.held_out.rows),
    )
