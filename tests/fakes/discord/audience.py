"""Whom an event is told: sessions, by their intents, their shard, and what the bot may see."""

from __future__ import annotations

from collections.abc import Iterator

from tests.fakes.discord import message_payloads, payloads
from tests.fakes.discord.errors import Json
from tests.fakes.discord.nouns import DIRECT_MESSAGE, Channel, Guild, Message, User
from tests.fakes.discord.permissions import Permission
from tests.fakes.discord.sessions import NO_INTENT, Connection, Intent, Session
from tests.fakes.discord.world import World


class Audience:
    def __init__(self, world: World) -> None:
        self.world = world
        self.sessions: dict[str, Session] = {}

    def sees(self, channel: Channel) -> bool:
        """Nothing is told of what the bot may not see."""
        return bool(self.world.permissions(self.world.bot, channel) & Permission.VIEW_CHANNEL)

    def dispatch(self, event: str, data: Json, needs: Intent = NO_INTENT) -> None:
        """To the shard of the `guild_id` in it; what has none is for the first shard."""
        guild_id = data.get("guild_id")
        if guild_id is None or self.world.bot_is_in(self.world.guild_of(guild_id)):
            self._tell(event, data, guild_id, needs)
        self.world.changed()

    def dispatch_guild(self, guild: Guild) -> None:
        """GUILD_CREATE, or GUILD_DELETE where the bot is not in it any more."""
        if self.world.bot_is_in(guild):
            data = payloads.guild_create(guild, self.world)
            del data["unavailable"]  # which only those of READY have
            self._tell("GUILD_CREATE", data, guild.id, Intent.GUILDS)
        else:
            self._tell("GUILD_DELETE", {"id": guild.id}, guild.id, Intent.GUILDS)
        self.world.changed()

    def dispatch_member(self, event: str, person: User, guild: Guild) -> None:
        """Needs the members intent, but for what happens to the bot itself."""
        data = payloads.full_member(person, guild) | {"guild_id": guild.id}
        needs = NO_INTENT if person is self.world.bot else Intent.GUILD_MEMBERS
        self.dispatch(event, data, needs)

    def dispatch_message(self, event: str, message: Message) -> None:
        if not self.sees(message.channel):
            return
        data = message_payloads.message_event(message, self.world)
        direct = message.channel.kind == DIRECT_MESSAGE
        needs = Intent.DIRECT_MESSAGES if direct else Intent.GUILD_MESSAGES
        for session in self._listening(message.channel.guild_id, needs):
            reads = session.intents & Intent.MESSAGE_CONTENT or readable(message, self.world)
            session.dispatch(event, data if reads else blank(data))

    def _tell(self, event: str, data: Json, guild_id: str | None, needs: Intent) -> None:
        for session in self._listening(guild_id, needs):
            session.dispatch(event, data)

    def _listening(self, guild_id: str | None, needs: Intent) -> Iterator[Session]:
        for session in self.sessions.values():
            wants = session.intents & needs == needs and session.serves(guild_id)
            if wants and session.may_resume():
                yield session

    def _connected(self) -> Iterator[tuple[Session, Connection]]:
        for session in self.sessions.values():
            if session.connection is not None:
                yield session, session.connection


def readable(message: Message, world: World) -> bool:
    """Without the intent: direct messages, mentions of the bot, and its own are readable."""
    return (
        message.channel.kind == DIRECT_MESSAGE
        or message.author is world.bot
        or message.application_id is not None
        or world.bot in message.mentions
    )


def blank(data: Json) -> Json:
    """A message as a bot without message content sees it."""
    return data | {"content": "", "embeds": [], "attachments": [], "components": []}
