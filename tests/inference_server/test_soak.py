"""`make soak`: a minute of rollouts under load, and two hundred of them without growing."""

from __future__ import annotations

import asyncio

import pytest

from tests.inference_server.processes import family, resident_mb
from tests.inference_server.stage import Stage
from tests.inference_server.upheaval import Upheaval

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]

SECONDS, STREAMS, ROLLOUTS, ROLLBACKS = 60, 16, 20, 5
EARLY, LATE, FEW_STREAMS = 20, 200, 4
GROWTH = 1.05
SETTLE_S = 3.0


async def test_20_rollouts_and_5_rollbacks_in_a_minute_go_unnoticed_by_16_people(
    stage: Stage,
) -> None:
    upheaval = Upheaval(stage, "echo")
    await upheaval.record_voices()
    seen = await upheaval.run(SECONDS, STREAMS, ROLLOUTS, ROLLBACKS)
    print(seen)
    assert not seen.failed, seen.failed[:3]
    assert not seen.mixed, seen.mixed[:3]
    assert (seen.rollouts, seen.rollbacks) == (ROLLOUTS, ROLLBACKS)
    assert len(seen.by_version) >= ROLLOUTS, "people did not meet the versions"
    assert 0 < seen.most_loaded <= seen.max_loaded


async def test_memory_after_200_rollouts_is_that_after_20(stage: Stage) -> None:
    """With the same people talking all the time; the files are as small as adapters get."""
    upheaval = Upheaval(stage, "worn")
    await upheaval.record_voices()
    assert stage.server.process is not None
    server = stage.server.process.pid
    sizes = {}
    done = 0
    for until in (EARLY, LATE):
        seen = await upheaval.run(0, FEW_STREAMS, until - done, 0)
        assert not seen.failed, seen.failed[:3]
        assert not seen.mixed, seen.mixed[:3]
        assert 0 < seen.most_loaded <= seen.max_loaded
        done = until
        await asyncio.sleep(SETTLE_S)
        sizes[until] = resident_mb(server)
        print(f"after {until} rollouts: {sizes[until]:.0f} MB in {len(family(server))} processes")
    assert sizes[LATE] <= sizes[EARLY] * GROWTH
