"""/admin reload and rollback: versions offered, steps shown while they run, how they end."""

from __future__ import annotations

import asyncio

import pytest

from bot.errors import NotOperator
from bot.platforms.discord.commands import admin_rollouts
from bot.settings import Settings
from bot.wiring import wire
from tests.bot.cards_made import V1, as_json
from tests.bot.platforms.stage import RunningBot, bot_on
from tests.fakes.admin import AdminRoutes
from tests.fakes.discord import FakeDiscord, File, Interaction, Permission
from tests.fakes.model import ModelServer, persona

MAYA = {"current": 3, "versions": [1, 2, 3, 4, 12]}


@pytest.fixture
def rollouts(model: ModelServer, bot: RunningBot) -> AdminRoutes:
    model.personas = [persona("maya", display_name="Maya Lind", **MAYA), persona("tom")]
    model.admin = AdminRoutes(model.personas)
    return model.admin


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_rollouts, "PROGRESS_EVERY_S", 0.05)


def admin(discord: FakeDiscord, what: str, **options: object) -> Interaction:
    return discord.uses(discord.world.owner, f"admin {what}", **options)


async def outcome(discord: FakeDiscord, used: Interaction) -> str:
    def ended() -> bool:
        return bool(used.text and "…" not in used.text)

    assert await discord.world.until(ended, 10), used.text
    assert used.text is not None
    return used.text


def all_shown(used: Interaction) -> list[str]:
    assert used.original is not None
    return [text.content for text in used.original.texts]


@pytest.mark.usefixtures("_quick")
async def test_the_steps_are_shown_while_they_run_then_the_outcome(
    discord: FakeDiscord, rollouts: AdminRoutes
) -> None:
    rollouts.holds = {"load": asyncio.Event(), "probe": asyncio.Event()}
    used = admin(discord, "reload", persona="maya", version=4)
    assert await used.answer() == "maya, version 4: validate ✓ load …"
    rollouts.holds["load"].set()
    probing = "maya, version 4: validate ✓ load ✓ probe …"
    assert await discord.world.until(lambda: used.text == probing, 10)
    rollouts.holds["probe"].set()
    said = await outcome(discord, used)
    assert said.startswith("maya speaks with version 4 now (before: version 3).")
    assert "0.0 s" not in said
    assert used.ephemeral
    assert len(all_shown(used)) <= 8  # nothing is edited while nothing changes


async def test_a_step_is_shown_at_most_every_second_and_a_half() -> None:
    assert admin_rollouts.PROGRESS_EVERY_S >= 1.5  # Discord's limits, with room


@pytest.mark.usefixtures("_quick")
async def test_a_rollout_that_fails_ends_with_step_and_reason_and_changes_nothing(
    discord: FakeDiscord, model: ModelServer, rollouts: AdminRoutes
) -> None:
    rollouts.holds = {"probe": asyncio.Event()}
    rollouts.fails = {"probe": "it repeats itself; see s3://key:secret@store/bucket"}
    used = admin(discord, "reload", persona="maya")
    assert await used.answer() == "maya, version 12: validate ✓ load ✓ probe …"
    rollouts.holds["probe"].set()
    said = await outcome(discord, used)
    assert said.startswith("maya stays as before: the rollout failed at “probe”: it repeats itself")
    assert "secret" not in said
    assert model.personas is not None
    assert model.personas[0]["current"] == 3


async def test_a_rollback_goes_to_the_version_before_or_to_one_that_is_named(
    discord: FakeDiscord, model: ModelServer, rollouts: AdminRoutes
) -> None:
    used = admin(discord, "rollback", persona="maya")
    assert (await outcome(discord, used)).startswith("maya speaks with version 2 now")
    used = admin(discord, "rollback", persona="maya", version=1)
    assert (await outcome(discord, used)).startswith("maya speaks with version 1 now")
    assert [one for one in model.asked if one.startswith("POST /admin")] == [
        "POST /admin/personas/maya/rollback",
        "POST /admin/personas/maya/reload",
    ]


async def test_nothing_to_go_back_to_and_no_such_version_are_said(
    discord: FakeDiscord, rollouts: AdminRoutes
) -> None:
    used = admin(discord, "rollback", persona="tom")
    assert "tom has no earlier version to go back to" in await outcome(discord, used)
    used = admin(discord, "rollback", persona="maya", version=7)
    assert "maya has no version 7" in await outcome(discord, used)


@pytest.mark.parametrize("called", ["maya", "MAYA", "maya lind", " Maya Lind "])
async def test_a_persona_can_be_called_by_the_name_that_people_see(
    discord: FakeDiscord, rollouts: AdminRoutes, called: str
) -> None:
    used = admin(discord, "reload", persona=called, version=4)
    assert (await outcome(discord, used)).startswith("maya speaks with version 4 now")


async def test_nobody_of_that_name_is_said_and_no_path_is_asked_for(
    discord: FakeDiscord, model: ModelServer, rollouts: AdminRoutes
) -> None:
    used = admin(discord, "reload", persona="../tom")
    assert await outcome(discord, used) == "I know nobody called “../tom”. I can be: maya, tom."
    assert not any("POST" in one for one in model.asked)


async def test_versions_are_offered_newest_first_and_asked_for_once(
    discord: FakeDiscord, model: ModelServer, rollouts: AdminRoutes
) -> None:
    owner = discord.world.owner
    for typed, expected in (("", ["12", "4", "3", "2", "1"]), ("1", ["12", "1"]), ("x", [])):
        for command in ("admin reload", "admin rollback"):
            offered = await discord.autocompletes(owner, command, persona="maya", version=typed)
            assert offered == expected
    assert model.asked.count("GET /admin/personas/maya/versions") == 1
    nobody = await discord.autocompletes(owner, "admin reload", persona="no/body", version="")
    assert nobody == []


@pytest.mark.usefixtures("_quick")
async def test_a_rollout_that_outlives_the_interaction_is_told_in_a_direct_message(
    discord: FakeDiscord, rollouts: AdminRoutes
) -> None:
    owner = discord.world.owner
    rollouts.holds = {"load": asyncio.Event()}
    used = admin(discord, "reload", persona="maya", version=4)
    await used.answer()
    discord.interactions.token_lives_s = 0
    rollouts.holds["load"].set()
    await discord.world.until(lambda: bool(discord.seen(discord.direct(owner))), 10)
    (told,) = discord.seen(discord.direct(owner))
    assert told.content.startswith("maya speaks with version 4 now")


async def test_where_there_are_operators_nobody_else_changes_what_all_servers_share(
    discord: FakeDiscord, settings: Settings, model: ModelServer
) -> None:
    bob = discord.person("Bob")
    model.personas = [persona("maya", **MAYA)]
    model.admin = AdminRoutes(model.personas)
    discord.gives(bob, discord.role("managers", Permission.MANAGE_GUILD))
    closed = settings.model_copy(update={"operators": (f"discord:{bob.id}",)})
    async with wire(closed) as app, bot_on(discord, closed, app):
        card = File("card.json", as_json(V1))
        for what, options in (
            ("reload", {"persona": "maya", "version": 4}),
            ("rollback", {"persona": "maya"}),
            ("persona import", {"file": card, "name": "elf"}),
        ):
            assert await admin(discord, what, **options).answer() == NotOperator.spoken
        assert [one["name"] for one in model.personas] == ["maya"]
        used = discord.uses(bob, "admin reload", persona="maya", version=4)
        assert "version 4 now" in await outcome(discord, used)
