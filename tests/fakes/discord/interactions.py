"""REST: the answers to interactions, within 3 s; edits and follow-ups, within 15 minutes."""

from __future__ import annotations

import time

from aiohttp import web

from tests.fakes.discord import errors, message_payloads, validation
from tests.fakes.discord.answers import json_answer, no_content
from tests.fakes.discord.bodies import read_json
from tests.fakes.discord.components import check_modal, numbered
from tests.fakes.discord.errors import Json, invalid_field
from tests.fakes.discord.interaction import (
    COMMAND,
    DEFER,
    LOADING,
    Interaction,
)
from tests.fakes.discord.messages import Messages
from tests.fakes.discord.nouns import EPHEMERAL, Message
from tests.fakes.discord.world import World

ACKNOWLEDGE_WITHIN_S = 3.0
TOKEN_LIVES_S = 15 * 60.0
MAX_CHOICES = 25
CHAT_ANSWER, MENU_ANSWER = 20, 23


class Interactions:
    """The routes a bot answers through; they need no bot token, only the interaction's."""

    def __init__(self, world: World, messages: Messages, application_id: str) -> None:
        self.world = world
        self.messages = messages
        self.application_id = application_id
        self.acknowledge_within_s = ACKNOWLEDGE_WITHIN_S
        self.token_lives_s = TOKEN_LIVES_S
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

    async def get(self, request: web.Request) -> web.Response:
        return json_answer(message_payloads.message(self._message(request), self.world))

    async def edit(self, request: web.Request) -> web.Response:
        message = self._message(request)
        body = await read_json(request)
        self.messages.oddities |= validation.unknown_fields(body, validation.EDIT_FIELDS)
        validation.check_edit(body)
        message.flags &= ~LOADING
        self.messages.change(message, body)
        return json_answer(message_payloads.message(message, self.world))

    async def delete(self, request: web.Request) -> web.Response:
        self.messages.remove(self._message(request))
        return no_content()

    async def follow_up(self, request: web.Request) -> web.Response:
        """A further message; the first after a deferral takes the place of "thinking"."""
        interaction = self._by_webhook(request)
        if interaction.acknowledged_at_s is None:
            raise errors.unknown_webhook()
        body = await read_json(request)
        check_answer(body)
        original = interaction.original
        if original is not None and original.flags & LOADING and not original.deleted:
            original.flags &= ~LOADING
            flags = int(body.get("flags") or 0) & ~EPHEMERAL  # who sees it is decided by then
            self.messages.change(original, body | {"flags": flags})
            return json_answer(message_payloads.message(original, self.world))
        message = self._said(interaction, body)
        interaction.followups.append(message)
        return json_answer(message_payloads.message(message, self.world))

    # -- what an answer does --------------------------------------------------------------

    def _take(self, interaction: Interaction, kind: object, data: Json) -> None:
        if not isinstance(kind, int) or not interaction.answers_with(kind):
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
            case 6:
                interaction.original, interaction.updates = interaction.about, True
            case 7:
                self._update(interaction, data)
            case 8:
                interaction.choices = check_choices(data.get("choices"))
            case 9:
                check_modal(data)
                interaction.modal = data | {"components": numbered(data["components"])}

    def _update(self, interaction: Interaction, data: Json) -> None:
        assert interaction.about is not None
        if interaction.about.deleted:
            raise errors.unknown_message()
        validation.check_edit(data)
        self.messages.change(interaction.about, data)
        interaction.original, interaction.updates = interaction.about, True

    def _said(self, interaction: Interaction, body: Json) -> Message:
        message = self.messages.make(self.world.bot, interaction.channel, body)
        message.webhook_id = message.application_id = self.application_id
        message.interaction = interaction.metadata()
        if interaction.kind == COMMAND:
            message.type = MENU_ANSWER if interaction.on_menu else CHAT_ANSWER
        if message.flags & EPHEMERAL:
            message.only_for = interaction.user
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
        if time.monotonic() - interaction.created_at_s > self.token_lives_s:
            raise errors.invalid_webhook_token()
        return interaction

    def _message(self, request: web.Request) -> Message:
        """The first answer ("@original", or by its id), or a further one."""
        interaction, wanted = self._by_webhook(request), request.match_info["message_id"]
        original = interaction.original
        if wanted == "@original" and original is not None:
            wanted = original.id
        for message in [original, *interaction.followups]:
            if message is not None and message.id == wanted and not message.deleted:
                return message
        raise errors.unknown_message()


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
