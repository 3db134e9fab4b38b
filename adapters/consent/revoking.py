"""Withdrawing: a person's rows go from every dataset, and what was trained on them is marked.

    find → write it down → remove the rows and the exports of them → mark the versions

Doing it again finishes what was broken off. Knows nothing of servers: they see the marks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from adapters.dataset import kept, lessening, store
from adapters.dataset.report import ImportReport
from adapters.errors import BadRequest, NoDataset, NoRun, RegistryRefused, writing
from adapters.exports.remains import Remains, remains
from adapters.folders import clear
from adapters.manifest import Manifest
from adapters.questions import answers
from adapters.registry import BrokenEntry, Registry, RegistryError
from adapters.training import run as runs

from . import ledger as ledgers
from .agreements import Agreed, Ledger
from .found import InDataset, InVersion, Revoked
from .names import Fingerprints, plain, plain_all
from .requiring import trained_on

NOTE = "rows were removed, as somebody who spoke in them withdrew their consent"


def revoke(
    home: Path,
    registry: Callable[[], Registry],
    who: str,
    *,
    also: Sequence[str] = (),
    only_look: bool = False,
) -> Revoked:
    """Withdraws all that somebody agreed to and removes what they said; or only looks.

    Where the registry can't be reached what is here goes all the same, and then it is said.
    Raises AdaptersError.
    """
    with ledgers.held(home):
        if not only_look:
            _forget_unfinished(home)
        ledger = ledgers.read(home)
        reports = _reports(home)
        names = _names(ledger, reports, (who, *also))
        there = _There(registry)
        exports = list(remains(home))
        found = _found(home, ledger, reports, exports, there, who, names)
        _refuse_unknown(ledger, found, names, there.trouble)
        if only_look:
            there.check()
            return found
        if found.agreements or not names <= ledger.withdrawn_names:
            ledgers.withdraw(home, who, found.also)
        for persona in found.questions:  # while the rows still say whose they are
            answers.forget(home, persona)
        _remove(home, found.datasets, names)
        for export in exports:
            if export.name in found.exports:
                export.remove()
        there.mark(found.versions)
    there.check(
        f"; what {who} said is gone from the datasets here, and published versions are not "
        "marked yet: run it again when that can be done"
    )
    return replace(found, done=True)


def _forget_unfinished(home: Path) -> None:
    """What was broken off and has not gone on: who is in there can't be told."""
    with writing(home):
        kept.forget(home / "datasets")
        for folder in (home / "datasets", home / "runs", *(home / "exports").glob("[!.]*")):
            clear(folder)


class _There:
    """The registry, which may be out of reach for now."""

    def __init__(self, registry: Callable[[], Registry]) -> None:
        self.trouble: RegistryError | None = None
        self._registry: Registry | None = None
        try:
            self._registry = registry()
        except RegistryError as error:
            self.trouble = error

    def versions(self, meant: _Meant) -> list[InVersion]:
        return _in_versions(self._registry, meant) if self._registry else []

    def mark(self, versions: Sequence[InVersion]) -> None:
        if not self._registry:
            return
        try:
            for found in versions:
                if found.version not in self._registry.revoked(found.persona):
                    self._registry.revoke(found.persona, found.version, ledgers.now())
        except RegistryError as error:
            self.trouble = error

    def check(self, besides: str = "") -> None:
        """Raises RegistryRefused where something could not be done there."""
        if self.trouble:
            raise RegistryRefused(f"{self.trouble}{besides}") from self.trouble


@dataclass(frozen=True)
class _Meant:
    """By what an adapter is known to be trained on somebody, and an export to be of them."""

    fingerprints: frozenset[str]
    digests: frozenset[str]

    def by(self, manifest: Manifest) -> bool:
        return manifest.dataset.digest in self.digests or trained_on(manifest, self.fingerprints)

    def exported(self, export: Remains) -> bool:
        return export.dataset in self.digests or bool(export.people & self.fingerprints)


def _found(
    home: Path,
    ledger: Ledger,
    reports: Sequence[ImportReport],
    exports: Sequence[Remains],
    there: _There,
    who: str,
    names: frozenset[str],
) -> Revoked:
    fingerprints = _fingerprints(Fingerprints.of(home), reports, names)
    datasets = tuple(_in_datasets(home, reports, names, fingerprints))
    digests = frozenset(found.digest for found in datasets if found.rows)
    meant = _Meant(fingerprints, digests)
    subject_of = _subject_of(ledger, datasets, names)
    return Revoked(
        who=who,
        also=tuple(sorted(names - {plain(who)})),
        agreements=sum(1 for entry in ledger.standing if entry.names & names),
        subject_of=subject_of,
        datasets=datasets,
        questions=_questions(home, subject_of, datasets),
        runs=tuple(_in_runs(home, meant)),
        versions=tuple(there.versions(meant)),
        exports=tuple(export.name for export in exports if meant.exported(export)),
        done=False,
    )


def _subject_of(
    ledger: Ledger, datasets: Sequence[InDataset], names: frozenset[str]
) -> tuple[str, ...]:
    said = (entry for entry in ledger.entries if isinstance(entry, Agreed) and entry.names & names)
    personas = {entry.persona for entry in said if entry.persona}
    return tuple(sorted(personas | {found.persona for found in datasets if found.subject}))


def _questions(
    home: Path, subject_of: Sequence[str], datasets: Sequence[InDataset]
) -> dict[str, int]:
    """Kept for personas that are that person, or in whose rows they speak."""
    personas = {*subject_of, *(found.persona for found in datasets if found.rows)}
    return {
        name: answers.count(home, name) for name in sorted(personas) if answers.there(home, name)
    }


def _reports(home: Path) -> list[ImportReport]:
    found = []
    for persona in store.names(home):
        try:
            found.append(store.report(home, persona))
        except NoDataset as error:
            raise NoDataset(f"{error}, or remove that folder; then run this again") from error
    return found


def _names(ledger: Ledger, reports: Sequence[ImportReport], given: Sequence[str]) -> frozenset[str]:
    """All that the person is called, as far as the ledger and the exports say."""
    names = ledger.known_as(plain_all(given))
    people = [plain_all(person.called) for report in reports for person in report.people or ()]
    return names.union(*(called for called in people if called & names))


def _fingerprints(
    stand: Fingerprints, reports: Sequence[ImportReport], names: frozenset[str]
) -> frozenset[str]:
    """Of the names, and of the ids that hidden people have beside them."""
    meant = stand.fingerprints(names)
    people = [frozenset(who.fingerprints) for report in reports for who in report.people or ()]
    return meant.union(*(one for one in people if one & meant))


def _in_datasets(
    home: Path,
    reports: Sequence[ImportReport],
    names: frozenset[str],
    fingerprints: frozenset[str],
) -> list[InDataset]:
    found = []
    for report in reports:
        rows, subject = report.examples + report.held_out, False
        named = bool(plain_all(report.speakers) & names)  # if only in what the report counts
        if report.people is None:  # it can't say which rows, and has to be imported anew anyway
            numbers = frozenset[int]()
            held = rows if named else 0
        else:
            people = [who for who in report.people if fingerprints.intersection(who.fingerprints)]
            numbers = frozenset(who.number for who in people)
            subject = any(who.role == "subject" for who in people)
            held = lessening.count(home, report.persona, numbers) if numbers else 0
        if held or numbers or named:
            found.append(
                InDataset(report.persona, held, rows - held, subject, numbers, report.digest)
            )
    return found


def _in_runs(home: Path, meant: _Meant) -> list[str]:
    found = []
    for persona in runs.names(home):
        try:
            if meant.by(runs.load(home, persona).manifest):
                found.append(persona)
        except NoRun:
            continue  # nor could it be published
    return found


def _in_versions(registry: Registry, meant: _Meant) -> list[InVersion]:
    found = []
    for name in registry.names():
        current = _current(registry, name)
        for version in registry.versions(name):
            try:
                manifest = registry.manifest(name, version)
            except BrokenEntry:
                continue  # nor could it be served
            if meant.by(manifest):
                found.append(InVersion(name, version, version == current))
    return found


def _current(registry: Registry, name: str) -> int | None:
    try:
        return registry.current(name)
    except BrokenEntry:
        return None


def _refuse_unknown(
    ledger: Ledger, found: Revoked, names: frozenset[str], trouble: Exception | None
) -> None:
    known = any(entry.names & names for entry in ledger.entries)
    if known or found.datasets or found.runs or found.versions or found.exports:
        return
    if trouble:
        raise RegistryRefused(str(trouble)) from trouble
    entered = ", ".join(dict.fromkeys(entry.who for entry in ledger.entries))
    raise BadRequest(
        f"{found.who!r} is neither in consent.toml nor in any dataset or version here"
        + (f"; in consent.toml there is: {entered}" if entered else "")
    )


def _remove(home: Path, datasets: Sequence[InDataset], names: frozenset[str]) -> None:
    for found in datasets:
        if found.left:
            note = f"{ledgers.now():%Y-%m-%d}: {found.rows} {NOTE}" if found.rows else ""
            lessening.without(
                home, found.persona, found.numbers, lambda name: plain(name) in names, note
            )
        else:
            store.remove(home, found.persona)
