"""Our own small exports: every line in one bin, every phone's way of writing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from adapters.dataset.clean import Cleaning
from adapters.errors import BadRequest
from adapters.imports.whatsapp import markers, read
from adapters.messages import Message, Options, Tally

Export = Callable[..., Path]


def parsed(path: Path, **options: str) -> tuple[list[Message], Tally]:
    tally = Tally()
    messages = list(read(path, tally, Options(**options)))
    assert sum(tally.bins.values()) == tally.lines
    return messages, tally


def said(path: Path) -> list[tuple[str, str]]:
    return [(message.speaker, message.text) for message in parsed(path)[0]]


def test_every_kind_of_line_lands_in_its_own_bin(export: Export) -> None:
    path = export(
        "left over from a cut",
        "13/02/2023, 09:00 - Messages and calls are end-to-end encrypted.",
        "13/02/2023, 09:01 - Maya: hello",
        "second line",
        "",
        "13/02/2023, 09:02 - Tom: <Media omitted>",
        "13/02/2023, 09:03 - Tom: You deleted this message",
        "13/02/2023, 09:04 - Maya: fixed it <This message was edited>",
        "13/02/2023, 09:04 - Maya: null",
        "45/45/2023, 09:05 - Tom: no such day",
        "and what follows it",
        "13/02/2023, 09:06 - Missed voice call",
    )
    messages, tally = parsed(path)
    assert [(m.speaker, m.text) for m in messages] == [
        ("Maya", "hello\nsecond line"),
        ("Maya", "fixed it"),
    ]
    assert tally.bins == {
        "kept": 2, "merged": 2, "system": 2, "media": 2, "deleted": 1, "unparsed": 3,
    }  # fmt: skip
    assert tally.edited == 1
    assert [number for number, _ in tally.unparsed_samples] == [1, 10, 11]
    assert tally.unparsed_samples[1][1] == "45/45/2023, 09:05 - Tom: no such day"


@pytest.mark.parametrize(
    "line",
    [
        "13/02/2023, 21:05 - Maya: hi",
        "13/02/23, 9:05\u202fPM - Maya: hi",
        "13/02/23, 9:05\u00a0pm - Maya: hi",
        "13/02/2023, 9:05 p. m. - Maya: hi",
        "2/13/23, 9:05 PM - Maya: hi",
        "[13.02.23, 21:05:00] Maya: hi",
        "\u200e[13/02/2023, 9:05:00\u202fPM] Maya: hi",
        "[2023-02-13, 21:05:00] ~\u202fMaya: hi",
        "\ufeff13/02/2023, 21:05 - Maya: hi",
        "13.2.2023 klo 21.05 - Maya: hi",
        "13/02/2023 às 21:05 - Maya: hi",
        "2023. 2. 13. 오후 9:05 - Maya: hi",
        "[13/02/2023, 21:05:00] \u2068Maya\u2069: hi",
    ],
)
def test_the_header_of_every_phone_is_read(export: Export, line: str) -> None:
    messages, _ = parsed(export(line))
    assert messages == [Message(datetime(2023, 2, 13, 21, 5), "Maya", "hi")]


@pytest.mark.parametrize(
    ("written", "hour"), [("12:30 AM", 0), ("12:30 PM", 12), ("00:30 a. m.", 0), ("1:30 pm", 13)]
)
def test_noon_and_midnight_are_told_apart(export: Export, written: str, hour: int) -> None:
    assert parsed(export(f"13/02/2023, {written} - Maya: hi"))[0][0].at.hour == hour


def test_one_day_above_twelve_decides_the_whole_file(export: Export) -> None:
    messages, tally = parsed(
        export("3/4/2023, 10:00 - Tom: first", "3/14/2023, 10:00 - Tom: decides it")
    )
    assert [m.at.month for m in messages] == [3, 3]
    assert (tally.date_order, tally.date_order_reason) == (
        "mdy",
        "no other order fits as many dates",
    )


def test_the_order_in_which_time_runs_forward_wins(export: Export) -> None:
    _, tally = parsed(
        export(*(f"{day}/{month}/2023, 10:00 - Tom: x" for month in (1, 2, 3) for day in (3, 9)))
    )
    assert tally.date_order == "dmy"
    _, tally = parsed(
        export(*(f"{month}/{day}/2023, 10:00 - Tom: x" for month in (1, 2, 3) for day in (3, 9)))
    )
    assert tally.date_order == "mdy"


def test_what_cannot_be_known_is_called_assumed_and_can_be_said(export: Export) -> None:
    path = export("3/4/2023, 10:00 - Tom: hi")
    messages, tally = parsed(path)
    assert messages[0].at.month == 4
    assert str(tally.date_order_reason).startswith("assumed")
    messages, tally = parsed(path, date_order="mdy")
    assert (messages[0].at.month, tally.date_order_reason) == (3, "as asked")
    with pytest.raises(BadRequest, match="choose one of dmy, mdy"):
        parsed(path, date_order="dd/mm")


def test_windows_line_ends_and_odd_separators_stay_inside_a_message(export: Export) -> None:
    path = export("13/02/2023, 09:00 - Maya: one\u2028still one\x0bhere\r", "two\r")
    messages, tally = parsed(path)
    assert messages[0].text == "one\u2028still one\x0bhere\ntwo"
    assert tally.lines == 2


def test_a_line_that_begins_with_a_date_goes_on_with_the_message(export: Export) -> None:
    path = export(
        "13/02/2023, 09:00 - Maya: the list",
        "2016-04-29 10:30:00",
        "2016-04-29 10:30:00 dentist: bring money",
    )
    assert len(said(path)) == 1


def test_a_pasted_header_of_another_phone_is_rare_and_so_is_text(export: Export) -> None:
    own = [f"13/02/2023, 09:{n % 60:02} - Maya: line {n}" for n in range(150)]
    messages = said(export(*own, "[01/01/2020, 10:00:00] Bob: pasted"))
    assert {speaker for speaker, _ in messages} == {"Maya"}
    assert messages[-1][1] == "line 149\n[01/01/2020, 10:00:00] Bob: pasted"


def test_a_name_with_a_colon_is_learned_from_its_lines(export: Export) -> None:
    path = export(
        *(f"13/02/2023, 09:0{n} - Dr: Who: line: {n}" for n in range(4)),
        "13/02/2023, 09:08 - Maya: note: one",
        "13/02/2023, 09:09 - Maya: another one",
    )
    assert said(path)[0] == ("Dr: Who", "line: 0")
    assert said(path)[-2:] == [("Maya", "note: one"), ("Maya", "another one")]


def test_a_group_title_with_a_colon_is_no_speaker(export: Export) -> None:
    path = export(
        '13/02/2023, 09:00 - Tom changed the subject from "Trip" to "Trip: Rome"',
        "13/02/2023, 09:01 - Tom: there",
    )
    assert said(path) == [("Tom", "there")]


def test_what_ios_says_in_somebodys_name_is_not_theirs(export: Export) -> None:
    path = export(
        "[13/02/2023, 09:00:00] Maya: \u200eMessages and calls are end-to-end encrypted.",
        "[13/02/2023, 09:00:01] Maya: \u200eMissed voice call",
        "[13/02/2023, 09:00:02] ~ Carol: \u200e~ Carol joined from the community",
        "[13/02/2023, 09:00:03] Maya: \u200eimage omitted",
        "[13/02/2023, 09:00:04] Maya: I left my keys",
        "[13/02/2023, 09:00:05] Maya: \u200eHello there",
    )
    messages, tally = parsed(path)
    assert [m.text for m in messages] == ["I left my keys", "Hello there"]
    assert (tally.bins["system"], tally.bins["media"]) == (3, 1)


@pytest.mark.parametrize(
    ("lines", "caption"),
    [
        (["look at this \u200eimage omitted"], "look at this"),
        (["IMG-20210428-WA0001.jpg (file attached)", "our cat"], "our cat"),
        (["\u200e<attached: 00000042-PHOTO-2020-06-07-15-13-20.jpg>"], None),
        (["paper.pdf (file attached)", "paper"], None),
        (["paper • \u200e2 pages \u200edocument omitted"], None),
        (["<Médias omis>"], None),
        (["\u200ePOLL:", "Where?", "\u200eOPTION: Rome (3 votes)"], None),
        (["location: https://maps.google.com/?q=55.9,-3.2"], None),
    ],
)
def test_only_the_caption_of_a_medium_is_a_message(
    export: Export, lines: list[str], caption: str | None
) -> None:
    messages, tally = parsed(export(f"13/02/2023, 09:00 - Maya: {lines[0]}", *lines[1:]))
    assert [m.text for m in messages] == ([caption] if caption else [])
    assert tally.bins["media"] >= 1
    assert tally.captions == bool(caption)


@pytest.mark.parametrize("words", [*markers.DELETIONS, *markers.OMISSIONS_IOS, "ENCUESTA:", "null"])
def test_the_apps_own_words_are_noticed_on_lines_that_are_read_fast(
    export: Export, words: str
) -> None:
    path = export(
        "13/02/2023, 09:00 - Tom: before",
        f"13/02/2023, 09:01 - Maya: {words}",
        "13/02/2023, 09:02 - Tom: after",
    )
    assert said(path) == [("Tom", "before"), ("Tom", "after")]


def test_several_ways_to_write_a_header_share_a_file(export: Export) -> None:
    usual = [f"[13/02/2023, 09:0{n}:00] Maya: m{n}" for n in range(5)]
    path = export(
        *usual,
        "\u200e[13/02/2023, 09:06:00] Tom: marked",
        "[13/02/2023, 9:07:00\u202fPM] Tom: half",
        "[13/02/23, 09:08:00] Tom: short",
        "[14/02/2023, 09:09:00] Tom: usual again",
    )
    assert said(path)[5:] == [
        ("Tom", "marked"), ("Tom", "half"), ("Tom", "short"), ("Tom", "usual again"),
    ]  # fmt: skip
    assert parsed(path)[0][6].at == datetime(2023, 2, 13, 21, 7)


def test_a_minute_of_one_digit_is_no_header(export: Export) -> None:
    path = export("13/02/2023, 09:00 - Maya: one", "13/02/2023, 09:1 - Maya: two")
    assert said(path) == [("Maya", "one\n13/02/2023, 09:1 - Maya: two")]


def test_a_message_that_never_ends_is_counted_and_cut(export: Export) -> None:
    path = export("13/02/2023, 09:00 - Maya: one", *["more"] * 100_000)
    messages, tally = parsed(path)
    assert tally.bins["merged"] == 100_000
    assert len(messages[0].text) < 300_000


def test_an_edit_is_taken_off_the_last_line(export: Export) -> None:
    path = export("13/02/2023, 09:00 - Maya: one", "two \u200e<This message was edited>")
    assert said(path) == [("Maya", "one\ntwo")]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("piece", ["a.b (", "www.", " ", "<", "12:00 ", "x: ", "\u200e"])
def test_no_message_takes_long_to_read(export: Export, piece: str) -> None:
    text = piece * (65_000 // len(piece)) + ")>"
    messages, _ = parsed(export(f"13/02/2023, 09:00 - Maya: {text}", text))
    assert len(messages) == 1
    cleaned = Cleaning().cleaned((0, message) for message in messages)
    assert all(len(message.text) <= 1000 for _, message in cleaned)
