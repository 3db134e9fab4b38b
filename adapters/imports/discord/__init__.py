"""Discord: channels saved with DiscordChatExporter, or the data package of an account.

Knows nothing of personas or datasets.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from adapters.errors import BadExport
from adapters.imports.entries import Export, opened
from adapters.messages import Message, Options, Tally

from . import exporter, package

LOOKED_FOR = "Discord: JSON or CSV of DiscordChatExporter, or the account's data package"


def read(path: Path, tally: Tally, options: Options) -> Iterator[Message]:
    """The messages of an export, channel after channel. Raises BadExport where it is none."""
    with opened(path, options.watch) as export:
        if names := package.found(export):
            yield from package.read(export, names, tally)
        elif names := exporter.found(export):
            yield from exporter.read(export, names, tally, options.date_order)
        else:
            raise BadExport(
                f"{path} is not a Discord export: neither JSON or CSV of DiscordChatExporter nor "
                "a data package with messages/…/messages.json in it"
            )


def detect(export: Export) -> str | None:
    """Why this looks like Discord's, if it does."""
    if names := package.found(export):
        return f"{names[0]} lies where Discord's data package keeps messages"
    if names := exporter.found(export):
        return f"{names[0]} has the fields that DiscordChatExporter writes"
    return None
