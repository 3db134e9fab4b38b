"""Fewer rows than there are: the latest, evenly over time, or evenly over topics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapters.dataset import budget, store
from adapters.dataset.shape import Sample, Shape
from adapters.errors import BadRequest
from adapters.imports import import_chat
from tests.adapters.conftest import long_chat

Export = Callable[..., Path]
DAY = 86400
FOOD = "the soup needs bread cheese onion butter and more pepper tonight"
RAIN = "heavy clouds thunder wind storm over town umbrella all soaked"


def rows(seconds: list[int], texts: list[str] | None = None) -> budget.Rows:
    texts = texts or [""] * len(seconds)
    found = enumerate(zip(seconds, texts, strict=True))
    return budget.Rows(budget.Candidate(2 * n, at, text) for n, (at, text) in found)


def numbers(chosen: budget.Chosen) -> list[int]:
    return [number // 2 for number, taken in enumerate(chosen) if taken]


def imported(export: Export, home: Path, wanted: int, sample: Sample) -> store.Dataset:
    shape = Shape(max_examples=wanted, sample=sample)
    import_chat("whatsapp", export(*long_chat()), "maya", ["Maya"], home, shape=shape)
    return store.load(home, "maya")


@pytest.mark.parametrize("sample", ["recent", "even", "topics"])
def test_so_many_rows_are_learned_and_what_is_held_out_stays(
    sample: Sample, export: Export, tmp_path: Path
) -> None:
    whole = imported(export, tmp_path, 1000, sample)
    dataset = imported(export, tmp_path, 12, sample)
    report = dataset.report
    assert len(dataset.train) == report.examples == 12
    assert all(row in whole.train for row in dataset.train)
    assert dataset.held_out == whole.held_out
    assert (report.max_examples, report.sample) == (12, sample)
    assert report.beyond_budget == len(whole.train) - 12
    assert whole.report.beyond_budget == 0
    assert report.cleaned == whole.report.cleaned
    assert imported(export, tmp_path, 12, sample).report.digest == report.digest
    if sample == "recent":
        assert dataset.train == whole.train[-12:]


def test_who_is_in_no_row_that_is_learned_is_not_remembered(export: Export, tmp_path: Path) -> None:
    lines = [line.replace("Tom", "Ines") for line in long_chat()[:5]] + long_chat()[5:]
    shape = Shape(max_examples=5)
    path = export(*lines)
    report = import_chat("whatsapp", path, "maya", ["Maya"], tmp_path, shape=shape)
    assert len(report.people or ()) == 2


def test_exports_that_overlap_are_counted_once_with_a_budget(
    export: Export, tmp_path: Path
) -> None:
    lines = long_chat()
    path = export(*lines, *lines[40:80])
    found = [
        import_chat("whatsapp", path, "maya", ["Maya"], tmp_path, shape=shape)
        for shape in (Shape(), Shape(max_examples=10, sample="topics"))
    ]
    assert found[0].cleaned["duplicates"] == 40
    assert found[1].cleaned == found[0].cleaned
    assert found[1].examples == 10


def test_a_busy_summer_does_not_outweigh_the_years_before() -> None:
    quiet = [year * 365 * DAY for year in range(10)]
    busy = [10 * 365 * DAY + second for second in range(1000)]
    chosen = numbers(rows(quiet + busy).even(20))
    assert len(chosen) == 20
    assert chosen[:10] == list(range(10))
    assert numbers(rows(quiet + busy).recent(20)) == list(range(990, 1010))


def test_topics_are_balanced_whatever_is_talked_about_most() -> None:
    def about(words: str, count: int) -> Iterator[str]:
        split = words.split()
        return (" ".join(split[(n + k) % len(split)] for k in range(6)) for n in range(count))

    texts = [*about(FOOD, 900), *about(RAIN, 100)]
    found = rows(list(range(1000)), texts)
    chosen = numbers(found.balanced(texts, 100))
    rain = Counter(place >= 900 for place in chosen)[True]
    assert len(chosen) == 100
    assert 25 <= rain <= 75  # one in ten where nothing is balanced


@pytest.mark.parametrize("sample", ["recent", "even", "topics"])
def test_nothing_to_choose_from_is_nothing_chosen(sample: str) -> None:
    none = rows([])
    way = {"recent": none.recent, "even": none.even, "topics": lambda n: none.balanced([], n)}
    assert numbers(way[sample](5)) == []


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [({"max_examples": 0}, "one or more"), ({"sample": "best"}, "recent, even, topics")],
)
def test_a_budget_that_can_not_be_gets_a_sentence(shape: dict[str, object], sentence: str) -> None:
    with pytest.raises(BadRequest, match=sentence):
        Shape(**shape)  # type: ignore[arg-type]
