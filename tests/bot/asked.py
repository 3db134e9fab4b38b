"""What tests of the conversation share: a message, and the reply to it."""

from itertools import count

from bot.messages import Incoming
from bot.wiring import App
from tests.fakes.reply import KeptReply

_ids = count(1)


def message(place: str, text: str = "hi", author: str = "Tom") -> Incoming:
    return Incoming(place, str(next(_ids)), f"test:{author}", author, text)


async def ask(app: App, place: str, text: str = "hi", author: str = "Tom") -> KeptReply:
    reply = KeptReply()
    await app.conversation.answer(message(place, text, author), reply)
    return reply
