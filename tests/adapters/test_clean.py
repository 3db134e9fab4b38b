"""What is cleaned away, by which rule, and what is shown of it."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime

import pytest

from adapters.dataset import clean
from adapters.dataset.clean import Cleaning
from adapters.errors import BadRequest
from adapters.messages import Message

START = datetime(2020, 1, 1, 10)


def dropped(messages: Iterable[Message], *keep: str) -> dict[str, list[str]]:
    """The samples of what was dropped, by rule; what is blank has none."""
    cleaning = Cleaning(keep)
    numbered = [(0 if m.speaker == "Maya" else 1, m) for m in messages]
    kept = list(cleaning.cleaned(numbered))
    assert len(kept) + cleaning.dropped.total() == len(numbered)
    return {rule: cleaning.samples.get(rule, []) for rule in cleaning.dropped}


def test_cleaning_is_counted_by_rule() -> None:
    texts = ["https://a.example/x", "see www.b.example", "x" * 1001, " ", "fine", "www.c.example "]
    cleaning = Cleaning()
    kept = list(cleaning.cleaned((0, Message(START, "Tom", text)) for text in texts))
    assert [m.text for _, m in kept] == ["see www.b.example", "fine"]
    assert cleaning.dropped == {"links-only": 2, "pastes": 1, "media-only": 1}


LONG = "the heron at the pond turned its head when the third bus came round the corner at dusk"


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("media-only", Message(START, "Tom", " \n")),
        ("forwarded", Message(START, "Tom", "send this to ten friends", forwarded=True)),
        ("bots", Message(START, "Tom", "Song added to the queue", bot=True)),
        ("links-only", Message(START, "Tom", "HTTPS://a.example/x\nwww.b.example")),
        ("pastes", Message(START, "Tom", "word " * 300)),
        ("system-text", Message(START, "Tom", "Waiting for this message. This may take a while.")),
        ("system-text", Message(START, "Tom", "-----BEGIN PGP MESSAGE-----\n\nhQEMA")),
        ("system-text", Message(START, "Tom", "aGVsbG8g" * 20)),
    ],
)
def test_every_rule_drops_what_it_names_and_can_be_switched_off(
    rule: str, message: Message
) -> None:
    fine = Message(START, "Tom", "see www.b.example, it is fine")
    assert list(dropped([fine, message])) == [rule]
    assert dropped([fine, message], rule) == {}


def test_a_rule_asked_for_alone_is_the_only_one() -> None:
    cleaning = Cleaning(drop=["bots"])
    said = [Message(START, "Tom", "www.a.example"), Message(START, "Tom", "beep", bot=True)]
    assert [m.text for _, m in cleaning.cleaned((0, m) for m in said)] == ["www.a.example"]
    with pytest.raises(BadRequest, match="no cleaning rule 'link'; there is: media-only, "):
        Cleaning(keep=["link"])


def test_one_word_is_kept_in_proportion_for_each_speaker() -> None:
    noise = [Message(START, "Tom", "lol") for _ in range(100)]
    assert len(list(Cleaning().cleaned((1, m) for m in noise))) == 30
    said = [Message(START, "Maya", f"here is line {n}") for n in range(200)]
    mixed = [pair for pairs in zip(said, noise + noise, strict=True) for pair in pairs]
    cleaning = Cleaning()
    list(cleaning.cleaned((0, m) for m in mixed))
    assert cleaning.dropped == {"noise": 80}


def test_a_long_message_that_was_there_before_is_dropped_nearly_or_exactly() -> None:
    draw = random.Random(4)
    words = [f"word{n}" for n in range(3000)]
    others = [Message(START, "Tom", " ".join(draw.sample(words, 12))) for _ in range(50)]
    once = Message(START, "Tom", LONG)
    nearly = Message(START, "Maya", LONG.replace("third", "fourth").upper() + "!!")
    short = [Message(START, "Tom", "good morning my dear, how are you")] * 3
    for batch in (1, 7, 2048):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(clean, "BATCH", batch)
            found = dropped([once, *others, *short, nearly, *others[:2], once])
        again = [nearly, *others[:2], once]
        assert found == {"near-duplicates": [m.text[:80].strip() for m in again]}, batch


def test_what_merely_shares_words_is_no_near_duplicate() -> None:
    words, draw = [f"word{n}" for n in range(3000)], random.Random(3)
    said = []
    for _ in range(300):
        common, rest = draw.sample(words, 10), draw.sample(words, 20)
        said += [Message(START, "Tom", " ".join(common + part)) for part in (rest[:10], rest[10:])]
    assert len(dropped(said).get("near-duplicates", [])) <= 3


def test_samples_are_short_harmless_and_few() -> None:
    said = [Message(START, "Tom", f"\x1b[31m[/red] {n} " + "x " * 900) for n in range(9)]
    samples = dropped(said)["pastes"]
    assert len(samples) == 5
    assert all(len(text) <= 80 and "\x1b" not in text for text in samples)
