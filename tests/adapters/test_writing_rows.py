"""From a person's own writing to a dataset's rows, and whose they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from adapters.dataset import store
from adapters.errors import UnknownSpeaker
from adapters.imports import import_chat, list_speakers
from adapters.questions import chunks as questions
from tests.adapters.exports import folder


def many(count: int = 40) -> dict[str, str]:
    return {
        f"{n:02}.md": f"---\ntitle: Day {n}\ndate: 2020-{n % 12 + 1:02}-{n // 12 + 1:02}\n---\n"
        + "".join(f"Paragraph {p} of day {n}, with words enough: {'abc ' * 80}{n * p}.\n\n"
                  for p in range(4))
        for n in range(count)
    }  # fmt: skip


def test_each_passage_becomes_a_row_that_answers_a_request(tmp_path: Path) -> None:
    path = folder(tmp_path / "texts", many())
    report = import_chat(
        "writing", path, "maya", ["Anybody"], tmp_path, keep=["near-duplicates", "held-out"]
    )
    dataset = store.load(tmp_path, "maya")
    assert report.format == "writing"
    assert report.persona_speakers == ("Anybody",)
    assert report.prompt_format.speaker_label == ""
    assert [person.name for person in report.people or ()] == ["Anybody"]
    assert report.system_prompt == "You are Maya."
    assert len(dataset.train) + len(dataset.held_out) == report.kept == 80
    row = dataset.train[1]["messages"]
    assert [message["role"] for message in row] == ["system", "user", "assistant"]
    assert re.fullmatch(r"Go on: Day \d+", row[1]["content"])
    assert row[2]["content"].startswith("Paragraph 2 of day")
    assert len([chunk for chunk in questions.chunks(tmp_path, "maya") if chunk.request]) == 80
    assert max(row["at"] for row in dataset.train) < min(row["at"] for row in dataset.held_out)
    asked = [{r["messages"][1]["content"].partition(": ")[2] for r in side}
             for side in (dataset.train, dataset.held_out)]  # fmt: skip
    assert not asked[0] & asked[1]


def test_where_several_wrote_one_must_be_named(tmp_path: Path) -> None:
    files = {"a.md": "---\nauthor: Maya\n---\nMine.", "b.md": "---\nauthor: Tom\n---\nHis."}
    path = folder(tmp_path / "texts", files)
    with pytest.raises(UnknownSpeaker, match=r"Maya \(1\), Tom \(1\)"):
        import_chat("writing", path, "maya", ["Ann"], tmp_path)
    assert import_chat("writing", path, "maya", ["maya"], tmp_path).learned == 1
    found = list_speakers("auto", path)
    assert [(one.name, one.conversation, one.messages) for one in found] == [
        ("Maya", "", 1), ("Tom", "", 1),
    ]  # fmt: skip


def test_texts_that_name_nobody_are_by_whom_they_are_imported_for(tmp_path: Path) -> None:
    files = {"a.md": "---\nauthor: Tom\n---\nHis.", "b.md": "Whose?", "c.md": "Whose, too?"}
    path = folder(tmp_path / "texts", files)
    report = import_chat("writing", path, "maya", ["Maya"], tmp_path)
    assert report.speakers["Maya"] == 2
    assert len(report.speakers) == 2
    assert (report.persona_speakers, report.learned) == (("Maya",), 2)
    assert any("name no author: 2" in note for note in report.notes)
    alone = folder(tmp_path / "alone", {"a.md": "---\nauthor: Maya Lee\n---\nMine."})
    with pytest.raises(UnknownSpeaker, match=r"'Mum' does not speak .* Maya Lee \(1\)"):
        import_chat("writing", alone, "maya", ["Mum"], tmp_path)


def test_private_data_is_replaced_in_requests_too(tmp_path: Path) -> None:
    text = "---\ntitle: Mail me at maya@lee-family.org\n---\nOr ring +44 20 7946 0958, I said."
    import_chat("writing", folder(tmp_path / "x", {"a.md": text}), "maya", ["Maya"], tmp_path)
    dataset = store.load(tmp_path, "maya")
    rows = str(dataset.train + dataset.held_out)
    assert "Mail me at" in rows
    assert "lee-family" not in rows
    assert "7946 0958" not in rows
