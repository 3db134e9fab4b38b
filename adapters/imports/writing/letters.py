"""Bytes as text, by what a file or a server says of its letters; knows nothing of markup."""

from __future__ import annotations

import codecs
import re

META = re.compile(rb"<meta[^>]{0,200}?charset=[\"']?([\w-]{2,30})", re.IGNORECASE)
HEAD_BYTES = 2048
SCRIPTS = ("utf", "iso8859", "iso2022", "cp", "koi8", "gb", "big5", "euc", "shift", "mac", "ascii")
"""What Python calls the encodings of texts that are met on the web; it knows slower ones, too."""


def decoded(data: bytes, charset: str = "") -> str:
    """The text of a file; letters that are broken become "\ufffd"."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        charset = "utf-16"
    elif not charset and (found := META.search(data[:HEAD_BYTES])):
        charset = found[1].decode("ascii", "replace")
    return data.decode(_known(charset), "replace").removeprefix("\ufeff")


def _known(charset: str) -> str:
    try:
        name = codecs.lookup(charset).name if charset else "utf-8"
    except (LookupError, ValueError):
        return "utf-8"
    return name if name.startswith(SCRIPTS) else "utf-8"
