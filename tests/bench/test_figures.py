"""What the benches make of measurements: intervals, ratios, gaps that a rollout touches."""

from __future__ import annotations

import random

import pytest

from tests.bench.figures import Interval, difference_ms, ratio
from tests.bench.gaps import Heeded
from tests.inference_server.streams import Heard


@pytest.mark.parametrize(("count", "first"), [(6, 1), (15, 4), (20, 6), (25, 8), (500, 228)])
def test_the_interval_ends_at_the_ranks_that_tables_of_the_sign_test_give(count, first):
    values = list(range(1, count + 1))
    random.Random(1).shuffle(values)
    interval = Interval.of(values)
    assert (interval.low, interval.high) == (first, count + 1 - first)
    assert interval.median == (count + 1) / 2


def test_the_interval_covers_the_true_median_19_times_in_20():
    draw = random.Random(2)
    covered = 0
    for _ in range(2000):
        interval = Interval.of([draw.gauss(1.0, 0.3) for _ in range(24)])
        covered += interval.low <= 1.0 <= interval.high
    assert 0.95 <= covered / 2000 <= 0.99


def test_pairs_are_compared_pair_by_pair():
    slow_and_fast = [100.0, 10.0] * 8
    figure = ratio(
        "x", [0.97 * v for v in slow_and_fast], slow_and_fast, str, "", lambda i: i.low >= 0.98
    )
    assert (figure.compared, figure.interval, figure.met) == ("0.970", "0.970 … 0.970", False)
    late = [v + 0.0004 for v in slow_and_fast]
    figure = difference_ms("x", late, slow_and_fast, "", lambda i: i.median <= 0.5)
    assert (figure.compared, figure.met) == ("+0.40 ms", True)


def test_gaps_are_a_rollout_s_where_they_touch_it_and_steady_elsewhere():
    heeded = Heeded(
        gaps=[(0.0, 0.1), (0.1, 0.3), (0.35, 0.45), (0.5, 0.9), (1.0, 1.1)],
        disturbances=[(0.2, 0.4), (0.6, 0.7), (2.0, 3.0)],
    )
    assert heeded.longest(heeded.disturbances) == pytest.approx([0.2, 0.4, 0.0])
    assert heeded.steady() == pytest.approx([0.1, 0.1])


def test_an_answer_that_broke_off_is_not_taken_for_a_whole_one():
    said = b'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":null}]}\n\n'
    end = b'data: {"choices":[{"delta":{"content":""},"finish_reason":"length"}]}\n\n'
    done = b"data: [DONE]\n\n"
    role = said.replace(b'"content":"Hi"', b'"role":"assistant","content":""')
    half = said.replace(b"Hi", b"")
    pieces = [(1.1, role), (1.2, half), (1.3, said), (1.4, end), (1.4, done)]
    whole = Heard(1.0, 200, "maya@1", pieces)
    assert whole.trouble() is None
    assert whole.full_length()
    assert whole.first_s == pytest.approx(0.2)
    assert whole.spoken_at() == [1.2, 1.3, 1.4]
    for status, pieces in ((200, [said, end]), (200, [said, done]), (500, [said, end, done])):
        broken = Heard(1.0, status, "maya@1", [(1.1, piece) for piece in pieces])
        assert broken.trouble()
