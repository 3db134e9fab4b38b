"""Every format that can be imported, and how an unknown export is told from the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from adapters.errors import BadExport
from adapters.messages import Importer, Message, Options, Tally

from . import (
    discord,
    generic,
    imessage,
    irc,
    meta,
    script,
    signal,
    slack,
    telegram,
    whatsapp,
    writing,
)
from .entries import Export, opened
from .whatsapp import detection as whatsapp_detection
from .writing.address import Address, Source

AUTO = "auto"


@dataclass(frozen=True)
class Format:
    read: Importer
    detect: Callable[[Export], str | None]
    """Why an export looks like this format, if it does, by names and first kilobytes."""
    looked_for: str


KNOWN: Mapping[str, Format] = {
    "telegram": Format(telegram.read, telegram.detect, telegram.LOOKED_FOR),
    "discord": Format(discord.read, discord.detect, discord.LOOKED_FOR),
    "instagram": Format(meta.read, meta.detect_instagram, meta.INSTAGRAM_LOOKED_FOR),
    "messenger": Format(meta.read, meta.detect_messenger, meta.MESSENGER_LOOKED_FOR),
    "slack": Format(slack.read, slack.detect, slack.LOOKED_FOR),
    "signal": Format(signal.read, signal.detect, signal.LOOKED_FOR),
    "imessage": Format(imessage.read, imessage.detect, imessage.LOOKED_FOR),
    "irc": Format(irc.read, irc.detect, irc.LOOKED_FOR),
    "whatsapp": Format(whatsapp.read, whatsapp_detection.detect, whatsapp_detection.LOOKED_FOR),
    "script": Format(script.read, script.detect, script.LOOKED_FOR),
    "generic": Format(generic.read, generic.detect, generic.LOOKED_FOR),
    "writing": Format(writing.read, writing.detect, writing.LOOKED_FOR),
}
"""What can be mistaken for another comes after it."""


@dataclass(frozen=True)
class Detected:
    format: str
    reason: str


def detect(path: Source) -> Detected:
    """The format of an export. Raises BadExport with all that was looked for."""
    if isinstance(path, Address):
        return Detected("writing", f"{path.name} is on the web, where only writing is read from")
    with opened(path) as whole:
        export = whole.glance()
        for name, format in KNOWN.items():
            if reason := format.detect(export):
                return Detected(name, reason)
    looked_for = "\n".join(f"- {format.looked_for}" for format in KNOWN.values())
    raise BadExport(f"{path} is no export that I know. I looked for\n{looked_for}")


def read_detected(path: Path, tally: Tally, options: Options) -> Iterator[Message]:
    """The messages of an export of whatever format it looks like, which is noted."""
    found = detect(path)
    tally.notes.append(f"read as {found.format}: {found.reason}")
    yield from KNOWN[found.format].read(path, tally, options)


FORMATS: Mapping[str, Importer] = {
    AUTO: read_detected,
    **{name: format.read for name, format in KNOWN.items()},
}


def resolved(format: str, path: Source) -> str:
    """The format meant: `auto` is the one that the export looks like. Raises BadExport."""
    if isinstance(path, Address) and format not in (AUTO, "writing"):
        raise BadExport(f"only writing is read from the web; save the {format} export to a file")
    return detect(path).format if format == AUTO else format
