"""Values picked out of a JSON of any size as it streams by, in bounded memory.

Refuses with a sentence what no exporter writes: deep nesting, endless strings, a key twice, NaN.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import IO, Any

import ijson

from adapters.errors import BadExport

from .entries import Export

CHUNK_BYTES = 1 << 16
MAX_DEPTH = 64
MAX_SILENT_BYTES = 8 << 20
"""Bytes without one JSON event: nothing but a string (or blanks) is as long."""
MAX_EVENTS = 1_000_000
"""In one picked value: a message is a few dozen."""
BOM = b"\xef\xbb\xbf"

Picked = tuple[str, Any]
OPEN, CLOSE = ("start_map", "start_array"), ("end_map", "end_array")


def picked(export: Export, name: str, wanted: Collection[str]) -> Iterator[Picked]:
    """(prefix, value) of every value at one of the wanted prefixes, such as `messages.item`.

    Values within a picked one are part of it and not told again.
    """
    with export.open(name) as file:
        try:
            yield from _picked(_events(file, name), frozenset(wanted), name)
        except ijson.IncompleteJSONError as error:
            raise BadExport(f"{name} is no whole JSON: {_first_line(error)}") from error
        except (ijson.JSONError, ValueError, ArithmeticError) as error:
            raise BadExport(f"{name} is no valid JSON: {_first_line(error)}") from error


def json_lines(export: Export, name: str) -> Iterator[tuple[int, str, Any]]:
    """(number, line, value) of every line of JSON; the value is None where it is no JSON object."""
    for number, line in enumerate(export.lines(name), 1):
        if line.strip():
            yield number, line, _parsed(line)


def _parsed(line: str) -> Any:
    try:
        value = json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _first_line(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return (text.strip().splitlines() or ["it can't be read"])[0][:200]


def _events(file: IO[bytes], name: str) -> Iterator[tuple[str, str, Any]]:
    """The parser's own events, from chunks: so that a value without end is noticed in time."""
    events = ijson.sendable_list()
    # Numbers as the machine has them: of an integer without end the parser would die.
    parser = ijson.parse_coro(events, use_float=True)
    silent, chunk = 0, file.read(CHUNK_BYTES).removeprefix(BOM)
    while chunk:
        parser.send(chunk)
        silent = 0 if events else silent + len(chunk)
        if silent > MAX_SILENT_BYTES:
            raise BadExport(f"a text in {name} is longer than {MAX_SILENT_BYTES >> 20} MiB")
        yield from events
        del events[:]
        chunk = file.read(CHUNK_BYTES)
    parser.close()
    yield from events


def _picked(
    events: Iterator[tuple[str, str, Any]], wanted: frozenset[str], name: str
) -> Iterator[Picked]:
    depth = 0
    for prefix, event, value in events:
        if event in OPEN:
            if prefix in wanted:
                yield prefix, _built(events, event, depth, name)
                continue
            depth += 1
            _check(depth, name)
        elif event in CLOSE:
            depth -= 1
        elif prefix in wanted and event != "map_key":
            yield prefix, value


def _built(events: Iterator[tuple[str, str, Any]], first: str, depth: int, name: str) -> Any:
    """The value that was just opened, whole."""
    root: Any = {} if first == "start_map" else []
    open_, keys, key = [root], [""], ""
    for count, (_, event, value) in enumerate(events):
        if event == "map_key":
            key = value
            if key in open_[-1]:
                raise BadExport(f"{name} says {key!r} twice in one record")
            continue
        if event in CLOSE:
            open_.pop()
            keys.pop()
            if not open_:
                return root
            continue
        new = {} if event == "start_map" else [] if event == "start_array" else value
        into = open_[-1]
        if isinstance(into, dict):
            into[key] = new
        else:
            into.append(new)
        if event in OPEN:
            open_.append(new)
            keys.append(key)
            _check(depth + len(open_), name)
        if count > MAX_EVENTS:
            raise BadExport(f"one record of {name} has more than {MAX_EVENTS:,} values")
    raise BadExport(f"{name} ends in the middle of a record")


def _check(depth: int, name: str) -> None:
    if depth > MAX_DEPTH:
        raise BadExport(f"{name} is nested more than {MAX_DEPTH} deep; this is not a chat export")
