"""“Ask the persona about this” in the message menu: an answer to any message, on request.

It goes the way of every question: limits, memory and context are the conversation's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import discord
from discord import app_commands

from bot.errors import SwitchedOff, UnderstudyError
from bot.messages import Incoming
from bot.places import Places
from bot.platforms.discord.answering import Answering
from bot.platforms.discord.jumping import asking_line
from bot.platforms.discord.listening import places_seen_from, said_by
from bot.platforms.discord.reply import EDIT_EVERY_S, DiscordReply
from bot.platforms.discord.surroundings import Surroundings
from bot.platforms.discord.telling import tell, told
from bot.platforms.discord.welcoming import may_write
from bot.platforms.discord.whispering import Whisper

NAME = "Ask the persona about this"
WORDLESS_QUESTION = "What do you say to this?"
QUESTION_MAX_CHARS = 1000
FORM_OPEN_S = 3600.0
"""Discord does not tell of a form that is closed: without an end all of them would be kept."""
UNANSWERED = (
    "There is no answer of its own to that: it came with your next message, or you are over a limit"
    " (see `/limits`)."
)


class AskAbout:
    def __init__(
        self,
        answering: Answering,
        around: Surroundings,
        places: Places,
        edit_every_s: float = EDIT_EVERY_S,
    ) -> None:
        self._answering = answering
        self._around = around
        self._places = places
        self._edit_every_s = edit_every_s

    @property
    def menu(self) -> app_commands.ContextMenu:
        async def ask(interaction: discord.Interaction[Any], message: discord.Message) -> None:
            here = await self._places.glance(
                *places_seen_from(interaction.channel, interaction.guild)
            )
            if here.mode == "off":
                await tell(interaction, SwitchedOff.spoken)
            else:
                await interaction.response.send_modal(_Question(self, message))

        return app_commands.ContextMenu(name=NAME, callback=ask)

    async def answer(
        self, interaction: discord.Interaction[Any], about: discord.Message, question: str
    ) -> None:
        """In public as a reply to the message, or to the asker alone where they or the bot may
        not speak."""
        me = interaction.client.user
        assert me is not None  # nobody is asked before the login
        here = await self._places.glance(*places_seen_from(interaction.channel, interaction.guild))
        around = self._around.about(me, about, interaction.id, here.blocked or ())
        incoming = replace(said_by(interaction, question or WORDLESS_QUESTION), around=around)
        if may_speak(interaction):
            await tell(interaction, f"You find the answer below {about.jump_url}.")
            reply = await self._answering.reply_to(about, asker=interaction.user)
            reply.heading = asking_line(interaction.user, question)
        else:
            await interaction.response.defer(ephemeral=True, thinking=True)
            reply = DiscordReply(Whisper(interaction, about), self._edit_every_s)
        answer = self._see_through(interaction, incoming, reply)
        async with told(interaction):
            self._answering.begin(answer, incoming.conversation, {incoming.author_id}, reply)

    async def _see_through(
        self, interaction: discord.Interaction[Any], incoming: Incoming, reply: DiscordReply
    ) -> None:
        """Who asks is told in any case that nothing comes."""
        async with told(interaction):
            await self._answering.see_through(incoming, reply)
            if not reply.shown_as and reply.passes_after_s is None:
                raise UnderstudyError(spoken=UNANSWERED)


class _Question(discord.ui.Modal, title=NAME):
    def __init__(self, asking: AskAbout, about: discord.Message) -> None:
        super().__init__(timeout=FORM_OPEN_S)
        self._asking = asking
        self._about = about
        self._question: discord.ui.TextInput[_Question] = discord.ui.TextInput(
            label="Your question, if you have one",
            style=discord.TextStyle.paragraph,
            placeholder=WORDLESS_QUESTION,
            required=False,
            max_length=QUESTION_MAX_CHARS,
        )
        self.add_item(self._question)

    async def on_submit(self, interaction: discord.Interaction[Any], /) -> None:
        await self._asking.answer(interaction, self._about, self._question.value.strip())


def may_speak(interaction: discord.Interaction[Any]) -> bool:
    """Whether both, the asker and the bot, may say something in public here."""
    if interaction.guild is None:
        return True
    both = (interaction.permissions, interaction.app_permissions)
    return all(may_write(may, interaction.channel) for may in both)
