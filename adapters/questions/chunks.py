"""The chunks in a dataset of writing, what a model is asked about each, and where a question goes.

Knows nothing of models.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from adapters.dataset import store
from adapters.errors import NoDataset

from .wording import Asked, asked


@dataclass(frozen=True, slots=True)
class Chunk:
    row: store.Row
    held_out: bool
    request: str
    """What stood before it when it was imported."""
    text: str
    asked: Sequence[Asked]


def chunks(home: Path, persona: str) -> Iterator[Chunk]:
    """Those of the persona's dataset, as a stream. Raises NoDataset."""
    for row, held_out in store.rows(home, persona):
        try:
            *_, user, said = row["messages"]
            request, text = row.get("request", user["content"]), said["content"]
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise NoDataset(
                f"a row of {persona} is not a request and a chunk; import it again"
            ) from error
        yield Chunk(row, held_out, request, text, asked(request, text))


def with_question(chunk: Chunk, question: str | None) -> store.Row:
    """Its row with a question, or again with what stood there before."""
    *before, user, said = chunk.row["messages"]
    content = chunk.request if question is None else question
    row: store.Row = {**chunk.row, "messages": [*before, {**user, "content": content}, said]}
    row.pop("request", None)
    if question is not None:
        row["request"] = chunk.request
    return row
