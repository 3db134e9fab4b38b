"""Signal, which has no export of its own: what signal-export and sigtop write.

Knows nothing of personas or datasets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from adapters.errors import BadExport
from adapters.imports.entries import Export, opened
from adapters.messages import Message, Options, Tally

from . import markdown, sigtop

LOOKED_FOR = "Signal: chat.md or data.json of signal-export, or JSON or text of sigtop"
Reader = Callable[[Export, list[str], Tally], Iterator[Message]]


def read(path: Path, tally: Tally, options: Options) -> Iterator[Message]:
    """The messages of an export, chat after chat. Raises BadExport where it is none."""
    with opened(path, options.watch) as export:
        found = _found(export)
        if found is None:
            raise BadExport(
                f"{path} is no export of Signal that I know: neither chat.md or data.json of "
                "signal-export nor messages exported by sigtop as JSON or text"
            )
        _, reader, names = found
        yield from reader(export, names, tally)


def detect(export: Export) -> str | None:
    """Why this looks like Signal's, if it does."""
    found = _found(export)
    return f"{found[2][0]} is written as {found[0]} does" if found else None


def _found(export: Export) -> tuple[str, Reader, list[str]] | None:
    kinds: tuple[tuple[str, Reader, tuple[str, ...], re.Pattern[str]], ...] = (
        ("signal-export", markdown.read_records, (".json",), markdown.RECORD),
        ("signal-export", markdown.read_pages, (".md",), markdown.PAGE),
        ("sigtop", sigtop.read_records, (".json",), sigtop.RECORDS),
        ("sigtop", sigtop.read_text, (".txt",), sigtop.TEXT),
    )
    for who, reader, endings, looks in kinds:
        if names := [n for n in export.ending(*endings) if looks.match(export.head_text(n))]:
            return who, reader, names
    return None
