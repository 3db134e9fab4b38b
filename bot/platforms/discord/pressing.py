"""What a press under an answer does: stop it, say it anew, turn back to another, judge it.

Who may do what is decided here, by what memory knows of the message pressed on; how an answer is
made anew is the conversation's.
"""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

import discord

from bot.access import Access
from bot.errors import AnsweringAlready, NotRemembered, UnderstudyError
from bot.exchanges import Exchange
from bot.memory import Memory
from bot.messages import Incoming
from bot.retelling import Retelling

from .answering import Answering
from .buttons import AFTER_FAILURE, NOTHING, UNKNOWN, Act
from .commands.scopes import has
from .errors import NotYours
from .judging import FORM, Judging
from .jumping import asked_id
from .listening import (
    author_of,
    conversation_of,
    incoming,
    is_a_persons,
    places_around,
    roles_of,
    server_of,
)
from .reply import DiscordReply, Shown
from .telling import told
from .welcoming import refusal_of

INTERRUPTED = "I was interrupted there. Press Retry to have it answered."
TAKEN = "I answered that already, or am about to. If nothing comes, press again in a minute."

Interaction = discord.Interaction[Any]


class Retells(Protocol):
    """What is asked of the conversation here."""

    async def again(self, press: Incoming, shown_id: str, reply: Retelling) -> None: ...

    async def turn_to(
        self, press: Incoming, shown_id: str, step: int, reply: Retelling
    ) -> None: ...


class Pressing:
    """Takes presses of any answer's buttons, whatever process put them there."""

    def __init__(
        self,
        answering: Answering,
        conversation: Retells,
        memory: Memory,
        judging: Judging,
        access: Access,
    ) -> None:
        self._answering = answering
        self._conversation = conversation
        self._memory = memory
        self._judging = judging
        self._access = access

    async def pressed(self, act: Act, interaction: Interaction) -> None:
        """Answers a press; what prevents it is said to who pressed alone."""
        message = interaction.message
        if message is None:
            return
        async with told(interaction):
            await self._check_welcome(interaction)
            match act:
                case "stop":
                    await self._stop(interaction, message)
                case "again" | "retry":
                    await self._again(interaction, message, act)
                case "back" | "forth":
                    await self._turn(interaction, message, -1 if act == "back" else 1)
                case "up" | "down":
                    await self._judging.judge(interaction, message, act)

    async def submitted(self, interaction: Interaction) -> None:
        """A form, which is ours where a press had opened it."""
        data: Any = interaction.data or {}
        if str(data.get("custom_id", "")).startswith(FORM):
            async with told(interaction):
                await self._check_welcome(interaction)
                await self._judging.remark(interaction)

    async def _check_welcome(self, interaction: Interaction) -> None:
        """Raises NotWelcome."""
        if refusal := await refusal_of(self._access, interaction):
            raise refusal

    async def _stop(self, interaction: Interaction, message: discord.Message) -> None:
        answer = self._answering.showing(message.id)
        if answer is not None:
            _check(interaction, *answer.askers)
            await interaction.response.defer()
            answer.stop()
            return
        # Nobody says that any more: its process is gone. What is remembered of it comes back.
        await interaction.response.defer()
        exchange = await self._exchange(message)
        if exchange is not None and exchange.answer is not None:
            await self._show(interaction, message, exchange, 0)
            return
        await interaction.edit_original_response(view=AFTER_FAILURE.view())
        raise UnderstudyError(spoken=INTERRUPTED)

    async def _again(self, interaction: Interaction, message: discord.Message, act: Act) -> None:
        await interaction.response.defer()
        await self._until_settled(interaction, message)
        exchange = await self._exchange(message)
        if exchange is None:
            if act == "again":
                raise NotRemembered
            await self._ask_again(interaction, message)
            return
        asker = exchange.question.author_id
        _check(interaction, asker)
        reply = await self._in_place(message, exchange)
        press = _press(interaction)
        answer = self._say_again(interaction, press, message, reply)
        self._answering.begin(answer, press.conversation, {asker, press.author_id}, reply)

    async def _say_again(
        self,
        interaction: Interaction,
        press: Incoming,
        message: discord.Message,
        reply: DiscordReply,
    ) -> None:
        try:
            async with told(interaction):
                await self._conversation.again(press, str(message.id), reply)
        finally:
            reply.close()

    async def _ask_again(self, interaction: Interaction, message: discord.Message) -> None:
        """Memory was away when it was asked: Discord still has the question."""
        question = await _question_of(message)
        said = incoming(interaction.client.user, question)
        _check(interaction, said.author_id)
        shown = Shown(message, message.content, UNKNOWN)
        reply = await self._answering.reply_to(question, [shown])
        answer = self._see_through(interaction, said, reply)
        self._answering.begin(answer, said.conversation, {said.author_id}, reply)

    async def _see_through(
        self, interaction: Interaction, said: Incoming, reply: DiscordReply
    ) -> None:
        async with told(interaction):
            await self._answering.see_through(said, reply)
            if not reply.finished:
                raise UnderstudyError(spoken=TAKEN)

    async def _turn(self, interaction: Interaction, message: discord.Message, step: int) -> None:
        await interaction.response.defer()
        await self._until_settled(interaction, message)
        exchange = await self._exchange(message)
        if exchange is None:
            raise NotRemembered
        _check(interaction, exchange.question.author_id)
        await self._show(interaction, message, exchange, step)

    async def _show(
        self, interaction: Interaction, message: discord.Message, exchange: Exchange, step: int
    ) -> None:
        reply = await self._in_place(message, exchange)
        await self._conversation.turn_to(_press(interaction), str(message.id), step, reply)

    async def _until_settled(self, interaction: Interaction, message: discord.Message) -> None:
        """An answer has its buttons a moment before it is remembered. Raises AnsweringAlready."""
        answer = self._answering.showing(message.id)
        if answer is None:
            return
        _check(interaction, *answer.askers)
        if not answer.reply.finished:
            raise AnsweringAlready
        await asyncio.wait((answer.task,))

    async def _exchange(self, message: discord.Message) -> Exchange | None:
        try:
            where = conversation_of(message.channel.id)
            return await self._memory.exchange(where, str(message.id))
        except NotRemembered:
            return None

    async def _in_place(self, message: discord.Message, exchange: Exchange) -> DiscordReply:
        """A reply that stands where all parts of the answer stand that can still be found."""
        parts = []
        for id_ in sorted(map(int, exchange.shown_as)):
            if id_ == message.id:
                parts.append(Shown(message, message.content, UNKNOWN))
            elif (part := await _found(message.channel, id_)) is not None:
                parts.append(Shown(part, part.content, UNKNOWN if part.components else NOTHING))
        return await self._answering.reply_to(message, parts)


def _check(interaction: Interaction, *askers: str) -> None:
    """Raises NotYours."""
    if author_of(interaction.user.id) not in askers and not has(interaction, "manage_messages"):
        raise NotYours


def _press(interaction: Interaction) -> Incoming:
    """Who asks for another answer, as the limits know people."""
    assert interaction.channel_id is not None  # Discord names it in every press
    return Incoming(
        conversation=conversation_of(interaction.channel_id),
        message_id=str(interaction.id),
        author_id=author_of(interaction.user.id),
        author_name=interaction.user.display_name,
        text="",
        places=places_around(interaction.channel, interaction.guild),
        roles=roles_of(interaction.user),
        server=None if interaction.guild_id is None else server_of(interaction.guild_id),
    )


async def _question_of(message: discord.Message) -> discord.Message:
    """What the bot's message answers. Raises NotRemembered."""
    id_ = asked_id(message)
    question = await _found(message.channel, id_) if id_ is not None else None
    if question is None or not is_a_persons(question):
        raise NotRemembered
    return question


async def _found(channel: discord.abc.Messageable, message_id: int) -> discord.Message | None:
    try:
        return await channel.fetch_message(message_id)
    except (discord.NotFound, discord.Forbidden):
        return None
