"""What commands say: to whom, in time, and without unfolding links."""

from __future__ import annotations

import pytest

from bot.platforms.discord.commands import asker, saying
from bot.platforms.discord.splitting import MESSAGE_MAX_CHARS
from bot.platforms.discord.telling import fitting
from tests.bot.platforms.stage import SUPPRESS_EMBEDS, RunningBot
from tests.fakes.discord import FakeDiscord, Message, User
from tests.fakes.model import ModelServer, persona


@pytest.fixture
def ada(discord: FakeDiscord) -> User:
    return discord.person("Ada")


@pytest.fixture(params=["quick", "slow"])
def pace(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slow: Discord is told that the bot thinks, whatever is said."""
    if request.param == "slow":
        for one in (asker, saying):
            monkeypatch.setattr(one, "ACKNOWLEDGE_AFTER_S", 0)


@pytest.mark.usefixtures("pace", "bot")
async def test_a_mistake_is_told_to_who_made_it_alone(discord: FakeDiscord, ada: User) -> None:
    used = discord.uses(ada, "persona switch", name="nobody")

    def told() -> list[Message]:
        return [
            one
            for one in [used.original, *used.followups]
            if one is not None and one.content.startswith("I know nobody called")
        ]

    assert await discord.world.until(lambda: bool(told()), 5)
    assert [one.only_for for one in told()] == [ada]
    assert discord.seen() == []


@pytest.mark.usefixtures("pace", "bot")
@pytest.mark.parametrize("command", ["persona list", "chat reset", "limits"])
async def test_links_in_what_a_command_says_are_not_unfolded(
    discord: FakeDiscord, ada: User, command: str
) -> None:
    used = discord.uses(ada, command)
    await used.answer()
    assert used.original is not None
    assert used.original.flags & SUPPRESS_EMBEDS


async def test_a_sentence_that_is_too_long_for_discord_is_cut(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot, ada: User
) -> None:
    model.personas = [persona(f"a-very-long-name-of-nobody-{n:03}") for n in range(120)]
    used = discord.uses(ada, "compare", prompt="hi", persona_a="x", persona_b="y")
    assert len(await used.answer()) == MESSAGE_MAX_CHARS


def test_what_fits_is_said_as_it_is() -> None:
    assert fitting("a\n" * 1000) == "a\n" * 1000


def test_what_is_too_long_ends_with_a_whole_line_and_says_how_many_more_there_are() -> None:
    lines = [f"- persona number {number}" for number in range(300)]
    *said, last = fitting("\n".join(lines)).splitlines()
    assert said == lines[: len(said)]
    assert last == f"… and {300 - len(said)} more lines"
    assert 1900 < len(fitting("\n".join(lines))) <= 2000


@pytest.mark.parametrize("text", ["x" * 5000, "x" * 1990 + "\nshort\n" * 5])
def test_a_line_that_is_too_long_by_itself_is_cut(text: str) -> None:
    assert fitting(text) == text[:1999] + "…"
