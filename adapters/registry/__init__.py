"""Personas and their versions as plain files: the only truth about what is served."""

from .errors import (
    BadName,
    BrokenEntry,
    NotWritable,
    RegistryError,
    UnknownPersona,
    UnknownVersion,
    Unreachable,
)
from .folder import Registry, checked

__all__ = [
    "BadName",
    "BrokenEntry",
    "NotWritable",
    "Registry",
    "RegistryError",
    "UnknownPersona",
    "UnknownVersion",
    "Unreachable",
    "checked",
]
