"""Rows as token ids, with labels on exactly the persona's words and their end-of-turn, or on the
words of everybody.

Works with any chat template: it renders a row with a unique mark in place of every message, so
the template's own text lies between the marks, and puts the words in afterwards. What precedes
an answer is what the template gives a server that asks for one, so that the adapter learns to
answer the prompts it will be served with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from adapters.dataset.render import ChatMessage
from adapters.errors import BadBaseModel

IGNORED = -100
"""The label of a token that is context only."""
Span = tuple[int, int]


@dataclass(frozen=True)
class Encoded:
    input_ids: list[int]
    labels: list[int]
    """The token itself where it is learned, else IGNORED."""
    spoken_bytes: int
    """UTF-8 bytes of the words that are learned."""


@dataclass(frozen=True)
class _Laid:
    """A row as one text, and where in it the learned words and the persona's endings are."""

    text: str
    spoken: list[Span]
    endings: list[Span]


def encode(
    tokenizer: PreTrainedTokenizerBase,
    messages: Sequence[ChatMessage],
    max_tokens: int,
    *,
    everybody: bool = False,
) -> Encoded | None:
    """The row, without its oldest exchanges where it is longer than `max_tokens`.

    With `everybody` the lines of others are learned like the persona's: they stay in the turns
    that they have when it is served. None where not even the last exchange fits. Raises
    BadBaseModel for a template that can't be learned from.
    """
    rest = list(messages)
    learned = {"assistant", "user"} if everybody else {"assistant"}
    while any(message["role"] in learned for message in rest):
        encoded = _encode(tokenizer, rest, learned)
        if len(encoded.input_ids) <= max_tokens:
            return encoded
        rest = _without_oldest(rest)
    return None


def _without_oldest(messages: list[ChatMessage]) -> list[ChatMessage]:
    system = [message for message in messages[:1] if message["role"] == "system"]
    return [*system, *messages[len(system) + 2 :]]


def _encode(
    tokenizer: PreTrainedTokenizerBase, messages: list[ChatMessage], learned_roles: Set[str]
) -> Encoded:
    laid = _lay_out(tokenizer, messages, learned_roles)
    tokens = tokenizer(laid.text, add_special_tokens=False, return_offsets_mapping=True)
    ids: list[int] = tokens["input_ids"]
    offsets: list[Span] = tokens["offset_mapping"]
    special = set(tokenizer.all_special_ids) | set(tokenizer.added_tokens_decoder)
    learned = [False] * len(ids)
    for at in _within(offsets, laid.spoken):
        learned[at] = True
    for ending in laid.endings:
        for at in _within(offsets, [ending]):
            learned[at] = True
            if ids[at] in special:
                break  # What follows the end-of-turn (a newline in ChatML) is never generated.
    labels = [token if learn else IGNORED for token, learn in zip(ids, learned, strict=True)]
    spoken = sum(len(laid.text[start:end].encode()) for start, end in laid.spoken)
    return Encoded(ids, labels, spoken)


def _within(offsets: Sequence[Span], spans: Sequence[Span]) -> Iterator[int]:
    """Indices of the tokens that overlap a span; both in order."""
    spans_left = iter(spans)
    span = next(spans_left, None)
    for at, (start, end) in enumerate(offsets):
        while span and span[1] <= start:
            span = next(spans_left, None)
        if span and start < span[1] and end > span[0]:
            yield at


def _lay_out(
    tokenizer: PreTrainedTokenizerBase, messages: list[ChatMessage], learned_roles: Set[str]
) -> _Laid:
    marked: list[ChatMessage] = [
        {"role": message["role"], "content": _mark(at)} for at, message in enumerate(messages)
    ]
    between = _between(_rendered(tokenizer, marked), len(marked))
    text, spoken, endings = "", [], []
    for at, message in enumerate(messages):
        if message["role"] != "assistant":
            text += between[at]
            if message["role"] in learned_roles:
                spoken.append((len(text), len(text) + len(message["content"])))
            text += message["content"]
            if at + 1 == len(messages):
                text += between[-1]
            continue
        asked = _rendered(tokenizer, marked[:at], asking=True)
        text += _between(asked, at)[-1]
        spoken.append((len(text), len(text) + len(message["content"])))
        text += message["content"]
        ending = _between(_rendered(tokenizer, marked[: at + 1]), at + 1)[-1]
        if not ending:
            raise BadBaseModel("its chat template has no end-of-turn, so no answer would ever end")
        endings.append((len(text), len(text) + len(ending)))
        if at + 1 == len(messages):
            text += ending
    return _Laid(text, spoken, endings)


def _mark(at: int) -> str:
    return f"\ue000{at}\ue001"


def _between(rendered: str, count: int) -> list[str]:
    """The template's own text before, between and after `count` marked messages."""
    pieces = []
    for at in range(count):
        piece, found, rendered = rendered.partition(_mark(at))
        if not found:
            raise BadBaseModel(
                "its chat template drops, repeats or reorders messages, so it can't be learned from"
            )
        pieces.append(piece)
    return [*pieces, rendered]


def _rendered(
    tokenizer: PreTrainedTokenizerBase, messages: list[ChatMessage], *, asking: bool = False
) -> str:
    try:
        plain: list[dict[str, Any]] = [dict(message) for message in messages]
        text = tokenizer.apply_chat_template(plain, tokenize=False, add_generation_prompt=asking)
    except TemplateError as error:
        raise BadBaseModel(f"its chat template refuses this dataset: {error}") from error
    return str(text)
