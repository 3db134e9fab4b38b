"""What other parsers' own tests expect of their exports, where those are on this machine."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.errors import BadExport
from adapters.imports.whatsapp import read
from adapters.messages import Message, Options, Tally

VIBRA = "hjbarraza__vibra-plugin/tests/fixtures"
LANGCHAIN = "langchain-ai__langchain-community/libs/community/tests"


def parsed(path: Path) -> tuple[list[Message], Tally]:
    tally = Tally()
    messages = list(read(path, tally, Options()))
    assert sum(tally.bins.values()) == tally.lines
    return messages, tally


@pytest.fixture(scope="module")
def expected(peers: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((peers / "EXPECTED.json").read_text("utf-8"))
    return found


def test_an_ios_group_with_halves_of_the_day(peers: Path, expected: dict[str, Any]) -> None:
    want = expected[f"{VIBRA}/ios-ampm.txt"]
    messages, tally = parsed(peers / VIBRA / "ios-ampm.txt")
    heads = tally.lines - tally.bins["merged"]
    assert (heads, tally.date_order) == (want["n"], want["date_order"])
    assert (tally.bins["media"], tally.edited, tally.bins["deleted"]) == (1, 1, 1)
    # The peer counts what the app says of Carol as hers; we don't.
    assert {m.speaker for m in messages} == set(want["senders_include"]) - {"Carol"}
    assert any(want["multi_line_contains"] in m.text for m in messages)


@pytest.mark.parametrize("name", ["eu-24h.txt", "us-24h.txt"])
def test_both_orders_of_day_and_month(peers: Path, expected: dict[str, Any], name: str) -> None:
    want = expected[f"{VIBRA}/{name}"]
    messages, tally = parsed(peers / VIBRA / name)
    assert len(messages) == want["n"]
    assert tally.date_order == want["date_order"]
    assert messages[0].at.month == want["first_month"]


def test_an_android_group(peers: Path, expected: dict[str, Any]) -> None:
    want = expected[f"{VIBRA}/android.txt"]
    messages, tally = parsed(peers / VIBRA / "android.txt")
    assert len(messages) == want["kinds"]["message"]
    assert sum(m.speaker == "Alice" for m in messages) == want["Alice_messages"]
    assert tally.date_order == want["date_order"]


def test_names_in_every_script(peers: Path, expected: dict[str, Any]) -> None:
    want = expected[f"{VIBRA}/unicode-names.txt"]["senders_include"]
    assert {m.speaker for m in parsed(peers / VIBRA / "unicode-names.txt")[0]} == set(want)


def test_a_group_in_which_nobody_spoke(peers: Path) -> None:
    messages, tally = parsed(peers / VIBRA / "system-only.txt")
    assert (messages, tally.bins["system"]) == ([], 2)


def test_an_empty_export_is_called_empty(peers: Path) -> None:
    with pytest.raises(BadExport, match="is empty"):
        parsed(peers / VIBRA / "empty.txt")


def test_eight_ways_to_write_a_header_in_one_file(peers: Path, expected: dict[str, Any]) -> None:
    want = expected[f"{LANGCHAIN}/examples/whatsapp_chat.txt"]["messages"]
    messages, _ = parsed(peers / LANGCHAIN / "examples" / "whatsapp_chat.txt")
    assert [(m.speaker, m.text) for m in messages] == [
        (name.removeprefix("~ "), text) for name, _, text in want
    ]
    assert [m.at.isoformat() for m in messages] == [
        "2023-05-05T15:48:11", "2021-11-08T09:41:32", "2023-01-23T03:19:00", "2023-01-23T03:22:00",
        "2021-01-24T12:41:03", "2023-05-04T16:13:23", "2022-07-19T23:32:00", "2022-07-20T11:32:00",
    ]  # fmt: skip


def test_direction_marks_before_the_header_and_the_media(
    peers: Path, expected: dict[str, Any]
) -> None:
    name = f"{LANGCHAIN}/unit_tests/chat_loaders/data/whatsapp_chat.txt"
    want = expected[name]
    messages, tally = parsed(peers / name)
    assert tally.lines == want["n_headers"]
    assert sorted({m.speaker for m in messages}) == want["authors"]
    assert messages[0].text == want["first_kept_message"]
    assert (tally.bins["media"], tally.bins["system"]) == (3, 1)


def test_one_chat_in_five_formats_is_one_chat(peers: Path) -> None:
    folder = peers / "joweich__chat-miner" / "test" / "whatsapp"
    target = json.loads((folder / "target.json").read_text("utf-8"))
    want = [(row["timestamp"], row["author"], row["message"]) for row in reversed(target)]
    files = sorted(folder.glob("*.txt"))
    assert len(files) == 5
    for file in files:
        messages = [
            (m.at.isoformat(), m.speaker, m.text.replace("\n", " ")) for m in parsed(file)[0]
        ]
        assert messages == want, file.name


def test_long_chats_are_read_whole(peers: Path) -> None:
    chats = peers / "lucasrodes__whatstk" / "chats" / "whatsapp"
    assert len(parsed(chats / "lorem-2000.txt")[0]) == 2000
    assert len(parsed(chats / "lorem.txt")[0]) == 500


def test_a_group_that_speaks_in_its_own_name_is_a_system_line(
    peers: Path, expected: dict[str, Any]
) -> None:
    name = "lucasrodes__whatstk/chats/whatsapp/pokemon.txt"
    speakers = {m.speaker for m in parsed(peers / name)[0]}
    assert expected[name]["system_author"] not in speakers
    assert "Wobbuffet" in speakers


def test_every_header_format_that_a_peer_claims(peers: Path, tmp_path: Path) -> None:
    assets = peers / "lucasrodes__whatstk" / "whatstk" / "whatsapp" / "assets"
    formats = json.loads((assets / "header_format_support.json").read_text("utf-8"))
    moments = [datetime(2019 + n // 6, 1 + n % 6 * 2, 9 + n, n, n, n) for n in range(18)]
    for row in formats:
        layout = row["format"]
        lines = [moment.strftime(layout.replace("%name", "Ann Lee")) + " hi" for moment in moments]
        path = tmp_path / "chat.txt"
        path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        exact = "%S" in layout
        want = [moment if exact else moment.replace(second=0) for moment in moments]
        messages, _ = parsed(path)
        assert [(m.at, m.speaker, m.text) for m in messages] == [
            (at, "Ann Lee", "hi") for at in want
        ], layout


def test_twelve_more_formats_with_their_times(peers: Path, tmp_path: Path) -> None:
    peer = json.loads(
        (peers / "Pustur__whatsapp-chat-parser" / "formats_expected.json").read_text("utf-8")
    )
    for row in peer["formats"]:
        path = tmp_path / "chat.txt"
        path.write_text(row["line"], "utf-8")
        messages, _ = parsed(path)
        when = datetime.fromisoformat(row["utc_if_local_is_utc"]).replace(tzinfo=None)
        assert messages == [Message(when, row["author"], row["message"])], row["line"]


def test_attachments_pasted_dates_and_empty_messages(peers: Path, tmp_path: Path) -> None:
    peer = json.loads(
        (peers / "Pustur__whatsapp-chat-parser" / "formats_expected.json").read_text("utf-8")
    )
    path = tmp_path / "chat.txt"
    captions = []
    for row in peer["attachments"]:
        path.write_text(row["line"], "utf-8")
        messages, tally = parsed(path)
        assert tally.bins["media"] == 1, row["line"]
        captions += [m.text for m in messages]
    assert captions == ["Dir auch frohe Ostern."]
    path.write_text("\n".join(peer["multiline"]["lines"]), "utf-8")
    assert [m.text for m in parsed(path)[0]] == [peer["multiline"]["expected_body"]]
    path.write_text(peer["empty_message_not_system"], "utf-8")
    assert [(m.speaker, m.text) for m in parsed(path)[0]] == [("Luke", "")]
    path.write_text(peer["issue_237"]["text"], "utf-8")
    assert [m.at.month for m in parsed(path)[0]] == [12, 1]


def test_day_and_month_by_the_peers_rules(peers: Path, tmp_path: Path) -> None:
    rules = json.loads(
        (peers / "Pustur__whatsapp-chat-parser" / "formats_expected.json").read_text("utf-8")
    )["date_order_rules"]
    path = tmp_path / "chat.txt"
    for name, order in (("above12_dayfirst", "dmy"), ("above12_monthfirst", "mdy")):
        path.write_text("".join(f"{a}/{b}/{c}, 10:00 - a: m\n" for a, b, c in rules[name]), "utf-8")
        assert parsed(path)[1].date_order == order
