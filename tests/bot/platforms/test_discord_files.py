"""Files that come with messages: texts are read, pictures looked at, the rest is named."""

from __future__ import annotations

import asyncio

import pytest

from bot.platforms.discord.files import TEXTS_MAX_CHARS
from bot.settings import Settings
from bot.wiring import App, wire
from tests.bot.platforms.stage import RunningBot, Script, bot_on, speaking
from tests.bot.platforms.stage_memory import messages, until_remembered, until_settled
from tests.fakes.discord import FakeDiscord, Fault, File
from tests.fakes.model import ModelServer

HELLO = "Hello there."
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
JPEG = b"\xff\xd8\xff\xe0" + bytes(40)


async def heard(discord: FakeDiscord, settings: Settings, app: App, *files: File) -> str:
    """What the conversation is told of a direct message with these files."""
    ada, script = discord.person("Ada"), Script()
    async with bot_on(discord, settings, speaking(app, script)):
        discord.says(ada, "look", discord.direct(ada), files=files)
        assert await discord.world.until(lambda: bool(discord.seen(discord.direct(ada))), 15)
    return script.heard[0].text


def notes(discord: FakeDiscord) -> list[str]:
    """The small lines under answers in direct messages."""
    said = [one.content for one in discord.world.messages if one.author is discord.bot]
    return [line[3:] for text in said for line in text.splitlines() if line.startswith("-# ")]


async def test_a_text_file_is_part_of_what_is_said_and_remembered(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    file = File("my notes.txt", "grüß dich\r\nzweite Zeile\n".encode())
    discord.says(ada, f"{discord.bot.mention} what is in it?", files=[file])
    await until_settled(app, discord)
    whole = "what is in it?\n[file: my_notes.txt]\ngrüß dich\nzweite Zeile\n[end of my_notes.txt]"
    assert model.questions[-1]["messages"][-1]["content"] == f"Ada: {whole}"
    assert await messages(app, ada) == [whole]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("a;b\n1;2".encode("utf-8-sig"), "a;b\n1;2"),
        ("naïve".encode("cp1252"), "naïve"),
        ("hello".encode("utf-16"), "hello"),
        (b"", ""),
    ],
)
async def test_texts_of_other_encodings_are_read(
    discord: FakeDiscord, settings: Settings, app: App, data: bytes, text: str
) -> None:
    said = await heard(discord, settings, app, File("data.csv", data))
    assert said == f"look\n[file: data.csv]\n{text}\n[end of data.csv]"
    assert notes(discord) == []


@pytest.mark.parametrize("data", [PNG, b"text\0text", b"\x01\x02\x03 a little text"])
async def test_a_file_that_lies_about_its_type_is_named_and_not_read(
    discord: FakeDiscord, settings: Settings, app: App, data: bytes
) -> None:
    said = await heard(discord, settings, app, File("innocent.txt", data))
    assert said == "look\n[file: innocent.txt, not read: it is not text]"
    assert notes(discord) == ["I could not read innocent.txt: it is not text."]


async def test_a_huge_file_is_not_even_asked_for(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    said = await heard(discord, settings, app, File("big.log", b"x" * 65_537))
    assert said == "look\n[file: big.log, not read: it is larger than 64 kB]"
    assert notes(discord) == ["I could not read big.log: it is larger than 64 kB."]
    assert not [one for one in discord.sent if one.path.startswith("/attachments")]


async def test_a_long_file_is_cut_in_its_middle_and_says_so(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    said = await heard(discord, settings, app, File("a.py", b"begin" + b"x" * 60_000 + b"end"))
    assert said.startswith("look\n[file: a.py, 60008 characters, the middle is left out]\nbeginx")
    assert said.endswith("xend\n[end of a.py]")
    assert len(said) < TEXTS_MAX_CHARS + 200


async def test_three_files_are_read_and_the_others_named(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    files = [File(f"{number}.txt", f"text {number}".encode()) for number in range(5)]
    said = await heard(discord, settings, app, *files)
    assert "text 2" in said
    assert said.endswith("[file: 4.txt, not read: I read 3 files at a time]")
    assert "text 3" not in said


async def test_what_is_no_text_is_named(discord: FakeDiscord, settings: Settings, app: App) -> None:
    files = [
        File("cat.png", PNG),
        File("song.mp3", b"ID3"),
        File("film.mp4", b"...."),
        File("paper.pdf", b"%PDF-1.7"),
    ]
    said = await heard(discord, settings, app, *files)
    assert said.splitlines()[1:] == [
        "[picture: cat.png]", "[audio: song.mp3]", "[video: film.mp4]", "[file: paper.pdf]"
    ]  # fmt: skip
    assert notes(discord) == [
        "I can't look at pictures.",
        "I can't listen to song.mp3.",
        "I can't watch film.mp4.",
        "I can't read paper.pdf.",
    ]


async def test_a_files_name_is_only_a_name(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    said = await heard(discord, settings, app, File("x]\n@everyone **a**`.zip", b"PK"))
    assert said == "look\n[file: x_everyone_a_.zip]"


@pytest.mark.parametrize("status", [404, 403, 500])
async def test_a_file_that_discord_does_not_hand_over_is_named(
    discord: FakeDiscord, settings: Settings, app: App, status: int
) -> None:
    discord.breaks(Fault("GET", "/attachments/*", status=status))
    said = await heard(discord, settings, app, File("a.txt", b"text"))
    assert said == "look\n[file: a.txt, not read: Discord did not hand it over]"


async def test_a_slow_file_holds_up_nobody_and_is_given_up(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    ada, bee, script = discord.person("Ada"), discord.person("Bee"), Script()
    discord.breaks(Fault("GET", "/attachments/*", "slow", delay_s=60))
    async with bot_on(discord, settings, speaking(app, script)):
        discord.says(ada, f"{discord.bot.mention} look", files=[File("a.txt", b"text")])
        discord.asks(bee, "hi")
        assert await discord.world.until(lambda: len(script.heard) == 2, 20)
    assert [one.text for one in script.heard] == [
        "hi", "look\n[file: a.txt, not read: it took Discord too long to hand it over]"
    ]  # fmt: skip


async def test_a_message_deleted_while_its_file_is_read_is_not_answered(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    ada, script = discord.person("Ada"), Script()
    slow = discord.breaks(Fault("GET", "/attachments/*", "slow", delay_s=3))
    async with bot_on(discord, settings, speaking(app, script)):
        said = discord.says(ada, f"{discord.bot.mention} look", files=[File("a.txt", b"text")])
        assert await discord.world.until(lambda: slow.seen == 1, 5)
        discord.deletes(said)
        assert await discord.world.until(lambda: bool(discord.requests("GET", "a.txt")), 8)
        discord.asks(ada, "hi")
        await discord.until_says(script.ending)
    assert [one.text for one in script.heard] == ["hi"]


async def test_an_edit_keeps_what_the_file_said(
    discord: FakeDiscord, app: App, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    said = discord.says(ada, f"{discord.bot.mention} lok", files=[File("a.txt", b"text")])
    await until_settled(app, discord)
    discord.edits(said, f"{discord.bot.mention} look")
    await until_remembered(app, ada, ["look\n[file: a.txt]\ntext\n[end of a.txt]"])


async def test_a_file_of_the_message_replied_to_is_read(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada, bee = discord.person("Ada"), discord.person("Bee")
    shown = discord.says(bee, "my poem", files=[File("poem.txt", b"roses")])
    discord.says(ada, f"{discord.bot.mention} is it good?", reply_to=shown)
    await discord.until_says(HELLO)
    assert model.questions[-1]["messages"][-1]["content"].endswith(
        "Bee: my poem\n[file: poem.txt]\nroses\n[end of poem.txt]\nAda: is it good?"
    )


async def test_stickers_polls_forwards_and_embeds_are_named(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    poll = {
        "question": {"text": "Tea?"},
        "answers": [{"answer_id": 1, "poll_media": {"text": "yes"}},
                    {"answer_id": 2, "poll_media": {"text": "no"}}],
        "expiry": "2030-01-01T00:00:00+00:00",
        "allow_multiselect": False,
        "layout_type": 1,
    }  # fmt: skip
    more = {
        "sticker_items": [{"id": "1", "name": "wave", "format_type": 1}],
        "poll": poll,
        "embeds": [{"type": "rich", "title": "A  title"}],
    }
    discord.says(ada, "", discord.direct(ada), more=more)
    await discord.until_says(HELLO, discord.direct(ada))
    assert model.questions[-1]["messages"][-1]["content"] == (
        "Ada: [sticker: wave]\n[poll: Tea? yes / no]\n[embed: A title]"
    )


# -- pictures -------------------------------------------------------------------------------


async def test_that_pictures_are_not_looked_at_is_said_once_in_a_while(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    for number in range(3):
        before = len(discord.seen())
        text = f"{discord.bot.mention} look {number}"
        discord.says(ada, text, files=[File("cat.png", PNG)])
        assert await discord.world.until(lambda: len(discord.seen()) > before, 5)  # noqa: B023
    blind = f"{HELLO}\n-# I can't look at pictures."
    await discord.until_says(blind)
    async with asyncio.timeout(5):
        while sorted(one.content for one in discord.seen()) != sorted([blind, HELLO, HELLO]):
            await asyncio.sleep(0.05)
    assert "look at pictures" not in str(model.questions)
    assert "Ada: look 0\n[picture: cat.png]" in str(model.questions[0]["messages"]).replace(
        "\\n", "\n"
    )


async def test_a_model_that_takes_pictures_is_shown_true_ones(
    discord: FakeDiscord, settings: Settings, model: ModelServer
) -> None:
    model.models = [{"id": "base", "max_model_len": 16_384}]
    seeing = settings.model_copy(update={"images": True})
    ada, bee = discord.person("Ada"), discord.person("Bee")
    shown = discord.says(bee, "my dog", files=[File("dog.jpg", JPEG)])
    files = [
        File("cat.jpg", PNG),  # its bytes say what it is
        File("lie.png", b"<html>"),
        File("huge.png", PNG + bytes(4 * 2**20)),
    ]
    async with wire(seeing) as app, bot_on(discord, seeing, app):
        discord.says(ada, f"{discord.bot.mention} whose?", reply_to=shown, files=files)
        answer = await discord.until_says(HELLO)
        assert "-# " not in answer.content
    text, *pictures = model.questions[-1]["messages"][-1]["content"]
    assert text["text"].endswith("[picture: cat.jpg]\n[picture: lie.png]\n[picture: huge.png]")
    kinds = [one["image_url"]["url"].partition(";")[0] for one in pictures]
    assert kinds == ["data:image/png", "data:image/jpeg"]
