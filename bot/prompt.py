"""How turns become chat messages: laid out as the persona was trained, and text stays text.

Pure: knows no store, no server and no token. `adapters` renders training data by the same rules;
one fixture holds both to it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import dropwhile
from typing import TypedDict

from .cards import PromptFormat

NAME_MAX_CHARS = 40
NOBODY = "someone"
CUT_MARK = " […] "

_SUSPECT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f<\[]")
"""Without any of these a text has nothing in it that the expressions below would find."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_BARRED = re.compile(r"<([|｜][^<>]{0,64}[|｜])>")
_NAMED = re.compile(r"<(/?s|bos|eos|pad|unk|start_of_turn|end_of_turn)>", re.IGNORECASE)
_INST = re.compile(r"\[(/?INST)\]", re.IGNORECASE)
_SYS = re.compile(r"<<(/?SYS)>>", re.IGNORECASE)

Said = tuple[str | None, str]
"""Who said it (None: the persona) and what."""


class ChatMessage(TypedDict):
    role: str
    content: str


def render(
    layout: PromptFormat, system_prompt: str, persona: str, turns: Sequence[Said]
) -> list[ChatMessage]:
    """The chat messages for `turns`, oldest first, spoken by the persona of that display name."""
    latest = turns[-layout.window_messages :]
    heard = dropwhile(lambda turn: turn[0] is None, latest)
    messages: list[ChatMessage] = []
    if system_prompt:
        messages.append({"role": "system", "content": system_prompt})
    for speaker, text in heard:
        line = neutralise(text).strip()
        if not line:
            continue
        role = "assistant" if speaker is None else "user"
        if speaker is not None:
            line = label(layout, speaker, persona) + line
        if messages and messages[-1]["role"] == role:
            joined = messages[-1]["content"] + layout.burst_separator + line
            messages[-1]["content"] = neutralise(joined)  # two halves may make a token
        else:
            messages.append({"role": role, "content": line})
    return messages


def label(layout: PromptFormat, speaker: str, persona: str) -> str:
    """What stands before another's words."""
    return layout.speaker_label.replace("{name}", clean_name(speaker, persona))


def stops(
    layout: PromptFormat, persona: str, turns: Sequence[Said], others: Iterable[str] = ()
) -> list[str]:
    """Where generation ends: at the other speakers' labels, the latest speaker's first, and at
    those of `others`, who are there and said nothing yet."""
    spoke = (name for name, _ in reversed(turns) if name is not None)
    names = dict.fromkeys((*spoke, *others))
    before = layout.burst_separator or "\n"
    labels = (label(layout, name, persona).rstrip() for name in names)
    return list(dict.fromkeys(before + text for text in labels if text))


def neutralise(text: str) -> str:
    """The same text with nothing in it that a chat template takes for its own."""
    if not _SUSPECT.search(text):
        return text
    text = _CONTROL.sub("", text)
    text = _BARRED.sub(r"‹\1›", text)
    text = _NAMED.sub(r"‹\1›", text)
    text = _INST.sub(r"(\1)", text)
    return _SYS.sub(r"‹‹\1››", text)


def clean_name(name: str, persona: str) -> str:
    """A display name on one line, that neither ends a label early nor equals the persona's."""
    name = _one_line(unicodedata.normalize("NFKC", name))
    name = neutralise(name)[:NAME_MAX_CHARS].strip() or NOBODY
    return f"{name} (someone else)" if name.casefold() == persona.casefold() else name


def cut(text: str, max_chars: int) -> str:
    """Both ends of a long text with a mark between; a short one as it is."""
    if len(text) <= max_chars:
        return text
    room = max(max_chars - len(CUT_MARK), 0)
    tail = room // 2
    return text[: room - tail] + CUT_MARK + (text[-tail:] if tail else "")


def cut_to_bytes(text: str, max_bytes: int) -> str:
    """Both ends of a long text within so many bytes of UTF-8, the mark included."""
    if len(text.encode()) <= max_bytes:
        return text
    room = max(max_bytes - len(CUT_MARK.encode()), 0)
    tail = room // 2
    whole = text.encode()
    head = whole[: room - tail].decode(errors="ignore")
    return head + CUT_MARK + (whole[-tail:].decode(errors="ignore") if tail else "")


def _one_line(name: str) -> str:
    shown = name if name.isprintable() else "".join(_blank_out(name))
    return " ".join(shown.replace(":", " ").split())


def _blank_out(name: str) -> Iterable[str]:
    for char in name:
        category = unicodedata.category(char)
        yield " " if category in ("Cc", "Cf", "Zl", "Zp") else char
