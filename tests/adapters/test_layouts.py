"""What the rows of a dataset look like, as a user asks for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.dataset import store
from adapters.dataset.shape import Shape, one_message
from adapters.errors import BadRequest
from adapters.imports import import_chat
from bot.platforms.discord.bursts import segments

Export = Callable[..., Path]
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
