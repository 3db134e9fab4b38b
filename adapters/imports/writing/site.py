"""A person's site: which pages hold the writing, by feed, sitemap or the page that names them.

What is fetched lies in a folder with a list of what each file is (shelf), for the importer to
read like any folder. Knows nothing of how requests are made (web) or of passages.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from adapters.errors import BadExport, writing
from adapters.folders import Taken, locked, private, sweep
from adapters.messages import Watch, unwatched

from . import dates, feeds
from .address import Address
from .letters import decoded
from .manners import joined
from .prose import NoPage, page
from .shelf import SHELF, Shelved
from .web import Away, Done, Got, Unreachable, Web

MAX_PAGES = 5_000
MAX_SITEMAPS, MAX_SITEMAP_DEPTH = 200, 3
SITEMAPS: tuple[feeds.Sort, ...] = ("sitemap", "sitemap index")
MAX_FEEDS = 2
"""That a page names: its own and one more; the others are those of its comments and topics."""
AWAY_IN_A_ROW = 5
MAX_UNPACKED_BYTES = 64 << 20
ARCHIVES = re.compile(
    r"/(?:tags?|categor(?:y|ies)|topics?|authors?|page|archives?|search)(?:/|$)", re.IGNORECASE
)
SUFFIXES = {
    "text/html": ".html", "application/xhtml+xml": ".html", "text/markdown": ".md",
    "text/plain": ".txt", "text/x-rst": ".rst", "text/prs.fallenstein.rst": ".rst", "": ".html",
}  # fmt: skip
ENDING = re.compile(r"\.(?:md|markdown|rst)\Z", re.IGNORECASE)
ON = "what is there already waits for a day: run it again to go on"


@contextmanager
def collected(
    address: Address,
    home: Path | None,
    watch: Watch = unwatched,
    *,
    keep: bool = False,
    web: Callable[[Address, Path], Web] | None = None,
) -> Iterator[Path]:
    """The folder of a site's pages. It is gone when the block ends well, unless it is to `keep`;
    otherwise the next try goes on in it. Raises AdaptersError."""
    with tempfile.TemporaryDirectory() as passing:
        fetched = (home or Path(passing)) / "fetched"
        folder = fetched / hashlib.sha256(address.url.encode()).hexdigest()[:32]
        with writing(fetched):
            private(fetched)
            sweep(fetched, "[0-9a-f]*")
            folder.mkdir(exist_ok=True)
        try:
            with locked(folder, wait=False, purpose="fetch"):
                with writing(fetched), closing((web or Web)(address, folder)) as open_web:
                    _gather(address, open_web, folder, watch)
                yield folder
                if not keep:
                    _remove(folder)
        except Taken:
            raise BadExport(
                f"{address.name} is being fetched by another import; wait for it"
            ) from None


def _gather(address: Address, web: Web, folder: Path, watch: Watch) -> None:
    site = _Site(web)
    try:
        site.survey(address)
        site.fetch(watch)
    except Unreachable as error:
        raise BadExport(f"{address.name} can't be read: {error}; {ON}") from error
    if not site.shelf:
        why = f", such as {site.skipped[0]}" if site.skipped else ""
        raise BadExport(f"nothing of {address.name} could be read{why}")
    lines = [one.model_dump_json(exclude_defaults=True) for one in site.shelf]
    notes = [json.dumps({"note": note}, ensure_ascii=False) for note in site.notes()]
    (folder / SHELF).write_text("".join(f"{line}\n" for line in (*notes, *lines)), "utf-8")


class _Site:
    def __init__(self, web: Web) -> None:
        self._web = web
        self._wanted: dict[str, Shelved] = {}
        """Address → what is known of the page; its file is not."""
        self._told: set[str] = set()
        """Pages whose whole text a feed has."""
        self._elsewhere = 0
        self._sitemaps = 0
        self._alone = False
        self.shelf: list[Shelved] = []
        self.skipped: list[str] = []

    def survey(self, address: Address) -> None:
        """Finds out what there is. Raises Unreachable."""
        first = self._web.get(address.url, given=True)
        sort = self._sort(first)
        if sort == "feed":
            self._take_feed(first)
        elif sort:
            self._take_sitemap(first)
        elif not self._named_by(first):
            self._alone = True
            self._wanted[first.url] = Shelved(name="")

    def fetch(self, watch: Watch) -> None:
        """Every page that is wanted. Raises Unreachable where the site stops to answer."""
        away = 0
        pages = [(url, one) for url, one in self._wanted.items() if url not in self._told]
        for done, (url, one) in enumerate(pages[:MAX_PAGES]):
            watch(done / len(pages))
            try:
                self._shelve(self._web.get(url), one)
                away = 0
            except Done:
                raise
            except Unreachable as error:
                away = away + 1 if isinstance(error, Away) else 0
                if away >= AWAY_IN_A_ROW:
                    raise
                self.skipped.append(f"{urlsplit(url).path}: {error}")
        if len(pages) > MAX_PAGES:
            self.skipped += [f"only the first {MAX_PAGES:,} pages are read"]

    def notes(self) -> Iterator[str]:
        if self._alone:
            yield "the page names no feed and no sitemap, so it was read alone"
        if self.skipped:
            yield f"pages that could not be had: {len(self.skipped)}, such as {self.skipped[0]}"
        if self._elsewhere:
            yield f"pages on other hosts, which were not asked for: {self._elsewhere}"

    def _named_by(self, first: Got) -> bool:
        """Whether a page led to others."""
        text = decoded(self._web.path(first).read_bytes(), first.charset)
        try:
            links = [joined(first.url, link) for link in page(text).feeds]
        except NoPage:
            links = []
        for link in [link for link in links if "comment" not in link][:MAX_FEEDS]:
            self._try(link, ("feed",), self._take_feed)
        below = urlsplit(first.url).path.rpartition("/")[0] + "/"
        named = self._web.sitemaps(first.url) or [joined(first.url, "/sitemap.xml")]
        for link in named[:MAX_FEEDS]:
            self._try(link, SITEMAPS, lambda got: self._take_sitemap(got, below))
        if not self._wanted and not self.shelf:
            self._try(joined(first.url, "/feed"), ("feed",), self._take_feed)
        return bool(self._wanted or self.shelf)

    def _try(self, url: str, sorts: tuple[feeds.Sort, ...], take: Callable[[Got], None]) -> None:
        """What need not be there."""
        try:
            self._web.admit(url)  # what a page says of itself is believed
            got = self._web.get(url)
            if self._sort(got) in sorts:
                take(got)
        except Done:
            raise
        except Unreachable:
            pass

    def _sort(self, got: Got) -> feeds.Sort | None:
        return feeds.sort_of(next(iter(self._bytes(got)), b""))

    def _bytes(self, got: Got) -> Iterator[bytes]:
        """Sitemaps may be packed files."""
        unpack, done = None, 0
        with self._web.path(got).open("rb") as file:
            while data := file.read(1 << 16):
                if not done and data.startswith(b"\x1f\x8b"):
                    unpack = zlib.decompressobj(wbits=31)
                try:
                    some = unpack.decompress(data, MAX_UNPACKED_BYTES) if unpack else data
                except zlib.error as error:
                    raise Unreachable(f"it is packed, and broken: {error}") from error
                done += len(some)
                if done > MAX_UNPACKED_BYTES:
                    raise Unreachable(f"it is larger than {MAX_UNPACKED_BYTES >> 20} MiB")
                yield some

    def _take_feed(self, got: Got) -> None:
        feed = feeds.Feed()
        entries, whole = [], False
        self._web.admit(got.url)
        for entry in self._entries(feed, got):
            entries.append((entry.title, entry.author, entry.date, entry.link))
            if entry.whole:
                whole = True
                self._told.add(joined(got.url, entry.link))
        if home := feed.about.get("link", "").strip():
            self._web.admit(joined(got.url, home))
        owner = feeds.author(feed.about)
        for title, author, date, link in entries:
            known = {"title": title[:200], "author": author[:200], "owner": owner[:200]}
            self._want(joined(got.url, link) if link else "", at=dates.written(date), **known)
        if whole:
            self.shelf.append(
                Shelved(name=got.name, url=got.url, suffix=".xml", whole_only=True, owner=owner)
            )

    def _take_sitemap(self, got: Got, below: str | None = None, depth: int = 0) -> None:
        """The pages of a sitemap, or of those that it names.

        Nobody asked for a sitemap that was come upon: only pages `below` what was asked for
        count, and no lists of pages.
        """
        self._sitemaps += 1
        sort = self._sort(got)
        inner = []
        for entry in self._entries(feeds.Feed(), got):
            link = joined(got.url, entry.link)
            if sort == "sitemap index":
                inner.append(link)
            elif below is None or _is_article(urlsplit(link).path, below):
                self._want(link, modified=dates.written(entry.date))
        if depth < MAX_SITEMAP_DEPTH:
            for link in inner[:MAX_SITEMAPS]:
                if self._sitemaps < MAX_SITEMAPS:
                    self._take_inner(link, below, depth + 1)

    def _take_inner(self, link: str, below: str | None, depth: int) -> None:
        try:
            got = self._web.get(link)
            if self._sort(got) in SITEMAPS:
                self._take_sitemap(got, below, depth)
        except Done:
            raise
        except Unreachable as error:
            self.skipped.append(f"{urlsplit(link).path}: {error}")

    def _entries(self, feed: feeds.Feed, got: Got) -> Iterable[feeds.Entry]:
        try:
            yield from feed.entries(self._bytes(got))
        except feeds.BadFeed as error:
            raise Unreachable(f"{urlsplit(got.url).path} {error}") from error

    def _want(self, url: str, **known: object) -> None:
        if not url or url in self._wanted:
            return
        if not self._web.belongs(url):
            self._elsewhere += 1
        elif len(self._wanted) <= MAX_PAGES:
            self._wanted[url] = Shelved.model_validate({"name": "", **known})

    def _shelve(self, got: Got, known: Shelved) -> None:
        suffix = SUFFIXES.get(got.type)
        if suffix == ".txt" and (ending := ENDING.search(urlsplit(got.url).path)):
            suffix = ending[0].lower()
        if suffix is None:
            raise Unreachable(f"it is no text but {got.type}")
        more = {"name": got.name, "url": got.url, "suffix": suffix, "charset": got.charset}
        self.shelf.append(known.model_copy(update=more))


def _is_article(path: str, below: str) -> bool:
    return path.startswith(below) and path != below and not ARCHIVES.search(path)


def _remove(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
