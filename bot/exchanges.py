"""A question with all its answers, of which one is shown and remembered as the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .errors import AnsweringAlready, NotRemembered, UnderstudyError
from .store import pairs
from .turns import Turn, from_json


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was asked, and what was answered to it so far."""

    question: Turn
    answers: tuple[Turn, ...]
    """The few that are kept, oldest first; none where nothing could be said."""
    shown: int
    """Which of them people see, counted from 0; -1 where there is none."""
    shown_as: tuple[str, ...]
    """The platform's ids of the messages that show it."""

    @property
    def answer(self) -> Turn | None:
        return self.answers[self.shown] if self.answers else None


def exchange_in(reply: Sequence[str]) -> Exchange | UnderstudyError:
    """What memory's script found, or why not."""
    match reply[0]:
        case "gone":
            return NotRemembered()
        case "busy":
            return AnsweringAlready()
    _, current, shown, *rest = reply
    ids, told = rest[3 : 3 + int(shown)], rest[3 + int(shown) :]
    answers = [from_json(id_, said) for id_, said in pairs(told)]
    at = next((n for n, one in enumerate(answers) if one.message_id == current), -1)
    return Exchange(from_json(*rest[:3]), tuple(answers), at, tuple(ids))
