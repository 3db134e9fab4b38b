"""One life cut into eras: a persona each, with the plot of where and why."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from adapters.dataset import store
from adapters.dataset.era import Era, Eras
from adapters.dataset.plots import plots
from adapters.errors import BadRequest, UnknownSpeaker
from adapters.imports import import_chat
from adapters.imports.siblings import siblings

SAMPLE = Path(__file__).parents[2] / "adapters" / "samples" / "maya-and-tom.txt"


def test_a_life_becomes_personas_that_share_no_day(tmp_path: Path) -> None:
    young, old = siblings("whatsapp", SAMPLE, "maya", ["Maya"], tmp_path, 2)
    assert [young.persona, old.persona] == ["maya-1", "maya-2"]
    assert young.display_name == "Maya (2014–2019)"
    assert old.display_name == "Maya (2019–2024)"
    assert young.era.beyond == old.era.first
    assert not (tmp_path / "datasets").exists()
    reports = [
        import_chat("whatsapp", SAMPLE, one.persona, ["Maya"], tmp_path,
                    display_name=one.display_name, era=one.era)
        for one in (young, old)
    ]  # fmt: skip
    for report in reports:
        rows = store.load(tmp_path, report.persona)
        days = [datetime.fromisoformat(row["at"]) for row in rows.train + rows.held_out]
        assert {young.era.holds(day) for day in days} == {report.era == 1}
    learned = sum(report.learned + report.held_out_messages for report in reports)
    assert learned > 1083 - 2 * 4  # but for openings that nobody had spoken before
    titles = [plot.title for plot in plots(store.report(tmp_path, "maya-1"))]
    assert titles[:3] == ["Messages over time", "Eras", "Style"]


def test_the_plot_says_where_the_cut_is_and_how_the_eras_differ(tmp_path: Path) -> None:
    _, old = siblings("whatsapp", SAMPLE, "tom", ["Tom"], tmp_path, 2)
    report = import_chat("whatsapp", SAMPLE, "tom-2", ["Tom"], tmp_path, era=old.era)
    eras, style = [plot for plot in plots(report) if plot.title in ("Eras", "Style")]
    assert "Cut at 2019-10-12" in eras.says
    assert eras.mark
    assert eras.labels[eras.mark[0]] == "2019-10"
    here, rest = style.series
    stop = list(style.labels).index("end with a full stop")
    assert here.values[stop] < 5 < 80 < rest.values[stop]
    page = (store.folder(tmp_path, "tom-2") / "report.html").read_text()
    assert "Cut at 2019-10-12" in page


def test_eras_lie_within_the_time_asked_for(tmp_path: Path) -> None:
    era = Era.of("2020", "2023")
    first, last = siblings("auto", SAMPLE, "maya", ["maya"], tmp_path, 2, era=era)
    assert (first.era.since, last.era.until) == ("2020", "2023")
    assert first.era.of_life
    assert date(2020, 1, 1) < first.era.of_life.begin[0] < date(2023, 12, 31)
    assert (first.era.number, last.era.number) == (1, 2)


def test_what_cannot_be_cut_is_said_before_anything_is_written(tmp_path: Path) -> None:
    page = tmp_path / "walk.md"
    page.write_text("# A walk\n\nWords.\n")
    for refused, format, path, name, count in (
        ("2 or more", "whatsapp", SAMPLE, "maya", 1),
        ("cuts chats", "writing", page, "maya", 2),
        ("a persona.s name", "whatsapp", SAMPLE, "m" * 32, 2),
        ("can't be cut|there have to be", "whatsapp", SAMPLE, "maya", 30),
    ):
        with pytest.raises(BadRequest, match=refused):
            siblings(format, path, name, ["Maya"], tmp_path, count)
    with pytest.raises(UnknownSpeaker, match="in it speak: Tom"):
        siblings("whatsapp", SAMPLE, "maya", ["Anna"], tmp_path, 2)
    assert not (tmp_path / "datasets").exists()


def test_means_weigh_stretches_by_their_messages() -> None:
    days = (date(2020, 1, 1), date(2020, 2, 1), date(2020, 3, 1))
    eras = Eras(days[2:], 0.5, 0, days, (1, 3, 6), (10, 2, 5), {}, (0, 0, 0))
    assert eras.mean(eras.words, [True, True, False]) == 4
    assert eras.mean(eras.words, [False] * 3) == 0
    assert [eras.number_of(day) for day in days] == [1, 1, 2]
    assert eras.spans == [(None, date(2020, 2, 29)), (date(2020, 3, 1), None)]
