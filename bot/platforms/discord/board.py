"""Two answers that grow side by side in the response to a command; its tail in further messages.

As with one answer (`reply`), showing never holds the model up: one task shows the newest texts,
with one request in flight. All goes by the interaction's own webhook, which needs no permission.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import discord
from discord.ui import View
from discord.utils import MISSING

from bot.messages import waiting_line

from .errors import FAILURES
from .reply import EDIT_EVERY_S
from .splitting import MESSAGE_MAX_CHARS, split

log = logging.getLogger(__name__)

EMPTY = "…"
FAILURES_MAX = 3
"""So often in a row Discord may refuse; discord.py has repeated each by itself."""
NOBODY = discord.AllowedMentions.none()


@dataclass
class _Shown:
    message: discord.InteractionMessage | discord.WebhookMessage
    text: str


class DiscordBoard:
    """The `Board` of a comparison; Discord's own failures end here, in the log."""

    def __init__(
        self,
        interaction: discord.Interaction[Any],
        head: str,
        labels: Sequence[str],
        edit_every_s: float = EDIT_EVERY_S,
    ) -> None:
        """`head` stands above both sides, as markdown; the labels are text."""
        self._interaction = interaction
        self._head = head
        self._labels = tuple(labels)
        self._edit_every_s = edit_every_s
        self._texts = [EMPTY for _ in labels]
        self._view: View | None = None
        self._shown: list[_Shown] = []
        self._news = asyncio.Event()
        self._ended = asyncio.Event()
        self._showing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """The response to the command, with both sides empty. Raises discord.py's errors."""
        (text,) = self._parts()
        self._shown.append(_Shown(await self._respond(text), text))

    async def show(self, side: int, text: str) -> None:
        self._leave(side, text or EMPTY)

    async def waiting(self, side: int, ahead: int) -> None:
        self._leave(side, waiting_line(ahead))

    async def finish(self, view: View | None, labels: Sequence[str] | None = None) -> None:
        """Returns when both whole texts stand there, with their buttons, or can't; `labels` is
        how the sides are called from now on."""
        self._view, self._labels = view, tuple(labels or self._labels)
        self._ended.set()
        await asyncio.shield(self._wake())

    def _leave(self, side: int, text: str) -> None:
        self._texts[side] = text
        self._wake()

    def _wake(self) -> asyncio.Task[None]:
        self._news.set()
        if self._showing is None:
            self._showing = asyncio.create_task(self._show())
        return self._showing

    async def _show(self) -> None:
        failures = 0
        while failures < FAILURES_MAX:
            self._news.clear()
            final = self._ended.is_set()
            try:
                await self._bring_up_to(self._parts(), self._view if final else None)
            except discord.NotFound as error:
                log.info("a comparison was deleted: %s", error)
                return
            except FAILURES as error:
                log.warning("a comparison could not be shown: %s", error)
                failures += 1
                self._news.set()
                await asyncio.sleep(self._edit_every_s)
                continue
            failures = 0
            if final:
                return
            await self._pause()

    async def _pause(self) -> None:
        """Until the next edit is due and there is something new; the end is due at once."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), self._edit_every_s)
        await self._news.wait()

    def _parts(self) -> list[str]:
        """One message while it has room for both sides, else a message for each, or more."""
        sides = [
            split(f"**{discord.utils.escape_markdown(label)}**\n{text}")
            for label, text in zip(self._labels, self._texts, strict=True)
        ]
        if all(len(side) == 1 for side in sides):
            together = "\n\n".join([self._head, *(side[0] for side in sides)])
            if len(together) <= MESSAGE_MAX_CHARS:
                return [together]
        first = split(
            f"{self._head}\n\n**{discord.utils.escape_markdown(self._labels[0])}**\n"
            f"{self._texts[0]}"
        )
        return [*first, *(part for side in sides[1:] for part in side)]

    async def _bring_up_to(self, parts: list[str], view: View | None) -> None:
        for position, part in enumerate(parts):
            last_view = view if view is not None and position == len(parts) - 1 else MISSING
            if position == len(self._shown):
                message = await self._follow_up(part, last_view)
                self._shown.append(_Shown(message, part))
            elif self._shown[position].text != part or last_view is not MISSING:
                shown = self._shown[position]
                await shown.message.edit(content=part, view=last_view, allowed_mentions=NOBODY)
                shown.text = part
        while len(self._shown) > len(parts):
            await self._shown.pop().message.delete()

    async def _respond(self, text: str) -> discord.InteractionMessage | discord.WebhookMessage:
        response = self._interaction.response
        if response.is_done():  # "thinking", which this takes the place of
            return await self._follow_up(text, MISSING)
        made = await response.send_message(text, suppress_embeds=True, allowed_mentions=NOBODY)
        assert isinstance(made.resource, discord.InteractionMessage)
        return made.resource

    async def _follow_up(self, text: str, view: View) -> discord.WebhookMessage:
        return await self._interaction.followup.send(
            text, view=view, suppress_embeds=True, allowed_mentions=NOBODY, wait=True
        )
