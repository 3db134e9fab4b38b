"""Slash commands: one file a feature; each only asks the core and says what came of it."""

from .admin import AdminCommands
from .limits import limits_command
from .persona import PersonaCommands
from .syncing import sync
from .tree import CommandTree

__all__ = ["AdminCommands", "CommandTree", "PersonaCommands", "limits_command", "sync"]
