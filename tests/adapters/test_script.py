"""Scripts: who speaks, what is a stage direction, and the times that order makes up."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from adapters.errors import AdaptersError, BadExport
from adapters.imports import script
from tests.adapters.exports import bins, folder, said, told, zipped

INLINE = """\
THE TEA PARTY
a play

SCENE 1. A kitchen.
TOM: (laughing) Where is the tea?
MAYA: In the pot:
the brown <b>one</b>.
[She pours.]
Tom's Aunt: Note: it is hot!

MAYA: Remember: =1+1

SCENE 2
(Enter TOM)
TOM (aside): Good tea [sips] this.
Tom's Aunt: Quite.
"""


def test_lines_with_names_directions_and_scenes(tmp_path: Path) -> None:
    messages, tally = told("script", folder(tmp_path, {"play.txt": INLINE}))
    assert said(messages) == [
        ("TOM", "Where is the tea?"),
        ("MAYA", "In the pot:\nthe brown <b>one</b>."),
        ("Tom's Aunt", "Note: it is hot!"),
        ("MAYA", "Remember: =1+1"),
        ("TOM", "Good tea this."),
        ("Tom's Aunt", "Quite."),
    ]
    assert bins(tally) == {"kept": 6, "merged": 3, "system": 5, "unparsed": 2}
    assert tally.lines == INLINE.count("\n")
    assert "no times" in tally.notes[0]


def test_order_is_time_and_a_scene_is_a_day(tmp_path: Path) -> None:
    messages, _ = told("script", folder(tmp_path, {"play.txt": INLINE}))
    gaps = [after.at - before.at for before, after in pairwise(messages)]
    minute = timedelta(minutes=1)
    assert messages[0].at == datetime(2000, 1, 1)
    assert gaps[:3] + gaps[4:] == [minute] * 4
    assert gaps[3] > timedelta(hours=6)


def test_without_marks_a_scene_is_fifty_speeches(tmp_path: Path) -> None:
    messages, _ = told("script", folder(tmp_path, {"play.txt": "TOM: a\nMAYA: b\n" * 60}))
    gaps = [after.at - before.at for before, after in pairwise(messages)]
    assert [n for n, gap in enumerate(gaps, 1) if gap > timedelta(hours=6)] == [50, 100]


BLOCKS = """\
First Citizen:
Before we go: hear me.
Go to: I say this:
Proceed.

All:
Speak, speak.

Second murderer:
No: not I.

First Citizen:
Good.
"""


def test_names_above_blocks(tmp_path: Path) -> None:
    messages, tally = told("script", zipped(tmp_path / "x.zip", {"play.txt": BLOCKS}))
    assert said(messages) == [
        ("First Citizen", "Before we go: hear me.\nGo to: I say this:\nProceed."),
        ("All", "Speak, speak."), ("Second murderer", "No: not I."), ("First Citizen", "Good."),
    ]  # fmt: skip
    assert bins(tally) == {"kept": 4, "merged": 9}


def test_a_table_of_speeches(tmp_path: Path) -> None:
    csv = (
        'Episode,Character,Line\n1,TOM,"Where (sighs) is it?\nWhere?"\n1,MAYA,=A1\n1,,A door.\n'
        "2,TOM,Again.\n"
    )
    messages, tally = told("script", folder(tmp_path, {"a.csv": csv}))
    assert [(m.conversation, m.speaker, m.text) for m in messages] == [
        ("1", "TOM", "Where is it?\nWhere?"), ("1", "MAYA", "=A1"), ("2", "TOM", "Again."),
    ]  # fmt: skip
    assert messages[2].at - messages[1].at > timedelta(hours=6)
    assert bins(tally) == {"kept": 3, "system": 1}


def test_columns_may_be_named(tmp_path: Path) -> None:
    path = folder(tmp_path, {"a.csv": "x,y\nTOM,hi\n"})
    messages, _ = told("script", path, columns={"speaker": "x", "text": "y"})
    assert said(messages) == [("TOM", "hi")]
    with pytest.raises(AdaptersError, match="no column 'z'; it has: x, y"):
        told("script", path, columns={"speaker": "z"})


def test_a_chorus_may_speak(tmp_path: Path) -> None:
    text = "CHORUS\nCHORUS: a\nTOM: b\nCHORUS: c\nPart: d\nSCENE 2: a field\n"
    messages, tally = told("script", folder(tmp_path, {"play.txt": text}))
    assert said(messages) == [("CHORUS", "a"), ("TOM", "b"), ("CHORUS", "c\nPart: d")]
    assert bins(tally) == {"kept": 3, "merged": 1, "system": 2}


@pytest.mark.parametrize(
    "text", ["Notes: buy milk\nThen: sleep\nmore\n", "hello\n" * 50, "Dear Tom:\n\nhow are you\n"]
)
def test_other_texts_are_no_scripts(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadExport, match="is no script"):
        told("script", folder(tmp_path, {"a.txt": text}))


def test_a_speech_without_end_is_refused(tmp_path: Path) -> None:
    path = folder(tmp_path, {"a.txt": BLOCKS * 40 + "word\n" * (script.MAX_SPEECH_LINES + 1)})
    with pytest.raises(BadExport, match="over 5,000 lines"):
        told("script", path)


def test_shakespeare_is_read_whole(shared: Path) -> None:
    path = shared / "scripts" / "tinyshakespeare.txt"
    heads = re.findall(r"(?:\A|(?<=\n\n))([^\n]+):\n", path.read_text("utf-8"))
    messages, tally = told("script", path)
    assert [m.speaker for m in messages] == [" ".join(head.split()) for head in heads]
    assert (tally.lines, tally.bins["unparsed"]) == (40_000, 0)
