"""A blog by its address: what is fetched, how politely, and what is never asked for."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from adapters.errors import AdaptersError, BadExport
from adapters.imports import import_chat, list_speakers
from adapters.imports.formats import detect
from adapters.imports.writing import site
from adapters.imports.writing.address import Address
from adapters.imports.writing.web import Web
from tests.adapters.blogs import Blog, Time, article, fetched, item, rss, said, served, sitemap


def test_a_feed_gives_whole_texts_and_the_pages_of_the_others(blog: Blog, tmp_path: Path) -> None:
    author = "<managingEditor>m@x.example (Maya)</managingEditor>"
    blog.put("/feed", rss(item("/a", "A", "All of a."), item("/b", "B"), more=author))
    blog.put("/b", article("All of b."))
    messages, _ = fetched(f"{blog.url}/feed", tmp_path)
    assert sorted(said(messages)) == [
        ("A", "All of a.", "2020-05-05"),
        ("B", "All of b.", "2020-05-05"),
    ]
    assert {message.speaker for message in messages} == {"Maya"}
    assert blog.asked == ["/robots.txt", "/feed", "/b"]
    assert all(agent.startswith("understudy") for agent in blog.agents)
    assert not list((tmp_path / "fetched").glob("[0-9a-f]*"))


def test_a_page_leads_to_its_feed_and_its_sitemap(blog: Blog, tmp_path: Path) -> None:
    link = '<link rel="alternate" type="application/rss+xml" href="feed.xml">'
    blog.put("/blog/", f"<html>{link}<p>Welcome to my blog.")
    blog.put("/blog/feed.xml", rss(item("/blog/a", "A", "All of a.")))
    pages = ["/blog/a", "/blog/b", "/blog/tags/tea", "/shop/", "/blog/"]
    blog.put("/sitemap.xml", sitemap(*(blog.url + page for page in pages)))
    blog.put("/blog/b", article("All of b.", "B"))
    messages, _ = fetched(f"{blog.url}/blog/", tmp_path)
    assert sorted(said(messages)) == [
        ("A", "All of a.", "2020-05-05"),
        ("B", "All of b.", "2019-02-01"),
    ]
    assert "/shop/" not in blog.asked
    assert "/blog/tags/tea" not in blog.asked


def test_an_index_of_sitemaps_is_followed_and_packed_ones_are_read(
    blog: Blog, tmp_path: Path
) -> None:
    inner = "".join(f"<sitemap><loc>{blog.url}/{n}.xml</loc></sitemap>" for n in (1, 2, 3))
    blog.put("/index.xml", f"<sitemapindex>{inner}</sitemapindex>")
    blog.put("/1.xml", sitemap(f"{blog.url}/a"))
    blog.put("/2.xml", gzip.compress(sitemap(f"{blog.url}/b").encode()))
    blog.put(
        "/3.xml", f"<sitemapindex><sitemap><loc>{blog.url}/index.xml</loc></sitemap></sitemapindex>"
    )
    blog.put("/a", article("One."))
    blog.put("/b", article("Two."))
    messages, _ = fetched(f"{blog.url}/index.xml", tmp_path)
    assert [message.text for message in messages] == ["One.", "Two."]


def test_a_page_that_names_nothing_is_read_alone(blog: Blog, tmp_path: Path) -> None:
    blog.put("/a", article("Only this."))
    messages, tally = fetched(f"{blog.url}/a", tmp_path)
    assert [message.text for message in messages] == ["Only this."]
    assert "read alone" in tally.notes[0]
    assert blog.asked.count("/a") == 1


def test_an_interrupted_run_goes_on_where_it_stopped(blog: Blog, tmp_path: Path) -> None:
    blog.put("/feed", rss(*(item(f"/{n}", f"{n}") for n in range(4))))
    for n in range(4):
        blog.put(f"/{n}", article(f"Text {n}."))

    class Interrupted(Time):
        def sleep(self, seconds: float) -> None:
            if blog.asked[-1] == "/1":
                raise KeyboardInterrupt
            super().sleep(seconds)

    with pytest.raises(KeyboardInterrupt):
        fetched(f"{blog.url}/feed", tmp_path, Interrupted())
    assert blog.asked == ["/robots.txt", "/feed", "/0", "/1"]
    messages, _ = fetched(f"{blog.url}/feed", tmp_path)
    assert [message.text for message in messages] == [f"Text {n}." for n in range(4)]
    assert blog.asked == ["/robots.txt", "/feed", "/0", "/1", "/2", "/3"]
    fetched(f"{blog.url}/feed", tmp_path)
    assert blog.asked.count("/feed") == 2


@pytest.mark.parametrize(
    ("status", "sentence"),
    [(404, "there is no such page"), (403, "to members only"), (500, "answers 500")],
)
def test_a_refusal_has_a_sentence(blog: Blog, tmp_path: Path, status: int, sentence: str) -> None:
    blog.put("/a", status=status)
    with pytest.raises(BadExport, match=rf"127\.0\.0\.1 can't be read: .*{sentence}"):
        fetched(f"{blog.url}/a", tmp_path)


def test_a_host_that_is_not_there_has_a_sentence(blog: Blog, tmp_path: Path) -> None:
    with served(Blog()) as gone:
        url = gone.url
    with pytest.raises(BadExport, match="does not answer"):
        fetched(f"{url}/feed", tmp_path)


def test_no_network_has_a_sentence(tmp_path: Path) -> None:
    def nowhere(host: str, port: int) -> list[str]:
        raise OSError("no such host")

    address, web = Address.of("http://maya.example/"), partial(Web, resolve=nowhere)
    with (
        pytest.raises(BadExport, match=r"no host maya\.example, or no way to the network"),
        site.collected(address, tmp_path, web=web),
    ):
        pass


def test_a_picture_is_no_text(blog: Blog, tmp_path: Path) -> None:
    blog.put("/a", b"\x89PNG", Content_Type="image/png")
    with pytest.raises(BadExport, match="it is no text but image/png"):
        fetched(f"{blog.url}/a", tmp_path)


def test_an_import_by_address_writes_a_dataset_and_names_the_host_alone(
    blog: Blog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    time = Time()
    monkeypatch.setattr(
        "adapters.imports.writing.site.Web",
        partial(Web, clock=lambda: time.now, sleep=time.sleep),
    )
    items = [item(f"/{n}", f"Title {n}", f"Words {n}.") for n in range(3)]
    blog.put("/feed", rss(*items))
    address = Address.of(f"{blog.url}/feed?key=hush")
    blog.pages["/feed?key=hush"] = blog.pages["/feed"]
    assert detect(address).format == "writing"
    assert [one.messages for one in list_speakers("auto", address, tmp_path)] == [3]
    report = import_chat("auto", address, "maya", ["Maya"], tmp_path)
    assert (report.format, report.source, report.kept) == ("writing", "127.0.0.1", 3)
    assert "hush" not in report.model_dump_json()
    assert blog.asked.count("/feed?key=hush") == 1  # the list of speakers kept it
    with pytest.raises(AdaptersError, match="only writing is read from the web"):
        import_chat("whatsapp", address, "maya", ["Maya"], tmp_path)


def test_the_command_takes_an_address(blog: Blog, tmp_path: Path) -> None:
    blog.put("/feed", rss(item("/a", "A", "All of a.")))

    def understudy(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "understudy", *words, "--json"],
            capture_output=True, text=True, cwd=Path(__file__).parents[2], timeout=200,
            env={**os.environ, "UNDERSTUDY_HOME": str(tmp_path)},
        )  # fmt: skip

    persona = ("--persona", "maya", "--speaker", "Maya")
    done = understudy("import", "writing", f"{blog.url}/feed", *persona)
    assert json.loads(done.stdout)["learned"] == 1, done.stderr
    assert json.loads(understudy("import", "--detect", blog.url).stdout)["format"] == "writing"
    refused = understudy("import", "writing", "https://maya:hush@x.example/", *persona)
    assert refused.returncode == 1
    assert "has a name or password in it" in refused.stderr
    assert "hush" not in refused.stderr + refused.stdout


def test_two_at_once_do_not_meet(blog: Blog, tmp_path: Path) -> None:
    blog.put("/feed", rss(item("/a", "A", "All of a.")))
    address = Address.of(f"{blog.url}/feed")
    with (
        site.collected(address, tmp_path, web=Time().web),
        pytest.raises(BadExport, match="being fetched by another import"),
        site.collected(address, tmp_path, web=Time().web),
    ):
        pass
    assert blog.asked.count("/feed") == 1
