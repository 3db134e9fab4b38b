"""What the words around it say of a word: that somebody's name follows, or that somebody acts.

Knows a text as words with their places, and lists of words; nothing of one chat.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .words import words

WORD = re.compile(r"[^\W\d_]+")
SENTENCE_ENDS = frozenset(".!?…\n:;")


class Token(NamedTuple):
    start: int
    end: int
    word: str
    low: str


def tokens_of(text: str) -> list[Token]:
    return [Token(*match.span(), word := match[0], word.lower()) for match in WORD.finditer(text)]


def is_introduced(text: str, tokens: list[Token], place: int) -> bool:
    """Whether the words before say that somebody's name follows."""
    token, known = tokens[place], words()
    named = token.low in known.first or token.low in known.ambiguous
    if not place or token.low in known.signatures or (token.low in known.never and not named):
        return False
    last = tokens[place - 1]
    gap = text[last.end : token.start]
    if (last.low in known.titles and gap in (" ", ". ", ".")) or (last.word == "M" and gap == ". "):
        return True
    if gap == " ":
        if last.low in known.kin or last.low in known.called:
            return token.low not in known.kin
        if last.low in known.greetings and begins_sentence(text, last.start):
            return token.low not in known.kin and token.low not in known.titles
        if last.low in known.is_ and place > 1:
            return tokens[place - 2].low in known.name_is or (
                place > 2 and tokens[place - 3].low in known.name_is
            )
    return _is_signature(text, tokens, place)


def _is_signature(text: str, tokens: list[Token], place: int) -> bool:
    """The last words of a message, after "love," or "best wishes"."""
    if len(tokens) - place > 2 or text[tokens[-1].end :].strip(" .!x❤️\n"):
        return False
    last, known = tokens[place - 1], words()
    gap = text[last.end : tokens[place].start]
    if last.low not in known.signatures or (
        not gap.isspace() and gap.strip(" \n") not in (",", "!")
    ):
        return False
    return all(has_capital(token.word) and token.low not in known.never for token in tokens[place:])


def acts(text: str, tokens: list[Token], place: int) -> bool:
    """Whether something is said of it, or done to it, that is said and done of people."""
    known, token = words(), tokens[place]
    if token.low in known.never or len(token.word) < 2 or token.word.isupper():
        return False
    listed = token.low in known.first or token.low in known.ambiguous
    if place and text[tokens[place - 1].end : token.start] == " ":
        before = tokens[place - 1].low
        if before in known.addressed or (listed and before in known.beside):
            return True
        if before in ("the", "a", "an", "my", "la", "el", "le", "il", "o", "die", "der", "das"):
            return False
    if place + 1 < len(tokens) and text[token.end : tokens[place + 1].start] == " ":
        after = tokens[place + 1].low
        if after in known.speaks:
            return True
        return listed and after in known.says and token.low not in known.months
    return False


def has_capital(word: str) -> bool:
    """Also of a script that has no capitals."""
    return not word[0].islower()


def begins_sentence(text: str, start: int) -> bool:
    before = text[max(0, start - 12) : start].rstrip(" \"'“¿¡(*_~-")
    return not before or before[-1] in SENTENCE_ENDS or not before[-1].isprintable()


def in_title_case(text: str, first: Token, second: Token) -> bool:
    """Two words with capitals next to each other, as in The Rose Garden."""
    return (
        text[first.end : second.start] == " "
        and first.word[0].isupper()
        and second.word[0].isupper()
        and len(first.word) > 1
    )


def is_possessive(text: str, token: Token) -> bool:
    return text[token.end : token.end + 2] in ("'s", "’s")
