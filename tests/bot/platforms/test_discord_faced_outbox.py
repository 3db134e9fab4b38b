"""The outbox of faces by itself, as buttons and scenes use it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import discord as discordpy
import pytest

from bot.cards import Persona
from bot.platforms.discord.endpoints import pointing_at
from bot.platforms.discord.faced import FacedOutbox
from bot.platforms.discord.faces import Faces
from bot.wiring import App
from tests.bot.platforms.stage_faces import said
from tests.fakes.clients import RealBot, online
from tests.fakes.discord import FakeDiscord, Fault, Message, Permission

MAYA = Persona(name="maya", display_name="Maya")
TOM = Persona(name="tom", display_name="Tom")


@pytest.fixture
async def client(discord: FakeDiscord) -> AsyncIterator[RealBot]:
    discord.bot_role.permissions |= Permission.MANAGE_WEBHOOKS
    client = RealBot()
    with pointing_at(discord.api_url, discord.gateway_url):
        async with online(client, discord):
            yield client


@pytest.fixture
def faces(app: App) -> Faces:
    return Faces(app.places)


def buttons() -> discordpy.ui.View:
    view = discordpy.ui.View(timeout=None)
    view.add_item(discordpy.ui.Button(label="Again", custom_id="again"))
    return view


async def as_heard(client: RealBot, message: Message) -> discordpy.Message:
    found: discordpy.Message = await client.place(message.channel).fetch_message(int(message.id))
    return found


async def test_personas_speak_in_a_channel_without_having_been_asked(
    discord: FakeDiscord, client: RealBot, faces: Faces
) -> None:
    ada, stage = discord.person("Ada"), client.place(discord.general)
    for persona, line in ((MAYA, f"Hello {ada.mention} @everyone"), (TOM, "Hi."), (TOM, "Hi.")):
        await FacedOutbox(faces, stage, persona).post(line, as_reply=True)
    assert said(discord) == [
        ("Maya", f"Hello {ada.mention} @everyone"),
        ("Tom", "Hi."),
        ("Tom", "Hi."),
    ]
    assert [one.pinged for one in discord.seen()] == [set(), set(), set()]
    assert len(discord.webhooks.all) == 1


async def test_a_line_that_was_said_before_is_not_taken_for_the_lost_one(
    discord: FakeDiscord, client: RealBot, faces: Faces
) -> None:
    stage = client.place(discord.general)
    await FacedOutbox(faces, stage, TOM).post("Hi.", as_reply=False)
    await client.hears("message")
    discord.breaks(Fault("POST", "/webhooks/*/*", "dropped"))
    await FacedOutbox(faces, stage, TOM).post("Hi.", as_reply=False)
    assert said(discord) == [("Tom", "Hi."), ("Tom", "Hi.")]


@pytest.mark.parametrize("faced", [True, False])
async def test_buttons_come_stay_and_go(
    discord: FakeDiscord, client: RealBot, faces: Faces, faced: bool
) -> None:
    if not faced:
        discord.forbids(discord.general, Permission.MANAGE_WEBHOOKS)
        await client.hears("guild_channel_update")
    asked = await as_heard(client, discord.says(discord.person("Ada"), "hi"))
    outbox = FacedOutbox(faces, asked, MAYA)
    message = await outbox.post("one", as_reply=True, view=buttons())
    (seen,) = discord.seen()
    assert seen.components
    assert (seen.webhook_id is not None) == faced
    assert await outbox.edit(message, "two") is message
    assert seen.components
    await outbox.edit(message, "three", view=None)
    assert not seen.components
    assert said(discord)[0][1] == "three"


async def test_a_message_from_before_a_restart_is_edited_under_its_jump_line(
    discord: FakeDiscord, client: RealBot, faces: Faces, app: App
) -> None:
    asked = await as_heard(client, discord.says(discord.person("Ada"), "hi"))
    await FacedOutbox(faces, asked, MAYA).post("one", as_reply=True)
    (seen,) = discord.seen()
    line = seen.content.removesuffix("one")
    assert line
    anew = FacedOutbox(Faces(app.places), asked)
    await anew.edit(await as_heard(client, seen), "two")
    assert seen.content == f"{line}two"
    await anew.delete(await as_heard(client, seen))
    assert discord.seen() == []


async def test_an_old_message_is_edited_though_faces_were_turned_off_meanwhile(
    discord: FakeDiscord, client: RealBot, faces: Faces, app: App
) -> None:
    asked = await as_heard(client, discord.says(discord.person("Ada"), "hi"))
    await FacedOutbox(faces, asked, MAYA).post("one", as_reply=True)
    (seen,) = discord.seen()
    await app.places.change(f"discord:server:{discord.world.guild.id}", faces=False)
    await FacedOutbox(faces, asked).edit(await as_heard(client, seen), "two")
    assert said(discord) == [("Maya", "two")]
