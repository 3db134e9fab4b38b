"""What follows from who agreed: how others appear, what is published, what a withdrawal removes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters import imports
from adapters.consent import ledger
from adapters.consent.requiring import grant_command, missing, record
from adapters.consent.revoking import Revoked
from adapters.consent.revoking import revoke as revoke_in
from adapters.dataset import store
from adapters.dataset.report import ImportReport
from adapters.errors import BadLedger, BadRequest, NoConsent, NoDataset, RegistryRefused
from adapters.imports import import_chat
from adapters.messages import Message
from adapters.publish import publish, rollback
from adapters.registry import Registry, Unreachable
from adapters.training import run as runs
from tests.adapters.conftest import long_chat
from tests.adapters.test_publish import leave_run

Export = Callable[..., Path]


def group(days: int = 30) -> list[str]:
    """Ines speaks every other day, Tom every day."""
    lines = []
    for day in range(days):
        date = f"{day % 28 + 1:02}/{day // 28 + 1:02}/2020"
        if day % 2:
            lines.append(f"{date}, 09:58 - Ines: secret of ines {day}")
            lines.append(f"{date}, 09:59 - Ines: and another {day}")
        lines.append(f"{date}, 10:00 - Tom: How is day number {day} going, then?")
        lines.append(f"{date}, 10:01 - Maya: day {day} is sooo good")
    return lines


@pytest.fixture
def chat(export: Export) -> Path:
    return export(*group())


def imported(chat: Path, home: Path, persona: str = "maya", **options: object) -> ImportReport:
    return import_chat("whatsapp", chat, persona, [persona], home, **options)  # type: ignore[arg-type]


def users(home: Path, persona: str = "maya") -> str:
    """All that others say in the rows."""
    dataset = store.load(home, persona)
    return "\n".join(
        message["content"]
        for row in dataset.train + dataset.held_out
        for message in row["messages"]
        if message["role"] == "user"
    )


def revoke(home: Path, who: str, registry: Registry | None = None, **options: object) -> Revoked:
    found = registry or Registry(home / "registry")
    return revoke_in(home, lambda: found, who, **options)  # type: ignore[arg-type]


def test_who_did_not_agree_has_the_same_made_up_name_in_every_import(
    chat: Path, tmp_path: Path
) -> None:
    ledger.grant(tmp_path, "Ines")
    report = imported(chat, tmp_path)
    said = users(tmp_path)
    assert report.people is not None
    shown = {person.name: person.shown for person in report.people}
    assert shown["Ines"] == "Ines"
    assert shown["Tom"] not in {"Tom", "Ines", "Maya"}
    assert f"{shown['Tom']}: How is day number 0" in said
    assert "Tom" not in said
    assert "Ines: secret of ines 1" in said
    again = imported(chat, tmp_path)
    assert again.digest == report.digest


def test_a_made_up_name_is_nobodys_of_the_chat(chat: Path, export: Export, tmp_path: Path) -> None:
    report = imported(chat, tmp_path)
    assert report.people is not None
    (made_up,) = {person.shown for person in report.people if person.name == "Tom"}
    there = export(*(line.replace("Ines", f"{made_up} Smith") for line in group()), name="b.txt")
    report = imported(there, tmp_path)
    assert report.people is not None
    assert len({person.shown for person in report.people}) == 3
    assert made_up not in {person.shown for person in report.people}


def test_messages_of_others_can_be_placeholders(chat: Path, tmp_path: Path) -> None:
    ledger.grant(tmp_path, "Tom")
    report = imported(chat, tmp_path, others="placeholder")
    said = users(tmp_path)
    assert "ines" not in said.casefold()
    assert "someone: [message of someone else]\nTom: How is day number 1 going" in said
    assert said.count("[message of someone else]") == 15  # two in a row are told once
    assert report.people is not None
    assert {person.name for person in report.people} == {"Maya", "Tom"}


def test_messages_of_others_can_be_left_out_and_are_counted(chat: Path, tmp_path: Path) -> None:
    ledger.grant(tmp_path, "Tom")
    report = imported(chat, tmp_path, others="drop")
    assert "ines" not in users(tmp_path).casefold()
    assert report.cleaned["others who did not agree"] == 30
    assert (report.learned, report.held_out_messages) == (27, 3)
    with pytest.raises(BadRequest, match="there is: pseudonym, placeholder, drop"):
        imported(chat, tmp_path, others="hide")


def test_who_withdrew_is_left_out_whatever_is_asked_for(chat: Path, tmp_path: Path) -> None:
    ledger.grant(tmp_path, "Ines")
    ledger.withdraw(tmp_path, "Ines")
    for setting in ("pseudonym", "placeholder", "drop"):
        imported(chat, tmp_path, others=setting)
        assert "ines" not in users(tmp_path).casefold()
    ledger.grant(tmp_path, "Ines")
    imported(chat, tmp_path)
    assert "Ines: secret" in users(tmp_path)


def test_rows_remember_who_speaks_in_them_by_number(chat: Path, tmp_path: Path) -> None:
    report = imported(chat, tmp_path)
    people = {str(person.number): person for person in report.people or ()}
    dataset = store.load(tmp_path, "maya")
    for row in dataset.train + dataset.held_out:
        names = {people[number].name for number in row["speakers"]}
        text = json.dumps(row["messages"])
        assert names == {"Maya", "Tom"} | ({"Ines"} if "secret of ines" in text else set())
    mine = next(number for number, person in people.items() if person.role == "subject")
    assert sum(row["speakers"][mine] for row in dataset.train) == report.learned


def test_an_import_can_state_that_the_subject_agreed(chat: Path, tmp_path: Path) -> None:
    report = imported(chat, tmp_path)
    assert missing(tmp_path, report) == ["Maya"]
    assert grant_command(report) == "understudy consent grant Maya --persona maya"
    report = imported(chat, tmp_path, consent=True)
    (row,) = ledger.read(tmp_path).rows()
    assert (row["who"], row["as"]) == ("Maya", "subject of maya")
    assert row["note"] == "stated by the importer"
    assert row["by"]
    assert missing(tmp_path, report) == []
    imported(chat, tmp_path, consent=True)
    assert len(ledger.read(tmp_path).entries) == 1


def test_every_name_of_the_subject_is_asked_for_and_an_id_is_one(tmp_path: Path) -> None:
    said = [
        Message(datetime(2020, 1, 1, 10, n), name, f"{name} {n}", speaker_id=id_)
        for n, (name, id_) in enumerate([("Tom", "1"), ("May", "2"), ("Tom", "1"), ("Mia O.", "2")])
    ]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(imports, "FORMATS", {"made": lambda path, tally, options: iter(said)})
        report = import_chat("made", tmp_path, "maya", ["2"], tmp_path)
    assert missing(tmp_path, report) == ["May", "Mia O."]
    assert grant_command(report) == (
        "understudy consent grant May --also 'Mia O.' --also 2 --persona maya"
    )
    ledger.grant(tmp_path, "May", persona="maya")
    assert missing(tmp_path, report) == ["Mia O."]
    ledger.grant(tmp_path, "2", persona="maya")
    assert missing(tmp_path, report) == []


def test_a_broken_ledger_stops_an_import_before_anything_is_written(
    chat: Path, tmp_path: Path
) -> None:
    (tmp_path / ledger.LEDGER).write_text("[[entry\n")
    with pytest.raises(BadLedger, match="line 1"):
        imported(chat, tmp_path)
    assert not (tmp_path / "datasets").exists()


def test_training_is_refused_where_somebody_withdrew_after_the_import(
    chat: Path, tmp_path: Path
) -> None:
    ledger.grant(tmp_path, "Ines")
    report = imported(chat, tmp_path, consent=True)
    assert record(tmp_path, report)["third_parties_who_agreed"] == 1
    text = (tmp_path / ledger.LEDGER).read_text("utf-8")
    (tmp_path / ledger.LEDGER).write_text(
        text.replace('"third party"', '"third party"\nnote = "x"')
    )
    record(tmp_path, report)
    ledger.withdraw(tmp_path, "Ines")
    with pytest.raises(NoConsent, match=r"Ines withdrew .*: understudy consent revoke Ines"):
        record(tmp_path, report)
    first = text[: text.index("[[entry]]", text.index("[[entry]]") + 1)]
    (tmp_path / ledger.LEDGER).write_text(text.removeprefix(first))
    with pytest.raises(NoConsent, match=r"Ines speaks .* under their own name"):
        record(tmp_path, report)


def test_a_dataset_of_before_says_so_and_asks_for_a_new_import(chat: Path, tmp_path: Path) -> None:
    imported(chat, tmp_path, consent=True)
    make_old(tmp_path)
    assert len(store.load(tmp_path, "maya").train) == 27
    again = "understudy import whatsapp FILE --persona maya --speaker Maya"
    with pytest.raises(NoConsent, match=f"does not say who speaks .* again: {again}"):
        record(tmp_path, store.load(tmp_path, "maya").report)


def make_old(home: Path) -> None:
    """A dataset as it was written before rows remembered who speaks."""
    folder = home / "datasets" / "maya"
    report = json.loads((folder / "report.json").read_text())
    for field in ("people", "others", "notes"):
        del report[field]
    (folder / "report.json").write_text(json.dumps(report))
    for name in ("train.jsonl", "held_out.jsonl"):
        rows = [json.loads(line) for line in (folder / name).read_text().splitlines()]
        for row in rows:
            del row["speakers"]
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_a_manifest_names_nobody(chat: Path, tmp_path: Path) -> None:
    report = imported(chat, tmp_path, consent=True)
    kept = record(tmp_path, report)
    assert kept["to"] == ["import", "serve", "train"]
    assert datetime.fromisoformat(kept["agreed"]).tzinfo
    assert (len(kept["subjects"]), len(kept["third_parties"])) == (1, 2)
    for name in ("maya", "tom", "ines"):
        assert name not in json.dumps(kept).casefold()


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


def test_publishing_asks_for_consent_to_serve(chat: Path, tmp_path: Path) -> None:
    ledger.grant(tmp_path, "Maya", persona="maya", to=["import", "train"])
    leave_run(tmp_path, imported(chat, tmp_path))
    registry = Registry(tmp_path / "registry")
    with pytest.raises(NoConsent, match=r"served; .*: understudy consent grant Maya --persona"):
        publish(tmp_path, registry, "maya")
    ledger.grant(tmp_path, "Maya", persona="maya", to=["serve"])
    assert publish(tmp_path, registry, "maya").version == 1


def test_a_training_without_a_record_is_not_published(chat: Path, tmp_path: Path) -> None:
    leave_run(tmp_path, imported(chat, tmp_path, consent=True))
    path = runs.folder(tmp_path, "maya") / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "consent": None}))
    with pytest.raises(NoConsent, match="train it again: understudy train maya"):
        publish(tmp_path, Registry(tmp_path / "registry"), "maya")


def test_who_agrees_again_is_trained_anew_and_published(chat: Path, tmp_path: Path) -> None:
    registry = Registry(tmp_path / "registry")
    leave_run(tmp_path, imported(chat, tmp_path, consent=True))
    revoke(tmp_path, "Maya", registry)
    report = imported(chat, tmp_path, consent=True)
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


def test_a_chat_of_two_has_nothing_to_learn_from_once_one_withdrew(
    export: Export, tmp_path: Path
) -> None:
    ledger.withdraw(tmp_path, "Tom")
    report = import_chat("whatsapp", export(*long_chat()), "maya", ["Maya"], tmp_path)
    assert (report.examples, report.held_out) == (0, 0)
    assert report.cleaned["others who did not agree"] == 120
