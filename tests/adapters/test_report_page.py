"""The page of a report: it stands alone, escapes whatever people wrote, and keeps no secret."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from adapters.consent import ledger
from adapters.consent.revoking import revoke
from adapters.dataset import store
from adapters.dataset.drawing import ticked
from adapters.dataset.picture import sparks
from adapters.dataset.plots import plots
from adapters.imports import import_chat
from adapters.registry import Registry
from deploy.local.settings import PROJECT
from tests.adapters.conftest import long_chat
from tests.adapters.groups import group, imported

Export = Callable[..., Path]
SAMPLE = PROJECT / "adapters" / "samples" / "maya-and-tom.txt"
HARMLESS = {
    "html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "dl", "div", "dt",
    "dd", "figure", "figcaption", "span", "svg", "line", "text", "rect", "table", "tbody", "tr",
    "th", "td", "ul", "li",
}  # fmt: skip
EVIL = "<script>alert('x')</script><img src=x onerror=alert(1)> \"quoted\" & 'so'"


class Read(HTMLParser):
    """The tags of a page, their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self.pictures: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag == "svg":
            self.pictures.append(dict(attrs)["aria-label"] or "")

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def page(home: Path, persona: str = "maya") -> str:
    return (store.folder(home, persona) / "report.html").read_text("utf-8")


def test_what_people_write_is_text_and_never_markup(export: Export, tmp_path: Path) -> None:
    lines = []
    for day in range(1, 25):
        lines.append(f"{day:02}/03/2020, 10:00 - </text>{EVIL}: </p>{EVIL} {day} {'q' * day}")
        lines.append(f"{day:02}/03/2020, 10:01 - Maya: </title></style>{EVIL} {day} {'w' * day}")
    lines.append(f"25/03/2020, 10:00 - {EVIL}")
    report = import_chat(
        "whatsapp", export(*lines), "maya", ["Maya"], tmp_path,
        private_kinds=(), drop=["media-only"], display_name=f"M{EVIL}", system_prompt=f"You {EVIL}",
    )  # fmt: skip
    assert report.examples > 10
    found = Read(page(tmp_path))
    assert found.tags <= HARMLESS
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    assert not {name for name, _ in found.attributes} & {"style", "href", "src", "xlink:href"}
    assert sum(f"</title></style>{EVIL}" in text for text in found.text) >= 10
    assert f"You {EVIL}" in found.text


def test_the_page_loads_nothing_and_runs_nothing(tmp_path: Path) -> None:
    import_chat("whatsapp", SAMPLE, "maya", ["Maya"], tmp_path)
    text = page(tmp_path)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy
    assert policy[1].startswith("default-src 'none'; style-src 'sha256-")
    assert not re.search(r"@import|url\(|https?://", text)
    assert 'name="viewport"' in text
    assert "prefers-color-scheme: dark" in text
    assert len(text) < 200_000


def test_every_plot_says_what_one_sees_and_names_its_axes(tmp_path: Path) -> None:
    report = import_chat("whatsapp", SAMPLE, "maya", ["Maya"], tmp_path)
    drawn = list(plots(report))
    assert [plot.title for plot in drawn] == [
        "Messages over time", "Who with", "Lengths", "Bursts", "Delays", "Hours", "Emoji",
        "Vocabulary", "Left out",
    ]  # fmt: skip
    found = Read(page(tmp_path))
    assert found.pictures == [f"{plot.title}. {plot.says}" for plot in drawn]
    for plot in drawn:
        assert plot.says.endswith(".")
        assert plot.says in found.text
        assert plot.y in found.text
        assert plot.lying or plot.x in found.text
        assert all(len(series.values) == len(plot.labels) for series in plot.series)


def test_the_same_dataset_shows_the_same_examples_as_the_model_sees_them(
    export: Export, tmp_path: Path
) -> None:
    shown = []
    for days in (60, 60, 59):
        imported(export(*long_chat(days)), tmp_path)
        shown.append(examples(page(tmp_path)))
        rows = store.load(tmp_path, "maya").train
        contents = ["".join(message["content"] for message in row["messages"]) for row in rows]
        assert len(set(shown[-1])) == 10
        assert set(shown[-1]) <= set(contents)
    assert shown[0] == shown[1] != shown[2]


def examples(text: str) -> list[str]:
    found = re.findall(r'<div class="example">(.*?)</div>', text, re.DOTALL)
    return ["".join(Read(example).text) for example in found]


def test_a_chat_of_few_rows_shows_them_all(export: Export, tmp_path: Path) -> None:
    imported(export(*long_chat(3)), tmp_path)
    assert len(examples(page(tmp_path))) == len(store.load(tmp_path, "maya").train) == 2


def test_an_export_without_an_answer_has_a_page_too(export: Export, tmp_path: Path) -> None:
    report = imported(export("01/03/2020, 10:00 - Maya: anybody?"), tmp_path, date_order="dmy")
    assert [plot.title for plot in plots(report)] == ["Messages over time", "Lengths", "Left out"]
    assert examples(page(tmp_path)) == []
    assert "1 message" in page(tmp_path)


def test_who_did_not_agree_is_not_named(export: Export, tmp_path: Path) -> None:
    imported(export(*group()), tmp_path)
    text = page(tmp_path)
    assert not re.search(r"\b(ines|tom)\b", text, re.IGNORECASE)
    assert "People who did not agree appear under made-up names: 2 in these rows." in text


def test_after_a_withdrawal_only_the_persona_is_told_of(export: Export, tmp_path: Path) -> None:
    ledger.grant(tmp_path, "Ines")
    ledger.grant(tmp_path, "Tom")
    chat = export(*group(), name="WhatsApp Chat with Ines.txt")
    before = imported(chat, tmp_path, consent=True)
    assert "Ines" in page(tmp_path)
    assert before.figures
    revoke(tmp_path, lambda: Registry(tmp_path / "registry"), "Ines")
    after = store.report(tmp_path, "maya").figures
    assert after
    assert after.hours.persona == before.figures.hours.persona
    assert after.hours.others == after.over_time.others == ()
    assert (after.people, after.vocabulary) == ((("Tom", 30),), None)
    text = page(tmp_path)
    assert "ines" not in text.casefold().replace("lines", "")
    assert "secret of" not in text
    assert examples(text) == []
    assert "Rows were taken out after these figures were counted." in text


def understudy(*arguments: str, home: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {"UNDERSTUDY_HOME": str(home), "PATH": "/usr/bin:/bin", "COLUMNS": "100", **more}
    return subprocess.run(
        [sys.executable, "-m", "understudy", *arguments],
        cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


def test_the_command_shows_it_again_and_where_the_page_is(tmp_path: Path) -> None:
    import_chat("whatsapp", SAMPLE, "maya", ["Maya"], tmp_path)
    done = understudy("report", "maya", home=tmp_path)
    assert done.returncode == 0
    for title in ("in all", "Messages over time", "Who with", "Hours", "🧡 12"):
        assert title in done.stdout
    assert "datasets/maya/report.html" in done.stderr.replace("\n", "")
    told = json.loads(understudy("report", "maya", "--json", home=tmp_path).stdout)
    assert Path(told["page"]) == tmp_path.resolve() / "datasets" / "maya" / "report.html"
    assert told["figures"]["hours"]["persona"]


def test_the_command_opens_the_browser(tmp_path: Path) -> None:
    import_chat("whatsapp", SAMPLE, "maya", ["Maya"], tmp_path)
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/seen\n')
    browser.chmod(0o755)
    done = understudy("report", "maya", "--open", home=tmp_path, BROWSER=f"{browser} %s")
    assert done.returncode == 0
    assert (tmp_path / "seen").read_text().strip().endswith("/datasets/maya/report.html")
    gone = understudy("report", "maya", "--open", home=tmp_path, PATH="", BROWSER="/gone %s")
    assert gone.returncode == 0
    assert "no browser could be started here; open it yourself: " in gone.stderr


def test_a_dataset_of_before_gets_a_page_when_it_is_asked_for(tmp_path: Path) -> None:
    import_chat("whatsapp", SAMPLE, "maya", ["Maya"], tmp_path)
    folder = store.folder(tmp_path, "maya")
    (folder / "report.html").unlink()
    report = json.loads((folder / "report.json").read_text())
    del report["figures"]
    (folder / "report.json").write_text(json.dumps(report))
    done = understudy("report", "maya", home=tmp_path)
    assert done.returncode == 0
    assert "import it again to see them" in page(tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == [
        "held_out.jsonl", "report.html", "report.json", "train.jsonl",
    ]  # fmt: skip


def test_the_report_of_nothing_is_a_sentence(tmp_path: Path) -> None:
    done = understudy("report", "nobody", home=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("nothing was imported for nobody yet; run: understudy import")
    done = understudy("report", "../x", home=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.parametrize(
    ("most", "ticks"),
    [(0, [0, 1]), (1, [0, 1]), (7, [0, 2, 4, 6, 8]), (40.7, [0, 10, 20, 30, 40, 50]),
     (1166, [0, 500, 1000, 1500]), (0.3, [0, 0.1, 0.2, 0.3])],
)  # fmt: skip
def test_ticks_are_round_and_reach_the_most(most: float, ticks: list[float]) -> None:
    assert ticked(most) == pytest.approx(ticks)


def test_what_is_more_than_nothing_is_seen_in_a_terminal() -> None:
    assert sparks([0, 1, 500, 1000]) == " ▁▄█"
    assert sparks([0, 0]) == "  "
