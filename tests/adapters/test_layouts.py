"""What the rows of a dataset look like, as a user asks for it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.dataset import store
from adapters.dataset.conversations import dialogues
from adapters.dataset.render import ChatMessage
from adapters.dataset.shape import USUAL, Shape, one_message
from adapters.errors import BadRequest
from adapters.imports import import_chat
from adapters.training.encode import encode
from bot.platforms.discord.bursts import segments
from tests.adapters import bases
from tests.adapters.test_dataset import chat, persona, stored
from tests.adapters.test_encode import learned

Export = Callable[..., Path]
LABEL = re.compile(r"^\w+: ", re.MULTILINE)
SHOPPING = (
    "01/01/2020, 10:00 - Tom: what do we need",
    "01/01/2020, 10:01 - Maya: lots / a list",
    "milk",
    "",
    "tea",
    "01/01/2020, 10:01 - Maya: and / or cake",
)


@pytest.mark.parametrize(
    ("separator", "answer"),
    [
        ("\n", ["lots / a list milk tea", "and / or cake"]),
        ("\n\n", ["lots / a list\nmilk\ntea", "and / or cake"]),
        (" / ", ["lots a list\nmilk\n\ntea", "and or cake"]),
    ],
)
def test_a_message_of_several_lines_is_never_taken_for_several_messages(
    separator: str, answer: list[str], export: Export, tmp_path: Path
) -> None:
    path = export(*SHOPPING)
    import_chat("whatsapp", path, "maya", ["Maya"], tmp_path, shape=Shape(separator))
    dataset = store.load(tmp_path, "maya")
    assert dataset.report.prompt_format.burst_separator == separator
    said = dataset.train[0]["messages"][-1]["content"]
    assert said == separator.join(answer)
    assert segments(said, separator) == answer  # as Discord shows it


def test_a_separator_that_is_left_when_one_is_gone_goes_as_well() -> None:
    assert one_message("a / / / b / c", " / ") == "a b c"
    assert one_message("a\n\n\n\nb", "\n\n") == "a\nb"
    assert one_message("a\n\x00\nb", "\n\n") == "a\nb"


@pytest.mark.parametrize("separator", ["", "  ", "<|next|>", "\x1e", "x" * 17])
def test_what_can_be_no_separator_gets_a_sentence(separator: str) -> None:
    with pytest.raises(BadRequest, match="' / '"):
        Shape(separator)


def shaped(shape: Shape, export: Export, home: Path) -> store.Dataset:
    day = "0{0}/01/2020, 10:0{1} - {2}"
    said = ("Tom: a{0}", "Ines: b{0}", "Maya: c{0}", "Maya: d{0}", "Tom: e{0}", "Maya: f{0}")
    lines = [
        day.format(number, minute, text.format(number))
        for number in range(1, 4)
        for minute, text in enumerate((*said, "Tom: nobody answers {0}"))
    ]
    import_chat("whatsapp", export(*lines), "maya", ["Maya"], home, keep=["noise"], shape=shape)
    return store.load(home, "maya")


def laid_out(row: store.Row) -> list[str]:
    """Without the names, which are made up."""
    return [LABEL.sub("", message["content"]) for message in row["messages"][1:]]


def test_a_pair_is_one_line_and_the_answer_and_is_served_so(export: Export, tmp_path: Path) -> None:
    dataset = shaped(Shape(layout="pairs"), export, tmp_path)
    assert [laid_out(row) for row in dataset.train] == [
        ["b1", "c1\nd1"], ["e1", "f1"], ["b2", "c2\nd2"], ["e2", "f2"],
    ]  # fmt: skip
    assert [laid_out(row) for row in dataset.held_out] == [
        ["b3", "c3\nd3"], ["e3", "f3"],
    ]  # fmt: skip
    assert dataset.report.prompt_format.window_messages == 1


def test_a_dialogue_holds_every_line_and_its_held_out_rows_end_with_an_answer(
    export: Export, tmp_path: Path
) -> None:
    dataset = shaped(Shape(layout="dialogue"), export, tmp_path)
    assert [laid_out(row) for row in dataset.train] == [
        [f"a{n}\nb{n}", f"c{n}\nd{n}", f"e{n}", f"f{n}", f"nobody answers {n}"] for n in (1, 2)
    ]
    [held_out] = dataset.held_out
    assert held_out["messages"][-1] == {"role": "assistant", "content": "f3"}
    assert dataset.report.layout == "dialogue"
    assert dataset.report.prompt_format == shaped(USUAL, export, tmp_path).report.prompt_format


def cut(script: str, window_messages: int) -> list[str]:
    with stored(chat(script)) as found:
        found.arrange(persona(found))
        made = dialogues(found.sessions(), persona(found), window_messages, Counter())
        return ["".join(text[0] for _, _, text, _ in window.said) for window in made]


def test_a_dialogues_windows_begin_with_somebody_else_and_lose_nothing() -> None:
    assert cut("TMTMTT", 3) == ["TMTM", "TT"]
    assert cut("TTTMTTTT", 3) == ["TTTM", "TTT", "T"]
    assert cut("MTM MTI MM", 8) == ["TM", "TMTI", "IMM"]


def test_a_layout_that_there_is_not_gets_a_sentence() -> None:
    with pytest.raises(BadRequest, match="conversations, pairs, dialogue"):
        Shape(layout="poem")  # type: ignore[arg-type]


@pytest.mark.parametrize("template", [None, bases.CHATML, bases.THINKING, bases.BRACKETS])
def test_in_a_dialogue_everybodys_words_are_learned_and_only_the_persona_ends_a_turn(
    template: str | None,
) -> None:
    tokenizer = bases.tokenizer(template)
    messages: list[ChatMessage] = [
        {"role": "system", "content": "You are Maya."},
        {"role": "user", "content": "Tom: a\nInes: b"},
        {"role": "assistant", "content": "c"},
        {"role": "user", "content": "Tom: d"},
    ]
    row = encode(tokenizer, messages, 1000, everybody=True)
    assert row is not None
    said = [text.strip() for text in learned(tokenizer, row)]
    end = tokenizer.eos_token if template in (None, bases.BRACKETS) else "<|im_end|>"
    assert said[0] == "Tom: a\nInes: b"
    assert said[1].replace(" ", "") == f"c{end}"
    assert said[2] == "Tom: d"
    assert row.spoken_bytes == len("Tom: a\nInes: bcTom: d")
    assert encode(tokenizer, [*messages[:1], messages[3]], 1000) is None  # nothing of the persona
