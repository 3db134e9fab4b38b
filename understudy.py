"""The one front door: `understudy COMMAND`. It only dispatches; the work is in the packages.

Results go to standard output, everything else to standard error. Heavy imports happen inside
the commands, so that `--help` answers at once. Exit status: 0 done, 1 failed, 2 wrong usage.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from adapters.registry import Registry
    from deploy.local.settings import Settings

app = typer.Typer(
    name="understudy",
    help="Learns a persona from a chat history and answers as that persona.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # its import alone takes a third of a second
)

consents = typer.Typer(help="Who agreed to what.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(consents, name="consent")

Json = Annotated[bool, typer.Option("--json", help="The result as JSON on standard output.")]
Persona = Annotated[str, typer.Argument(help="The persona's name, for instance maya.")]
DateOrder = Annotated[str | None, typer.Option(help="dmy, mdy or ymd; default: found.")]
Who = Annotated[str, typer.Argument(help="Their name as it is in the chats, or their id there.")]
Also = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="Another name or id of theirs; repeatable.")
]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port of the inference server.")]


@app.command()
def up(port: Port = 8000) -> None:
    """Everything on this machine, one command, clean shutdown."""
    from deploy.local.up import up as run
    from deploy.local.voice import Voice

    with settled() as settings:
        _refuse_unfit()
        asyncio.run(run(settings, Voice(_console()), port))


@app.command()
def chat(
    persona: Annotated[str | None, typer.Option(help="Who answers; default: the first.")] = None,
    once: Annotated[
        str | None, typer.Option(help="Say this, print the reply alone, remember nothing.")
    ] = None,
) -> None:
    """Talk in the terminal, with a running server or one started for the while."""
    from bot.errors import UnderstudyError

    with settled(UnderstudyError) as settings:
        _refuse_unfit()
        asyncio.run(_talk(settings, persona, once))


async def _talk(settings: Settings, persona: str | None, once: str | None) -> None:
    from bot.platforms import terminal
    from bot.settings import Settings as BotSettings
    from deploy.local.up import inference, until_signalled
    from deploy.local.voice import Voice

    voice = Voice(_console(), quiet=once is not None)
    # Ctrl-C is the terminal's own: it stops an answer.
    async with until_signalled(signal.SIGTERM), inference(settings, voice) as url:
        os.environ.update(settings.environment(url))
        await terminal.chat(BotSettings(), persona=persona, once=once)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
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


@app.command()
def bot(
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port of /health.")] = None,
) -> None:
    """The bot alone; DISCORD_TOKEN says where it speaks."""
    from deploy.local.up import DEFAULT_URL

    with settled() as settings:
        os.environ.update(settings.environment(settings.announced_inference or DEFAULT_URL))
        from bot.__main__ import main as run

        run(port=port)


@app.command()
def doctor(as_json: Json = False) -> None:
    """What is set up, what is missing, what to do about it."""
    from adapters.consent.ledger import told
    from bot.platforms.discord.inviting import invite_link
    from deploy.local.doctor import examine, show

    with settled() as settings:
        findings = asyncio.run(examine(settings, invite_link, _unfit(), told))
    if as_json:
        _print_json([asdict(finding) for finding in findings])
    else:
        show(findings)
    raise typer.Exit(1 if any(finding.state == "broken" for finding in findings) else 0)


@app.command()
def personas(as_json: Json = False) -> None:
    """List the personas with their versions and what is current."""
    from adapters.registry import RegistryError

    with settled(RegistryError) as settings:
        registry = _registry(settings)
        rows = [
            {
                "name": name,
                "display_name": registry.card(name).display_name,
                "current": registry.current(name),
                "versions": registry.versions(name),
                "revoked": registry.revoked(name),
            }
            for name in registry.names()
        ]
    if as_json:
        _print_json(rows)
    elif not rows:
        _next("no persona yet", "understudy import whatsapp FILE --persona NAME --speaker WHO")
    else:
        _print_table("name", "speaks as", "current", "versions", "revoked", rows=rows)


@app.command("import")
def import_(
    format: Annotated[
        str | None, typer.Argument(help="The export's format, such as whatsapp; auto: found.")
    ] = None,
    path: Annotated[
        Path | None, typer.Argument(help="The export: a file, its folder or the .zip it came in.")
    ] = None,
    persona: Annotated[
        str | None, typer.Option(help="Name of the persona to make, such as maya.")
    ] = None,
    speaker: Annotated[
        list[str] | None, typer.Option(help="Their name or id there; repeatable.")
    ] = None,
    system_prompt: Annotated[str | None, typer.Option(help="What the persona is told.")] = None,
    display_name: Annotated[str | None, typer.Option(help="The name that people see.")] = None,
    date_order: DateOrder = None,
    since: Annotated[
        str | None, typer.Option("--from", help="Learn from messages since 2013, or 2013-05-17.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="The same of the end: 2015 is included.")
    ] = None,
    keep: Annotated[
        list[str] | None, typer.Option(metavar="RULE", help="A cleaning rule to leave out.")
    ] = None,
    drop: Annotated[
        list[str] | None, typer.Option(metavar="RULE", help="Clean by this alone; repeatable.")
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="For tables: at=NAME, speaker=NAME, text=NAME …")
    ] = None,
    time_format: Annotated[
        str | None,
        typer.Option(help="For tables: how times are written, such as '%d.%m.%y %H:%M'."),
    ] = None,
    detect: Annotated[
        Path | None, typer.Option(help="Only name the format of this export, and why.")
    ] = None,
    others: Annotated[
        str, typer.Option(help="Who did not agree: pseudonym, placeholder or drop.")
    ] = "pseudonym",
    consent: Annotated[
        bool, typer.Option("--consent", help="State that the persona's person agreed to it.")
    ] = False,
    private_data: Annotated[
        Literal["replace", "keep"], typer.Option(help="Put stand-ins in place of private data.")
    ] = "replace",
    private_data_kinds: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", help="Replace this alone (email, name, …); repeatable."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a dataset of a chat export, and say what was kept and dropped."""
    from adapters.consent import requiring
    from adapters.dataset.era import Era
    from adapters.errors import AdaptersError
    from adapters.imports import import_chat
    from adapters.privacy import KINDS

    if detect:
        _name_format(detect, as_json)
        return
    if not format or not path or not persona or not speaker:
        raise typer.BadParameter("say FORMAT, PATH, --persona NAME and --speaker WHO; see --help")
    kinds = (private_data_kinds or tuple(KINDS)) if private_data == "replace" else ()
    with settled(AdaptersError) as settings, _reading(path, quiet=as_json) as watch:
        report = import_chat(
            format, path, persona, speaker, settings.home.root,
            system_prompt=system_prompt, display_name=display_name, date_order=date_order,
            era=Era.of(since, until), keep=keep or (), drop=drop or (),
            columns=_columns(column or []), time_format=time_format,
            private_kinds=kinds, others=others, consent=consent, watch=watch,
        )  # fmt: skip
        missing = requiring.missing(settings.home.root, report)
    grant = requiring.grant_command(report)
    if as_json:
        stated = {"missing": missing, "grant": grant if missing else None}
        _print_json({**report.as_json(), "consent": stated})
        return
    _print(report.table())
    if missing:
        done = f"nobody wrote down that {' and '.join(missing)} agreed; if they did:"
        _next(f"the dataset of {persona} is written; {done}", grant)
    else:
        _next(f"the dataset of {persona} is written", f"understudy train {persona}")


def _columns(pairs: list[str]) -> dict[str, str]:
    """at=date speaker=from, as asked with --column."""
    named = [pair.partition("=") for pair in pairs]
    if wrong := [role + sign + name for role, sign, name in named if not role or not name]:
        raise typer.BadParameter(f"--column takes ROLE=NAME, such as at=date, not {wrong[0]!r}")
    return {role.strip(): name for role, _, name in named}


def _name_format(path: Path, as_json: bool) -> None:
    from adapters.errors import AdaptersError
    from adapters.imports.formats import detect

    with settled(AdaptersError):
        found = detect(path)
    if as_json:
        _print_json(asdict(found))
    else:
        typer.echo(f"{found.format}: {found.reason}")


@consents.command("grant")
def grant_consent(
    who: Who,
    persona: Annotated[
        str | None, typer.Option(help="As the subject of this persona; else as a third party.")
    ] = None,
    also: Also = None,
    to: Annotated[
        list[str] | None, typer.Option(help="import, train or serve; repeatable; default: all.")
    ] = None,
    note: Annotated[str, typer.Option(help="How they agreed, for instance: by mail.")] = "",
) -> None:
    """Write down that somebody agreed, to their own persona or to appear in another's."""
    from adapters.consent.agreements import PURPOSES
    from adapters.consent.ledger import grant
    from adapters.errors import AdaptersError

    with settled(AdaptersError) as settings:
        home = settings.home.root
        new = grant(home, who, also=also or (), persona=persona, to=to or PURPOSES, note=note)
    said = f"{who} agreed, as {f'the subject of {persona}' if persona else 'a third party'}"
    done = said if new else f"it was written down before: {said}"
    _next(done, f"understudy train {persona}" if persona else "understudy consent list")


@consents.command("revoke")
def revoke_consent(
    who: Who,
    also: Also = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would go and be marked.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Withdraw all that somebody agreed to: their rows go, what was trained on them is marked."""
    from adapters.consent.revoking import revoke
    from adapters.errors import AdaptersError

    with settled(AdaptersError) as settings:
        found = revoke(
            settings.home.root, lambda: _registry(settings), who, also=also or (), only_look=dry_run
        )
    if as_json:
        _print_json(found.as_json())
        return
    _print_table("what", "of whom", "what becomes of it", rows=found.rows())
    typer.echo(found.sentence, err=True)


@consents.command("list")
def list_consent(as_json: Json = False) -> None:
    """List who agreed to what, and who withdrew it."""
    from adapters.consent.ledger import read
    from adapters.errors import AdaptersError

    with settled(AdaptersError) as settings:
        rows = read(settings.home.root).rows()
    if as_json:
        _print_json(rows)
    elif not rows:
        _next("nobody agreed to anything yet", "understudy consent grant WHO --persona NAME")
    else:
        columns = ("who", "also", "as", "to", "agreed", "revoked", "by", "note")
        _print_table(*columns, rows=[{column: row[column] for column in columns} for row in rows])


@app.command()
def speakers(
    path: Annotated[Path, typer.Argument(help="The export.")],
    format: Annotated[str, typer.Option(help="The export's format; auto: found.")] = "auto",
    date_order: DateOrder = None,
    as_json: Json = False,
) -> None:
    """List who speaks in a chat export, how much and when."""
    from adapters.errors import AdaptersError
    from adapters.imports import list_speakers

    with settled(AdaptersError), _reading(path, quiet=as_json) as watch:
        found = list_speakers(format, path, date_order=date_order, watch=watch)
    rows = [figures.as_json() for figures in found]
    if as_json:
        _print_json(rows)
        return
    several = len({row["conversation"] for row in rows}) > 1
    ids = any(row["id"] for row in rows)
    columns = ["name", *["id"] * ids, *["conversation"] * several, "messages", "first", "last"]
    _print_table(*columns, rows=[{column: row[column] for column in columns} for row in rows])


@contextmanager
def _reading(path: Path, *, quiet: bool) -> Iterator[Callable[[float], None]]:
    """A bar while an export is read."""
    from adapters.imports.progress import shown
    from adapters.messages import unwatched

    if quiet:
        yield unwatched
    else:
        with shown(path, _console()) as watch:
            yield watch


@app.command()
def train(persona: Persona, as_json: Json = False) -> None:
    """Train the persona's adapter on its dataset."""
    from adapters.errors import AdaptersError
    from adapters.training import train as run

    with settled(AdaptersError) as settings:
        name = "understudy-starter" if settings.base_model is None else None
        report = run(persona, settings.home.root, settings.base, base_name=name)
    if as_json:
        _print_json(report.as_json())
    else:
        _print(report.table())
        _next(f"{persona} is trained", f"understudy publish {persona}")


@app.command()
def publish(persona: Persona, as_json: Json = False) -> None:
    """Publish what was trained as the persona's next version."""
    from adapters.errors import AdaptersError
    from adapters.publish import publish as run
    from adapters.registry import RegistryError

    with settled(AdaptersError, RegistryError) as settings:
        published = run(settings.home.root, _registry(settings), persona)
    if as_json:
        _print_json(published.as_json())
    else:
        _next(published.sentence, f"understudy chat --persona {persona}")


@app.command()
def rollback(persona: Persona, as_json: Json = False) -> None:
    """Go back to the version before: the running server does it, else `current` is rewritten."""
    from adapters.errors import AdaptersError
    from adapters.publish import rollback as write
    from adapters.registry import RegistryError
    from bot.errors import UnderstudyError
    from deploy.local.up import live_inference

    with settled(AdaptersError, RegistryError, UnderstudyError) as settings:
        if url := settings.inference_url or asyncio.run(live_inference(settings)):
            version, previous = asyncio.run(_roll_back_at(settings, url, persona))
        else:
            done = write(_registry(settings), persona)
            version, previous = done.version, done.previous
    if as_json:
        _print_json({"persona": persona, "version": version, "previous": previous})
    else:
        typer.echo(f"{persona} is back at version {version} (it was {previous})", err=True)


def _registry(settings: Settings) -> Registry:
    """The registry as it is now: one that is elsewhere is looked at first."""
    from adapters.registry import Registry

    registry = Registry.at(settings.registry, settings.registry_cache)
    if registry.remote:
        registry.refresh()
    return registry


async def _roll_back_at(
    settings: Settings, url: str, persona: str
) -> tuple[int | None, int | None]:
    from bot.settings import Settings as BotSettings
    from bot.wiring import speaking

    os.environ.update(settings.environment(url))
    async with speaking(BotSettings(), draft_seconds=1) as able:
        done = await able.admin.rollback(persona)
    return done.version, done.previous


def _unfit() -> list[str]:
    """What can't be understood in the settings of the parts."""
    from bot.settings import Settings as BotSettings
    from deploy.local.settings import unfit
    from inference_server.settings import ServerSettings

    return unfit(BotSettings, ServerSettings)


def _refuse_unfit() -> None:
    """Said before a part is started, which could only end at once."""
    if sentences := _unfit():
        fail(_correct(sentences))


def _correct(sentences: list[str]) -> str:
    return "\n".join([*sentences, "Correct it in .env or the environment; see .env.example."])


def _console() -> Console:
    from rich.console import Console

    return Console(stderr=True)


def _print_json(result: object) -> None:
    typer.echo(json.dumps(result, ensure_ascii=False, indent=2, default=str))


def _print(table: object) -> None:
    from rich.console import Console

    Console().print(table)


def _print_table(*columns: str, rows: list[dict[str, Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row.values()))
    _print(table)


def _cell(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return "-" if value is None else str(value)


def _next(done: str, command: str) -> None:
    """What happened, and the command that usually follows."""
    _console().print(f"{done}\nnext: [bold]{command}[/bold]", highlight=False, soft_wrap=True)


def fail(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(1)


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
        fail(_correct(unfit(Settings) or _unfit()))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def main() -> None:
    """The console script."""
    app()


if __name__ == "__main__":
    main()
