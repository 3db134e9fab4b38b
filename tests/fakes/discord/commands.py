"""REST: application commands (global ones), with the checks Discord makes of their shape."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from tests.fakes.discord import errors
from tests.fakes.discord.answers import json_answer
from tests.fakes.discord.errors import Json
from tests.fakes.discord.world import World

CHAT_INPUT, USER_COMMAND, MESSAGE_COMMAND = 1, 2, 3
SUB_COMMAND, SUB_COMMAND_GROUP = 1, 2
NAME = re.compile(r"[-_'\w]{1,32}")
MAX_OF_KIND = {CHAT_INPUT: 100, USER_COMMAND: 15, MESSAGE_COMMAND: 15}
MAX_OPTIONS = 25
MAX_COMMAND_CHARACTERS = 8000


class Commands:
    """What is registered, and how often it was overwritten."""

    def __init__(self, world: World, application_id: str) -> None:
        self.world = world
        self.application_id = application_id
        self.registered: list[Json] = []
        self.overwrites = 0

    async def get(self, request: web.Request) -> web.Response:
        self._check_application(request)
        return json_answer(self.registered)

    async def overwrite(self, request: web.Request) -> web.Response:
        """The bulk PUT: what is not in it is gone; a known name keeps its id."""
        self._check_application(request)
        try:
            wanted = await request.json()
        except ValueError:
            raise errors.invalid_json() from None
        if not isinstance(wanted, list):
            raise errors.invalid_field("_", "LIST_TYPE_CONVERT", "Only iterables may be used.")
        for kind, most in MAX_OF_KIND.items():
            if sum(_kind(command) == kind for command in wanted) > most:
                raise errors.too_many_commands(most)
        for position, command in enumerate(wanted):
            check_command(command, str(position))
        known = {_key(command): command["id"] for command in self.registered}
        self.registered = [self._register(command, known) for command in wanted]
        self.overwrites += 1
        self.world.changed()
        return json_answer(self.registered)

    def find(self, path: str) -> tuple[Json, list[Json]]:
        """A command by its full name ("persona switch"): the top one and its way down."""
        first, *rest = path.split()
        top = self._find(CHAT_INPUT, first)
        if top is None:
            raise LookupError(f"No command /{first} is registered.")
        way = [top]
        for name in rest:
            children = way[-1].get("options", [])
            child = next((one for one in children if one["name"] == name), None)
            if child is None:
                raise LookupError(f"No command /{path} is registered.")
            way.append(child)
        return top, way

    def find_menu(self, name: str) -> Json:
        """A command of the message menu."""
        top = self._find(MESSAGE_COMMAND, name)
        if top is None:
            raise LookupError(f"The message menu has no {name!r}.")
        return top

    def _find(self, kind: int, name: str) -> Json | None:
        wanted = (kind, name)
        return next((one for one in self.registered if _key(one) == wanted), None)

    def _check_application(self, request: web.Request) -> None:
        if request.match_info["application_id"] != self.application_id:
            raise errors.missing_access()

    def _register(self, command: Json, known: dict[tuple[int, str], str]) -> Json:
        permissions = command.get("default_member_permissions")
        contexts = command.get("contexts")
        return {
            "id": known.get(_key(command)) or self.world.snowflakes.next(),
            "application_id": self.application_id,
            "version": self.world.snowflakes.next(),
            "default_member_permissions": None if permissions is None else str(permissions),
            "type": command.get("type", CHAT_INPUT),
            "name": command["name"],
            "name_localizations": None,
            "description": command.get("description", ""),
            "description_localizations": None,
            "dm_permission": command.get("dm_permission", True),
            "contexts": contexts,
            "integration_types": command.get("integration_types") or [0],
            "options": [_register_option(option) for option in command.get("options", [])],
            "nsfw": command.get("nsfw", False),
        }


def _register_option(option: Json) -> Json:
    """Discord leaves out what is empty or false."""
    kept = {name: value for name, value in option.items() if value not in (None, False, [])}
    if "options" in kept:
        kept["options"] = [_register_option(child) for child in kept["options"]]
    return kept


def check_command(command: Json, path: str) -> None:
    """Raises ApiError 50035 for a shape Discord refuses."""
    if _kind(command) != CHAT_INPUT:
        _check_menu_command(command, path)
        return
    _check_name_and_description(command, path)
    options = command.get("options") or []
    _check_options(options, path)
    if _characters(command) > MAX_COMMAND_CHARACTERS:
        raise errors.invalid_field(path, "APPLICATION_COMMAND_TOO_LARGE", "Command exceeds 8000.")


def _check_menu_command(command: Json, path: str) -> None:
    """Names of any case, with spaces; no description and no options."""
    if not 1 <= len(str(command.get("name", "")).strip()) <= 32:
        raise errors.invalid_field(f"{path}.name", "BASE_TYPE_BAD_LENGTH", "Between 1 and 32.")
    for name in ("description", "options"):
        if command.get(name):
            raise errors.invalid_field(
                f"{path}.{name}", "APPLICATION_COMMAND_INVALID_FIELD", "Context menus have none."
            )


def _check_options(options: list[Json], path: str) -> None:
    if len(options) > MAX_OPTIONS:
        raise errors.invalid_field(f"{path}.options", "BASE_TYPE_MAX_LENGTH", "At most 25.")
    required = [bool(option.get("required")) for option in options]
    if required != sorted(required, reverse=True):
        raise errors.invalid_field(
            f"{path}.options",
            "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
            "Required options must be placed before non-required options",
        )
    for position, option in enumerate(options):
        where = f"{path}.options.{position}"
        _check_name_and_description(option, where)
        if option.get("autocomplete") and option.get("choices"):
            raise errors.invalid_field(
                where, "APPLICATION_COMMAND_OPTIONS_CHOICES_AUTOCOMPLETE", "Not both."
            )
        _check_options(option.get("options") or [], where)


def _check_name_and_description(subject: Json, path: str) -> None:
    name = subject.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name) or name != name.lower():
        raise errors.invalid_field(
            f"{path}.name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid"
        )
    description = subject.get("description")
    if not isinstance(description, str) or not 1 <= len(description) <= 100:
        raise errors.invalid_field(
            f"{path}.description", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length."
        )


def _kind(command: Json) -> int:
    return int(command.get("type") or CHAT_INPUT)


def _key(command: Json) -> tuple[int, str]:
    return _kind(command), command["name"]


def _characters(subject: Any) -> int:
    own = len(str(subject.get("name", ""))) + len(str(subject.get("description", "")))
    return own + sum(_characters(option) for option in subject.get("options") or [])
