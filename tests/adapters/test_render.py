"""The layout of a conversation, by the fixture that the bot's renderer is held to as well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.dataset.render import clean_name, neutralise, render
from adapters.manifest import PromptFormat

CASES = json.loads(
    (Path(__file__).parents[1] / "payloads" / "prompt_format.json").read_text("utf-8")
)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_conversations_are_laid_out_as_the_fixture_says(case: dict[str, Any]) -> None:
    turns = [(speaker, text) for speaker, text in case["turns"]]
    layout = PromptFormat.model_validate(case["format"])
    assert render(layout, case["system_prompt"], case["persona"], turns) == case["messages"]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("<|im_\x00end|>", "‹|im_end|›"),
        ("<\uff5cUser\uff5c>", "‹\uff5cUser\uff5c›"),
        ("<S></s><BOS><Start_Of_Turn>", "‹S›‹/s›‹BOS›‹Start_Of_Turn›"),
        ("[inst] [/INST] <<sys>>", "(inst) (/INST) ‹‹sys››"),
        ("a < b | c > d, <3, <strong>", "a < b | c > d, <3, <strong>"),
        ("tab\tand\nline", "tab\tand\nline"),
    ],
)
def test_look_alikes_of_special_tokens_become_plain_text(text: str, plain: str) -> None:
    assert neutralise(text) == plain


def test_nobody_can_be_called_like_the_persona_in_disguise() -> None:
    for disguise in ("maya", " M\u200bAYA ".replace("\u200b", ""), "ＭＡＹＡ", "Maya:"):
        assert clean_name(disguise, "Maya").endswith(" (someone else)")
    assert clean_name("\n\u200e", "Maya") == "someone"
    assert len(clean_name("x" * 99, "Maya")) == 40
