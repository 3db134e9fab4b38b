"""Buttons, menus and modals, made by the real discord.py client and used by people."""

from __future__ import annotations

import asyncio
from typing import Any

import discord as discordpy
import pytest
from discord import ui

from tests.fakes.clients import RealBot, Rest
from tests.fakes.discord import FakeDiscord, Message, Permission, User

ROW: dict[str, Any] = {"type": 1}
BUTTON: dict[str, Any] = {"type": 2, "style": 1, "label": "Again", "custom_id": "again"}
MENU: dict[str, Any] = {"type": 3, "custom_id": "who", "options": [{"label": "a", "value": "a"}]}


@pytest.fixture
def ada(discord: FakeDiscord) -> User:
    return discord.person("Ada")


class Buttons(ui.View):
    def __init__(self) -> None:
        super().__init__(timeout=None)
        self.add_item(ui.Button(label="Again", custom_id="again"))
        self.add_item(ui.Button(emoji="👍", custom_id="up"))
        self.add_item(ui.Button(label="Stop", custom_id="stop", disabled=True))
        self.add_item(ui.Button(label="Docs", url="https://example.org"))
        options = [
            discordpy.SelectOption(label=name.title(), value=name) for name in ("maya", "tom")
        ]
        self.add_item(ui.Select(custom_id="who", placeholder="Who?", options=options))


@pytest.fixture
async def answer(discord: FakeDiscord, bot: RealBot) -> Message:
    """A message of the bot with all of it."""
    await bot.place(discord.general).send("an answer", view=Buttons())
    return discord.seen()[0]


def rows(*buttons: dict[str, Any]) -> dict[str, Any]:
    return {"components": [ROW | {"components": list(buttons)}]}


@pytest.mark.parametrize(
    "body",
    [
        {"components": [ROW | {"components": [BUTTON | {"custom_id": str(n)}]} for n in range(6)]},
        {"components": [BUTTON]},
        rows(),
        rows(*(BUTTON | {"custom_id": str(number)} for number in range(6))),
        rows(BUTTON, BUTTON),
        rows(BUTTON | {"custom_id": ""}),
        rows(BUTTON | {"custom_id": "x" * 101}),
        rows(BUTTON | {"label": "x" * 81}),
        rows(BUTTON | {"label": ""}),
        rows(BUTTON | {"style": 9}),
        rows(BUTTON | {"style": 5}),
        rows(BUTTON | {"url": "https://example.org"}),
        rows(BUTTON, MENU),
        rows(MENU | {"options": []}),
        rows(MENU | {"options": MENU["options"] * 2}),
        rows(MENU | {"max_values": 26}),
        rows({"type": 4, "custom_id": "t", "style": 1, "label": "text"}),
    ],
)
async def test_components_out_of_shape_are_refused(
    discord: FakeDiscord, rest: Rest, body: dict[str, Any]
) -> None:
    status, refused, _ = await rest.send(content="hi", **body)
    assert (status, refused["code"]) == (400, 50035)
    assert discord.seen() == []


async def test_a_press_is_told_with_its_message(
    discord: FakeDiscord, bot: RealBot, answer: Message, ada: User
) -> None:
    used = discord.presses(ada, answer, "Again")
    pressed = await bot.hears("interaction")
    assert pressed.type is discordpy.InteractionType.component
    assert pressed.data["custom_id"] == "again"
    assert (pressed.message.id, pressed.message.content) == (int(answer.id), "an answer")
    assert pressed.user.id == int(ada.id)
    await pressed.response.defer()
    await used.taken()
    assert used.text is None
    await pressed.followup.send("another answer", view=Buttons())
    assert [one.content for one in discord.seen()] == ["an answer", "another answer"]


async def test_an_answer_in_place_changes_the_message_and_its_buttons(
    discord: FakeDiscord, bot: RealBot, answer: Message, ada: User
) -> None:
    used = discord.presses(ada, answer, "👍")
    pressed = await bot.hears("interaction")
    await pressed.response.edit_message(content="thank you", view=None)
    assert used.updates
    assert (answer.content, answer.components) == ("thank you", [])
    await bot.hears("message_edit")
    with pytest.raises(LookupError):
        discord.presses(ada, answer, "Again")
    with pytest.raises(discordpy.HTTPException) as refused:
        await bot.http.request(
            discordpy.http.Route("POST", f"/interactions/{pressed.id}/{pressed.token}/callback"),
            json={"type": 6},
        )
    assert refused.value.code == 40060


async def test_a_deferred_update_edits_the_message_later(
    discord: FakeDiscord, bot: RealBot, answer: Message, ada: User
) -> None:
    discord.presses(ada, answer, "Again")
    pressed = await bot.hears("interaction")
    await pressed.response.defer()
    await pressed.edit_original_response(content="a better answer")
    assert answer.content == "a better answer"
    assert len(discord.seen()) == 1


async def test_a_private_answer_is_seen_and_pressed_by_one_person(
    discord: FakeDiscord, bot: RealBot, answer: Message, ada: User
) -> None:
    used = discord.presses(ada, answer, "Again")
    pressed = await bot.hears("interaction")
    await pressed.response.send_message("only you", ephemeral=True, view=Buttons())
    assert await used.answer() == "only you"
    assert used.original is not None
    assert len(discord.seen()) == 1
    with pytest.raises(LookupError):
        discord.presses(discord.person("Bee"), used.original, "Again")
    discord.presses(ada, used.original, "Again")
    again = await bot.hears("interaction")
    assert again.message.flags.ephemeral
    await again.response.edit_message(content="still only you")
    assert used.text == "still only you"
    assert [name for name, _ in bot.told if name == "raw_message_edit"] == []


async def test_followups_are_edited_and_deleted_by_their_id(
    discord: FakeDiscord, bot: RealBot, answer: Message, ada: User
) -> None:
    used = discord.presses(ada, answer, "Again")
    pressed = await bot.hears("interaction")
    await pressed.response.defer()
    sent = await pressed.followup.send("one", wait=True)
    await sent.edit(content="two")
    assert [one.content for one in used.followups] == ["two"]
    await sent.delete()
    assert len(discord.seen()) == 1
    with pytest.raises(discordpy.NotFound):
        await sent.edit(content="three")


async def test_what_a_client_does_not_let_through_is_not_pressed(
    discord: FakeDiscord, bot: RealBot, answer: Message, ada: User
) -> None:
    with pytest.raises(PermissionError, match="disabled"):
        discord.presses(ada, answer, "Stop")
    with pytest.raises(PermissionError, match="link"):
        discord.presses(ada, answer, "Docs")
    with pytest.raises(LookupError):
        discord.presses(ada, answer, "Undo")
    discord.deletes(answer)
    with pytest.raises(LookupError):
        discord.presses(ada, answer, "Again")


async def test_a_menu_tells_what_was_chosen(
    discord: FakeDiscord, bot: RealBot, answer: Message, ada: User
) -> None:
    discord.chooses(ada, answer, "Tom")
    chosen = await bot.hears("interaction")
    assert (chosen.data["custom_id"], chosen.data["values"]) == ("who", ["tom"])
    with pytest.raises(LookupError):
        discord.chooses(ada, answer, "Maya", "Tom")  # one at most


async def test_a_button_made_before_the_client_started_works(
    discord: FakeDiscord, bot: RealBot, rest: Rest, ada: User
) -> None:
    await rest.send(content="an old answer", **rows(BUTTON))
    (answer,) = discord.seen()
    heard = asyncio.Event()

    class Again(ui.View):
        @ui.button(label="Again", custom_id="again")
        async def again(self, interaction: discordpy.Interaction, _: ui.Button[Again]) -> None:
            await interaction.response.edit_message(content="again!")
            heard.set()

    bot.add_view(Again(timeout=None))
    discord.presses(ada, answer, "Again")
    await asyncio.wait_for(heard.wait(), 5)
    assert answer.content == "again!"


async def test_buttons_under_a_webhooks_message_work(
    discord: FakeDiscord, bot: RealBot, ada: User
) -> None:
    discord.world.guild.roles[1].permissions |= Permission.MANAGE_WEBHOOKS
    webhook = await bot.place(discord.general).create_webhook(name="Understudy")
    sent = await webhook.send("as Maya", username="Maya", view=Buttons(), wait=True)
    discord.presses(ada, discord.seen()[0], "Again")
    pressed = await bot.hears("interaction")
    assert pressed.message.webhook_id == webhook.id
    await pressed.response.edit_message(content="as Maya again")
    assert discord.seen()[0].author.display_name == "Maya"
    await sent.edit(view=None)
    assert discord.seen()[0].components == []


async def test_a_webhook_of_a_person_shows_no_buttons(discord: FakeDiscord, rest: Rest) -> None:
    made = discord.makes_webhook(discord.person("Ada"), "News")
    path = f"/webhooks/{made.id}/{made.token}"
    body = {"content": "hi"} | rows(BUTTON)
    assert (await rest("POST", path, body))[0] == 204
    assert discord.world.messages[0].components == []
    status, refused, _ = await rest("POST", path + "?with_components=true", body)
    assert (status, refused["code"]) == (400, 50035)


# -- modals -----------------------------------------------------------------------------------


class Why(ui.Modal, title="They wouldn't say that"):
    reason: ui.Label[Why] = ui.Label(
        text="Why?", component=ui.TextInput(custom_id="reason", max_length=20)
    )
    better: ui.TextInput[Why] = ui.TextInput(
        label="What instead?", custom_id="better", required=False
    )

    def __init__(self) -> None:
        super().__init__(custom_id="why")
        self.heard: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

    async def on_submit(self, interaction: discordpy.Interaction) -> None:
        assert isinstance(self.reason.component, ui.TextInput)
        said = {"why": self.reason.component.value, "better": self.better.value}
        self.heard.set_result(said | {"about": interaction.message})
        await interaction.response.edit_message(content="noted")


async def test_a_modal_is_opened_filled_in_and_submitted(
    discord: FakeDiscord, bot: RealBot, answer: Message, ada: User
) -> None:
    used = discord.presses(ada, answer, "Again")
    pressed = await bot.hears("interaction")
    modal = Why()
    await pressed.response.send_modal(modal)
    assert (await used.opens())["title"] == "They wouldn't say that"
    submitted = discord.submits(used, {"Why?": "too polite"})
    heard = await asyncio.wait_for(modal.heard, 5)
    assert (heard["why"], heard["better"]) == ("too polite", "")
    assert heard["about"].id == int(answer.id)
    await submitted.taken()
    assert answer.content == "noted"


async def test_a_modal_is_checked_by_the_client(
    discord: FakeDiscord, bot: RealBot, answer: Message, ada: User
) -> None:
    used = discord.presses(ada, answer, "Again")
    with pytest.raises(LookupError):
        discord.submits(used, {"Why?": "no modal yet"})
    await (await bot.hears("interaction")).response.send_modal(Why())
    with pytest.raises(ValueError, match="filled in"):
        discord.submits(used, {"better": "hm"})
    with pytest.raises(ValueError, match="20 characters"):
        discord.submits(used, {"reason": "x" * 21})
    with pytest.raises(LookupError):
        discord.submits(used, {"Who?": "me"})


@pytest.mark.parametrize(
    "wrong",
    [{"title": "x" * 46}, {"custom_id": ""}, {"components": []}, rows(BUTTON), rows(BUTTON, MENU)],
)
async def test_a_modal_out_of_shape_is_refused(
    discord: FakeDiscord, rest: Rest, wrong: dict[str, Any]
) -> None:
    await rest.send(content="hi", **rows(BUTTON))
    used = discord.presses(discord.person("Ada"), discord.seen()[0], "Again")
    text = {"type": 4, "custom_id": "t", "style": 1, "label": "Why?"}
    modal = {"custom_id": "why", "title": "Why?"} | rows(text) | wrong
    path = f"/interactions/{used.id}/{used.token}/callback"
    status, refused, _ = await rest("POST", path, {"type": 9, "data": modal})
    assert (status, refused["code"]) == (400, 50035)
    assert used.modal is None
