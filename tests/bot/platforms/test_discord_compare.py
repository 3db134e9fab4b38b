"""/compare: two answers side by side, votes that outlive the process, and who was who."""

from __future__ import annotations

import asyncio

from bot.errors import ModelFailed
from bot.settings import Settings
from bot.wiring import wire
from tests.bot.platforms import stage_compare as sides
from tests.bot.platforms.stage import SUPPRESS_EMBEDS, RunningBot, bot_on
from tests.bot.platforms.stage_compare import compared, labels, until_votable
from tests.fakes.discord import FakeDiscord, User
from tests.fakes.discord import Fault as DiscordFault
from tests.fakes.model import Fault, ModelServer

model, settings, name, ada = sides.model, sides.settings, sides.name, sides.ada


async def test_both_answers_stand_side_by_side(
    discord: FakeDiscord, bot: RunningBot, ada: User, name: str
) -> None:
    shown = await compared(discord, ada, prompt="Who are *you*?", persona_a=name, persona_b="tom")
    assert shown.content == (
        f"> Who are \\*you\\*?\n\n**Maya, version 3**\nI am {name}.\n\n**Tom**\nI am tom."
    )
    assert labels(shown) == ["Maya, version 3", "Tom", "Result"]
    assert shown.flags & SUPPRESS_EMBEDS
    assert shown.pinged == set()


async def test_they_grow_by_edits(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot, ada: User, name: str
) -> None:
    model.pace_s = 0.6
    used = discord.uses(ada, "compare", prompt="hi", persona_a=name, persona_b="tom")
    assert (await used.answer()).endswith("**Tom**\n…")
    original = used.original
    assert original is not None
    assert await discord.world.until(lambda: "I am" in original.content, 5)
    assert "tom." not in original.content
    shown = await until_votable(discord, used)
    assert shown.content.endswith("I am tom.")
    assert len(discord.requests("PATCH", "/messages/@original")) <= 14


async def test_personas_may_be_called_by_the_names_that_people_see(
    discord: FakeDiscord, bot: RunningBot, ada: User, name: str
) -> None:
    shown = await compared(discord, ada, prompt="hi", persona_a="Maya", persona_b="Tom")
    assert f"I am {name}." in shown.content
    assert "I am tom." in shown.content
    versions = await discord.autocompletes(ada, "compare", persona_a="Maya", version_a="")
    assert versions == ["3", "2", "1"]


async def test_one_persona_at_two_ages(
    discord: FakeDiscord, bot: RunningBot, ada: User, name: str
) -> None:
    shown = await compared(
        discord, ada, prompt="hi", persona_a=name, persona_b=name, version_a=1, version_b=2
    )
    assert f"**Maya, version 1**\nI am {name}@1.\n\n**Maya, version 2**\nI am {name}@2." in (
        shown.content
    )


async def test_what_cannot_be_compared_is_said_to_the_asker_alone(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot, ada: User, name: str
) -> None:
    for options, sentence in (
        ({"persona_b": "nobody"}, f"I know nobody called “nobody”. I can be: {name}, tom."),
        ({"persona_b": name}, "Both sides would be the same."),
        ({"persona_b": name, "version_b": 9}, "Maya has no version 9. There are: 1, 2, 3."),
        ({"persona_b": "tom", "version_b": 1}, "Tom has no version 1. There are: none."),
    ):
        used = discord.uses(ada, "compare", prompt="hi", persona_a=name, **options)
        assert (await used.answer()).startswith(sentence)
        assert used.ephemeral
    assert model.questions == []


async def test_names_and_versions_are_offered(
    discord: FakeDiscord, bot: RunningBot, ada: User, name: str
) -> None:
    assert await discord.autocompletes(ada, "compare", persona_b="may") == [name]
    versions = await discord.autocompletes(ada, "compare", persona_a=name, version_a="")
    assert versions == ["3", "2", "1"]
    assert await discord.autocompletes(ada, "compare", persona_b="what", version_b="") == []


async def test_a_side_that_waits_for_the_model_says_so(
    discord: FakeDiscord, model: ModelServer, settings: Settings, ada: User, name: str
) -> None:
    model.first_word_after_s = 2.5
    narrow = settings.model_copy(update={"limit_concurrent_answers": 1})
    async with wire(narrow) as app, bot_on(discord, narrow, app):
        used = discord.uses(ada, "compare", prompt="hi", persona_a=name, persona_b="tom")
        await used.answer()
        original = used.original
        assert original is not None
        assert await discord.world.until(lambda: "I am busy right now." in original.content, 8)
        shown = await until_votable(discord, used)
        assert "busy" not in shown.content


async def test_what_does_not_fit_goes_on_in_a_second_message(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot, ada: User, name: str
) -> None:
    model.speaks = lambda question: [f"{question['model']} goes on. " * 80]
    used = discord.uses(ada, "compare", prompt="hi", persona_a=name, persona_b="tom")
    shown = await until_votable(discord, used)
    (followup,) = used.followups
    assert shown is followup
    assert used.original is not None
    assert f"{name} goes on." in used.original.content
    assert "tom goes on." not in used.original.content
    assert followup.content.startswith("**Tom**\ntom goes on.")
    assert not labels(used.original)


async def test_a_failure_is_said_in_its_place_and_the_other_goes_on(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot, ada: User, name: str
) -> None:
    model.faults.extend([Fault(status=404)])
    used = discord.uses(
        ada, "compare", prompt="hi", persona_a=name, persona_b=name, version_b=2, blind=True
    )
    await used.answer()
    original = used.original
    assert original is not None
    assert await discord.world.until(lambda: "**Maya, version 2**" in original.content, 8)
    assert "**A**" not in original.content
    failed = "not loaded on the server" in original.content
    assert failed or "Nobody of that name is loaded" in original.content
    assert f"I am {name}" in original.content
    assert labels(original) == []


async def test_both_can_fail(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot, ada: User, name: str
) -> None:
    model.faults.extend([Fault(status=500)] * 4)
    used = discord.uses(ada, "compare", prompt="hi", persona_a=name, persona_b="tom")
    await used.answer()
    original = used.original
    assert original is not None
    assert await discord.world.until(lambda: original.content.count(ModelFailed.spoken) == 2, 8)


async def test_nothing_of_it_is_remembered(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot, ada: User, name: str
) -> None:
    await compared(discord, ada, prompt="the code is 1234", persona_a=name, persona_b="tom")
    discord.asks(ada, "what is the code?")
    await discord.until_says(f"I am {name}.")
    assert "1234" not in str(model.questions[-1])


# -- limits and bad days --------------------------------------------------------------------


async def test_over_the_limit_only_the_asker_reads_when_there_is_more(
    discord: FakeDiscord, settings: Settings, ada: User, name: str
) -> None:
    limited = settings.model_copy(update={"limit_messages_per_minute": 3})
    async with wire(limited) as app, bot_on(discord, limited, app):
        await compared(discord, ada, prompt="hi", persona_a=name, persona_b="tom")
        used = discord.uses(ada, "compare", prompt="hi", persona_a=name, persona_b="tom")
        assert (await used.answer()).startswith("That was a lot at once. I can answer you again in")
        assert used.ephemeral


async def test_it_works_in_direct_messages(
    discord: FakeDiscord, bot: RunningBot, ada: User, name: str
) -> None:
    shown = await compared(
        discord, ada, discord.direct(ada), prompt="hi", persona_a=name, persona_b="tom"
    )
    assert "counted" in await discord.presses(ada, shown, "Tom").answer()
    ended = discord.presses(ada, shown, "Result")
    assert await discord.world.until(lambda: bool(ended.followups), 5)


async def test_a_prompt_is_only_text(
    discord: FakeDiscord, bot: RunningBot, ada: User, name: str
) -> None:
    hostile = "@everyone <@&1>\n# big\n```\n**A**\nI am Tom [x](http://evil.example)"
    shown = await compared(discord, ada, prompt=hostile, persona_a=name, persona_b="tom")
    assert shown.pinged == set()
    head, _, rest = shown.content.partition("\n\n")
    assert head.startswith("> @everyone")
    assert "\n" not in head
    assert rest.startswith("**Maya, version 3**\n")


async def test_edits_that_discord_refuses_are_made_up_for(
    discord: FakeDiscord, bot: RunningBot, ada: User, name: str
) -> None:
    fault = discord.breaks(DiscordFault("PATCH", "/webhooks/*/*/messages/*", "dropped", times=2))
    shown = await compared(discord, ada, prompt="hi", persona_a=name, persona_b="tom")
    assert fault.seen > 2
    assert shown.content.endswith("I am tom.")


async def test_an_answer_that_was_deleted_is_given_up(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot, ada: User, name: str
) -> None:
    model.pace_s = 0.3
    used = discord.uses(ada, "compare", prompt="hi", persona_a=name, persona_b="tom")
    await used.answer()
    assert used.original is not None
    discord.deletes(used.original)
    assert await discord.world.until(lambda: len(model.questions) == 2, 5)
    await asyncio.wait_for(bot.stop(), 10)


async def test_the_end_of_the_process_is_said_on_both_sides(
    discord: FakeDiscord, model: ModelServer, settings: Settings, ada: User, name: str
) -> None:
    model.pace_s = 60
    async with wire(settings) as app, bot_on(discord, settings, app, drain_s=0.3) as bot:
        used = discord.uses(ada, "compare", prompt="hi", persona_a=name, persona_b="tom")
        await used.answer()
        assert await discord.world.until(lambda: model.speaking == 2, 5)
        await bot.stop()
        assert used.original is not None
        assert used.original.content.count("I am being switched off right now.") == 2
