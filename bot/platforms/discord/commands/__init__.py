"""Slash commands: one file a feature; each only asks the core and says what came of it."""

from .admin import AdminCommands
from .ask_about import AskAbout
from .chat import ChatCommands
from .compare import comparing
from .limits import limits_command
from .memory import MemoryCommands
from .persona import PersonaCommands
from .scene import staging
from .syncing import sync
from .tree import CommandTree

__all__ = [
    "AdminCommands",
    "AskAbout",
    "ChatCommands",
    "CommandTree",
    "MemoryCommands",
    "PersonaCommands",
    "comparing",
    "limits_command",
    "staging",
    "sync",
]
