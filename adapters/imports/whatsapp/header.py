"""How a WhatsApp line that begins a message looks, on every phone and in every locale known.

31/12/2023, 21:05 - Maya: text                Android
[31/12/2023, 21:05:10] Maya: text             iOS
31.12.23 21.05.10: Maya: text                 weak: only where no line has a dash or brackets
"""

from __future__ import annotations

import re
from datetime import time
from typing import Literal

MARKS = "\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufeff"
"""Invisible direction marks (and a byte order mark left by joining files)."""
SPACE = " \t\u00a0\u202f\u2009"
HALF = rf"[AaPp]\.?[{SPACE}]?[Mm](?![a-z])\.?|午前|午後|上午|下午|오전|오후|ص|م"
AFTERNOON = re.compile(r"[Pp]|午後|下午|오후|م")

HEADER = re.compile(
    rf"""
    [{MARKS}]{{0,8}}
    (?P<open>\[)?[{MARKS}]{{0,8}}
    (?P<date>\d{{1,4}}(?P<separator>[./-])\ ?\d{{1,4}}(?P=separator)\ ?\d{{1,4}})\.?
    ,?[{SPACE}]
    (?:(?:às|ás|à|um|klo|kl\.?|at)[{SPACE}])?
    (?:(?P<before>{HALF})[{SPACE}]?)?
    (?P<hour>\d{{1,2}})[:.](?P<minute>\d\d)(?:[:.](?P<second>\d\d))?
    (?:[{SPACE}_]?(?P<after>{HALF}))?
    (?(open)\][{SPACE}]?|(?:(?P<dash>[{SPACE}][-–—][{SPACE}])|:?[{SPACE}]))
    (?P<rest>.*)
    """,
    re.VERBOSE | re.DOTALL,
)
INVISIBLE = re.compile(f"[{MARKS}]")

Kind = Literal["brackets", "dash", "weak"]


def kind(header: re.Match[str]) -> Kind:
    if header["open"]:
        return "brackets"
    return "dash" if header["dash"] else "weak"


def clock(header: re.Match[str]) -> time | None:
    """The time of day, or None where there is no such time."""
    hour, half = int(header["hour"]), header["before"] or header["after"]
    if half and hour <= 12:
        hour = hour % 12 + (12 if AFTERNOON.search(half) else 0)
    try:
        return time(hour, int(header["minute"]), int(header["second"] or 0))
    except ValueError:
        return None


def visible(text: str) -> str:
    """The text without direction marks."""
    return text if text.isascii() else INVISIBLE.sub("", text)
