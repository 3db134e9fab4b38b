"""What a registry can't do, in sentences for its owner."""

from __future__ import annotations


class RegistryError(Exception):
    """The registry can't do that.

    RegistryError
    ├── BadName            not a persona's name at all
    ├── UnknownPersona     no such persona
    ├── UnknownVersion     no such version of the persona
    ├── BrokenEntry        a file of the registry can't be read or understood
    ├── NotWritable        it can't be written
    └── Unreachable        it can't be looked at now; what was seen before still holds
    """


class BadName(RegistryError):
    pass


class UnknownPersona(RegistryError):
    pass


class UnknownVersion(RegistryError):
    pass


class BrokenEntry(RegistryError):
    pass


class NotWritable(RegistryError):
    pass


class Unreachable(RegistryError):
    pass
