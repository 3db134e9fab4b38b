"""What stood around a question when it was asked, found again from the answer to it.

An answer replies to its question, or to the message that it was asked about.
"""

from __future__ import annotations

from contextlib import suppress

import discord

from bot.around import Around
from bot.places import Places

from .errors import FAILURES
from .jumping import leads_to
from .listening import places_seen_from
from .surroundings import Surroundings


class LookingBack:
    """Finds the surroundings of what was asked before; one message is looked up for it."""

    def __init__(self, around: Surroundings, places: Places) -> None:
        self._around = around
        self._places = places

    async def around(
        self, me: discord.abc.User, answer: discord.Message, question_id: str
    ) -> Around | None:
        """`answer` is its first message; None where what it replies to is gone."""
        if (asked := await _replied_to(answer)) is None:
            return None
        here = await self._places.glance(*places_seen_from(answer.channel, answer.guild))
        without = here.blocked or ()
        if str(asked.id) == question_id:
            return self._around.of(me, asked, without)
        return self._around.about(me, asked, int(question_id), without)


async def _replied_to(answer: discord.Message) -> discord.Message | None:
    """By its reference, or by the link that leads the words of a persona with a face."""
    number = answer.reference.message_id if answer.reference is not None else None
    if (number := number or leads_to(answer.content)) is None:
        return None
    with suppress(*FAILURES):
        return await answer.channel.fetch_message(number)
    return None
