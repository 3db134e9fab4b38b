"""A blog on loopback, what it is asked, and a clock that only moves when somebody sleeps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from adapters.imports.writing import site
from adapters.imports.writing.address import Address
from adapters.imports.writing.web import Web
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
