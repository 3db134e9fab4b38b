"""What a person in front of a real Discord client says, and where."""

from __future__ import annotations

from collections.abc import Sequence

from tests.fakes.discord.errors import Json
from tests.fakes.discord.messages import Messages
from tests.fakes.discord.nouns import Channel, File, Message, Thread, User
from tests.fakes.discord.sight import Sight

PING_ALL: Json = {"parse": ["users", "roles", "everyone"]}


class People(Sight):
    """Every act goes through the gateway as for real."""

    messages: Messages

    def direct(self, person: User) -> Channel:
        return self.world.direct_channel(person)

    def says(
        self,
        person: User,
        text: str,
        channel: Channel | None = None,
        *,
        reply_to: Message | None = None,
        ping: bool = True,
        webhook_id: str | None = None,
        files: Sequence[File] = (),
        more: Json | None = None,
    ) -> Message:
        """A message as a client sends it; `ping` is the "@ ON" switch of a reply, `more` what the
        fake does not know of itself, as Discord writes it (stickers, polls, embeds)."""
        allowed = PING_ALL | {"replied_user": ping}
        return self.messages.post(
            person,
            channel or self.general,
            text,
            reply_to=reply_to,
            allowed_mentions=allowed,
            webhook_id=webhook_id,
            files=files,
            more=more,
        )

    def asks(self, person: User, text: str, channel: Channel | None = None) -> Message:
        """Says it with a mention of the bot in front."""
        return self.says(person, f"{self.bot.mention} {text}", channel)

    def edits(self, message: Message, text: str) -> None:
        """The author of a message says it otherwise; whom it pinged stays as it was."""
        if message.author is self.bot:
            raise PermissionError("Only the author edits a message, and this is the bot's.")
        self.messages.change(message, {"content": text, "allowed_mentions": PING_ALL})

    def deletes(self, message: Message) -> None:
        """Its author or a moderator deletes it."""
        self.messages.remove(message)

    def deletes_all(self, messages: Sequence[Message]) -> None:
        """A moderator's bot clears messages of one channel at once."""
        self.messages.remove_all(messages)

    def starts_thread(
        self,
        person: User,
        name: str,
        channel: Channel | None = None,
        *,
        message: Message | None = None,
    ) -> Thread:
        """A public thread from `message`, or alone in `channel`."""
        parent = message.channel if message is not None else channel or self.general
        return self.messages.start_thread(person, parent, name, message)

    def adds(self, user: User, thread: Thread) -> None:
        self.messages.threads.add(thread, user)

    def removes(self, user: User, thread: Thread) -> None:
        self.messages.threads.remove(thread, user)

    def archives(self, thread: Thread, *, lock: bool = False) -> None:
        """Lets it sleep; with `lock` only moderators wake it."""
        self.messages.threads.change(thread, {"archived": True, "locked": lock})

    def redeliver(self, message: Message) -> None:
        """The gateway tells a message once more ("at least once")."""
        self.gateway.dispatch_message("MESSAGE_CREATE", message)
