"""The command that writes a dataset for other trainers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from .terminal import Json, Persona, console, next_step, print_json, settled


def export(
    persona: Persona,
    to: Annotated[
        list[str],
        typer.Option(
            metavar="FORMAT",
            help="openai, prompt-completion, sharegpt, alpaca, axolotl, llama-factory or all; "
            "repeatable.",
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Where a folder for each format goes; default: at home.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the persona's dataset as other trainers read it, with what runs them."""
    from adapters.errors import AdaptersError
    from adapters.exports import export as run

    with settled(AdaptersError) as settings, _watched(quiet=as_json) as watch:
        written = run(
            settings.home.root, persona, to, place=out, base=settings.base_model, watch=watch
        )
    if as_json:
        print_json([exported.as_json() for exported in written])
        return
    for exported in written:
        typer.echo(f"{exported.folder}: {exported.train:,} examples, {exported.validation:,} aside")
    for exported in written:
        notes = "".join(f"\n  {note}" for note in exported.notes)
        next_step(f"{persona} is exported for {exported.format}{notes}", exported.command)


@contextmanager
def _watched(*, quiet: bool) -> Iterator[Callable[[float], None]]:
    """A bar on standard error, on a terminal only."""
    from rich.progress import Progress

    with Progress(
        console=console(), transient=True, disable=quiet or not console().is_terminal
    ) as progress:
        task = progress.add_task("writing", total=1)
        yield lambda share: progress.update(task, completed=share)
