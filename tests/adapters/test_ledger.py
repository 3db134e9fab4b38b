"""consent.toml: who agreed, who withdrew, and what a broken file amounts to."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.consent import ledger
from adapters.consent.agreements import Agreed
from adapters.consent.ledger import LEDGER
from adapters.consent.names import Fingerprints, plain, plain_all
from adapters.errors import BadLedger, BadRequest, NotWritable

MAYA, TOM = plain_all(["Maya"]), plain_all(["Tom"])
ENTRY = """
[[entry]]
who = "Maya"
role = "subject"
persona = "maya"
to = ["import", "train", "serve"]
agreed = 2026-01-02T03:04:05Z
"""


def write(home: Path, text: str) -> Path:
    (home / LEDGER).write_text(text, "utf-8")
    return home


def test_an_entry_says_who_agreed_to_what_when_and_who_wrote_it_down(tmp_path: Path) -> None:
    note = 'by "mail"\nand \x7f in person'
    assert ledger.grant(tmp_path, "Maya", also=["+49 170 1234567"], persona="maya", note=note)
    (entry,) = ledger.read(tmp_path).entries
    assert isinstance(entry, Agreed)
    assert (entry.who, entry.also, entry.role) == ("Maya", ("+49 170 1234567",), "subject")
    assert (entry.persona, entry.to, entry.note) == ("maya", ("import", "train", "serve"), note)
    assert entry.by
    assert entry.agreed.utcoffset() == datetime.now(UTC).utcoffset()
    assert abs((datetime.now(UTC) - entry.agreed).total_seconds()) < 600
    assert 'to = ["import", "train", "serve"]\n' in (tmp_path / LEDGER).read_text("utf-8")


def test_what_a_person_wrote_by_hand_stays(tmp_path: Path) -> None:
    write(tmp_path, f"# kept\n{ENTRY}note = 'on paper' # folder 3\n")
    ledger.grant(tmp_path, "Tom")
    text = (tmp_path / LEDGER).read_text("utf-8")
    assert text.startswith("# kept\n")
    assert "note = 'on paper' # folder 3\n" in text
    assert [entry.who for entry in ledger.read(tmp_path).entries] == ["Maya", "Tom"]


def test_agreeing_counts_for_what_was_agreed_to_alone(tmp_path: Path) -> None:
    ledger.grant(tmp_path, "Maya", persona="maya", to=["import", "serve"])
    found = ledger.read(tmp_path)
    assert found.subject("maya", MAYA, "serve")
    assert not found.subject("maya", MAYA, "train")
    assert not found.subject("other", MAYA, "serve")
    assert not found.subject("maya", TOM, "serve")
    assert not found.third_party(MAYA)
    ledger.grant(tmp_path, "Tom", to=["import", "train"])
    assert not ledger.read(tmp_path).third_party(TOM)
    ledger.grant(tmp_path, "Tom", to=["serve"])
    assert ledger.read(tmp_path).third_party(TOM)
    assert not ledger.read(tmp_path).subject("tom", TOM, "train")


def test_the_same_word_is_written_down_once(tmp_path: Path) -> None:
    assert ledger.grant(tmp_path, "Maya", persona="maya")
    assert not ledger.grant(tmp_path, "~ maya", persona="maya", to=["train"])
    assert ledger.grant(tmp_path, "Maya", also=["New Phone"], persona="maya")
    assert ledger.grant(tmp_path, "Maya", persona="maya", note="on paper")
    assert len(ledger.read(tmp_path).entries) == 3


def test_who_withdraws_has_withdrawn_all_above_under_every_name(tmp_path: Path) -> None:
    ledger.grant(tmp_path, "Maya", also=["New Phone"], persona="maya")
    ledger.grant(tmp_path, "New Phone")
    ledger.grant(tmp_path, "Tom")
    ledger.withdraw(tmp_path, "maya")
    found = ledger.read(tmp_path)
    assert [entry.who for entry in found.standing] == ["Tom"]
    assert found.withdrawn(plain_all(["New Phone"]))
    assert not found.withdrawn(TOM)
    listed = {(row["who"], row["as"]): row["revoked"] for row in found.rows()}
    assert listed[("Maya", "subject of maya")]
    assert listed[("Tom", "third party")] is None
    ledger.grant(tmp_path, "Maya", persona="maya")
    again = ledger.read(tmp_path)
    assert not again.withdrawn(MAYA)
    assert again.subject("maya", MAYA, "train")
    assert len(again.withdrawals) == 1


def test_who_never_agreed_can_withdraw_and_is_listed(tmp_path: Path) -> None:
    ledger.withdraw(tmp_path, "Tom")
    (row,) = ledger.read(tmp_path).rows()
    assert (row["who"], row["agreed"], row["role"]) == ("Tom", None, None)
    assert row["revoked"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"{ENTRY}note = oops\n", "line 8"),
        (f"{ENTRY}\n{ENTRY.replace('agreed', 'aggreed')}", "the entry at line 10"),
        (ENTRY.replace("subject", "boss"), "role: .*'subject' or 'third party'.*entry at line 2"),
        (ENTRY.replace('"train"', '"traim"'), r"to\.1: "),
        (ENTRY.replace("05Z", "05"), "agreed: .*timezone"),
        (ENTRY.replace('persona = "maya"', ""), "a subject has a persona"),
        (ENTRY.replace("subject", "third party"), "a third party has none"),
        (ENTRY.replace('"Maya"', '" "'), "who: "),
        (f"{ENTRY}revoked = true\n", "revoked: Extra inputs"),
        (ENTRY.replace("[[entry]]", "[entry]"), r"'entry' is not an \[\[entry\]\]"),
        (ENTRY.replace("[[entry]]", "[[entries]]"), r"'entries' is not an"),
        ("entry = [1]", "the entry: .*entry 1"),
        ("a = " + "[" * 5000, "recursion"),
    ],
)
def test_a_broken_file_is_a_sentence_and_nobodys_consent(
    tmp_path: Path, text: str, sentence: str
) -> None:
    write(tmp_path, text)
    with pytest.raises(BadLedger, match=f"nobody counts as having agreed: .*{sentence}"):
        ledger.read(tmp_path)
    with pytest.raises(BadLedger):
        ledger.grant(tmp_path, "Tom")
    assert (tmp_path / LEDGER).read_text("utf-8") == text
    assert ledger.told(tmp_path)[0] is False


def test_bytes_that_are_no_text_are_named_with_their_line(tmp_path: Path) -> None:
    (tmp_path / LEDGER).write_bytes(b"# fine\n# \xff\n")
    with pytest.raises(BadLedger, match=r"not UTF-8 \(line 2\)"):
        ledger.read(tmp_path)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"who": " "}, "who: "),
        ({"who": "Maya", "persona": "../maya"}, "persona: "),
        ({"who": "Maya", "to": ["everything"]}, "to: .*'import', 'train' or 'serve'"),
        ({"who": "Maya", "to": []}, "to: "),
    ],
)
def test_what_cannot_be_granted_gets_a_sentence(
    tmp_path: Path, fields: dict[str, object], sentence: str
) -> None:
    with pytest.raises(BadRequest, match=sentence):
        ledger.grant(tmp_path, **fields)  # type: ignore[arg-type]
    assert not (tmp_path / LEDGER).exists()


def test_a_home_that_cannot_be_written_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where the folder should be")
    with pytest.raises(NotWritable, match="UNDERSTUDY_HOME"):
        ledger.grant(tmp_path / "home", "Maya")


def test_processes_that_grant_at_once_lose_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from adapters.consent import ledger\n"
        "for n in range(10): ledger.grant(Path(sys.argv[1]), f'{sys.argv[2]} {n}')"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path), name], cwd=Path(__file__).parents[2]
        )
        for name in ("Ann", "Ben", "Cem")
    ]
    assert [process.wait(120) for process in running] == [0, 0, 0]
    assert len({entry.who for entry in ledger.read(tmp_path).entries}) == 30


def test_two_spellings_are_one_name() -> None:
    for one, other in [
        ("~ Maya", "maya"),
        ("\u202aMaya\u202c  New Phone", "MAYA new phone"),
        ("\u202a+49 170 123-4567\u202c", "+491701234567"),
        ("Ｍａｙａ", "Maya"),
    ]:
        assert plain(one) == plain(other)
    assert plain("Tom 2") != plain("Tom")


def test_fingerprints_are_the_same_in_one_home_and_say_nothing_in_another(tmp_path: Path) -> None:
    here, again = Fingerprints.of(tmp_path / "a"), Fingerprints.of(tmp_path / "a")
    other = Fingerprints.of(tmp_path / "b")
    assert here.fingerprint("Maya") == again.fingerprint("~maya") != other.fingerprint("Maya")
    assert (tmp_path / "a/keys/names").stat().st_mode & 0o777 == 0o600
