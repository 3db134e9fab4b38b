"""Who was trained on somebody's bursts sends bursts: the separator becomes separate messages."""

from __future__ import annotations

import random

import pytest

from bot.platforms.discord.bursts import MESSAGES_MAX, segments, without_half
from bot.wiring import App
from tests.bot.platforms.stage import RunningBot
from tests.bot.platforms.stage_faces import said, until_said, words
from tests.fakes.discord import FakeDiscord, Permission
from tests.fakes.model import Fault as ModelFault
from tests.fakes.model import ModelServer, persona

FORMAT = {"version": 1, "speaker_label": "{name}: ", "window_messages": 16}


# -- where it is cut ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("one", ["one"]),
        ("one\ntwo", ["one", "two"]),
        ("\none\n\n  \n two \n", ["one", "two"]),
        ("look:\n```py\na\n\nb\n```\nnice", ["look:", "```py\na\n\nb\n```", "nice"]),
        ("```\nnever closed\nat all", ["```\nnever closed\nat all"]),
        ("1\n2\n3\n4\n5\n6\n7\n8", ["1", "2", "3", "4", "5", "6\n7\n8"]),
        ("", []),
    ],
)
def test_a_separator_ends_a_message(text: str, cut: list[str]) -> None:
    assert segments(text, "\n") == cut


def test_a_separator_may_be_any_text() -> None:
    assert segments("one<|next|>two\nlines", "<|next|>") == ["one", "two\nlines"]
    assert without_half("one<|ne", "<|next|>") == "one"
    assert without_half("one <", "\n") == "one <"


def test_the_note_on_a_failure_is_no_message_of_its_own() -> None:
    note = "\n(I broke.)"
    assert segments(f"one\ntwo …{note}", "\n", note) == ["one", f"two …{note}"]
    assert segments("I broke.", "\n", note) == ["I broke."]


def test_earlier_messages_stay_as_they_are_while_the_text_grows() -> None:
    dice = random.Random(4)
    for _ in range(200):
        text = "".join(dice.choices(["a", "b ", "\n", "\n\n", "```", "`"], k=40))
        for at in range(len(text)):
            shorter, longer = segments(text[:at], "\n"), segments(text[: at + 1], "\n")
            # A message only changes while it is the last one.
            assert longer[: len(shorter) - 1] == shorter[:-1]
        assert len(longer) <= MESSAGES_MAX


# -- on Discord -----------------------------------------------------------------------------


async def test_each_segment_is_a_message_and_only_the_first_is_a_reply(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.words, model.pace_s = ["hey", "\n", "\n", "so", " good", "\n", "to see you"], 0.1
    asked = discord.asks(discord.person("Ada"), "hi")
    await discord.until_says("to see you")
    answers = discord.answers(asked)
    assert [one.content for one in answers] == ["hey", "so good", "to see you"]
    assert [one.reply_to for one in answers] == [asked.id, None, None]


async def test_messages_appear_while_the_answer_goes_on(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.words, model.pace_s = ["first", "\nsecond", "\nthird"], 1.0
    discord.asks(discord.person("Ada"), "hi")
    await discord.until_says("second")
    assert model.speaking == 1
    assert not [one for one in discord.seen() if "third" in one.content]
    await discord.until_says("third")


async def test_with_a_face_only_the_first_has_a_jump_line(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    discord.grants(discord.bot_role, Permission.MANAGE_WEBHOOKS)
    model.words = ["ok", "\nok", "\nbye"]
    asked = discord.asks(discord.person("Ada"), "hi")
    await until_said(discord, "bye")
    assert said(discord) == [("Maya", "ok"), ("Maya", "ok"), ("Maya", "bye")]
    first, *others = discord.answers(asked)
    assert first.content.startswith("-# ↪ ")
    assert [one.content for one in others] == [words(one) for one in others]


async def test_a_long_burst_is_six_messages_and_meets_no_rate_limit(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.words = [f"line {number}\n" for number in range(10)]
    rest = "\n".join(f"line {number}" for number in range(5, 10))
    asked = discord.asks(discord.person("Ada"), "hi")
    await discord.until_says(rest)
    assert [one.content for one in discord.answers(asked)] == [
        *(f"line {number}" for number in range(5)),
        rest,
    ]
    assert discord.rate_limited == []


async def test_a_code_block_stays_in_one_message(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.words, model.pace_s = ["look\n", "```py\n", "a = 1\n", "b = 2\n", "```\n", "neat"], 0.1
    asked = discord.asks(discord.person("Ada"), "hi")
    await discord.until_says("neat")
    assert [one.content for one in discord.answers(asked)] == [
        "look",
        "```py\na = 1\nb = 2\n```",
        "neat",
    ]


async def test_a_separator_of_ones_own_leaves_line_breaks_in_a_message(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    layout = FORMAT | {"burst_separator": "<|next|>"}
    model.personas = [persona("maya", prompt_format=layout)]
    model.words, model.pace_s = ["a\nb", "<|ne", "xt|>", "c"], 0.4
    asked = discord.asks(discord.person("Ada"), "hi")
    await discord.until_says("c")
    answers = discord.answers(asked)
    assert [one.content for one in answers] == ["a\nb", "c"]
    assert not [text for one in answers for text in one.texts if "<" in text.content]


@pytest.mark.parametrize(("current", "separator"), [(None, "\n"), (3, "")])
async def test_who_was_not_trained_on_bursts_keeps_line_breaks(
    discord: FakeDiscord,
    model: ModelServer,
    bot: RunningBot,
    current: int | None,
    separator: str,
) -> None:
    layout = FORMAT | {"burst_separator": separator}
    model.personas = [persona("maya", current=current, prompt_format=layout)]
    model.words = ["one", "\n", "two"]
    asked = discord.asks(discord.person("Ada"), "hi")
    await discord.until_says("one\ntwo")
    assert len(discord.answers(asked)) == 1


async def test_a_burst_that_breaks_off_says_so_in_its_last_message(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.words = ["one", "\n", "two", " and", " more"]
    model.faults.append(ModelFault(after_words=3, cut=True))
    asked = discord.asks(discord.person("Ada"), "hi")
    first, second = await discord.final_answer(asked, quiet_s=1.0)
    assert first.content == "one"
    assert second.content.startswith("two …\n(")


async def test_memory_has_the_burst_as_one_answer_which_goes_with_any_of_its_messages(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    where = f"discord:{discord.general.id}"
    model.words = ["one", "\ntwo", "\nthree"]
    asked = discord.asks(ada, "hi")
    await discord.until_says("three")
    model.words = ["Yes."]
    discord.asks(ada, "and?")
    await discord.until_says("Yes.")
    parts = discord.answers(asked)[:3]
    told = [message["content"] for message in model.questions[-1]["messages"][1:]]
    assert told == ["Ada: hi", "one\ntwo\nthree", "Ada: and?"]
    turns = [await app.memory.turn(where, part.id) for part in parts]
    assert turns[0] is not None
    assert turns == [turns[0]] * 3
    discord.deletes(parts[1])
    model.words = ["Gone."]
    assert await discord.world.until(lambda: parts[1].deleted, 5)
    discord.asks(ada, "still?")
    await discord.until_says("Gone.")
    told = [message["content"] for message in model.questions[-1]["messages"][1:]]
    assert "one\ntwo\nthree" not in told
