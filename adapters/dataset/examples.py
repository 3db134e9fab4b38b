"""What becomes of a dataset's validation set when the dataset is written anew."""

from __future__ import annotations

from pathlib import Path

from adapters.errors import NoDataset, writing
from adapters.folders import settle

from . import store, validation


def found(home: Path, persona: str) -> bytes | None:
    """The persona's validation set as it is. Raises NotWritable."""
    with writing(store.folder(home, persona)):
        path = settle(store.folder(home, persona)) / validation.FILE
        return path.read_bytes() if path.exists() else None


def edited(home: Path, persona: str) -> bytes | None:
    """The same, where a person has changed it."""
    content = found(home, persona)
    try:
        ours = store.report(home, persona).validation_digest if content is not None else ""
    except NoDataset:
        ours = ""
    return None if content is None or validation.digest(content) == ours else content


def carry_over(home: Path, persona: str, rows: store.Rows) -> None:
    """Into the dataset that takes the place of this one."""
    if (content := found(home, persona)) is not None:
        rows.put_examples(content)
