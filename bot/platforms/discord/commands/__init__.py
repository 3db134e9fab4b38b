"""Slash commands: one file a feature; each only asks the core and says what came of it."""

from .admin import AdminCommands
from .asking import Asking
from .chat import ChatCommands
from .limits import limits_command
from .memory import MemoryCommands
from .persona import PersonaCommands
from .syncing import sync
from .tree import CommandTree

__all__ = [
    "AdminCommands",
    "Asking",
    "ChatCommands",
    "CommandTree",
    "MemoryCommands",
    "PersonaCommands",
    "limits_command",
    "sync",
]
