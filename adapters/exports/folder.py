"""One export on disk: train and validation files, what a tool wants besides, and understudy.json.

That file says what is ours, so that nothing else is ever replaced. Knows nothing of consent.
"""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from adapters.dataset.report import ImportReport
from adapters.errors import BadRequest, TooFewExamples
from adapters.folders import replaced

from .configs import Files
from .dialogue import Dialogue
from .formats import Format
from .layouts import Example, Voice

MARK = "understudy.json"
ENCODE = json.JSONEncoder(ensure_ascii=False).encode
LINE_ENDS = re.compile("[\x85\u2028\u2029]")
"""Ends of lines to some readers; JSON has them only inside of texts, where they can be escaped."""

OPENAI_FEWEST, OPENAI_LONGEST = 10, 65_536
"""Examples in a file, and tokens in an example, each of which has at least a byte."""


@dataclass(frozen=True)
class Exported:
    """What was written where."""

    format: str
    folder: Path
    train: int
    """Examples in the file."""
    validation: int
    left_out: dict[str, int]
    """Answers that the format can't carry, by reason."""
    notes: tuple[str, ...]
    command: str
    """Runs the other tool."""

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "folder": str(self.folder)}


class Examples:
    """A file that is being written, an example at a time; without any there is none."""

    def __init__(self, path: Path) -> None:
        self.count = self.longest = 0
        self._path = path
        self._file = path.open("wb")
        self._list = path.suffix == ".json"

    @property
    def name(self) -> str:
        return self._path.name

    def add(self, example: Example) -> None:
        text = LINE_ENDS.sub(lambda end: f"\\u{ord(end[0]):04x}", ENCODE(example))
        line = text.encode("utf-8", "replace")
        if self._list:
            self._file.write((b",\n" if self.count else b"[\n") + line)
        else:
            self._file.write(line + b"\n")
        self.count += 1
        self.longest = max(self.longest, len(line))

    def end(self) -> None:
        if self._list:
            self._file.write(b"\n]\n")
        self._file.close()
        if not self.count:
            self._path.unlink()

    def close(self) -> None:
        self._file.close()


class Sheets:
    """What one format makes of the rows: a file to learn from and one to measure by."""

    def __init__(self, format: Format, fresh: Path) -> None:
        self.format = format
        self.train = Examples(fresh / f"train{format.ending}")
        self.validation = Examples(fresh / f"validation{format.ending}")
        self.answers = 0
        self.left_out = Counter[str]()
        self._fresh = fresh

    def add(self, dialogue: Dialogue, voice: Voice, *, held_out: bool) -> None:
        if not dialogue.exchanges:
            self.left_out["a row without an answer"] += 1
            return
        self.answers += len(dialogue.exchanges)
        examples = self.validation if held_out else self.train
        for example in self.format.lay_out(dialogue, voice, self.left_out):
            examples.add(example)

    def close(self) -> None:
        self.train.close()
        self.validation.close()

    def finish(self, target: Path, report: ImportReport, base: str) -> Exported:
        """Writes what goes beside the examples, the mark last. Raises TooFewExamples."""
        self.train.end()
        self.validation.end()
        if not self.train.count:
            raise TooFewExamples(
                f"no row of {report.persona} can be exported for {self.format.name}; "
                "import a longer chat"
            )
        validation = self.validation.name if self.validation.count else None
        files = Files(report.persona, base, self.train.name, validation)
        for name, text in self.format.further(files).items():
            (self._fresh / name).write_text(text, "utf-8")
        exported = self._exported(target, files)
        self._mark(exported, report)
        return exported

    def _exported(self, target: Path, files: Files) -> Exported:
        command = self.format.command.format(train=files.train, base=shlex.quote(files.base))
        return Exported(
            format=self.format.name,
            folder=target,
            train=self.train.count,
            validation=self.validation.count,
            left_out=dict(self.left_out),
            notes=(self.format.about, *self._warnings()),
            command=f"cd {shlex.quote(str(target))} && {command}",
        )

    def _warnings(self) -> Iterator[str]:
        if self.format.name == "openai" and self.train.count < OPENAI_FEWEST:
            yield f"OpenAI takes no file of fewer than {OPENAI_FEWEST} examples"
        if self.format.name == "openai" and self.train.longest > OPENAI_LONGEST:
            yield f"OpenAI may cut examples of more than {OPENAI_LONGEST:,} tokens, as some may be"
        for reason, count in self.left_out.items():
            yield f"left out: {count:,} × {reason}"

    def _mark(self, exported: Exported, report: ImportReport) -> None:
        people = {one for person in report.people or () for one in person.fingerprints}
        said = {"persona": report.persona, "dataset": report.digest, **exported.as_json()}
        said["people"] = sorted(people)  # by which a withdrawal finds it
        del said["folder"], said["command"]  # it may be moved
        said["files"] = sorted(path.name for path in self._fresh.iterdir())
        text = json.dumps(said, ensure_ascii=False, indent=2) + "\n"
        (self._fresh / MARK).write_text(text, "utf-8")


@contextmanager
def sheets(format: Format, target: Path) -> Iterator[Sheets]:
    """They become the folder `target` when the block ends well."""
    with replaced(target) as fresh, closing(Sheets(format, fresh)) as ours:
        yield ours


def check_ours(folder: Path) -> None:
    """Raises BadRequest unless the folder is new, empty, or all from an earlier export."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise BadRequest(f"{folder} is no folder; name another place with --out")
    if foreign := sorted({path.name for path in folder.iterdir()} - _written(folder)):
        raise BadRequest(
            f"{folder} holds {foreign[0]}, which is not of an export; move it away, or name "
            "another place with --out"
        )


def _written(folder: Path) -> set[str]:
    try:
        return {MARK, *json.loads((folder / MARK).read_bytes())["files"]}
    except (OSError, ValueError, LookupError, TypeError):
        return set()
