"""What is made to do harm, in every format: refused or neutralised, with a sentence, in bounds."""

from __future__ import annotations

import json
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from adapters.errors import AdaptersError, BadExport
from adapters.imports import FORMATS, import_chat, list_speakers
from adapters.imports.formats import KNOWN, detect
from adapters.messages import Options, Tally
from tests.adapters.exports import told
from tests.adapters.sayings import JSON, SAYINGS, written

MEGABYTE = 1 << 20
DEEP = 10_000
FORMULA = "=cmd|' /C calc'!A0"
HTML = '<script>alert`x`</script><img src="x" onerror=alert`1`> </div></body> &amp;'
BLANKS = (b" " * 1023 + b"\n") * (17 << 10)
PATHS = ("../../../{}", "/etc/{}", "C:\\Windows\\{}", "a/../../{}", "..\\..\\{}", "~/{}", "./{}")


def put(folder: Path, example: str, content: bytes) -> Path:
    """The file of such an export, in the folder that it needs."""
    path = folder / SAYINGS[example][1]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path if path.parent == folder else folder


def peak_bytes(format: str, path: Path) -> tuple[int, str]:
    """What a reading to the end took at its peak, and the sentence at its end, if there was one."""
    tracemalloc.start()
    try:
        for _ in FORMATS[format](path, Tally(), Options()):
            pass
    except BadExport as error:
        return tracemalloc.get_traced_memory()[1], str(error)
    else:
        return tracemalloc.get_traced_memory()[1], ""
    finally:
        tracemalloc.stop()


def test_every_format_is_here() -> None:
    """Instagram's is Messenger's; of a person's own writing there are no messages."""
    others = {"instagram", "writing"}
    assert {format for format, _, _ in SAYINGS.values()} >= set(KNOWN) - others


@pytest.mark.parametrize("example", SAYINGS)
@pytest.mark.parametrize("text", [FORMULA, HTML, "=1+1,2 | \\u001b \\x1b", "{0.__class__} %s"])
def test_a_message_is_text_whatever_is_in_it(tmp_path: Path, example: str, text: str) -> None:
    messages, _ = told(SAYINGS[example][0], put(tmp_path, example, written(example, text)))
    assert messages[0].text == text


@pytest.mark.parametrize("example", SAYINGS)
def test_bytes_that_are_no_text_do_not_stop_an_import(tmp_path: Path, example: str) -> None:
    content = written(example, "caf~ noir").replace(b"~", b"\xff\xc3")
    path = put(tmp_path, example, content)
    if SAYINGS[example][1].endswith(".json") and example != "signal json":
        with pytest.raises(BadExport, match="no whole JSON"):
            told(SAYINGS[example][0], path)
        return
    messages, _ = told(SAYINGS[example][0], path)
    assert messages[0].text == "caf\ufffd\ufffd noir"


def long_line(example: str, size: int) -> bytes:
    """One message in one line of so many bytes, written without holding what surrounds it twice."""
    begin, _, end = written(example, "~").partition(b"~")
    return begin + b"a" * size + end


@pytest.mark.parametrize("example", SAYINGS)
def test_a_line_that_never_ends_is_refused_in_little_memory(tmp_path: Path, example: str) -> None:
    size = 9 * MEGABYTE if example in JSON else 2 * MEGABYTE
    path = put(tmp_path, example, long_line(example, size))
    peak, sentence = peak_bytes(SAYINGS[example][0], path)
    assert sentence
    assert peak < 60 * MEGABYTE


@pytest.mark.parametrize(
    ("example", "line"),
    [
        *(
            (example, b"a")
            for example in ("signal", "sigtop", "sigtop short", "imessage", "script")
        ),
        ("generic", b'","'),
    ],
)
def test_a_message_of_many_long_lines_is_refused_in_little_memory(
    tmp_path: Path, example: str, line: bytes
) -> None:
    begin, _, end = written(example, "~").partition(b"~")
    lines = (b"a" * 500_000 + line + b"a" * 500_000 + b"\n") * 40
    path = put(tmp_path, example, begin + lines + end)
    peak, sentence = peak_bytes(SAYINGS[example][0], path)
    assert sentence
    assert peak < 30 * MEGABYTE


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("example", SAYINGS)
def test_a_line_of_100_megabytes_is_refused_in_little_memory(tmp_path: Path, example: str) -> None:
    path = put(tmp_path, example, long_line(example, 100 * MEGABYTE))
    peak, sentence = peak_bytes(SAYINGS[example][0], path)
    assert sentence
    assert peak < 60 * MEGABYTE


@pytest.mark.parametrize("example", JSON)
@pytest.mark.parametrize("begin", ["[", '{"a":'])
def test_json_nested_10_000_deep_is_refused_or_unparsed(
    tmp_path: Path, example: str, begin: str
) -> None:
    end = {"[": "]", '{"a":': "}"}[begin]
    deep = (begin * DEEP + "1" + end * DEEP).encode()
    content = written(example, "~").replace(b'"~"', deep)
    format, path = SAYINGS[example][0], put(tmp_path, example, content)
    tally = Tally()
    try:
        assert list(FORMATS[format](path, tally, Options())) == []
    except AdaptersError as error:
        assert str(error)  # noqa: PT017  # either is fine
    else:
        assert tally.bins["unparsed"] == 1


@pytest.mark.parametrize("example", SAYINGS)
def test_names_like_paths_reach_no_path(tmp_path: Path, example: str) -> None:
    format, name, _ = SAYINGS[example]
    content, inner = written(example, "hi"), tmp_path / "a" / "b" / "c"
    inner.mkdir(parents=True)
    for n, place in enumerate(PATHS):
        path = inner / f"{n}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(place.format(name), content)
        before = sorted(tmp_path.rglob("*"))
        try:
            assert told(format, path)[0][0].text == "hi"
        except AdaptersError as error:
            assert str(path) in str(error)  # noqa: PT017  # either is fine
        assert sorted(tmp_path.rglob("*")) == before


def test_a_medium_with_a_name_like_a_path_is_only_a_name(tmp_path: Path) -> None:
    content = written("whatsapp", "\u200e../../../etc/passwd.jpg (file attached)")
    messages, tally = told("whatsapp", put(tmp_path, "whatsapp", content))
    assert (messages, tally.bins["media"]) == ([], 1)


@pytest.mark.parametrize("example", SAYINGS)
def test_a_zip_that_grows_without_end_is_refused(tmp_path: Path, example: str) -> None:
    format, name, _ = SAYINGS[example]
    path = tmp_path / "bomb.zip"
    begin = written(example, "hi").rstrip(b"]}\n") + b"\n"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, begin + BLANKS)
    peak, sentence = peak_bytes(format, path)
    assert sentence
    assert peak < 60 * MEGABYTE


@pytest.mark.parametrize("example", SAYINGS)
def test_every_door_gives_a_sentence_or_an_answer(tmp_path: Path, example: str) -> None:
    """Detection, who speaks, and a whole import of what is not quite an export."""
    format = SAYINGS[example][0]
    good = written(example, "hi")
    for n, content in enumerate(
        (good, good[: len(good) // 2], good * 2, b"\x00" * 99, b"PK\x03\x04")
    ):
        at = tmp_path / str(n)
        at.mkdir()
        path = put(at, example, content)
        for door in (
            lambda path=path: detect(path),
            lambda path=path: list_speakers("auto", path),
            lambda path=path: list_speakers(format, path),
            lambda path=path: import_chat(format, path, "tom", ["Tom"], tmp_path / "home"),
        ):
            try:
                assert door() is not None
            except AdaptersError as error:
                assert str(error)  # noqa: PT017  # either is fine


def test_what_an_import_writes_of_a_formula_is_json(tmp_path: Path) -> None:
    lines = [
        f"31/12/2023, 21:{n:02} - {'Tom' if n % 2 else 'Ann'}: {FORMULA} {n}" for n in range(60)
    ]
    chat = tmp_path / "chat.txt"
    chat.write_text("\n".join(lines), "utf-8")
    import_chat("whatsapp", chat, "tom", ["Tom"], tmp_path)
    rows = [path for path in tmp_path.rglob("*.jsonl") if path.stat().st_size]
    assert rows
    for path in rows:
        for line in path.read_text("utf-8").splitlines():
            assert isinstance(json.loads(line), dict)
