"""/admin persona import: a character card, attached to the command, becomes somebody who speaks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bot.cards_made import V1, V2, as_json, png, text
from tests.bot.platforms.stage import RunningBot, settled
from tests.fakes.admin import AdminRoutes
from tests.fakes.discord import FakeDiscord, Fault, File, Interaction
from tests.fakes.model import ModelServer, persona

ELF = {**V1, "name": "Elf"}


@pytest.fixture
def server(model: ModelServer, bot: RunningBot) -> AdminRoutes:
    model.personas = [persona("maya", current=3, versions=[1, 2, 3]), persona("tom", versions=[])]
    model.admin = AdminRoutes(model.personas)
    return model.admin


def imports(discord: FakeDiscord, card: bytes | dict[str, Any], **options: Any) -> Interaction:
    data = card if isinstance(card, bytes) else as_json(card)
    file = File("card.png" if data.startswith(b"\x89PNG") else "card.json", data)
    return discord.uses(discord.world.owner, "admin persona import", file=file, **options)


def card_of(server: AdminRoutes, name: str) -> dict[str, Any] | None:
    return next((one for one in server.personas if one["name"] == name), None)


async def test_a_picture_with_a_card_becomes_somebody_who_can_be_chosen_at_once(
    discord: FakeDiscord, model: ModelServer, server: AdminRoutes
) -> None:
    used = imports(discord, png(text(V2)))
    assert await used.answer() == (
        "**Séraphina Noir** (`seraphina-noir`) can speak now: /persona switch lets them.\n"
        "Not taken: its picture; the lorebook; 2 other greetings; extensions of other programs."
    )
    assert used.ephemeral
    ada = discord.person("Ada")
    said = await discord.uses(ada, "persona switch", name="séraphina noir").answer()
    assert said == "Séraphina Noir speaks here from now on."
    assert await settled(discord, discord.asks(ada, "hi")) == ["Hello there."]
    assert model.questions[-1]["model"] == "seraphina-noir"
    system = model.questions[-1]["messages"][0]["content"]
    assert system.startswith("You are Séraphina Noir. Stay in character. Write in the past tense.")


async def test_the_name_can_be_chosen(discord: FakeDiscord, server: AdminRoutes) -> None:
    assert "(`wood-elf`)" in await imports(discord, ELF, name="wood-elf").answer()
    card = card_of(server, "wood-elf")
    assert card is not None
    assert card["display_name"] == "Elf"


@pytest.mark.parametrize(
    ("card", "name", "words"),
    [
        (ELF, "base", "is the name of the model itself"),
        (ELF, "../tom", "1 to 32 of a-z"),
        ({**V1, "name": "Base"}, None, "is the name of the model itself"),
        ({**V1, "name": "雪"}, None, "I can't make a name of “雪”."),
        (b"hello", None, "There is no character card in that file."),
        (png(), None, "There is no character card in that file."),
    ],
)
async def test_what_can_not_be_taken_is_said_and_the_server_never_hears_of_it(
    discord: FakeDiscord,
    model: ModelServer,
    server: AdminRoutes,
    card: bytes | dict[str, Any],
    name: str | None,
    words: str,
) -> None:
    used = imports(discord, card, **({"name": name} if name else {}))
    assert words in await used.answer()
    assert used.ephemeral
    assert not any("/admin/" in one for one in model.asked)


async def test_nobody_is_replaced_unless_it_is_asked_for(
    discord: FakeDiscord, server: AdminRoutes
) -> None:
    said = await imports(discord, ELF, name="tom").answer()
    assert said.startswith("There is a persona `tom` already.")
    tom = card_of(server, "tom")
    assert tom is not None
    assert tom["display_name"] == "Tom"
    said = await imports(discord, ELF, name="tom", replace=True).answer()
    assert said == "**Elf** (`tom`) has a new card: /persona switch lets them."
    assert tom["display_name"] == "Elf"


async def test_the_card_of_a_trained_persona_is_not_replaced_without_a_word(
    discord: FakeDiscord, server: AdminRoutes
) -> None:
    server.personas[0]["sampling"] = {"temperature": 0.6, "min_p": 0.1, "max_tokens": 77}
    said = await imports(discord, ELF, name="maya", replace=True).answer()
    assert "It has 3 trained versions: while one of them speaks, its own prompt counts" in said
    maya = card_of(server, "maya")
    assert maya is not None
    assert maya["display_name"] == "Elf"
    assert maya["sampling"]["max_tokens"] == 77  # how it was trained to speak stays
    assert (maya["current"], maya["versions"]) == (3, [1, 2, 3])


async def test_a_long_card_is_taken_with_a_warning(
    discord: FakeDiscord, server: AdminRoutes
) -> None:
    said = await imports(discord, {**ELF, "description": "old as the woods, " * 200}).answer()
    assert "of the 1,024 tokens that the model can keep in mind" in said
    assert "its end will be cut off" in said


async def test_a_hostile_card_pings_nobody_and_is_only_text(
    discord: FakeDiscord, server: AdminRoutes
) -> None:
    hostile = {**V1, "name": "@everyone <@1> **x**", "description": "{{@here}} {{<@&1>}}"}
    used = imports(discord, hostile)
    said = await used.answer()
    assert "can speak now" in said
    assert "@everyone" not in said
    assert used.original is not None
    assert not used.original.pinged


async def test_a_file_that_is_too_large_is_not_even_fetched(
    discord: FakeDiscord, server: AdminRoutes
) -> None:
    used = imports(discord, b"x" * (8 * 1024**2 + 1))
    assert "too large" in await used.answer()
    assert not any(one.path.startswith("/attachments/") for one in discord.sent)


async def test_a_file_that_can_not_be_fetched_is_said(
    discord: FakeDiscord, server: AdminRoutes
) -> None:
    discord.breaks(Fault("GET", "/attachments/*", status=404))
    said = await imports(discord, ELF).answer()
    assert said == "I could not fetch that file from Discord. Attach it again."


async def test_what_the_server_has_against_a_card_is_said(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.admin_answer = (404, {"error": {"message": "Not Found"}})
    assert "is not Understudy's own" in await imports(discord, ELF).answer()
    model.admin_answer = (503, {"error": {"message": "the registry can't be written"}})
    said = await imports(discord, ELF).answer()
    assert said == "The inference server says: the registry can't be written"


async def test_only_managers_import_whatever_their_client_shows(
    discord: FakeDiscord, model: ModelServer, server: AdminRoutes
) -> None:
    file = File("card.json", as_json(ELF))
    ada = discord.person("Ada")
    used = discord.uses(ada, "admin persona import", forged=True, file=file)
    assert await used.answer() == "Only people who may manage this server can do that."
    assert card_of(server, "elf") is None
