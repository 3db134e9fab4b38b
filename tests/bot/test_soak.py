"""`make soak`: many turns in many conversations at once; nothing lost, nothing grows."""

import asyncio
import resource
from pathlib import Path

import pytest

from bot.messages import Incoming
from bot.wiring import wire
from tests.bot.conftest import settings_for
from tests.fakes.model import ModelServer
from tests.fakes.reply import KeptReply

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]

CONVERSATIONS, ROUNDS, WARM_ROUNDS = 50, 100, 20
GROWTH = 1.15


async def test_5000_turns_are_answered_in_order_and_the_process_stays_as_large_as_it_was(
    redis_home: Path, model: ModelServer
) -> None:
    settings = settings_for(redis_home, model)
    peak_kib = 0
    async with wire(settings) as app:
        for turn in range(ROUNDS):
            replies = [KeptReply() for _ in range(CONVERSATIONS)]
            await asyncio.gather(
                *(
                    app.conversation.answer(
                        Incoming(f"soak:{place}", f"{turn}", f"soak:{place}", "Tom", f"{turn}?"),
                        reply,
                    )
                    for place, reply in enumerate(replies)
                )
            )
            assert [reply.final for reply in replies] == ["Hello there."] * CONVERSATIONS
            if turn == WARM_ROUNDS:
                peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            del model.questions[:-CONVERSATIONS]
            model.asked.clear()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < peak_kib * GROWTH
    last = model.questions[-1]["messages"][-1]["content"]
    assert last.endswith(f"Tom: {ROUNDS - 1}?")
