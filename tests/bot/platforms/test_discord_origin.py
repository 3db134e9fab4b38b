"""/persona show: since when the version speaks, of what it learned, how like the person it is."""

from __future__ import annotations

from typing import Any

import pytest

from bot.cards import Persona
from bot.platforms.discord.commands.origin import origin
from tests.bot.platforms.stage import RunningBot
from tests.fakes.discord import FakeDiscord
from tests.fakes.model import ModelServer, persona

ABOUT = {
    "version": 3,
    "published": "2026-03-01T12:00:00+00:00",
    "since": "2026-03-02T12:00:00+00:00",
    "base": "Qwen3-0.6B",
    "examples": 1234,
    "first": "2020-01-01T00:00:00+00:00",
    "last": "2024-01-01T00:00:00+00:00",
    "dataset": "3fa9c1b2d4e5",
    "evaluation": {
        "held_out_bits_per_byte_before": 2.0,
        "held_out_bits_per_byte_after": 1.5,
        "held_out_loss_before": 3.0,
        "held_out_loss_after": 2.0,
        "told_apart": 0.553,
    },
}


def lines(about: Any, **more: Any) -> list[str]:
    told = persona("maya", **{"current": 3, "versions": [1, 3], "about": about, **more})
    return list(origin(Persona.model_validate(told)))


async def test_show_says_all_that_the_server_tells(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.personas = [persona("maya", current=3, versions=[1, 3], about=ABOUT)]
    used = discord.uses(discord.person("Ada"), "persona show")
    assert (await used.answer()).splitlines() == [
        "**Maya** (`maya`) · version 3 — speaks here",
        "Version 3 speaks since <t:1772452800:D> and was published <t:1772366400:D>.",
        "Trained on 1,234 exchanges from <t:1577836800:D> to <t:1704067200:D>"
        " on top of Qwen3-0.6B (data `3fa9c1b2d4e5`).",
        "Likeness: what they wrote and it never saw surprises it 25 % less than the untrained"
        " model (bits per byte: 2.00 before, 1.50 now).",
        "Figures: told apart 0.553.",
        "Versions: 1, 3",
    ]


@pytest.mark.parametrize(
    ("about", "told"),
    [
        (None, []),
        ({}, []),
        ("nonsense", []),
        ({"version": "three"}, []),
        ({"version": 2, "examples": 5}, []),  # of another version than speaks
        ({"version": 3}, []),
        ({"version": 3, "examples": 0, "base": "x*y"}, ["Trained on 0 exchanges on top of x\\*y."]),
        ({"version": 3, "first": "2020-01-01", "dataset": "a`b"}, ["Trained (data `ab`)."]),
    ],
)
def test_what_is_not_known_is_left_out(about: Any, told: list[str]) -> None:
    assert lines(about) == told


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (2.0, 2.5, "25 % more than the untrained model (loss per token: 2.00 before, 2.50 now)"),
        (2.0, 2.0, "just as much as the untrained model"),
        (0.0, 1.0, None),
    ],
)
def test_a_likeness_is_said_as_it_is(before: float, after: float, words: str | None) -> None:
    figures = {"held_out_loss_before": before, "held_out_loss_after": after}
    told = lines({"version": 3, "evaluation": figures})
    assert told == [] if words is None else words in told[0]


def test_of_a_persona_without_a_served_version_it_is_said() -> None:
    said = "Speaks with the base model; no trained version is served."
    assert lines(None, current=None) == [said]
    assert lines(None, current=None, versions=[]) == []
