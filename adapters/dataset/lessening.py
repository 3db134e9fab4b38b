"""What is left of a dataset when somebody's rows are taken out of it.

A row that can't tell who speaks in it, as one that a person has edited, might be theirs and goes
as well. Knows nothing of who withdrew, or of names beyond those given.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Set
from pathlib import Path

from adapters.errors import BadRequest

from . import store, validation
from .passages import FORMAT, READER
from .render import clean_name
from .report import ImportReport
from .store import HELD_OUT, TRAIN, Row, Rows

UNNAMED = "an export"
"""Its file is often called after who speaks in it."""


def count(home: Path, persona: str, people: Set[int]) -> int:
    """Rows in which one of these people speaks. Raises NoDataset."""
    with store.reading(home, persona) as source:
        return sum(
            row is None for name in (TRAIN, HELD_OUT) for _, row in _left(source / name, people)
        )


def without(
    home: Path, persona: str, people: Set[int], named: Callable[[str], bool], note: str
) -> int:
    """Takes the rows in which one of these people speaks out of the dataset, and them out of its
    report, with whoever else is `named` so; how many rows are left. Without any it is removed.

    Raises NoDataset, NotWritable.
    """
    before, source = store.report(home, persona), store.folder(home, persona)
    with store.rewritten(home, persona) as rows:
        kept = {TRAIN: Counter[str](), HELD_OUT: Counter[str]()}
        for name, said in kept.items():
            for line, row in _left(source / name, people):
                if row is not None:
                    rows.add(line, held_out=name == HELD_OUT)
                    said.update(row["speakers"] | {"rows": 1, "questions": int("request" in row)})
        digest = rows.digest()
        after = _lessened(before, people, named, kept[TRAIN], kept[HELD_OUT], digest, note)
        rows.describe(_examples_without(source, rows, before, after))
    left = kept[TRAIN]["rows"] + kept[HELD_OUT]["rows"]
    if not left:
        store.remove(home, persona)
    return left


def _left(path: Path, people: Set[int]) -> Iterator[tuple[bytes, Row | None]]:
    """Each line of a file with its row, or None where that may be one of these people's."""
    gone = {str(number) for number in people}
    for line in store.lines(path):
        row = _told(line)
        yield line, row if row is not None and gone.isdisjoint(row["speakers"]) else None


def _told(line: bytes) -> Row | None:
    """A row that tells who speaks in it."""
    try:
        row: Row = json.loads(line)
        numbers = list(row["speakers"].values())
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    return row if all(isinstance(number, int) for number in numbers) else None


def _examples_without(
    source: Path, rows: Rows, before: ImportReport, after: ImportReport
) -> ImportReport:
    """Leaves the examples in which only those speak who are still in the report: one that can't
    tell might be theirs."""
    try:
        content = (source / validation.FILE).read_bytes()
        examples = validation.read(content)
    except (FileNotFoundError, BadRequest):
        return after
    name = before.display_name
    left = {clean_name(person.shown, name) for person in after.people or ()}
    if before.format == FORMAT:
        left.add(READER)
    examples = validation.without(examples, left)
    rows.put_examples(fresh := validation.written(name, examples))
    ours = validation.digest(content) == before.validation_digest
    known = validation.digest(fresh) if ours else before.validation_digest
    return after.model_copy(update={"validation": len(examples), "validation_digest": known})


def _lessened(
    before: ImportReport,
    people: Set[int],
    named: Callable[[str], bool],
    train: Counter[str],
    held_out: Counter[str],
    digest: str,
    note: str,
) -> ImportReport:
    left = tuple(person for person in before.people or () if person.number not in people)
    gone = {who.shown for who in before.people or ()} - {who.shown for who in left}
    gone |= set(filter(named, before.speakers))
    mine = [str(person.number) for person in left if person.role == "subject"]
    figures = before.figures and before.figures.without_others({who.shown for who in left} - gone)
    asked = {"rows": train["questions"] + held_out["questions"]}
    return before.model_copy(
        update={
            "people": left,
            "speakers": {name: n for name, n in before.speakers.items() if name not in gone},
            "persona_speakers": tuple(sorted(set(before.persona_speakers) - gone)),
            # Nobody knows whose words these samples are.
            "unparsed_samples": (),
            "cleaned_samples": {},
            "replaced_samples": {},
            "learned": sum(train[number] for number in mine),
            "examples": train["rows"],
            "held_out_messages": sum(held_out[number] for number in mine),
            "held_out": held_out["rows"],
            "questions": before.questions and before.questions.model_copy(update=asked),
            "digest": digest,
            "validation": 0,
            "figures": figures,
            "lessened": True,
            "source": UNNAMED,
            "notes": (*before.notes, *filter(None, [note])),
        }
    )
