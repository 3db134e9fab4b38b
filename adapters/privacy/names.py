"""Names of people in a text: those who speak in the chat, first names, and whoever is introduced.

A statistical model would find more, and would need weights that are nowhere to be had offline;
what this knows are words, capitals and the words around them. Knows nothing of pseudonyms, save
that they are names already replaced.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from functools import cache

from .context import (
    WORD,
    Token,
    acts,
    begins_sentence,
    has_capital,
    in_title_case,
    is_introduced,
    is_possessive,
    tokens_of,
)  # fmt: skip
from .finding import Found
from .pseudonyms import FICTION, is_made_up
from .words import spelt, words

HANDLE = re.compile(
    r"(?<![\w@\]])@(?:\u2068([^\u2069\n]{1,80})\u2069?|([^\W\d_][\w.]{1,38}|\d{7,20}))"
)
INNER_CAPITAL = re.compile(r"\w[\W_]{1,8}(?!I\b)[^\W\d_a-zß-öø-ÿ]")
"""A word with a capital, or of a script without, after another one."""
SHORTEST_LOWER = 4
MAX_INTRODUCED = 20_000
TIMES_INTRODUCED = 2
"""So often somebody is introduced before the name is believed without."""
SURNAME_ENDINGS = (
    "mann", "stein", "berg", "bauer", "meier", "meyer", "maier", "inger", "hofer", "ski", "ska",
    "sky", "vić", "vic", "ova", "enko", "ian", "oğlu", "sen", "sson", "bach", "wald", "huber",
)  # fmt: skip


class Names:
    """Those of one chat: meet what is written in it, settle, then find."""

    def __init__(self) -> None:
        self.introduced: Counter[str] = Counter()
        """How often somebody is, by the name in lower case."""
        self._lower: frozenset[str] = frozenset()
        """Whom a word without a capital may mean as well."""
        self._known: frozenset[str] = frozenset()
        self.spared: frozenset[str] = frozenset()
        self._telling = _telling()

    def meet(self, text: str) -> None:
        """Learns who is introduced in a text that somebody wrote before or will have written."""
        if not INNER_CAPITAL.search(text) or _introducing().isdisjoint(WORD.findall(text)):
            return
        tokens = tokens_of(text)
        for place, token in enumerate(tokens):
            if has_capital(token.word) and is_introduced(text, tokens, place):
                low = token.low
                if low in self.introduced or len(self.introduced) < MAX_INTRODUCED:
                    self.introduced[low] += 1

    def settle(self, speakers: Iterable[str], spared: Collection[str]) -> None:
        """Everybody is known now."""
        known, plain, speakers = words(), _plain(), list(speakers)
        self.spared = frozenset(part for name in spared for part in parts(name))
        of_speakers = frozenset(
            part for name in speakers for part in parts(name) if part not in plain and len(part) > 1
        )
        introduced = frozenset(
            low for low, times in self.introduced.items()
            if times >= TIMES_INTRODUCED and low not in known.ambiguous
        )  # fmt: skip
        self._known = (of_speakers | introduced) - self.spared
        called = frozenset(
            next((part for part in parts(name) if part in of_speakers), "") for name in speakers
        )
        self._lower = ((called | known.first) & self._known) - known.capitals
        self._telling = (_telling() | spelt(self._known)) - spelt(self.spared)

    def identifies(self, low: str) -> bool:
        """Whether a word of a speaker's name tells who it is: "Mum" and "the" do not."""
        return self.is_own(low) and low not in self.spared and not is_made_up(low)

    @staticmethod
    def is_own(low: str) -> bool:
        """Whether it is more than a word that people are called by: "Mum", "Dr", "of"."""
        return len(low) > 1 and low not in _plain()

    @property
    def all(self) -> frozenset[str]:
        """In lower case."""
        return self._known | self.spared | frozenset(self.introduced)

    def find(self, text: str, said: Collection[str], found: Found) -> None:
        """Adds the names of a text; `said` are its words."""
        if "@" in text:
            self._handles(text, found)
        telling = self._telling
        if telling.isdisjoint(said) and (
            _leading().isdisjoint(said) or not INNER_CAPITAL.search(text)
        ):
            return
        tokens = tokens_of(text)
        german = not _german().isdisjoint(said)
        place = 0
        while place < len(tokens):
            word = tokens[place].word
            if word[0].islower() and word not in telling:
                place += 1  # nearly always
            elif length := self._length(text, tokens, place, german):
                for token in tokens[place : place + length]:
                    self._add(token, found)
                place += length
            else:
                place += 1

    def _add(self, token: Token, found: Found) -> None:
        low = token.low
        if low in self.spared or low in words().particles or is_made_up(low):
            return
        if low.endswith("s") and not self._listed(low) and self._listed(low[:-1]):
            low = low[:-1]  # the stand-in takes the s of Petras Fahrrad
        found.add(token.start, token.end, "name", low)

    def _listed(self, low: str) -> bool:
        return low in self._known or low in words().first

    def _handles(self, text: str, found: Found) -> None:
        for match in HANDLE.finditer(text):
            group = 1 if match[1] else 2
            if match[group].lower() in words().everybody or found.holds(*match.span()):
                continue
            tokens = tokens_of(match[group]) if group == 1 else []
            start = match.start(group)
            for token in tokens:
                self._add(token._replace(start=start + token.start, end=start + token.end), found)
            if match[group].isdigit():
                if not FICTION.fullmatch(match[group]):
                    found.add(start, match.end(), "phone", f"+{match[group]}")
            elif group == 2:
                end = match.end() - len(match[2]) + len(match[2].rstrip("."))
                self._add(Token(start, end, text[start:end], text[start:end].lower()), found)

    def _length(self, text: str, tokens: list[Token], place: int, german: bool) -> int:
        """Of how many words the name is that begins here; 0 where none does."""
        if not self._is_name(text, tokens, place, german):
            return 0
        length = 1
        while place + length < len(tokens) and length < 5:
            if not self._goes_on(text, tokens, place + length, german):
                break
            length += 1
        while tokens[place + length - 1].low in words().particles and length > 1:
            length -= 1
        return length

    def _goes_on(self, text: str, tokens: list[Token], place: int, german: bool) -> bool:
        last, token = tokens[place - 1], tokens[place]
        gap = text[last.end : token.start]
        if gap not in (" ", "-", "’", "'") or not has_capital(tokens[place - 1].word):
            return gap == " " and last.low in words().particles and has_capital(token.word)
        if gap in ("’", "'"):
            return last.low in ("o", "d") and has_capital(token.word)
        if gap == "-":
            return has_capital(token.word)
        if token.low in words().particles:
            return not german and place + 1 < len(tokens) and has_capital(tokens[place + 1].word)
        if not has_capital(token.word) or token.low in words().never or len(token.word) < 2:
            return False
        if token.word.isupper() and not last.word.isupper() and len(token.word) < 5:
            return False
        if german:
            return self._is_surname(token.low)
        return True

    def _is_surname(self, low: str) -> bool:
        return low in words().surnames or low in self._known or low.endswith(SURNAME_ENDINGS)

    def _is_name(self, text: str, tokens: list[Token], place: int, german: bool) -> bool:
        token, known = tokens[place], words()
        low, capital = token.low, has_capital(token.word)
        if low in self.spared:
            return False
        if capital and (is_made_up(low) or is_introduced(text, tokens, place)):
            return True
        if low in known.never and low not in self._known:
            return False
        if low in known.ambiguous:
            return capital and self._believed(text, tokens, place, german)
        if low in self._known:
            return capital or (low in self._lower)
        if low in known.first:
            return capital or (len(low) >= SHORTEST_LOWER and low not in known.capitals)
        if low.endswith("s") and german and self._listed(low[:-1]):
            return capital and len(low) > 4
        return capital and not german and acts(text, tokens, place)

    def _believed(self, text: str, tokens: list[Token], place: int, german: bool) -> bool:
        """Whether a word that may be a name is one here."""
        token, known = tokens[place], words()
        if acts(text, tokens, place):
            return True
        if token.low in known.months and token.low not in self._known:
            return is_possessive(text, token) and not begins_sentence(text, token.start)
        if german or token.word.isupper() or begins_sentence(text, token.start):
            return token.low in self._known and not german and is_possessive(text, token)
        if place + 1 < len(tokens) and in_title_case(text, token, tokens[place + 1]):
            return tokens[place + 1].low in known.surnames | self._known
        if place and in_title_case(text, tokens[place - 1], token):
            return False
        before = tokens[place - 1].low if place else ""
        return before not in (
            "in",
            "the",
            "a",
            "of",
            "this",
            "next",
            "last",
            "since",
            "until",
            "to",
        )


def parts(name: str) -> list[str]:
    """The words of somebody's name, in lower case."""
    return [word.lower() for word in WORD.findall(name)]


@cache
def _telling() -> frozenset[str]:
    """Words that are, or may be, names in every chat."""
    known = words()
    capitals = {word.capitalize() for word in known.ambiguous}
    lower = {word for word in known.first - known.capitals if len(word) >= SHORTEST_LOWER}
    names = spelt(known.first) - (known.first - lower)
    inflected = {name + "s" for name in names if name[0].isupper() and len(name) > 3}
    return names | capitals | inflected


@cache
def _leading() -> frozenset[str]:
    """Words beside which any word with a capital may be a name."""
    return _introducing() | spelt(words().addressed | words().speaks)


@cache
def _german() -> frozenset[str]:
    return spelt(words().german)


@cache
def _introducing() -> frozenset[str]:
    known = words()
    return spelt(
        known.kin | known.titles | known.called | known.name_is | known.greetings | known.signatures
    ) | {"M"}


@cache
def _plain() -> frozenset[str]:
    """Words that speakers are called by which name nobody."""
    known = words()
    return known.never | known.kin | known.titles | known.particles
