"""REST: the answers to interactions, within 3 s; edits and follow-ups, within 15 minutes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from aiohttp import web

from tests.fakes.discord import errors, message_payloads, validation
from tests.fakes.discord.answers import json_answer, no_content
from tests.fakes.discord.bodies import read_json
from tests.fakes.discord.errors import Json, invalid_field
from tests.fakes.discord.messages import Messages
from tests.fakes.discord.nouns import EPHEMERAL, Channel, Message, User
from tests.fakes.discord.world import World

COMMAND, AUTOCOMPLETE = 2, 4
REPLY_WITH_MESSAGE, DEFER, SUGGEST, MODAL = 4, 5, 8, 9
ACKNOWLEDGE_WITHIN_S = 3.0
TOKEN_LIVES_S = 15 * 60.0
MAX_CHOICES = 25
LOADING = 1 << 7


@dataclass(eq=False)
class Interaction:
    """One use of a command, and what the person saw come of it."""

    id: str
    token: str
    kind: int
    user: User
    channel: Channel
    world: World = field(repr=False)
    created_at_s: float = field(default_factory=time.monotonic)
    acknowledged_at_s: float | None = None
    deferred: bool = False
    original: Message | None = None
    followups: list[Message] = field(default_factory=list)
    choices: list[Json] | None = None
    modal: Json | None = None

    @property
    def acknowledged_after_s(self) -> float | None:
        at_s = self.acknowledged_at_s
        return None if at_s is None else at_s - self.created_at_s

    @property
    def ephemeral(self) -> bool:
        return self.original is not None and bool(self.original.flags & EPHEMERAL)

    @property
    def text(self) -> str | None:
        """What the answer says; None while there is none, or while it is "thinking"."""
        if self.original is None or self.original.flags & LOADING:
            return None
        return self.original.content

    async def answer(self, within_s: float = 5.0) -> str:
        """The text of the answer; AssertionError where none comes ("did not respond")."""
        if not await self.world.until(lambda: self.text is not None, within_s):
            raise AssertionError(f"The application did not respond within {within_s:g} s.")
        assert self.text is not None
        return self.text


class Interactions:
    """The routes a bot answers through; they need no bot token, only the interaction's."""

    def __init__(self, world: World, messages: Messages, application_id: str) -> None:
        self.world = world
        self.messages = messages
        self.application_id = application_id
        self.acknowledge_within_s = ACKNOWLEDGE_WITHIN_S
        self.all: dict[str, Interaction] = {}

    def remember(self, interaction: Interaction) -> None:
        self.all[interaction.token] = interaction

    # -- routes ---------------------------------------------------------------------------

    async def callback(self, request: web.Request) -> web.Response:
        interaction = self.all.get(request.match_info["interaction_token"])
        if interaction is None or interaction.id != request.match_info["interaction_id"]:
            raise errors.unknown_interaction()
        if time.monotonic() - interaction.created_at_s > self.acknowledge_within_s:
            raise errors.unknown_interaction()
        if interaction.acknowledged_at_s is not None:
            raise errors.already_acknowledged()
        body = await read_json(request)
        self._take(interaction, body.get("type"), body.get("data") or {})
        interaction.acknowledged_at_s = time.monotonic()
        self.world.changed()
        if request.query.get("with_response", "").lower() in ("1", "true"):
            return json_answer(self._callback_response(interaction, body["type"]))
        return no_content()

    async def get_original(self, request: web.Request) -> web.Response:
        return json_answer(message_payloads.message(self._original(request), self.world))

    async def edit_original(self, request: web.Request) -> web.Response:
        original = self._original(request)
        body = await read_json(request)
        validation.check_edit(body)
        original.flags &= ~LOADING
        self.messages.change(original, body)
        return json_answer(message_payloads.message(original, self.world))

    async def delete_original(self, request: web.Request) -> web.Response:
        self.messages.remove(self._original(request))
        return no_content()

    async def follow_up(self, request: web.Request) -> web.Response:
        """A further message; the first after a deferral takes the place of "thinking"."""
        interaction = self._by_webhook(request)
        if interaction.acknowledged_at_s is None:
            raise errors.unknown_webhook()
        body = await read_json(request)
        check_answer(body)
        original = interaction.original
        if original is not None and original.flags & LOADING:
            original.flags &= ~LOADING
            self.messages.change(original, body | {"flags": None})
            return json_answer(message_payloads.message(original, self.world))
        message = self._said(interaction, body)
        interaction.followups.append(message)
        return json_answer(message_payloads.message(message, self.world))

    # -- what an answer does --------------------------------------------------------------

    def _take(self, interaction: Interaction, kind: object, data: Json) -> None:
        if (kind == SUGGEST) is not (interaction.kind == AUTOCOMPLETE):
            raise invalid_field(
                "type", "INTERACTION_CALLBACK_TYPE_INVALID", "This answer does not fit."
            )
        match kind:
            case 4:
                check_answer(data)
                interaction.original = self._said(interaction, data)
            case 5:
                interaction.deferred = True
                ephemeral = int(data.get("flags") or 0) & EPHEMERAL
                thinking = {"content": "", "flags": ephemeral | LOADING}
                interaction.original = self._said(interaction, thinking)
            case 8:
                interaction.choices = check_choices(data.get("choices"))
            case 9:
                interaction.modal = data
            case _:
                raise invalid_field("type", "BASE_TYPE_CHOICES", "Unknown callback type.")

    def _said(self, interaction: Interaction, body: Json) -> Message:
        message = self.messages.make(self.world.bot, interaction.channel, body)
        message.webhook_id = message.application_id = self.application_id
        message.type = 20
        if message.flags & EPHEMERAL:
            self.world.messages.append(message)  # only the person who asked is told
            return message
        return self.messages.publish(message)

    def _callback_response(self, interaction: Interaction, kind: int) -> Json:
        answer: Json = {
            "interaction": {
                "id": interaction.id,
                "type": interaction.kind,
                "response_message_loading": kind == DEFER,
                "response_message_ephemeral": interaction.ephemeral,
            }
        }
        if interaction.original is not None:
            answer["interaction"]["response_message_id"] = interaction.original.id
            message = message_payloads.message(interaction.original, self.world)
            answer["resource"] = {"type": kind, "message": message}
        return answer

    def _by_webhook(self, request: web.Request) -> Interaction:
        interaction = self.all.get(request.match_info["interaction_token"])
        if interaction is None:
            raise errors.unknown_webhook()
        if time.monotonic() - interaction.created_at_s > TOKEN_LIVES_S:
            raise errors.invalid_webhook_token()
        return interaction

    def _original(self, request: web.Request) -> Message:
        original = self._by_webhook(request).original
        if original is None or original.deleted:
            raise errors.unknown_message()
        return original


def check_answer(data: Json) -> None:
    """An interaction's message: as any other, but flags may make it ephemeral."""
    validation.check_create(data | {"flags": int(data.get("flags") or 0) & ~EPHEMERAL})


def check_choices(choices: object) -> list[Json]:
    if not isinstance(choices, list) or len(choices) > MAX_CHOICES:
        raise invalid_field("data.choices", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer.")
    for position, choice in enumerate(choices):
        for name in ("name", "value"):
            if not 1 <= len(str(choice.get(name, ""))) <= 100:
                raise invalid_field(
                    f"data.choices.{position}.{name}",
                    "BASE_TYPE_BAD_LENGTH",
                    "Must be between 1 and 100 in length.",
                )
    return choices
