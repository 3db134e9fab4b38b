"""/persona: who can speak here, who does, who chose that, and who may."""

from __future__ import annotations

import pytest
from discord import Permissions

from bot.platforms.discord.commands.names import offered
from bot.wiring import App
from tests.bot.platforms.stage import RunningBot, lets, settled, thread_in
from tests.fakes.discord import Channel, FakeDiscord
from tests.fakes.model import ModelServer, persona

MANY = [persona(f"actor-{number:02}") for number in range(40)]


async def test_the_list_shows_who_can_speak_and_who_does_to_the_asker_alone(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    used = discord.uses(discord.person("Ada"), "persona list")
    assert await used.answer() == "**Maya** (`maya`) · version 3 — speaks here\n**Tom** (`tom`)"
    assert used.ephemeral
    assert discord.seen() == []


async def test_a_switch_lets_somebody_else_speak_here_and_everybody_sees_it(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    used = discord.uses(ada, "persona switch", name="tom")
    assert await used.answer() == "Tom speaks here from now on."
    assert not used.ephemeral
    discord.asks(ada, "hi")
    await discord.until_says("Hello there.")
    assert model.questions[-1]["model"] == "tom"
    elsewhere = discord.channel("elsewhere")
    discord.asks(ada, "hi", elsewhere)
    await discord.until_says("Hello there.", elsewhere)
    assert model.questions[-1]["model"] == "maya"


async def test_a_switch_works_in_direct_messages(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    direct = discord.direct(ada)
    await discord.uses(ada, "persona switch", direct, name="tom").answer()
    discord.says(ada, "hi", direct)
    await discord.until_says("Hello there.", direct)
    assert model.questions[-1]["model"] == "tom"


async def test_an_unknown_persona_is_told_to_the_asker_alone(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    used = discord.uses(discord.person("Ada"), "persona switch", name="nobody")
    assert await used.answer() == "I know nobody called “nobody”. I can be: maya, tom."
    assert used.ephemeral


async def test_names_are_offered_while_they_are_typed(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    assert await discord.autocompletes(ada, "persona switch", name="") == ["maya", "tom"]
    assert await discord.autocompletes(ada, "persona switch", name="TO") == ["tom"]
    assert await discord.autocompletes(ada, "persona switch", name="x") == []


async def test_who_share_a_display_name_can_be_told_apart_where_names_are_offered(
    app: App, model: ModelServer
) -> None:
    model.personas = [
        persona("sera-1", display_name="Seraphina"),
        persona("sera-2", display_name="Seraphina"),
        persona("tom"),
    ]
    offer = await offered(app.personas, "")
    assert [one.name for one in offer] == ["Seraphina (sera-1)", "Seraphina (sera-2)", "Tom"]


async def test_no_more_names_are_offered_than_discord_takes(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.personas = MANY
    offered = await discord.autocompletes(discord.person("Ada"), "persona switch", name="actor")
    assert offered == [f"actor-{number:02}" for number in range(25)]


async def test_names_are_not_offered_while_the_server_fails(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.personas_status = 500
    assert await discord.autocompletes(discord.person("Ada"), "persona switch", name="") == []


async def test_a_list_that_fails_says_why(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.personas_status = 500
    used = discord.uses(discord.person("Ada"), "persona list")
    text = await used.answer()
    assert text
    assert "Something broke" not in text
    assert used.ephemeral


# -- scopes ---------------------------------------------------------------------------------


async def speaks_in(discord: FakeDiscord, model: ModelServer, channel: Channel) -> str:
    """Who answers there."""
    asked = discord.asks(discord.world.owner, "who are you?", channel)
    before = len(model.questions)
    assert await discord.world.until(lambda: len(model.questions) > before, 5)
    await settled(discord, asked, quiet_s=0.3)
    return str(model.questions[-1]["model"])


async def test_the_conversation_wins_over_the_channel_and_that_over_the_server(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.personas = [persona("maya"), persona("tom"), persona("zoe"), persona("abe")]
    owner, elsewhere = discord.world.owner, discord.channel("elsewhere")
    thread = thread_in(discord, discord.general)
    places = (thread, discord.general, elsewhere)

    async def speaking() -> list[str]:
        return [await speaks_in(discord, model, place) for place in places]

    async def switch(name: str, where: Channel, scope: str) -> str:
        used = discord.uses(owner, "persona switch", where, name=name, scope=scope)
        return await used.answer()

    assert await switch("maya", elsewhere, "server") == "Maya speaks in this server from now on."
    assert await speaking() == ["maya", "maya", "maya"]
    assert await switch("tom", thread, "channel") == "Tom speaks in this channel from now on."
    assert await speaking() == ["tom", "tom", "maya"]
    assert await switch("zoe", thread, "conversation") == "Zoe speaks here from now on."
    assert await speaking() == ["zoe", "tom", "maya"]
    assert await switch("abe", thread, "server") == (
        "Abe speaks in this server from now on."
        " Right here Zoe still does, chosen for this conversation."
    )
    assert await speaking() == ["zoe", "tom", "abe"]


async def test_a_reset_takes_one_scopes_choice_back_and_says_who_speaks_now(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    owner = discord.world.owner
    await discord.uses(owner, "persona switch", name="tom", scope="channel").answer()
    await discord.uses(owner, "persona switch", name="maya").answer()
    used = discord.uses(discord.person("Ada"), "persona reset")
    assert await used.answer() == (
        "Nobody is chosen for this conversation any more. Tom speaks here, chosen for this channel."
    )
    assert not used.ephemeral
    used = discord.uses(owner, "persona reset", scope="channel")
    assert await used.answer() == ("Nobody is chosen for this channel any more. Maya speaks here.")


async def test_the_list_marks_for_what_the_speaker_was_chosen(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    owner = discord.world.owner
    await discord.uses(owner, "persona switch", name="tom", scope="server").answer()
    assert await discord.uses(discord.person("Ada"), "persona list").answer() == (
        "**Maya** (`maya`) · version 3\n**Tom** (`tom`) — speaks here, chosen for this server"
    )


@pytest.mark.parametrize(
    ("scope", "needed", "called"),
    [
        ("channel", Permissions(manage_channels=True), "Manage Channels"),
        ("server", Permissions(manage_guild=True), "Manage Server"),
    ],
)
async def test_a_wider_scope_needs_its_permission(
    discord: FakeDiscord, bot: RunningBot, scope: str, needed: Permissions, called: str
) -> None:
    ada, rightful = discord.person("Ada"), discord.person("Rita")
    lets(discord, ada, Permissions(manage_channels=True, manage_guild=True) & ~needed)
    lets(discord, rightful, needed)
    for command, options in [("switch", {"name": "tom"}), ("reset", {})]:
        used = discord.uses(ada, f"persona {command}", scope=scope, **options)
        text = await used.answer()
        assert f"To choose for this {scope} you need the permission “{called}”." in text
        assert used.ephemeral
    assert "speaks here" in (await discord.uses(ada, "persona list").answer()).split("\n")[0]
    used = discord.uses(rightful, "persona switch", name="tom", scope=scope)
    assert await used.answer() == f"Tom speaks in this {scope} from now on."


async def test_direct_messages_have_no_wider_scope(discord: FakeDiscord, bot: RunningBot) -> None:
    ada = discord.person("Ada")
    direct = discord.direct(ada)
    used = discord.uses(ada, "persona switch", direct, name="tom", scope="server")
    assert "direct messages" in await used.answer()
    assert "Maya" in await discord.uses(ada, "persona show", direct).answer()


async def test_show_tells_what_there_is_to_know(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.personas = [
        persona(
            "maya",
            current=3,
            versions=[1, 2, 3],
            greeting="Hi, *I* am Maya.",
            starters=["How was Lisbon?", "Tea or coffee?"],
        ),
        persona("tom", current=None, versions=[]),
    ]
    ada = discord.person("Ada")
    used = discord.uses(ada, "persona show")
    assert await used.answer() == (
        "**Maya** (`maya`) · version 3 — speaks here\n"
        "Versions: 1, 2, 3\n"
        "Greets with: “Hi, \\*I\\* am Maya.”\n"
        "To begin with:\n- How was Lisbon?\n- Tea or coffee?"
    )
    assert used.ephemeral
    assert await discord.uses(ada, "persona show", name="tom").answer() == "**Tom** (`tom`)"
    assert "I know nobody" in await discord.uses(ada, "persona show", name="zoe").answer()
    assert await discord.autocompletes(ada, "persona show", name="to") == ["tom"]
