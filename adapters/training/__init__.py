"""From a persona's dataset to a LoRA adapter: `train`.

    load dataset → ask the ledger → load base → encode → measure → learn → measure → save

Importing this is light; torch, transformers and trl come in when `train` runs.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from adapters.consent import requiring
from adapters.dataset import store
from adapters.errors import BadRequest, TooFewExamples, TrainingRefused, writing
from adapters.folders import Taken, locked, private, replaced
from adapters.manifest import MANIFEST, Manifest
from adapters.registry import BadName, checked

from . import base as bases
from . import run as runs
from .recipe import MIN_EXAMPLES, Recipe

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

SEED = 1


class TrainReport(BaseModel):
    """What was learned from how much, and what it did to the held-out loss."""

    model_config = ConfigDict(frozen=True)

    persona: str
    base: str
    rank: int
    examples: int
    tokens: int
    """Learned ones, each counted once however often it was seen."""
    layout: str = "conversations"
    """How the rows were cut; "dialogue" is learned whole, whoever speaks."""
    too_long: int
    """Rows left out, as not even their last exchange fits the base's context."""
    seconds: float
    evaluation: dict[str, float]

    def as_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")

    def table(self) -> Table:
        """For a person to read on a terminal."""
        from rich.table import Table

        table = Table("", "base", "adapter", title=f"{self.persona}: the held-out messages")
        for name, key in (
            ("loss (nats per token)", "held_out_loss"),
            ("bits per byte", "held_out_bits_per_byte"),
            ("loss on validation.txt", "validation_loss"),
        ):
            before = self.evaluation.get(f"{key}_before")
            after = self.evaluation.get(f"{key}_after")
            if before is not None and after is not None:
                table.add_row(name, f"{before:.3f}", f"{after:.3f}")
        whose = "everybody" if self.layout == "dialogue" else self.persona
        table.caption = (
            f"rank {self.rank} on {self.base}, {self.examples:,} rows with {self.tokens:,} tokens "
            f"of {whose}, {self.seconds:.0f} s"
        )
        return table


def train(
    name: str,
    home: Path,
    base_model: str,
    *,
    base_name: str | None = None,
    recipe: Recipe | None = None,
    seed: int = SEED,
    console: Console | None = None,
) -> TrainReport:
    """Trains the persona's adapter and leaves it in `home`/runs/`name`, replacing the one before.

    `base_model` is a folder or Hub id; `base_name` is what manifests call it. Progress goes to
    `console` (standard error by default). Raises AdaptersError with a sentence; the run before
    is untouched then. It is NoConsent where nobody wrote down that the subject agreed.
    """
    began = time.monotonic()
    try:
        target = runs.folder(home, checked(name))
    except BadName as error:
        raise BadRequest(str(error)) from error
    dataset = store.load(home, name)
    requiring.record(home, dataset.report)
    if len(dataset.train) < MIN_EXAMPLES:
        raise TooFewExamples(
            f"{name} has {len(dataset.train)} rows to learn from and needs at least "
            f"{MIN_EXAMPLES}; import a longer chat"
        )
    base = bases.find(base_model, base_name)
    try:
        with writing(target.parent):
            private(target.parent)
            with locked(target, wait=False, purpose="training"), replaced(target) as fresh:
                report = _trained(home, dataset, base, recipe, seed, console, fresh)
    except Taken:
        raise TrainingRefused(
            f"{name} is being trained already; wait for that to end or stop it"
        ) from None
    return report.model_copy(update={"seconds": round(time.monotonic() - began, 1)})


def _trained(
    home: Path,
    dataset: store.Dataset,
    base: bases.BaseModel,
    recipe: Recipe | None,
    seed: int,
    console: Console | None,
    fresh: Path,
) -> TrainReport:
    _wait_politely()
    from .session import Session

    session = Session(base, dataset, seed, console)
    recipe = recipe or session.recipe()
    evaluation = session.learned(recipe, fresh)
    consent = requiring.record(home, dataset.report)  # again: who withdraws meanwhile is heard
    manifest: Manifest = runs.describe(
        fresh, dataset.report, base.binding(), recipe.as_json(), seed, evaluation, consent
    )
    (fresh / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", "utf-8")
    return TrainReport(
        persona=manifest.persona,
        base=base.name,
        rank=manifest.rank,
        examples=len(session.train),
        tokens=session.tokens,
        layout=dataset.report.layout,
        too_long=len(dataset.train) - len(session.train),
        seconds=0.0,
        evaluation=evaluation,
    )


def _wait_politely() -> None:
    """Lets torch's threads sleep while they wait for each other instead of spinning.

    Spinning costs nothing on an idle machine and makes a training ten times slower beside any
    other busy process (measured on 2 cores: 7.3 s against 0.7 s a step). Read when torch loads.
    """
    if "torch" not in sys.modules:
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
