"""Exports that lie at home, found again by who speaks in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from adapters.errors import writing
from adapters.folders import locked

from .folder import MARK


@dataclass(frozen=True)
class Remains:
    folder: Path
    dataset: str
    """The digest of what was exported."""
    people: frozenset[str]
    """Fingerprints of who speaks in it."""
    files: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.folder.parent.name}/{self.folder.name}"

    def remove(self) -> None:
        """All that is of the export; what a trainer left beside it stays. Raises NotWritable."""
        with writing(self.folder), locked(self.folder, wait=True):
            for name in (*self.files, MARK):
                (self.folder / Path(name).name).unlink(missing_ok=True)
            if not any(self.folder.iterdir()):
                self.folder.rmdir()


def remains(home: Path) -> Iterator[Remains]:
    """The exports of every persona; what can't be read as one is none."""
    for mark in sorted((home / "exports").glob(f"*/*/{MARK}")):
        try:
            said = json.loads(mark.read_bytes())
            people, files = frozenset(map(str, said["people"])), tuple(map(str, said["files"]))
            yield Remains(mark.parent, str(said["dataset"]), people, files)
        except (OSError, ValueError, LookupError, TypeError):
            continue
