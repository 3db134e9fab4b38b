"""The words by which names of people are found, in several languages, as words.toml lists them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Words:
    """Each a set of words in lower case; words.toml says what they are for."""

    first: frozenset[str]
    ambiguous: frozenset[str]
    capitals: frozenset[str]
    surnames: frozenset[str]
    kin: frozenset[str]
    titles: frozenset[str]
    called: frozenset[str]
    name_is: frozenset[str]
    is_: frozenset[str]
    greetings: frozenset[str]
    signatures: frozenset[str]
    says: frozenset[str]
    addressed: frozenset[str]
    beside: frozenset[str]
    never: frozenset[str]
    german: frozenset[str]
    phone_cues: frozenset[str]
    no_phone: frozenset[str]
    password_cues: frozenset[str]
    code_cues: frozenset[str]
    key_cues: frozenset[str]
    address_cues: frozenset[str]
    everybody: frozenset[str]
    particles: frozenset[str]
    speaks: frozenset[str]
    months: frozenset[str]
    no_password: frozenset[str]


@cache
def words() -> Words:
    text = files(__package__).joinpath("words.toml").read_text("utf-8")
    lists = {name: frozenset(listed.split()) for name, listed in tomllib.loads(text).items()}
    lists["is_"] = lists.pop("is")
    lists["first"] -= lists["ambiguous"]
    return Words(**lists)


def spelt(words: frozenset[str]) -> frozenset[str]:
    """The words in the ways that people write them: anna, Anna, ANNA."""
    return frozenset({way for word in words for way in (word, word.capitalize(), word.upper())})
