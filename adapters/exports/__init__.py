"""A persona's dataset as other trainers read it: `export`.

    allowed? → lay out each row, in every format asked for → swap the folders in

Importing this is light. The shapes are in `layouts`, what is told to trainers in `configs`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from adapters.consent import ledger, requiring
from adapters.dataset import store
from adapters.dataset.report import ImportReport
from adapters.errors import BadRequest, writing
from adapters.folders import locked, private
from adapters.messages import Watch, unwatched
from adapters.registry import BadName, checked
from adapters.training.base import EXAMPLE

from .configs import named
from .dialogue import Dialogue
from .folder import Exported, check_ours, sheets
from .formats import ALL, FORMATS, Format, chosen
from .layouts import Voice

__all__ = ["ALL", "FORMATS", "Exported", "export"]

LOOK_EVERY_ROWS = 1000
ELSEWHERE = "`understudy consent revoke` does not find it there: remove it where somebody withdraws"


def export(
    home: Path,
    persona: str,
    formats: Sequence[str],
    *,
    place: Path | None = None,
    base: str | None = None,
    watch: Watch = unwatched,
) -> list[Exported]:
    """Writes a folder for each format below `place` (`home`/exports/`persona`), whole.

    `base` is the folder or Hub id that trainers are told. Raises AdaptersError with a sentence;
    folders of before are untouched then.
    """
    wanted = chosen(formats)
    try:
        at_home = home / "exports" / checked(persona)
    except BadName as error:
        raise BadRequest(str(error)) from error
    store.report(home, persona)
    with ledger.held(home), _still(home, persona):  # a withdrawal comes before it or finds it
        report = store.report(home, persona)
        requiring.record(home, report)
        with writing(place or at_home):
            if not place:
                private(at_home.parent)
            written = _exported(
                home, report, wanted, place or at_home, named(base or EXAMPLE), watch
            )
    return [replace(each, notes=(*each.notes, ELSEWHERE)) for each in written] if place else written


@contextmanager
def _still(home: Path, persona: str) -> Iterator[None]:
    """Nobody replaces the dataset meanwhile."""
    with writing(home), locked(store.folder(home, persona), wait=True):
        yield


def _exported(
    home: Path,
    report: ImportReport,
    wanted: Sequence[Format],
    place: Path,
    base: str,
    watch: Watch,
) -> list[Exported]:
    targets = [place / format.name for format in wanted]
    for target in targets:
        check_ours(target)
    voice = Voice(report.display_name, report.prompt_format)
    rows = report.examples + report.held_out
    with ExitStack() as stack:
        written = [
            stack.enter_context(sheets(format, target))
            for format, target in zip(wanted, targets, strict=True)
        ]
        for number, (row, held_out) in enumerate(store.rows(home, report.persona), 1):
            dialogue = Dialogue.of(number, row["messages"])
            for each in written:
                each.add(dialogue, voice, held_out=held_out)
            if number % LOOK_EVERY_ROWS == 0:
                watch(min(1, number / rows))
        return [
            each.finish(target, report, base) for each, target in zip(written, targets, strict=True)
        ]
