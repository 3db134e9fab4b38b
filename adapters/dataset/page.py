"""A dataset's report as one HTML file: no network, no script, whatever people wrote as text.

It is built of elements, which escape what is in them. Knows the report and a few rows; nothing
of how figures are counted or plots are drawn.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from xml.etree.ElementTree import Element, tostring

from adapters.privacy import KINDS

from .clean import RULES
from .drawing import Plot, element, svg
from .plots import plots
from .render import ChatMessage
from .report import MEANING, ImportReport

MAX_CHARACTERS = 2_000
"""Of a message in an example; beyond it nobody reads on."""
APPEAR = {
    "pseudonym": "appear under made-up names",
    "placeholder": "are only mentioned, with nothing of what they said",
    "drop": "are left out",
}
LESSENED = (
    "Rows were taken out after these figures were counted. What others said is not counted any "
    "more; import again to see all of it."
)


def html(report: ImportReport, examples: Sequence[Sequence[ChatMessage]]) -> bytes:
    style = files("adapters.dataset").joinpath("page.css").read_text("utf-8")
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_policy(style)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", f"{report.display_name}: what was imported"),
        element("style", style),
    )
    body = element("body", *_body(report, examples))
    page = element("html", head, body, lang="en")
    return b"<!doctype html>\n" + tostring(page, "unicode", method="html").encode(
        "utf-8", "replace"
    )


def _policy(style: str) -> str:
    """Nothing may be loaded or run; the one style is told by its digest."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _body(report: ImportReport, examples: Sequence[Sequence[ChatMessage]]) -> Iterator[Element]:
    yield element("h1", report.display_name, dir="auto")
    yield _soft(_origin(report))
    yield _tiles(report)
    if not report.figures:
        yield _soft("No figures were counted when it was imported; import it again to see them.")
    drawn = [_figure(plot) for plot in plots(report)]
    if drawn:
        yield element("h2", "The chat")
        if report.lessened:
            yield _soft(LESSENED)
        yield element("div", *drawn, class_="plots")
    yield element("h2", "What became of each line")
    yield _table(_lines(report))
    if report.cleaned:
        yield element("h2", "What was left out, and why")
        yield _table(_cleaned(report))
    if report.private_kinds or report.others:
        yield element("h2", "Private data, and who agreed")
        yield from _discreet(report)
    if report.notes:
        yield element("h2", "Notes")
        yield _list(report.notes)
    if examples:
        yield element("h2", "Examples, as the model sees them")
        yield _soft(
            f"Taken at random; what is on the right is what it learns to say as "
            f"{report.display_name}, the rest is what comes before."
        )
        yield element("div", *map(_example, examples), class_="examples")


def _origin(report: ImportReport) -> str:
    when = f"{report.imported_at:%Y-%m-%d}"
    told = f"From {report.source} ({report.format}), imported on {when}."
    if report.first and report.last:
        told += f" Messages from {report.first:%Y-%m-%d} to {report.last:%Y-%m-%d}."
    if report.date_order:
        told += f" Dates were read {report.date_order}: {report.date_order_reason}."
    return told


def _tiles(report: ImportReport) -> Element:
    told = {
        f"messages of {report.display_name} to learn": report.learned,
        "rows to learn from": report.examples,
        "messages held out": report.held_out_messages,
        "conversations": report.sessions,
        "people who speak": len(report.speakers),
    }
    return element(
        "dl",
        *(
            element("div", element("dt", what, dir="auto"), element("dd", f"{count:,}"))
            for what, count in told.items()
        ),
        class_="tiles",
    )


def _figure(plot: Plot) -> Element:
    legend = element(
        "p",
        *(element("span", one.name, class_=one.side, dir="auto") for one in plot.series),
        class_="legend",
    )
    caption = element("figcaption", plot.says, dir="auto")
    several = [legend] * (len(plot.series) > 1)
    height = [] if plot.lying else [element("p", plot.y, class_="soft y")]
    return element("figure", element("h3", plot.title), caption, *several, *height, svg(plot))


def _lines(report: ImportReport) -> Iterator[tuple[int, str, str, Iterable[str]]]:
    unparsed = [f"line {number}: {line}" for number, line in report.unparsed_samples]
    for name, meaning in MEANING.items():
        samples = unparsed if name == "unparsed" else []
        yield getattr(report, name), name, meaning, samples
    yield report.lines, "in all", "", []


def _cleaned(report: ImportReport) -> Iterator[tuple[int, str, str, Iterable[str]]]:
    for rule, count in sorted(report.cleaned.items(), key=lambda one: -one[1]):
        yield count, rule, RULES.get(rule, ""), report.cleaned_samples.get(rule, ())


def _discreet(report: ImportReport) -> Iterator[Element]:
    if report.private_kinds:
        yield _soft(f"Stand-ins replace what was found of: {', '.join(report.private_kinds)}.")
        if report.replaced:
            yield _table(
                (count, kind, KINDS.get(kind, ""), report.replaced_samples.get(kind, ()))
                for kind, count in report.replaced.items()
            )
    if report.others in APPEAR:
        hidden = sum(1 for person in report.people or () if person.hidden)
        yield _soft(f"People who did not agree {APPEAR[report.others]}: {hidden:,} in these rows.")


def _table(rows: Iterable[tuple[int, str, str, Iterable[str]]]) -> Element:
    made = element("tbody")
    for count, name, meaning, samples in rows:
        told: list[Element | str] = [meaning, _list(samples)] if samples else [meaning]
        made.append(
            element(
                "tr",
                element("td", f"{count:,}", class_="number"),
                element("th", name, scope="row"),
                element("td", *told),
            )
        )
    return element("table", made)


def _list(items: Iterable[str]) -> Element:
    return element("ul", *(element("li", item, dir="auto") for item in items))


def _example(messages: Sequence[ChatMessage]) -> Element:
    return element(
        "div",
        *(
            element("p", _cut(message["content"]), class_=message["role"], dir="auto")
            for message in messages
        ),
        class_="example",
    )


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]} …"


def _soft(text: str) -> Element:
    return element("p", text, class_="soft", dir="auto")
