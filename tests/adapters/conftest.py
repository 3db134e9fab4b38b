"""Exports and datasets for the adapters' tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.adapters.blogs import Blog, served
from tests.object_store import bucket, store, store_server  # noqa: F401  # as fixtures

SHARED = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Other people's exports of every app, which are not part of the project."""
    if not SHARED.is_dir():
        pytest.skip("other people's exports (../shared/data) are not on this machine")
    return SHARED


@pytest.fixture
def export(tmp_path: Path) -> Callable[..., Path]:
    """Writes lines as an export and returns its path."""

    def write(*lines: str, name: str = "chat.txt") -> Path:
        path = tmp_path / name
        path.write_bytes("".join(f"{line}\n" for line in lines).encode())
        return path

    return write


@pytest.fixture
def blog() -> Iterator[Blog]:
    with served(Blog()) as blog:
        yield blog


def long_chat(sessions: int = 60) -> list[str]:
    """Android lines: Tom speaks, Maya answers twice, every day a little later."""
    lines = []
    for day in range(sessions):
        date = f"{day % 28 + 1:02}/{day // 28 + 1:02}/2020"
        lines += [
            f"{date}, 10:00 - Tom: How is day number {day} going, then?",
            f"{date}, 10:01 - Maya: day {day} is sooo good",
            f"{date}, 10:01 - Maya: had {day} cups of tea!!",
            f"{date}, 10:05 - Tom: That is {day} more than I had.",
            f"{date}, 10:06 - Maya: noooo {day} tom",
        ]
    return lines
