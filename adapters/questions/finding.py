"""From a dataset of writing to one with questions: all of it, or none.

may it be sent there? → ask what was not answered yet → write the dataset again
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapters.consent import ledger
from adapters.dataset import examples, store
from adapters.dataset.passages import FORMAT
from adapters.dataset.report import ImportReport, Questions
from adapters.errors import AskingRefused, BadRequest
from adapters.registry import BadName, checked

from .answers import Answers, remembered
from .asking import Round
from .chunks import chunks, with_question
from .model import Pace, Server, reached

Watch = Callable[[int, int], None]
"""Told how many chunks are dealt with, and of how many."""


@dataclass(frozen=True)
class Outcome:
    persona: str
    model: str
    rows: int
    questions: int
    """Rows that have one; the others keep their title."""
    asked: int
    """Chunks that the model was asked about this time."""
    unanswered: int
    """Those that its server failed to answer, and why."""
    why: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def sentence(self) -> str:
        said = f"{self.questions:,} of {self.rows:,} rows of {self.persona} have a question"
        if left := self.rows - self.questions - self.unanswered:
            said += f"; {left:,} keep their title, as the model found none worth having"
        if self.unanswered:
            said += f"; {self.unanswered:,} keep it, as the server did not answer ({self.why})"
        return said


def nobody_watches(_done: int, _all: int) -> None:
    pass


async def ask(
    home: Path,
    persona: str,
    server: Server,
    model: str,
    *,
    pace: Pace | None = None,
    again: bool = False,
    may_leave: bool = False,
    watch: Watch = nobody_watches,
) -> Outcome:
    """Asks for the questions of the persona's dataset and writes it again, with them.

    With `again` all is asked anew; `may_leave` lets the writing go to a server that is not in the
    owner's network. Raises AdaptersError with a sentence: the dataset is untouched then, and what
    was answered is kept for the next time.
    """
    before = writing_of(home, persona)
    with remembered(home, persona, model) as kept:
        if not may_leave and (what := _leaving(home, before, server, None if again else kept)):
            raise BadRequest(f"{what}; nobody has allowed that")
        if again:
            kept.forget_all()
        run = await _run(home, before, server, kept, pace or Pace(), watch)
        report = _written(home, before, kept)
        kept.forget_failures()
    return Outcome(
        persona=persona,
        model=model,
        rows=report.examples + report.held_out,
        questions=report.questions.rows if report.questions else 0,
        asked=run.answered + run.unanswered,
        unanswered=run.unanswered,
        why=run.why,
    )


def leaving(
    home: Path, persona: str, server: Server, model: str, *, again: bool = False
) -> str | None:
    """What would be sent where, in words; None where nothing leaves the owner's network.

    Raises AdaptersError.
    """
    before = writing_of(home, persona)
    with remembered(home, persona, model) as kept:
        return _leaving(home, before, server, None if again else kept)


def writing_of(home: Path, persona: str) -> ImportReport:
    """The report of a dataset that questions can be asked for. Raises BadRequest, NoDataset."""
    try:
        report = store.report(home, checked(persona))
    except BadName as error:
        raise BadRequest(str(error)) from error
    if report.format != FORMAT:
        raise BadRequest(
            f"the dataset of {persona} was made of a chat ({report.format}), where people have "
            "asked real questions; only a person's writing needs some: "
            f"understudy import {FORMAT} PATH --persona {persona}"
        )
    return report


def _leaving(home: Path, before: ImportReport, server: Server, kept: Answers | None) -> str | None:
    if server.address.own:
        return None
    count = characters = 0
    for chunk in chunks(home, before.persona):
        if kept is None or not kept.find(kept.key(chunk.asked)):
            count += 1
            characters += len(chunk.text)
    if not count:
        return None
    unencrypted = "" if server.address.encrypted else ", and unencrypted"
    return (
        f"{count:,} chunks of what {before.display_name} has written ({characters:,} characters) "
        f"would be sent to {server.address.host}, which is not in your network{unencrypted}"
    )


async def _run(
    home: Path, before: ImportReport, server: Server, kept: Answers, pace: Pace, watch: Watch
) -> Round:
    rows, dealt_with = before.examples + before.held_out, 0

    def done() -> None:
        nonlocal dealt_with
        dealt_with += 1
        watch(dealt_with, rows)

    watch(0, rows)
    async with reached(server, kept.model, pace) as model:
        run = Round(model, kept, lambda: _unchanged(home, before), done)
        await run.ask(chunks(home, before.persona), pace.at_once)
    return run


def _written(home: Path, before: ImportReport, kept: Answers) -> ImportReport:
    """The dataset with all questions that are known by now."""
    found = 0
    with ledger.held(home), store.rewritten(home, before.persona) as rows:
        for chunk in chunks(home, before.persona):
            answer = kept.find(kept.key(chunk.asked))
            question = answer.question if answer else None
            found += question is not None
            rows.add(store.encoded(with_question(chunk, question)), held_out=chunk.held_out)
        said = Questions(
            rows=found, model=kept.model, asked_at=datetime.now(UTC).replace(microsecond=0)
        )
        report = before.model_copy(update={"questions": said, "digest": rows.digest()})
        examples.carry_over(home, before.persona, rows)
        rows.describe(report)
        _unchanged(home, before)
    return report


def _unchanged(home: Path, before: ImportReport) -> None:
    """Nothing is asked about, or written over, what somebody imported or withdrew meanwhile."""
    if store.report(home, before.persona) != before:
        raise AskingRefused(
            f"the dataset of {before.persona} was changed while questions were asked; run it "
            "again: what was answered is kept"
        )
