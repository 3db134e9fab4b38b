"""What an export refuses, leaves out and leaves alone, and what a withdrawal makes of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from adapters.consent import ledger
from adapters.consent.revoking import revoke
from adapters.errors import BadRequest, NoConsent, NoDataset, NotWritable, TooFewExamples
from adapters.exports import export
from adapters.registry import Registry
from tests.adapters.conftest import long_chat
from tests.adapters.exported import agreed, examples, only, say
from tests.adapters.groups import group, imported


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return agreed(tmp_path / "home")


def test_a_row_that_was_edited_into_disorder_is_put_in_order_or_left_out(home: Path) -> None:
    say(home, [("a", "b")])
    rows = [
        [("assistant", "to nobody"), ("user", "a"), ("user", "b"), ("assistant", "c")],
        [("user", "a"), ("assistant", "b"), ("assistant", "  "), ("user", "unanswered")],
        [("user", "nobody answers")],
    ]
    with (home / "datasets" / "maya" / "held_out.jsonl").open("w") as file:
        for row in rows:
            said = [{"role": role, "content": text} for role, text in row]
            file.write(json.dumps({"messages": said, "at": "2020"}) + "\n\n")
    exported = only(export(home, "maya", ["sharegpt"]))
    turns = [example["conversations"] for example in examples(exported, "validation")]
    assert [[turn["value"] for turn in row] for row in turns] == [["a\nb", "c"], ["a", "b"]]  # type: ignore[attr-defined]
    assert exported.left_out == {"a row without an answer": 1}


@pytest.mark.parametrize(
    "line", ['{"messages": [{"role": "user"}]}', "[]", "{", '"x"', '{"messages": []}']
)
def test_a_row_that_is_none_is_a_sentence_with_its_place(home: Path, line: str) -> None:
    with (home / "datasets" / "maya" / "held_out.jsonl").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(NoDataset, match=r"row \d+ of .*held_out\.jsonl .*import it again"):
        export(home, "maya", ["openai"])
    assert not list((home / "exports").rglob("train*"))


@pytest.mark.parametrize(
    "foreign", ["notes.txt", "adapter/adapter_model.safetensors", "train.jsonl"]
)
def test_a_folder_with_something_of_others_is_left_alone(home: Path, foreign: str) -> None:
    place = home / "exports" / "maya"
    if "adapter" in foreign:  # as a trainer leaves it there
        export(home, "maya", ["axolotl"])
    path = place / "axolotl" / foreign
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")
    name = foreign.partition("/")[0]
    with pytest.raises(BadRequest, match=f"holds {name}, which is not of an export.*--out"):
        export(home, "maya", ["all"])
    assert path.read_text() == "mine"
    assert not (place / "openai").exists()


def test_a_file_in_the_place_of_the_folder_is_a_sentence(home: Path) -> None:
    (home / "out").mkdir()
    (home / "out" / "openai").write_text("mine")
    with pytest.raises(BadRequest, match="is no folder"):
        export(home, "maya", ["openai"], place=home / "out")
    with pytest.raises(NotWritable, match="can't write to"):
        export(home, "maya", ["openai"], place=home / "out" / "openai")


def test_an_export_that_breaks_off_leaves_the_ones_before(home: Path) -> None:
    before = export(home, "maya", ["openai", "alpaca"])
    texts = {each.format: examples(each) for each in before}
    with (home / "datasets" / "maya" / "held_out.jsonl").open("a") as file:
        file.write("{\n")
    with pytest.raises(NoDataset):
        export(home, "maya", ["openai", "alpaca"])
    assert {each.format: examples(each) for each in before} == texts
    assert not list((home / "exports" / "maya").glob(".*.new-*"))


def test_without_consent_nothing_is_exported(home: Path) -> None:
    (home / "consent.toml").unlink()
    with pytest.raises(NoConsent, match="understudy consent grant Maya --persona maya"):
        export(home, "maya", ["openai"])
    assert not (home / "exports").exists()
    ledger.grant(home, "Maya", persona="maya", to=["train"])
    export(home, "maya", ["openai"])


def test_nothing_imported_nothing_to_learn_and_a_bad_name_are_sentences(home: Path) -> None:
    with pytest.raises(NoDataset, match="understudy import"):
        export(home, "tom", ["openai"])
    with pytest.raises(BadRequest, match="can't be a persona's name"):
        export(home, "../maya", ["openai"])
    with pytest.raises(BadRequest, match=r"'icq'; there is: openai, .*, all"):
        export(home, "maya", ["openai", "icq"])
    say(home, [], [("a", "b")])
    with pytest.raises(TooFewExamples, match="no row of maya"):
        export(home, "maya", ["openai"])


def test_a_withdrawal_removes_the_exports_with_the_persons_words_and_no_others(
    tmp_path: Path,
) -> None:
    of_three, of_two = tmp_path / "three.txt", tmp_path / "two.txt"
    of_three.write_text("\n".join(group()))
    of_two.write_text("\n".join(long_chat()))
    imported(of_three, tmp_path, consent=True)
    imported(of_two, tmp_path, "tom", consent=True)
    for persona in ("maya", "tom"):
        export(tmp_path, persona, ["axolotl", "alpaca"])
    imported(of_two, tmp_path, consent=True)  # Ines is only in the exports now
    trained = tmp_path / "exports" / "maya" / "axolotl" / "adapter"
    trained.mkdir()

    def withdraw(**options: bool) -> Sequence[str]:
        return revoke(tmp_path, lambda: Registry(tmp_path / "registry"), "Ines", **options).exports  # type: ignore[arg-type]

    assert withdraw(only_look=True) == ("maya/alpaca", "maya/axolotl")
    assert (tmp_path / "exports" / "maya" / "alpaca" / "train.json").exists()
    assert withdraw() == ("maya/alpaca", "maya/axolotl")
    assert not (tmp_path / "exports" / "maya" / "alpaca").exists()
    assert list(trained.parent.iterdir()) == [trained]
    assert (tmp_path / "exports" / "tom" / "alpaca" / "train.json").exists()
    assert withdraw() == ()


def test_where_a_withdrawal_would_not_look_it_is_said(home: Path) -> None:
    assert "consent revoke" not in str(only(export(home, "maya", ["openai"])).notes)
    elsewhere = only(export(home, "maya", ["openai"], place=home / "elsewhere"))
    assert "consent revoke" in elsewhere.notes[-1]


def test_half_an_emoji_that_was_edited_in_does_not_end_the_export(home: Path) -> None:
    say(home, [("a", "b")])
    train = home / "datasets" / "maya" / "train.jsonl"
    train.write_text(train.read_text().replace('"b"', r'"b\ud83d"'))
    found = examples(only(export(home, "maya", ["openai"])))
    assert found[0]["messages"][-1] == {"role": "assistant", "content": "b?"}  # type: ignore[index]
