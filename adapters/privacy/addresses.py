"""Where somebody lives: a street with a number, with the town if it follows, and postcodes.

Knows how streets are written in six languages; nothing of towns alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache

from .finding import Found
from .pseudonyms import Pseudonyms, is_made_up
from .words import spelt, words

CAP = r"[^\W\d_a-zß-öø-ÿ][\w'’-]{1,24}\.?"  # begins with a capital, in any script that has them
TYPES_EN = (
    "Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Close|Court|Ct|Place|Pl|Square|Sq|Terrace|Way"
    "|Crescent|Cres|Gardens|Grove|Hill|Mews|Row|Walk|Boulevard|Blvd|Parkway|Highway|Hwy"
)
TYPES_DE = "straße|strasse|str\\.|str|weg|gasse|platz|allee|damm|ufer|chaussee|promenade|stieg|pfad"
TYPES_ROMANCE = (
    "Calle|C/|Avenida|Avda\\.?|Av\\.?|Plaza|Pza\\.?|Paseo|Carrer|Camino|Ronda|Travesía|Rua|R\\."
    "|Travessa|Alameda|Praça|Largo|Estrada|Rodovia|Praceta|Via|Viale|Piazza|Piazzale|Corso|Vicolo"
    "|Strada|Lungomare|Vico|V\\.le|P\\.zza"
)
TYPES_FR = (
    "rue|avenue|av\\.|boulevard|bd|place|chemin|allée|impasse|quai|route|cours|passage|square|villa"
)
SMALL = (
    "de la|de las|de los|del|de|do|da|dos|das|des|du|della|delle|dei|degli|dello|di|la|las|los|le"
    "|les|el|e|y|et"
)
UK = r"[A-Z]{1,2}\d[A-Z\d]? ?\d[ABD-HJLNP-UW-Z]{2}"
TOWN = r"(?:[^\W\d_a-z][\w'’-]{1,24}(?: [^\W\d_a-z][\w'’-]{1,24})?)"
TAIL = (
    rf"(?:,? (?:\d{{4,5}}(?:-\d{{3}})? {TOWN})|(?:, {TOWN}){{0,2}}"
    rf"(?:,? {UK}\b|,? [A-Z]{{2}} \d{{5}}\b)|, {TOWN}(?![\w'’]))?"
)
ENGLISH = re.compile(
    r"(?<![\w.,:/-])(?:(?:[Ff]lat|[Aa]pt\.?|[Aa]partment|[Uu]nit|[Ss]uite) \w{1,4},? )?"
    rf"\d{{1,5}}[A-Za-z]?,? (?:{CAP} ){{1,3}}(?:{TYPES_EN})\b\.?"
    rf"(?: (?:West|East|North|South|[NSEW])\b)?{TAIL}"
)
LOWER_ENGLISH = re.compile(
    r"\b(?:at|live[sd]? (?:on|in)|address(?: is|:)?|to) "
    r"(\d{1,5}[a-z]? (?!way|the|of|a\b)[a-z]{3,20} "
    r"(?:street|road|avenue|lane|drive|close|crescent|terrace)\b)",
    re.IGNORECASE,
)
GERMAN = re.compile(
    rf"\b(?:(?:{CAP}[ -])?(?!(?:Park|Sitz|Steh|Arbeits|Stell|Spiel|Tabellen|Lager)platz)"
    rf"(?:[^\W\d_a-zß-öø-ÿ][\w-]{{1,30}}?(?:{TYPES_DE})|[^\W\d_][\w-]{{1,30}}?(?:straße|str\.))"
    rf"|{CAP}[ -](?:Straße|Str\.|Weg|Platz|Allee|Ring))"
    rf"(?<=\w|\.) ?\d{{1,4}} ?(?:[a-hA-H]\b)?(?![\d:.])(?:-\d{{1,4}})?{TAIL}"
)
GERMAN_AT = re.compile(
    rf"\b(?:Am|An der|Auf dem|Auf der|Im|In der|In den|Zum|Zur|Unter den|Hinter der) "
    rf"(?:{CAP} ){{1,2}}\d{{1,3}} ?[a-h]?\b(?![:.])(?! Uhr){TAIL}"
)
ROMANCE = re.compile(
    rf"\b(?i:{TYPES_ROMANCE}) ?(?:(?:{SMALL}) ){{0,2}}(?:(?:d['’]|l['’])?{CAP}"
    rf"(?: (?:{SMALL}))?,? ){{1,4}}(?:n[º°.]? ?)?\d{{1,5}}(?:[A-Za-z]\b)?(?![\d:]){TAIL}"
    r"(?:, \d{1,2}[ºª°] ?[A-Z]?\b)?"
)
FRENCH = re.compile(
    rf"\b\d{{1,4}}(?: ?(?:bis|ter|quater))?,? (?i:{TYPES_FR}) (?:(?:{SMALL}) ){{0,2}}"
    rf"(?:(?:de l|d|l)['’])?{CAP}(?:[ -](?:(?:{SMALL}) )?{CAP}){{0,3}}{TAIL}"
)
POSTCODE = re.compile(r"(?<![\w-])[A-Z]{1,2}\d[A-Z\d]? \d[ABD-HJLNP-UW-Z]{2}(?![\w-])")
NUMBERED = re.compile(rf"(?:{TYPES_DE}|Straße|Str\.|Weg|Platz|Allee|Ring)(?<=\w|\.) ?\d")
"""Without which there is no German address."""

PART = re.compile(rf"{UK}\b|\d+|[^\W\d_]+")
OUR_POSTCODE = "ZZ99 9ZZ"
PLAIN = frozenset(
    f"{TYPES_EN}|{TYPES_DE}|{TYPES_ROMANCE}|{TYPES_FR}|{SMALL}|flat|apt|apartment|unit|suite|west|east"
    "|north|south|am|an|der|auf|dem|im|in|den|zum|zur|unter|hinter|bis|ter|quater|c|n|l|d|a"
    .lower().replace("\\", "").replace(".", "").replace("?", "").replace("/", "")
    .replace(" ", "|").split("|")
)  # fmt: skip
ENDING = re.compile(r"(?:straße|strasse|str|weg|gasse|platz|allee|damm|ufer|chaussee|pfad)\Z")


def find_addresses(text: str, said: Collection[str], found: Found) -> None:
    """Adds the addresses of a text; `said` are its words."""
    if not _types().isdisjoint(said):
        for pattern in (ENGLISH, ROMANCE, FRENCH):
            for match in pattern.finditer(text):
                _add(text, *match.span(), found)
        for match in LOWER_ENGLISH.finditer(text):
            _add(text, *match.span(1), found)
    if NUMBERED.search(text):
        for match in GERMAN.finditer(text):
            _add(text, *match.span(), found)
    if not _cues().isdisjoint(said):
        for match in GERMAN_AT.finditer(text):
            _add(text, *match.span(), found)
    for match in POSTCODE.finditer(text):
        if not match[0].startswith("ZZ"):
            _add(text, *match.span(), found)


def _add(text: str, start: int, end: int, found: Found) -> None:
    spelt = text[start:end].rstrip(" ,")
    names = [low for part in PART.findall(spelt) if (low := _stem(part)) and low not in PLAIN]
    if any(is_made_up(name) for name in names):
        found.claim(start, start + len(spelt))
    elif names:
        found.add(start, start + len(spelt), "address", " ".join(spelt.lower().split()))


def moved(address: str, pseudonyms: Pseudonyms) -> str:
    """An address of the same form somewhere else."""
    of = " ".join(address.lower().split())

    def other(match: re.Match[str]) -> str:
        part = match[0]
        if part.isdigit():
            return pseudonyms.number("address", of, part)
        if any(c.isdigit() for c in part):
            return OUR_POSTCODE
        low = part.lower()
        if low in PLAIN or len(low) < 2:
            return part
        ending = low[len(_stem(part)) :]
        made = pseudonyms.name(part[: len(part) - len(ending)])
        return made + (ending.upper() if part.isupper() else ending)

    return PART.sub(other, address)


def _stem(word: str) -> str:
    """What is left of a German street's name without "straße"; "" of a number."""
    low = word.lower()
    if low.isdigit():
        return ""
    stem = ENDING.sub("", low)
    return stem if len(stem) > 1 else low


@cache
def _types() -> frozenset[str]:
    listed = f"{TYPES_EN}|{TYPES_ROMANCE}|{TYPES_FR}"
    return spelt(frozenset(re.findall(r"[^\W\d_]+", listed.lower()))) | {"C"}


@cache
def _cues() -> frozenset[str]:
    return spelt(words().address_cues)
