"""What a polite guest of a site knows: who it is, how often it may ask, what an answer asks of it.

Knows nothing of pages, files or connections.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterable
from datetime import datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from math import inf
from urllib.parse import urldefrag, urljoin, urlsplit
from urllib.robotparser import RobotFileParser

import httpx

NAME = "understudy"
LEAST_GAP_S = 1.0
TRANSLATED = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "::/96")))
"""An address of the old kind is the end of these."""


class Host:
    """What one host asks of its guests, and when it may be asked again."""

    def __init__(self, robots: RobotFileParser) -> None:
        delay, rate = robots.crawl_delay(NAME), robots.request_rate(NAME)
        try:
            between_s = rate.seconds / rate.requests if rate and rate.requests else 0
            self.gap_s = max(LEAST_GAP_S, float(delay or 0), between_s)
        except OverflowError:  # hundreds of digits
            self.gap_s = inf
        self.robots = robots


def resolved(host: str, port: int) -> Iterable[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def joined(page: str, link: str) -> str:
    """The address that a link on a page means; "" where it means none."""
    try:
        url = urldefrag(urljoin(page, link.strip())).url
        _ = urlsplit(url).port
    except ValueError:
        return ""
    return url


def user_agent() -> str:
    try:
        return f"{NAME}/{version(NAME)}"
    except PackageNotFoundError:
        return NAME


def private(place: str) -> bool:
    address = ipaddress.ip_address(place.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        lower = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        within = lower if any(address in net for net in TRANSLATED) else address.sixtofour
        return not (within or address).is_global
    return not address.is_global


def refusal(status: int) -> str:
    if status in (404, 410):
        return "there is no such page (any more)"
    if status in (401, 402, 403):
        return f"the site shows it to members only ({status})"
    return f"the site answers {status}"


def retry_after(answer: httpx.Response) -> float | None:
    said = answer.headers.get("Retry-After", "")
    try:
        return max(0.0, float(said))
    except ValueError:
        pass
    try:
        until: datetime = parsedate_to_datetime(said)
        return max(0.0, until.timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None
