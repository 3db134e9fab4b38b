"""Offers persona names while a person types one, and knows whom they mean."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter

from discord.app_commands import Choice

from bot.admin import NAME
from bot.cards import Persona
from bot.errors import UnderstudyError, UnknownPersona
from bot.personas import Personas

log = logging.getLogger(__name__)

MAX_CHOICES = 25
CHOICE_MAX_CHARS = 100
OFFER_WITHIN_S = 2.0


async def offered(personas: Personas, typed: str) -> list[Choice[str]]:
    """The personas whose name or display name holds what was typed; none while they are unknown."""
    try:
        known = await asyncio.wait_for(personas.list(), OFFER_WITHIN_S)
    except (UnderstudyError, TimeoutError) as error:
        log.warning("no persona names can be offered: %s", error)
        return []
    wanted, shown = typed.casefold(), Counter(persona.display_name for persona in known)
    found = [
        Choice(name=_label(persona, alone=shown[persona.display_name] == 1), value=persona.name)
        for persona in known
        if wanted in persona.name.casefold() or wanted in persona.display_name.casefold()
    ]
    return found[:MAX_CHOICES]


def _label(persona: Persona, *, alone: bool) -> str:
    """Of two with the same display name a person must see which is which."""
    if alone:
        return persona.display_name[:CHOICE_MAX_CHARS]
    name = f" ({persona.name})"
    return persona.display_name[: CHOICE_MAX_CHARS - len(name)] + name


async def meant(personas: Personas, said: str) -> str:
    """Whom an administrator means; a name that is not known here may be new on the server.

    Raises UnknownPersona.
    """
    try:
        return (await personas.named(said)).name
    except UnderstudyError as error:
        if isinstance(error, UnknownPersona) and not NAME.fullmatch(said):
            raise
        return said
