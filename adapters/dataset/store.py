"""Datasets on disk: $UNDERSTUDY_HOME/datasets/NAME/{train.jsonl, held_out.jsonl, report.json,
validation.txt, report.html}.

A dataset appears whole or not at all, and an interrupted import leaves the one before.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NotRequired, TypedDict

from pydantic import ValidationError

from adapters.errors import NoDataset, writing
from adapters.folders import beside, private, removed, replaced, settle
from adapters.manifest import NAME

from . import validation
from .leafing import leafed
from .render import ChatMessage, render
from .report import ImportReport

TRAIN, HELD_OUT, REPORT, PAGE = "train.jsonl", "held_out.jsonl", "report.json", "report.html"
ENCODE = json.JSONEncoder(ensure_ascii=False).encode


class Row(TypedDict):
    messages: list[ChatMessage]
    at: str
    """ISO time of the row's first message."""
    speakers: NotRequired[dict[str, int]]
    """How many messages are whose, by the numbers of the report's people; old rows have none."""
    request: NotRequired[str]
    """What stood before a chunk of writing; its question, if it has one, took that place."""


@dataclass(frozen=True)
class Dataset:
    report: ImportReport
    train: list[Row]
    held_out: list[Row]
    validation: list[Row]
    """What a person may have edited of some that is held out."""


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
        try:
            self._train.close()
        finally:
            self._held_out.close()  # even where there is no room for the last of the others

    def digest(self) -> str:
        """SHA-256 over both files, a zero byte between them; no row may follow."""
        self.close()
        whole = self._sha256.copy()
        whole.update(b"\0")
        with (self._fresh / HELD_OUT).open("rb") as file:
            while data := file.read(1 << 20):
                whole.update(data)
        return whole.hexdigest()

    def put_examples(self, content: bytes) -> None:
        """The validation set, as it is to be read."""
        (self._fresh / validation.FILE).write_bytes(content)

    def describe(self, report: ImportReport) -> ImportReport:
        """Writes the report, and a page of it; returns it with what was seen in the rows."""
        report, page = _drawn(self._fresh, report)
        (self._fresh / REPORT).write_text(report.model_dump_json(indent=2) + "\n", "utf-8")
        (self._fresh / PAGE).write_bytes(page)
        return report


@contextmanager
def rewritten(home: Path, persona: str) -> Iterator[Rows]:
    """Where to write the persona's dataset; it replaces the old one, whole, when the block ends
    well. Raises NotWritable."""
    target = folder(home, persona)
    with writing(target.parent):
        private(target.parent)
        with replaced(target) as fresh, closing(Rows(fresh)) as rows:
            yield rows


def load(home: Path, persona: str) -> Dataset:
    """The persona's dataset. Raises NoDataset with the command that makes one."""
    with reading(home, persona) as source:
        known = _report(source)
        examples = _examples(source, known)
        return Dataset(known, _rows(source / TRAIN), _rows(source / HELD_OUT), examples)


def report(home: Path, persona: str) -> ImportReport:
    """Its report alone. Raises NoDataset."""
    with reading(home, persona) as source:
        return _report(source)


def page(home: Path, persona: str) -> Path:
    """Its report as a page, drawn now if the dataset is of before there was one. Raises NoDataset,
    NotWritable."""
    with reading(home, persona) as source:
        found, target = _report(source), source / PAGE
        if target.exists():
            return target
        _, drawn = _drawn(source, found)
    with writing(source), beside(target) as fresh:
        fresh.write_bytes(drawn)
        fresh.chmod(0o644)
        fresh.replace(target)
    return target


def rows(home: Path, persona: str) -> Iterator[tuple[Row, bool]]:
    """Each row and whether it is held out, one at a time. Raises NoDataset."""
    with reading(home, persona) as source:
        for name in (TRAIN, HELD_OUT):
            for number, line in enumerate(lines(source / name), 1):
                yield _row(line, f"row {number} of {source / name}"), name == HELD_OUT


def names(home: Path) -> list[str]:
    """The personas that have a dataset."""
    folders = (home / "datasets").glob("[!.]*")
    found = {path.name for path in folders if NAME.fullmatch(path.name)}
    waiting = {path.name[1:-4] for path in (home / "datasets").glob(".*.old")}
    return sorted(found | {name for name in waiting if NAME.fullmatch(name)})


def remove(home: Path, persona: str) -> None:
    """Raises NotWritable."""
    with writing(home):
        removed(folder(home, persona))


@contextmanager
def reading(home: Path, persona: str) -> Iterator[Path]:
    """The dataset's folder; says what to do where it can't be read. Raises NoDataset."""
    source = settle(folder(home, persona))
    again = f"understudy import whatsapp FILE --persona {persona} --speaker NAME"
    try:
        yield source
    except FileNotFoundError:
        raise NoDataset(f"nothing was imported for {persona} yet; run: {again}") from None
    except (OSError, ValidationError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise NoDataset(f"{source} can't be read; import it again: {again}") from error


def _examples(source: Path, report: ImportReport) -> list[Row]:
    path = source / validation.FILE
    if not path.exists():
        return []
    whole = report.prompt_format.model_copy(update={"window_messages": sys.maxsize})
    prompt, name = report.system_prompt, report.display_name
    return [
        {"messages": render(whole, prompt, name, example.turns), "at": example.at}
        for example in validation.read(path.read_bytes())
    ]


def _drawn(source: Path, report: ImportReport) -> tuple[ImportReport, bytes]:
    """Where rows were taken out nobody knows who is spoken of in those that are left, so that none
    of them is shown."""
    from .page import html  # only who writes a dataset needs it

    if report.lessened:
        return report, html(report, ())
    leaf = leafed(source / TRAIN, report.examples, report.digest, report.prompt_format)
    if report.figures:
        seen = report.figures.model_copy(update={"vocabulary": leaf.vocabulary})
        report = report.model_copy(update={"figures": seen})
    return report, html(report, leaf.examples)


def _report(source: Path) -> ImportReport:
    return ImportReport.model_validate_json((source / REPORT).read_bytes())


def _rows(path: Path) -> list[Row]:
    # Only newlines end a row: JSON leaves U+2028 inside of strings as it is.
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def _row(line: bytes, where: str) -> Row:
    """Held-out rows are there to be edited, so they may be anything by now."""
    try:
        row: Row = json.loads(line)
        said = [message["role"] + message["content"] for message in row["messages"]]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise NoDataset(f"{where} is none: {error}; correct it, or import it again") from error
    if not said:
        raise NoDataset(f"{where} is empty; remove it, or import it again")
    return row


def lines(path: Path) -> Iterator[bytes]:
    """The rows of a file as they are."""
    with path.open("rb") as file:
        yield from (line for line in file if line.strip())
