"""When something was written, as front matter, feeds, pages and file names say it.

A day is what counts, so times are those of the clock on the author's wall. Knows nothing of
documents.
"""

from __future__ import annotations

import re
from datetime import datetime
from email.utils import parsedate_to_datetime

from adapters.imports.moments import iso

MAX_CHARACTERS = 64
FORMS = (
    "%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M %z", "%Y-%m-%d %H:%M", "%Y/%m/%d", "%Y/%m/%d %H:%M:%S",
    "%d.%m.%Y", "%d %B %Y", "%B %d, %Y", "%d %b %Y", "%b %d, %Y", "%B %Y", "%Y-%m",
)  # fmt: skip
FULL_DATE = re.compile(r"(?<!\d)(\d{4})[-_](\d{2})[-_](\d{2})(?!\d)")
FOLDERS = re.compile(r"(?:^|/)((?:19|20)\d{2})/(\d{1,2})(?:/(\d{1,2}))?(?=/|$)")


def written(text: str) -> datetime | None:
    """A date in one of the usual spellings, with its time where it has one."""
    text = " ".join(text[:MAX_CHARACTERS].split())
    if not text:
        return None
    if at := iso(text):
        return at.replace(tzinfo=None)
    for form in FORMS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=None)
        except ValueError:
            pass
    try:
        return parsedate_to_datetime(text).replace(tzinfo=None)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def named(name: str) -> datetime | None:
    """The date in a path or address, such as 2020-05-17-tea.md or blog/2020/05/tea."""
    for found in (*FULL_DATE.finditer(name[::-1][:400][::-1]), *FOLDERS.finditer(name)):
        year, month, day = (int(part) if part else 1 for part in found.groups())
        try:
            return datetime(year, month, day)
        except ValueError:
            pass
    return None
