"""Pages of one site, fetched as a polite guest does, one at a time, and kept on disk.

Robots.txt is obeyed, a second or what the site asks for lies between two requests, Retry-After is
waited for. Only http and https, only hosts that belong together, never a private address that was
not asked for. A page that is on disk is not fetched again. Knows nothing of feeds or documents.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urldefrag, urlsplit
from urllib.robotparser import RobotFileParser

import httpx

from .address import Address
from .manners import (
    LEAST_GAP_S,
    NAME,
    Host,
    joined,
    private,
    refusal,
    resolved,
    retry_after,
    user_agent,
)

LONGEST_GAP_S = 120.0
TIMEOUT_S, LONGEST_ANSWER_S, LONGEST_VISIT_S = 30.0, 120.0, 6 * 3600.0
PAUSES_S, LONGEST_PAUSE_S = (10.0, 30.0), 600.0
"""For a host that is busy and does not say how long."""
MAX_REDIRECTS = 5
MAX_PAGE_BYTES, MAX_SITE_BYTES = 16 << 20, 2 << 30
MAX_ROBOTS_BYTES = 512 << 10
BUSY = (429, 503)
NOTHING = b"User-agent: *\nDisallow: /"
PACKINGS = ("", "identity", "gzip")
ACCEPT = "text/html, application/xhtml+xml, application/xml;q=0.9, text/*;q=0.8, */*;q=0.1"

Resolve = Callable[[str, int], Iterable[str]]


class Unreachable(Exception):
    """A page that can't be had; says why."""


class Away(Unreachable):
    """The site does not answer at all."""


class Done(Unreachable):
    """A bound of the whole visit is reached: no page more."""


@dataclass(frozen=True)
class Got:
    """A page on disk."""

    url: str
    """Where it was found in the end."""
    type: str
    charset: str
    name: str
    """Its file's."""


class Web:
    def __init__(
        self,
        given: Address,
        folder: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        resolve: Resolve = resolved,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._given = given
        self._folder = folder
        self._clock, self._sleep, self._resolve = clock, sleep, resolve
        self._ends = clock() + LONGEST_VISIT_S
        self._hosts: dict[str, Host] = {}
        self._free_at: dict[str, float] = {}
        self._family = {given.name}
        self._bytes = sum(file.stat().st_size for file in folder.glob("*.page"))
        self._client = httpx.Client(
            transport=transport, timeout=TIMEOUT_S, trust_env=False, follow_redirects=False,
            headers={"User-Agent": user_agent(), "Accept": ACCEPT, "Accept-Encoding": "gzip"},
        )  # fmt: skip

    def close(self) -> None:
        self._client.close()

    def admit(self, url: str) -> None:
        """Pages of this host belong to the site, too."""
        if host := urlsplit(url).hostname:
            self._family.add(host)

    def belongs(self, url: str) -> bool:
        return urlsplit(url).hostname in self._family

    def get(self, url: str, *, given: bool = False) -> Got:
        """A page, from disk where it is there. The `given` one may lead to another host.

        Raises Unreachable.
        """
        url = urldefrag(url).url
        if got := self._kept(url):
            if given:
                self.admit(got.url)
            return got
        found, headers, body = self._follow(url, given=given)
        if given:
            self.admit(found)
        return self._keep(url, found, headers, body)

    def sitemaps(self, url: str) -> list[str]:
        """What the robots.txt of a page's host names. Raises Unreachable."""
        return self._host(url).robots.site_maps() or []

    def path(self, got: Got) -> Path:
        return self._folder / got.name

    def _follow(self, url: str, *, given: bool) -> tuple[str, httpx.Headers, bytes]:
        for _ in range(MAX_REDIRECTS + 1):
            host = self._host(self._fit(url, given=given))
            if not host.robots.can_fetch(NAME, url):
                raise Unreachable("the site's robots.txt forbids it to programs")
            answer, body = self._asked(url, host.gap_s, MAX_PAGE_BYTES)
            if not answer.has_redirect_location:
                if answer.status_code != 200:
                    raise Unreachable(refusal(answer.status_code))
                return url, answer.headers, body
            url = joined(url, answer.headers["Location"])
        raise Unreachable(f"it leads on and on, more than {MAX_REDIRECTS} times")

    def _fit(self, url: str, *, given: bool) -> str:
        """The address itself, if it may be asked. Raises Unreachable."""
        try:
            parts = urlsplit(url)
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:
            raise Unreachable("its address can't be read") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise Unreachable("its address is none of the open web")
        if not given and not self.belongs(url):
            raise Unreachable("it is on another host")
        try:
            places = list(self._resolve(parts.hostname, port))
        except (OSError, UnicodeError):
            raise Away(
                f"there is no host {parts.hostname}, or no way to the network; check both"
            ) from None
        if any(private(place) for place in places) and not self._is_given(parts.hostname, port):
            raise Unreachable("it leads to a private address, where only you may send it")
        return url

    def _is_given(self, host: str, port: int) -> bool:
        parts = urlsplit(self._given.url)
        given = parts.port or (443 if parts.scheme == "https" else 80)
        return (host, port) == (parts.hostname, given)

    def _host(self, url: str) -> Host:
        parts = urlsplit(url)
        place = f"{parts.scheme}://{parts.netloc}"
        if place not in self._hosts:
            self._hosts[place] = Host(self._robots(f"{place}/robots.txt"))
            if self._hosts[place].gap_s > LONGEST_GAP_S:
                raise Done(
                    f"{parts.hostname} asks for {self._hosts[place].gap_s:.0f} s between two "
                    "pages; ask its owner for the texts, or copy them by hand"
                )
        return self._hosts[place]

    def _robots(self, url: str) -> RobotFileParser:
        """What robots.txt says; where there is none, all is open. Raises Unreachable."""
        got = self._kept(url)
        body = self.path(got).read_bytes() if got else self._robots_body(url)
        robots = RobotFileParser(url)
        try:
            robots.parse(body.decode("utf-8", "replace").splitlines())
        except ValueError as error:
            raise Away(f"what {urlsplit(url).hostname} allows can't be read: {error}") from error
        if not got:
            self._keep(url, url, httpx.Headers(), body)
        return robots

    def _robots_body(self, url: str) -> bytes:
        asked = url
        for _ in range(MAX_REDIRECTS + 1):
            answer, body = self._asked(asked, LEAST_GAP_S, MAX_ROBOTS_BYTES, cut=True)
            if not answer.has_redirect_location:
                break
            asked = self._fit(joined(asked, answer.headers["Location"]), given=True)
        if answer.status_code in (401, 403):
            return NOTHING
        if answer.status_code >= 500:
            why = f"can't say what it allows ({answer.status_code}); try later"
            raise Away(f"{urlsplit(url).hostname} {why}")
        return body if answer.status_code == 200 else b""

    def _asked(
        self, url: str, gap_s: float, most: int, *, cut: bool = False
    ) -> tuple[httpx.Response, bytes]:
        """One answer, after the pauses that the host asks for."""
        for otherwise_s in (*PAUSES_S, None):
            self._wait(url)
            try:
                answer, body = self._answer(url, most, cut=cut)
            except httpx.InvalidURL as error:
                raise Unreachable("its address can't be read") from error
            except httpx.HTTPError as error:
                raise Away(f"{urlsplit(url).hostname} does not answer: {error}") from error
            finally:
                self._free_at[urlsplit(url).netloc] = self._clock() + gap_s
            if answer.status_code not in BUSY or otherwise_s is None:
                break
            pause_s = retry_after(answer) or otherwise_s
            if pause_s > LONGEST_PAUSE_S:
                raise Done(f"{urlsplit(url).hostname} asks to come back in {pause_s / 60:.0f} min")
            self._free_at[urlsplit(url).netloc] = self._clock() + max(gap_s, pause_s)
        return answer, body

    def _wait(self, url: str) -> None:
        now = self._clock()
        if now > self._ends:
            raise Done(f"it takes more than {LONGEST_VISIT_S / 3600:.0f} hours")
        if self._bytes > MAX_SITE_BYTES:
            raise Done(f"the site is larger than {MAX_SITE_BYTES >> 30} GiB")
        if (pause_s := self._free_at.get(urlsplit(url).netloc, now) - now) > 0:
            self._sleep(pause_s)

    def _answer(self, url: str, most: int, *, cut: bool) -> tuple[httpx.Response, bytes]:
        ends = self._clock() + LONGEST_ANSWER_S
        body = bytearray()
        with self._client.stream("GET", url) as answer:
            self._check_peer(answer, url)
            if answer.status_code == 200:
                self._check_packing(answer)
                for portion in answer.iter_bytes():
                    body += portion
                    if len(body) > most and not cut:
                        raise Unreachable(f"it is larger than {most >> 20} MiB")
                    if len(body) > most:
                        break
                    if self._clock() > ends:
                        raise Unreachable(f"it takes longer than {LONGEST_ANSWER_S:.0f} s")
        return answer, bytes(body[:most])

    def _check_peer(self, answer: httpx.Response, url: str) -> None:
        """A host's name may have come to mean another address since it was looked up."""
        stream = answer.extensions.get("network_stream")
        peer = stream.get_extra_info("server_addr") if stream else None
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        if peer and private(str(peer[0])) and not self._is_given(parts.hostname or "", port):
            raise Unreachable("it leads to a private address, where only you may send it")

    def _check_packing(self, answer: httpx.Response) -> None:
        """What is packed over and over, or as was not asked for, might fill memory at once."""
        packing = answer.headers.get("Content-Encoding", "").strip().lower()
        if packing not in PACKINGS:
            raise Unreachable(f"it is packed as {packing[:40]!r}, which was not asked for")

    def _kept(self, url: str) -> Got | None:
        try:
            said = json.loads((self._folder / f"{_digest(url)}.json").read_bytes())
            return Got(**said)
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def _keep(self, asked: str, url: str, headers: httpx.Headers, body: bytes) -> Got:
        """On disk; the note that it is whole comes last."""
        digest = _digest(asked)
        type_, _, more = headers.get("Content-Type", "").partition(";")
        charset = more.partition("charset=")[2].strip(" \"'")[:30]
        got = Got(url, type_.strip().lower(), charset, f"{digest}.page")
        self.path(got).write_bytes(body)
        fresh = self._folder / f"{digest}.new"
        fresh.write_text(json.dumps(asdict(got)), "utf-8")
        fresh.rename(self._folder / f"{digest}.json")
        self._bytes += len(body)
        return got


def _digest(url: str) -> str:
    return hashlib.sha256(url.encode("utf-8", "replace")).hexdigest()[:32]
