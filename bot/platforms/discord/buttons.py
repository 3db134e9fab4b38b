"""What hangs under an answer: which buttons, and how Discord is told.

A button's custom id is only a word: what it is about is the message that it hangs under, so that
it works after a restart and there is nothing in it to forge. What a press does is `pressing`'s.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, Self, cast

import discord
from discord.ui import Button, DynamicItem, View

from bot.errors import Stopped, UnderstudyError

Act = Literal["stop", "again", "retry", "up", "down", "back", "count", "forth"]

PREFIX = "answer:"
PLAIN = discord.ButtonStyle.secondary
ROWS: tuple[tuple[Act, ...], ...] = (
    ("stop", "again", "retry", "up", "down"),
    ("back", "count", "forth"),
)
FACES: dict[Act, dict[str, Any]] = {
    "stop": {"label": "Stop", "emoji": "⏹️"},
    "again": {"label": "Again", "emoji": "🔁"},
    "retry": {"label": "Retry", "emoji": "🔁"},
    "up": {"emoji": "👍"},
    "down": {"emoji": "👎"},
    "back": {"label": "‹"},
    "count": {"disabled": True},
    "forth": {"label": "›"},
}


@dataclass(frozen=True, slots=True)
class Buttons:
    """Which ones, and which of how many answers they hang under."""

    acts: frozenset[Act] = frozenset()
    which: int = 0
    of: int = 0

    def view(self) -> View | None:
        """As discord.py sends it; None takes away what hangs there."""
        if not self.acts:
            return None
        view = View(timeout=None)
        for row, acts in enumerate(ROWS):
            for act in acts:
                if act in self.acts:
                    view.add_item(PressButton(act, row, **self._face(act)))
        return view

    def _face(self, act: Act) -> dict[str, Any]:
        face = dict(FACES[act])
        if act == "count":
            face["label"] = f"{self.which}/{self.of}"
        if (act, self.which) in (("back", 1), ("forth", self.of)):
            face["disabled"] = True
        return face


NOTHING = Buttons()
UNKNOWN = Buttons(which=-1)
"""Whatever another process put there."""
WHILE_SPEAKING = Buttons(frozenset({"stop"}))
AFTER_FAILURE = Buttons(frozenset({"retry"}))


def at_the_end(
    said: bool, failure: UnderstudyError | None, feedback: bool, which: int = 0, of: int = 0
) -> Buttons:
    """Under a finished answer; `said` is whether it has any words of the persona's."""
    acts: set[Act] = set()
    if failure is None or isinstance(failure, Stopped):
        acts.add("again")
    elif failure.retry_helps:
        acts.add("retry")
    if said and feedback:
        acts |= {"up", "down"}
    if of > 1:
        acts |= {"back", "count", "forth"}
    return Buttons(frozenset(acts), which, of)


class PressButton(DynamicItem[Button[View]], template=PREFIX + "(?P<act>[a-z]+)"):
    """One button; discord.py makes it anew from its custom id when it is pressed."""

    def __init__(self, act: Act, row: int = 0, **face: Any) -> None:
        self.act = act
        super().__init__(Button(custom_id=PREFIX + act, style=PLAIN, **face), row=row)

    @classmethod
    async def from_custom_id(
        cls, _: discord.Interaction[Any], _item: Any, match: re.Match[str], /
    ) -> Self:
        return cls(cast(Act, match["act"]), emoji="❔")

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await interaction.client.pressing.pressed(self.act, interaction)
