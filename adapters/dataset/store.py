"""Datasets on disk: $UNDERSTUDY_HOME/datasets/NAME/{train.jsonl, held_out.jsonl, report.json}.

A dataset appears whole or not at all, and an interrupted import leaves the one before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from pydantic import ValidationError

from adapters.errors import NoDataset, writing
from adapters.folders import replaced, settle

from .render import ChatMessage
from .report import ImportReport

TRAIN, HELD_OUT, REPORT = "train.jsonl", "held_out.jsonl", "report.json"
ENCODE = json.JSONEncoder(ensure_ascii=False).encode


class Row(TypedDict):
    messages: list[ChatMessage]
    at: str
    """ISO time of the row's first message."""


@dataclass(frozen=True)
class Dataset:
    report: ImportReport
    train: list[Row]
    held_out: list[Row]


def folder(home: Path, persona: str) -> Path:
    return home / "datasets" / persona


def encoded(row: Row) -> bytes:
    """The row's line; half an emoji becomes a "?"."""
    return ENCODE(row).encode("utf-8", "replace") + b"\n"


class Rows:
    """The files of a dataset that is being written, row by row."""

    def __init__(self, fresh: Path) -> None:
        self._fresh = fresh
        self._sha256 = hashlib.sha256()
        self._train = (fresh / TRAIN).open("wb")
        self._held_out = (fresh / HELD_OUT).open("wb")

    def add(self, line: bytes, *, held_out: bool) -> None:
        if held_out:
            self._held_out.write(line)
        else:
            self._train.write(line)
            self._sha256.update(line)

    def close(self) -> None:
        self._train.close()
        self._held_out.close()

    def digest(self) -> str:
        """SHA-256 over both files, a zero byte between them; no row may follow."""
        self.close()
        whole = self._sha256.copy()
        whole.update(b"\0")
        with (self._fresh / HELD_OUT).open("rb") as file:
            while data := file.read(1 << 20):
                whole.update(data)
        return whole.hexdigest()

    def describe(self, report: ImportReport) -> None:
        (self._fresh / REPORT).write_text(report.model_dump_json(indent=2) + "\n", "utf-8")


@contextmanager
def rewritten(home: Path, persona: str) -> Iterator[Rows]:
    """Where to write the persona's dataset; it replaces the old one, whole, when the block ends
    well. Raises NotWritable."""
    target = folder(home, persona)
    with writing(target.parent), replaced(target) as fresh, closing(Rows(fresh)) as rows:
        yield rows


def load(home: Path, persona: str) -> Dataset:
    """The persona's dataset. Raises NoDataset with the command that makes one."""
    source = settle(folder(home, persona))
    again = f"understudy import whatsapp FILE --persona {persona} --speaker NAME"
    try:
        report = ImportReport.model_validate_json((source / REPORT).read_bytes())
        return Dataset(report, _rows(source / TRAIN), _rows(source / HELD_OUT))
    except FileNotFoundError:
        raise NoDataset(f"nothing was imported for {persona} yet; run: {again}") from None
    except (OSError, ValidationError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise NoDataset(f"{source} can't be read; import it again: {again}") from error


def _rows(path: Path) -> list[Row]:
    # Only newlines end a row: JSON leaves U+2028 inside of strings as it is.
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]
