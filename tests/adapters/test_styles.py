"""Where a style changes most: known changes are found, and where there is none that is said."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path

import pytest

from adapters.dataset.styles import MARKS, MAX_STRETCHES, Style
from adapters.errors import BadRequest
from adapters.imports.formats import FORMATS
from adapters.messages import Options, Tally

SAMPLE = Path(__file__).parents[2] / "adapters" / "samples" / "maya-and-tom.txt"
YOUNG = ["omg so good!!", "hahaha noooo", "u coming later?", "cant even lol!"]
OLD = ["I would be glad to, thank you.", "We shall see.", "It was, in truth, a long day."]


def lived(*lives: tuple[list[str], int], seed: int = 1) -> Style:
    """Three messages a day, each life so many days."""
    draw, style, on = random.Random(seed), Style(), date(2012, 3, 4)
    for lines, days in lives:
        for _ in range(days):
            for line in draw.choices(lines, k=3):
                style.hear(on, line)
            on += timedelta(days=1)
    return style


@pytest.mark.parametrize("days", [60, 700, 2_000])
def test_a_change_is_found_on_the_day_or_in_the_stretch_where_it_came(days: int) -> None:
    eras = lived((YOUNG, days), (OLD, days // 2)).eras(2)
    width = eras.stretches[1] - eras.stretches[0]
    assert len(eras.stretches) <= MAX_STRETCHES
    assert abs(eras.begin[0] - (date(2012, 3, 4) + timedelta(days=days))) <= width
    assert eras.change[eras.stretches.index(eras.begin[0])] == max(eras.change)
    assert eras.chance == 0
    first, last = eras.spans
    assert (first, last) == (
        (None, eras.begin[0] - timedelta(days=1)),
        (eras.begin[0], None),
    )


def test_three_eras_are_found_together() -> None:
    eras = lived((YOUNG, 300), (OLD, 300), (["😀 yes 😀", "ok 👍", "on my way 🚲"], 300)).eras(3)
    width = eras.stretches[1] - eras.stretches[0]
    for begin, days in zip(eras.begin, (300, 600), strict=True):
        assert abs(begin - (date(2012, 3, 4) + timedelta(days=days))) <= width
    assert eras.explained > 0.5


def test_where_nothing_changes_chance_explains_as_much() -> None:
    assert lived((YOUNG, 600)).eras(2).chance > 0.05


def test_the_sample_chat_is_cut_where_its_makers_changed_both_voices() -> None:
    for who in ("Maya", "Tom"):
        style = Style()
        for message in FORMATS["whatsapp"](SAMPLE, Tally(), Options()):
            if message.speaker == who:
                style.hear(message.at.date(), message.text)
        assert style.eras(2).begin[0].year == 2019


def test_marks_are_shares_of_messages() -> None:
    style = Style()
    for n in range(100):
        style.hear(date(2020, 1, 1) + timedelta(days=n), "Yes." if n % 2 else "sooo GOOD, no? 😀")
        style.hear(date(2020, 1, 1) + timedelta(days=n), "ok")
    eras = style.eras(2)
    odd = next(n for n, words in enumerate(eras.words) if words == 1)
    even = next(n for n, words in enumerate(eras.words) if words == 2)
    assert eras.marks.keys() == MARKS.keys()
    assert eras.marks["end with a full stop"][odd] == 0.5
    assert eras.marks["have a woooord"][even] == 0.5
    assert eras.marks["SHOUT"][even] == 0.5
    assert eras.marks["have an emoji"][odd] == 0
    assert eras.marks["begin in lower case"][even] == 1


def test_too_little_or_too_many_eras_is_said() -> None:
    with pytest.raises(BadRequest, match=r"2 eras .* 200 messages .* there are 30 on 10"):
        lived((YOUNG, 10)).eras(2)
    with pytest.raises(BadRequest, match="can't be cut into 11 eras"):
        lived((YOUNG, 900)).eras(11)
