"""Labels cover exactly what the persona says and its end-of-turn, for any chat template."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import pytest

from adapters.dataset.render import ChatMessage
from adapters.errors import BadBaseModel
from adapters.training.encode import IGNORED, Encoded, encode
from tests.adapters import bases

ROW: list[ChatMessage] = [
    {"role": "system", "content": "You are Maya."},
    {"role": "user", "content": "Tom: a"},
    {"role": "assistant", "content": "a"},
    {"role": "user", "content": "Tom: assistant user\nTom: ☕ héhé"},
    {"role": "assistant", "content": "assistant\n☕🧡 noooo!!"},
]


def learned(tokenizer: Any, row: Encoded) -> list[str]:
    """The runs of tokens with labels, as text."""
    pairs = zip(row.input_ids, row.labels, strict=True)
    runs = groupby(pairs, key=lambda pair: pair[1] != IGNORED)
    return [tokenizer.decode([token for token, _ in run]) for spoken, run in runs if spoken]


def encoded(tokenizer: Any, messages: list[ChatMessage], room: int = 1000) -> Encoded:
    row = encode(tokenizer, messages, room)
    assert row is not None
    pairs = zip(row.input_ids, row.labels, strict=True)
    assert all(label in (IGNORED, token) for token, label in pairs)
    return row


@pytest.mark.parametrize(
    ("template", "end"),
    [
        (None, "<|end|>"),
        (bases.CHATML, "<|im_end|>"),
        (bases.THINKING, "<|im_end|>"),
    ],
    ids=["the starter's", "ChatML", "with thoughts"],
)
def test_exactly_the_personas_words_and_their_end_are_learned(
    template: str | None, end: str
) -> None:
    tokenizer = bases.tokenizer(template)
    row = encoded(tokenizer, ROW)
    assert learned(tokenizer, row) == [f"a{end}", f"assistant\n☕🧡 noooo!!{end}"]
    assert row.spoken_bytes == len(b"a" + "assistant\n☕🧡 noooo!!".encode())


def test_the_generation_marks_of_the_starters_template_say_the_same() -> None:
    tokenizer = bases.tokenizer()
    row = encoded(tokenizer, ROW)
    marked = tokenizer.apply_chat_template(
        ROW, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
    )
    assert row.input_ids == marked["input_ids"]
    assert [label != IGNORED for label in row.labels] == [
        bool(mask) for mask in marked["assistant_masks"]
    ]


def test_an_answer_follows_exactly_the_prompt_it_will_be_served_with() -> None:
    for template in (None, bases.CHATML, bases.THINKING):
        tokenizer = bases.tokenizer(template)
        row = encoded(tokenizer, ROW)
        first = next(at for at, label in enumerate(row.labels) if label != IGNORED)
        asked = tokenizer.apply_chat_template(ROW[:2], tokenize=False, add_generation_prompt=True)
        assert tokenizer.decode(row.input_ids[:first]) == asked


def test_a_template_without_role_tags_ends_answers_as_well() -> None:
    tokenizer = bases.tokenizer(bases.BRACKETS)
    assert [text.strip() for text in learned(tokenizer, encoded(tokenizer, ROW))] == [
        "a <|end|>",
        "assistant\n☕🧡 noooo!! <|end|>",
    ]


def test_a_long_row_loses_its_oldest_exchanges() -> None:
    tokenizer = bases.tokenizer()
    whole = encoded(tokenizer, ROW)
    short = encoded(tokenizer, ROW, len(whole.input_ids) - 1)
    assert learned(tokenizer, short) == ["assistant\n☕🧡 noooo!!<|end|>"]
    assert tokenizer.decode(short.input_ids).startswith("<|system|>You are Maya.<|end|><|user|>")
    assert encode(tokenizer, ROW, 5) is None


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        (bases.REFUSING, "System role not supported"),
        (bases.FORGETFUL, "drops, repeats or reorders"),
        (bases.ENDLESS, "no end-of-turn"),
    ],
)
def test_a_template_that_cannot_be_learned_from_says_why(template: str, sentence: str) -> None:
    with pytest.raises(BadBaseModel, match=sentence):
        encode(bases.tokenizer(template), ROW, 1000)
