"""What an export writes, refuses and leaves alone; what trainers say to it is tested beside."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from adapters.consent import ledger
from adapters.consent.revoking import revoke
from adapters.dataset import store
from adapters.dataset.render import ChatMessage
from adapters.errors import BadRequest, NoConsent, NoDataset, NotWritable, TooFewExamples
from adapters.exports import FORMATS, Exported, export
from adapters.imports import import_chat
from adapters.registry import Registry
from tests.adapters.conftest import long_chat
from tests.adapters.groups import group, imported

Export = Callable[..., Path]
Talk = Sequence[str]
"""What is said by turns, somebody else first."""
UNHARMED = (
    'she said "no"\\n, really',
    "line one\nline two\u2028three\u2029four\x85five",
    "👩‍👩‍👧 שלום ‏مرحبا 你好",
    "- a: {b: [c]}\n# no comment\n{train}",
    "</s>'; DROP TABLE x; -- =1+1",
)


@pytest.fixture
def home(export: Export, tmp_path: Path) -> Path:
    """Where Maya agreed and 60 days of her are imported."""
    import_chat("whatsapp", export(*long_chat()), "maya", ["Maya"], tmp_path / "home", consent=True)
    return tmp_path / "home"


def say(
    home: Path, talks: Sequence[Talk], held_out: Sequence[Talk] = (), system: str = "Be Maya."
) -> None:
    """Puts rows in place of Maya's own."""
    report = store.report(home, "maya")
    with store.rewritten(home, "maya") as rows:
        for late, these in ((False, talks), (True, held_out)):
            for talk in these:
                messages: list[ChatMessage] = [{"role": "system", "content": system}] * bool(system)
                for at, text in enumerate(talk):
                    messages.append({"role": ("user", "assistant")[at % 2], "content": text})
                rows.add(store.encoded({"messages": messages, "at": "2020-01-01"}), held_out=late)
        rows.describe(report)


def examples(exported: Exported, name: str = "train") -> list[dict[str, object]]:
    file = next(exported.folder.glob(f"{name}.json*"))
    text = file.read_text("utf-8")
    if file.suffix == ".json":
        return list(json.loads(text))
    return [json.loads(line) for line in text.splitlines()]  # which knows many ends of lines


def only(exports: Sequence[Exported]) -> Exported:
    assert len(exports) == 1
    return exports[0]


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


def test_half_an_emoji_that_was_edited_in_does_not_end_the_export(home: Path) -> None:
    say(home, [("a", "b")])
    train = home / "datasets" / "maya" / "train.jsonl"
    train.write_text(train.read_text().replace('"b"', r'"b\ud83d"'))
    found = examples(only(export(home, "maya", ["openai"])))
    assert found[0]["messages"][-1] == {"role": "assistant", "content": "b?"}  # type: ignore[index]


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
    with pytest.raises(NoDataset, match=r"row \d+ of .*held_out\.jsonl .*import the chat again"):
        export(home, "maya", ["openai"])
    assert not list((home / "exports").rglob("train*"))


def test_what_is_written_again_replaces_the_one_before(home: Path) -> None:
    place = home / "elsewhere"
    export(home, "maya", ["openai"], place=place)
    say(home, [("a", "b")])
    exported = only(export(home, "maya", ["openai"], place=place))
    assert exported.folder == place / "openai"
    assert len(examples(exported)) == 1
    assert not (place / "openai" / "validation.jsonl").exists()


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
