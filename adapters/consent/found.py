"""What a withdrawal finds, as it is shown to the user; knows nothing of how it is removed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class InDataset:
    persona: str
    rows: int
    """With words of the person."""
    left: int
    subject: bool
    """Whether the persona is that person."""
    numbers: frozenset[int]
    digest: str


@dataclass(frozen=True)
class InVersion:
    persona: str
    version: int
    current: bool


@dataclass(frozen=True)
class Revoked:
    """What was found, and with `done` is gone and marked."""

    who: str
    also: tuple[str, ...]
    agreements: int
    """That were standing."""
    subject_of: tuple[str, ...]
    """Personas that are that person."""
    datasets: tuple[InDataset, ...]
    questions: dict[str, int]
    """What models were asked about their writing and is kept, by persona."""
    runs: tuple[str, ...]
    """Personas whose last training learned from them."""
    versions: tuple[InVersion, ...]
    exports: tuple[str, ...]
    """For other trainers, at home: persona and format."""
    done: bool

    def as_json(self) -> dict[str, Any]:
        said = asdict(self)
        said["datasets"] = [
            {"persona": d.persona, "rows": d.rows, "left": d.left, "removed": d.left == 0}
            for d in self.datasets
        ]
        return said

    def rows(self) -> list[dict[str, str]]:
        """For a table."""
        will = "" if self.done else "would be "
        said = [("agreements", self.who, f"{self.agreements} {will}withdrawn")]
        for held in self.datasets:
            left = f"{held.left:,} rows left" if held.left else f"{will}removed whole"
            said.append(("dataset", held.persona, f"{held.rows:,} rows {will}removed; {left}"))
        said += [("export", name, f"{will}removed") for name in self.exports]
        for persona, count in self.questions.items():
            said.append(("questions", persona, f"{count:,} kept answers {will}removed"))
        said += [("training", run, f"{will}refused by publish") for run in self.runs]
        for found in self.versions:
            now = "; current" if found.current else ""
            said.append(("version", f"{found.persona}@{found.version}", f"{will}marked{now}"))
        return [{"what": what, "of": whom, "becomes": then} for what, whom, then in said]

    @property
    def sentence(self) -> str:
        if not self.done:
            return "nothing was changed; run it again without --dry-run"
        personas = dict.fromkeys([*self.runs, *(found.persona for found in self.versions)])
        if not personas:
            return f"{self.who} has withdrawn; nothing was trained on them"
        again = [name for name in personas if name not in self.subject_of]
        advice = [f"import, train and publish {name} again, then reload" for name in again]
        advice += [
            f"remove {name} from the registry and restart the server, as it goes on serving"
            for name in personas
            if name in self.subject_of
        ]
        return f"{self.who} has withdrawn; now {'; '.join(advice)}"
