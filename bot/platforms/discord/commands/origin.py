"""Where the version that speaks comes from, in words: since when, of what, how like the person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import discord

from bot.cards import About, Persona

FIGURES_SHOWN = 6
NAMED_MAX_CHARS = 60
MEASURES = (("held_out_bits_per_byte", "bits per byte"), ("held_out_loss", "loss per token"))
"""The same thing in two units; the first does not depend on how a model cuts words up."""


def origin(persona: Persona) -> Iterator[str]:
    """A line on each thing that is known; nothing of whom no version was trained."""
    about = persona.about
    if about is None or about.version != persona.current:
        if persona.versions and persona.current is None:
            yield "Speaks with the base model; no trained version is served."
        return
    if when := _when(about):
        yield f"Version {about.version} {when}."
    if of := _trained(about):
        yield f"Trained {of}."
    yield from _likeness(about.evaluation)


def _when(about: About) -> str:
    said = []
    if about.since is not None:
        said.append(f"speaks since {_day(about.since)}")
    if about.published is not None:
        said.append(f"was published {_day(about.published)}")
    return " and ".join(said)


def _trained(about: About) -> str:
    said = []
    if about.examples is not None:
        said.append(f"on {about.examples:,} exchanges")
    if about.first is not None and about.last is not None:
        said.append(f"from {_day(about.first)} to {_day(about.last)}")
    if about.base:
        said.append(f"on top of {_plain(about.base)}")
    if about.dataset:
        said.append(f"(data `{_code(about.dataset)}`)")
    return " ".join(said)


def _likeness(figures: Mapping[str, float]) -> Iterator[str]:
    """The comparison with the untrained model first: one number that can be understood."""
    rest = dict(figures)
    compared = None
    for name, unit in MEASURES:
        before, after = rest.pop(f"{name}_before", None), rest.pop(f"{name}_after", None)
        if compared is None and before and after is not None:
            compared = _compared(before, after, unit)
    if compared is not None:
        yield compared
    if rest:
        shown = [f"{_called(name)} {value:.3g}" for name, value in list(rest.items())]
        yield f"Figures: {', '.join(shown[:FIGURES_SHOWN])}."


def _compared(before: float, after: float, unit: str) -> str:
    less = round((1 - after / before) * 100)
    how = f"{less} % less" if less > 0 else f"{-less} % more" if less < 0 else "just as"
    return (
        f"Likeness: what they wrote and it never saw surprises it {how}"
        f" {'than' if less else 'much as'} the untrained model ({unit}: {before:.2f} before,"
        f" {after:.2f} now)."
    )


def _day(moment: datetime) -> str:
    """As each person's own Discord writes it."""
    return f"<t:{int(moment.timestamp())}:D>"


def _called(name: str) -> str:
    return _plain(name.replace("_", " "))


def _plain(text: str) -> str:
    return discord.utils.escape_mentions(discord.utils.escape_markdown(text[:NAMED_MAX_CHARS]))


def _code(text: str) -> str:
    return text[:NAMED_MAX_CHARS].replace("`", "")
