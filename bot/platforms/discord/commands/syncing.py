"""Commands are sent to Discord only when they differ from what it has.

Overwriting them at every start is limited (200 creations a day), and clients load them anew.
"""

from __future__ import annotations

import logging
from typing import Any

from .tree import CommandTree

log = logging.getLogger(__name__)

COMPARED = (
    "name",
    "type",
    "description",
    "required",
    "autocomplete",
    "choices",
    "min_value",
    "max_value",
    "min_length",
    "max_length",
    "channel_types",
    "contexts",
    "integration_types",
    "nsfw",
)


async def sync(tree: CommandTree) -> bool:
    """Whether Discord had to be told. Raises discord.py's errors."""
    application_id = tree.client.application_id
    assert application_id is not None  # known since the login
    there = await tree.client.http.get_global_commands(application_id)
    here = [command.to_dict(tree) for command in tree.get_commands()]
    if _essence(here) == _essence(there):
        return False
    await tree.sync()
    log.info("told Discord about %d commands", len(here))
    return True


def _essence(commands: Any) -> list[Any]:
    """What people would notice, without ids, versions and the order of commands."""
    return sorted(map(_command, commands), key=lambda command: str(command["name"]))


def _command(command: Any) -> dict[str, Any]:
    essence = _option(command)
    permissions = command.get("default_member_permissions")
    if permissions is not None:
        essence["default_member_permissions"] = str(permissions)
    return essence


def _option(option: Any) -> dict[str, Any]:
    essence = {name: option[name] for name in COMPARED if option.get(name)}
    if option.get("options"):
        essence["options"] = [_option(child) for child in option["options"]]
    return essence
