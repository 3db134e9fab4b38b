"""Datasets on disk: $UNDERSTUDY_HOME/datasets/NAME/{train.jsonl, held_out.jsonl, report.json}.

A dataset appears whole or not at all, and an interrupted import leaves the one before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from pydantic import ValidationError

from adapters.errors import NoDataset, writing
from adapters.folders import replaced, settle

from .render import ChatMessage
from .report import ImportReport

TRAIN, HELD_OUT, REPORT = "train.jsonl", "held_out.jsonl", "report.json"


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


def digest(train: Sequence[Row], held_out: Sequence[Row]) -> str:
    """SHA-256 over both files as `save` writes them."""
    return hashlib.sha256(_jsonl(train) + b"\0" + _jsonl(held_out)).hexdigest()


def save(home: Path, dataset: Dataset) -> None:
    """Replaces the persona's dataset as a whole. Raises NotWritable."""
    target = folder(home, dataset.report.persona)
    with writing(target.parent), replaced(target) as fresh:
        (fresh / TRAIN).write_bytes(_jsonl(dataset.train))
        (fresh / HELD_OUT).write_bytes(_jsonl(dataset.held_out))
        (fresh / REPORT).write_text(dataset.report.model_dump_json(indent=2) + "\n", "utf-8")


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


def _jsonl(rows: Sequence[Row]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def _rows(path: Path) -> list[Row]:
    # Only newlines end a row: JSON leaves U+2028 inside of strings as it is.
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]
