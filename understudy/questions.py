"""`understudy questions`: a model is asked what a person's writing answers."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from .terminal import Json, Persona, console, fail, next_step, print_json, settled

if TYPE_CHECKING:
    from adapters.questions.finding import Outcome
    from adapters.questions.model import Server
    from deploy.local.settings import Settings


def questions(
    persona: Persona,
    model: Annotated[str, typer.Option(help="The model's name at its server.")],
    url: Annotated[
        str | None, typer.Option(help="Its OpenAI-compatible server; default: your own.")
    ] = None,
    per_minute: Annotated[
        int | None,
        typer.Option(min=0, help="Requests; 0: no bound; default: 60, none in your network."),
    ] = None,
    at_once: Annotated[int, typer.Option(min=1, max=64, help="Requests side by side.")] = 4,
    again: Annotated[
        bool, typer.Option("--again", help="Ask anew what this model has answered, too.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="The writing may leave your network.")] = False,
    as_json: Json = False,
) -> None:
    """Ask a model for the question that each chunk of a person's writing answers."""
    from adapters.errors import AdaptersError
    from adapters.questions.finding import ask, leaving, writing_of
    from adapters.questions.model import Pace

    with settled(AdaptersError) as settings:
        home = settings.home.root
        writing_of(home, persona)  # told before a server is started
        server = _named(settings, url)
        if server and (what := leaving(home, persona, server, model, again=again)) and not yes:
            _confirm(what)
        pace = Pace(per_minute, at_once)
        work = partial(ask, home, persona, model=model, pace=pace, again=again, may_leave=True)
        outcome = asyncio.run(_run(settings, server, work, quiet=as_json))
    if outcome is None:
        typer.echo("stopped; what was answered is kept: run it again to go on", err=True)
        raise typer.Exit(130)
    if as_json:
        print_json(outcome.as_json())
    else:
        next_step(outcome.sentence, f"understudy train {persona}")


def _named(settings: Settings, url: str | None) -> Server | None:
    """The server that the user names, with the key for it."""
    from adapters.questions.model import Server
    from adapters.questions.settings import QuestionSettings
    from adapters.questions.where import address

    if url:
        return Server(address(url), QuestionSettings().questions_api_key)
    return _inference(settings, settings.inference_url) if settings.inference_url else None


def _inference(settings: Settings, url: str) -> Server:
    from pydantic import SecretStr

    from adapters.questions.model import Server
    from adapters.questions.where import address

    name = "INFERENCE_API_KEY"
    key = settings.environment(url).get(name)
    return Server(address(url), SecretStr(key) if key else None, name)


def _confirm(what: str) -> None:
    if not sys.stdin.isatty():
        fail(f"{what}; if that is all right with them and with you, say --yes")
    if not typer.confirm(f"{what}. Send it?", err=True):
        raise typer.Exit(1)


async def _run(
    settings: Settings,
    server: Server | None,
    work: Callable[..., Awaitable[Outcome]],
    *,
    quiet: bool,
) -> Outcome | None:
    """None where somebody stopped it."""
    from adapters.questions.finding import nobody_watches
    from adapters.questions.progress import shown
    from deploy.local.up import until_signalled

    outcome = None
    bar = nullcontext(nobody_watches) if quiet else shown(console())
    async with (
        until_signalled(signal.SIGINT, signal.SIGTERM),
        nullcontext(server) if server else _ours(settings) as found,
    ):
        with bar as watch:
            outcome = await work(found, watch=watch)
    return outcome


@asynccontextmanager
async def _ours(settings: Settings) -> AsyncIterator[Server]:
    """The owner's inference server, started for the while where none runs."""
    from deploy.local.up import inference
    from deploy.local.voice import Voice

    async with inference(settings, Voice(console(), quiet=True)) as url:
        yield _inference(settings, url)
