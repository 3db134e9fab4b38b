from __future__ import annotations

import random

import pytest

from bot.platforms.discord.splitting import split


def test_a_short_text_is_one_message() -> None:
    assert split("  Hello.\n") == ["Hello."]


def test_nothing_is_no_message() -> None:
    assert split(" \n ") == []


def test_a_paragraph_is_the_first_choice_of_a_cut() -> None:
    text = "First one. More of it.\n\nSecond one. And more of that."
    assert split(text, 40) == ["First one. More of it.", "Second one. And more of that."]


def test_a_sentence_is_the_second_choice() -> None:
    text = "One two three four. Five six seven eight nine ten eleven."
    assert split(text, 42) == ["One two three four.", "Five six seven eight nine ten eleven."]


def test_a_closing_quote_stays_with_its_sentence() -> None:
    text = "He said “go away from here.” Then he left us alone in here."
    assert split(text, 40)[0] == "He said “go away from here.”"


def test_a_word_is_the_third_choice_and_a_number_is_no_sentence() -> None:
    assert split("aaaa bbbb 3.14159 cccc dddd eeee ffff gggg", 30) == [
        "aaaa bbbb 3.14159 cccc",
        "dddd eeee ffff gggg",
    ]


def test_a_word_longer_than_a_message_is_cut_hard() -> None:
    parts = split("x" * 5000)
    assert "".join(parts) == "x" * 5000
    assert all(len(part) <= 2000 for part in parts)


def test_a_code_fence_is_closed_and_opened_again_with_its_language() -> None:
    code = "\n".join(f"    line_{number} = {number}" for number in range(12))
    parts = split(f"Look:\n```python\n{code}\n```\nDone.", 80)
    assert len(parts) > 2
    for part in parts:
        assert part.count("```") % 2 == 0
        assert len(part) <= 80
    assert all(part.startswith("```python\n") for part in parts[1:-1])
    shown = "\n".join(parts).replace("\n```\n```python\n", "\n")
    assert "".join(shown.split()) == "".join(f"Look:```python{code}```Done.".split())
    assert all(f"    line_{number} = {number}" in shown for number in range(12))


def test_a_fence_that_the_model_never_closes_is_closed() -> None:
    assert split("```\ncode") == ["```\ncode\n```"]


def test_the_end_of_a_fence_alone_is_no_message() -> None:
    code = "x" * 20 + "\n" + "y" * 10
    parts = split(f"```\n{code}\n```", 38)
    assert all(part.strip("`\n ") for part in parts)


def test_a_fence_on_one_line_is_whole_already() -> None:
    assert split("see ```this``` and that") == ["see ```this``` and that"]


@pytest.mark.parametrize("seed", range(20))
def test_earlier_messages_stay_as_they_are_while_the_text_grows(seed: int) -> None:
    text = _prose(random.Random(seed))
    before: list[str] = []
    for end in range(0, len(text), 37):
        parts = split(text[:end], 200)
        assert all(len(part) <= 200 for part in parts)
        # Its last message may still change, and the one before while it was the last.
        settled = max(0, len(before) - 1)
        assert parts[:settled] == before[:settled]
        before = parts


@pytest.mark.parametrize("seed", range(20))
def test_no_word_is_lost_or_doubled(seed: int) -> None:
    text = _prose(random.Random(seed), fences=False)
    assert " ".join(split(text, 150)).split() == text.split()


def _prose(dice: random.Random, *, fences: bool = True) -> str:
    pieces = ["word", "longer-word", "end.", "Really?", "\n", "\n\n", "😀", "x" * 40]
    if fences:
        pieces += ["\n```py\ncode = 1\n    more()\n```\n", "`inline`"]
    return " ".join(dice.choice(pieces) for _ in range(300))
