"""Writing that is made to fill memory or time: a sentence or a report, soon."""

from __future__ import annotations

import tracemalloc
from itertools import repeat
from pathlib import Path

import pytest

from adapters.imports.writing import feeds
from tests.adapters.exports import told


def test_a_page_that_its_parser_gives_up_on_is_named(tmp_path: Path) -> None:
    (tmp_path / "odd.html").write_text("<p>Tea.</p><![<")
    (tmp_path / "tea.html").write_text("<p>Water first.</p>")
    messages, tally = told("writing", tmp_path)
    assert [message.text for message in messages] == ["Water first."]
    assert tally.notes[0].startswith("odd.html is no HTML that can be read: ")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("opening", ["<!--", "<a ", "<?", "<!a"])
def test_tags_that_never_end_cost_no_time(tmp_path: Path, opening: str) -> None:
    (tmp_path / "odd.html").write_text("<p>Tea.</p>" + opening * 200_000)
    assert [message.text for message in told("writing", tmp_path)[0]][:1] == ["Tea."]


@pytest.mark.parametrize("opening", [b"<rss><!--", b'<rss a="', b"<!DOCTYPE rss [<!--"])
def test_a_feed_in_which_nothing_ends_is_refused_in_little_memory(opening: bytes) -> None:
    endless = (data for piece in ([opening], repeat(b"x" * 65536)) for data in piece)
    tracemalloc.start()
    try:
        with pytest.raises(feeds.BadFeed, match="never ends"):
            list(feeds.Feed().entries(endless))
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()
