"""What `up` and `chat` say on standard error: calm lines, and a moving clock while one waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class Voice:
    """One line per event; `quiet` leaves only the clock, and nothing where nobody watches."""

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self._console = console
        self._quiet = quiet

    def say(self, part: str, sentence: str) -> None:
        if not self._quiet:
            self._console.print(f"[bold]{part:<10}[/bold] ", end="")
            self._console.print(sentence, markup=False, highlight=False, soft_wrap=True)

    def waiting(self, part: str, sentence: str) -> AbstractContextManager[object]:
        """While it lasts a person sees that something goes on, and for how long."""
        if self._console.is_terminal:
            return self._clock(part, sentence)
        self.say(part, sentence)
        return nullcontext()

    @contextmanager
    def _clock(self, part: str, sentence: str) -> Iterator[None]:
        columns = (
            TextColumn(f"[bold]{part:<10}[/bold]"),
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self._console, transient=True) as progress:
            progress.add_task(sentence, total=None)
            yield
