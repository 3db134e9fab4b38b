"""What tests of further answers share: asking, asking again, turning pages, and what there is."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Any

from bot.cards import Persona
from bot.messages import Incoming
from bot.wiring import App
from tests.fakes.model import ModelServer
from tests.fakes.reply import KeptReply

_ids = count(1)


@dataclass
class InPlace(KeptReply):
    """A reply in the place of an answer."""

    number: tuple[int, int] = (0, 0)
    speaker: str | None = None

    def among(self, which: int, of: int) -> None:
        self.number = which, of

    def speak_as(self, persona: Persona | None) -> None:
        self.speaker = persona.name if persona is not None else None


async def ask(app: App, place: str, text: str = "hi", author: str = "Tom") -> str:
    """The id under which the answer is shown."""
    id_ = str(next(_ids))
    asked = Incoming(place, id_, f"test:{author}", author, text)
    await app.conversation.answer(asked, KeptReply(shown_as=(f"shown {id_}",)))
    return f"shown {id_}"


def press(place: str, author: str = "Tom", **more: Any) -> Incoming:
    return Incoming(place, f"press {next(_ids)}", f"test:{author}", author, "", **more)


async def again(
    app: App, place: str, shown: str, author: str = "Tom", reply: InPlace | None = None
) -> InPlace:
    reply = reply or InPlace(shown_as=(shown,))
    await app.conversation.again(press(place, author), shown, reply)
    return reply


async def turn_to(app: App, place: str, shown: str, step: int) -> InPlace:
    reply = InPlace(shown_as=(shown,))
    await app.conversation.turn_to(press(place), shown, step, reply)
    return reply


async def texts(app: App, place: str, shown: str) -> tuple[list[str], int]:
    """All answers that are kept, and which one is shown."""
    exchange = await app.memory.exchange(place, shown)
    return [answer.text for answer in exchange.answers], exchange.shown


def contents(model: ModelServer) -> list[str]:
    return [one["content"] for one in model.questions[-1]["messages"][1:]]
