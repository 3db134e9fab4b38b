"""What other parsers' own tests expect holds here, or the disagreement is named and argued.

An expectation that fails and is not in the table fails the test; so does one of the table that
holds.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.adapters.conftest import SHARED
from tests.adapters.expectations import Case, cases, files, refused


class Disagreement(NamedTuple):
    which: str
    """The names of the cases, as a pattern."""
    peer: str
    we: str
    because: str


DISAGREEMENTS = (
    Disagreement(
        r"whatsapp/test_.* (?:2021-12-30|2019-01-30)T.*", "line breaks become spaces",
        "they stay", "a persona learns where its person breaks lines",
    ),
    Disagreement(
        r"(?:whatsapp|instagram)/test_.* order", "newest first", "oldest first",
        "an answer follows what it answers",
    ),
    Disagreement(
        r"chatExample last_message", "ends in a line break", "does not",
        "it is the last line's own end, not a part of the message",
    ),
    Disagreement(
        r".*/whatsapp_chat\.txt messages [45]", "the speaker is '~ User 2'", "'User 2'",
        "the tilde is WhatsApp's mark of who is not among the contacts; saved later, "
        "the same person has none",
    ),
    Disagreement(
        r".*/ios-ampm\.txt senders_include Carol", "Carol speaks", "she does not",
        "all that stands under her name is that she joined, which the app says",
    ),
    Disagreement(
        r".*/(?:ios-ampm|system-only)\.txt group_name", "the first line's name is the group's",
        "an iPhone's export names no group",
        "between two people the first line has the other one's name, which looks the same",
    ),
    Disagreement(
        r".*/empty\.txt n", "no message", "refused: it is empty",
        "who exported nothing should hear it at once",
    ),
)  # fmt: skip
CASES = [case for file in files(SHARED) for case in cases(file)] if SHARED.is_dir() else []
ABSENT = pytest.param(None, marks=pytest.mark.skip("other people's exports are not here"))


def argued(name: str) -> list[Disagreement]:
    return [one for one in DISAGREEMENTS if re.fullmatch(one.which, name)]


@pytest.mark.parametrize("case", CASES or [ABSENT], ids=lambda case: case.name if case else "")
def test_an_expectation_holds_or_the_disagreement_is_argued(case: Case, tmp_path: Path) -> None:
    found = refused(case, tmp_path)
    if argued(case.name):
        assert found != case.wanted, "this holds by now: take it out of the table"
    else:
        assert found == case.wanted


@pytest.mark.parametrize("one", DISAGREEMENTS, ids=lambda one: one.which)
def test_every_disagreement_is_about_something(one: Disagreement, shared: Path) -> None:
    assert any(re.fullmatch(one.which, case.name) for case in CASES)
    assert one.peer != one.we
    assert one.because


def test_no_two_expectations_share_a_name(shared: Path) -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names) > 300
