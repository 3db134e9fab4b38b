"""From an export to a dataset on disk, and the sentences for what can be wrong with it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from adapters import imports
from adapters.dataset import store
from adapters.dataset.era import Era
from adapters.errors import AdaptersError
from adapters.imports import import_chat, list_speakers, progress, speakers
from adapters.messages import Message
from tests.adapters.conftest import long_chat

Export = Callable[..., Path]


def test_an_import_writes_the_dataset_it_reports(export: Export, tmp_path: Path) -> None:
    report = import_chat("whatsapp", export(*long_chat()), "maya", ["Maya"], tmp_path)
    dataset = store.load(tmp_path, "maya")
    assert dataset.report == report
    assert (len(dataset.train), len(dataset.held_out)) == (report.examples, report.held_out)
    assert (report.lines, report.kept, report.learned + report.held_out_messages) == (300, 300, 180)
    assert report.system_prompt == "You are Maya. You are chatting with friends."
    assert dataset.train[0]["messages"][0]["content"] == report.system_prompt
    assert max(row["at"] for row in dataset.train) < min(row["at"] for row in dataset.held_out)
    assert sorted(p.name for p in (tmp_path / "datasets" / "maya").iterdir()) == [
        "held_out.jsonl", "report.html", "report.json", "train.jsonl", "validation.txt",
    ]  # fmt: skip


def test_the_report_can_be_read_by_machines_and_people(export: Export, tmp_path: Path) -> None:
    report = import_chat("whatsapp", export(*long_chat()), "maya", ["Maya"], tmp_path)
    plain = json.loads(json.dumps(report.as_json()))
    bins = ("kept", "merged", "system", "media", "deleted", "unparsed")
    assert sum(plain[name] for name in bins) == plain["lines"]
    assert plain["source"] == "chat.txt"
    shown = io.StringIO()
    Console(file=shown, width=120).print(report.table())
    assert "dates read dmy" in shown.getvalue()


def test_what_was_cleaned_is_shown_as_text_with_samples(export: Export, tmp_path: Path) -> None:
    odd = [f"0{n}/03/2020, 11:00 - Tom: www.a.example/[/red]{n}" for n in range(5, 9)]
    path = export(*long_chat(), *odd, "09/03/2020, 11:00 - Maya: fine [/b] then")
    report = import_chat("whatsapp", path, "maya", ["Maya"], tmp_path)
    assert report.cleaned["links-only"] == 4
    assert report.cleaned_samples["links-only"][0] == "www.a.example/[/red]5"
    shown = io.StringIO()
    Console(file=shown, width=120).print(report.table())
    assert "links-only: nothing but links" in shown.getvalue()
    assert "www.a.example/[/red]8" in shown.getvalue()
    kept = import_chat("whatsapp", path, "maya", ["Maya"], tmp_path, keep=["links-only"])
    assert "links-only" not in kept.cleaned


def test_exports_that_overlap_are_counted_once(export: Export, tmp_path: Path) -> None:
    lines = long_chat()
    path = export(*lines[:200], *lines[100:])
    report = import_chat("whatsapp", path, "maya", ["Maya"], tmp_path)
    assert (report.kept, report.cleaned["duplicates"]) == (400, 100)
    assert report.learned + report.held_out_messages == 180
    once = import_chat("whatsapp", export(*lines, name="once.txt"), "maya", ["Maya"], tmp_path)
    assert once.digest == report.digest


def test_the_same_export_gives_the_same_digest(export: Export, tmp_path: Path) -> None:
    path = export(*long_chat())
    first = import_chat("whatsapp", path, "maya", ["Maya"], tmp_path)
    assert import_chat("whatsapp", path, "maya", ["Maya"], tmp_path).digest == first.digest
    assert import_chat("whatsapp", path, "tom", ["Tom"], tmp_path).digest != first.digest


def test_several_names_can_be_one_persona_and_case_is_forgiven(
    export: Export, tmp_path: Path
) -> None:
    lines = [line.replace("10:06 - Maya", "10:06 - Maya New Phone") for line in long_chat()]
    report = import_chat(
        "whatsapp",
        export(*lines),
        "aunt-may",
        ["maya", "~ Maya New Phone"],
        tmp_path,
        system_prompt="Be May.",
    )
    assert report.persona_speakers == ("Maya", "Maya New Phone")
    assert (report.display_name, report.system_prompt) == ("Aunt May", "Be May.")
    assert report.learned + report.held_out_messages == 180


@pytest.mark.parametrize(
    ("format", "persona", "speakers", "sentence"),
    [
        ("telegraph", "maya", ["Maya"], "no import format 'telegraph'; there is: .*whatsapp"),
        ("whatsapp", "../maya", ["Maya"], "can't be a persona's name"),
        ("whatsapp", "base", ["Maya"], "base model's own name"),
        ("whatsapp", "maya", [], r"say who the persona is .* Maya \(180\), Tom \(120\)"),
        ("whatsapp", "maya", ["Ann"], r"'Ann' does not speak .* Maya \(180\), Tom \(120\)"),
    ],
)
def test_a_wrong_request_is_answered_with_what_would_be_right(
    export: Export, tmp_path: Path, format: str, persona: str, speakers: list[str], sentence: str
) -> None:
    with pytest.raises(AdaptersError, match=sentence):
        import_chat(format, export(*long_chat()), persona, speakers, tmp_path / "home")
    assert not (tmp_path / "home").exists()


def test_an_export_with_zones_and_notes_becomes_a_dataset(tmp_path: Path) -> None:
    rows = "".join(
        f"2024-05-{day:02}T10:00:00+02:00,Tom,how is day {day}\n"
        f"2024-05-{day:02}T10:01:00+02:00,Maya,day {day} is good\n"
        for day in range(1, 29)
    )
    (tmp_path / "chat.csv").write_text(f"when,who,what\n{rows}")
    columns = {"at": "when", "speaker": "who", "text": "what"}
    path = tmp_path / "chat.csv"
    report = import_chat("generic", path, "maya", ["Maya"], tmp_path, columns=columns)
    assert (report.kept, report.learned + report.held_out_messages) == (56, 28)
    (tmp_path / "play.txt").write_text("TOM: Who?\nMAYA: Me.\nTOM: Oh.\nMAYA: Yes.\n")
    report = import_chat("script", tmp_path / "play.txt", "maya", ["MAYA"], tmp_path)
    assert "a script has no times" in report.notes[0]
    shown = io.StringIO()
    Console(file=shown, width=200).print(report.table())
    assert report.notes[0] in shown.getvalue()


@pytest.mark.parametrize(
    ("since", "until", "days"),
    [
        ("2020", None, 60),
        (None, "2020-01", 28),
        ("2020-02", "2020-02", 28),
        ("2020-01-05", "2020-01-06", 2),
        ("2020-3", "2021", 4),
        ("2021", None, 0),
    ],
)
def test_an_era_is_learned_from_alone(
    export: Export, tmp_path: Path, since: str | None, until: str | None, days: int
) -> None:
    era = Era.of(since, until)
    path = export(*long_chat())
    report = import_chat("whatsapp", path, "maya", ["Maya"], tmp_path, era=era)
    assert report.learned + report.held_out_messages == 3 * days
    assert report.cleaned.get("outside of the time asked for", 0) == 5 * (60 - days)
    assert (report.kept, report.since, report.until) == (300, since, until)


@pytest.mark.parametrize(
    ("since", "until", "sentence"),
    [
        ("soon", None, "'soon' is no date; write 2013, 2013-05"),
        ("2020-13", None, "no date"),
        (None, "2020-02-30", "no date"),
        ("9999-12", "9999", "no date"),
        ("2021", "2020", "turn them round"),
    ],
)
def test_an_era_that_cannot_be_gets_a_sentence(
    since: str | None, until: str | None, sentence: str
) -> None:
    with pytest.raises(AdaptersError, match=sentence):
        Era.of(since, until)


def test_speakers_are_listed_for_each_chat_with_their_times(export: Export) -> None:
    figures = list_speakers("whatsapp", export(*long_chat()))
    assert [(one.name, one.messages) for one in figures] == [("Maya", 180), ("Tom", 120)]
    assert figures[0].as_json()["first"] == "2020-01-01T10:01:00"
    assert figures[0].as_json()["last"] == "2020-03-04T10:06:00"
    at = datetime(2020, 1, 1)
    said = [
        Message(at, "Ann", "a", conversation="two", speaker_id="7"),
        Message(at - timedelta(days=1), "Ann", "b", conversation="two", speaker_id="7"),
        Message(at.replace(tzinfo=UTC), "Ann", "c", conversation="one", speaker_id="8"),
    ]
    assert [(one.conversation, one.id, one.messages) for one in speakers.listed(said)] == [
        ("one", "8", 1),
        ("two", "7", 2),
    ]
    assert speakers.listed(said)[1].first == at - timedelta(days=1)


def test_a_speaker_can_be_named_by_the_exports_id(tmp_path: Path) -> None:
    said = [
        Message(datetime(2020, 1, 1, 10, n), name, f"{name} {n}", speaker_id=id_)
        for n, (name, id_) in enumerate([("Tom", "1"), ("May", "2"), ("Tom", "1"), ("Mia", "2")])
    ]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(imports, "FORMATS", {"made": lambda path, tally, options: iter(said)})
        report = import_chat("made", tmp_path, "maya", ["2"], tmp_path)
    assert report.persona_speakers == ("May", "Mia")
    assert report.learned == 2


def test_the_bar_fills_and_says_nothing_where_nobody_watches(export: Export) -> None:
    path = export(*long_chat())
    heard: list[float] = []
    list_speakers("whatsapp", path, watch=heard.append)
    assert heard == sorted(heard)
    assert heard[-1] == 1
    terminal, file = (
        Console(file=io.StringIO(), force_terminal=forced, width=80) for forced in (True, False)
    )
    for console in (terminal, file):
        with progress.shown(path, console) as watch:
            watch(0.5)
            watch(1.0)
    assert "making rows" in terminal.file.getvalue()
    assert file.file.getvalue() == ""


def test_importing_and_publishing_stay_light() -> None:
    heavy = "{'torch', 'transformers', 'trl', 'peft', 'datasets', 'numpy'}"
    code = (
        "import sys, adapters.imports, adapters.training, adapters.publish; "
        f"print(sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.stdout.strip() == "[]"


def test_reactions_and_replies_are_counted_for_the_persona(tmp_path: Path) -> None:
    at = datetime(2020, 1, 1, 10)
    said = [
        Message(at, "Tom", "hello you", id="1", reactions=(("👍", 9),)),
        Message(at, "Maya", "hello tom", id="2", reply_to="1", reactions=(("❤", 2), ("👍", 1))),
        Message(at, "Maya", "", id="3", reactions=(("👍", 2),)),
    ]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(imports, "FORMATS", {"made": lambda path, tally, options: iter(said)})
        report = import_chat("made", tmp_path, "maya", ["Maya"], tmp_path)
    assert (report.reactions, report.replies) == ({"👍": 3, "❤": 2}, 1)
    assert [*report.reactions] == ["👍", "❤"]
