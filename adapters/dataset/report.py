"""What an import kept and dropped, by which rule: shown to the user and kept beside the dataset."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from adapters.manifest import PersonaName, PromptFormat
from adapters.privacy import KINDS

from .clean import RULES
from .era import Eras
from .figures import Figures

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

SHOWN = 60
"""Characters of a sample in the table."""
SHOWN_REPLACED = 2
"""Samples of each kind in the table."""
MEANING = {
    "kept": "lines that begin a message",
    "merged": "further lines of a message",
    "system": "written by the app itself",
    "media": "pictures, voice notes and files",
    "deleted": "deleted messages",
    "unparsed": "not understood",
}


def display_name(persona: str) -> str:
    """What a persona is called where nobody said otherwise: `aunt-may` is Aunt May."""
    return " ".join(word.capitalize() for word in persona.split("-") if word) or persona


class Person(BaseModel):
    """Somebody who speaks in the rows, by the number that they have there."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    number: int
    fingerprints: tuple[str, ...] = ()
    """Of their names and ids, by the home's own key: all that is kept of who is hidden."""
    name: str = ""
    """As the export has it; empty where the rows show a made-up one."""
    id: str = ""
    role: Literal["subject", "third party"]
    shown: str
    """The name in the rows."""

    @property
    def called(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.name, self.id)))

    @property
    def hidden(self) -> bool:
        return not self.name


class Questions(BaseModel):
    """What a model found questions for, in a dataset of writing."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    rows: int
    """That have one; the others keep their title."""
    model: str
    asked_at: datetime


class ImportReport(BaseModel):
    """The bins add up to `lines`; `cleaned` counts what was dropped after that, by rule."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    persona: PersonaName
    display_name: str
    format: str
    source: str
    """The export's file name, without its folder."""
    imported_at: datetime

    lines: int
    kept: int
    merged: int
    system: int
    media: int
    deleted: int
    unparsed: int
    unparsed_samples: tuple[tuple[int, str], ...] = ()
    edited: int = 0
    captions: int = 0
    date_order: str | None = None
    date_order_reason: str | None = None
    notes: tuple[str, ...] = ()
    """What the user should know about this export, and what became of the rows later."""

    speakers: dict[str, int]
    """Messages by speaker, the most talkative first."""
    persona_speakers: tuple[str, ...]
    people: tuple[Person, ...] | None = None
    """Who speaks in the rows; None in a dataset of before that was remembered."""
    others: str = ""
    """How those appear who did not agree."""
    cleaned: dict[str, int]
    cleaned_samples: dict[str, tuple[str, ...]] = {}
    """The beginnings of a few messages that each rule dropped."""
    private_kinds: tuple[str, ...] = ()
    """What was replaced by stand-ins where it was found."""
    replaced: dict[str, int] = {}
    """How often, by kind."""
    replaced_samples: dict[str, tuple[str, ...]] = {}
    """The beginnings of a few messages with stand-ins in them."""
    reactions: dict[str, int] = {}
    """Of others to what the persona said, by emoji; the most frequent ones."""
    replies: int = 0
    """Messages of the persona that say which one they answer."""
    sessions: int
    learned: int
    """Messages of the persona in the training rows."""
    examples: int
    """Training rows."""
    held_out_messages: int
    held_out: int
    """Held-out rows: later than every training row."""
    validation: int = 0
    """Examples in validation.txt, for a person to read and edit."""
    validation_digest: str = ""
    """SHA-256 of that file as it was written: another one was edited."""
    questions: Questions | None = None
    """What stands before the chunks of writing, where a model was asked."""
    first: datetime | None
    last: datetime | None
    since: str | None = None
    until: str | None = None
    """The time that was asked for."""
    eras: Eras | None = None
    """The cuts between which it lies, where they were found by a change of style."""
    era: int = 0
    """Which of those eras it is, from 1."""
    layout: str = "conversations"
    """How the training rows are cut (see Shape)."""
    max_examples: int | None = None
    sample: str = ""
    """How so many were chosen; "" where all are learned from."""
    beyond_budget: int = 0
    """Rows that were not chosen."""
    system_prompt: str
    prompt_format: PromptFormat
    digest: str
    """SHA-256 over both row files."""
    figures: Figures | None = None
    """What the chat looks like; None in a dataset of before that was counted."""
    lessened: bool = False
    """Whether rows were taken out, as somebody who spoke in them withdrew."""

    def as_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")

    def table(self) -> Table:
        """For a person to read on a terminal."""
        from rich.table import Table
        from rich.text import Text

        table = Table("lines", "", "what became of them", title=f"{self.source} → {self.persona}")
        table.columns[0].justify = "right"
        for name, meaning in MEANING.items():
            table.add_row(f"{getattr(self, name):,}", name, meaning)
        table.add_row(f"{self.lines:,}", "in all", self._dates(), end_section=True)
        for rule, count in self.cleaned.items():
            table.add_row(f"{count:,}", "cleaned", self._rule(rule))
        for kind, count in self.replaced.items():
            table.add_row(f"{count:,}", "replaced", self._kind(kind))
        table.add_row(
            f"{self.learned:,}",
            "to learn",
            f"messages of {self._who()}, {self.examples:,} {self._rows()}",
        )
        if self.beyond_budget:
            table.add_row(
                f"{self.beyond_budget:,}", "not chosen", f"further rows: {self._chosen()}"
            )
        table.add_row(
            f"{self.held_out_messages:,}", "held out", f"the latest ones, {self.held_out:,} rows"
        )
        if self.validation:
            table.add_row(f"{self.validation:,}", "to read", "and edit: validation.txt beside it")
        if asked := self.questions:
            table.add_row(
                f"{asked.rows:,}", "questions", Text(f"rows, asked of {asked.model}; else titles")
            )
        if others := self._others():
            table.add_row(
                f"{len(others):,}", "others", "people who did not agree, under made-up names"
            )
        for number, line in self.unparsed_samples[:3]:
            table.add_row("", f"line {number:,}", Text(line))
        for note in self.notes:
            table.add_row("", "note", Text(note))
        return table

    def _others(self) -> list[Person]:
        """Who speaks in the rows and not as themselves."""
        return [person for person in self.people or () if person.hidden]

    def _rule(self, rule: str) -> Text:
        """Its name and meaning, and what it dropped: other people's text, so never markup."""
        meaning = f": {RULES[rule]}" if rule in RULES else ""
        return _with_samples(rule + meaning, self.cleaned_samples.get(rule, ()))

    def _kind(self, kind: str) -> Text:
        meaning = f": {KINDS[kind]}" if kind in KINDS else ""
        return _with_samples(kind + meaning, self.replaced_samples.get(kind, ())[:SHOWN_REPLACED])

    def _chosen(self) -> str:
        ways = {"even": "evenly over time", "topics": "evenly over topics"}
        return f"those learned are taken {ways.get(self.sample, 'from the end')}"

    def _rows(self) -> str:
        kinds = {"pairs": "rows of a line and its answer", "dialogue": "rows of all that is said"}
        return kinds.get(self.layout, "rows")

    def _dates(self) -> str:
        if not self.date_order:
            return ""
        return f"dates read {self.date_order} ({self.date_order_reason})"

    def _who(self) -> str:
        return " and ".join(self.persona_speakers)


def _with_samples(meaning: str, samples: Iterable[str]) -> Text:
    from rich.text import Text

    shown = "".join(f"\n  {text[:SHOWN]}" for text in samples)
    return Text.assemble(meaning, (shown, "dim"))
