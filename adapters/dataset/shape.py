"""What a user wants the rows of a dataset to look like. Knows nothing of messages or files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from adapters.errors import BadRequest
from adapters.manifest import PromptFormat

from .render import neutralise

LONGEST_SEPARATOR = 16
Layout = Literal["conversations", "pairs", "dialogue"]
"""Windows of a conversation; one line and the answer to it; windows of which every line is learned,
whoever says it."""

Sample = Literal["recent", "even", "topics"]
"""The latest rows; evenly over time; evenly over what they are about."""


@dataclass(frozen=True)
class Shape:
    """Raises BadRequest for what can't be."""

    burst_separator: str = PromptFormat().burst_separator
    """Between the messages that somebody sends one after the other."""
    layout: Layout = "conversations"
    max_examples: int | None = None
    """Training rows at most; chosen by `sample`. What is held out is held out."""
    sample: Sample = "recent"

    def __post_init__(self) -> None:
        if self.layout not in get_args(Layout):
            known = ", ".join(get_args(Layout))
            raise BadRequest(f"there is no layout {self.layout!r}; there is: {known}")
        if self.sample not in get_args(Sample):
            known = ", ".join(get_args(Sample))
            raise BadRequest(f"there is no way {self.sample!r} to sample; there is: {known}")
        if self.max_examples is not None and self.max_examples < 1:
            raise BadRequest("the most examples to learn from are one or more")
        separator = self.burst_separator
        if not separator.strip(" ") or len(separator) > LONGEST_SEPARATOR:
            raise BadRequest(
                "the burst separator stands between two messages: 1 to "
                f"{LONGEST_SEPARATOR} characters that are not all spaces, such as ' / '"
            )
        if neutralise(separator) != separator:
            raise BadRequest(
                f"{separator!r} can't be the burst separator, as it looks like a model's special "
                "token, and those are made plain text; take another one, such as ' / '"
            )

    @property
    def of_a_chat(self) -> bool:
        """Whether it asks for what only a chat can be."""
        return self.layout != "conversations" or self.prompt_format() != PromptFormat()

    def prompt_format(self) -> PromptFormat:
        """How the persona is served as well: one that learns single pairs hears single lines."""
        if self.layout == "pairs":
            return PromptFormat(burst_separator=self.burst_separator, window_messages=1)
        return PromptFormat(burst_separator=self.burst_separator)


USUAL = Shape()


def one_message(text: str, separator: str) -> str:
    """The text without the separator in it, so that it is read as one message again.

    Line breaks within a message become spaces where line breaks are what is between messages.
    """
    text = neutralise(text)
    less = separator[:-1] if separator.strip("\n") == "" and len(separator) > 1 else " "
    while separator in text:
        text = less.join(filter(None, map(str.strip, text.split(separator))))
    return text
