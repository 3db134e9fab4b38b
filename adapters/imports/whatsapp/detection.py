"""Tells a WhatsApp export from other texts by its first lines."""

from __future__ import annotations

from adapters.imports.entries import Export

from .header import HEADER, kind

LOOKED_FOR = "WhatsApp: a .txt with lines like '31/12/2023, 21:05 - Name: text'"
ENOUGH = 2
"""Headers among the first lines; one may be a date that somebody pasted."""


def detect(export: Export) -> str | None:
    """Why this looks like WhatsApp's, if it does."""
    return next((why for name in export.ending(".txt") if (why := _reason(export, name))), None)


def _reason(export: Export, name: str) -> str | None:
    lines = export.head_text(name).splitlines()
    headers = [found for line in lines if (found := HEADER.match(line))]
    strong = [found for found in headers if kind(found) != "weak"]
    if strong and len(strong) >= min(ENOUGH, len(lines)):
        return f"{name} has lines that begin like '{strong[0][0][:24].strip()}…'"
    if len(headers) == len(lines) > 0:
        return f"every line of {name} begins with a date and a time"
    return None
