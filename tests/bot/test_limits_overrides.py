"""What the administrators of a server change of its limits, for roles, people and all."""

import asyncio

from bot.allowances import EVERYBODY, WHOLE_SERVER, Allowance
from bot.limits import Limits
from bot.store import Store
from tests.bot import counted
from tests.bot.counted import ask

elsewhere, person, server = counted.elsewhere, counted.person, counted.server
REGULAR, PATRON = "test:role:1", "test:role:2"


async def allowed(
    limits: Limits, kept: Store, person: str, *roles: str, server: str | None = None
) -> int:
    """How many of ten messages at once are allowed."""
    asks = [ask(limits, kept, person, *roles, server=server) for _ in range(10)]
    return sum([verdict.allowed for verdict in await asyncio.gather(*asks)])


async def test_a_persons_own_number_wins_then_the_most_generous_role_then_everybodys(
    kept: Store, person: str, server: str
) -> None:
    limits = Limits(kept, Allowance(1))
    assert await allowed(limits, kept, f"{person}-a", server=server) == 1
    await limits.change(server, EVERYBODY, messages_per_minute=2)
    await limits.change(server, REGULAR, messages_per_minute=3)
    await limits.change(server, PATRON, messages_per_minute=5)
    await limits.change(server, f"{person}-e", messages_per_minute=4)
    assert await allowed(limits, kept, f"{person}-b", server=server) == 2
    assert await allowed(limits, kept, f"{person}-c", REGULAR, server=server) == 3
    assert await allowed(limits, kept, f"{person}-d", REGULAR, PATRON, server=server) == 5
    assert await allowed(limits, kept, f"{person}-e", PATRON, server=server) == 4
    assert await allowed(limits, kept, f"{person}-f", PATRON) == 1  # not in that server


async def test_no_limit_is_the_most_generous(kept: Store, person: str, server: str) -> None:
    limits = Limits(kept, Allowance(1))
    await limits.change(server, REGULAR, messages_per_minute=5)
    await limits.change(server, PATRON, messages_per_minute=0)
    assert await allowed(limits, kept, person, REGULAR, PATRON, server=server) == 10


async def test_each_number_is_overridden_by_itself_and_a_reset_takes_all_away(
    kept: Store, person: str, server: str
) -> None:
    limits, owners = Limits(kept, Allowance(1, 100)), Allowance(1, 100)
    await limits.change(server, person, messages_per_minute=7)
    overrides = await limits.change(server, person, tokens_per_day=9)
    assert overrides.person(owners, person, ()) == Allowance(7, 9)
    await limits.change(server, REGULAR, tokens_per_day=50)
    overrides = await limits.reset(server, person)
    assert overrides.person(owners, person, [REGULAR]) == Allowance(1, 50)
    assert overrides.subjects() == {REGULAR: {"tokens_per_day": 50}}


async def test_a_servers_administrators_can_lower_the_owners_bound_and_never_raise_it(
    kept: Store, server: str
) -> None:
    limits, owners = Limits(kept, Allowance()), Allowance(10, 0)
    lower = await limits.change(server, WHOLE_SERVER, messages_per_minute=4, tokens_per_day=5)
    assert lower.server(owners) == Allowance(4, 5)
    higher = await limits.change(server, WHOLE_SERVER, messages_per_minute=0, tokens_per_day=0)
    assert higher.server(owners) == Allowance(10, 0)


async def test_a_change_holds_at_once_here_and_soon_in_other_processes(
    kept: Store, elsewhere: Store, person: str, server: str
) -> None:
    now = 0.0
    here = Limits(kept, Allowance(1))
    there = Limits(elsewhere, Allowance(1), clock=lambda: now)
    assert await allowed(there, elsewhere, f"{person}-a", server=server) == 1
    await here.change(server, EVERYBODY, messages_per_minute=3)
    assert await allowed(here, kept, f"{person}-b", server=server) == 3
    assert await allowed(there, elsewhere, f"{person}-c", server=server) == 1
    now = 10.0
    # Of ten at once, those judged before the first has read the news may be one too few.
    assert (await ask(there, elsewhere, f"{person}-d", server=server)).allowed
    assert await allowed(there, elsewhere, f"{person}-e", server=server) == 3


async def test_what_was_counted_by_an_old_override_is_counted_anew(
    kept: Store, elsewhere: Store, person: str, server: str
) -> None:
    await Limits(kept, Allowance()).change(server, EVERYBODY, messages_per_minute=4)
    there = Limits(elsewhere, Allowance(1))  # has never heard of this server
    assert (await ask(there, elsewhere, person, server=server)).allowed
    left = (await there.left(person, server=server)).person.messages
    assert left is not None
    assert (left.of, left.left) == (4, 3)
