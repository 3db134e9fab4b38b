"""A few rows of a dataset: examples for a person to read, and words to count.

Which rows is told by the dataset's digest, so that the same dataset shows the same.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from adapters.manifest import PromptFormat

from .render import ChatMessage
from .vocabulary import Listening, Vocabulary

EXAMPLES = 10
MAX_ROWS = 500
"""Rows whose words are counted, evenly chosen where there are more."""
MAX_CHARACTERS = 20_000
"""Of one message of a row: enough to know somebody's words."""

Example = Sequence[ChatMessage]


@dataclass(frozen=True)
class Leaf:
    examples: list[Example]
    vocabulary: Vocabulary


def leafed(train: Path, rows: int, digest: str, layout: PromptFormat) -> Leaf:
    """What is seen in a file of so many rows."""
    draw = random.Random(digest)  # noqa: S311  # no secret
    chosen = frozenset(draw.sample(range(rows), min(EXAMPLES, rows)))
    every = -(-rows // MAX_ROWS) or 1
    label = re.compile(_pattern(layout.speaker_label), re.MULTILINE)
    examples, listening = list[Example](), Listening()
    with train.open("rb") as file:
        for place, line in enumerate(file):
            heard = place % every == 0
            if not heard and place not in chosen:
                continue
            messages: list[ChatMessage] = json.loads(line)["messages"]
            if place in chosen:
                examples.append(messages)
            for message in messages if heard else ():
                text = message["content"][:MAX_CHARACTERS]
                if message["role"] == "assistant":
                    listening.persona(text)
                elif message["role"] == "user" and layout.speaker_label:  # else a mere request
                    listening.others(label.sub("", text))
    return Leaf(examples, listening.vocabulary(sampled=every > 1))


def _pattern(speaker_label: str) -> str:
    """Matches who speaks at the beginning of a line: no word that anybody said."""
    return "^" + re.escape(speaker_label).replace(re.escape("{name}"), "[^\n]{1,60}?")
