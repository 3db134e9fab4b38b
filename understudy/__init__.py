"""The one front door: `understudy COMMAND`. It only dispatches; the work is in the packages.

Results go to standard output, everything else to standard error. Heavy imports happen inside
the commands, so that `--help` answers at once. Exit status: 0 done, 1 failed, 2 wrong usage.
"""

from __future__ import annotations

import typer

from . import consents, exporting, importing, questions, running, versions

app = typer.Typer(
    name="understudy",
    help="Learns a persona from a chat history and answers as that persona.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # its import alone takes a third of a second
)
app.command()(running.up)
app.command()(running.chat)
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(
    running.serve
)
app.command()(running.bot)
app.command()(running.doctor)
app.command()(versions.personas)
app.command("import")(importing.import_)
app.command()(importing.speakers)
app.command()(importing.report)
app.command()(questions.questions)
app.command()(exporting.export)
app.command()(versions.train)
app.command()(versions.publish)
app.command()(versions.rollback)

consent = typer.Typer(help="Who agreed to what.", no_args_is_help=True, rich_markup_mode=None)
consent.command()(consents.grant)
consent.command()(consents.revoke)
consent.command("list")(consents.list_)
app.add_typer(consent, name="consent")


def main() -> None:
    """The console script."""
    app()
