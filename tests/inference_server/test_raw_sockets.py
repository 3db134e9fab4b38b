"""What is hardly HTTP: the server stays up, and calm, whatever arrives at its port."""

from __future__ import annotations

import contextlib
import socket
import time

import pytest

from tests.inference_server.hostile import MARKER

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

TIMEOUT_S = 10.0
BODY = b'{"model": "maya", "messages": [{"role": "user", "content": "' + MARKER.encode() + b'"}]}'
HEAD = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer test-inference-key\r\n"
    b"Content-Type: application/json\r\n"
)
RIGHT_LENGTH = b"Content-Length: %d\r\n\r\n" % len(BODY)


def exchange(port: int, *sent: bytes, half_close: bool = False) -> bytes:
    """What the server says to these bytes until it closes the line or says nothing more."""
    heard = b""
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as line:
        line.settimeout(3.0)
        with contextlib.suppress(OSError):
            for part in sent:
                line.sendall(part)
                time.sleep(0.05)
            if half_close:
                line.shutdown(socket.SHUT_WR)
            while chunk := line.recv(65536):
                heard += chunk
    return heard


@pytest.fixture
def calm(stage):
    """The server answers the same as before, and its log says nothing of what was sent."""
    said, began = stage.says("maya"), stage.server.log.stat().st_size
    yield stage.server.port
    assert stage.says("maya") == said
    log = stage.server.log.read_bytes()[began:].decode()
    assert MARKER not in log
    assert "Traceback" not in log


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc" + b"\0" * 200,
        b"GET\r\n\r\n",
        b"\r\n" * 50 + b"NOT HTTP AT ALL " + MARKER.encode() + b"\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        HEAD + b"Content-Length: -5\r\n\r\n" + BODY,
        HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n" + BODY,
        HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n" + BODY,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzzz\r\n" + BODY + b"\r\n0\r\n\r\n",
        HEAD + b"X-Bad: a\0b\x01\r\n" + RIGHT_LENGTH + BODY,
        HEAD + b"X Bad Name: 1\r\n" + RIGHT_LENGTH + BODY,
    ],
)
def test_what_is_not_http_is_refused_or_hung_up_on(calm, sent):
    heard = exchange(calm, sent)
    assert not heard or heard.startswith(b"HTTP/1.1 4"), heard[:200]


@pytest.mark.parametrize(
    "headers",
    [b"X-Big: " + b"x" * 200_000 + b"\r\n", b"".join(b"X-%d: y\r\n" % i for i in range(20_000))],
)
def test_huge_headers_are_never_an_error_of_the_server(calm, headers):
    heard = exchange(calm, HEAD + headers + RIGHT_LENGTH + BODY)
    assert not heard.startswith(b"HTTP/1.1 5"), heard[:200]


def test_a_request_line_of_a_megabyte_is_no_route(calm):
    heard = exchange(calm, b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert not heard or heard.startswith(b"HTTP/1.1 4"), heard[:200]


def test_two_requests_in_one_packet_are_two_requests(calm):
    short = BODY[:-1] + b', "max_tokens": 2}'
    one = HEAD + b"Content-Length: %d\r\n\r\n" % len(short) + short
    heard = exchange(calm, one + one)
    assert heard.count(b"HTTP/1.1 200") == 2, heard[:400]


def test_a_body_in_crumbs_is_a_body(calm):
    short = BODY[:-1] + b', "max_tokens": 2}'
    crumbs = [short[at : at + 9] for at in range(0, len(short), 9)]
    heard = exchange(calm, HEAD + b"Content-Length: %d\r\n\r\n" % len(short), *crumbs)
    assert heard.startswith(b"HTTP/1.1 200"), heard[:200]


@pytest.mark.parametrize("missing", [b"", BODY[: len(BODY) // 2]])
def test_a_client_that_leaves_in_the_midst_of_its_body_is_forgotten(calm, missing):
    for half_close in (True, False):
        heard = exchange(calm, HEAD + RIGHT_LENGTH + missing, half_close=half_close)
        assert not heard or heard.startswith(b"HTTP/1.1 4"), heard[:200]


def test_a_client_that_leaves_a_stream_unread_is_forgotten(calm, stage):
    asking = BODY[:-1] + b', "stream": true, "ignore_eos": true}'
    for _ in range(10):
        with socket.create_connection(("127.0.0.1", calm), timeout=TIMEOUT_S) as line:
            line.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(asking) + asking)
            line.recv(100)
    began = time.monotonic()
    assert stage.ask("tom").status_code == 200
    assert time.monotonic() - began < TIMEOUT_S
