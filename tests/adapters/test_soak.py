"""`make soak`: importing ten million lines takes no more memory than a hundred thousand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.importing import PEAK_MB, write_chat

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]

LINES = int(os.environ.get("SOAK_LINES", "10000000"))
MAX_MB, GROWTH_MB = 150, 25
IMPORT = f"""
import sys
from pathlib import Path
from adapters.imports import import_chat
report = import_chat("whatsapp", Path(sys.argv[1]), "maya", ["Maya"], Path(sys.argv[2]))
print(report.kept, report.examples, {PEAK_MB})
"""


def imported(lines: int, folder: Path) -> tuple[int, float]:
    """(messages kept, MB at the peak) of an import in a process of its own."""
    path = folder / "chat.txt"
    write_chat(path, lines)
    done = subprocess.run(
        [sys.executable, "-c", IMPORT, str(path), str(folder)],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True,
    )  # fmt: skip
    path.unlink()
    kept, examples, megabytes = done.stdout.split()
    assert int(examples) > lines // 40
    return int(kept), float(megabytes)


def test_memory_does_not_grow_with_the_export(tmp_path: Path) -> None:
    _, small = imported(100_000, tmp_path)
    kept, large = imported(LINES, tmp_path)
    assert kept > LINES * 0.9
    assert large < MAX_MB
    assert large < small + GROWTH_MB
    print(f"{LINES:,} messages: {large:.0f} MB (100,000: {small:.0f} MB)")
