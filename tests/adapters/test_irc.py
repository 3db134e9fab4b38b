"""IRC logs: each client's lines, days from headers and file names, and what nobody said."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from adapters.errors import BadExport
from tests.adapters.exports import bins, folder, said, told, zipped

WEECHAT = """\
2024-05-01 12:00:00\t-->\ttom (~tom@host) has joined #tea
2024-05-01 12:00:01\t@tom\thi <b>all</b>: \x02bold\x02 \x0304,02red\x03
2024-05-01 12:00:02\t *\tmaya waves
2024-05-01 12:00:03\t--\tMode #tea [+o maya]
2024-05-01 12:00:04\tmaya\ta\tb
"""
IRSSI = """\
--- Log opened Wed May 01 23:59:00 2024
23:59 -!- tom [~tom@host] has joined #tea
23:59 <@tom> hi <b>all</b>: bold red
--- Day changed Thu May 02 2024
00:01  * maya waves
00:02 < maya> a\tb
"""
ZNC = """\
[12:00:00] *** Joins: tom (~tom@host)
[12:00:01] <tom> hi <b>all</b>: bold red
[12:00:02] * maya waves
[12:00:03] -server- notice
[12:00:04] <maya> a\tb
"""
HEXCHAT = """\
**** BEGIN LOGGING AT Tue Dec 31 23:58:00 2024

Dec 31 23:58:01 *\tNow talking on #tea
Dec 31 23:59:01 <tom>\thi <b>all</b>: bold red
Jan 01 00:00:01 *  maya waves
Jan 01 00:00:02 <maya>\ta\tb
"""
BOT = """\
2024-05-01T12:00:00  *** tom has joined #tea
2024-05-01T12:00:01  <tom> hi <b>all</b>: bold red
2024-05-01T12:00:02  * maya waves
2024-05-01T12:00:04  <maya> a\tb
"""
UBUNTU = """\
=== ann is now known as guest
[12:00] <tom> hi <b>all</b>: bold red
[12:01]  * maya waves
[12:02] < @maya > a\tb
"""
DIRCPROXY = """\
[01 May 12:00] --> tom (n=tom@host) joined the channel
[01 May 12:01] <tom!n=tom@host> +hi <b>all</b>: bold red
[01 May 12:02] * maya!~m@host waves
[01 May 12:03] <maya!~m@host> -a\tb
"""
MIRC = """\
Session Start: Wed May 01 23:58:00 2024
Session Ident: #tea
[23:58] * Now talking in #tea
[23:59] <@tom> hi <b>all</b>: bold red
Session Time: Thu May 02 00:00:00 2024
[00:01] * maya waves
[00:02] <maya> a\tb
Session Close: Thu May 02 00:03:00 2024
"""
SAID = [("tom", "hi <b>all</b>: bold red"), ("maya", "*waves*"), ("maya", "a\tb")]


@pytest.mark.parametrize(
    ("name", "log", "last", "system"),
    [
        ("irc.libera.#tea.weechatlog", WEECHAT, datetime(2024, 5, 1, 12, 0, 4), 2),
        ("#tea.log", IRSSI, datetime(2024, 5, 2, 0, 2), 3),
        ("#tea/2024-05-01.log", ZNC, datetime(2024, 5, 1, 12, 0, 4), 2),
        ("#tea_20240501.log", ZNC, datetime(2024, 5, 1, 12, 0, 4), 2),
        ("#tea.log", HEXCHAT, datetime(2025, 1, 1, 0, 0, 2), 3),
        ("#tea.log", BOT, datetime(2024, 5, 1, 12, 0, 4), 1),
        ("#tea.log", MIRC, datetime(2024, 5, 2, 0, 2), 5),
        ("2024/05/01/#tea.txt", UBUNTU, datetime(2024, 5, 1, 12, 2), 1),
        ("2024-05-01-tea.log", DIRCPROXY, datetime(2024, 5, 1, 12, 3), 1),
    ],
)
def test_each_clients_log(tmp_path: Path, name: str, log: str, last: datetime, system: int) -> None:
    for path in (folder(tmp_path / "x", {name: log}), zipped(tmp_path / "x.zip", {name: log})):
        messages, tally = told("irc", path)
        assert said(messages) == SAID
        assert messages[-1].at == last
        assert bins(tally) == {"kept": 3, "system": system}


def test_channels_are_conversations_and_days_in_order(tmp_path: Path) -> None:
    line = "[12:00:00] <tom> {}\n"
    files = {
        "#tea/2024-05-02.log": line.format("b"),
        "#tea/2024-05-01.log": line.format("a"),
        "#all/2024-05-01.log": line.format("z"),
    }
    messages, _ = told("irc", folder(tmp_path, files))
    assert [(m.conversation, m.text) for m in messages] == [
        ("#all", "z"), ("#tea", "a"), ("#tea", "b"),
    ]  # fmt: skip


def test_lines_that_nobody_understands_are_named(tmp_path: Path) -> None:
    log = WEECHAT + "what is this\n\n2024-99-01 12:00:00\ttom\t?\n"
    messages, tally = told("irc", folder(tmp_path, {"a.weechatlog": log}))
    assert len(messages) == 3
    assert tally.unparsed_samples == [(6, "what is this"), (8, "2024-99-01 12:00:00\ttom\t?")]


def test_times_without_a_day_are_no_log(tmp_path: Path) -> None:
    with pytest.raises(BadExport, match="holds no IRC log"):
        told("irc", folder(tmp_path, {"tea.log": ZNC}))
