"""Where a model's server is: in the owner's own network, or elsewhere.

Knows nothing of what is sent there.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass

import httpx

from adapters.errors import BadRequest


@dataclass(frozen=True, slots=True)
class Address:
    api: str
    """Where OpenAI's routes begin."""
    host: str
    own: bool
    """On this machine, or in a network that is not the internet."""
    encrypted: bool


def address(url: str) -> Address:
    """What a URL says, good with or without /v1 at its end. Raises BadRequest.

    Names are looked up: one that leads to a single address elsewhere, or to none, is not ours.
    """
    parsed = _parsed(url)
    host = parsed.raw_host.decode("ascii")
    numbers = _numbers(host)
    # Some servers have their routes elsewhere, as …/v1beta/openai or …/api/v3.
    path = parsed.path.rstrip("/") or "/v1"
    return Address(
        api=str(parsed.copy_with(path=path)),
        host=host,
        own=bool(numbers) and not any(_elsewhere(number) for number in numbers),
        encrypted=parsed.scheme == "https",
    )


def _parsed(url: str) -> httpx.URL:
    wrong = "the model's address must look like http://127.0.0.1:8000 or https://example.com/v1"
    try:
        parsed = httpx.URL(url.strip())
        named = bool(parsed.host) and 0 < (parsed.port or 80) < 1 << 16
    except (httpx.InvalidURL, ValueError) as error:
        raise BadRequest(wrong) from error
    if parsed.scheme not in ("http", "https") or not named or parsed.query or parsed.fragment:
        raise BadRequest(wrong)
    if parsed.userinfo:
        raise BadRequest("leave the key out of the address; QUESTIONS_API_KEY is the place for it")
    return parsed


IP = ipaddress.IPv4Address | ipaddress.IPv6Address


def _numbers(host: str) -> list[IP]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [_plain(ipaddress.ip_address(str(where[0]).partition("%")[0])) for *_, where in found]


def _plain(number: IP) -> IP:
    """An IPv4 address that is written as IPv6 is that IPv4 address."""
    return getattr(number, "ipv4_mapped", None) or number


def _elsewhere(number: IP) -> bool:
    return number.is_global or number.is_multicast
