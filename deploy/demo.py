"""`make demo`: from the sample chat to a conversation with two trained personas.

Runs the commands a person would type, shows them, and skips what is there already.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from adapters.publish import STARTERS
from bot.cards import Persona
from bot.errors import UnderstudyError
from bot.memory import Turn
from bot.platforms import terminal
from bot.settings import Settings as BotSettings
from bot.voice import Speech
from bot.voice import Voice as Speaker
from bot.wiring import speaking

from .local.home import HomeError
from .local.settings import PROJECT, Settings
from .local.supervisor import PartFailed
from .local.up import (
    everything,
    free_port,
    live_inference,
    require_free,
    understudy,
    until_signalled,
)
from .local.voice import Voice

SAMPLE = PROJECT / "adapters" / "samples" / "maya-and-tom.txt"
FRIENDS = {"maya": "Maya", "tom": "Tom"}
PORT = 8000


def main() -> None:
    console = Console(stderr=True)
    try:
        settings = Settings()
        for persona, speaker in FRIENDS.items():
            make(persona, speaker, settings, console)
        asyncio.run(converse(settings, console))
    except (HomeError, PartFailed, UnderstudyError) as error:
        raise SystemExit(getattr(error, "spoken", None) or str(error)) from None
    except subprocess.CalledProcessError as error:
        raise SystemExit(error.returncode) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def make(persona: str, speaker: str, settings: Settings, console: Console) -> None:
    """Import, train and publish a friend, unless a version of hers or his is there.

    Both friends are made up, and agree to everything.
    """
    if any(Path(settings.registry).glob(f"personas/{persona}/versions/*/manifest.json")):
        console.print(f"[bold]{persona:<10}[/bold] is there already")
        return
    sample = os.path.relpath(SAMPLE)
    for friend in FRIENDS.values():
        if friend != speaker:
            run(console, "consent", "grant", friend, "--note", "made up for the sample chat")
    who = ("--persona", persona, "--speaker", speaker)
    run(console, "import", "whatsapp", sample, *who, "--consent")
    run(console, "train", persona)
    run(console, "publish", persona)


def run(console: Console, *arguments: str) -> None:
    console.print(f"\n[dim]$ understudy {' '.join(arguments)}[/dim]", highlight=False)
    subprocess.run(understudy(*arguments), check=True)


async def converse(settings: Settings, console: Console) -> None:
    """Start everything, ask everybody the same, and talk where somebody sits at a terminal."""
    console.print()
    voice = Voice(console)
    watched = sys.stdin.isatty() and sys.stdout.isatty()
    async with (
        until_signalled(signal.SIGTERM),
        everything(settings, voice, await port(settings)) as url,
    ):
        os.environ.update(settings.environment(url))
        bot_settings = BotSettings()
        await compare(bot_settings)
        if watched:
            await terminal.chat(bot_settings)
    if not watched:
        console.print("next: [bold].venv/bin/understudy chat[/bold]", highlight=False)


async def port(settings: Settings) -> int:
    """The usual port; any other one where something of somebody else's listens there."""
    if settings.inference_url or await live_inference(settings):
        return PORT
    try:
        return require_free(PORT)
    except HomeError:
        return free_port()


async def compare(settings: BotSettings) -> None:
    """The same three lines to both friends and to the bare base model, side by side."""
    async with speaking(settings, draft_seconds=1.0) as able:
        friends = [await able.personas.get(name) for name in FRIENDS]
        bare = Persona(
            name="base", display_name="the base model alone", sampling=friends[0].sampling
        )
        everybody = [*friends, bare]
        table = Table(
            "", *(who.display_name for who in everybody), header_style="bold", show_lines=True
        )
        for line in STARTERS:
            answers = await asyncio.gather(*(ask(able.voice, who, line) for who in everybody))
            table.add_row(Text(line, style="bold"), *map(Text, answers))
    Console().print(table)


async def ask(speaker: Speaker, persona: Persona, line: str) -> str:
    """One answer, as plain text that can't steer the terminal."""
    speech = Speech()
    asked: Sequence[Turn] = [Turn("1", "terminal:demo", "A friend", line)]
    async with aclosing(speaker.speak(persona, asked, speech)) as drafts:
        async for _ in drafts:
            pass
    return terminal.printable(speech.text)


if __name__ == "__main__":
    main()
