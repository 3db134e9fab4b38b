"""What the probe takes for endless repetition, and what it does not."""

from __future__ import annotations

import pytest

from inference_server.probe import repeats_itself
from tests.inference_server.small_engine import GOOD


@pytest.mark.parametrize(
    "text", ["ha" * 40, "so it goes. " * 5, "a\n" * 30, "no, " + "really " * 9]
)
def test_endless_repetition_is_recognised(text):
    assert repeats_itself(text)


@pytest.mark.parametrize(
    "text", ["", "ha ha ha", GOOD.text, "no no no no", "x" * 9, "one two " * 2]
)
def test_ordinary_talk_is_not_taken_for_repetition(text):
    assert not repeats_itself(text)
