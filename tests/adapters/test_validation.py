"""The validation set: chosen, written for a person, edited by one, and read back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from adapters.consent import ledger
from adapters.consent.revoking import revoke
from adapters.dataset import examples, store, validation
from adapters.dataset.report import ImportReport
from adapters.dataset.shape import USUAL, Shape
from adapters.dataset.validation import EXAMPLES, Choice, Example, read, written
from adapters.errors import BadRequest
from adapters.imports import import_chat
from adapters.registry import Registry
from tests.adapters.conftest import long_chat
from tests.adapters.groups import group

Export = Callable[..., Path]
START = datetime(2020, 1, 1)
ODD = Example(
    "2020-01-01T10:00:00",
    (
        ("#> Tom == \u2028", "# what?\n\n== no <|im_end|>\n> quoted: yes"),
        (None, "> well\n< Tom: hm"),
        ("someone", "and\u2028so on"),
        (None, "bye"),
    ),
)


def imported(path: Path, home: Path, shape: Shape = USUAL) -> ImportReport:
    return import_chat("whatsapp", path, "maya", ["Maya"], home, shape=shape, consent=True)


def file(home: Path) -> Path:
    return store.folder(home, "maya") / validation.FILE


def test_an_import_writes_examples_of_what_is_held_out(export: Export, tmp_path: Path) -> None:
    report = imported(export(*long_chat()), tmp_path)
    dataset = store.load(tmp_path, "maya")
    found = read(file(tmp_path).read_bytes())
    assert report.validation == len(found) == len(dataset.held_out) == len(dataset.validation)
    assert "\n> noooo 59 " in file(tmp_path).read_text("utf-8")
    assert file(tmp_path).read_text("utf-8").startswith("# What Maya is tested on")
    said = [row["messages"] for row in dataset.held_out]
    assert [row["messages"] for row in dataset.validation] == said


@pytest.mark.parametrize("separator", ["\n", " / "])
def test_examples_read_back_are_rendered_as_the_rows_are(
    separator: str, export: Export, tmp_path: Path
) -> None:
    lines = [line + "\nand more" if "tea" in line else line for line in long_chat()]
    imported(export(*lines), tmp_path, Shape(separator))
    dataset = store.load(tmp_path, "maya")
    said = [row["messages"] for row in dataset.held_out]
    assert [row["messages"] for row in dataset.validation] == said


def test_whatever_is_said_reads_back_as_one_example() -> None:
    [found] = read(written("Maya", [ODD]))
    assert found.at == ODD.at
    assert found.turns == (
        ("#> Tom ==", "# what?\n== no ‹|im_end|›\n> quoted: yes"),
        (None, "> well\n< Tom: hm"),
        ("someone", "and so on"),
        (None, "bye"),
    )


def test_a_person_may_write_by_hand() -> None:
    text = "\ufeff# mine\r\n\r\n== any name\r\n<Tom:hi\r\n  you\r\n\r\n>  yes \r\n"
    assert read(text.encode()) == [Example("any name", (("Tom", "hi\nyou"), (None, "yes")))]
    assert read(b"# nothing left\n") == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"# x\n\n> hi\n", "line 3 .* before the first"),
        (b"== 1\n< Tom: hi\n> yes\nmore\n", "line 4 .* begins with none"),
        (b"== 1\n< no colon\n> yes\n", "line 2 .* NAME: words"),
        (b"== 1\n< Tom: \n> yes\n", "line 2 .* NAME: words"),
        (b"== 1\n  on\n> yes\n", "line 2 .* begins with none"),
        (b"== 1\n< Tom: hi\n>\n", "line 3 .* begins with none"),
        (b"== 1\n< Tom: a\n> b\n== 2\n> first\n", "line 4 .* needs"),
        (b"== 1\n< Tom: a\n", "line 1 .* needs"),
        (b"== 1\n== 2\n< Tom: a\n> b\n", "line 1 .* needs"),
        (b"== 1\n< Tom: \xff\n", "line 2 .* UTF-8"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: bytes, sentence: str) -> None:
    with pytest.raises(BadRequest, match=sentence):
        read(text)


def test_examples_are_taken_evenly_over_time_and_the_same_ones_each_time() -> None:
    last = START + timedelta(days=100)
    busy = [START + timedelta(minutes=n) for n in range(5000)]
    times = [*busy, *(START + timedelta(days=n) for n in range(5, 100))]

    def chosen(order: int) -> list[Example]:
        choice = Choice(START, last)
        for at in times[::order]:
            choice.offer(at, Example(at.isoformat(), (("Tom", "hi"), (None, str(at)))))
        return choice.examples()

    found = chosen(1)
    assert found == chosen(-1)
    assert len(found) == EXAMPLES
    assert sum(datetime.fromisoformat(one.at) > busy[-1] for one in found) >= 45
    assert [one.at for one in found] == sorted(one.at for one in found)


def test_few_examples_are_all_taken() -> None:
    choice = Choice(START, START)
    for n in range(7):
        choice.offer(START, Example("x", (("Tom", str(n)), (None, "y"))))
    assert len(choice.examples()) == 7


def test_an_edited_set_survives_every_new_import_and_is_not_learned(
    export: Export, tmp_path: Path
) -> None:
    lines = long_chat(80)
    imported(export(*lines[: 60 * 5]), tmp_path)
    edited = file(tmp_path).read_text("utf-8").replace("noooo", "yessss")
    file(tmp_path).write_text(edited, "utf-8")
    tested = {example.at for example in read(edited.encode())}
    for _ in range(2):
        report = imported(export(*lines), tmp_path)
        assert file(tmp_path).read_text("utf-8") == edited
        assert report.validation == len(tested)
        assert "edited and stays" in " ".join(report.notes)
        dataset = store.load(tmp_path, "maya")
        assert tested.isdisjoint(row["at"] for row in dataset.train)
        assert report.cleaned["held-out"] == len(tested)
    file(tmp_path).unlink()
    report = imported(export(*lines), tmp_path)
    assert report.notes == ()
    assert "yessss" not in file(tmp_path).read_text("utf-8")


def test_one_that_nobody_edited_is_written_anew(export: Export, tmp_path: Path) -> None:
    imported(export(*long_chat(60)), tmp_path)
    before = file(tmp_path).read_bytes()
    report = imported(export(*long_chat(80)), tmp_path)
    assert file(tmp_path).read_bytes() != before
    assert report.notes == ()


def test_a_set_that_cant_be_read_is_kept_and_training_says_which_line(
    export: Export, tmp_path: Path
) -> None:
    imported(export(*long_chat()), tmp_path)
    file(tmp_path).write_text("oops\n")
    assert imported(export(*long_chat()), tmp_path).validation == 0
    assert file(tmp_path).read_text() == "oops\n"
    with pytest.raises(BadRequest, match=r"line 1 of validation\.txt"):
        store.load(tmp_path, "maya")


def test_who_withdraws_is_in_no_example_any_more(export: Export, tmp_path: Path) -> None:
    ledger.grant(tmp_path, "Ines")
    imported(export(*group(60)), tmp_path)
    edited = file(tmp_path).read_text("utf-8").replace("sooo", "very")
    assert "< Ines: secret of ines 59" in edited
    file(tmp_path).write_text(edited, "utf-8")
    revoke(tmp_path, lambda: Registry(tmp_path / "registry"), "ines")
    left = file(tmp_path).read_text("utf-8")
    assert "ines" not in left.casefold()
    assert "> day 58 is very good" in left
    assert store.report(tmp_path, "maya").validation == len(read(left.encode())) > 0
    assert examples.edited(tmp_path, "maya") is not None


def test_a_dataset_that_is_written_anew_keeps_its_examples(export: Export, tmp_path: Path) -> None:
    report = imported(export(*long_chat()), tmp_path)
    before = file(tmp_path).read_bytes()
    rows = list(store.rows(tmp_path, "maya"))
    with store.rewritten(tmp_path, "maya") as fresh:
        for row, held_out in rows:
            fresh.add(store.encoded(row), held_out=held_out)
        examples.carry_over(tmp_path, "maya", fresh)
        fresh.describe(report.model_copy(update={"digest": fresh.digest()}))
    assert file(tmp_path).read_bytes() == before
    assert examples.edited(tmp_path, "maya") is None
