"""What tests of comparisons share: two personas to compare, and the message to vote on."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from bot.settings import Settings
from tests.fakes.discord import Channel, FakeDiscord, Interaction, Message, User
from tests.fakes.model import ModelServer, persona


@pytest.fixture
def model(model: ModelServer) -> ModelServer:
    model.speaks = lambda question: ["I", " am ", question["model"], "."]
    return model


@pytest.fixture
def settings(settings: Settings, model: ModelServer, name: str) -> Settings:
    model.personas = [
        persona(name, display_name="Maya", current=3, versions=[1, 2, 3]),
        persona("tom", current=None, versions=[]),
    ]
    return settings


@pytest.fixture
def name() -> str:
    """Of a persona whose votes nobody else's test counts."""
    return f"maya-{uuid4().hex[:8]}"


@pytest.fixture
def ada(discord: FakeDiscord) -> User:
    return discord.person("Ada")


def labels(message: Message) -> list[str]:
    return [part["label"] for row in message.components for part in row["components"]]


def ids(message: Message) -> list[str]:
    return [part["custom_id"] for row in message.components for part in row["components"]]


async def compared(
    discord: FakeDiscord, person: User, channel: Channel | None = None, **options: Any
) -> Message:
    """The message under which people can vote."""
    used = discord.uses(person, "compare", channel, **options)
    return await until_votable(discord, used)


async def until_votable(discord: FakeDiscord, used: Interaction) -> Message:
    def votable() -> list[Message]:
        return [one for one in (used.original, *used.followups) if one and labels(one)]

    assert await discord.world.until(lambda: bool(votable()), 8), "nobody can vote"
    return votable()[0]
