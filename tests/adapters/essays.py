"""A dataset of somebody's writing, as an import leaves it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from adapters.consent import appearing
from adapters.dataset import store
from adapters.dataset.report import ImportReport, Person
from adapters.dataset.store import Row
from adapters.manifest import PromptFormat

SYSTEM = "You are Maya."


def essay(number: int) -> str:
    return (
        f"On day number {number} I walked along the river before breakfast, as I always do when "
        "the light is good, and thought about bread."
    )


def request(number: int) -> str:
    return f"Write about: Walk {number}"


def write(
    home: Path, chunks: int = 10, held_out: int = 2, *, format: str = "writing", times: int = 1
) -> None:
    """The last ones are held out; each says the same so many times."""
    with store.rewritten(home, "maya") as rows:
        for number in range(chunks):
            row: Row = {
                "messages": [
                    {"role": "system", "content": SYSTEM},
                    {"role": "user", "content": request(number)},
                    {"role": "assistant", "content": essay(number) * times},
                ],
                "at": f"2020-01-{number % 28 + 1:02}T10:00:00",
                "speakers": {"0": 1},
            }
            rows.add(store.encoded(row), held_out=number >= chunks - held_out)
        people = [Person(number=0, name="Maya", role="subject", shown="Maya")]
        report = _report(chunks, held_out, format, rows.digest())
        who = {"people": appearing.remembered(home, people)}
        rows.describe(report.model_copy(update=who))


def _report(chunks: int, held_out: int, format: str, digest: str) -> ImportReport:
    return ImportReport(
        persona="maya", display_name="Maya", format=format, source="blog",
        imported_at=datetime(2026, 11, 22, tzinfo=UTC),
        lines=chunks, kept=chunks, merged=0, system=0, media=0, deleted=0, unparsed=0,
        speakers={"Maya": chunks}, persona_speakers=("Maya",),
        cleaned={}, sessions=chunks, learned=chunks - held_out, examples=chunks - held_out,
        held_out_messages=held_out, held_out=held_out,
        first=datetime(2020, 1, 1), last=datetime(2020, 1, 28),
        system_prompt=SYSTEM, prompt_format=PromptFormat(), digest=digest,
    )  # fmt: skip


def users(home: Path) -> list[str]:
    """What stands before the chunks, the held-out ones last."""
    dataset = store.load(home, "maya")
    return [row["messages"][1]["content"] for row in dataset.train + dataset.held_out]
