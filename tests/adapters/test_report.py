"""The figures of a report: what they count, and that they take no room."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dataset.doubles import Said
from adapters.dataset.figures import Counting, Figures, Quartiles, periods, quartiles
from adapters.dataset.scratch import Session
from adapters.dataset.vocabulary import Listening, characteristic, emoji, words
from tests.adapters.groups import group, imported

Export = Callable[..., Path]
CHAT = (
    "01/03/2020, 10:00 - Tom: hi",
    "01/03/2020, 10:00 - Tom: you there?",
    "01/03/2020, 10:03 - Maya: yes",
    "01/03/2020, 10:04 - Maya: had tea",
    "01/03/2020, 11:59 - Tom: ok",
    "01/03/2020, 12:01 - Maya: 🧡🧡 lovely",
    "02/03/2020, 09:00 - Tom: morning",
    "02/03/2020, 09:00 - Maya: morning",
)


def figures(export: Export, home: Path, *lines: str, **options: object) -> Figures:
    found = imported(export(*lines), home, date_order="dmy", **options).figures
    assert found
    return found


def at(*hours: int) -> tuple[int, ...]:
    return tuple(hours.count(hour) for hour in range(24))


def test_a_small_chat_is_counted_by_hand(export: Export, tmp_path: Path) -> None:
    found = figures(export, tmp_path, *CHAT, private_kinds=(), others="pseudonym")
    assert (found.unit, found.periods) == ("day", ("2020-03-01", "2020-03-02"))
    assert (found.over_time.persona, found.over_time.others) == ((3, 1), (3, 1))
    assert found.held_out_from == 1
    assert not found.utc
    assert found.hours.persona == at(9, 10, 10, 12)
    assert found.hours.others == at(9, 10, 10, 11)
    assert found.lengths.persona == (1, 3, 0, 0, 0, 0, 0)
    assert found.lengths.persona_quartiles == Quartiles(lower=3, median=7, upper=7)
    assert found.lengths.others_quartiles == Quartiles(lower=2, median=2, upper=7)
    assert found.bursts.persona == found.bursts.others == (2, 1, 0, 0, 0, 0, 0)
    assert found.delays.persona == (1, 0, 2, 0, 0, 0, 0, 0)
    assert found.delays.persona_quartiles == Quartiles(lower=0, median=120, upper=180)
    assert [messages for _, messages in found.people] == [4]
    assert found.vocabulary
    assert found.vocabulary.emoji == (("🧡", 2),)
    assert not found.vocabulary.sampled


def test_a_persona_of_two_names_is_one_speaker_and_the_others_are_several(
    export: Export, tmp_path: Path
) -> None:
    said = ("Ines", "Tom", "Maya", "Maya 2", "Maya")
    lines = [f"01/03/2020, 10:0{n} - {who}: number {n}" for n, who in enumerate(said)]
    from adapters.imports import import_chat

    report = import_chat("whatsapp", export(*lines), "maya", ["Maya", "Maya 2"], tmp_path)
    assert report.figures
    assert report.figures.bursts.persona == (0, 0, 1, 0, 0, 0, 0)
    assert report.figures.bursts.others == (2, 0, 0, 0, 0, 0, 0)
    assert report.figures.delays.persona_quartiles == Quartiles(lower=60, median=60, upper=60)


def test_silence_and_clocks_set_back_make_no_delays() -> None:
    start = 1_600_000_000
    told = [(start, 0, "a", ""), (start - 60, 1, "b", "")]
    counting = Counting({1}, moments(start - 60, start), None)
    assert list(counting.passing(Session(0, False, iter(told))).said) == told
    other_day = [(start + 90_000, 1, "c", "")]
    assert list(counting.passing(Session(0, False, iter(other_day))).said) == other_day
    found = counting.figures(["Tom", "Maya"])
    assert found.delays.persona_quartiles is None
    assert found.bursts.persona == (2, 0, 0, 0, 0, 0, 0)
    assert found.utc


def moments(*seconds: int) -> tuple[datetime, datetime]:
    first, last = (datetime.fromtimestamp(second, UTC) for second in seconds)
    return first, last


def test_figures_take_no_more_room_for_more_messages() -> None:
    def peak(messages: int) -> int:
        def told() -> Iterator[Said]:  # one session that never ends, of 50 people
            for n in range(messages):
                yield 1_000_000_000 + 900 * n, n * 7 % 50, "x" * (n % 1_500), ""

        span = moments(1_000_000_000, 1_000_000_000 + 900 * messages)
        tracemalloc.start()
        counting = Counting({0}, span, None)
        assert sum(1 for _ in counting.passing(Session(0, False, told())).said) == messages
        assert sum(counting.figures([str(n) for n in range(50)]).hours.others) > messages * 0.9
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    small = peak(30_000)
    assert peak(120_000) < small + 100_000


@pytest.mark.parametrize(
    ("days", "unit"),
    [(0, "day"), (59, "day"), (60, "week"), (419, "week"), (420, "month"), (1_799, "month"),
     (1_800, "quarter"), (5_399, "quarter"), (5_400, "year"), (40_000, "2 years")],
)  # fmt: skip
def test_the_unit_fits_the_time(days: int, unit: str) -> None:
    first = datetime(2001, 5, 17, 13)
    assert periods(first, first + timedelta(days=days))[0] == unit


@given(st.datetimes(), st.datetimes())
def test_every_moment_is_in_a_period_and_there_are_few(one: datetime, other: datetime) -> None:
    first, last = sorted((one, other))
    _, begins = periods(first, last)
    assert begins == sorted(set(begins))
    assert begins[0] <= first
    assert begins[-1] <= last
    assert len(begins) <= 62


def test_quartiles_are_sizes_that_occurred() -> None:
    assert quartiles([0, 0, 3, 0, 1]) == Quartiles(lower=2, median=2, upper=2)
    assert quartiles([0, 0]) is None


def test_emoji_are_counted_as_people_see_them() -> None:
    shown = [
        "👨‍👩‍👧‍👦",
        "👍🏽",
        "🇩🇪",
        "🇫🇷",
        "1️⃣",
        "❤️",
        "❤️‍🔥",
        "👩🏽‍💻",
        "🏳️‍🌈",
        "🤷‍♂️",
        "☝🏿",
        "😀",
        "😀",
    ]
    assert emoji(f"a{''.join(shown)} 2 # © ok") == shown


def test_words_are_those_of_every_script() -> None:
    assert words("Don't https://x.example/abc naïve हिन्दी Привет 한국어 שלום l’eau 2x") == [
        "don't", "naïve", "हिन्दी", "привет", "한국어", "שלום", "l’eau", "x",
    ]  # fmt: skip
    assert words("我们吃饭 ok") == ["ok", "我们", "们吃", "吃饭"]


def test_words_are_characteristic_by_evidence_and_not_by_chance() -> None:
    persona = Counter({"the": 500, "sooo": 60, "lol": 20, "kettle": 4})
    others = Counter({"the": 500, "indeed": 60, "lol": 2})
    assert characteristic(persona, others) == ["sooo", "lol"]
    assert characteristic(persona, Counter()) == []


def test_vocabulary_says_how_often_among_a_thousand_words() -> None:
    listening = Listening()
    for _ in range(40):
        listening.persona("sooo good 🧡")
        listening.others("indeed good")
    found = listening.vocabulary(sampled=True)
    assert [(word.word, word.persona, word.others) for word in found.words] == [("sooo", 500, 0)]
    assert found.emoji == (("🧡", 40),)


def test_only_names_that_the_rows_show_are_listed(export: Export, tmp_path: Path) -> None:
    report = imported(export(*group()), tmp_path)
    assert report.figures
    shown = {person.shown for person in report.people or () if person.role == "third party"}
    assert {name for name, _ in report.figures.people} == shown
    assert not shown & {"Tom", "Ines"}
