"""What a person in front of a real Discord client sees of the bot."""

from __future__ import annotations

import time

from tests.fakes.discord.gateway import Gateway
from tests.fakes.discord.nouns import Channel, Message, User
from tests.fakes.discord.world import World

QUIET_S = 1.6  # longer than the bot's pause between two edits: after it an answer is complete


class Sight:
    """The tests' eyes: nothing deleted, nothing that only somebody else sees."""

    def __init__(self, world: World, gateway: Gateway, general: Channel) -> None:
        self.world = world
        self.gateway = gateway
        self.general = general

    @property
    def bot(self) -> User:
        return self.world.bot

    def seen(self, channel: Channel | None = None) -> list[Message]:
        """The bot's messages in the channel, oldest first; those of its webhooks are among them."""
        return [one for one in self._in(channel) if self._is_the_bots(one)]

    def answers(self, to: Message) -> list[Message]:
        """The bot's messages after `to` in its channel."""
        after = int(to.id)
        return [one for one in self.seen(to.channel) if int(one.id) > after]

    async def until_says(
        self, text: str, channel: Channel | None = None, *, within_s: float = 8.0
    ) -> Message:
        """The bot's message that says exactly `text`, as soon as one does."""

        def saying() -> Message | None:
            return next((one for one in self.seen(channel) if one.content == text), None)

        if not await self.world.until(lambda: saying() is not None, within_s):
            said = [one.content for one in self.seen(channel)]
            raise AssertionError(f"The bot never said {text!r}; it said {said!r}")
        message = saying()
        assert message is not None
        return message

    async def final_answer(
        self, to: Message, *, within_s: float = 20.0, quiet_s: float = QUIET_S
    ) -> list[Message]:
        """All parts of the answer, once they have not changed for `quiet_s`."""

        def still() -> bool:
            answers = self.answers(to)
            newest_s = max((one.changed_at_s for one in answers), default=None)
            return newest_s is not None and time.monotonic() - newest_s >= quiet_s

        if not await self.world.until(still, within_s):
            raise AssertionError(f"No answer to {to.content!r} came to rest in {within_s:g} s.")
        return self.answers(to)

    async def until_online(self, within_s: float = 10.0) -> None:
        if not await self.world.until(lambda: self.gateway.online, within_s):
            raise AssertionError("The bot never came online.")

    def _is_the_bots(self, message: Message) -> bool:
        return message.author is self.bot or message.application_id is not None

    def _in(self, channel: Channel | None) -> list[Message]:
        return self.world.in_channel(channel or self.general)
