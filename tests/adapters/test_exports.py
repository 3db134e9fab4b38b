"""What an export writes; what trainers say to it and its bad days are tested beside."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from adapters.dataset import store
from adapters.exports import FORMATS, export
from tests.adapters.exported import agreed, examples, only, say

UNHARMED = (
    'she said "no"\\n, really',
    "line one\nline two\u2028three\u2029four\x85five",
    "👩‍👩‍👧 שלום ‏مرحبا 你好",
    "- a: {b: [c]}\n# no comment\n{train}",
    "</s>'; DROP TABLE x; -- =1+1",
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return agreed(tmp_path / "home")


def test_every_format_gets_a_folder_with_the_rows_to_learn_and_those_held_out(home: Path) -> None:
    dataset = store.load(home, "maya")
    exports = export(home, "maya", ["all"])
    assert [exported.format for exported in exports] == list(FORMATS)
    for exported in exports:
        assert exported.folder == home / "exports" / "maya" / exported.format
        train, validation = examples(exported), examples(exported, "validation")
        assert (len(train), len(validation)) == (exported.train, exported.validation)
        if exported.format != "prompt-completion":
            assert exported.train == len(dataset.train)
            assert exported.validation == len(dataset.held_out)
        mark = json.loads((exported.folder / "understudy.json").read_text("utf-8"))
        there = {path.name for path in exported.folder.iterdir()}
        assert {*mark["files"], "understudy.json"} == there
        assert mark["dataset"] == dataset.report.digest
        assert exported.command.startswith(f"cd {exported.folder} && ")


def test_one_row_in_each_shape(home: Path) -> None:
    say(home, [("Tom: a", "b", "Tom: c", "d\ne")])
    found = {exported.format: examples(exported) for exported in export(home, "maya", ["all"])}
    messages = [
        {"role": "system", "content": "Be Maya."},
        {"role": "user", "content": "Tom: a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "Tom: c"},
        {"role": "assistant", "content": "d\ne"},
    ]
    for name in ("openai", "axolotl", "llama-factory"):
        assert found[name] == [{"messages": messages}]
    assert found["sharegpt"] == [
        {
            "id": "row-1",
            "conversations": [
                {"from": "human", "value": "Tom: a"},
                {"from": "gpt", "value": "b"},
                {"from": "human", "value": "Tom: c"},
                {"from": "gpt", "value": "d\ne"},
            ],
            "system": "Be Maya.",
        }
    ]
    assert found["alpaca"] == [
        {
            "instruction": "Tom: c",
            "input": "",
            "output": "d\ne",
            "system": "Be Maya.",
            "history": [["Tom: a", "b"]],
        }
    ]
    assert found["prompt-completion"] == [
        {"prompt": "Tom: a\n\n###\n\n", "completion": " b END"},
        {"prompt": "Tom: a\nMaya: b\nTom: c\n\n###\n\n", "completion": " d\ne END"},
    ]


@pytest.mark.parametrize("name", FORMATS)
def test_whatever_people_write_comes_out_unharmed(home: Path, name: str) -> None:
    talks = [(f"{text} asked", f"{text} answered") for text in UNHARMED]
    say(home, talks, talks[:1])
    written = json.dumps(examples(only(export(home, "maya", [name]))), ensure_ascii=False)
    for text in UNHARMED:
        plain = json.dumps(text, ensure_ascii=False)[1:-1]
        assert f"{plain} asked" in written
        assert f"{plain} answered" in written


def test_without_held_out_rows_nothing_names_a_validation_file(home: Path) -> None:
    say(home, [("a", "b")])
    for exported in export(home, "maya", ["all"]):
        assert exported.validation == 0
        for file in exported.folder.iterdir():
            assert "validation" not in file.name
            if file.name != "understudy.json":
                assert "validation" not in file.read_text("utf-8")


def test_answers_that_the_older_form_cannot_carry_are_left_out_and_counted(home: Path) -> None:
    say(
        home,
        [
            ("plain", "answer", "this\n\n###\n\nthen", "lost", "more", "lost too"),
            ("ends in it\n\n###", "lost"),
            ("say it", "THE END of", "after", "kept"),
            ("long", "x" * 10_000),
            ("y" * 6_000, "z" * 3_000, "then", "w" * 2_000),
        ],
    )
    exported = only(export(home, "maya", ["prompt-completion"]))
    assert exported.left_out == {
        "the separator itself was said": 3,
        "END itself was said": 1,
        "longer than 10,000 characters": 1,
    }
    assert "left out: 3 × the separator itself was said" in exported.notes
    completions = [str(example["completion"]) for example in examples(exported)]
    assert [text[:7] for text in completions] == [" answer", " kept E", " zzzzzz", " wwwwww"]
    # What does not fit of the talk before goes first.
    assert examples(exported)[-1]["prompt"] == f"Maya: {'z' * 3_000}\nthen\n\n###\n\n"


def test_what_is_written_again_replaces_the_one_before(home: Path) -> None:
    place = home / "elsewhere"
    export(home, "maya", ["openai"], place=place)
    say(home, [("a", "b")])
    exported = only(export(home, "maya", ["openai"], place=place))
    assert exported.folder == place / "openai"
    assert len(examples(exported)) == 1
    assert not (place / "openai" / "validation.jsonl").exists()


def test_what_openai_would_refuse_or_cut_is_said(home: Path) -> None:
    say(home, [("a", "b")] * 9)
    assert any("fewer than 10" in note for note in only(export(home, "maya", ["openai"])).notes)
    say(home, [("a", "é" * 40_000)] * 10)
    notes = only(export(home, "maya", ["openai"])).notes
    assert not any("fewer than 10" in note for note in notes)
    assert any("65,536 tokens" in note for note in notes)


def test_the_base_is_named_so_that_it_is_found_from_the_folder(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "my base").mkdir()
    monkeypatch.chdir(home)
    base = str(home.resolve() / "my base")
    for exported in export(home, "maya", ["alpaca", "axolotl"], base="my base"):
        if exported.format == "alpaca":
            assert shlex.split(exported.command)[5:7] == ["--model_name_or_path", base]
        else:
            assert f"base_model: {base}\n" in (exported.folder / "axolotl.yaml").read_text()


def test_who_watches_learns_how_far_it_is(home: Path) -> None:
    say(home, [("a", f"b {number}") for number in range(2_500)])
    shares: list[float] = []
    export(home, "maya", ["openai"], watch=shares.append)
    assert len(shares) == 2
    assert all(0 < share <= 1 for share in shares)
