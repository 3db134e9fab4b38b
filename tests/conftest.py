"""How the tests are shared out where two workers run them (`make test`)."""

from __future__ import annotations

import pytest

SHARED_SERVER = "built_stage"
"""Whatever uses it stays together: it is one vLLM for several files."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A file stays together, and what takes longest begins first."""
    for item in items:
        shared = SHARED_SERVER in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group(SHARED_SERVER if shared else str(item.path)))
    if config.getoption("numprocesses", None) or hasattr(config, "workerinput"):
        items.sort(key=lambda item: item.get_closest_marker("slow") is None)
