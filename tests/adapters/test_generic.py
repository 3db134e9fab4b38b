"""Tables of messages: dialects, columns, times, and what is no message."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.errors import AdaptersError
from adapters.messages import Message
from tests.adapters.exports import bins, folder, said, told, zipped

COLUMNS = {"at": "when", "speaker": "who", "text": "what"}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_dialect_is_found_and_quoted_newlines_kept(tmp_path: Path, delimiter: str) -> None:
    rows = [
        ["when", "who", "what"],
        ["2024-05-01 12:00", "Tom", '"a ""b""\r\nc, d; e"'],
        ["2024-05-01 12:01", "Maya", "=1+1"],
        ["2024-05-01 12:02", "Maya", "<b>x</b>"],
        ["soon", "Maya", "?"],
        ["2024-05-01 12:03", "", "?"],
        ["2024-05-01 12:04"],
    ]
    text = "\ufeff" + "".join(delimiter.join(row) + "\r\n" for row in rows)
    messages, tally = told("generic", folder(tmp_path, {"a.csv": text}), columns=COLUMNS)
    assert said(messages) == [("Tom", 'a "b"\nc, d; e'), ("Maya", "=1+1"), ("Maya", "<b>x</b>")]
    assert messages[0].at == datetime(2024, 5, 1, 12, 0)
    assert bins(tally) == {"kept": 3, "unparsed": 3}


def test_columns_of_common_names_need_no_naming(tmp_path: Path) -> None:
    text = "Message ID,Sent At,From,Body,Chat\n7,2024-05-01T12:00:00Z,Tom,hi,Friends\n"
    messages, _ = told("generic", zipped(tmp_path / "x.zip", {"a.CSV": text}))
    assert messages == [
        Message(datetime(2024, 5, 1, 12, tzinfo=UTC), "Tom", "hi", conversation="Friends", id="7")
    ]


def test_lines_of_json_may_nest_and_may_be_broken(tmp_path: Path) -> None:
    lines = [
        json.dumps({"ts": 1714564800, "author": {"name": "Tom"}, "text": "a"}),
        json.dumps({"ts": 1714564860.5, "author": {"name": "Maya"}, "text": "b\nc"}),
        "{broken",
        "",
        "[" * 10_000,
        json.dumps({"ts": True, "author": {"name": "Maya"}, "text": "?"}),
        '{"ts": 1714564860, "author": {"name": "Maya"}, "text": NaN}',
    ]
    path = folder(tmp_path, {"a.jsonl": "\n".join(lines)})
    messages, tally = told("generic", path, columns={"speaker": "author.name"})
    assert said(messages) == [("Tom", "a"), ("Maya", "b\nc")]
    assert messages[1].at == datetime(2024, 5, 1, 12, 1, 0, 500000, tzinfo=UTC)
    assert bins(tally) == {"kept": 2, "unparsed": 4}


@pytest.mark.parametrize(
    ("cells", "options", "want"),
    [
        (["1714564800"], {}, datetime(2024, 5, 1, 12, tzinfo=UTC)),
        (["1714564800000"], {}, datetime(2024, 5, 1, 12, tzinfo=UTC)),
        (["2024-05-01T14:00:00+02:00"], {}, datetime(2024, 5, 1, 12, tzinfo=UTC)),
        (["5/1/2024 12:00 PM", "5/13/2024 1:00 PM"], {}, datetime(2024, 5, 1, 12)),
        (["1.5.2024 12:00", "13.5.2024 13:00"], {}, datetime(2024, 5, 1, 12)),
        (["5/1/2024 12:00"], {"date_order": "mdy"}, datetime(2024, 5, 1, 12)),
        (["01.05.98", "13.05.98", "02.06.98"], {}, datetime(1998, 5, 1)),
        (["1/5/1998", "13/5/1998", "14/5/1998", "2/6/1998"], {}, datetime(1998, 5, 1)),
        (["01|05|24 12h00"], {"time_format": "%d|%m|%y %Hh%M"}, datetime(2024, 5, 1, 12)),
    ],
)
def test_times_are_read_as_written(
    tmp_path: Path, cells: list[str], options: dict[str, str], want: datetime
) -> None:
    text = "date,from,text\n" + "".join(f"{cell},Tom,hi\n" for cell in cells)
    messages, tally = told("generic", folder(tmp_path, {"a.csv": text}), **options)
    assert messages[0].at == want
    assert len(messages) == len(cells)
    assert (tally.date_order is not None) == ("/" in cells[0] or "." in cells[0])


def test_several_tables_are_several_conversations(tmp_path: Path) -> None:
    text = "date,from,text\n2024-05-01,Tom,hi\n"
    messages, _ = told("generic", folder(tmp_path, {"x/a.csv": text, "x/b.csv": text}))
    assert [m.conversation for m in messages] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "columns", "sentence"),
    [
        ("date,who,text\n", {}, "which column of a.csv is the speaker .*date, who, text"),
        ("date,from,text\n", {"speaker": "whom"}, "no column 'whom'; it has: date, from, text"),
        ("date,from,text\n", {"colour": "text"}, "no role 'colour'.*at, speaker, text"),
        ('date,from,text\n1,2,"' + "\n" * 20_000, {}, "never closed"),
        ("date,from,text\n1,2," + "x" * 2_000_000, {}, "never ends"),
    ],
)
def test_what_is_wrong_gets_a_sentence(
    tmp_path: Path, text: str, columns: dict[str, str], sentence: str
) -> None:
    with pytest.raises(AdaptersError, match=sentence):
        told("generic", folder(tmp_path, {"a.csv": text}), columns=columns)


def test_something_else_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(AdaptersError, match="holds no table"):
        told("generic", folder(tmp_path, {"a.pdf": "hi"}))
