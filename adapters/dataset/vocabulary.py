"""The words and emoji of a persona, told from those of everybody else, in any script.

Words are ranked by log-odds with an informative Dirichlet prior (Monroe, Colaresi and Quinn,
"Fightin' Words", Political Analysis 16, 2008): a rare word needs more evidence than a frequent
one. Knows texts; nothing of rows or pages.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain, pairwise
from math import log, sqrt

import regex
from pydantic import BaseModel, ConfigDict

MAX_WORDS, MAX_EMOJI = 15, 12
LEAST = 3
"""A word that was said less often is nobody's habit, and may be a secret."""
SURE = 1.96
"""Standard deviations: what chance brings in one case of twenty is not shown."""
LONGEST_WORD = 24
LINK = regex.compile(r"(?:https?://|www\.)\S+", regex.IGNORECASE)
WORD = regex.compile(r"[\p{L}\p{M}]+(?:['’]\p{L}+)*")
SPACELESS = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}]+")
PICTURE = (
    r"(?:\p{Emoji_Presentation}\uFE0F?|\p{Extended_Pictographic}\uFE0F)"
    r"\p{Emoji_Modifier}?[\U000E0020-\U000E007F]*"
)
LINKED = rf"(?:{PICTURE}|\p{{Extended_Pictographic}}\p{{Emoji_Modifier}}?)"
EMOJI = regex.compile(
    rf"\p{{Regional_Indicator}}{{2}}|[0-9#*]\uFE0F\u20E3"
    rf"|{LINKED}(?:\u200D{LINKED})+|{PICTURE}|\p{{Emoji_Modifier_Base}}\p{{Emoji_Modifier}}",
)
"""As people see them: a family, a flag or a thumb of some colour is one."""


class Word(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    word: str
    persona: float
    """How often among a thousand words of theirs."""
    others: float


class Vocabulary(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    words: tuple[Word, ...]
    """The most characteristic first."""
    emoji: tuple[tuple[str, int], ...]
    """The most frequent of the persona first."""
    sampled: bool
    """Whether only some of the rows were looked at."""


class Listening:
    """Learns the words of both sides from texts."""

    def __init__(self) -> None:
        self._persona: Counter[str] = Counter()
        self._others: Counter[str] = Counter()
        self._emoji: Counter[str] = Counter()

    def persona(self, text: str) -> None:
        self._persona.update(words(text))
        if not text.isascii():
            self._emoji.update(emoji(text))

    def others(self, text: str) -> None:
        self._others.update(words(text))

    def vocabulary(self, *, sampled: bool) -> Vocabulary:
        mine, theirs = self._persona.total() or 1, self._others.total() or 1
        return Vocabulary(
            words=tuple(
                Word(
                    word=word,
                    persona=round(1000 * self._persona[word] / mine, 2),
                    others=round(1000 * self._others[word] / theirs, 2),
                )
                for word in characteristic(self._persona, self._others)[:MAX_WORDS]
            ),
            emoji=tuple(sorted(self._emoji.items(), key=lambda one: (-one[1], one[0]))[:MAX_EMOJI]),
            sampled=sampled,
        )


def words(text: str) -> list[str]:
    """The words of a text, in small letters; where a script has no spaces, its pairs of letters."""
    text = text.lower()
    if "://" in text or "www." in text:
        text = LINK.sub(" ", text)
    found: list[str] = WORD.findall(text)
    if not text.isascii() and SPACELESS.search(text):
        pairs = [map("".join, pairwise(run)) for run in SPACELESS.findall(text) if len(run) > 1]
        found = [*WORD.findall(SPACELESS.sub(" ", text)), *chain(*pairs)]
    return found


def emoji(text: str) -> list[str]:
    found: list[str] = EMOJI.findall(text)
    return found


def characteristic(persona: Counter[str], others: Counter[str]) -> list[str]:
    """What the persona says more than others do, the surest first."""
    mine, theirs = persona.total(), others.total()
    if not mine or not theirs:
        return []
    whole, sure = mine + theirs, list[tuple[float, str]]()
    for word, said in persona.items():
        if said < LEAST or len(word) > LONGEST_WORD or said * theirs <= others[word] * mine:
            continue
        heard = others[word]
        prior = said + heard  # as often as the whole chat says it
        odds = log((said + prior) / (mine + whole - said - prior))
        odds -= log((heard + prior) / (theirs + whole - heard - prior))
        z = odds / sqrt(1 / (said + prior) + 1 / (heard + prior))
        if z >= SURE:
            sure.append((-z, word))
    return [word for _, word in sorted(sure)]
