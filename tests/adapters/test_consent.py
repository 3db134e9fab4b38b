"""What follows from who agreed: how others appear, and what is trained on and published."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path

import pytest

from adapters import imports
from adapters.consent import ledger
from adapters.consent.requiring import grant_command, missing, record
from adapters.dataset import store
from adapters.dataset.era import Era
from adapters.errors import BadLedger, BadRequest, NoConsent
from adapters.imports import import_chat
from adapters.messages import Message
from adapters.publish import publish
from adapters.registry import Registry
from adapters.training import run as runs
from tests.adapters.conftest import long_chat
from tests.adapters.groups import group, imported, make_old, users
from tests.adapters.test_publish import leave_run

Export = Callable[..., Path]


@pytest.fixture
def chat(export: Export) -> Path:
    return export(*group())


def test_who_did_not_agree_has_the_same_made_up_name_in_every_import(
    chat: Path, tmp_path: Path
) -> None:
    ledger.grant(tmp_path, "Ines")
    report = imported(chat, tmp_path)
    said = users(tmp_path)
    assert report.people is not None
    (made_up,) = {person.shown for person in report.people if person.hidden}
    assert made_up not in {"Tom", "Ines", "Maya"}
    assert f"{made_up}: How is day number 0" in said
    assert "Tom" not in said
    assert "Tom" not in "".join(person.model_dump_json() for person in report.people)
    assert "Ines: secret of ines 1" in said
    again = imported(chat, tmp_path)
    assert again.digest == report.digest


def test_a_made_up_name_is_nobodys_of_the_chat(chat: Path, export: Export, tmp_path: Path) -> None:
    report = imported(chat, tmp_path)
    assert report.people is not None
    made_up = next(person.shown for person in report.people if person.hidden)
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
    assert report.speakers == {"Maya": 30, "Tom": 30, "someone": 30}
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


def test_nothing_is_shown_of_what_is_not_in_the_rows(export: Export, tmp_path: Path) -> None:
    forwards = [f"30/01/2020, 11:0{n} - Ines: https://inesses.example/{n}" for n in range(3)]
    links = [*forwards, "30/01/2020, 11:09 - Maya: https://mayas.example"]
    era = Era.of("2020-01-02", None)
    chat = export(*group()[:30], *links, *group()[30:], *links)
    for setting in ("placeholder", "drop"):
        report = imported(chat, tmp_path, others=setting, era=era)
        assert report.cleaned["links-only"] == 8
        assert set(report.cleaned_samples["links-only"]) == {"https://mayas.example"}
        assert "outside of the time asked for" in report.cleaned
        assert "inesses" not in report.model_dump_json()
    ledger.grant(tmp_path, "Ines")
    assert "inesses" in imported(chat, tmp_path).model_dump_json()
    ledger.withdraw(tmp_path, "Ines")
    assert "inesses" not in imported(chat, tmp_path).model_dump_json()


@pytest.mark.parametrize("who", ["Ines", "Nobody"])
def test_who_withdraws_while_a_chat_is_imported_is_heard(
    who: str, chat: Path, tmp_path: Path
) -> None:
    folder = store.folder(tmp_path, "maya")
    folder.mkdir(parents=True)
    os.mkfifo(folder / "validation.txt")

    def withdraw() -> None:
        with (folder / "validation.txt").open("w"):  # read once the ledger was
            ledger.withdraw(tmp_path, who)

    meanwhile = threading.Thread(target=withdraw, daemon=True)
    meanwhile.start()
    heard = pytest.raises(NoConsent, match="withdrew while maya was imported; run it again")
    with heard if who == "Ines" else nullcontext():
        imported(chat, tmp_path)
    meanwhile.join(60)
    assert (folder / "train.jsonl").exists() == (who == "Nobody")
    (folder / "validation.txt").unlink()
    imported(chat, tmp_path)
    assert ("and another 1" in users(tmp_path)) == (who == "Nobody")


def test_rows_remember_who_speaks_in_them_by_number(chat: Path, tmp_path: Path) -> None:
    for who in ("Tom", "Ines"):
        ledger.grant(tmp_path, who)
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
    (tmp_path / ledger.LEDGER).write_text(text)
    hidden = imported(chat, tmp_path)
    ledger.withdraw(tmp_path, "Tom")
    with pytest.raises(NoConsent, match=r"tom withdrew .*: understudy consent revoke tom"):
        record(tmp_path, hidden)
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


def test_a_manifest_names_nobody(chat: Path, tmp_path: Path) -> None:
    report = imported(chat, tmp_path, consent=True)
    kept = record(tmp_path, report)
    assert kept["to"] == ["import", "serve", "train"]
    assert datetime.fromisoformat(kept["agreed"]).tzinfo
    assert (len(kept["subjects"]), len(kept["third_parties"])) == (1, 2)
    for name in ("maya", "tom", "ines"):
        assert name not in json.dumps(kept).casefold()


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


def test_a_chat_of_two_has_nothing_to_learn_from_once_one_withdrew(
    export: Export, tmp_path: Path
) -> None:
    ledger.withdraw(tmp_path, "Tom")
    report = import_chat("whatsapp", export(*long_chat()), "maya", ["Maya"], tmp_path)
    assert (report.examples, report.held_out) == (0, 0)
    assert report.cleaned["others who did not agree"] == 120
