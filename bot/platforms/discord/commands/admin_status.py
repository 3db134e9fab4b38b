"""/admin status: how the inference server, the memory and this process are, in plain words."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import Any

import discord

from bot.errors import AdminGone, MemoryGone, UnderstudyError
from bot.platforms.discord.listening import server_of
from bot.platforms.discord.splitting import MESSAGE_MAX_CHARS
from bot.server_status import PersonaState, ServerStatus, without_addresses
from bot.wiring import App

from .saying import Said

REASON_MAX_CHARS = 160
NAMES_SHOWN = 25
AWAY = "**Inference server**: away. It can't be reached right now; nobody can speak."
REGISTRY = "registry"
"""Among what is degraded; the reason would only say where it lies."""


async def status(app: App, interaction: discord.Interaction[Any], since_s: float) -> Said:
    """`since_s` is when this process began (Unix time). The parts are asked at the same time."""
    voice, memory = await asyncio.gather(_voice(app), _memory(app, interaction.guild_id or 0))
    ours = [memory, _process(app, interaction.client, since_s)]
    room = MESSAGE_MAX_CHARS - sum(len(line) + 1 for line in ours)
    return Said("\n".join([*_fitting(voice, room), *ours]))


async def _voice(app: App) -> list[str]:
    try:
        return list(_told(await app.admin.status()))
    except AdminGone:
        return [AWAY]
    except UnderstudyError as error:
        return [f"**Inference server**: {error.spoken}", await _known(app)]


async def _known(app: App) -> str:
    """What a server that tells administrators nothing tells everybody."""
    try:
        models = [served.name for served in await app.inference.models()]
        personas = [persona.name for persona in await app.personas.list()]
    except UnderstudyError as error:
        return f"Of who can speak: {error.spoken}"
    listed = f"It lists {_few(models)}. " if models else "It lists no models. "
    return f"{listed}Who can speak: {_few(personas)}."


def _told(status: ServerStatus) -> Iterator[str]:
    """The line on the whole first, then personas, those with trouble before the others."""
    yield f"**Inference server**: {_readiness(status)}."
    if status.audit.trouble:
        yield "What administrators do is not written down there: see the server's log."
    if status.keys.trouble:
        yield "Its keys are older than their files: see the server's log."
    if status.requests.running or status.requests.waiting:
        yield f"Requests there: {status.requests.running} answered, {status.requests.waiting} wait."
    lines = [(_trouble(status, name, one), name, one) for name, one in status.personas.items()]
    for trouble, name, one in sorted(lines, key=lambda line: (not line[0], line[1])):
        yield f"- `{name}`: {_version(one.serving)}{trouble}"
    if not status.personas:
        yield "It has no personas yet."


def _readiness(status: ServerStatus) -> str:
    ready = "ready" if status.ready else "not ready yet"
    if others := [name for name in status.degraded if name not in (*status.personas, REGISTRY)]:
        ready += f", degraded ({'; '.join(_reason(n, status.degraded[n]) for n in others[:3])})"
    elif status.degraded:
        ready += ", degraded"
    reachable = "is reachable" if status.registry.reachable else "can't be reached"
    return f"{ready}; its registry {reachable}"


def _trouble(status: ServerStatus, name: str, one: PersonaState) -> str:
    """What is not as it should be, and what is on its way; nothing where all is well."""
    said = ""
    if one.drift and one.desired is not None:  # None: the registry may only not be readable
        said += f", but should be {_version(one.desired)}"
    if one.busy and one.rollout is not None:
        said += f" — version {one.rollout.version} comes: {one.rollout.progress}"
    if reason := status.degraded.get(name):
        said += f" — {_cut(reason)}"
    elif name in status.degraded and not said:
        said += " — not as asked"
    return said


def _version(number: int | None) -> str:
    return "the base model" if number is None else f"version {number}"


def _reason(name: str, reason: str) -> str:
    return f"{name}: {_cut(reason)}" if reason else name


def _cut(text: str) -> str:
    plain = discord.utils.escape_markdown(" ".join(without_addresses(text).split()))
    return plain if len(plain) <= REASON_MAX_CHARS else plain[: REASON_MAX_CHARS - 1] + "…"


def _few(names: Sequence[str]) -> str:
    more = len(names) - NAMES_SHOWN
    shown = ", ".join(f"`{name[:60]}`" for name in names[:NAMES_SHOWN]) or "nobody"
    return f"{shown} and {more} more" if more > 0 else shown


def _fitting(lines: list[str], room: int) -> Iterator[str]:
    """As many of the lines as there is room for, and how many are left out."""
    room -= len("… and 100000 more\n")
    for position, line in enumerate(lines):
        room -= len(line) + 1
        if room < 0:
            yield f"… and {len(lines) - position} more"
            return
        yield line


async def _memory(app: App, guild_id: int) -> str:
    began = monotonic()
    try:
        await app.places.read(server_of(guild_id))
    except MemoryGone as error:
        return f"**Memory** (Redis): away. {error.spoken}"
    return f"**Memory** (Redis): answers in {max((monotonic() - began) * 1000, 0.1):.1f} ms."


def _process(app: App, client: discord.Client, since_s: float) -> str:
    under_way = app.conversation.under_way
    answers = f"{under_way} {'answer' if under_way == 1 else 'answers'} under way"
    servers = f"{len(client.guilds)} {'server' if len(client.guilds) == 1 else 'servers'}"
    return f"**This process**: {_shards(client)}, {servers}, since <t:{since_s:.0f}:R>, {answers}."


def _shards(client: discord.Client) -> str:
    """Those that this process has, counted from 0 as Discord does."""
    if isinstance(client, discord.AutoShardedClient):
        own = sorted(client.shards)
        called = f"{own[0]} to {own[-1]}" if len(own) > 1 else ", ".join(map(str, own))
    else:
        called = str(client.shard_id or 0)
    many = "shards" if " to " in called else "shard"
    return f"{many} {called} of {client.shard_count or 1}"
