"""What the entries of a ledger amount to: who agrees to what now, and who has withdrawn.

Entries are read from top to bottom. Knows nothing of files, datasets or versions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from adapters.manifest import PersonaName

from .names import plain_all

Purpose = Literal["import", "train", "serve"]
PURPOSES: tuple[Purpose, ...] = ("import", "train", "serve")
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    who: Name
    also: tuple[Name, ...] = ()
    """Further names, numbers and ids of the same person."""
    by: str = ""
    """Who wrote it down."""

    @cached_property
    def names(self) -> frozenset[str]:
        return plain_all((self.who, *self.also))


class Agreed(_Entry):
    role: Literal["subject", "third party"]
    persona: PersonaName | None = None
    """Whose subject they are."""
    to: Annotated[tuple[Purpose, ...], Field(min_length=1)]
    agreed: AwareDatetime
    note: str = ""
    """How they agreed."""

    @model_validator(mode="after")
    def _fits(self) -> Agreed:
        if (self.role == "subject") != (self.persona is not None):
            raise ValueError("a subject has a persona, and a third party has none")
        return self


class Withdrew(_Entry):
    withdrew: AwareDatetime


Entry = Agreed | Withdrew


@dataclass(frozen=True)
class Withdrawal:
    """Who withdrew, under all the names that the ledger knows of them."""

    names: frozenset[str]
    at: datetime


class Ledger:
    """What the entries amount to."""

    def __init__(self, entries: Sequence[Entry] = ()) -> None:
        self.entries = tuple(entries)
        self.revoked: dict[int, datetime] = {}
        """When an agreement, by its place, was withdrawn."""
        self.withdrawals: list[Withdrawal] = []
        self.withdrawn_names: frozenset[str] = frozenset()
        """Of whom the last that is known is that they withdrew."""
        for place, entry in enumerate(entries):
            if isinstance(entry, Agreed):
                self.withdrawn_names -= entry.names
            else:
                self._withdraw(place, entry)

    def _withdraw(self, place: int, entry: Withdrew) -> None:
        above = self.entries[:place]
        names = _known_as(entry.names, above)
        for before, other in enumerate(above):
            if isinstance(other, Agreed) and other.names & names:
                self.revoked.setdefault(before, entry.withdrew)
        self.withdrawals.append(Withdrawal(names, entry.withdrew))
        self.withdrawn_names |= names

    @property
    def standing(self) -> Iterator[Agreed]:
        """The agreements that nobody has withdrawn."""
        for place, entry in enumerate(self.entries):
            if isinstance(entry, Agreed) and place not in self.revoked:
                yield entry

    def rows(self) -> list[dict[str, Any]]:
        """Every agreement, and those who withdrew without ever having agreed; for a list."""
        listed = []
        for place, entry in enumerate(self.entries):
            row: dict[str, Any] = {"who": entry.who, "also": list(entry.also), "by": entry.by}
            if isinstance(entry, Agreed):
                row["as"] = f"subject of {entry.persona}" if entry.persona else entry.role
                row |= {"role": entry.role, "persona": entry.persona, "to": list(entry.to)}
                row |= {"agreed": _iso(entry.agreed), "note": entry.note}
                row["revoked"] = _iso(self.revoked[place]) if place in self.revoked else None
                listed.append(row)
            elif not any(other.names & entry.names for other in self.entries[:place]):
                row |= {"as": None, "role": None, "persona": None, "to": [], "agreed": None}
                listed.append(row | {"note": "", "revoked": _iso(entry.withdrew)})
        return listed

    def subject(self, persona: str, names: Collection[str], to: Purpose) -> Agreed | None:
        """The entry by which somebody agreed as the persona's subject; `names` are plain."""
        for entry in self.standing:
            if entry.persona == persona and to in entry.to and not entry.names.isdisjoint(names):
                return entry
        return None

    def third_party(self, names: Collection[str]) -> bool:
        """Whether somebody agreed to appear as themselves: what is imported is to be trained on
        and served."""
        to = {
            purpose
            for entry in self.standing
            if entry.role == "third party" and not entry.names.isdisjoint(names)
            for purpose in entry.to
        }
        return to.issuperset(PURPOSES)

    def withdrawn(self, names: Collection[str]) -> bool:
        """Whether the last that is known of somebody is that they withdrew."""
        return not self.withdrawn_names.isdisjoint(names)

    def known_as(self, names: frozenset[str]) -> frozenset[str]:
        """These names, and all that the ledger has of the same person."""
        return _known_as(names, self.entries)


def _known_as(names: frozenset[str], entries: Sequence[Entry]) -> frozenset[str]:
    while further := frozenset[str]().union(*(e.names for e in entries if e.names & names)) - names:
        names |= further
    return names


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
