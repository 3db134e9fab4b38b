"""Commands that start something and see it through, and the one that says what is missing."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from .terminal import Json, console, print_json, refuse_unfit, settled, unfit_settings

if TYPE_CHECKING:
    from deploy.local.settings import Settings

Port = Annotated[int, typer.Option(min=0, max=65535, help="Port of the inference server.")]


def up(port: Port = 8000) -> None:
    """Everything on this machine, one command, clean shutdown."""
    from deploy.local.up import up as run
    from deploy.local.voice import Voice

    with settled() as settings:
        refuse_unfit()
        asyncio.run(run(settings, Voice(console()), port))


def chat(
    persona: Annotated[str | None, typer.Option(help="Who answers; default: the first.")] = None,
    once: Annotated[
        str | None, typer.Option(help="Say this, print the reply alone, remember nothing.")
    ] = None,
) -> None:
    """Talk in the terminal, with a running server or one started for the while."""
    from bot.errors import UnderstudyError

    with settled(UnderstudyError) as settings:
        refuse_unfit()
        asyncio.run(_talk(settings, persona, once))


async def _talk(settings: Settings, persona: str | None, once: str | None) -> None:
    from bot.platforms import terminal
    from bot.settings import Settings as BotSettings
    from deploy.local.up import inference, until_signalled
    from deploy.local.voice import Voice

    voice = Voice(console(), quiet=once is not None)
    # Ctrl-C is the terminal's own: it stops an answer.
    async with until_signalled(signal.SIGTERM), inference(settings, voice) as url:
        os.environ.update(settings.environment(url))
        await terminal.chat(BotSettings(), persona=persona, once=once)


def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Port = 8000,
    verbose: Annotated[bool, typer.Option("--verbose", help="vLLM's own log, too.")] = False,
) -> None:
    """The inference server alone. Further options go to vLLM."""
    from deploy.local.up import reachable, require_free

    with settled() as settings:
        os.environ.update(settings.own_environment())
        require_free(port, host)
        from inference_server.__main__ import main as run

        with settings.home.announced("inference", url=reachable(host, port)):
            run(host=host, port=port, vllm_args=tuple(context.args), verbose=verbose)


def bot(
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port of /health.")] = None,
) -> None:
    """The bot alone; DISCORD_TOKEN says where it speaks."""
    from deploy.local.up import DEFAULT_URL

    with settled() as settings:
        os.environ.update(settings.environment(settings.announced_inference or DEFAULT_URL))
        from bot.__main__ import main as run

        run(port=port)


def doctor(as_json: Json = False) -> None:
    """What is set up, what is missing, what to do about it."""
    from adapters.consent.ledger import told
    from bot.platforms.discord.inviting import invite_link
    from deploy.local.doctor import examine, show

    with settled() as settings:
        findings = asyncio.run(examine(settings, invite_link, unfit_settings(), told))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        show(findings)
    raise typer.Exit(1 if any(finding.state == "broken" for finding in findings) else 0)
