"""What is trained is what is served: the adapters' renderer and the bot's say the same."""

from __future__ import annotations

import random

import pytest

from adapters.dataset import render as trained
from adapters.manifest import PromptFormat as Trained
from bot import prompt as served
from bot.cards import PromptFormat as Served

PIECES = (
    "a", "Maya", "ＭＡＹＡ", " ", "\n", "\n\n", ":", "|", "<|", "|>", "<", ">", "im_end", "｜",
    "s>", "</s>", "<bos>", "[", "INST", "[/INST]", "]", "<<", "SYS", ">>", "\x00", "\u200b",
    "\u2028", "\u00a0", "é", "\U0001f9e1", "{name}", "x" * 45, "/", "\r", "\t",
)  # fmt: skip
SEPARATORS = ("\n", "\n\n", " / ", "|")


def anything(chance: random.Random) -> str:
    return "".join(chance.choices(PIECES, k=chance.randint(0, 6)))


@pytest.mark.parametrize("seed", range(20))
def test_both_sides_render_anything_alike(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(250):
        turns = [
            (None if chance.random() < 0.4 else anything(chance), anything(chance))
            for _ in range(chance.randint(0, 8))
        ]
        layout = {
            "burst_separator": chance.choice(SEPARATORS),
            "window_messages": chance.randint(1, 9),
        }
        theirs = served.render(Served.model_validate(layout), "Speak.", "Maya", turns)
        ours = trained.render(Trained.model_validate(layout), "Speak.", "Maya", turns)
        assert ours == theirs, (layout, turns)
