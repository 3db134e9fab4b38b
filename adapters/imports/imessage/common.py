"""What imessage-exporter writes alike in text and HTML: times, reactions and its own sentences."""

from __future__ import annotations

import re
from datetime import datetime

TIME = r"[A-Z][a-z]{2} \d{2}, \d{4} {1,2}\d{1,2}:\d\d:\d\d [AP]M"
TAPBACKS = {"Loved": "❤️", "Liked": "👍", "Disliked": "👎", "Laughed": "😂", "Emphasized": "‼️",
            "Questioned": "❓"}  # fmt: skip
REACTION = re.compile(r"(\S{1,16}) by \S.*")
UNSENT = re.compile(
    r".{1,80} (?:unsent (?:a|this) message.*|deleted a message\.)"
    r"|This message was deleted from the conversation!.*",
    re.DOTALL,
)
APPS = re.compile(
    r"SharePlay Message(?:\nEnded)?|(?:Started|Stopped) sharing location!"
    r"|Unable to format app message: .*|Handwritten messages? .*|Digital Touch [A-Z].*"
    r"|Check In\b[^\n]*(?:\n(?:Expected|Was expected|Checked in) at .*)?"
    r"|(?:[A-Z][\w+&.-]{1,20}(?: [A-Z][\w+&.-]{1,20}){0,3}|com\.\S{1,80}) message:\n.*",
    re.DOTALL,
)


def at(text: str) -> datetime | None:
    """May 17, 2022  5:29:42 PM"""
    found = re.match(TIME, text.strip())
    try:
        return (
            datetime.strptime(" ".join(found[0].split()), "%b %d, %Y %I:%M:%S %p")
            if found
            else None
        )
    except ValueError:
        return None


def emoji(reaction: str) -> str:
    """Loved by Tom: a heart; 🎉 by Tom: that."""
    found = REACTION.fullmatch(" ".join(reaction.split()))
    return TAPBACKS.get(found[1], found[1]) if found else ""
