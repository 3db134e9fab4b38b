"""Importing 200,000 messages of WhatsApp: our parsing and our whole import, against others.

    two regexes   reads the lines twice and matches a header: what any parser has to do at least
    whatstk, chat-miner   the parsers that people use, where they are installed here

Each measurement is a process of its own and says how much memory it took; the sides alternate.
Private-data rules are off, as the others have none, but for one side that tells what they cost.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from rich.progress import Progress

from deploy.local.settings import PROJECT
from tests.bench.figures import Figure, ratio

SAMPLE = PROJECT / "adapters" / "samples" / "maya-and-tom.txt"
NO_WORD = set("0123456789:/-[]<>()")
"""What other parsers take for the beginning of a message is in no message."""
MESSAGES, ROUNDS = 200_000, 7
MAX_MB = 150
PEAK_MB = "int(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]) / 1024"
"""Not getrusage: that begins with what the parent held when it started this process."""
TIMED = """
import sys, time
from pathlib import Path
path, folder = Path(sys.argv[1]), Path(sys.argv[2])
{imports}
began = time.perf_counter()
{act}
print(time.perf_counter() - began, {peak_mb})
"""
SIDES = {
    "our parsing": (
        "from adapters.imports import whatsapp\nfrom adapters.messages import Tally",
        "for _ in whatsapp.read(path, Tally()): pass",
    ),
    "our whole import": (
        "from adapters.imports import import_chat",
        "import_chat('whatsapp', path, 'maya', ['Maya'], folder, private_kinds=())",
    ),
    "… and private data": (
        "from adapters.imports import import_chat",
        "import_chat('whatsapp', path, 'maya', ['Maya'], folder)",
    ),
    "two regexes": (
        "import re\n"
        r"header = re.compile(r'(\d\d)/(\d\d)/(\d{4}), (\d\d):(\d\d) - ([^:]+): (.*)')",
        "for _ in range(2):\n    for line in path.open(encoding='utf-8'): header.match(line)",
    ),
    "whatstk": ("from whatstk import WhatsAppChat", "WhatsAppChat.from_source(str(path))"),
    "chat-miner": (
        "import logging\nlogging.disable()\nfrom chatminer.chatparsers import WhatsAppParser",
        "parser = WhatsAppParser(str(path))\nparser.parse_file()\nparser.parsed_messages.get_df()",
    ),
}
PACKAGES = {"whatstk": "whatstk", "chat-miner": "chatminer"}
WANTED = {
    ("our parsing", "whatstk"): 3.0,
    ("our parsing", "chat-miner"): 6.0,
    ("our whole import", "whatstk"): 1.0,
}
"""So many times as fast, at least."""


def measure(progress: Progress, fewer: int) -> dict[str, list[tuple[float, float]]]:
    """(seconds, MB) of each side in each round; nothing of those that are not installed."""
    sides = [name for name in SIDES if find_spec(PACKAGES.get(name, "sys"))]
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in SIDES}
    rounds = max(1, ROUNDS // fewer)
    with tempfile.TemporaryDirectory(prefix="understudy-bench-") as folder:
        path = Path(folder) / "chat.txt"
        write_chat(path, MESSAGES)
        task = progress.add_task("importing", total=rounds * len(sides))
        for _ in range(rounds):
            for name in sides:
                found[name].append(timed(name, path, Path(folder)))
                progress.advance(task)
        progress.remove_task(task)
    return found


def timed(name: str, path: Path, folder: Path) -> tuple[float, float]:
    imports, act = SIDES[name]
    program = TIMED.format(imports=imports, act=act, peak_mb=PEAK_MB)
    done = subprocess.run(
        [sys.executable, "-c", program, str(path), str(folder)],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    seconds, megabytes = done.stdout.split()[-2:]
    return float(seconds), float(megabytes)


def write_chat(path: Path, messages: int) -> None:
    """Two people over years, some of what they say on two lines, in sessions of forty."""
    draw = random.Random(1)
    words = sorted({word for word in SAMPLE.read_text("utf-8").split() if not NO_WORD & {*word}})
    at = datetime(2010, 4, 14, 10)
    with path.open("w", encoding="utf-8") as file:
        for number in range(messages):
            at += timedelta(minutes=draw.choice([0, 0, 1, 1, 2, 5]) if number % 40 else 600)
            who, said = draw.choice(["Maya", "Tom"]), draw.choices(words, k=draw.randrange(1, 16))
            file.write(f"{at:%d/%m/%Y, %H:%M} - {who}: {' '.join(said)}\n")
            if number % 25 == 0:
                file.write(f"{' '.join(said[::-1])} on a second line\n")


def figures(found: dict[str, list[tuple[float, float]]]) -> list[Figure]:
    made = []
    for ours in ("our parsing", "our whole import"):
        for other in ("two regexes", "whatstk", "chat-miner"):
            made.append(compared(ours, found[ours], other, found[other]))
    made.append(compared("… and private data", found["… and private data"],
                         "our whole import", found["our whole import"]))  # fmt: skip
    for ours in ("our parsing", "our whole import", "… and private data"):
        most = max(megabytes for _, megabytes in found[ours])
        made.append(Figure(f"memory of {ours}", f"{most:.0f} MB", "", "", "", f"< {MAX_MB} MB",
                           most < MAX_MB))  # fmt: skip
    return made


def compared(
    ours: str, mine: list[tuple[float, float]], other: str, theirs: list[tuple[float, float]]
) -> Figure:
    what = f"{ours} against {other}"
    if not theirs:
        speed = rate(median(seconds for seconds, _ in mine))
        return Figure(what, speed, f"{other} is not installed", "", "")
    times = WANTED.get((ours, other))
    return ratio(
        what, [seconds for seconds, _ in mine], [seconds for seconds, _ in theirs], rate,
        f"{times:g} times as fast" if times else "",
        (lambda interval: interval.high <= 1 / times) if times else None,
    )  # fmt: skip


def rate(seconds: float) -> str:
    return f"{MESSAGES / seconds:,.0f}/s"
