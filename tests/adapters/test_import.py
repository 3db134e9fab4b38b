"""From an export to a dataset on disk, and the sentences for what can be wrong with it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from adapters.dataset import store
from adapters.errors import AdaptersError, NotWritable
from adapters.imports import import_chat
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
        "held_out.jsonl", "report.json", "train.jsonl",
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


def test_a_failed_import_leaves_the_dataset_before_it(export: Export, tmp_path: Path) -> None:
    import_chat("whatsapp", export(*long_chat()), "maya", ["Maya"], tmp_path)
    before = store.load(tmp_path, "maya")
    with pytest.raises(AdaptersError):
        import_chat("whatsapp", export("nothing"), "maya", ["Maya"], tmp_path)
    assert store.load(tmp_path, "maya") == before


def test_a_home_that_cannot_be_a_folder_gets_a_sentence(export: Export, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where the folder should be")
    with pytest.raises(NotWritable, match="UNDERSTUDY_HOME"):
        import_chat("whatsapp", export(*long_chat()), "maya", ["Maya"], tmp_path / "home")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_without_write_permission_gets_a_sentence(export: Export, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    with pytest.raises(NotWritable, match="permissions"):
        import_chat("whatsapp", export(*long_chat()), "maya", ["Maya"], home)


def test_a_dataset_that_is_not_there_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(AdaptersError, match="understudy import whatsapp FILE --persona maya"):
        store.load(tmp_path, "maya")


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
