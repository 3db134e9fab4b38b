"""Rollouts and rollbacks while people talk: what `make soak` does for a minute, in seconds."""

from __future__ import annotations

import pytest

from tests.inference_server.stage import Stage
from tests.inference_server.upheaval import VERSIONS_KEPT, Upheaval

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SECONDS, STREAMS, ROLLOUTS, ROLLBACKS = 20, 8, 6, 2


async def test_nobody_notices_rollouts_and_rollbacks(stage: Stage) -> None:
    upheaval = Upheaval(stage, "echo")
    await upheaval.record_voices()
    loaded = stage.admin("GET", "/admin/status").json()["engine"]["loaded"]
    others = loaded - len(stage.status("echo")["loaded"])
    seen = await upheaval.run(SECONDS, STREAMS, ROLLOUTS, ROLLBACKS)
    print(seen)
    assert not seen.failed, seen.failed[:3]
    assert not seen.mixed, seen.mixed[:3]
    assert (seen.rollouts, seen.rollbacks) == (ROLLOUTS, ROLLBACKS)
    assert len(seen.by_version) > ROLLOUTS // 2, "people did not meet the versions"
    assert seen.answers > 3 * STREAMS, "too few people talked"
    assert 0 < seen.most_loaded <= min(seen.max_loaded, others + VERSIONS_KEPT + 1)
