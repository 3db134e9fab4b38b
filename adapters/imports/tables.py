"""CSV as a stream of rows: its dialect found, quoted newlines kept, every cell just text.

Knows nothing of what the columns mean; a formula in a cell is text like any other.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator

from adapters.errors import BadExport

from .entries import Export

DELIMITERS = ",;\t|"
MAX_CELL_CHARACTERS = 1 << 20
MAX_ROW_LINES, MAX_ROW_CHARACTERS = 10_000, 4 << 20
"""A quote that is never closed would make the rest of the file one cell."""


def rows(export: Export, name: str) -> Iterator[dict[str, str]]:
    """Each row by the names of the header's columns; a row of another length lacks some."""
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    lines = _Lines(export, name)
    reader = csv.reader(lines, delimiter=delimiter(export.head_text(name)), strict=False)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        for row in reader:
            lines.next_row()
            if row:
                yield dict(zip(header, row, strict=False))
    except csv.Error as error:
        raise BadExport(f"line {reader.line_num} of {name} is no CSV: {error}") from error


def header(export: Export, name: str) -> list[str]:
    """The names of the columns."""
    head = export.head_text(name)
    try:
        first = next(csv.reader(head.splitlines(), delimiter=delimiter(head)), [])
        return [cell.strip() for cell in first]
    except csv.Error:
        return []


def delimiter(head: str) -> str:
    """What stands between the columns of the first line."""
    first = head.partition("\n")[0]
    return max(DELIMITERS, key=first.count)


class _Lines:
    """The lines of an entry, few enough of them for one row."""

    def __init__(self, export: Export, name: str) -> None:
        self._lines, self._name = export.lines(name), name
        self.next_row()

    def next_row(self) -> None:
        self._pending = self._characters = 0

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self._pending += 1
            self._characters += len(line)
            if self._pending > MAX_ROW_LINES or self._characters > MAX_ROW_CHARACTERS:
                raise BadExport(f"a quote in {self._name} is never closed")
            yield line.replace("\0", "") + "\n"
