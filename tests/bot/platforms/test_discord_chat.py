"""/chat: one conversation's own settings, and forgetting it."""

from __future__ import annotations

import pytest

from tests.bot.platforms.stage import RunningBot
from tests.fakes.discord import FakeDiscord
from tests.fakes.model import ModelServer, persona

HELLO = "Hello there."
CARD = (
    "Maya answers here with\n- temperature: 0.8\n- top-p: 0.95\n- top-k: the model’s own\n"
    "- length in tokens: 120"
)


async def test_settings_show_what_holds_to_the_asker_alone(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    used = discord.uses(discord.person("Ada"), "chat settings")
    assert await used.answer() == CARD
    assert used.ephemeral


async def test_settings_hold_for_the_next_answer_of_this_conversation_only(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada, elsewhere = discord.person("Ada"), discord.channel("elsewhere")
    used = discord.uses(ada, "chat settings", temperature=0.2, top_k=5, length=40)
    assert await used.answer() == (
        "Maya answers here with\n- temperature: 0.2 (set here)\n- top-p: 0.95\n"
        "- top-k: 5 (set here)\n- length in tokens: 40 (set here)"
    )
    discord.asks(ada, "hi")
    await discord.until_says(HELLO)
    asked = model.questions[-1]
    assert (asked["temperature"], asked["top_p"], asked["top_k"]) == (0.2, 0.95, 5)
    assert asked["max_tokens"] == 40
    discord.asks(ada, "hi", elsewhere)
    await discord.until_says(HELLO, elsewhere)
    assert "top_k" not in model.questions[-1]


async def test_settings_are_changed_one_by_one_and_cleared_together(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    direct = discord.direct(ada)
    await discord.uses(ada, "chat settings", direct, temperature=0.2).answer()
    text = await discord.uses(ada, "chat settings", direct, top_p=0.5).answer()
    assert "temperature: 0.2 (set here)\n- top-p: 0.5 (set here)" in text
    text = await discord.uses(ada, "chat settings", direct, reset=True, top_p=0.7).answer()
    assert "temperature: 0.8\n- top-p: 0.7 (set here)" in text
    assert await discord.uses(ada, "chat settings", direct, reset=True).answer() == CARD


async def test_settings_stay_within_the_administrators_bounds_and_say_so(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada, owner = discord.person("Ada"), discord.world.owner
    used = discord.uses(owner, "admin bounds", temperature=1.0, top_k=50)
    assert await used.answer() == (
        "The bounds of this server:\n- temperature: at most 1.0\n- top-p: no bound\n"
        "- top-k: at most 50\n- length in tokens: no bound\n- lines of a scene: no bound"
    )
    assert used.ephemeral
    used = discord.uses(owner, "admin bounds", scope="channel", length=60, temperature=1.8)
    assert "The bounds of this channel:\n- temperature: at most 1.8" in await used.answer()
    used = discord.uses(owner, "admin bounds", reset=True, temperature=1.0)
    assert "- top-k: no bound" in await used.answer()
    text = await discord.uses(ada, "chat settings", temperature=1.5).answer()
    assert "- temperature: 1.0 (1.5 was set here; at most 1.0 is allowed)" in text
    assert "- length in tokens: 60 (at most 60 is allowed)" in text
    discord.asks(ada, "hi")
    await discord.until_says(HELLO)
    assert (model.questions[-1]["temperature"], model.questions[-1]["max_tokens"]) == (1.0, 60)
    with pytest.raises(PermissionError):
        discord.uses(ada, "admin bounds", temperature=2.0)


async def test_settings_are_those_of_whoever_speaks_here(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.personas = [persona("maya"), persona("t*m", display_name="T*m", sampling={})]
    ada = discord.person("Ada")
    await discord.uses(ada, "persona switch", name="t*m").answer()
    assert (await discord.uses(ada, "chat settings").answer()).startswith(
        "T\\*m answers here with\n- temperature: the model’s own\n"
    )


async def test_a_number_out_of_range_is_refused_though_a_client_would_not_send_it(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    used = discord.uses(ada, "chat settings", temperature=7)
    assert await used.answer()
    assert await discord.uses(ada, "chat settings").answer() == CARD


async def test_a_reset_forgets_the_conversation_and_everybody_sees_it(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada, elsewhere = discord.person("Ada"), discord.channel("elsewhere")
    for channel in (discord.general, elsewhere):
        discord.asks(ada, "the code is 1234", channel)
        await discord.until_says(HELLO, channel)
    used = discord.uses(ada, "chat reset")
    assert await used.answer() == "Forgotten. We begin anew."
    assert not used.ephemeral
    model.words = ["Which code?"]
    discord.asks(ada, "what is the code?")
    await discord.until_says("Which code?")
    told = [message["content"] for message in model.questions[-1]["messages"][1:]]
    assert told == ["Ada: what is the code?"]
    discord.asks(ada, "and here?", elsewhere)
    await discord.until_says("Which code?", elsewhere)
    assert len(model.questions[-1]["messages"]) == 4
