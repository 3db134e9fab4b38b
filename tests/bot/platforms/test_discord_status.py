"""/admin status: what works, what does not, in plain words and in one message."""

from __future__ import annotations

import re

import pytest

from bot.platforms.discord.splitting import MESSAGE_MAX_CHARS
from bot.settings import Settings
from bot.wiring import wire
from tests.bot.platforms.stage import RunningBot, bot_on
from tests.fakes.admin import AdminRoutes
from tests.fakes.discord import FakeDiscord, Interaction
from tests.fakes.model import ModelServer, persona

LONG_REASON = "the version's files are not those of its manifest, " * 20


@pytest.fixture
def server(model: ModelServer, bot: RunningBot) -> AdminRoutes:
    model.personas = [persona("maya", current=3), persona("tom", current=None)]
    model.admin = AdminRoutes(model.personas)
    return model.admin


def status(discord: FakeDiscord) -> Interaction:
    return discord.uses(discord.world.owner, "admin status")


async def test_where_all_is_well_it_says_so(discord: FakeDiscord, server: AdminRoutes) -> None:
    used = status(discord)
    said = await used.answer()
    voice, maya, tom, memory, process = said.splitlines()
    assert voice == "**Inference server**: ready; its registry is reachable."
    assert maya == "- `maya`: version 3"
    assert tom == "- `tom`: the base model"
    assert re.fullmatch(r"\*\*Memory\*\* \(Redis\): answers in \d+\.\d ms\.", memory)
    assert re.fullmatch(
        r"\*\*This process\*\*: shard 0 of 1, 1 server, since <t:\d+:R>, 0 answers under way\.",
        process,
    )
    assert used.ephemeral


async def test_trouble_comes_first_and_no_address_is_told(
    discord: FakeDiscord, server: AdminRoutes
) -> None:
    server.desired["tom"] = 2
    server.degraded["tom"] = "version 2 can't be fetched from s3://me:secret@store/x @everyone"
    server.degraded["registry"] = "the registry /home/me/registry can't be read"
    server.reachable, server.trouble = False, "s3://me:secret@store/x"
    server.busy.add("maya")
    server.rollouts["maya"] = {"version": 4, "step": "probe", "seconds": {"validate": 1.0}}
    used = status(discord)
    said = await used.answer()
    assert "ready, degraded; its registry can't be reached" in said
    maya, tom = said.splitlines()[1:3]
    assert maya.startswith("- `maya`: version 3 — version 4 comes: validate ✓ probe …")
    assert tom.startswith("- `tom`: the base model, but should be version 2 — version 2 can't be")
    assert "secret" not in said
    assert "/home" not in said
    assert used.original is not None
    assert not used.original.pinged


async def test_a_registry_that_can_not_be_read_asks_nobody_to_be_the_base_model(
    discord: FakeDiscord, server: AdminRoutes
) -> None:
    server.desired["maya"] = None
    assert "- `maya`: version 3\n" in await status(discord).answer()


async def test_what_nobody_looks_at_while_all_seems_well_is_told(
    discord: FakeDiscord, server: AdminRoutes
) -> None:
    assert "log" not in await status(discord).answer()
    server.audit_trouble = server.keys_trouble = "/home/me/keys: permission denied"
    said = await status(discord).answer()
    assert "What administrators do is not written down there" in said
    assert "Its keys are older than their files" in said
    assert "/home" not in said


async def test_any_number_of_personas_fits_into_one_message_those_in_trouble_first(
    discord: FakeDiscord, model: ModelServer, server: AdminRoutes
) -> None:
    server.personas[:] = [persona(f"actor-{number:03}") for number in range(300)]
    server.degraded["actor-299"] = LONG_REASON
    said = await status(discord).answer()
    assert len(said) <= MESSAGE_MAX_CHARS
    lines = said.splitlines()
    assert lines[1].startswith("- `actor-299`: version 1 — the version's files")
    assert re.fullmatch(r"… and \d+ more", lines[-3])
    shown = sum(line.startswith("- `") for line in lines)
    assert shown + int(lines[-3].split()[2]) == 300
    assert lines[-1].startswith("**This process**")


async def test_a_server_that_is_not_ours_is_told_as_far_as_it_is_known(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.personas = None
    model.admin_answer = (404, {"detail": "Not Found"})
    said = await status(discord).answer()
    assert "is not Understudy's own" in said
    assert "It lists `base`. Who can speak: `understudy`." in said
    assert "Redis" in said


async def test_a_wrong_key_names_the_setting(
    discord: FakeDiscord, settings: Settings, model: ModelServer
) -> None:
    keyless = settings.model_copy(update={"admin_api_key": None})
    async with wire(keyless) as app, bot_on(discord, keyless, app):
        said = await status(discord).answer()
    assert "set ADMIN_API_KEY" in said
    assert "Who can speak: `maya`, `tom`." in said


async def test_a_server_that_is_away_and_one_that_talks_nonsense_are_said(
    discord: FakeDiscord, model: ModelServer, settings: Settings, bot: RunningBot
) -> None:
    model.admin_answer = (200, {"personas": 7})
    assert "The inference server refused that." in await status(discord).answer()
    away = settings.model_copy(update={"inference_url": "http://127.0.0.1:9"})
    await bot.stop()
    assert await discord.world.until(lambda: not discord.gateway.online, 5)
    async with wire(away) as app, bot_on(discord, away, app):
        said = await status(discord).answer()
    assert "**Inference server**: away." in said
    assert "Nothing was changed" not in said
    assert "**Memory** (Redis): answers" in said
