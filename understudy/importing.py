"""Commands that read a chat export, and that tell what became of it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .terminal import Json, Persona, console, next_step, print_json, print_table, settled, show

if TYPE_CHECKING:
    from adapters.dataset.report import ImportReport
    from adapters.imports.writing.address import Source

DateOrder = Annotated[str | None, typer.Option(help="dmy, mdy or ymd; default: found.")]


def import_(
    format: Annotated[
        str | None, typer.Argument(help="The export's format, such as whatsapp; auto: found.")
    ] = None,
    path: Annotated[
        str | None, typer.Argument(help="The export: a file, folder or .zip; a blog's address.")
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
    language: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE", help="Keep messages in this language alone; repeatable."),
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="For tables: at=NAME, speaker=NAME, text=NAME …")
    ] = None,
    time_format: Annotated[
        str | None,
        typer.Option(help="For tables: how times are written, such as '%d.%m.%y %H:%M'."),
    ] = None,
    detect: Annotated[
        str | None, typer.Option(help="Only name the format of this export, and why.")
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
    layout: Annotated[
        Literal["conversations", "pairs", "dialogue"],
        typer.Option(help="Rows of a conversation, of one line and its answer, or of everybody."),
    ] = "conversations",
    max_examples: Annotated[
        int | None, typer.Option(help="Learn from so many rows at most.", min=1)
    ] = None,
    sample: Annotated[
        Literal["recent", "even", "topics"],
        typer.Option(help="Which ones: the latest, evenly over time, or over what they are about."),
    ] = "recent",
    burst_separator: Annotated[
        str,
        typer.Option(help="Between messages sent in a row; \\n is a line break."),
    ] = r"\n",
    eras: Annotated[
        int | None,
        typer.Option(help="Make so many personas, NAME-1 …, cut where the style changes most."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a dataset of a chat export, and say what was kept and dropped."""
    from adapters.consent import requiring
    from adapters.dataset.era import Era
    from adapters.dataset.shape import Shape
    from adapters.errors import AdaptersError
    from adapters.imports import import_chat
    from adapters.imports.siblings import siblings
    from adapters.privacy import KINDS

    if detect:
        _name_format(detect, as_json)
        return
    if not format or not path or not persona or not speaker:
        raise typer.BadParameter("say FORMAT, PATH, --persona NAME and --speaker WHO; see --help")
    kinds = (private_data_kinds or tuple(KINDS)) if private_data == "replace" else ()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # it ends as with Ctrl-C
    with settled(AdaptersError) as settings, _reading(path, quiet=as_json) as (place, watch):
        home, era, columns = settings.home.root, Era.of(since, until), _columns(column or [])
        one = partial(
            import_chat, format, place, speakers=speaker, home=home,
            system_prompt=system_prompt, date_order=date_order,
            keep=keep or (), drop=drop or (), languages=language or (),
            columns=columns, time_format=time_format,
            private_kinds=kinds, others=others, consent=consent,
            shape=Shape(burst_separator.replace(r"\n", "\n"), layout, max_examples, sample),
            watch=watch, tell=_tell,
        )  # fmt: skip
        if eras is None:
            reports = [one(persona=persona, display_name=display_name, era=era)]
        else:
            family = siblings(
                format, place, persona, speaker, home, eras, display_name=display_name,
                date_order=date_order, era=era, columns=columns, time_format=time_format,
                watch=watch,
            )  # fmt: skip
            reports = [one(**vars(sibling)) for sibling in family]
        missing = [requiring.missing(home, report) for report in reports]
    told = list(zip(reports, missing, strict=True))
    if as_json:
        stated = [_stated(report, names) for report, names in told]
        print_json(stated[0] if eras is None else stated)
        return
    for report, names in told:
        _show_imported(report, names)


def _stated(report: ImportReport, missing: list[str]) -> dict[str, object]:
    from adapters.consent.requiring import grant_command

    grant = grant_command(report) if missing else None
    return {**report.as_json(), "consent": {"missing": missing, "grant": grant}}


def _show_imported(report: ImportReport, missing: list[str]) -> None:
    from adapters.consent.requiring import grant_command

    name = report.persona
    show(report.table())
    if missing:
        done = f"nobody wrote down that {' and '.join(missing)} agreed; if they did:"
        next_step(f"the dataset of {name} is written; {done}", grant_command(report))
    else:
        done = f"the dataset of {name} is written, with plots: understudy report {name}"
        next_step(done, f"understudy train {name}")


def report(
    persona: Persona,
    open_: Annotated[bool, typer.Option("--open", help="Show its page in the browser.")] = False,
    as_json: Json = False,
) -> None:
    """What was imported: kept and dropped, when, with whom and in which words."""
    import webbrowser

    from adapters.dataset import store
    from adapters.errors import AdaptersError
    from adapters.registry import RegistryError, checked

    with settled(AdaptersError, RegistryError) as settings:
        found = store.report(settings.home.root, checked(persona))
        page = store.page(settings.home.root, persona).resolve()
    if as_json:
        print_json({**found.as_json(), "page": str(page)})
    else:
        from adapters.dataset.picture import picture
        from adapters.dataset.plots import plots

        show(found.table())
        show(picture(plots(found)))
    told = f"with plots and examples: {page}"
    if open_ and not webbrowser.open(page.as_uri()):
        told = f"no browser could be started here; open it yourself: {page}"
    if not as_json:
        next_step(told, f"understudy train {persona}")


def _tell(sentence: str) -> None:
    typer.echo(sentence, err=True)


def _columns(pairs: list[str]) -> dict[str, str]:
    """at=date speaker=from, as asked with --column."""
    named = [pair.partition("=") for pair in pairs]
    if wrong := [role + sign + name for role, sign, name in named if not role or not name]:
        raise typer.BadParameter(f"--column takes ROLE=NAME, such as at=date, not {wrong[0]!r}")
    return {role.strip(): name for role, _, name in named}


def _name_format(path: str, as_json: bool) -> None:
    from adapters.errors import AdaptersError
    from adapters.imports.formats import detect
    from adapters.imports.writing.address import source

    with settled(AdaptersError):
        found = detect(source(path))
    if as_json:
        print_json(asdict(found))
    else:
        typer.echo(f"{found.format}: {found.reason}")


def speakers(
    path: Annotated[str, typer.Argument(help="The export, or a blog's address.")],
    format: Annotated[str, typer.Option(help="The export's format; auto: found.")] = "auto",
    date_order: DateOrder = None,
    as_json: Json = False,
) -> None:
    """List who speaks in a chat export, how much and when."""
    from adapters.errors import AdaptersError
    from adapters.imports import list_speakers

    with settled(AdaptersError) as settings, _reading(path, quiet=as_json) as (place, watch):
        home = settings.home.root
        found = list_speakers(format, place, home, date_order=date_order, watch=watch)
    rows = [figures.as_json() for figures in found]
    if as_json:
        print_json(rows)
        return
    several = len({row["conversation"] for row in rows}) > 1
    ids = any(row["id"] for row in rows)
    columns = ["name", *["id"] * ids, *["conversation"] * several, "messages", "first", "last"]
    print_table(*columns, rows=[{column: row[column] for column in columns} for row in rows])


@contextmanager
def _reading(path: str, *, quiet: bool) -> Iterator[tuple[Source, Callable[[float], None]]]:
    """The export, and a bar while it is read."""
    from adapters.imports.progress import shown
    from adapters.imports.writing.address import source
    from adapters.messages import unwatched

    place = source(path)
    if quiet:
        yield place, unwatched
    else:
        with shown(place, console()) as watch:
            yield place, watch
