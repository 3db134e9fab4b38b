"""Texts for which a pattern would try every beginning with every end: read or refused, soon."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.errors import BadExport
from adapters.imports.formats import detect
from tests.adapters.exports import bins, folder, told

DAY = "31/12/2023, 21:05 - Tom: "
OPENINGS = 200_000


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "words", ["> <attached:" + " " * 250_000 + "x", "created group “" * 60_000]
)
def test_a_whatsapp_message_that_never_closes_what_it_opens_is_one_message(
    tmp_path: Path, words: str
) -> None:
    (tmp_path / "chat.txt").write_text(f"{DAY}hi\n{DAY}{words}\n{DAY}bye\n")
    messages, tally = told("whatsapp", tmp_path / "chat.txt")
    assert [message.text for message in messages] == ["hi", words, "bye"]
    assert bins(tally) == {"kept": 3}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("format", ["telegram", "imessage"])
def test_a_chat_s_page_full_of_tags_that_never_end_is_refused(tmp_path: Path, format: str) -> None:
    ours = '<div class="page_wrap">imessage-exporter'
    (tmp_path / "messages.html").write_text(f"{ours}\n{'<!--' * OPENINGS}\n")
    with pytest.raises(BadExport, match=r"a tag in messages\.html never ends"):
        told(format, tmp_path)


@pytest.mark.timeout(60)
def test_files_that_are_nearly_slack_s_are_looked_at_in_no_time(tmp_path: Path) -> None:
    nearly = '{"name":' + '"messages":[' * 1_300
    files = {f"{'x' * (1 + n // 20)}{n}.json": nearly for n in range(1, 300)}
    with pytest.raises(BadExport, match="is no export that I know"):
        detect(folder(tmp_path, files))
