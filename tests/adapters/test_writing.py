"""A person's own writing: documents of every markup become passages, and every block is counted."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from adapters.dataset.passages import request
from adapters.errors import BadExport
from adapters.imports.formats import detect
from adapters.imports.writing import UNNAMED, dates
from adapters.imports.writing.chunks import MAX_CHARACTERS
from adapters.messages import Message, Tally
from tests.adapters.exports import bins, folder, told, zipped

MARKDOWN = """\
---
title: "Tea: a love story"
date: 2020-05-17
author: Maya Lee
tags: [tea]
---

I *drink* [tea](https://tea.example/secret) all day,
and at night.

{{<img src="cup.png" caption="a cup">}}

> Somebody else said this.

## Brewing

Water first.[^1]

- Boil it, [slowly](x)
- Pour it
- [A list of links](https://elsewhere.example)

```python
drop("tables")
```

| cups | time |
| ---- | ---- |
| 3    | noon |

Then `drink` it.

[^1]: Always.

<script>alert("x")</script>
<div class="note"><p>Careful: hot!</p></div>
"""
RST = """\
Rain
####

:date: 2019-03-02
:author: Maya Lee

It *rained* all day :ref:`again`.

.. include:: /etc/passwd

.. raw:: html

   <p>raw words</p>

.. csv-table::
   :file: /etc/passwd

.. note:: Take a coat.

Later
=====

It stopped::

    code()
"""
HTML = """\
<!doctype html><html><head><title>Snow | Maya's blog</title>
<meta property="article:published_time" content="2021-01-09T08:00:00+01:00">
<meta name=author content="Maya Lee"><style>p { color: red }</style>
<body><header><h1>Maya's blog</h1><p>Words about weather</p></header>
<nav><ul><li><a href=/>Home</a></ul></nav>
<article><h1>Snow</h1><p>Snow fell &amp; <b>stayed</b>.<br>All night.
<p>Nobody moved.<blockquote><p>Quoted words.</blockquote>
<figure><img src=x><figcaption>A hill</figcaption></figure><pre>code</pre></article>
<aside><p>Buy my book</p></aside><footer><p>All rights reserved</p></footer>
<script>document.write("<p>script words</p>")</script>
"""
RSS = """\
<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/">
<channel><title>Maya</title><link>https://maya.example/</link>
<item><title>Fog &amp;amp; sun</title><link>https://maya.example/fog</link>
<dc:creator>Maya Lee</dc:creator><pubDate>Tue, 05 May 2020 10:00:00 +0000</pubDate>
<media:content url="x"><media:title>no words</media:title></media:content>
<description>Short.</description>
<content:encoded><![CDATA[<p>Fog &amp; sun.</p><p>Then rain.</p>]]></content:encoded></item>
<item><title>Hail</title><pubDate>Wed, 06 May 2020 10:00:00 +0000</pubDate>
<description>Hail came.

It went.</description></item></channel></rss>
"""
ATOM = """\
<feed xmlns="http://www.w3.org/2005/Atom"><title>Maya</title><author><name>Maya Lee</name></author>
<entry><title>Dew</title><link rel="alternate" href="https://maya.example/dew"/>
<published>2018-07-01T06:00:00Z</published><content type="xhtml"><div
xmlns="http://www.w3.org/1999/xhtml"><p>Dew <em>on</em> grass &lt;3.</p></div></content></entry>
</feed>
"""


def passages(path: Path) -> tuple[list[Message], Tally]:
    return told("writing", path)


def texts(messages: list[Message]) -> list[str]:
    return [message.text for message in messages]


def only(tmp_path: Path, name: str, content: str | bytes) -> tuple[list[Message], Tally]:
    return passages(folder(tmp_path, {name: content}) / name)


def test_markdown_is_read_without_what_is_no_voice(tmp_path: Path) -> None:
    messages, tally = only(tmp_path, "tea.md", MARKDOWN)
    assert texts(messages) == [
        "I drink tea all day, and at night.",
        "Water first.\n\n- Boil it, slowly\n- Pour it\n\nThen drink it.\n\nAlways.\n\n"
        "Careful: hot!",
    ]
    first = messages[0]
    assert (first.speaker, first.conversation) == ("Maya Lee", "Tea: a love story")
    assert first.at.isoformat() == "2020-05-17T00:00:00"
    assert [request(first.conversation, message.id) for message in messages] == [
        "Write about: Tea: a love story", "Write about: Tea: a love story: Brewing",
    ]  # fmt: skip
    # front matter, quotation, heading, link; picture, code, table
    assert bins(tally) == {"kept": 2, "merged": 5, "system": 4, "media": 3}


def test_restructured_text_includes_and_runs_nothing(tmp_path: Path) -> None:
    messages, _ = only(tmp_path, "rain.rst", RST)
    assert texts(messages) == [
        "It rained all day :ref:`again`.\n\nTake a coat.", "It stopped:",
    ]  # fmt: skip
    assert (messages[0].speaker, messages[0].conversation) == ("Maya Lee", "Rain")
    assert messages[0].at.isoformat() == "2019-03-02T00:00:00"
    assert messages[1].id.endswith("Later")


def test_of_a_page_only_the_article_is_read(tmp_path: Path) -> None:
    messages, tally = only(tmp_path, "snow.html", HTML)
    assert texts(messages) == ["Snow fell & stayed.\nAll night.\n\nNobody moved."]
    assert (messages[0].speaker, messages[0].conversation) == ("Maya Lee", "Snow")
    assert messages[0].at.isoformat() == "2021-01-09T08:00:00"
    assert tally.bins["media"] == 3  # picture, caption, code


def test_a_page_that_is_laid_out_by_tables_is_read(tmp_path: Path) -> None:
    essay = "<br><br>".join(
        f"Paragraph {n} of an essay. " + "So it goes on. " * 20 for n in range(3)
    )
    html = f"<title>Old</title><table><tr><td><a href=/>Home</a><td><font size=2>{essay}</table>"
    messages, _ = only(tmp_path, "old.html", html)
    assert len(messages) == 2
    assert messages[0].text.startswith("Paragraph 0 of an essay.")
    assert "\n\nParagraph 1" in messages[0].text
    assert "Home" not in messages[0].text


def test_a_page_in_old_letters_and_a_broken_one_are_read(tmp_path: Path) -> None:
    old = "<meta charset=iso-8859-1><p>Schön war es.</p>".encode("latin-1")
    assert texts(only(tmp_path, "old.html", old)[0]) == ["Schön war es."]
    assert texts(only(tmp_path, "broken.md", b"Sch\xf6n war es.")[0]) == ["Sch\ufffdn war es."]


@pytest.mark.parametrize(
    ("feed", "expected"),
    [
        (RSS, [("Fog & sun", "Maya Lee", "2020-05-05", "Fog & sun.\n\nThen rain."),
               ("Hail", UNNAMED, "2020-05-06", "Hail came.\n\nIt went.")]),
        (ATOM, [("Dew", "Maya Lee", "2018-07-01", "Dew on grass <3.")]),
    ],
)  # fmt: skip
def test_the_entries_of_a_feed_are_documents(
    tmp_path: Path, feed: str, expected: list[tuple[str, ...]]
) -> None:
    messages, _ = only(tmp_path, "feed.xml", feed)
    assert expected == [
        (m.conversation, m.speaker, m.at.date().isoformat(), m.text) for m in messages
    ]


def test_a_folder_is_read_in_order_without_what_is_hidden_or_a_template(tmp_path: Path) -> None:
    site = folder(
        tmp_path / "site",
        {
            "hugo.toml": "", "content/b/index.md": "Words of b.", "content/a.md": "Words of a.",
            "layouts/single.html": "<p>Layout</p>", ".git/notes.md": "Hidden.",
            "content/.draft.md": "Hidden.", "node_modules/x/readme.md": "Not mine.",
        },
    )  # fmt: skip
    outside = folder(tmp_path, {"outside.md": "Outside."}) / "outside.md"
    (site / "content" / "link.md").symlink_to(outside)
    (site / "content" / "c").symlink_to(tmp_path)
    messages, _ = passages(site)
    assert [(m.conversation, m.text) for m in messages] == [
        ("a", "Words of a."), ("b", "Words of b."),
    ]  # fmt: skip
    messages, _ = passages(zipped(tmp_path / "x.zip", {"../../a.md": "One.", "b.txt": "Two."}))
    assert texts(messages) == ["One.", "Two."]


def test_dates_come_from_front_matter_then_names_then_files(tmp_path: Path) -> None:
    files = {
        "2020-05-17-tea.md": "a", "2019/03/rain.md": "b", "z.md": "---\ndate: 2018-01-02\n---\nc",
        "plain.md": "d", "2017-01-01.md": "+++\ndate = 2016-02-03T10:00:00Z\n+++\ne",
    }  # fmt: skip
    path = folder(tmp_path, files)
    os.utime(path / "plain.md", (1_500_000_000, 1_500_000_000))
    messages, tally = passages(path)
    found = {message.text: message.at.date().isoformat() for message in messages}
    assert found.pop("d").startswith("2017-07-1")
    assert found == {"a": "2020-05-17", "b": "2019-03-01", "c": "2018-01-02", "e": "2016-02-03"}
    assert "documents without a date, which have their file's: 1" in tally.notes


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("2020-05-17", "2020-05-17"), ("2020-05-17 10:00:00 +0200", "2020-05-17"),
        ("2020-05-17T23:30:00-05:00", "2020-05-17"), ("Sun, 17 May 2020 10:00 GMT", "2020-05-17"),
        ("May 17, 2020", "2020-05-17"), ("17 May 2020", "2020-05-17"), ("17.05.2020", "2020-05-17"),
        ("2020-13-45", None), ("soon", None), ("", None), ("9" * 500, None),
    ],
)  # fmt: skip
def test_a_date_is_read_in_any_usual_spelling(said: str, day: str | None) -> None:
    at = dates.written(said)
    assert (at.date().isoformat() if at else None) == day


def test_drafts_are_left_out_and_said(tmp_path: Path) -> None:
    files = {"a.md": "---\ndraft: true\n---\nSecret.", "b.md": "Open."}
    messages, tally = passages(folder(tmp_path, files))
    assert texts(messages) == ["Open."]
    assert tally.bins["system"] == 2
    assert any("drafts left out: 1" in note for note in tally.notes)


def test_chunks_are_whole_paragraphs_and_long_ones_end_after_a_sentence(tmp_path: Path) -> None:
    short = [f"Paragraph {n} " + "says little " * 30 for n in range(5)]
    long = " ".join(f"This is sentence {n} of a long paragraph." for n in range(60))
    endless = "x" * 2500
    path = tmp_path / "a.txt"
    path.write_text("\n\n".join([*short, long, endless]))
    messages, tally = passages(path)
    assert all(len(text) <= MAX_CHARACTERS for text in texts(messages))
    assert texts(messages)[0] == "\n\n".join(part.strip() for part in short[:2])
    cut = [text for text in texts(messages) if "long paragraph" in text]
    assert all(text.endswith("paragraph.") for text in cut)
    together = re.sub(r"\s", "", "".join(texts(messages)))
    assert together == re.sub(r"\s", "", "".join([*short, long, endless]))
    assert tally.bins["kept"] == len(messages)


def test_a_folder_without_writing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadExport, match="holds no writing"):
        passages(folder(tmp_path, {"a.png": b"x"}))


def test_bare_texts_are_not_taken_for_writing_unless_somebody_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadExport, match=r"plain \.txt files"):
        detect(folder(tmp_path, {"a.txt": "Some words that could be anything."}))


def test_a_real_blog_is_read_whole(shared: Path, tmp_path: Path) -> None:
    blog = shared / "blog" / "mtlynch__mtlynch.io" / "content"
    messages, tally = passages(blog)
    words = sum(len(message.text.split()) for message in messages)
    assert len({message.conversation for message in messages}) > 230
    assert tally.bins["unparsed"] == 0
    assert 330_000 < words < 538_000
    assert not [m for m in messages if "{{<" in m.text or "</p>" in m.text]
    assert detect(blog).format == "writing"
    assert tally.bins["kept"] == len(messages)
