"""Everything of Discord put together for one run: what hears, what answers, every command."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from bot.settings import Settings
from bot.wiring import SECONDS_PER_DAY, App

from .answering import Answering
from .changes import Changes
from .client import Client
from .commands import (
    AdminCommands,
    AskAbout,
    ChatCommands,
    MemoryCommands,
    PersonaCommands,
    comparing,
    limits_command,
    staging,
)
from .faced import FacedOutbox
from .faces import Faces
from .files import Files
from .hearing import Hearing
from .judging import Judging
from .looking_back import LookingBack
from .overheard import Overheard
from .pressing import Pressing
from .shards import Presence, share_of
from .staging import takes_part
from .surroundings import Surroundings


@dataclass(frozen=True, slots=True)
class Bot:
    """What a run begins and ends."""

    client: Client
    answering: Answering


@asynccontextmanager
async def assembled(
    settings: Settings, app: App, *, edit_every_s: float, silent_s: float
) -> AsyncIterator[Bot]:
    """Nothing is connected yet; at the end all is closed. Raises WrongSettings."""
    share = share_of(settings.discord_shards)
    overheard = Overheard(settings.memory_days * SECONDS_PER_DAY)
    files = Files(pictures=settings.images)
    faces = Faces(app.places)
    outbox = partial(FacedOutbox, faces)
    answering = Answering(app.conversation, app.places, files, edit_every_s, outbox)
    judging = Judging(app.memory, app.places, app.feedback)
    async with (
        aclosing(faces),
        aclosing(Surroundings(overheard, files)) as around,
        aclosing(Hearing(app.places, app.access, overheard, around)) as hearing,
        Client(
            answering,
            hearing,
            Changes(app.memory, app.feedback, app.scenes, hearing, answering, files),
            Pressing(
                answering,
                app.conversation,
                app.memory,
                judging,
                LookingBack(around, app.places),
                app.access,
            ),
            faces,
            app.memory,
            app.people,
            Presence(partial(app.platforms.__setitem__, "discord")),
            partial(takes_part, app.scenes),
            share=share,
            gateway_from_api=_gateway_from_api(settings),
            catch_up_minutes=settings.catch_up_minutes,
            silent_s=silent_s,
            requests_per_second=settings.discord_requests_per_second * (share.part if share else 1),
        ) as client,
    ):
        client.tree.guard(app.access)
        for command in (
            PersonaCommands(app.personas, app.places),
            ChatCommands(app.personas, app.places, app.memory, answering, app.scenes),
            MemoryCommands(app.people, overheard, app.scenes),
            AskAbout(answering, around, app.places, edit_every_s).menu,
            AdminCommands(app),
            limits_command(app.limits),
        ):
            client.tree.add_command(command)
        for command, buttons in (
            comparing(app.comparisons, app.personas, app.access, edit_every_s),
            staging(app.scenes, app.personas, faces, app.access),
        ):
            client.tree.add_command(command)
            client.add_dynamic_items(buttons)
        yield Bot(client, answering)


def _gateway_from_api(settings: Settings) -> bool:
    return settings.discord_api_url is not None and settings.discord_gateway_url is None
