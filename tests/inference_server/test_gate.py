"""The gate: who is let in, who waits and in which order, and who is sent away."""

from __future__ import annotations

import asyncio

import pytest

from inference_server.errors import TooBusy, TookTooLong
from inference_server.gate import Gate
from inference_server.patience import Patience


async def never():
    return await asyncio.Future()


async def test_those_who_wait_are_let_in_in_order_and_nobody_overtakes():
    gate, order = Gate(2, 10), []
    first = gate.take(2)

    async def come(name: str, size: int) -> None:
        place = await gate.wait(size)
        order.append(name)
        await asyncio.sleep(0.01)
        place.leave()

    tasks = [asyncio.create_task(come(name, size)) for name, size in (("a", 1), ("b", 2))]
    await asyncio.sleep(0)
    assert gate.take(1) is None
    tasks.append(asyncio.create_task(come("c", 1)))
    await asyncio.sleep(0)
    assert (gate.running, gate.waiting) == (2, 3)
    first.leave()
    first.leave()
    await asyncio.gather(*tasks)
    assert order == ["a", "b", "c"]
    assert (gate.running, gate.waiting) == (0, 0)


async def test_a_place_that_comes_free_just_then_is_not_missed():
    gate = Gate(1, 5)
    place = gate.take(1)
    patience = Patience(never, 60)

    async def leave() -> None:
        place.leave()

    entering, leaving = asyncio.create_task(patience.enter(gate, 1)), asyncio.create_task(leave())
    async with asyncio.timeout(2):
        entered = await entering
        await leaving
    entered.leave()
    assert (gate.running, gate.waiting) == (0, 0)
    patience.close()


async def test_beyond_the_line_the_gate_says_when_to_come_back():
    gate = Gate(1, 0)
    place = gate.take(1)
    with pytest.raises(TooBusy) as busy:
        await gate.wait(1)
    assert 1 <= int(busy.value.headers["Retry-After"]) <= 60
    place.leave()


async def test_a_client_that_leaves_while_it_waits_leaves_the_line():
    gate = Gate(1, 5)
    place = gate.take(1)
    gone = asyncio.Event()

    async def receive():
        await gone.wait()
        return {"type": "http.disconnect"}

    patience = Patience(receive, 60)
    entering = asyncio.create_task(patience.enter(gate, 1))
    await asyncio.sleep(0.01)
    assert gate.waiting == 1
    gone.set()
    assert await entering is None
    await asyncio.sleep(0)
    assert gate.waiting == 0
    place.leave()
    patience.close()


async def test_waiting_ends_when_the_time_is_over():
    gate = Gate(1, 5)
    place = gate.take(1)
    with pytest.raises(TookTooLong):
        await Patience(never, 0.02).enter(gate, 1)
    await asyncio.sleep(0)
    assert gate.waiting == 0
    place.leave()


async def test_a_place_given_to_a_request_that_was_cancelled_just_then_comes_back():
    gate = Gate(1, 5)
    place = gate.take(1)
    patience = Patience(never, 60)
    entering = asyncio.create_task(patience.enter(gate, 1))
    await asyncio.sleep(0.01)
    place.leave()
    entering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await entering
    await asyncio.sleep(0.01)
    assert (gate.running, gate.waiting) == (0, 0)
    patience.close()
