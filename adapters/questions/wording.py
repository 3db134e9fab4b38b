"""What a model is asked about a piece of writing, and which of its answers is a question.

Knows nothing of servers or files.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TypedDict

from adapters.dataset.render import neutralise

VERSION = 1
"""Of all that follows here: answers to an older wording are not taken for this one's."""
LONGEST = 300
"""Characters of a question."""
QUOTED = 40
"""So many of the piece's own characters may stand in its question, in a row."""
PROMPT = """\
Between the two lines of equals signs stands something that a person has written.

{mark}
{request}

{piece}
{mark}

Imagine that somebody had asked this person one question, and that the text is the natural answer \
to it. What was the question?
- Ask the person directly ("you"), as somebody would who has not read the text.
- Ask in the language of the text, in one sentence of at most 30 words.
- Do not quote the text, and do not mention a text, an article or its author.
Reply with the question alone, on one line."""
MARK = "=" * 20
THOUGHTS = re.compile(r"\A\s*<think>.*?(</think>|\Z)", re.DOTALL)
"""Some servers leave in the answer what the model has thought before it."""
LABEL = re.compile(r"\A(?:the )?question\s*:\s*", re.IGNORECASE)
QUOTES = ('""', "''", "“”", "„“", "«»", "»«", "「」", "**", "``")


class Asked(TypedDict):
    role: str
    content: str


def asked(request: str, piece: str) -> list[Asked]:
    """The messages that ask for a question; `request` is what stands in the question's place."""
    # One message: not every template takes a system prompt.
    return [{"role": "user", "content": PROMPT.format(mark=MARK, request=request, piece=piece)}]


def question(said: str, piece: str) -> str | None:
    """The question in an answer; None where it is none, or not one to learn from."""
    text = _bare(THOUGHTS.sub("", said))
    if not text or len(text) > LONGEST or len(text.splitlines()) > 1:
        return None
    if not _asks(text) or _quotes(text, piece):
        return None
    return text


def _bare(said: str) -> str:
    whole = said.encode("utf-8", "replace").decode()  # half an emoji becomes a "?"
    text = neutralise(whole).strip()
    while text[:1] + text[-1:] in QUOTES and len(text) > 1:
        text = text[1:-1].strip()
    return LABEL.sub("", text)


def _asks(text: str) -> bool:
    """Whether there is a question mark of any script."""
    if any(_is_question_mark(character) for character in text if not character.isalnum()):
        return True
    # Greeks end a question with what is everywhere else a semicolon.
    return text.endswith(";") and any("GREEK" in unicodedata.name(one, "") for one in text)


def _is_question_mark(character: str) -> bool:
    name = unicodedata.name(character, "").split()
    return {"QUESTION", "MARK"} <= {*name} and "INVERTED" not in name


def _quotes(text: str, piece: str) -> bool:
    asked, written = _plain(text), _plain(piece)
    length = QUOTED + 1
    places = range(len(asked) - length + 1)
    return any(asked[place : place + length] in written for place in places)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
