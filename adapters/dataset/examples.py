"""What becomes of a dataset's validation set when the dataset is written anew."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from adapters.errors import BadRequest, NoDataset, writing
from adapters.folders import settle

from . import store, validation
from .report import ImportReport


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


def times(edited: bytes | None) -> frozenset[str]:
    """When the examples of a validation set begin."""
    return frozenset(example.at for example in _read(edited or b""))


def _read(edited: bytes) -> list[validation.Example]:
    """None of what can't be read: it is training that says why."""
    with suppress(BadRequest):
        return validation.read(edited)
    return []


def written(
    report: ImportReport,
    rows: store.Rows,
    chosen: Sequence[validation.Example],
    edited: bytes | None,
) -> ImportReport:
    """Writes the validation set, unless a person has edited the one before."""
    ours = validation.written(report.display_name, chosen)
    if edited is not None or chosen:
        rows.put_examples(ours if edited is None else edited)
    count, notes = len(chosen), report.notes
    if edited is not None:
        notes += (f"{validation.FILE} was edited and stays as it is; delete it to get a new one",)
        count = len(_read(edited))
    return report.model_copy(
        update={
            "validation": count, "validation_digest": validation.digest(ours), "notes": notes,
        }
    )  # fmt: skip
