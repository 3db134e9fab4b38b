"""What people do with messages, as the real discord.py client is told of it."""

from __future__ import annotations

import io

import discord as discordpy
import pytest

from tests.fakes.clients import RealBot
from tests.fakes.discord import FakeDiscord, Fault, File, Message, Permission, User
from tests.fakes.discord.sessions import Intent

PIXEL = b"\x89PNG\r\n\x1a\n\x00\r\nnot really\n"


@pytest.fixture
def ada(discord: FakeDiscord) -> User:
    return discord.person("Ada")


async def test_an_edit_by_a_person_is_told_with_the_new_text(
    discord: FakeDiscord, bot: RealBot, ada: User
) -> None:
    said = discord.says(ada, "helo")
    await bot.hears("message")
    discord.edits(said, f"hello {discord.bot.mention}")
    before, after = await bot.hears("message_edit")
    assert (before.content, after.content) == ("helo", f"hello {discord.bot.mention}")
    assert after.edited_at is not None
    assert bot.user in after.mentions
    assert said.pinged == set()  # an edit notifies nobody


def test_nobody_edits_the_words_of_the_bot(discord: FakeDiscord) -> None:
    with pytest.raises(PermissionError):
        discord.edits(discord.says(discord.bot, "mine"), "yours")


async def test_a_deletion_by_a_person_is_told(
    discord: FakeDiscord, bot: RealBot, ada: User
) -> None:
    said = discord.says(ada, "never mind")
    await bot.hears("message")
    discord.deletes(said)
    gone = await bot.hears("raw_message_delete")
    assert (gone.message_id, gone.channel_id) == (int(said.id), int(discord.general.id))
    assert gone.guild_id == int(discord.world.guild.id)
    with pytest.raises(discordpy.NotFound):
        await bot.place(discord.general).fetch_message(int(said.id))


async def test_a_moderator_clears_many_messages_in_one_event(
    discord: FakeDiscord, bot: RealBot, ada: User
) -> None:
    said = [discord.says(ada, text) for text in ("one", "two", "three")]
    discord.deletes_all(said[:2])
    gone = await bot.hears("raw_bulk_message_delete")
    assert gone.message_ids == {int(one.id) for one in said[:2]}
    left = [one.content async for one in bot.place(discord.general).history()]
    assert left == ["three"]


async def test_what_the_bot_may_not_see_is_not_told(
    discord: FakeDiscord, bot: RealBot, ada: User
) -> None:
    secret = discord.channel("secret")
    discord.forbids(secret, Permission.VIEW_CHANNEL)
    said = discord.says(ada, "behind your back", secret)
    discord.edits(said, "still there")
    discord.deletes(said)
    discord.says(ada, "hello")
    assert (await bot.hears("message")).content == "hello"
    assert [name for name, _ in bot.told if name.startswith(("message", "raw_message"))] == []


async def test_an_attachment_is_described_and_its_bytes_are_served(
    discord: FakeDiscord, bot: RealBot, ada: User
) -> None:
    files = [File("my notes.txt", "naïve".encode()), File("a.png", PIXEL, width=3, height=2)]
    discord.says(ada, "look", files=files)
    notes, image = (await bot.hears("message")).attachments
    assert (notes.filename, notes.size) == ("my_notes.txt", 6)
    assert notes.content_type == "text/plain; charset=utf-8"
    assert await notes.read() == "naïve".encode()
    assert (image.content_type, image.width, image.height) == ("image/png", 3, 2)
    assert await image.read() == PIXEL


async def test_an_attachment_may_be_gone_or_broken(
    discord: FakeDiscord, bot: RealBot, ada: User
) -> None:
    said = discord.says(ada, "look", files=[File("notes.txt", b"notes")])
    (notes,) = (await bot.hears("message")).attachments
    discord.breaks(Fault("GET", "/attachments/*"))
    with pytest.raises(discordpy.HTTPException):
        await notes.read()
    discord.deletes(said)
    with pytest.raises(discordpy.NotFound):
        await notes.read()


async def test_a_file_that_the_bot_sends_arrives_byte_for_byte(
    discord: FakeDiscord, bot: RealBot, ada: User
) -> None:
    room = bot.place(discord.general)
    data = bytes(range(256)) + b"\r\n\r\n--\n"
    file = discordpy.File(io.BytesIO(data), "export.json", description="all of it")
    sent = await room.send("here you are", file=file)
    (attachment,) = discord.seen()[0].attachments
    assert attachment.file.data == data
    assert attachment.file.description == "all of it"
    assert sent.attachments[0].content_type == "application/json"
    assert await sent.attachments[0].read() == data
    await sent.edit(attachments=[])
    assert discord.seen()[0].attachments == []
    assert discord.requests("POST", "/messages")[0].body["content"] == "here you are"


async def test_files_need_their_permission(discord: FakeDiscord, bot: RealBot) -> None:
    discord.forbids(discord.general, Permission.ATTACH_FILES)
    with pytest.raises(discordpy.Forbidden) as refused:
        await bot.place(discord.general).send(file=discordpy.File(io.BytesIO(b"x"), "x.txt"))
    assert refused.value.code == 50013


@pytest.fixture
def nine(discord: FakeDiscord, ada: User) -> list[Message]:
    return [discord.says(ada, str(number)) for number in range(9)]


@pytest.mark.parametrize(
    ("anchor", "limit", "texts"),
    [
        (None, 3, "876"),
        ("before", 3, "321"),
        ("after", 3, "567"),  # discord.py turns them round: oldest first after an id
        ("around", 3, "543"),
        ("around", 100, "876543210"),
    ],
)
async def test_history_is_read_from_any_point(
    discord: FakeDiscord,
    bot: RealBot,
    nine: list[Message],
    anchor: str | None,
    limit: int,
    texts: str,
) -> None:
    at = {} if anchor is None else {anchor: discordpy.Object(int(nine[4].id))}
    room = bot.place(discord.general)
    assert "".join([one.content async for one in room.history(limit=limit, **at)]) == texts


async def test_history_needs_its_permission(
    discord: FakeDiscord, bot: RealBot, nine: list[Message]
) -> None:
    discord.forbids(discord.general, Permission.READ_MESSAGE_HISTORY)
    room = bot.place(discord.general)
    assert [one async for one in room.history()] == []
    with pytest.raises(discordpy.Forbidden):
        await room.fetch_message(int(nine[0].id))


async def test_an_application_without_message_content_reads_blanks_in_history_too(
    discord: FakeDiscord, bot: RealBot, ada: User
) -> None:
    discord.says(ada, "a secret")
    discord.asks(ada, "for you")
    discord.gateway.allowed_privileged = Intent(0)
    read = [one.content async for one in bot.place(discord.general).history()]
    assert read == [f"{discord.bot.mention} for you", ""]
