"""Character cards as people pass them around, read as personas that need no training.

V1, V2 and V3, as JSON or within a PNG. A card is a stranger's file: every size is bounded, and of
its many fields only texts are taken. Knows no server and no platform.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from .admin import NAME
from .errors import BadCharacterCard
from .png_texts import SIGNATURE, decoded, embedded
from .prompt import neutralise

FILE_MAX_BYTES = 8 * 1024**2
TOO_LARGE = f"That file is too large for a character card: at most {FILE_MAX_BYTES >> 20} MB."
JSON_MAX_BYTES = 2 * 1024**2
"""Read, it may take forty times the memory."""
PROMPT_MAX_CHARS = 60_000
"""More than the longest cards have, and than most models could read."""
GREETING_MAX_CHARS = 4_000
NAME_MAX_CHARS = 80
RESERVED = "base"
WHO = ("description", "personality", "scenario", "system_prompt", "first_mes", "mes_example")
"""A card says something in at least one of these."""

OTHER_FILES = {
    b"PK\x03\x04": "That is a CHARX or ZIP file. Export the card as PNG or JSON and send me that.",
    b"\xff\xd8\xff": "A JPEG holds no character card. Send the PNG as it was exported.",
    b"RIFF": "A WebP holds no character card. Send the PNG as it was exported.",
}
NO_CARD = (
    "There is no character card in that file. Send the PNG as it was exported (a copy that was"
    " edited or saved anew loses its card), or its JSON."
)
_MACRO = re.compile(r"\{\{([^{}]{1,2000})\}\}|<(char|bot|user)>", re.IGNORECASE)
_START = re.compile(r"^[ \t]*<START>[ \t]*$", re.IGNORECASE | re.MULTILINE)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class CharacterCard:
    """What was taken of a card; `left_out` says in words what was not."""

    name: str | None
    """Made of the one that people see; None where nothing of it fits a persona's name."""
    display_name: str
    system_prompt: str
    greeting: str | None
    left_out: tuple[str, ...]

    def as_persona(self) -> dict[str, Any]:
        """What PUT /admin/personas/{name} takes."""
        return {
            "display_name": self.display_name,
            "system_prompt": self.system_prompt,
            "greeting": self.greeting,
        }


def read_card(file: bytes) -> CharacterCard:
    """The card in a file. Raises BadCharacterCard, which says what is wrong with it."""
    if len(file) > FILE_MAX_BYTES:
        raise BadCharacterCard(spoken=TOO_LARGE)
    card = _card(_fields(file))
    return replace(card, left_out=("its picture", *card.left_out)) if _is_png(file) else card


def checked_name(name: str) -> str:
    """The name, if it may be a new persona's. Raises BadCharacterCard."""
    if name == RESERVED:
        raise BadCharacterCard(
            spoken=f"“{RESERVED}” is the name of the model itself, without any persona."
            " Choose another one with `name`."
        )
    if not NAME.fullmatch(name):
        raise BadCharacterCard(
            spoken="A persona's name has 1 to 32 of a-z, 0-9 and “-” and begins with a letter or"
            " a digit. Choose one with `name`."
        )
    return name


def _fields(file: bytes) -> dict[str, Any]:
    """A card's fields, out of whatever holds them; of several cards in a PNG the first whole."""
    if not _is_png(file):
        for beginning, spoken in OTHER_FILES.items():
            if file.startswith(beginning):
                raise BadCharacterCard(spoken=spoken)
        return _read(file)
    failure = BadCharacterCard(spoken=NO_CARD)
    for text in embedded(file):
        try:
            return _read(decoded(text))
        except BadCharacterCard as error:
            failure = error
    raise failure


def _is_png(file: bytes) -> bool:
    return file.startswith(SIGNATURE)


def _read(text: bytes) -> dict[str, Any]:
    """V2 and V3 keep all in `data`; V1, and what V2 repeats for it, lies on top."""
    if len(text) > JSON_MAX_BYTES:
        raise BadCharacterCard(
            spoken=f"That card has too much in it: at most {JSON_MAX_BYTES >> 20} MB beside its"
            " picture. Take its lorebook or its assets out."
        )
    try:
        found = json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise BadCharacterCard(spoken=NO_CARD) from None
    data = found.get("data") if isinstance(found, dict) else None
    fields = data if isinstance(data, dict) else found
    if (
        not isinstance(fields, dict)
        or not _name(fields, "name")
        or not any(_text(fields, one) for one in WHO)
    ):
        raise BadCharacterCard(spoken=NO_CARD)
    return fields


def _card(fields: dict[str, Any]) -> CharacterCard:
    display_name = _name(fields, "name")
    macros = Macros(_name(fields, "nickname") or display_name)
    prompt = "\n\n".join(_paragraphs(fields, macros)).strip()
    if len(prompt) > PROMPT_MAX_CHARS:
        raise BadCharacterCard(
            spoken=f"That card is too long: its texts have {len(prompt):,} characters, and at most"
            f" {PROMPT_MAX_CHARS:,} are taken. Shorten it."
        )
    greeting = macros.greeting(_text(fields, "first_mes"))[:GREETING_MAX_CHARS] or None
    return CharacterCard(
        name=_slug(display_name),
        display_name=display_name,
        system_prompt=prompt,
        greeting=greeting,
        left_out=(*_left_out(fields), *macros.left_out()),
    )


def _paragraphs(fields: dict[str, Any], macros: Macros) -> Iterator[str]:
    """The system prompt, part by part, in the order in which such cards are laid out."""
    usual = f"You are {macros.char}. Stay in character."
    yield macros.prompt(_text(fields, "system_prompt"), original=usual) or usual
    yield from filter(None, [macros.prompt(_text(fields, "description"))])
    for field, heading in (
        ("personality", "{}'s personality: "),
        ("scenario", "Scenario: "),
        ("mes_example", "How {} talks:\n"),
    ):
        if said := macros.prompt(_text(fields, field)):
            yield heading.format(macros.char) + said
    yield from filter(None, [macros.prompt(_text(fields, "post_history_instructions"))])


class Macros:
    """What stands in braces in a card. One pass: what takes a macro's place is no macro."""

    def __init__(self, char: str) -> None:
        self.char = char
        self._unknown: dict[str, None] = {}

    def prompt(self, text: str, original: str = "") -> str:
        """As it is told to the model; a line of the person's begins with a name."""
        lines = _START.sub("", text)
        lines = re.sub(
            r"^([ \t]*)(\{\{user\}\}|<user>)[ \t]*:", r"\1User:", lines, flags=re.I | re.M
        )
        return self._replaced(lines, "the user", original)

    def greeting(self, text: str) -> str:
        """As it is told to whoever reads it."""
        yours = re.sub(r"(\{\{user\}\}|<user>)['’]s\b", "your", text, flags=re.IGNORECASE)
        return self._replaced(yours, "you", "")

    def left_out(self) -> Iterator[str]:
        if self._unknown:
            named = ", ".join(f"{{{{{one}}}}}" for one in list(self._unknown)[:5])
            yield f"macros that stay as they are ({named})"

    def _replaced(self, text: str, user: str, original: str) -> str:
        meaning: dict[str, Callable[[str], str]] = {
            "char": lambda _: self.char,
            "bot": lambda _: self.char,
            "user": lambda _: user,
            "original": lambda _: original,
            "random": _first_choice,
            "pick": _first_choice,
            "comment": lambda _: "",
            "hidden_key": lambda _: "",
        }

        def replaced(found: re.Match[str]) -> str:
            said = (found[1] or found[2]).strip()
            if said.startswith("//"):
                return ""
            name, _, rest = said.partition(":")
            if known := meaning.get(name.strip().lower()):
                return known(rest)
            self._unknown[said[:30]] = None
            return found[0]

        return neutralise(_MACRO.sub(replaced, text)).strip()


def _first_choice(rest: str) -> str:
    """One of several is drawn each time; a prompt that stays the same takes the first."""
    return re.split(r"(?<!\\),", rest.lstrip(":"))[0].replace("\\,", ",").strip()


def _left_out(fields: dict[str, Any]) -> Iterator[str]:
    book = fields.get("character_book")
    if isinstance(book, dict) and book.get("entries"):
        yield "the lorebook"
    if others := _many(fields, "alternate_greetings") + _many(fields, "group_only_greetings"):
        yield f"{others} other {'greeting' if others == 1 else 'greetings'}"
    if _many(fields, "assets"):
        yield "its images and other assets"
    if fields.get("extensions"):
        yield "extensions of other programs"
    if len(_text(fields, "first_mes")) > GREETING_MAX_CHARS:
        yield "the end of its greeting"


def _many(fields: dict[str, Any], name: str) -> int:
    value = fields.get(name)
    return len(value) if isinstance(value, list) else 0


def _text(fields: dict[str, Any], name: str) -> str:
    """A field as clean text; what is none counts as empty."""
    value = fields.get(name)
    if not isinstance(value, str):
        return ""
    return _CONTROL.sub("", value.replace("\r\n", "\n").replace("\r", "\n")).strip()


def _name(fields: dict[str, Any], name: str) -> str:
    """On one line, without characters that can't be seen."""
    seen = (c for c in _text(fields, name) if c.isspace() or unicodedata.category(c)[0] != "C")
    return neutralise(" ".join("".join(seen).split()))[:NAME_MAX_CHARS].strip()


def _slug(display_name: str) -> str | None:
    """A persona's name made of the one that people see: “Séraphina Noir” is seraphina-noir."""
    plain = unicodedata.normalize("NFKD", display_name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:32].strip("-") or None
