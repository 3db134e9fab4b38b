"""Which servers are the owner's own."""

from __future__ import annotations

import pytest

from adapters.errors import BadRequest
from adapters.questions.where import address


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://localhost:8000/v1", True),
        ("http://[::1]:8000", True),
        ("http://127.1:8000", True),
        ("http://192.168.1.20:11434", True),
        ("http://10.2.3.4", True),
        ("http://100.100.1.2:8000", True),
        ("http://169.254.1.2:8000", True),
        ("http://[fd12::3]:8000", True),
        ("http://[::ffff:192.168.1.20]:8000", True),
        ("http://[::ffff:8.8.8.8]:8000", False),
        ("https://8.8.8.8", False),
        ("http://134744072", False),
        ("http://[2001:4860:4860::8888]", False),
        ("http://224.0.0.1", False),
        ("https://no-such-name.invalid/v1", False),
    ],
)
def test_what_is_the_owners_own_is_told_by_the_numbers(url: str, own: bool) -> None:
    assert address(url).own == own


@pytest.mark.parametrize(
    ("url", "api"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/v1"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/v1"),
        (" http://127.0.0.1:8000/v1/ ", "http://127.0.0.1:8000/v1"),
        ("https://127.0.0.1/v1beta/openai", "https://127.0.0.1/v1beta/openai"),
    ],
)
def test_an_address_is_good_with_or_without_v1(url: str, api: str) -> None:
    assert address(url).api == api


@pytest.mark.parametrize(
    "url",
    ["", "localhost:8000", "ftp://127.0.0.1", "http://", "http://127.0.0.1:99999", "http://[::1",
     "http://127.0.0.1/v1?key=s3cret", "http://:s3cret@127.0.0.1", "file:///etc/passwd",
     "http://127.0.0.1:9/\x01", "http://[v1.x]/", "http://xn--.invalid",
     "http://127.0.0.1/" + "x" * 70_000, "http://127.0.0.1:8000\\@8.8.8.8"],
)  # fmt: skip
def test_what_is_no_address_is_refused_and_a_key_in_it_is_not_repeated(url: str) -> None:
    with pytest.raises(BadRequest) as refused:
        address(url)
    assert "s3cret" not in str(refused.value)
