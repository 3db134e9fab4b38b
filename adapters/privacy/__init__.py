"""Private data of a chat, replaced in place by made-up stand-ins.

meet (everything that is read) → settle (who is left alone) → veil (what is written)
"""

from __future__ import annotations

import hmac
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

from adapters.errors import BadRequest
from adapters.messages import Message

from .addresses import find_addresses, moved
from .context import WORD
from .finding import Finding, Found, cues, find_by_form
from .names import Names
from .pseudonyms import SECRET, Pseudonyms

if TYPE_CHECKING:
    from adapters.dataset.veiled import Recalling

KINDS: Mapping[str, str] = {
    "name": "names of other people",
    "email": "addresses of mail",
    "phone": "phone numbers",
    "address": "streets with numbers, postcodes",
    "iban": "bank accounts",
    "card": "payment cards",
    "secret": "passwords, codes and keys",
}
MAX_SAMPLES, SAMPLE_CHARACTERS = 5, 80
DIGIT = re.compile(r"\d")
LONGEST = 4_000
"""Characters that are looked through at once."""


def checked_kinds(kinds: Collection[str]) -> frozenset[str]:
    """Raises BadRequest for a kind that there is not."""
    if unknown := sorted({*kinds} - KINDS.keys()):
        known = ", ".join(KINDS)
        raise BadRequest(f"there is no kind of private data {unknown[0]!r}; there is: {known}")
    return frozenset(kinds)


class Privacy:
    """The private data of one import, by kind; nothing is found of kinds not asked for."""

    def __init__(self, kinds: Collection[str] = tuple(KINDS)) -> None:
        self.kinds = checked_kinds(kinds)
        self._names = Names()
        self._pseudonyms: Pseudonyms | None = None
        self.memory: Recalling | None = None
        """Of what texts became; to find it out takes most of an import's time."""
        self.settled = ""
        """What it depends on, besides what was met."""
        self.replaced: Counter[str] = Counter()
        self.samples: dict[str, list[str]] = {}
        """Beginnings of messages as they are now, by kind."""

    def met(self, messages: Iterable[tuple[int, Message]]) -> Iterator[tuple[int, Message]]:
        """The messages as they come; learns from them who is talked about."""
        if "name" not in self.kinds:
            yield from messages
            return
        meet = self._names.meet
        for numbered in messages:
            meet(numbered[1].text)
            yield numbered

    def settle(self, key: bytes, speakers: Iterable[str], spared: Collection[str]) -> None:
        """Everybody was met. `spared` are the names of who is left alone: the persona's own, and
        of those who agreed."""
        self._names.settle(speakers, spared)
        self._pseudonyms = Pseudonyms(key, self._names.all)
        what = repr((sorted(self.kinds), sorted(spared)))
        self.settled = hmac.digest(key, what.encode("utf-8", "surrogatepass"), "sha256").hex()

    def state(self) -> dict[str, int]:
        """Who was met, in plain values."""
        return dict(self._names.introduced)

    def restore(self, state: Mapping[str, int]) -> None:
        self._names.introduced = Counter(state)

    def found(self, text: str) -> list[Finding]:
        """What is private in a text, in order."""
        if not self.kinds:
            return []
        if len(text) <= LONGEST:
            return self._look(text)
        return [
            Finding(at + start, end + start, kind, key)
            for start in range(0, len(text), LONGEST)
            for at, end, kind, key in self._look(text[start : start + LONGEST])
        ]

    def _look(self, text: str) -> list[Finding]:
        kinds, found = self.kinds, Found(text)
        said = WORD.findall(text)
        digit = DIGIT.search(text)
        if digit or "@" in text or not _hidden().isdisjoint(said):
            find_by_form(text, said, found, kinds)
            if digit and "address" in kinds:
                find_addresses(text, said, found)
        if "name" in kinds:
            self._names.find(text, said, found)
        return sorted(found.findings)

    def veil(self, text: str) -> str:
        """The text with stand-ins, counted."""
        memory = self.memory
        known = memory.recall(text) if memory else None
        if known is None:
            findings = self.found(text)
            if findings:
                kinds = tuple(finding.kind for finding in findings)
                known = self._replaced(text, findings), kinds
            if memory:
                memory.remember(text, known)
        return self._counted(*known) if known else text

    def _counted(self, veiled: str, kinds: tuple[str, ...]) -> str:
        for kind in kinds:
            self.replaced[kind] += 1
            samples = self.samples.setdefault(kind, [])
            if len(samples) < MAX_SAMPLES and (sample := _sample(veiled)) not in samples:
                samples.append(sample)
        return veiled

    def hidden(self, text: str) -> str:
        """The same, uncounted: for what is only shown."""
        return self._replaced(text, self.found(text))

    def label(self, name: str) -> str:
        """What a speaker is called."""
        if "name" not in self.kinds:
            return self.hidden(name)
        findings = [finding for finding in self.found(name) if finding.kind != "name"]
        if findings:
            return self._replaced(name, findings)
        return WORD.sub(lambda match: self._somebody(match[0]), name)

    def made_up(self, name: str) -> str:
        """Another name for whoever must not appear under their own; a word of it that is
        mentioned becomes the same."""
        words = WORD.findall(name)
        telling = [word for word in words if self._names.is_own(word.lower())] or words
        return " ".join(self._made.name(word).capitalize() for word in telling or [name])

    def _somebody(self, word: str) -> str:
        return self._made.name(word) if self._names.identifies(word.lower()) else word

    @property
    def _made(self) -> Pseudonyms:
        assert self._pseudonyms, "settle comes first"
        return self._pseudonyms

    def _replaced(self, text: str, findings: Iterable[Finding]) -> str:
        done, out = 0, []
        for finding in findings:
            out += [text[done : finding.start], self._stand_in(text, finding)]
            done = finding.end
        return "".join([*out, text[done:]])

    def _stand_in(self, text: str, finding: Finding) -> str:
        made, spelt = self._made, text[finding.start : finding.end]
        match finding.kind:
            case "name":
                return made.name(spelt[: len(finding.key)]) + spelt[len(finding.key) :]
            case "email":
                return made.email(finding.key)
            case "phone":
                return made.phone(finding.key, spelt)
            case "card":
                return made.card(spelt)
            case "iban":
                return made.iban(spelt)
            case "address":
                return moved(spelt, made)
        return SECRET


@cache
def _hidden() -> frozenset[str]:
    """Words after which something private may follow that has no digit in it."""
    return cues().password | cues().key | cues().code


def _sample(text: str) -> str:
    short = text[:SAMPLE_CHARACTERS]
    return "".join(c if c.isprintable() else " " for c in short).strip()
