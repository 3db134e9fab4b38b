"""The list beside fetched pages that says what each is: written by `site`, read by the importer.

A folder that somebody else made may hold such a list, so nothing in it is trusted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from adapters.imports.entries import Export
from adapters.messages import Tally

SHELF = "understudy-site.jsonl"
MAX_NOTES = 20


class Shelved(BaseModel):
    """One file, and what is known of it from elsewhere."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    url: str = ""
    suffix: str = ""
    """How it is read; "": as its name ends."""
    charset: str = ""
    title: str = ""
    author: str = ""
    owner: str = ""
    """Whose site it is: the author where the page names none."""
    at: datetime | None = None
    modified: datetime | None = None
    whole_only: bool = False
    """Of a feed: only entries with their whole text; the others' pages are there."""

    @property
    def shown(self) -> str:
        """Its address without what may be secret in it, or its name."""
        parts = urlsplit(self.url)
        return f"{parts.hostname}{parts.path}" if self.url else self.name


def shelved(export: Export, tally: Tally) -> Iterator[Shelved]:
    """What the list names, as far as it is there."""
    names, notes = frozenset(export.names), 0
    for line in export.lines(SHELF):
        try:
            said = json.loads(line)
            if isinstance(said, dict) and isinstance(said.get("note"), str):
                notes += 1
                if notes <= MAX_NOTES:
                    tally.notes.append(said["note"][:300])
                continue
            one = Shelved.model_validate(said)
        except (ValueError, RecursionError, ValidationError):
            tally.lines += 1
            tally.miss(tally.lines, line)
            continue
        if one.name in names:
            yield one
