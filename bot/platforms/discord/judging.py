"""👍 and 👎 under an answer, and why the persona wouldn't say that; only with the server's consent.

Consent is asked for at the time of the press, not when the buttons were put there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import discord

from bot.errors import MemoryGone, NotRemembered
from bot.feedback import CONTEXT_TURNS, OPINIONS_KEPT_DAYS, REMARK_MAX_CHARS, Feedback, Judgement
from bot.memory import Memory
from bot.places import Places, merged

from .errors import NoConsent
from .listening import author_of, conversation_of, places_around
from .telling import ACKNOWLEDGE_AFTER_S, tell

FORM = "remark:"
SIGNS: dict[Judgement, str] = {"up": "👍", "down": "👎"}
KEPT = (
    "Kept for {days} days: your {sign}{remark}, this answer and up to {turns} messages before it."
    " Press {sign} again to take it back; `/memory forget` forgets all that is yours."
)
TAKEN_BACK = "Taken back: your {sign} is not kept any more."
TAKEN_BACK_BEFORE = "You took your 👎 back, so your words were not kept, either."

Interaction = discord.Interaction[Any]
T = TypeVar("T")


class Judging:
    """Keeps people's opinions on answers."""

    def __init__(self, memory: Memory, places: Places, feedback: Feedback) -> None:
        self._memory = memory
        self._places = places
        self._feedback = feedback

    async def judge(
        self, interaction: Interaction, message: discord.Message, verdict: Judgement
    ) -> None:
        """Gives an opinion, or takes back the same one; a 👎 asks for words as well."""
        kept = await _in_time(self._judge(interaction, message, verdict))
        if kept is None:
            await tell(interaction, TAKEN_BACK.format(sign=SIGNS[verdict]))
        elif verdict == "down":
            await interaction.response.send_modal(_form(kept))
        else:
            await tell(interaction, _kept(verdict))

    async def remark(self, interaction: Interaction) -> None:
        """The words to a 👎, from the form that it opened."""
        data: Any = interaction.data or {}
        words = next(_texts(data.get("components") or []), "").strip()
        id_ = str(data.get("custom_id", "")).removeprefix(FORM)
        known = await _in_time(self._remark(interaction, id_, words))
        await tell(interaction, _kept("down", words) if known else TAKEN_BACK_BEFORE)

    async def _judge(
        self, interaction: Interaction, message: discord.Message, verdict: Judgement
    ) -> str | None:
        """The id of the opinion that is kept now, None where one was taken back."""
        await self._check_consent(interaction)
        where, who = conversation_of(message.channel.id), author_of(interaction.user.id)
        answered = await self._memory.turn(where, str(message.id))
        if answered is None:
            raise NotRemembered
        before = await self._feedback.given(who, where, answered.answer)
        if before is not None and before.verdict == verdict:
            await self._feedback.take_back(who, where, answered.answer)
            return None
        return await self._feedback.give(who, where, answered, verdict)

    async def _remark(self, interaction: Interaction, id_: str, words: str) -> bool:
        """What was opined on is kept with the opinion, whatever is remembered by now."""
        await self._check_consent(interaction)
        who = author_of(interaction.user.id)
        before = await self._feedback.opinion(id_)
        if before is None or before.author_id != who:
            return False
        if words:
            await self._feedback.give(who, before.conversation, before.answered, "down", words)
        return True

    async def _check_consent(self, interaction: Interaction) -> None:
        around = places_around(interaction.channel, interaction.guild)
        if not around or not merged(await self._places.read(*around)).feedback:
            raise NoConsent


async def _in_time(work: Coroutine[Any, Any, T]) -> T:
    """Within the 3 s that Discord waits for a first answer. Raises MemoryGone."""
    try:
        async with asyncio.timeout(ACKNOWLEDGE_AFTER_S):
            return await work
    except TimeoutError:
        raise MemoryGone("too slow for a press") from None


def _kept(verdict: Judgement, words: str = "") -> str:
    remark = " with your words" if words else ""
    numbers = {"days": OPINIONS_KEPT_DAYS, "turns": CONTEXT_TURNS}
    return KEPT.format(sign=SIGNS[verdict], remark=remark, **numbers)


def _form(opinion_id: str) -> discord.ui.Modal:
    """It says what is kept already: whoever closes it has said enough."""
    form = discord.ui.Modal(title="They wouldn’t say that", custom_id=FORM + opinion_id)
    form.add_item(discord.ui.TextDisplay(_kept("down")))
    words = discord.ui.TextInput[Any](
        style=discord.TextStyle.paragraph,
        custom_id="words",
        required=False,
        max_length=REMARK_MAX_CHARS,
        placeholder="What is wrong with it? What would they say?",
    )
    form.add_item(discord.ui.Label(text="Why not? (if you like)", component=words))
    form.stop()  # what is sent in comes to `remark`, after a restart as well
    return form


def _texts(components: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What was typed, whatever it is wrapped in."""
    for one in components:
        if isinstance(one.get("value"), str):
            yield one["value"]
        yield from _texts(one.get("components") or [])
        if "component" in one:
            yield from _texts([one["component"]])
