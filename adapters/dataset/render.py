"""Lays a conversation out as chat messages, by a version's `prompt_format`.

The bot renders by the same rules in its own code; tests/payloads/prompt_format.json holds both to
them. Knows nothing of sessions, rows or tokens.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import TypedDict

from adapters.manifest import PromptFormat

MAX_NAME_CHARACTERS = 40
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
SPECIAL = re.compile(r"<([|｜][^<>]{0,64}[|｜])>")
TAGS = re.compile(r"<(/?s|bos|eos|pad|unk|start_of_turn|end_of_turn)>", re.IGNORECASE)
INSTRUCTION = re.compile(r"\[(/?INST)\]", re.IGNORECASE)
SYSTEM = re.compile(r"<<(/?SYS)>>", re.IGNORECASE)

Turn = tuple[str | None, str]
"""(speaker's name, or None for the persona; text)."""


class ChatMessage(TypedDict):
    role: str
    content: str


def render(
    layout: PromptFormat, system_prompt: str, persona: str, turns: Sequence[Turn]
) -> list[ChatMessage]:
    """The last turns of a conversation, at most the layout's window, beginning with another's.

    `persona` is the display name. Neighbouring turns of one role share a message.
    """
    window = list(turns[-layout.window_messages :])
    while window and window[0][0] is None:
        del window[0]
    messages: list[ChatMessage] = []
    if system_prompt:
        messages.append({"role": "system", "content": system_prompt})
    for speaker, text in window:
        clean = neutralise(text).strip()
        if clean and speaker is not None:
            label = layout.speaker_label.replace("{name}", clean_name(speaker, persona))
            _say(messages, "user", label + clean, layout.burst_separator)
        elif clean:
            _say(messages, "assistant", clean, layout.burst_separator)
    return messages


def neutralise(text: str) -> str:
    """The text with control characters gone and special tokens turned into plain text."""
    if "<" not in text and "[" not in text and text.isprintable():
        return text  # nearly always
    text = CONTROL.sub("", text)
    text = SPECIAL.sub(r"‹\1›", text)
    text = SYSTEM.sub(r"‹‹\1››", text)
    text = TAGS.sub(r"‹\1›", text)
    return INSTRUCTION.sub(r"(\1)", text)


@lru_cache(maxsize=1024)
def clean_name(name: str, persona: str) -> str:
    """A speaker's name on one line, without a colon, and never the persona's own."""
    plain = "".join(
        " " if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp") else character
        for character in unicodedata.normalize("NFKC", name).replace(":", " ")
    )
    short = " ".join(neutralise(" ".join(plain.split())).split())[:MAX_NAME_CHARACTERS].strip()
    short = short or "someone"
    return f"{short} (someone else)" if short.casefold() == persona.casefold() else short


def _say(messages: list[ChatMessage], role: str, text: str, separator: str) -> None:
    if messages and messages[-1]["role"] == role:
        joined = messages[-1]["content"] + separator + text
        suspect = "<" in joined or "[" in joined  # two halves may make a token
        messages[-1]["content"] = neutralise(joined) if suspect else joined
    else:
        messages.append({"role": role, "content": text})
