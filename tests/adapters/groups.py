"""A chat of three, imported: who agreed in it, and who did not."""

from __future__ import annotations

import json
from pathlib import Path

from adapters.dataset import store
from adapters.dataset.report import ImportReport
from adapters.imports import import_chat


def group(days: int = 30) -> list[str]:
    """Ines speaks every other day, Tom every day."""
    lines = []
    for day in range(days):
        date = f"{day % 28 + 1:02}/{day // 28 + 1:02}/2020"
        if day % 2:
            lines.append(f"{date}, 09:58 - Ines: secret of ines {day}")
            lines.append(f"{date}, 09:59 - Ines: and another {day}")
        lines.append(f"{date}, 10:00 - Tom: How is day number {day} going, then?")
        lines.append(f"{date}, 10:01 - Maya: day {day} is sooo good")
    return lines


def imported(chat: Path, home: Path, persona: str = "maya", **options: object) -> ImportReport:
    return import_chat("whatsapp", chat, persona, [persona], home, **options)  # type: ignore[arg-type]


def users(home: Path, persona: str = "maya") -> str:
    """All that others say in the rows."""
    dataset = store.load(home, persona)
    return "\n".join(
        message["content"]
        for row in dataset.train + dataset.held_out
        for message in row["messages"]
        if message["role"] == "user"
    )


def make_old(home: Path) -> None:
    """A dataset as it was written before rows remembered who speaks."""
    folder = home / "datasets" / "maya"
    report = json.loads((folder / "report.json").read_text())
    for field in ("people", "others", "notes"):
        del report[field]
    report["speakers"] = {"Maya": 30, "Tom": 30, "Ines": 30}
    (folder / "report.json").write_text(json.dumps(report))
    for name in ("train.jsonl", "held_out.jsonl"):
        rows = [json.loads(line) for line in (folder / name).read_text().splitlines()]
        for row in rows:
            del row["speakers"]
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
