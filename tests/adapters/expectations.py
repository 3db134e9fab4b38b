"""Every single expectation that other parsers' tests have of their exports, as a case to check.

Walks the files of expectations below ../shared/data, which are no part of the project. Knows
nothing of which ones we disagree with.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapters.errors import BadExport
from adapters.imports.dates import ASSUMED
from adapters.imports.whatsapp.survey import survey
from adapters.messages import Options, Tally
from tests.adapters.phrases import UNKNOWN, Told, marker, told, written_and_read

FORMAT_OF = {"instagram": "instagram", "telegram": "telegram", "whatsapp": "whatsapp"}
"""The folder of a peer's target.json → the format of the exports beside it."""


@dataclass(frozen=True)
class Case:
    name: str
    wanted: Any
    found: Callable[[Path], Any]
    """What we say, given an empty folder to write in."""


def files(shared: Path) -> list[Path]:
    """All that holds expectations, at any depth, by its name."""
    named = re.compile(r"(?i).*(?:expect|target|support|markers).*\.json")
    return sorted(path for path in shared.rglob("*.json") if named.fullmatch(path.name))


def cases(file: Path) -> Iterator[Case]:
    """All of one file. Raises KeyError for a kind of file that nobody has read yet."""
    walk = {
        "EXPECTED.json": _expected,
        "target.json": _target,
        "header_format_support.json": _headers,
        "formats_expected.json": _formats,
        "LOCALE_MARKERS.json": _markers,
    }[file.name]
    yield from walk(file, json.loads(file.read_text("utf-8")))


def _heads(tally: Tally) -> int:
    """Messages of persons and of the app, as most peers count them."""
    return tally.lines - tally.bins["merged"]


FIGURES: dict[str, Callable[[Told], Any]] = {
    "n": lambda told: _heads(told[1]),
    "n_headers": lambda told: _heads(told[1]),
    "date_order": lambda told: told[1].date_order,
    "media": lambda told: told[1].bins["media"],
    "edited": lambda told: told[1].edited,
    "deleted": lambda told: told[1].bins["deleted"],
    "first_month": lambda told: told[0][0].at.month,
    "Alice_messages": lambda told: sum(m.speaker == "Alice" for m in told[0]),
    "user_messages": lambda told: len(told[0]),
    "authors": lambda told: sorted({m.speaker for m in told[0]}),
    "first_kept_message": lambda told: told[0][0].text,
}
NO_FIGURES = ("from", "note")


def _expected(file: Path, wanted: Any) -> Iterator[Case]:
    for place, figures in wanted.items():
        if not isinstance(figures, dict):
            continue
        for name, figure in figures.items():
            if name not in NO_FIGURES:
                yield from _figure(file, place, name, figure)


def _figure(file: Path, place: str, name: str, wanted: Any) -> Iterator[Case]:
    path, label = file.parent / place, f"{place} {name}"
    if name in FIGURES:
        yield Case(label, wanted, lambda _: FIGURES[name](told(path)))
    elif name == "senders_include":
        for who in wanted:
            yield Case(f"{label} {who}", True, lambda _, who=who: who in _speakers(path))
    elif name == "kinds":
        people = wanted.pop("message")
        yield Case(f"{label} of people", people, lambda _: _of_people(path))
        app, whole = sum(wanted.values()), "system" in wanted
        yield Case(f"{label} of the app", app, lambda _: _of_app(path, None if whole else app))
    elif name == "multi_line_contains":
        yield Case(label, True, lambda _: any(wanted in m.text for m in told(path)[0]))
    elif name == "group_name":
        yield Case(label, {wanted}, lambda _: survey(path, Options()).groups)
    elif name == "platform":
        yield Case(label, wanted, lambda _: _platform(path))
    elif name == "system_author":
        yield Case(label, False, lambda _: wanted in _speakers(path))
    elif name == "messages":
        for n, row in enumerate(wanted):
            yield Case(f"{label} {n}", _row(row), lambda _, n=n: _read_row(path, n))
    elif name == "target":
        yield Case(label, True, lambda _: (file.parent / wanted).is_file())
    else:
        yield Case(label, wanted, lambda _: UNKNOWN)


def _speakers(path: Path) -> set[str]:
    return {message.speaker for message in told(path)[0]}


def _of_people(path: Path) -> int:
    bins = told(path)[1].bins
    return bins["kept"] + bins["media"] + bins["deleted"]


def _of_app(path: Path, most: int | None) -> int:
    """Lines of the app; no more of them than the peer counts, where it does not count all kinds."""
    count = told(path)[1].bins["system"]
    return count if most is None else min(count, most)


def _platform(path: Path) -> str:
    return "android" if "dash" in survey(path, Options()).kinds else "ios"


def _row(row: list[str]) -> tuple[str, str, list[int], list[int]]:
    """Who, what, and the numbers of day and time however the peer orders them."""
    who, written, text = row
    day, _, clock = written.partition(", ")
    hour, *rest = map(int, re.findall(r"\d+", clock))
    return who, text, sorted(int(n) % 100 for n in re.findall(r"\d+", day)), [hour % 12, *rest]


def _read_row(path: Path, n: int) -> tuple[str, str, list[int], list[int]]:
    message = told(path)[0][n]
    at = message.at
    second = [at.second] if at.second else []
    numbers = sorted((at.day, at.month, at.year % 100))
    return message.speaker, message.text, numbers, [at.hour % 12, at.minute, *second]


def _target(file: Path, rows: Any) -> Iterator[Case]:
    """A table that every export beside it must give."""
    place = file.parent.name
    wanted = [(row["timestamp"], row["author"], row["message"]) for row in rows]
    for path in sorted(file.parent.iterdir()):
        if path == file:
            continue
        read = _table_of(path, FORMAT_OF[place])
        label = f"{place}/{path.name}"
        yield Case(f"{label} order", [at for at, _, _ in wanted], lambda _, r=read: [
            at for at, _, _ in r()
        ])  # fmt: skip
        for row in wanted:
            yield Case(f"{label} {row[0]}", True, lambda _, r=read, row=row: row in r())


def _table_of(path: Path, format: str) -> Callable[[], list[tuple[str, str, str]]]:
    return lambda: [
        (_wall(m.at).isoformat(timespec="seconds"), m.speaker, m.text)
        for m in told(path, format)[0]
    ]


def _wall(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at


def _headers(file: Path, formats: Any) -> Iterator[Case]:
    moments = [datetime(2019 + n // 6, 1 + n % 6 * 2, 9 + n, n, n, n) for n in range(18)]
    for row in formats:
        layout = row["format"]
        exact = "%S" in layout
        wanted = [moment if exact else moment.replace(second=0) for moment in moments]
        written = [m.strftime(layout.replace("%name", "Ann Lee")) + " hi\n" for m in moments]
        yield Case(
            f"{file.name} {layout}",
            [(moment, "Ann Lee", "hi") for moment in wanted],
            lambda at, written=written: [m[:3] for m in written_and_read(at, "".join(written))[0]],
        )


def _formats(file: Path, peer: Any) -> Iterator[Case]:
    for n, row in enumerate(peer["formats"]):
        at = datetime.fromisoformat(row["utc_if_local_is_utc"]).replace(tzinfo=None)
        yield _line(f"format {n}", [(at, row["author"], row["message"])], row["line"])
    for n, row in enumerate(peer["attachments"]):
        name = row["expected_attachment"]
        yield Case(f"attachment {n}", name, lambda at, row=row: _attached(at, row))
    example = file.parent / peer["chatExample"]["file"]
    for key, found in {
        "n_messages": lambda _: _heads(told(example)[1]),
        "last_message": lambda _: told(example)[0][-1].text,
        "system": lambda _: list(range(told(example)[1].bins["system"])),
    }.items():
        yield Case(f"chatExample {key}", peer["chatExample"][key], found)
    lines = "\n".join(peer["multiline"]["lines"])
    yield Case("multiline expected_n", peer["multiline"]["expected_n"],
               lambda at: len(written_and_read(at, lines)[0]))  # fmt: skip
    yield Case("multiline expected_body", peer["multiline"]["expected_body"],
               lambda at: written_and_read(at, lines)[0][0].text)  # fmt: skip
    empty = peer["empty_message_not_system"]
    yield _line("empty_message_not_system", [(datetime(2017, 2, 3, 18, 42), "Luke", "")], empty)
    lasting = peer["issue_237"]
    times = [when.removesuffix(".000Z") for when in lasting["expected_utc"]]
    yield Case("issue_237", times, lambda at: _times(at, lasting["text"]))
    orders = {"above12_dayfirst": "dmy", "above12_monthfirst": "mdy", "undetectable": ASSUMED}
    for name, wanted in orders.items():
        dates = peer["date_order_rules"][name]
        yield Case(f"date_order_rules {name}", wanted, lambda at, dates=dates: _decided(at, dates))


def _line(name: str, wanted: list[Any], text: str) -> Case:
    return Case(name, wanted, lambda at: [m[:3] for m in written_and_read(at, text)[0]])


def _times(folder: Path, text: str) -> list[str]:
    return [message.at.isoformat() for message in written_and_read(folder, text)[0]]


def _attached(folder: Path, row: dict[str, str]) -> str:
    """The name, where it was taken for a medium's and is nobody's words."""
    messages, tally = written_and_read(folder, row["line"])
    name = row["expected_attachment"]
    spoken = any(name in message.text for message in messages)
    return name if tally.bins["media"] == 1 and not spoken else ""


def _decided(folder: Path, dates: list[list[int]]) -> str | None:
    lines = "".join(f"{a}/{b}/{c}, 10:00 - a: m\n" for a, b, c in dates)
    tally = written_and_read(folder, lines)[1]
    return ASSUMED if tally.date_order_reason == ASSUMED else tally.date_order


def _markers(file: Path, markers: Any) -> Iterator[Case]:
    del file
    for kind, phrases in markers.items():
        of_language = phrases.items() if isinstance(phrases, dict) else [("", phrases)]
        for language, some in of_language if kind != "_about" else ():
            for phrase in some if isinstance(some, list) else [some]:
                wanted, found = marker(kind, language, phrase)
                yield Case(f"{kind} {language} {phrase}", wanted, found)


def refused(case: Case, folder: Path) -> Any:
    """What we say, or the sentence with which we refuse."""
    try:
        return case.found(folder)
    except BadExport as error:
        return f"refused: {error}"
