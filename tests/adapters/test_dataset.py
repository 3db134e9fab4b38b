"""Sessions, windows, the split by time and what is cleaned away."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from adapters.dataset.building import Voice, build
from adapters.dataset.clean import cleaned
from adapters.dataset.conversations import sessions, split, windows
from adapters.manifest import PromptFormat
from adapters.messages import Message

START = datetime(2020, 1, 1, 10)
VOICE = Voice("Maya", frozenset({"Maya"}), "You are Maya.", PromptFormat())


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


def cut(script: str, window_messages: int = 16) -> list[str]:
    found = windows(sessions(chat(script)), VOICE.speaks, window_messages)
    return ["".join(message.speaker[0] for message in window) for window in found]


def test_six_hours_of_silence_end_a_session() -> None:
    assert [len(s) for s in sessions(chat("TM TM", gap_hours=6.1))] == [2, 2]
    assert [len(s) for s in sessions(chat("TM TM", gap_hours=5.9))] == [4]


def test_sessions_are_sorted_and_a_clock_set_back_tears_nothing() -> None:
    late, early = (
        chat("TMT"),
        [Message(m.at - timedelta(days=9), m.speaker, m.text) for m in chat("IM")],
    )
    hour_back = [Message(late[-1].at - timedelta(hours=1), "Maya", "after the clock went back")]
    ordered = sessions([*late, *hour_back, *early])
    assert [[m.text for m in session] for session in ordered] == [
        ["I0", "M1"],
        ["T0", "M1", "T2", "after the clock went back"],
    ]


def test_every_line_of_the_persona_is_in_exactly_one_window() -> None:
    script = "TMMTMTTTMMMM TTMITM MMTMT TMTMTMTMTMTMTMTMTMTMTMTMTM TTT"
    for size in (1, 2, 3, 5, 16):
        found = list(windows(sessions(chat(script)), VOICE.speaks, size))
        spoken = Counter(m.text for window in found for m in window if m.speaker == "Maya")
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
    built = build(chat("MMTM TM TM"), VOICE)
    assert built.cleaned["nobody had spoken before"] == 2
    assert built.train.messages + built.held_out.messages == 3


def test_a_long_answer_keeps_the_word_it_answers() -> None:
    assert cut("TTTTMMMMMM", window_messages=4) == ["TMMMMMM"]


def test_the_latest_tenth_is_held_out_and_no_session_is_on_both_sides() -> None:
    talked = sessions(chat(" ".join(["TMTM"] * 40)))
    early, late = split(talked, VOICE.speaks)
    assert (len(early), len(late)) == (36, 4)
    assert early[-1][-1].at < late[0][0].at


def test_a_single_session_is_all_to_learn_from() -> None:
    early, late = split(sessions(chat("TMTM")), VOICE.speaks)
    assert (len(early), late) == (1, [])


def test_cleaning_is_counted_by_rule() -> None:
    texts = ["https://a.example/x", "see www.b.example", "x" * 1001, " ", "fine", "www.c.example "]
    dropped: Counter[str] = Counter()
    kept = list(cleaned((Message(START, "Tom", text) for text in texts), dropped))
    assert [m.text for m in kept] == ["see www.b.example", "fine"]
    assert dropped == {"links only": 2, "over-long paste": 1, "empty": 1}


def test_a_row_that_was_there_before_is_dropped() -> None:
    again = [
        Message(START + timedelta(days=day, minutes=n), speaker, text)
        for day in range(4)
        for n, (speaker, text) in enumerate([("Tom", "how are you"), ("Maya", f"fine {day // 2}")])
    ]
    built = build(again, VOICE)
    assert built.cleaned["duplicate rows"] == 2
    assert len(built.train.rows) + len(built.held_out.rows) == 2


def test_rows_are_chat_messages_with_their_time() -> None:
    assert build(chat("TTMM"), VOICE).train.rows == [
        {
            "messages": [
                {"role": "system", "content": "You are Maya."},
                {"role": "user", "content": "Tom: T0\nTom: T1"},
                {"role": "assistant", "content": "M2\nM3"},
            ],
            "at": "2020-01-01T10:01:00",
        }
    ]
