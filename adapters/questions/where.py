"""Where a model's server is: in the owner's own network, or elsewhere.

Knows nothing of what is sent there.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

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
    parts = _parts(url)
    host = (parts.hostname or "").rstrip(".")
    numbers = _numbers(host)
    path = parts.path.rstrip("/")
    root = f"{parts.scheme}://{parts.netloc}{path}"
    return Address(
        # Some servers have their routes elsewhere, as …/v1beta/openai or …/api/v3.
        api=root if path else f"{root}/v1",
        host=host,
        own=bool(numbers) and not any(_elsewhere(number) for number in numbers),
        encrypted=parts.scheme == "https",
    )


def _parts(url: str) -> SplitResult:
    wrong = "the model's address must look like http://127.0.0.1:8000 or https://example.com/v1"
    try:
        parts = urlsplit(url.strip())
        named = bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise BadRequest(wrong) from error
    if parts.scheme not in ("http", "https") or not named or parts.query or parts.fragment:
        raise BadRequest(wrong)
    if parts.username is not None or parts.password is not None:
        raise BadRequest("leave the key out of the address; QUESTIONS_API_KEY is the place for it")
    return parts


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
