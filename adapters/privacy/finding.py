"""Private data that has a form: addresses of mail, numbers with check digits, phones, secrets.

A pattern finds what may be one, and a check digit, a phone plan or the words around it decide.
Every pattern is bounded, so that no text takes long. Knows nothing of names or of what comes in
their place.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Set
from functools import cache
from typing import NamedTuple

from .pseudonyms import FICTION, SECRET, luhn
from .words import spelt, words

EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@((?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24})(?![\w-])")
OURS = (".example.com", ".example.org", ".example.net")

IBAN = re.compile(r"(?<![\w-])[A-Za-z]{2}\d\d(?:[ \u00a0]?[A-Za-z0-9]){11,36}")
CARD = re.compile(r"(?<![\w.+])\d(?:[ -]?\d){12,18}(?!\w|[.,-]\d)")
CARD_KIND = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|3[47]\d{13}|3[068]\d{12}|5[0-9]\d{14}|2[2-7]\d{14}"
    r"|6\d{15,18}|35\d{14}"
)
CARD_GROUPS = re.compile(r"\d+|\d{4}(?:[ -]\d{4}){2,3}[ -]\d{1,4}|\d{4}[ -]\d{6}[ -]\d{4,5}")

PHONE = re.compile(
    r"(?<![\w.,:/=#$€£+-])(?:\+|\(\+?)?\d[\d\u00a0 ()./-]{5,22}\d(?![\w%€£$]|[.,:]\d)"
)
DATE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}")
NO_DIGIT = re.compile(r"\D+")
NATIONAL: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (re.compile(r"0\d(?:[ .-]?\d\d){4}"), ("FR",)),
    (
        re.compile(r"\(?0\d{2,4}\)?[ /-]{0,3}\d{2,}[\d -]*"),
        ("GB", "DE", "IT", "AT", "CH", "NL", "BE", "IE", "AU"),
    ),
    (re.compile(r"0\d ?\d{4,}[ -]?\d{4,}"), ("GB", "IT", "NL", "AU")),
    (re.compile(r"(?:1[ .-])?\(?[2-9]\d\d\)?[ .-]?\d{3}[.-]\d{4}"), ("US",)),
    (
        re.compile(r"[6789]\d\d(?: \d{3}){2}|[679]\d\d(?: \d\d){3}|9\d \d{3} \d\d \d\d"),
        ("ES", "PT"),
    ),
    (re.compile(r"\(?\d\d\)? ?9?\d{4}-\d{4}"), ("BR",)),
    (re.compile(r"3\d\d[ .]\d{3}[ .]?\d{3,4}"), ("IT",)),
)
ANYWHERE = (
    "GB",
    "US",
    "DE",
    "FR",
    "ES",
    "IT",
    "PT",
    "BR",
    "AT",
    "CH",
    "NL",
    "MX",
    "PL",
    "TR",
    "RU",
)
"""Whose numbers are believed where a word says that one follows."""

TOKENS = re.compile(
    r"\b(?:A[KS]IA[0-9A-Z]{16}|gh[pousr]_\w{30,255}|github_pat_\w{20,255}|glpat-[\w-]{16,255}"
    r"|sk-[\w-]{16,255}|[rsp]k_(?:live|test)_\w{16,255}|xox[a-z]-[\w-]{10,255}|AIza[\w-]{30,64}"
    r"|eyJ[\w-]{8,2000}\.[\w-]{8,4000}\.[\w-]{0,1000}|hf_\w{20,64}|npm_\w{30,64}"
    r"|\d{8,10}:[\w-]{30,64}|[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,64}"
    r"|SG\.[\w-]{16,64}\.[\w-]{16,64})(?![\w-])"
)
KEY_BLOCK = re.compile(
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]{0,20000}(?:-----END [A-Z ]{0,30}-----)?"
)
IN_URL = re.compile(r"://[^\s:/@]{0,64}:([^\s@/\[\]]{1,128})@")
ASSIGNED = re.compile(
    r"(?:api|secret|access|auth|client|bearer|bot|private)?[ _-]?(?:access[ _-]?)?"
    r"(?:key|secret|token)"
    r"[\"']?(?:\s{0,3}[:=]\s{0,3}|\s(?:is\s)?)[\"']?([\w+/=.~:-]{16,512})",
    re.IGNORECASE,
)
GAP = r"(?:\s{1,3}[^\W\d_]{1,12}){0,4}?\s{0,3}"
SAID = r"(?:[:=]|\b(?:is|ist|lautet|es|é|est|è|c['’]est|war|was)\b(?:\s{0,2}:)?)"
PASSWORDS = (
    r"\b(?:passwor[dt]|passwd|passphrase|pass|pw|pwd|kennwort|contraseña|clave|senha|mot de passe"
    r"|mdp)\b"
)
WORD_AFTER = r"\s{0,3}[\"'“„«]?([^\s\"'”“«»,;]{4,64})"
PASSWORD = re.compile(rf"{PASSWORDS}{GAP}({SAID}){WORD_AFTER}", re.IGNORECASE)
PASSWORD_NEXT = re.compile(rf"{PASSWORDS}(\s){WORD_AFTER}", re.IGNORECASE)
CODE = re.compile(
    rf"\b(pin|codes?|otp|cvv|cvc|tan|código|codigo|codice)\b{GAP}({SAID})?\s{{0,3}}"
    r"([A-Z]?\d{3,8}(?:[- ]\d{3,4})?[A-Z#*]?|[\w-]{1,20}-\d{1,6})(?![\w%])",
    re.IGNORECASE,
)
NO_CODE = re.compile(
    r"\b(?:error|exit|status|country|area|zip|post|postal|dress|discount|promo|source|http|"
    r"response|fehler|morse)[ -]{1,2}\Z", re.IGNORECASE
)  # fmt: skip


class Finding(NamedTuple):
    """Something private in a text."""

    start: int
    end: int
    kind: str
    key: str
    """What is the same for the same thing, however it is spelt."""


class Found:
    """What was found in one text; the first to claim a place keeps it."""

    def __init__(self, text: str) -> None:
        self.findings: list[Finding] = []
        self._claimed = bytearray(len(text))

    def add(self, start: int, end: int, kind: str, key: str) -> None:
        if not self.holds(start, end):
            self.findings.append(Finding(start, end, kind, key))
            self.claim(start, end)

    def claim(self, start: int, end: int) -> None:
        """Nothing will be found there any more: it was replaced already."""
        self._claimed[start:end] = b"\1" * (end - start)

    def holds(self, start: int, end: int) -> bool:
        return 1 in self._claimed[start:end]


def find_by_form(text: str, said: Collection[str], found: Found, kinds: Set[str]) -> None:
    """Adds what has a form. `said` are the words of the text; none of them may be missing."""
    if "secret" in kinds:
        _secrets(text, said, found)
    if "email" in kinds and "@" in text:
        for match in EMAIL.finditer(text):
            if not f".{match[1].lower()}".endswith(OURS):
                found.add(*match.span(), "email", match[0].lower())
    if "iban" in kinds:
        for start, end in _ibans(text):
            found.add(start, end, "iban", text[start:end])
    if "card" in kinds:
        for match in CARD.finditer(text):
            if _is_card(match[0]):
                found.add(*match.span(), "card", match[0])
    if "phone" in kinds:
        for start, end, number in _phones(text, _speaks_of_phones(said)):
            found.add(start, end, "phone", number)


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    for match in IBAN.finditer(text):
        end = match.end()
        while end - match.start() >= 15:
            if (end == len(text) or not text[end].isalnum()) and _is_iban(
                text[match.start() : end]
            ):
                yield match.start(), end
                break
            end = _earlier_end(text, match.start(), end)


def _earlier_end(text: str, start: int, end: int) -> int:
    """Where the word before the last one ends."""
    return max(text.rfind(" ", start, end), text.rfind("\u00a0", start, end), start)


def _is_iban(spelt: str) -> bool:
    bare = "".join(spelt.split()).upper()
    if not 15 <= len(bare) <= 34 or not bare.isascii():
        return False
    return int("".join(str(int(c, 36)) for c in bare[4:] + bare[:4])) % 97 == 1


def _is_card(spelt: str) -> bool:
    bare = NO_DIGIT.sub("", spelt)
    return bool(CARD_KIND.fullmatch(bare) and CARD_GROUPS.fullmatch(spelt) and luhn(bare))


def _phones(text: str, cued: bool) -> Iterator[tuple[int, int, str]]:
    for match in PHONE.finditer(text):
        spelt = match[0]
        digits = NO_DIGIT.sub("", spelt)
        if not 7 <= len(digits) <= 15 or FICTION.fullmatch(digits) or DATE.fullmatch(spelt):
            continue
        start = match.start()
        if spelt[0] == "(" and ")" not in spelt:
            spelt, start = spelt[1:], start + 1
        if number := _phone(spelt.replace("\u00a0", " "), digits, cued):
            yield start, match.end(), number


def _speaks_of_phones(said: Collection[str]) -> bool:
    return not cues().phone.isdisjoint(said) and cues().no_phone.isdisjoint(said)


def _phone(spelt: str, digits: str, cued: bool) -> str | None:
    """The number with its country, if it is one."""
    if spelt.lstrip("(").startswith("+"):
        return _valid("+" + digits, None) or (f"+{digits}" if len(digits) >= 9 else None)
    if digits.startswith("00"):
        return _valid("+" + digits[2:], None)
    for pattern, regions in NATIONAL:
        if pattern.fullmatch(spelt) and (number := _valid_in(regions, digits)):
            return number
    return _valid_in(ANYWHERE, digits) if cued else None


def _valid_in(regions: Iterable[str], digits: str) -> str | None:
    return next((number for region in regions if (number := _valid(digits, region))), None)


def _valid(digits: str, region: str | None) -> str | None:
    import phonenumbers

    try:
        number = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return f"+{number.country_code}{phonenumbers.national_significant_number(number)}"


def _secrets(text: str, said: Collection[str], found: Found) -> None:
    if len(text) >= 20:
        for match in TOKENS.finditer(text):
            found.add(*match.span(), "secret", "")
        if "@" in text:
            for match in IN_URL.finditer(text):
                found.add(*match.span(1), "secret", "")
    if not cues().key.isdisjoint(said):
        for match in (*KEY_BLOCK.finditer(text), *ASSIGNED.finditer(text)):
            group = match.re.groups
            if not group or any(c.isdigit() for c in match[1]):
                found.add(*match.span(group), "secret", "")
    if not cues().password.isdisjoint(said):
        for match in (*PASSWORD.finditer(text), *PASSWORD_NEXT.finditer(text)):
            if _is_password(match[2], match[1]):
                start = match.start(2)
                found.add(start, start + len(match[2].rstrip(".")), "secret", "")
    if not cues().code.isdisjoint(said):
        for match in CODE.finditer(text):
            if not NO_CODE.search(text, max(0, match.start() - 12), match.start()):
                found.add(*match.span(3), "secret", "")


def _is_password(word: str, said: str) -> bool:
    """Words that are no words, or whatever follows a colon."""
    bare = word.rstrip("?!.)")
    if (
        word.startswith(SECRET)
        or bare.lower() in words().no_password
        or len(bare) < 4
        or word.endswith("?")
    ):
        return False
    odd = any(not c.isalpha() and c not in "'’" for c in bare) or not bare[1:].islower()
    return odd or said[-1] in ":="


class Cues(NamedTuple):
    """Words, as they are spelt, after which a number or a word means more."""

    phone: frozenset[str]
    no_phone: frozenset[str]
    password: frozenset[str]
    code: frozenset[str]
    key: frozenset[str]


@cache
def cues() -> Cues:
    known = words()
    return Cues(
        spelt(known.phone_cues), spelt(known.no_phone), spelt(known.password_cues),
        spelt(known.code_cues), spelt(known.key_cues),
    )  # fmt: skip
