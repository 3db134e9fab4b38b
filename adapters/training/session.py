"""One training from start to end, in the libraries' silence and with a bar to watch."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from peft import PeftModel
from rich.console import Console
from safetensors import SafetensorError

from adapters.dataset.store import Dataset, Row
from adapters.errors import BadBaseModel, TooFewExamples, TrainingRefused
from adapters.manifest import ADAPTER_CONFIG, ADAPTER_WEIGHTS

from .base import BaseModel
from .encode import IGNORED, Encoded, encode
from .learning import Loss, learn, load, measure
from .progress import Bar, muted
from .recipe import MIN_EXAMPLES, Recipe

SCRATCH = "scratch"


class Session:
    """A loaded base model and a persona's rows, encoded for it."""

    def __init__(
        self, base: BaseModel, dataset: Dataset, seed: int, console: Console | None
    ) -> None:
        self.persona = dataset.report.persona
        self.seed = seed
        self.console = console or Console(stderr=True)
        with muted():
            self.loaded = load(base)
        try:
            everybody = dataset.report.layout == "dialogue"
            self.train = self._encoded(dataset.train, everybody=everybody)
            self.held_out = self._encoded(dataset.held_out)
            self.validation = self._encoded(dataset.validation)
        except BadBaseModel as error:
            raise BadBaseModel(f"{base.name} can't be trained: {error}") from error
        if len(self.train) < MIN_EXAMPLES:
            raise TooFewExamples(
                f"only {len(self.train)} rows of {self.persona} fit into the "
                f"{self.loaded.max_tokens} tokens of {base.name}; choose a base with more context"
            )

    @property
    def tokens(self) -> int:
        """Tokens to learn: those of the persona, and of everybody in a dialogue."""
        return sum(label != IGNORED for row in self.train for label in row.labels)

    def recipe(self) -> Recipe:
        return Recipe.for_model(self.loaded.model.num_parameters())

    def learned(self, recipe: Recipe, folder: Path) -> dict[str, float]:
        """Trains, leaves the adapter's two files in `folder`, and returns the evaluation."""
        before = self._measured(self.loaded.model, "before")
        bar = Bar(self.console, f"training {self.persona}")
        scratch = folder / SCRATCH
        try:
            with muted():
                model = learn(self.loaded, self.train, recipe, self.seed, scratch, [bar])
        except torch.cuda.OutOfMemoryError as error:
            raise TrainingRefused(
                "the GPU has too little free memory for this base model; stop what else runs on "
                "it, or choose a smaller BASE_MODEL"
            ) from error
        finally:
            bar.stop()
        after = self._measured(model, "after")
        _save(model, scratch, folder)
        return {**before, **after}

    def _measured(self, model: torch.nn.Module, when: str) -> dict[str, float]:
        figures = {}
        for what, rows in (("held_out", self.held_out), ("validation", self.validation)):
            if rows:
                figures.update(_figures(measure(model, rows), what, when))
        return figures

    def _encoded(self, rows: Sequence[Row], *, everybody: bool = False) -> list[Encoded]:
        tokenizer, room = self.loaded.tokenizer, self.loaded.max_tokens
        found = (encode(tokenizer, row["messages"], room, everybody=everybody) for row in rows)
        return [row for row in found if row]


def _save(model: PeftModel, scratch: Path, folder: Path) -> None:
    """Only the two files that make a version; PEFT writes a model card as well."""
    try:
        model.save_pretrained(str(scratch), save_embedding_layers=False)
    except SafetensorError as error:  # It hides the system's error number in its text.
        raise OSError(errno.ENOSPC if "28" in str(error) else errno.EIO, str(error)) from error
    for name in (ADAPTER_CONFIG, ADAPTER_WEIGHTS):
        (scratch / name).rename(folder / name)
    shutil.rmtree(scratch)


def _figures(loss: Loss, what: str, when: str) -> dict[str, float]:
    return {
        f"{what}_loss_{when}": round(loss.per_token, 4),
        f"{what}_bits_per_byte_{when}": round(loss.bits_per_byte, 4),
    }
