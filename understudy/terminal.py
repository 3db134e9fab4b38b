"""What all commands share: the settings, what a user gets wrong, and how results are shown."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from adapters.registry import Registry
    from deploy.local.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="The result as JSON on standard output.")]
Persona = Annotated[str, typer.Argument(help="The persona's name, for instance maya.")]


@contextmanager
def settled(*expected: type[Exception]) -> Iterator[Settings]:
    """The settings; what a user can get wrong ends in one sentence and exit status 1."""
    from pydantic import ValidationError

    from deploy.local.home import HomeError
    from deploy.local.settings import Settings, for_libraries, unfit
    from deploy.local.supervisor import PartFailed

    mistakes: tuple[type[Exception], ...] = (HomeError, PartFailed, *expected)
    try:
        os.environ.update({**for_libraries(), **os.environ})
        yield Settings()
    except mistakes as error:
        fail(getattr(error, "spoken", None) or str(error))
    except ValidationError:
        fail(_correct(unfit(Settings) or unfit_settings()))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def fail(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(1)


def refuse_unfit() -> None:
    """Said before a part is started, which could only end at once."""
    if sentences := unfit_settings():
        fail(_correct(sentences))


def unfit_settings() -> list[str]:
    """What can't be understood in the settings of the parts."""
    from bot.settings import Settings as BotSettings
    from deploy.local.settings import unfit
    from inference_server.settings import ServerSettings

    return unfit(BotSettings, ServerSettings)


def _correct(sentences: list[str]) -> str:
    return "\n".join([*sentences, "Correct it in .env or the environment; see .env.example."])


def registry_of(settings: Settings) -> Registry:
    """The registry as it is now: one that is elsewhere is looked at first."""
    from adapters.registry import Registry

    registry = Registry.at(settings.registry, settings.registry_cache)
    if registry.remote:
        registry.refresh()
    return registry


def console() -> Console:
    from rich.console import Console

    return Console(stderr=True)


def show(table: object) -> None:
    from rich.console import Console

    Console().print(table)


def print_json(result: object) -> None:
    typer.echo(json.dumps(result, ensure_ascii=False, indent=2, default=str))


def print_table(*columns: str, rows: list[dict[str, Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row.values()))
    show(table)


def _cell(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return "-" if value is None else str(value)


def next_step(done: str, command: str) -> None:
    """What happened, and the command that usually follows."""
    console().print(f"{done}\nnext: [bold]{command}[/bold]", highlight=False, soft_wrap=True)
