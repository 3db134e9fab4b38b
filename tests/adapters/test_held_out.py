"""What a persona is tested on is nowhere in what it learns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.dataset import store
from adapters.dataset.report import ImportReport
from adapters.dataset.shape import Layout, Shape
from adapters.imports import import_chat
from tests.adapters.conftest import long_chat

Export = Callable[..., Path]
STORY = "once upon a time the old ferry left without me and my two red bags"
RETOLD = "once upon a time the old ferry left without me and my two red bags!!"
BEFORE = "05/01/2020, 10:{} - {}"


def told(path: Path, home: Path, layout: Layout = "conversations", *keep: str) -> ImportReport:
    rules = ["near-duplicates", *keep]
    shape = Shape(layout=layout)
    return import_chat("whatsapp", path, "maya", ["Maya"], home, keep=rules, shape=shape)


@pytest.fixture
def retold(export: Export) -> Path:
    """Maya tells a story on the fifth day, between two answers, and again on one of the last."""
    lines = long_chat()
    at = next(place for place, line in enumerate(lines) if line.startswith("05/01/2020, 10:05"))
    early = [
        BEFORE.format("02", "Tom: before it"),
        BEFORE.format("02", "Maya: said before it"),
        BEFORE.format("03", "Tom: what happened"),
        BEFORE.format("03", "Maya: wait"),
        BEFORE.format("03", f"Maya: {STORY}"),
    ]
    late = ["28/02/2020, 10:20 - Tom: again?", f"28/02/2020, 10:21 - Maya: {RETOLD}"]
    assert lines[-1].startswith("04/03")
    end = next(place for place, line in enumerate(lines) if line.startswith("01/03"))
    return export(*lines[:at], *early, *lines[at:end], *late, *lines[end:])


def texts(rows: list[store.Row]) -> str:
    return "\n".join(message["content"] for row in rows for message in row["messages"])


@pytest.mark.parametrize("layout", ["conversations", "pairs", "dialogue"])
def test_a_long_line_of_what_is_held_out_is_not_learned_where_it_was_told_before(
    layout: Layout, retold: Path, tmp_path: Path
) -> None:
    report = told(retold, tmp_path, layout)
    dataset = store.load(tmp_path, "maya")
    assert "red bags!!" in texts(dataset.held_out)
    learned = texts(dataset.train)
    assert "red bags" not in learned
    assert "what happened" not in learned
    assert "said before it" in learned
    assert "noooo 4 " in learned
    assert STORY[:40] in "".join(report.cleaned_samples["held-out"])
    assert report.cleaned["held-out"] == 2 + (layout == "dialogue")
    for row in dataset.train:
        assert row["messages"][1]["role"] == "user"


def test_what_is_only_mentioned_is_not_looked_through(retold: Path, tmp_path: Path) -> None:
    chat = retold.read_text("utf-8").replace(f"Maya: {STORY}", f"Tom: {STORY}", 1)
    retold.write_text(chat, "utf-8")
    shape = Shape(layout="dialogue")
    report = import_chat("whatsapp", retold, "maya", ["Maya"], tmp_path, keep=["near-duplicates"],
                         shape=shape, others="placeholder")  # fmt: skip
    assert "held-out" not in report.cleaned
    report = told(retold, tmp_path, "dialogue")
    assert STORY[:40] in "".join(report.cleaned_samples["held-out"])


def test_short_lines_are_said_again_and_stay(export: Export, tmp_path: Path) -> None:
    again = [line.split(" - Maya")[0] + " - Maya: on my way now" if "10:06" in line else line
             for line in long_chat()]  # fmt: skip
    report = told(export(*again), tmp_path)
    assert "held-out" not in report.cleaned
    assert "on my way now" in texts(store.load(tmp_path, "maya").train)


def test_the_rule_can_be_switched_off(retold: Path, tmp_path: Path) -> None:
    report = told(retold, tmp_path, "conversations", "held-out")
    assert "held-out" not in report.cleaned
    assert "red bags" in texts(store.load(tmp_path, "maya").train)


def test_no_day_is_on_both_sides(retold: Path, tmp_path: Path) -> None:
    told(retold, tmp_path, "pairs")
    dataset = store.load(tmp_path, "maya")
    assert (
        max(row["at"] for row in dataset.train)[:10] < min(r["at"] for r in dataset.held_out)[:10]
    )
