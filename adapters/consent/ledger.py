"""$UNDERSTUDY_HOME/consent.toml: who agreed to what and when, and who withdrew it.

Entries are only ever added and read from top to bottom, so that nothing of the history is lost,
nor what a person wrote into the file by hand. A file that can't be understood is no consent of
anybody's. Knows nothing of datasets or versions.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from adapters.errors import BadLedger, BadRequest, writing
from adapters.folders import beside, locked, sync

from .agreements import PURPOSES, Agreed, Entry, Ledger, Withdrew

LEDGER = "consent.toml"
HEADER = """\
# Who agreed to what, from top to bottom: who withdrew has withdrawn all that stands above.
# `understudy consent` only ever adds to this file; correct it by hand where it is wrong.
"""
ENTRY = re.compile(r"^\s*\[\[\s*entry\s*\]\]", re.MULTILINE)
MAX_BYTES = 8 * 1024**2


def read(home: Path) -> Ledger:
    """The home's ledger, empty where there is none. Raises BadLedger."""
    path = home / LEDGER
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return Ledger()
    except OSError as error:
        raise BadLedger(_unusable(path, error.strerror or str(error))) from error
    if len(content) > MAX_BYTES:
        raise BadLedger(_unusable(path, f"it is larger than {MAX_BYTES >> 20} MiB"))
    try:
        return _parsed(path, content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise BadLedger(_unusable(path, f"it is not UTF-8 (line {line})")) from error


def _parsed(path: Path, text: str) -> Ledger:
    try:
        found = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadLedger(_unusable(path, str(error)[:200])) from error
    entries = found.pop("entry", [])
    if found or not isinstance(entries, list):
        odd = next(iter(found), "entry")
        raise BadLedger(_unusable(path, f"{odd[:40]!r} is not an [[entry]]"))
    return Ledger([_entry(path, text, place, fields) for place, fields in enumerate(entries)])


def _entry(path: Path, text: str, place: int, fields: Any) -> Entry:
    kind = Withdrew if isinstance(fields, dict) and "withdrew" in fields else Agreed
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        what = ".".join(map(str, first["loc"])) or "the entry"
        reason = f"{what[:40]}: {first['msg'].removeprefix('Value error, ')}"
        raise BadLedger(_unusable(path, f"{reason} ({_line(text, place)})")) from error


def _line(text: str, place: int) -> str:
    """Where in the file an entry begins."""
    begins = [found.end() for found in ENTRY.finditer(text)]
    if place >= len(begins):
        return f"entry {place + 1}"
    return f"the entry at line {text.count(chr(10), 0, begins[place]) + 1}"


def _unusable(path: Path, reason: str) -> str:
    return (
        f"{path} can't be understood, so nobody counts as having agreed: {reason}; correct it "
        "there; without it nobody has agreed, and who withdrew is forgotten"
    )


def told(home: Path) -> tuple[bool, str]:
    """Whether the home's ledger can be understood, and in a sentence what of it."""
    try:
        ledger = read(home)
    except BadLedger as error:
        return False, str(error)
    who = ", ".join(dict.fromkeys(entry.who for entry in ledger.standing))
    return True, f"{who} agreed" if who else "nobody agreed to anything yet"


@contextmanager
def held(home: Path) -> Iterator[None]:
    """Nobody else changes or relies on the ledger meanwhile. Raises NotWritable."""
    with ExitStack() as stack:
        with writing(home):
            stack.enter_context(locked(home / LEDGER, wait=True, purpose="use"))
        yield


def grant(
    home: Path,
    who: str,
    *,
    also: Iterable[str] = (),
    persona: str | None = None,
    to: Iterable[str] = PURPOSES,
    note: str = "",
    by: str | None = None,
) -> bool:
    """Write down that somebody agreed; False where it stands there already.

    As the subject of `persona`, or without one as a third party. Raises BadLedger, BadRequest,
    NotWritable.
    """
    fields: dict[str, Any] = {
        "who": who,
        "also": tuple(dict.fromkeys(also)),
        "role": "third party" if persona is None else "subject",
        "persona": persona,
        "to": tuple(dict.fromkeys(to)),
        "agreed": now(),
        "note": note,
        "by": _user() if by is None else by,
    }
    try:
        entry = Agreed.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadRequest(f"{first['loc'][0] if first['loc'] else 'it'}: {first['msg']}") from None
    with held(home):
        if any(_says(standing, entry) for standing in read(home).standing):
            return False
        _add(home, entry)
    return True


def withdraw(home: Path, who: str, also: Iterable[str] = (), by: str | None = None) -> None:
    """Write down that somebody withdrew whatever they agreed to; `held` comes first."""
    who_by = _user() if by is None else by
    _add(home, Withdrew(who=who, also=tuple(also), withdrew=now(), by=who_by))


def _says(standing: Agreed, entry: Agreed) -> bool:
    """Whether a standing agreement says all that another one does."""
    return (
        (standing.persona, standing.note) == (entry.persona, entry.note)
        and standing.names >= entry.names
        and set(standing.to) >= set(entry.to)
    )


def _add(home: Path, entry: Entry) -> None:
    """At the end, as text: comments and all that a person has written stay as they are."""
    path = home / LEDGER
    read(home)  # nothing is added to what can't be understood
    before = path.read_text("utf-8-sig") if path.exists() else HEADER
    fields = entry.model_dump(mode="json", exclude_defaults=True)
    moments = {"agreed", "withdrew"}
    lines = [f"{k} = {v if k in moments else _toml(v)}" for k, v in fields.items()]
    text = "\n".join([before.rstrip(), "", "[[entry]]", *lines, ""])
    if len(text.encode()) > MAX_BYTES:
        raise BadRequest(f"{path} would become larger than {MAX_BYTES >> 20} MiB")
    _parsed(path, text)
    with writing(home), beside(path) as temporary:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync(home)


def _toml(value: Any) -> str:
    """A string or a list of them on one line; a string of JSON is one of TOML."""
    said = json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return said.encode("utf-8", "replace").decode()


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
