"""`understudy consent`: who agreed to what."""

from __future__ import annotations

from typing import Annotated

import typer

from .terminal import Json, next_step, print_json, print_table, registry_of, settled

Who = Annotated[str, typer.Argument(help="Their name as it is in the chats, or their id there.")]
Also = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="Another name or id of theirs; repeatable.")
]


def grant(
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
    from adapters.consent.ledger import grant as agree
    from adapters.errors import AdaptersError

    with settled(AdaptersError) as settings:
        home = settings.home.root
        new = agree(home, who, also=also or (), persona=persona, to=to or PURPOSES, note=note)
    said = f"{who} agreed, as {f'the subject of {persona}' if persona else 'a third party'}"
    done = said if new else f"it was written down before: {said}"
    next_step(done, f"understudy train {persona}" if persona else "understudy consent list")


def revoke(
    who: Who,
    also: Also = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would go and be marked.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Withdraw all that somebody agreed to: their rows go, what was trained on them is marked."""
    from adapters.consent.revoking import revoke as withdraw
    from adapters.errors import AdaptersError

    with settled(AdaptersError) as settings:
        found = withdraw(
            settings.home.root,
            lambda: registry_of(settings),
            who,
            also=also or (),
            only_look=dry_run,
        )
    if as_json:
        print_json(found.as_json())
        return
    print_table("what", "of whom", "what becomes of it", rows=found.rows())
    typer.echo(found.sentence, err=True)


def list_(as_json: Json = False) -> None:
    """List who agreed to what, and who withdrew it."""
    from adapters.consent.ledger import read
    from adapters.errors import AdaptersError

    with settled(AdaptersError) as settings:
        rows = read(settings.home.root).rows()
    if as_json:
        print_json(rows)
    elif not rows:
        next_step("nobody agreed to anything yet", "understudy consent grant WHO --persona NAME")
    else:
        columns = ("who", "also", "as", "to", "agreed", "revoked", "by", "note")
        print_table(*columns, rows=[{column: row[column] for column in columns} for row in rows])
