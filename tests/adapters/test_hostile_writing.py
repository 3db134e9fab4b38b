"""Writing that is made to fill memory or time: a sentence or a report, soon."""

from __future__ import annotations

import tracemalloc
from itertools import repeat
from pathlib import Path

import pytest

from adapters.imports.writing import feeds, markup
from tests.adapters.exports import folder, told
from tests.adapters.test_writing import only, passages, texts


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


@pytest.mark.parametrize("between", [" ", "\n", ""])
def test_a_long_paragraph_of_markdown_is_cut_and_loses_no_word(between: str) -> None:
    """The parser takes the square of a paragraph's length for marks that never end."""
    words = [f"word{n}" for n in range(10_000)]
    paragraphs = [block.text for block in markup.markdown(between.join(words)).blocks]
    assert "".join("".join(paragraphs).split()) == "".join(words)
    assert max(map(len, paragraphs)) <= markup.MAX_PARAGRAPH_CHARACTERS


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.md", f"[a]: /{'x' * 100_000}\n\n{'[a] ' * 20_000}"),
        ("a.md", f"[a]: /x '{'x' * 10_000}'\n\n{'![a] ' * 20_000}"),
        ("a.md", f"+++\n{'a.' * 15_000}a = 1\n+++\nTea."),
        ("a.rst", f".. |a| replace:: {'x' * 9_000}\n\n{'|a| ' * 1_000}\n\n{'|a| ' * 1_000}"),
    ],
)
def test_what_is_written_once_and_meant_often_does_not_fill_memory(
    tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text)
    tracemalloc.start()
    try:
        assert told("writing", tmp_path)[1].lines > 0
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()


def test_a_line_that_is_too_long_for_restructured_text_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.rst").write_text("word " * 3_000)
    _, tally = told("writing", tmp_path)
    assert tally.notes == ["a.rst has a line of more than 10,000 characters; break it"]


def test_a_feed_that_declares_entities_is_not_expanded(tmp_path: Path) -> None:
    lol = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE rss [<!ENTITY l0 "lol">{lol}]><rss><item><title>&l9;</title></item></rss>'
    messages, tally = only(tmp_path, "bomb.xml", bomb)
    assert not messages
    assert "declares entities" in tally.unparsed_samples[0][1]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("deep.html", "<div>" * 10_000, "more tags within each other"),
        ("big.html", b"<p>" + b"a" * (5 << 20), "longer than 4 MiB"),
        ("image.txt", b"\x89PNG\x00\x00", "is no text"),
        ("cut.xml", "<rss><item><title>a", "is no XML"),
        ("deep.rst", "\n".join(" " * n + "* a\n" for n in range(800)), "reStructuredText"),
    ],
)
def test_what_cannot_be_read_is_named_and_the_rest_goes_on(
    tmp_path: Path, name: str, content: str | bytes, why: str
) -> None:
    messages, tally = passages(folder(tmp_path, {name: content, "z.md": "Fine."}))
    assert texts(messages) == ["Fine."]
    assert tally.bins["unparsed"] == 1
    assert name in tally.unparsed_samples[0][1]
    assert why in tally.notes[0]


@pytest.mark.parametrize(
    "text",
    ["---\na: &a [*a, *a]\n---\nHi there.", "---\n" + "[" * 5000 + "\n---\nHi there.",
     "{{<img {{<img Hi there.", "---\njust a line\n\nHi there."],
)  # fmt: skip
def test_odd_front_matter_harms_nothing(tmp_path: Path, text: str) -> None:
    assert texts(only(tmp_path, "a.md", text)[0])[-1].endswith("Hi there.")
