"""Sessions, windows, the split by time and rows, from messages that wait on disk."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from adapters.dataset import building
from adapters.dataset.building import Built, Voice
from adapters.dataset.clean import Cleaning
from adapters.dataset.conversations import HELD_OUT_SHARE, windows
from adapters.dataset.scratch import MAX_OPEN, PIECE, Scratch, scratch
from adapters.dataset.store import HELD_OUT, TRAIN, Row, Rows
from adapters.errors import NotWritable
from adapters.manifest import PromptFormat
from adapters.messages import Message
from adapters.privacy import Privacy

START = datetime(2020, 1, 1, 10)


def chat(script: str, gap_hours: float = 24) -> list[Message]:
    """ "TMM TM": T and M speak by minutes, a space is a silence; every text is its own."""
    messages, at = [], START
    for number, letter in enumerate(script):
        if letter == " ":
            at += timedelta(hours=gap_hours)
            continue
        at += timedelta(minutes=1)
        speaker = {"T": "Tom", "M": "Maya", "I": "Ines"}[letter]
        messages.append(Message(at, speaker, f"{letter}{number}"))
    return messages


@contextmanager
def stored(messages: Iterable[Message]) -> Iterator[Scratch]:
    with TemporaryDirectory() as home, scratch(Path(home)) as found:
        found.take((found.number(message), message) for message in messages)
        yield found


def persona(found: Scratch) -> frozenset[int]:
    return frozenset(n for n, speaker in enumerate(found.speakers) if speaker.name == "Maya")


def sessions(messages: Iterable[Message]) -> list[list[str]]:
    with stored(messages) as found:
        found.arrange(persona(found))
        return [[text for _, _, text, _ in session.said] for session in found.sessions()]


def held_out(messages: Iterable[Message]) -> list[bool]:
    with stored(messages) as found:
        found.arrange(persona(found))
        late = found.held_out_from(HELD_OUT_SHARE)
        return [session.held_out for session in found.sessions(late)]


def texts(script: str, size: int) -> list[list[str]]:
    with stored(chat(script)) as found:
        found.arrange(persona(found))
        made = windows(found.sessions(), persona(found), size, Counter())
        return [[text for _, _, text, _ in window.said] for window in made]


def cut(script: str, window_messages: int = 16) -> list[str]:
    return ["".join(text[0] for text in window) for window in texts(script, window_messages)]


@dataclass
class Made:
    train: list[Row]
    held_out: list[Row]
    built: Built
    dropped: Counter[str]


def build(messages: Iterable[Message]) -> Made:
    cleaning = Cleaning()
    with stored(messages) as found, TemporaryDirectory() as folder:
        rows = Rows(Path(folder))
        voice = Voice("Maya", persona(found), "You are Maya.", PromptFormat())
        built = building.build(found, voice, rows, cleaning, Privacy(()))
        rows.digest()
        read = [
            [json.loads(line) for line in (Path(folder) / name).read_text("utf-8").splitlines()]
            for name in (TRAIN, HELD_OUT)
        ]
    return Made(*read, built, cleaning.dropped)


def test_six_hours_of_silence_end_a_session() -> None:
    assert [len(s) for s in sessions(chat("TM TM", gap_hours=6.1))] == [2, 2]
    assert [len(s) for s in sessions(chat("TM TM", gap_hours=5.9))] == [4]


def test_sessions_are_sorted_and_a_clock_set_back_tears_nothing() -> None:
    late, early = (
        chat("TMT"),
        [Message(m.at - timedelta(days=9), m.speaker, m.text) for m in chat("IM")],
    )
    hour_back = [Message(late[-1].at - timedelta(hours=1), "Maya", "after the clock went back")]
    assert sessions([*late, *hour_back, *early]) == [
        ["I0", "M1"],
        ["T0", "M1", "T2", "after the clock went back"],
    ]


def test_a_late_line_leaves_the_session_around_it_whole() -> None:
    talked = chat("TMTMT")
    late = Message(START - timedelta(days=2), "Tom", "late")
    assert sessions([*talked[:2], late, *talked[2:]]) == [
        ["late"],
        ["T0", "M1", "T2", "M3", "T4"],
    ]


def test_an_export_with_the_newest_first_is_turned_round() -> None:
    assert sessions(chat("TM TMT")[::-1]) == [["T0", "M1"], ["T3", "M4", "T5"]]


def test_exports_that_overlap_are_joined_without_their_doubles() -> None:
    whole = chat("TMTM TMT MTM", gap_hours=30)
    doubled = [Message(whole[4].at, "Tom", whole[4].text)]  # said twice in one minute: twice
    first, second = [*whole[:5], *doubled, *whole[5:7]], [*whole[2:5], *doubled, *whole[5:]]
    for joined in ([*first, *second], [*second, *first]):
        assert sessions(joined) == [
            ["T0", "M1", "T2", "M3"],
            ["T5", "T5", "M6", "T7"],
            ["M9", "T10", "M11"],
        ]


def test_the_same_word_often_in_one_minute_is_no_double() -> None:
    later = Message(START + timedelta(hours=3), "Maya", "later")
    many = [Message(START, "Tom", "ha")] * 3 * PIECE
    assert sessions([*many, later, *many]) == [["ha"] * 3 * PIECE + ["later"]]


def test_an_id_tells_a_double_from_an_edit() -> None:
    said = [m._replace(id=str(n)) for n, m in enumerate(chat("TM TM", gap_hours=30))]
    edited = said[3]._replace(text="edited later")
    assert sessions([*said, *said[:3], edited]) == [["T0", "M1"], ["T3", "M4"]]


def test_chats_are_kept_apart_even_if_they_happen_at_once() -> None:
    one = [m._replace(conversation="one") for m in chat("TMTM")]
    two = [m._replace(conversation="two") for m in chat("IMIM")]
    mixed = [message for pair in zip(one, two, strict=True) for message in pair]
    assert sessions(mixed) == [["T0", "M1", "T2", "M3"], ["I0", "M1", "I2", "M3"]]


def test_more_chats_than_stay_in_memory_lose_nothing() -> None:
    places = [f"chat {n}" for n in range(MAX_OPEN * 2)]
    mixed = [m._replace(conversation=place) for m in chat("TMTM") for place in places]
    assert sessions(mixed) == [["T0", "M1", "T2", "M3"]] * len(places)


def test_times_with_a_zone_are_compared_as_moments() -> None:
    east, west = timezone(timedelta(hours=9)), timezone(timedelta(hours=-8))
    said = [
        Message(datetime(2020, 1, 1, 18, 1, tzinfo=east), "Tom", "first"),
        Message(datetime(2020, 1, 1, 1, 2, tzinfo=west), "Maya", "a minute later"),
    ]
    made = build(said)
    assert made.train[0]["at"] == "2020-01-01T09:01:00+00:00"
    assert made.built.sessions == 1


def test_a_disk_that_fills_up_gets_a_sentence(tmp_path: Path) -> None:
    def fill() -> None:
        with scratch(tmp_path / "home") as found:
            found._database.execute("PRAGMA max_page_count = 20")
            many = chat("TM " * 5000, gap_hours=30)
            found.take((found.number(message), message) for message in many)

    with pytest.raises(NotWritable, match="free some space"):
        fill()
    assert not (tmp_path / "home").exists()


def test_half_an_emoji_does_not_stop_an_import() -> None:
    said = [m._replace(text=m.text + "\ud83d") for m in chat("TM")]
    assert build(said).train[0]["messages"][2]["content"] == "M1?"


def test_every_line_of_the_persona_is_in_exactly_one_window() -> None:
    script = "TMMTMTTTMMMM TTMITM MMTMT TMTMTMTMTMTMTMTMTMTMTMTMTM TTT"
    for size in (1, 2, 3, 5, 16):
        spoken = Counter(t for window in texts(script, size) for t in window if t[0] == "M")
        assert spoken == Counter(m.text for m in chat(script) if m.speaker == "Maya"), size


def test_windows_begin_with_another_end_with_the_persona_and_keep_their_size() -> None:
    for size in (4, 6, 16):
        for window in cut("TMTTMTMMTITM TMTM" * 5, size):
            assert window[0] != "M"
            assert window[-1] == "M"
            assert len(window) <= size


def test_who_opens_a_session_answers_the_last_words_before_it() -> None:
    assert cut("TMTT MTM") == ["TM", "TTMTM"]


def test_an_opening_before_anybody_spoke_is_left_out_and_counted() -> None:
    made = build(chat("MMTM TM TM"))
    built = made.built
    assert made.dropped["nobody had spoken before"] == 2
    assert built.train.messages + built.held_out.messages == 3


def test_a_long_answer_keeps_the_word_it_answers() -> None:
    assert cut("TTTTMMMMMM", window_messages=4) == ["TMMMMMM"]


def test_the_latest_tenth_is_held_out_and_no_session_is_on_both_sides() -> None:
    assert held_out(chat(" ".join(["TMTM"] * 40))) == [False] * 36 + [True] * 4


def test_a_single_session_is_all_to_learn_from() -> None:
    assert held_out(chat("TMTM")) == [False]


def test_a_row_that_was_there_before_is_dropped() -> None:
    again = [
        Message(START + timedelta(days=day, minutes=n), speaker, text)
        for day in range(4)
        for n, (speaker, text) in enumerate([("Tom", "how are you"), ("Maya", f"fine {day // 2}")])
    ]
    made = build(again)
    assert made.dropped["duplicate rows"] == 2
    assert len(made.train) + len(made.held_out) == 2


def test_rows_are_chat_messages_with_their_time() -> None:
    assert build(chat("TTMM")).train == [
        {
            "messages": [
                {"role": "system", "content": "You are Maya."},
                {"role": "user", "content": "Tom: T0\nTom: T1"},
                {"role": "assistant", "content": "M2\nM3"},
            ],
            "at": "2020-01-01T10:01:00",
            "speakers": {"0": 2, "1": 2},
        }
    ]
