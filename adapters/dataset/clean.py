"""Messages that teach no voice, dropped by named rules, counted and shown in samples.

Light on purpose: what is odd about a person's writing is what the persona is made of. Each rule
can be switched off.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Set
from itertools import islice
from typing import TYPE_CHECKING, Any

from adapters.errors import BadRequest
from adapters.messages import Message

if TYPE_CHECKING:
    from .languages import Languages
    from .near import Near

RULES = {
    "media-only": "nothing is written",
    "forwarded": "somebody else's words",
    "bots": "written by a program",
    "links-only": "nothing but links",
    "pastes": "longer than people write",
    "system-text": "encrypted, or the app's own words",
    "languages": "in another language than those asked for",
    "noise": "one word, and more such messages than three in ten",
    "near-duplicates": "a long message that was there before, nearly word for word",
    "held-out": "learned, it would tell what the persona is tested on",
    "duplicates": "the same message again, as in exports that overlap",
}
TESTED = "held-out"
MAX_CHARACTERS = 1000
"""Longer messages are pasted from elsewhere far more often than written."""
NOISE_CHARACTERS, NOISE_SHARE, NOISE_FREE = 12, 0.3, 20
"""One word of so many characters is noise; so many messages of it are kept in any case."""
MAX_SAMPLES, SAMPLE_CHARACTERS = 5, 80
BATCH = 1024
CASES = (str.lower, str.upper, str.capitalize)
LINK = r"(?:https?://|www\.)\S+"
LINKS_ONLY = re.compile(rf"{LINK}(?:\s+{LINK})*", re.IGNORECASE)
LINK_BEGINNINGS = tuple({case(word) for word in ("http", "www.") for case in CASES})
SYSTEM = re.compile(
    r"-----BEGIN |Waiting for this message\. This may take a while"
    r"|Messages (?:and calls|to this (?:chat|group)|you send)[^\n]*end-to-end"
    r"|[A-Za-z0-9+/=_-]{80,}\s*\Z"
)
BEGINNINGS = frozenset({*LINK_BEGINNINGS, "----", "Wait", "Mess"})
"""How a message begins that any rule might drop; it is short or long otherwise."""
UNBROKEN = 80
"""Encrypted text has so many characters without a space."""


def _nothing() -> None:
    pass


class Cleaning:
    """The rules of one import, and what they dropped.

    `keep` names rules that are switched off; `drop`, if any, the only ones that are not. The rule
    of `languages` is one only where some are asked for, by their codes. Raises BadRequest for a
    rule or a language that there is not.
    """

    def __init__(
        self,
        keep: Collection[str] = (),
        drop: Collection[str] = (),
        languages: Collection[str] = (),
    ) -> None:
        if unknown := sorted({*keep, *drop} - RULES.keys()):
            known = ", ".join(RULES)
            raise BadRequest(f"there is no cleaning rule {unknown[0]!r}; there is: {known}")
        if "languages" in drop and not languages:
            raise BadRequest(
                "the rule 'languages' keeps those asked for; say which with --language"
            )
        self.active = frozenset(drop or RULES) - frozenset(keep)
        self.asked = (*sorted(self.active), *sorted(languages))
        """What is dropped depends on it, besides the messages."""
        self._languages = _languages(languages) if "languages" not in keep else None
        self.dropped: Counter[str] = Counter()
        """Messages by rule."""
        self.unseen: Set[int] = frozenset()
        """Of whose messages nothing is shown: they are not in the rows either."""
        self._samples: dict[str, list[tuple[int | None, str]]] = {}
        """With the number of who said it, as far as that is known."""
        self._said: dict[int, int] = {}
        self._noise: Counter[int] = Counter()
        self._near: Near | None = None

    @property
    def samples(self) -> dict[str, list[str]]:
        """The beginnings of a few messages that each rule dropped, of those who may be seen."""
        unseen = self.unseen | {None} if self.unseen else self.unseen
        seen = {
            rule: [text for by, text in samples if by not in unseen]
            for rule, samples in self._samples.items()
        }
        return {rule: samples for rule, samples in seen.items() if samples}

    def cleaned(
        self, messages: Iterable[tuple[int, Message]], between: Callable[[], None] = _nothing
    ) -> Iterator[tuple[int, Message]]:
        """The messages worth keeping, each with the number of its speaker.

        Calls `between` whenever all that was read is dropped, or done with by who asks for more.
        """
        near = self._compared() if "near-duplicates" in self.active else None
        kept = self._by_rule(messages)
        if self._languages:
            kept = self._understood(kept, self._languages)
        while batch := list(islice(kept, BATCH)):
            if near is None:
                yield from batch
            else:
                said_before = near.said_before([message.text for _, message in batch])
                for numbered, again in zip(batch, said_before, strict=True):
                    if again:
                        self.drop("near-duplicates", numbered[1].text, numbered[0])
                    else:
                        yield numbered
            between()

    def _compared(self) -> Near:
        if self._near is None:
            from .near import Near

            self._near = Near()
        return self._near

    def state(self) -> dict[str, Any]:
        """What was found so far, in plain values."""
        return {
            "dropped": dict(self.dropped),
            "samples": self._samples,
            "said": self._said,
            "noise": dict(self._noise),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.dropped, self._samples = Counter(state["dropped"]), state["samples"]
        self._said, self._noise = state["said"], Counter(state["noise"])

    def heard(self) -> Iterator[bytes]:
        """By what near-duplicates of what was said so far are found; large."""
        return self._near.tables() if self._near else iter(())

    def hear(self, tables: Iterable[bytes]) -> None:
        """What another one had `heard`."""
        self._compared().restore(tables)

    def took(self, rule: str, messages: int, samples: Iterable[tuple[int, str]]) -> None:
        """Somebody else has applied a rule."""
        for by, text in samples:
            self.drop(rule, text, by)
        if messages:
            self.dropped[rule] = messages

    def drop(self, rule: str, text: str, by: int | None = None) -> None:
        self.dropped[rule] += 1
        samples = self._samples.setdefault(rule, [])
        if len(samples) < MAX_SAMPLES:
            short = text[:SAMPLE_CHARACTERS]
            sample = by, "".join(c if c.isprintable() else " " for c in short).strip()
            if sample[1] and sample not in samples:
                samples.append(sample)

    def _by_rule(self, messages: Iterable[tuple[int, Message]]) -> Iterator[tuple[int, Message]]:
        said = self._said
        for numbered in messages:
            number, message = numbered
            said[number] = said.get(number, 0) + 1
            text = message.text
            if (
                NOISE_CHARACTERS < len(text) < UNBROKEN
                and text[:4] not in BEGINNINGS
                and not message.forwarded
                and not message.bot
                and not text[0].isspace()
            ):
                yield numbered  # nearly always
            elif rule := self._rule_against(number, message):
                self.drop(rule, text, number)
            else:
                yield numbered

    def _understood(
        self, messages: Iterable[tuple[int, Message]], languages: Languages
    ) -> Iterator[tuple[int, Message]]:
        for numbered in messages:
            text = numbered[1].text
            if languages.foreign(text):
                self.drop("languages", text, numbered[0])
            else:
                yield numbered

    def _rule_against(self, number: int, message: Message) -> str | None:
        active, text = self.active, message.text.strip()
        if not text:
            return "media-only" if "media-only" in active else None
        if message.forwarded and "forwarded" in active:
            return "forwarded"
        if message.bot and "bots" in active:
            return "bots"
        if len(text) > MAX_CHARACTERS and "pastes" in active:
            return "pastes"
        if text.startswith(LINK_BEGINNINGS) and LINKS_ONLY.fullmatch(text):
            return "links-only" if "links-only" in active else None
        if "system-text" in active and SYSTEM.match(text):
            return "system-text"
        if len(text) <= NOISE_CHARACTERS and " " not in text and "noise" in active:
            return self._too_much_noise(number)
        return None

    def _too_much_noise(self, number: int) -> str | None:
        if self._noise[number] >= max(NOISE_FREE, NOISE_SHARE * self._said[number]):
            return "noise"
        self._noise[number] += 1
        return None


def _languages(codes: Collection[str]) -> Languages | None:
    if not codes:
        return None
    from .languages import Languages

    return Languages(codes)
