"""The gate in front of the model: order, the line that people see, and no place ever lost."""

import asyncio
import random
from dataclasses import dataclass

import pytest

from bot.gate import Gate


async def _unseen(_: int) -> None:
    pass


@dataclass
class Visitor:
    task: asyncio.Task[None]
    leave: asyncio.Event


async def enter(gate: Gate) -> Visitor:
    """Somebody who is inside, or in line, until `leave` is set."""
    leave = asyncio.Event()

    async def stand() -> None:
        async with gate.place(_unseen):
            await leave.wait()

    visitor = Visitor(asyncio.create_task(stand()), leave)
    await asyncio.sleep(0)
    return visitor


async def is_free(gate: Gate, places: int, of: int = 20) -> bool:
    """Whether of 20 people exactly so many are inside at once, and all come through."""
    inside, most = 0, 0

    async def visit() -> None:
        nonlocal inside, most
        async with gate.place(_unseen):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.001)
            inside -= 1

    await asyncio.wait_for(asyncio.gather(*(visit() for _ in range(of))), 2)
    return most == places


async def test_without_a_bound_everybody_goes_through() -> None:
    assert await is_free(Gate(0), 100, of=100)


async def test_no_more_than_the_bound_are_inside_at_once() -> None:
    assert await is_free(Gate(3), 3)


async def test_who_came_first_goes_first() -> None:
    gate, order = Gate(1), []

    async def visit(number: int) -> None:
        async with gate.place(_unseen):
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(visit(number) for number in range(20)))
    assert order == list(range(20))


async def test_who_waits_sees_the_place_and_each_change_of_it() -> None:
    gate, seen = Gate(1, show_every_s=0.01), []
    holder, second, third = await enter(gate), await enter(gate), await enter(gate)
    shown: asyncio.Queue[int] = asyncio.Queue()

    async def visit() -> None:
        async with gate.place(shown.put):
            seen.append("inside")

    visiting = asyncio.create_task(visit())
    assert await asyncio.wait_for(shown.get(), 2) == 2
    await asyncio.sleep(0.05)
    assert shown.empty()  # the same place is not said again
    holder.leave.set()
    assert await asyncio.wait_for(shown.get(), 2) == 1
    second.leave.set()
    assert await asyncio.wait_for(shown.get(), 2) == 0
    third.leave.set()
    await asyncio.wait_for(visiting, 2)
    assert seen == ["inside"]


async def test_a_short_wait_is_not_shown() -> None:
    gate, shown = Gate(1, show_every_s=5), []

    async def show(ahead: int) -> None:
        shown.append(ahead)

    holder = await enter(gate)

    async def visit() -> None:
        async with gate.place(show):
            pass

    visiting = asyncio.create_task(visit())
    await asyncio.sleep(0.01)
    holder.leave.set()
    await asyncio.wait_for(visiting, 2)
    assert shown == []


async def test_a_line_that_cannot_be_shown_costs_no_place() -> None:
    gate = Gate(1, show_every_s=0.001)
    holder = await enter(gate)

    async def broken(_: int) -> None:
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        async with gate.place(broken):
            pass
    holder.leave.set()
    assert await is_free(gate, 1)


async def test_who_is_cancelled_just_when_a_place_was_given_passes_it_on() -> None:
    gate = Gate(1)
    holder, second = await enter(gate), await enter(gate)
    third = await enter(gate)
    holder.leave.set()
    await holder.task  # the place is second's, who has not run yet
    second.task.cancel()
    third.leave.set()
    await asyncio.wait_for(third.task, 2)
    assert await is_free(gate, 1)


@pytest.mark.parametrize("seed", range(5))
async def test_no_place_is_lost_or_made_however_people_leave(seed: int) -> None:
    chance, gate = random.Random(seed), Gate(3, show_every_s=0.001)
    inside = most = 0

    async def visit(fails: bool) -> None:
        nonlocal inside, most
        async with gate.place(_unseen):
            inside += 1
            most = max(most, inside)
            try:
                await asyncio.sleep(chance.random() * 0.004)
                if fails:
                    raise ZeroDivisionError
            finally:
                inside -= 1

    tasks = [asyncio.create_task(visit(chance.random() < 0.2)) for _ in range(200)]
    for task in chance.sample(tasks, 80):
        await asyncio.sleep(chance.random() * 0.002)
        task.cancel()
    await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 10)
    assert most == 3
    assert await is_free(gate, 3)
