"""A withdrawal: what it removes from datasets, marks, and keeps from being published."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.consent import ledger
from adapters.consent.found import Revoked
from adapters.consent.requiring import record
from adapters.consent.revoking import revoke as revoke_in
from adapters.dataset import lessening, store
from adapters.dataset.report import Questions
from adapters.errors import BadRequest, NoConsent, NoDataset, RegistryRefused
from adapters.folders import replaced
from adapters.publish import publish, rollback
from adapters.questions import answers
from adapters.questions.answers import remembered
from adapters.registry import NotWritable, Registry, Unreachable
from adapters.training import run as runs
from tests.adapters import essays
from tests.adapters.groups import group, imported, make_old, users
from tests.adapters.test_publish import leave_run

Export = Callable[..., Path]


@pytest.fixture
def chat(export: Export) -> Path:
    return export(*group())


def revoke(home: Path, who: str, registry: Registry | None = None, **options: object) -> Revoked:
    found = registry or Registry(home / "registry")
    return revoke_in(home, lambda: found, who, **options)  # type: ignore[arg-type]


def test_a_withdrawal_takes_a_third_partys_rows_and_leaves_the_others(
    chat: Path, tmp_path: Path
) -> None:
    ledger.grant(tmp_path, "Ines")
    before = imported(chat, tmp_path, consent=True)
    look = revoke(tmp_path, "ines", only_look=True)
    assert [(d.persona, d.rows, d.left) for d in look.datasets] == [("maya", 15, 15)]
    assert store.load(tmp_path, "maya").report == before
    done = revoke(tmp_path, "ines")
    assert done.datasets == look.datasets
    dataset = store.load(tmp_path, "maya")
    files = (tmp_path / "datasets" / "maya").iterdir()
    assert not [path for path in files if re.search(r"\bines\b", path.read_text("utf-8"), re.I)]
    report = dataset.report
    assert (report.examples, report.held_out) == (len(dataset.train), len(dataset.held_out))
    assert (report.examples + report.held_out, report.learned + report.held_out_messages) == (
        15,
        15,
    )
    assert report.digest != before.digest
    assert "15 rows were removed" in report.notes[0]
    assert record(tmp_path, report)["third_parties"]
    imported(chat, tmp_path)
    assert "ines" not in users(tmp_path).casefold()


def test_who_appears_under_a_made_up_name_can_withdraw_as_well(chat: Path, tmp_path: Path) -> None:
    imported(chat, tmp_path, consent=True)
    done = revoke(tmp_path, "Ines")
    assert (done.agreements, done.datasets[0].rows) == (0, 15)
    assert "secret" not in users(tmp_path)


def test_a_dataset_that_loses_its_subject_is_removed(chat: Path, tmp_path: Path) -> None:
    imported(chat, tmp_path, consent=True)
    imported(chat, tmp_path, "tom", consent=True)
    done = revoke(tmp_path, "Maya")
    assert [(d.persona, d.left, d.subject) for d in done.datasets] == [
        ("maya", 0, True),
        ("tom", 15, False),
    ]
    with pytest.raises(NoDataset):
        store.load(tmp_path, "maya")
    assert [path.name for path in (tmp_path / "datasets").iterdir() if path.is_dir()] == ["tom"]
    assert "sooo good" not in users(tmp_path, "tom")


def test_a_dataset_of_before_goes_whole_where_the_person_spoke(chat: Path, tmp_path: Path) -> None:
    imported(chat, tmp_path, consent=True)
    make_old(tmp_path)
    ledger.grant(tmp_path, "Zoe")
    assert revoke(tmp_path, "Zoe").datasets == ()
    assert revoke(tmp_path, "Ines").datasets[0].left == 0
    with pytest.raises(NoDataset):
        store.load(tmp_path, "maya")


def test_what_was_left_of_a_killed_import_goes_too(chat: Path, tmp_path: Path) -> None:
    imported(chat, tmp_path, consent=True)
    folder = tmp_path / "datasets" / "maya"
    folder.rename(folder.parent / ".maya.old")
    assert revoke(tmp_path, "Maya").datasets[0].left == 0
    assert not [path for path in folder.parent.iterdir() if path.is_dir()]


def test_what_killed_writers_have_left_goes_and_what_is_being_written_stays(
    chat: Path, tmp_path: Path
) -> None:
    imported(chat, tmp_path, consent=True)
    left = [tmp_path / name for name in (
        "datasets/.zoe.new-1", "runs/.maya.new-2", "exports/maya/.openai.new-3"
    )]  # fmt: skip
    for folder in left:
        folder.mkdir(parents=True)
        (folder / "train.jsonl").write_text("secret of ines")
    with replaced(tmp_path / "runs" / "tom") as training:
        revoke(tmp_path, "Ines", only_look=True)
        assert all(folder.exists() for folder in left)
        revoke(tmp_path, "Ines")
        assert training.exists()
    assert not any(folder.exists() for folder in left)


def test_a_name_that_nobody_has_is_refused(chat: Path, tmp_path: Path) -> None:
    imported(chat, tmp_path, consent=True)
    with pytest.raises(BadRequest, match=r"'Inez' is neither .*; in consent.toml there is: Maya"):
        revoke(tmp_path, "Inez")
    assert len(ledger.read(tmp_path).entries) == 1


def test_a_withdrawal_marks_versions_and_keeps_the_training_from_being_published(
    chat: Path, tmp_path: Path
) -> None:
    registry = Registry(tmp_path / "registry")
    leave_run(tmp_path, imported(chat, tmp_path, consent=True))
    assert publish(tmp_path, registry, "maya").version == 1
    before = registry.sealed("maya", 1)
    leave_run(tmp_path, imported(chat, tmp_path, others="drop"), value=2.0)  # nobody else in it
    leave_run(tmp_path, imported(chat, tmp_path), value=3.0)
    assert registry.revoked("maya") == []
    done = revoke(tmp_path, "Ines", registry)
    assert [(v.persona, v.version, v.current) for v in done.versions] == [("maya", 1, True)]
    assert done.runs == ("maya",)
    assert registry.revoked("maya") == [1]
    assert registry.sealed("maya", 1) == before
    assert registry.versions("maya") == [1]
    with pytest.raises(NoConsent, match=r"withdrew .*; train it again: understudy train maya"):
        publish(tmp_path, registry, "maya")
    again = revoke(tmp_path, "Ines", registry)
    assert (again.datasets, len(again.versions)) == ((), 1)
    assert len([row for row in ledger.read(tmp_path).rows() if row["revoked"]]) == 1


def test_a_version_without_the_person_is_not_marked_and_is_gone_back_to(
    chat: Path, tmp_path: Path
) -> None:
    registry = Registry(tmp_path / "registry")
    ledger.grant(tmp_path, "Tom")
    leave_run(tmp_path, imported(chat, tmp_path, consent=True, others="drop"))
    publish(tmp_path, registry, "maya")
    for value in (2.0, 3.0):
        leave_run(tmp_path, imported(chat, tmp_path), value=value)
        publish(tmp_path, registry, "maya")
    revoke(tmp_path, "Ines", registry)
    assert registry.revoked("maya") == [2, 3]
    registry.set_current("maya", 3)
    assert rollback(registry, "maya").version == 1


def test_who_agrees_again_is_trained_anew_and_published(chat: Path, tmp_path: Path) -> None:
    registry = Registry(tmp_path / "registry")
    leave_run(tmp_path, imported(chat, tmp_path, consent=True))
    revoke(tmp_path, "Maya", registry)
    for stated in (False, True):
        with pytest.raises(NoConsent, match=r"Maya withdrew .* consent grant Maya --persona maya"):
            imported(chat, tmp_path, consent=stated)
    assert not (tmp_path / "datasets" / "maya").exists()
    ledger.grant(tmp_path, "Maya", persona="maya")
    report = imported(chat, tmp_path)
    with pytest.raises(NoConsent):
        publish(tmp_path, registry, "maya")
    leave_run(tmp_path, report)
    later(runs.folder(tmp_path, "maya") / "manifest.json")
    assert publish(tmp_path, registry, "maya").version == 1


def later(path: Path) -> None:
    manifest = json.loads(path.read_text())
    manifest["created_at"] = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
    path.write_text(json.dumps(manifest))


def test_out_of_reach_of_the_registry_the_rows_go_and_the_rest_is_said(
    chat: Path, tmp_path: Path
) -> None:
    imported(chat, tmp_path, consent=True)

    def unreachable() -> Registry:
        raise Unreachable("the registry s3://x can't be reached: no connection")

    with pytest.raises(RegistryRefused, match=r"can't be reached.*run it again when"):
        revoke_in(tmp_path, unreachable, "Ines")
    assert "secret" not in users(tmp_path)
    assert ledger.read(tmp_path).withdrawn(frozenset({"ines"}))
    with pytest.raises(RegistryRefused):
        revoke_in(tmp_path, unreachable, "Nobody")
    assert not ledger.read(tmp_path).withdrawn(frozenset({"nobody"}))


def test_a_registry_that_cannot_be_marked_is_said_and_marked_the_next_time(
    chat: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry(tmp_path / "registry")
    leave_run(tmp_path, imported(chat, tmp_path, consent=True))
    publish(tmp_path, registry, "maya")

    def refuse(*_: object) -> None:
        raise NotWritable("the registry can't be written: it is read-only")

    with monkeypatch.context() as patched:
        patched.setattr(Registry, "revoke", refuse)
        with pytest.raises(RegistryRefused, match="read-only; what Ines said is gone"):
            revoke(tmp_path, "Ines", registry)
    assert "secret" not in users(tmp_path)
    assert registry.revoked("maya") == []
    revoke(tmp_path, "Ines", registry)
    assert registry.revoked("maya") == [1]


def test_who_is_left_out_is_nowhere_named(chat: Path, tmp_path: Path) -> None:
    ledger.grant(tmp_path, "Tom")
    report = imported(chat, tmp_path, others="drop")
    assert "Ines" not in report.model_dump_json()
    assert sorted(report.speakers.values()) == [30, 30, 30]
    with pytest.raises(BadRequest, match=r"'Ines' is neither in consent.toml nor"):
        revoke(tmp_path, "Ines")


@pytest.mark.parametrize(
    ("speakers", "edited"),
    [(None, None), (["0", "1"], None), ({"0": "one"}, None), (None, '{"messages": []}'),
     (None, '{"messages": "Hi"'), (None, "[" * 5000)],
)  # fmt: skip
def test_rows_that_a_person_has_edited_and_that_cannot_tell_go_too(
    speakers: object, edited: str | None, chat: Path, tmp_path: Path
) -> None:
    imported(chat, tmp_path, consent=True)
    path = tmp_path / "datasets" / "maya" / "train.jsonl"
    first, rest = path.read_text().split("\n", 1)
    row = json.loads(first)
    if edited is None:
        edited = json.dumps(row | {"speakers": speakers} if speakers else row["messages"])
    path.write_text(edited + "\n" + rest)
    assert revoke(tmp_path, "Ines").datasets[0].rows == 16
    assert len(store.load(tmp_path, "maya").train) == 27 - 16 + 2  # the latest are held out


def test_it_is_said_what_to_do_about_what_was_trained(chat: Path, tmp_path: Path) -> None:
    registry = Registry(tmp_path / "registry")
    for persona in ("maya", "tom"):
        leave_run(tmp_path, imported(chat, tmp_path, persona, consent=True))
        publish(tmp_path, registry, persona)
    done = revoke(tmp_path, "Maya", registry)
    assert done.subject_of == ("maya",)
    assert "import, train and publish tom again, then reload" in done.sentence
    assert "remove maya from the registry and restart" in done.sentence
    shown = [" ".join(row.values()) for row in done.rows()]
    assert shown == [
        "agreements Maya 1 withdrawn",
        "dataset maya 30 rows removed; removed whole",
        "dataset tom 14 rows removed; 15 rows left",
        "training maya refused by publish",
        "training tom refused by publish",
        "version maya@1 marked; current",
        "version tom@1 marked; current",
    ]


@pytest.mark.parametrize("agreed", [True, False])
def test_a_withdrawal_takes_what_models_were_asked_about_somebodys_writing(
    tmp_path: Path, agreed: bool
) -> None:
    for persona in ("maya", "tom"):
        with remembered(tmp_path, persona, "base") as kept:
            kept.keep(b"1", "Did you walk?")
            kept.keep(b"2", None)
    essays.write(tmp_path)
    if agreed:
        ledger.grant(tmp_path, "Maya", persona="maya")
        store.remove(tmp_path, "maya")  # by an earlier, broken off withdrawal
    look = revoke(tmp_path, "Maya", only_look=True)
    assert look.questions == {"maya": 2}
    assert answers.count(tmp_path, "maya") == 2
    done = revoke(tmp_path, "Maya")
    assert "questions maya 2 kept answers removed" in [" ".join(r.values()) for r in done.rows()]
    assert not answers.there(tmp_path, "maya")
    assert answers.count(tmp_path, "tom") == 2


def test_a_withdrawal_counts_the_questions_that_are_left(tmp_path: Path) -> None:
    essays.write(tmp_path)
    folder = store.folder(tmp_path, "maya")
    report = store.report(tmp_path, "maya")
    asked = Questions(rows=3, model="base", asked_at=report.imported_at)
    (folder / store.REPORT).write_text(
        report.model_copy(update={"questions": asked}).model_dump_json()
    )
    rows = [json.loads(line) for line in (folder / store.TRAIN).read_text().splitlines()]
    for row in rows[:3]:
        row["request"] = row["messages"][1]["content"]
    rows[0]["speakers"] = {"0": 1, "7": 1}
    (folder / store.TRAIN).write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert lessening.without(tmp_path, "maya", {7}, lambda name: False, "") == 9
    left = store.report(tmp_path, "maya").questions
    assert left == asked.model_copy(update={"rows": 2})
