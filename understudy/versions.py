"""Commands between a dataset and what is served: train, publish, roll back, list."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import typer

from .terminal import (
    Json,
    Persona,
    next_step,
    print_json,
    print_table,
    registry_of,
    settled,
    show,
)

if TYPE_CHECKING:
    from deploy.local.settings import Settings


def train(persona: Persona, as_json: Json = False) -> None:
    """Train the persona's adapter on its dataset."""
    from adapters.errors import AdaptersError
    from adapters.training import train as run

    with settled(AdaptersError) as settings:
        name = "understudy-starter" if settings.base_model is None else None
        report = run(persona, settings.home.root, settings.base, base_name=name)
    if as_json:
        print_json(report.as_json())
    else:
        show(report.table())
        next_step(f"{persona} is trained", f"understudy publish {persona}")


def publish(persona: Persona, as_json: Json = False) -> None:
    """Publish what was trained as the persona's next version."""
    from adapters.errors import AdaptersError
    from adapters.publish import publish as run
    from adapters.registry import RegistryError

    with settled(AdaptersError, RegistryError) as settings:
        published = run(settings.home.root, registry_of(settings), persona)
    if as_json:
        print_json(published.as_json())
    else:
        next_step(published.sentence, f"understudy chat --persona {persona}")


def rollback(persona: Persona, as_json: Json = False) -> None:
    """Go back to the version before: the running server does it, else `current` is rewritten."""
    from adapters.errors import AdaptersError
    from adapters.publish import rollback as write
    from adapters.registry import RegistryError
    from bot.errors import UnderstudyError
    from deploy.local.up import live_inference

    with settled(AdaptersError, RegistryError, UnderstudyError) as settings:
        if url := settings.inference_url or asyncio.run(live_inference(settings)):
            version, previous = asyncio.run(_roll_back_at(settings, url, persona))
        else:
            done = write(registry_of(settings), persona)
            version, previous = done.version, done.previous
    if as_json:
        print_json({"persona": persona, "version": version, "previous": previous})
    else:
        typer.echo(f"{persona} is back at version {version} (it was {previous})", err=True)


async def _roll_back_at(
    settings: Settings, url: str, persona: str
) -> tuple[int | None, int | None]:
    from bot.settings import Settings as BotSettings
    from bot.wiring import speaking

    os.environ.update(settings.environment(url))
    async with speaking(BotSettings(), draft_seconds=1) as able:
        done = await able.admin.rollback(persona)
    return done.version, done.previous


def personas(as_json: Json = False) -> None:
    """List the personas with their versions and what is current."""
    from adapters.registry import RegistryError

    with settled(RegistryError) as settings:
        registry = registry_of(settings)
        rows = [
            {
                "name": name,
                "display_name": registry.card(name).display_name,
                "current": registry.current(name),
                "versions": registry.versions(name),
                "revoked": registry.revoked(name),
            }
            for name in registry.names()
        ]
    if as_json:
        print_json(rows)
    elif not rows:
        next_step("no persona yet", "understudy import whatsapp FILE --persona NAME --speaker WHO")
    else:
        print_table("name", "speaks as", "current", "versions", "revoked", rows=rows)
