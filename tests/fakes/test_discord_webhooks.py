"""Webhooks, as the real discord.py client makes them and speaks through them."""

from __future__ import annotations

import asyncio

import discord as discordpy
import pytest

from tests.fakes.clients import RealBot, Rest
from tests.fakes.discord import FakeDiscord, Permission, User
from tests.fakes.discord.limits import Limit

FACE = {"username": "Maya, 17", "avatar_url": "https://example.org/maya.png"}


@pytest.fixture
def ada(discord: FakeDiscord) -> User:
    return discord.person("Ada")


@pytest.fixture(autouse=True)
def managing_webhooks(discord: FakeDiscord) -> None:
    discord.world.guild.roles[1].permissions |= Permission.MANAGE_WEBHOOKS


@pytest.fixture
async def webhook(discord: FakeDiscord, bot: RealBot) -> discordpy.Webhook:
    made: discordpy.Webhook = await bot.place(discord.general).create_webhook(name="Understudy")
    await bot.hears("webhooks_update")
    return made


async def test_a_message_of_a_webhook_has_the_face_it_asks_for(
    discord: FakeDiscord, bot: RealBot, webhook: discordpy.Webhook, ada: User
) -> None:
    sent = await webhook.send(f"hi {ada.mention}", wait=True, **FACE)
    heard = await bot.hears("message")
    assert (heard.id, heard.webhook_id, heard.application_id) == (
        sent.id,
        webhook.id,
        int(discord.application_id),
    )
    assert (heard.author.id, heard.author.display_name) == (webhook.id, "Maya, 17")
    assert heard.author.avatar is not None
    (said,) = discord.seen()
    assert (said.author.display_name, said.pinged) == ("Maya, 17", {ada.id})
    plain = await webhook.send("and I", wait=True, allowed_mentions=discordpy.AllowedMentions())
    assert (plain.author.display_name, plain.author.avatar) == ("Understudy", None)


async def test_without_wait_there_is_no_answer(
    discord: FakeDiscord, webhook: discordpy.Webhook
) -> None:
    assert await webhook.send("hi") is None
    assert [one.content for one in discord.seen()] == ["hi"]


async def test_allowed_mentions_hold_a_webhook_that_could_ping_everyone(
    discord: FakeDiscord, webhook: discordpy.Webhook
) -> None:
    await webhook.send("@everyone")
    await webhook.send("@everyone", allowed_mentions=discordpy.AllowedMentions.none())
    assert [one.pinged for one in discord.seen()] == [{"everyone"}, set()]


@pytest.mark.parametrize("name", ["Discord fan", "clyde", " ", "x" * 81])
async def test_a_name_against_the_rules_is_refused(
    discord: FakeDiscord, bot: RealBot, webhook: discordpy.Webhook, name: str
) -> None:
    with pytest.raises(discordpy.HTTPException) as refused:
        await webhook.send("hi", username=name)
    assert refused.value.code == 50035
    with pytest.raises(discordpy.HTTPException):
        await bot.place(discord.general).create_webhook(name=name)
    assert discord.seen() == []


async def test_only_the_token_edits_and_deletes(
    discord: FakeDiscord, bot: RealBot, webhook: discordpy.Webhook
) -> None:
    sent = await webhook.send("helo", wait=True)
    heard = await bot.hears("message")
    with pytest.raises(discordpy.Forbidden) as refused:
        await heard.edit(content="hello")
    assert refused.value.code == 50005
    with pytest.raises(discordpy.Forbidden):
        await heard.delete()
    await sent.edit(content="hello")
    assert (await bot.hears("message_edit"))[1].content == "hello"
    assert (await webhook.fetch_message(sent.id)).content == "hello"
    await sent.delete()
    assert discord.seen() == []


async def test_a_webhook_touches_no_message_but_its_own(
    discord: FakeDiscord, webhook: discordpy.Webhook, ada: User
) -> None:
    said = discord.says(ada, "mine")
    with pytest.raises(discordpy.NotFound) as refused:
        await webhook.edit_message(int(said.id), content="yours")
    assert refused.value.code == 10008


async def test_a_webhook_speaks_in_the_threads_of_its_channel_and_wakes_them(
    discord: FakeDiscord, bot: RealBot, webhook: discordpy.Webhook, ada: User
) -> None:
    thread = discord.starts_thread(ada, "Talk")
    heard = await bot.hears("thread_create")
    discord.archives(thread)
    sent = await webhook.send("hi", wait=True, thread=heard)
    assert not thread.archived
    assert discord.bot not in thread.members
    assert [one.content for one in discord.seen(thread)] == ["hi"]
    with pytest.raises(discordpy.NotFound):  # the thread must be named
        await webhook.edit_message(sent.id, content="hello")
    await webhook.edit_message(sent.id, content="hello", thread=heard)
    elsewhere = discord.starts_thread(ada, "Elsewhere", discord.channel("other"))
    with pytest.raises(discordpy.NotFound):
        await webhook.send("hi", thread=discordpy.Object(int(elsewhere.id)))
    assert [one.content for one in discord.seen(thread)] == ["hello"]


async def test_a_webhook_knows_no_nonce_and_no_reply(
    discord: FakeDiscord, rest: Rest, ada: User
) -> None:
    asked = discord.says(ada, "hello?")
    _, made, _ = await rest("POST", f"/channels/{discord.general.id}/webhooks", {"name": "U"})
    path = f"/webhooks/{made['id']}/{made['token']}?wait=true"
    body = {
        "content": "hi",
        "nonce": "7",
        "enforce_nonce": True,
        "message_reference": {"message_id": asked.id},
    }
    answers = [await rest("POST", path, body, token="none is needed") for _ in range(2)]
    assert [status for status, _, _ in answers] == [200, 200]
    assert all("message_reference" not in said and "nonce" not in said for _, said, _ in answers)
    assert len(discord.seen()) == 2
    assert discord.oddities == {"nonce", "enforce_nonce", "message_reference"}


async def test_a_channel_has_fifteen_webhooks_at_most(
    discord: FakeDiscord, bot: RealBot, webhook: discordpy.Webhook, ada: User
) -> None:
    theirs = [discord.makes_webhook(ada, f"News {number}") for number in range(14)]
    room = bot.place(discord.general)
    with pytest.raises(discordpy.HTTPException) as refused:
        await room.create_webhook(name="One more")
    assert refused.value.code == 30007
    discord.deletes_webhook(theirs[0])
    await room.create_webhook(name="One more")
    listed = await room.webhooks()
    assert len(listed) == 15
    own = [one for one in listed if one.user == bot.user]
    assert [one.name for one in own] == ["Understudy", "One more"]
    assert len(await room.guild.webhooks()) == 15


async def test_a_deleted_webhook_is_unknown(
    discord: FakeDiscord, bot: RealBot, webhook: discordpy.Webhook
) -> None:
    sent = await webhook.send("hi", wait=True)
    discord.deletes_webhook(discord.webhooks.all[str(webhook.id)])
    await bot.hears("webhooks_update")
    for doing in (webhook.send("gone?"), sent.edit(content="gone?"), webhook.delete()):
        with pytest.raises(discordpy.NotFound) as refused:
            await doing
        assert refused.value.code == 10015


async def test_a_deleted_channel_takes_its_webhooks_with_it(
    discord: FakeDiscord, bot: RealBot, webhook: discordpy.Webhook
) -> None:
    discord.deletes_channel(discord.general)
    with pytest.raises(discordpy.NotFound) as refused:
        await webhook.send("gone?")
    assert refused.value.code == 10015


async def test_a_wrong_token_opens_nothing(
    discord: FakeDiscord, bot: RealBot, webhook: discordpy.Webhook
) -> None:
    thief = discordpy.Webhook.partial(webhook.id, "wrong", client=bot)
    with pytest.raises(discordpy.HTTPException) as refused:
        await thief.send("hi")
    assert (refused.value.status, refused.value.code) == (401, 50027)


async def test_managing_webhooks_needs_permission_but_speaking_does_not(
    discord: FakeDiscord, bot: RealBot, webhook: discordpy.Webhook
) -> None:
    discord.forbids(discord.general, Permission.MANAGE_WEBHOOKS)
    room = bot.place(discord.general)
    for doing in (room.webhooks(), room.create_webhook(name="U"), webhook.edit(name="V")):
        with pytest.raises(discordpy.Forbidden) as refused:
            await doing
        assert refused.value.code == 50013
    await webhook.send("still here")
    assert [one.content for one in discord.seen()] == ["still here"]


async def test_every_webhook_has_a_bucket_of_its_own(discord: FakeDiscord, rest: Rest) -> None:
    paths = []
    for name in ("one", "two"):
        _, made, _ = await rest("POST", f"/channels/{discord.general.id}/webhooks", {"name": name})
        paths.append(f"/webhooks/{made['id']}/{made['token']}")
    answers = [await rest("POST", paths[0], {"content": "hi"}) for _ in range(6)]
    assert [status for status, _, _ in answers] == [204] * 5 + [429]
    assert 0 < answers[5][1]["retry_after"] <= 2
    assert (await rest("POST", paths[1], {"content": "hi"}))[0] == 204
    assert (await rest.send(content="hi"))[0] == 200


async def test_the_real_client_waits_for_a_webhooks_bucket(
    discord: FakeDiscord, webhook: discordpy.Webhook
) -> None:
    discord.limits.rules["webhook"] = Limit(5, 0.5)
    await asyncio.gather(*(webhook.send(str(number)) for number in range(7)))
    assert sorted(one.content for one in discord.seen()) == list("0123456")
