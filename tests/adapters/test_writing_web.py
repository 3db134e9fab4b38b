"""A blog by its address: what is fetched, how politely, and what is never asked for."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

from adapters.errors import AdaptersError, BadExport, BadRequest
from adapters.imports import import_chat, list_speakers
from adapters.imports.formats import detect
from adapters.imports.writing import manners, site
from adapters.imports.writing.address import Address, source
from adapters.imports.writing.web import Unreachable, Web
from adapters.messages import Message, Tally
from tests.adapters.exports import told

Answer = tuple[int, dict[str, str], bytes]
HTML = {"Content-Type": "text/html; charset=utf-8"}


class Blog:
    """A site on loopback: pages by path, and what was asked of it."""

    def __init__(self) -> None:
        self.pages: dict[str, list[Answer]] = {}
        self.asked: list[str] = []
        self.agents: set[str] = set()
        self.url = ""

    def put(self, path: str, body: str | bytes = b"", status: int = 200, **headers: str) -> None:
        data = body.encode() if isinstance(body, str) else body
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages.setdefault(path, []).append((status, {**HTML, **named}, data))

    def answer(self, path: str) -> Answer:
        """Answers of one path follow each other; the last one stays."""
        self.asked.append(path)
        answers = self.pages.get(path, [(404, HTML, b"no")])
        return answers.pop(0) if len(answers) > 1 else answers[0]


class Handler(BaseHTTPRequestHandler):
    blog: Blog

    def do_GET(self) -> None:
        self.blog.agents.add(self.headers["User-Agent"])
        status, headers, body = self.blog.answer(self.path)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def served(blog: Blog) -> Iterator[Blog]:
    handler = type("Handling", (Handler,), {"blog": blog})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        blog.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield blog
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def blog() -> Iterator[Blog]:
    with served(Blog()) as blog:
        yield blog


class Time:
    """A clock that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(round(seconds, 3))
        self.now += seconds

    def web(self, address: Address, folder: Path) -> Web:
        return Web(address, folder, clock=lambda: self.now, sleep=self.sleep)


def fetched(url: str, home: Path, time: Time | None = None) -> tuple[list[Message], Tally]:
    with site.collected(Address.of(url), home, web=(time or Time()).web) as folder:
        return told("writing", folder)


def article(text: str, title: str = "A day") -> str:
    return f"<html><title>{title}</title><article><h1>{title}</h1><p>{text}</article>"


def rss(*items: str, more: str = "") -> str:
    return f"<rss><channel><title>x</title>{more}{''.join(items)}</channel></rss>"


def item(link: str, title: str, text: str = "") -> str:
    whole = f"<content>{text}</content>" if text else "<description>Begins…</description>"
    return (
        f"<item><title>{title}</title><link>{link}</link>{whole}"
        "<pubDate>Tue, 05 May 2020 10:00:00 +0000</pubDate></item>"
    )


def sitemap(*links: str) -> str:
    urls = "".join(
        f"<url><loc>{link}</loc><lastmod>2019-0{n}-01</lastmod></url>"
        for n, link in enumerate(links, 1)
    )
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{urls}</urlset>'


def said(messages: list[Message]) -> list[tuple[str, str, str]]:
    return [(m.conversation, m.text, m.at.date().isoformat()) for m in messages]


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


def test_robots_are_obeyed_and_named(blog: Blog, tmp_path: Path) -> None:
    blog.put("/robots.txt", "User-agent: *\nDisallow: /private")
    blog.put("/feed", rss(item("/private/a", "A"), item("/b", "B")))
    blog.put("/b", article("Two."))
    messages, tally = fetched(f"{blog.url}/feed", tmp_path)
    assert [message.text for message in messages] == ["Two."]
    assert "/private/a" not in blog.asked
    assert "robots.txt forbids" in tally.notes[0]
    with pytest.raises(BadExport, match=r"robots\.txt forbids"):
        fetched(f"{blog.url}/private/feed", tmp_path)


def test_robots_may_forbid_this_program_alone(blog: Blog, tmp_path: Path) -> None:
    blog.put("/robots.txt", "User-agent: understudy\nDisallow: /\n\nUser-agent: *\nAllow: /")
    with pytest.raises(BadExport, match=r"robots\.txt forbids"):
        fetched(f"{blog.url}/feed", tmp_path)
    assert blog.asked == ["/robots.txt"]


def test_where_robots_cannot_be_had_nothing_is_fetched(blog: Blog, tmp_path: Path) -> None:
    blog.put("/robots.txt", status=500)
    with pytest.raises(BadExport, match="can't say what it allows"):
        fetched(f"{blog.url}/feed", tmp_path)
    assert blog.asked == ["/robots.txt"]


@pytest.mark.parametrize(("robots", "gap"), [("", 1.0), ("User-agent: *\nCrawl-delay: 7", 7.0)])
def test_a_pause_lies_between_two_requests(
    blog: Blog, tmp_path: Path, robots: str, gap: float
) -> None:
    blog.put("/robots.txt", robots)
    blog.put("/feed", rss(*(item(f"/{n}", f"{n}") for n in range(3))))
    time = Time()
    with pytest.raises(
        BadExport, match=r"nothing of 127\.0\.0\.1 could be read, such as /0: there"
    ):
        fetched(f"{blog.url}/feed", tmp_path, time)
    assert blog.asked == ["/robots.txt", "/feed", "/0", "/1", "/2"]
    assert time.waits == [1.0, gap, gap, gap]


def test_a_busy_site_is_given_the_time_it_asks_for(blog: Blog, tmp_path: Path) -> None:
    blog.put("/a", status=429, Retry_After="42")
    blog.put("/a", status=503)
    blog.put("/a", article("At last."))
    time = Time()
    assert fetched(f"{blog.url}/a", tmp_path, time)[0][0].text == "At last."
    assert time.waits[:3] == [1.0, 42.0, 30.0]


def test_a_site_that_asks_for_too_much_time_is_left(blog: Blog, tmp_path: Path) -> None:
    blog.put("/a", status=503, Retry_After="86400")
    with pytest.raises(BadExport, match="come back in 1440 min"):
        fetched(f"{blog.url}/a", tmp_path)
    blog.put("/robots.txt", "User-agent: *\nCrawl-delay: 3600")
    with pytest.raises(BadExport, match="3600 s between two pages"):
        fetched(f"{blog.url}/b", tmp_path / "other")


@pytest.mark.parametrize("asked", ["Crawl-delay: ", "Request-rate: 1/"])
def test_a_site_that_asks_for_a_pause_without_end_is_left(
    blog: Blog, tmp_path: Path, asked: str
) -> None:
    blog.put("/robots.txt", f"User-agent: *\n{asked}{'9' * 400}")
    with pytest.raises(BadExport, match="asks for inf s between two pages"):
        fetched(f"{blog.url}/a", tmp_path)


def test_redirects_are_followed_within_the_site_only(blog: Blog, tmp_path: Path) -> None:
    blog.put("/feed", status=301, Location="/new-feed")
    blog.put("/new-feed", rss(item("/a", "A"), item("/b", "B"), item("/c", "C")))
    blog.put("/a", status=302, Location="/a/")
    blog.put("/a/", article("Moved."))
    blog.put("/b", status=302, Location="http://elsewhere.example/")
    blog.put("/c", status=302, Location="/c")
    messages, tally = fetched(f"{blog.url}/feed", tmp_path)
    assert [message.text for message in messages] == ["Moved."]
    assert blog.asked.count("/c") == 6
    assert "pages that could not be had: 2, such as /b: it is on another host" in tally.notes[0]


def test_no_redirect_leads_to_a_private_address(tmp_path: Path) -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        if request.url.path == "/robots.txt":
            return httpx.Response(404)
        return httpx.Response(302, headers={"Location": "http://inside.example:8080/secret"})

    places = {"maya.example": ["93.184.216.34"], "inside.example": ["93.184.216.34", "10.0.0.7"]}
    web = Web(
        Address.of("https://maya.example/"), tmp_path, clock=lambda: 0.0, sleep=lambda _: None,
        resolve=lambda host, _: places[host], transport=httpx.MockTransport(answer),
    )  # fmt: skip
    with pytest.raises(Unreachable, match="private address"):
        web.get("https://maya.example/", given=True)
    assert asked == ["https://maya.example/robots.txt", "https://maya.example/"]


def test_loopback_is_open_only_at_the_port_that_was_given(blog: Blog, tmp_path: Path) -> None:
    with served(Blog()) as other:
        blog.put("/a", status=302, Location=f"{other.url}/admin")
        with pytest.raises(BadExport, match="private address"):
            fetched(f"{blog.url}/a", tmp_path)
        assert not other.asked


def test_only_http_is_followed(blog: Blog, tmp_path: Path) -> None:
    for bad in ("file:///etc/passwd", "ftp://x.example/", "http://a:b@127.0.0.1/", "http://[", ""):
        blog.put("/feed", rss(item(bad, "A"), item("/b", "B")))
    blog.put("/b", article("Two."))
    for _ in range(5):
        assert [m.text for m in fetched(f"{blog.url}/feed", tmp_path)[0]] == ["Two."]


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


def test_what_is_too_large_is_left(
    blog: Blog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.imports.writing.web.MAX_PAGE_BYTES", 1 << 20)
    blog.put("/feed", rss(item("/a", "A"), item("/b", "B")))
    blog.put("/a", gzip.compress(b"<p>" + b"a" * (5 << 20)), Content_Encoding="gzip")
    blog.put("/b", article("Two."))
    messages, tally = fetched(f"{blog.url}/feed", tmp_path)
    assert [message.text for message in messages] == ["Two."]
    assert "/a: it is larger than 1 MiB" in tally.notes[0]


@pytest.mark.parametrize("packing", ["gzip, gzip", "br"])
def test_what_is_packed_as_nobody_asked_is_left(blog: Blog, tmp_path: Path, packing: str) -> None:
    blog.put("/feed", rss(item("/a", "A"), item("/b", "B")))
    blog.put("/a", gzip.compress(gzip.compress(b"<p>One.")), Content_Encoding=packing)
    blog.put("/b", gzip.compress(b"<p>Two."), Content_Encoding="gzip")
    messages, tally = fetched(f"{blog.url}/feed", tmp_path)
    assert [message.text for message in messages] == ["Two."]
    assert f"/a: it is packed as '{packing}', which was not asked for" in tally.notes[0]


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


@pytest.mark.parametrize(
    "url", ["https://maya:secret@x.example/", "https://secret@x.example/", "ftp://x.example/secret"]
)
def test_an_address_with_a_password_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(BadRequest) as refused:
        source(url)
    assert "secret" not in str(refused.value)


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


@pytest.mark.parametrize(
    "place",
    ["127.0.0.1", "::1", "::ffff:10.0.0.7", "64:ff9b::a00:7", "::10.0.0.7", "2002:a00:7::1"],
)
def test_an_address_within_another_is_as_private_as_it_is_alone(place: str) -> None:
    assert manners.private(place)


@pytest.mark.parametrize("place", ["93.184.216.34", "64:ff9b::93.184.216.34", "2606:2800::1"])
def test_an_address_of_the_open_web_is_not_private(place: str) -> None:
    assert not manners.private(place)


@pytest.mark.parametrize("said", ["", "soon", f"Mon, 01 Jan 2024 00:00:00 +{'9' * 20}"])
def test_a_date_that_is_none_to_come_back_at_is_passed_over(said: str) -> None:
    assert manners.retry_after(httpx.Response(503, headers={"Retry-After": said})) is None


def test_a_date_to_come_back_at_is_understood() -> None:
    past = httpx.Response(503, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"})
    assert manners.retry_after(past) == 0
    assert manners.retry_after(httpx.Response(503, headers={"Retry-After": "soon"})) is None


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
