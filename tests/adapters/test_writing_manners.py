"""What a polite guest of a site obeys, waits for, and never asks for."""

from __future__ import annotations

import gzip
from pathlib import Path

import httpx
import pytest

from adapters.errors import BadExport, BadRequest
from adapters.imports.writing import manners
from adapters.imports.writing.address import Address, source
from adapters.imports.writing.web import Unreachable, Web
from tests.adapters.blogs import Blog, Time, article, fetched, item, rss, served


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
    "url", ["https://maya:secret@x.example/", "https://secret@x.example/", "ftp://x.example/secret"]
)
def test_an_address_with_a_password_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(BadRequest) as refused:
        source(url)
    assert "secret" not in str(refused.value)


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
