"""What WhatsApp writes into exports in many languages, each phrase in a chat of its own.

Knows how to find out what becomes of a phrase; nothing of where the phrases come from.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from adapters.imports import FORMATS
from adapters.imports.formats import detect
from adapters.messages import Message, Options, Tally
from tests.adapters.exports import zipped

Told = tuple[list[Message], Tally]
UNKNOWN = "nobody checks this"
ANDROID, IOS = "31/12/2023, 21:05 - Ann: {}\n", "[31/12/2023, 21:05:10] Ann: {}\n"


def told(path: Path, format: str = "whatsapp") -> Told:
    tally = Tally()
    messages = list(FORMATS[format](path, tally, Options()))
    assert sum(tally.bins.values()) == tally.lines
    return messages, tally


def written_and_read(folder: Path, text: str) -> Told:
    path = folder / "chat.txt"
    path.write_text(text, "utf-8")
    return told(path)


def marker(kind: str, language: str, phrase: str) -> tuple[Any, Callable[[Path], Any]]:
    """(what is wanted, how it is found) of one phrase in an otherwise plain message."""
    bare = phrase.replace("NAME", "Tom").replace(": F>", ": a.jpg>").replace(" : F>", " : a.jpg>")
    texts = {
        "deleted": (ANDROID.format(bare), "deleted"),
        "edited_suffix": (ANDROID.format(f"hi {bare}"), "edited"),
        "media_omitted_android": (ANDROID.format(bare), "media"),
        "omitted_ios": (IOS.format(f"\u200e{bare}"), "media"),
        "view_once": (ANDROID.format(bare), "media"),
        "attached_android": (ANDROID.format(f"IMG-1.jpg {bare}"), "media"),
        "attached_ios": (IOS.format(f"\u200e{bare}"), "media"),
        "poll": (IOS.format(f"\u200e{bare}\nq\n\u200eOPTION: X (3 votes)"), "media"),
    }
    if kind == "poll" and language == "option":
        return "media", lambda at: _bin(at, IOS.format(f"\u200ePOLL:\nq\n\u200e{bare}"))
    if kind in texts:
        text, wanted = texts[kind]
        return wanted, lambda at: _bin(at, text)
    if kind == "file_names":
        return "whatsapp", lambda at: _recognised(at, bare)
    if kind == "am_pm":
        half, _, _ = phrase.partition(" (")
        return _halves(half), lambda at: _hour(at, half)
    if kind == "date_time_joiners":
        line = f"31/12/2023{phrase.strip(chr(39))}21:05 - Ann: hi\n"
        return "hi", lambda at: written_and_read(at, line)[0][0].text
    return "", lambda _: UNKNOWN


def _bin(folder: Path, text: str) -> str:
    messages, tally = written_and_read(folder, text)
    if tally.edited and [m.text for m in messages] == ["hi"]:
        return "edited"
    full = [name for name, count in tally.bins.items() if count]
    return full[0] if len(full) == 1 else str(full)


def _recognised(folder: Path, name: str) -> str:
    chat = ANDROID.format("hi") * 3
    if name.endswith(".zip"):
        path = zipped(folder / name, {"_chat.txt": chat})
    else:
        path = folder / name
        path.write_text(chat, "utf-8")
    assert told(path)[1].bins["kept"] == 3
    return detect(path).format


def _halves(half: str) -> int:
    return 9 if half[0] in "Aa午上오ص" and half not in ("午後", "오후") else 21


def _hour(folder: Path, half: str) -> int:
    before = half[0] in "午上下오"
    clock = f"{half} 9:05" if before else f"9:05 {half}"
    return written_and_read(folder, f"31/12/2023, {clock} - Ann: hi\n")[0][0].at.hour
