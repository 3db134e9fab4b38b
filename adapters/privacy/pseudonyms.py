"""Made-up stand-ins: the same for the same thing, by a key, and never stored beside what they
stand for.

Each can be told from the real thing by its form alone, so that what was replaced once is not
replaced again: names from syllables of our own, example.com, numbers reserved for fiction, check
digits that fail. Knows nothing of messages.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Collection, Iterator
from functools import cache, lru_cache

from .words import words

SECRET = "[secret]"  # noqa: S105  # what stands for one
DOMAIN = "example.com"
MAX_REMEMBERED = 50_000
FICTION = re.compile(
    r"(?:0|(?:00)?44)?7700900\d{3}|(?:0|(?:00)?49)?3023125\d{3}"
    r"|(?:0|(?:00)?33)?63998\d{4}|(?:00)?1?[2-9]\d{2}55501\d{2}"
)
"""Digits of numbers that regulators keep for films and books."""
AREAS = (202, 212, 303, 305, 312, 404, 415, 503, 512, 602, 617, 702)

SYLLABLES: dict[str, tuple[str, str, str]] = {
    # script: how a name begins, how it goes on, how it ends; "|" parts those of women, mostly.
    "LATIN": (
        "tel vor nim kes bal dru fen gal hes jor kal lum mer nor ost pel quil ren sel tor ul ves "
        "wil yar zel bren cor dal ers fal gren hol",
        "a e i o ar em il ov un es im ol",
        "da via ssa ndra lka nva zia rda ska lva mba tta "
        "| vic dan lor mund rik ton wen bert dor fen gar hal",
    ),
    "CYRILLIC": (
        "тел вор ним кес бал дру фен гал хес йор кал лум мер нор ост пел рен сел тор вес",
        "а е и о ар ем ил ов ун ес",
        "да вия сса ндра лка нва рда лва | вик дан лор мунд рик тон вен берт",
    ),
    "GREEK": (
        "τελ βορ νιμ κεσ βαλ δρυ φεν γαλ χεσ καλ λουμ μερ νορ οστ πελ ρεν σελ τορ",
        "α ε ι ο αρ εμ ιλ ουν",
        "δα βια σσα νδρα λκα ρδα | βικος δανος λορος μουνδος ρικος τονος",
    ),
    "ARABIC": ("تل فور نيم كس بل درو فن غل", "ا ي و ار يل", "دا فيا ندرا | فيك دان لور ريك"),
    "HEBREW": ("טל וור נימ קס בל דרו פנ גל", "א י ו אר יל", "דה ויה נדרה | ויק דן לור ריק"),
    "CJK": ("岚 砚 漪 澹 霁 翊 珩 筠", "云 溪 舟 原", "茉 汐 | 岳 川 柏"),
    "KATAKANA": ("テル ヴォル ニム ケス バル", "ア イ オ ウ", "ダ ヴィア | ヴィク ダン"),
    "HIRAGANA": ("てる のる にむ けす ばる", "あ い お う", "だ りあ | びく だん"),
    "HANGUL": ("텔 보르 님 케스 발 펜 갈", "아 에 이 오", "다 비아 | 빅 단 로르"),
}


class Pseudonyms:
    """Those of one home. `taken` are names in lower case that must not be given to anybody."""

    def __init__(self, key: bytes, taken: Collection[str] = ()) -> None:
        self._key = key
        self._taken = frozenset(taken)
        self._known: dict[tuple[str, str], str] = {}

    def name(self, name: str) -> str:
        """One word of somebody's name, of the same script and letter case."""
        low = name.lower()
        made = self._known.get(("name", low))
        if made is None:
            made = self._remember("name", low, self._named(low))
        if name.isupper() and len(name) > 1:
            return made.upper()
        return made if name[0] == low[0] else made.capitalize()

    def email(self, address: str) -> str:
        numbers = self._numbers("email", address.lower())
        return f"{_drawn('LATIN', numbers)}{next(numbers) % 90 + 10}@{DOMAIN}"

    def phone(self, number: str, spelt: str) -> str:
        """`number` with its country, the same however it is `spelt`."""
        if spelt == number[1:]:
            return _digits(self.phone(number, number))
        numbers = self._numbers("phone", number)
        draw = next(numbers)
        abroad = spelt.lstrip("( ").startswith(("+", "00"))
        if number.startswith("+44"):
            return f"{'+44 ' if abroad else '0'}7700 900{draw % 1000:03}"
        if number.startswith("+49"):
            return f"{'+49 ' if abroad else '0'}30 23125{draw % 1000:03}"
        if number.startswith("+33"):
            four = f"{draw % 10_000:04}"
            return f"{'+33 ' if abroad else '0'}6 39 98 {four[:2]} {four[2:]}"
        area = AREAS[next(numbers) % len(AREAS)]
        return f"+1 {area} 555-01{draw % 100:02}" if abroad else f"{area}-555-01{draw % 100:02}"

    def card(self, number: str) -> str:
        """No issuer has numbers that begin with zeros, and the check digit is wrong."""
        digits = "0000" + self._digits("card", number, len(_digits(number)) - 4)
        if luhn(digits):
            digits = digits[:-1] + str((int(digits[-1]) + 1) % 10)
        return _refilled(number, digits)

    def iban(self, number: str) -> str:
        """Check digits are never 00."""
        bare = "".join(number.split()).upper()
        filled = iter(bare[:2] + "00" + self._digits("iban", bare, len(bare) - 4))
        return "".join(c if c.isspace() else next(filled) for c in number)

    def number(self, kind: str, of: str, number: str) -> str:
        """Another one of as many digits."""
        digits = self._digits(kind, f"{of} {number}", len(number))
        return (digits if digits[0] != "0" else "1" + digits[1:]) if digits else ""

    def _named(self, low: str) -> str:
        numbers = self._numbers("name", low)
        script, known = _script(low), words()
        feminine = low[-1] in "aáàâαая"
        while True:
            made = _drawn(script, numbers, feminine)
            if made not in self._taken and made not in known.first | known.ambiguous:
                return made

    def _digits(self, kind: str, of: str, count: int) -> str:
        numbers = self._numbers(kind, of)
        return "".join(str(next(numbers) % 10) for _ in range(count))

    def _numbers(self, kind: str, of: str) -> Iterator[int]:
        """Random to who lacks the key, and always the same."""
        round_ = 0
        while True:
            what = f"{kind}\0{of}\0{round_}".encode("utf-8", "surrogatepass")
            digest = hmac.digest(self._key, what, "sha256")
            for at in range(0, len(digest), 4):
                yield int.from_bytes(digest[at : at + 4], "big")
            round_ += 1

    def _remember(self, kind: str, of: str, made: str) -> str:
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        self._known[kind, of] = made
        return made


@lru_cache(maxsize=1 << 15)
def is_made_up(word: str) -> bool:
    """Whether a word in lower case is one of our names."""
    return bool(_made_up().fullmatch(word))


def luhn(digits: str) -> bool:
    """Whether the check digit of a payment card is right."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


def _drawn(script: str, numbers: Iterator[int], feminine: bool = True) -> str:
    heads, middles, endings = _parts()[script]
    tails = endings[0 if feminine else 1]
    return "".join(parts[next(numbers) % len(parts)] for parts in (heads, middles, tails))


def _script(word: str) -> str:
    for character in word:
        script = unicodedata.name(character, "").split(" ")[0].partition("-")[0]
        if script in SYLLABLES:
            return script
    return "LATIN"


@cache
def _parts() -> dict[str, tuple[list[str], list[str], list[list[str]]]]:
    return {
        script: (heads.split(), middles.split(), [part.split() for part in tails.split("|")])
        for script, (heads, middles, tails) in SYLLABLES.items()
    }


@cache
def _made_up() -> re.Pattern[str]:
    return re.compile(
        "|".join(
            f"(?:{'|'.join(heads)})(?:{'|'.join(middles)})(?:{'|'.join(endings[0] + endings[1])})"
            for heads, middles, endings in _parts().values()
        )
    )


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit())


def _refilled(like: str, digits: str) -> str:
    """The digits, parted as in `like`."""
    filled = iter(digits)
    return "".join(next(filled) if c.isdigit() else c for c in like)
