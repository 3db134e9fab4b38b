"""iMessage by way of imessage-exporter: a file a conversation, as text or HTML.

Knows nothing of personas or datasets.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from adapters.errors import BadExport
from adapters.imports.entries import Export, opened
from adapters.messages import Message, Options, Tally

from . import pages, texts

LOOKED_FOR = "iMessage: .txt or .html files of imessage-exporter"


def read(path: Path, tally: Tally, options: Options) -> Iterator[Message]:
    """The messages of an export, chat after chat. Raises BadExport where it is none."""
    with opened(path, options.watch) as export:
        if names := texts.found(export):
            yield from texts.read(export, names, tally)
        elif names := pages.found(export):
            yield from pages.read(export, names, tally)
        else:
            raise BadExport(
                f"{path} is no output of imessage-exporter: no text in it begins with a line like "
                "'May 17, 2022  5:29:42 PM', and no page is one of its own"
            )


def detect(export: Export) -> str | None:
    """Why this looks like imessage-exporter's, if it does."""
    if names := texts.found(export) or pages.found(export):
        return f"{names[0]} is written as imessage-exporter does"
    return None
