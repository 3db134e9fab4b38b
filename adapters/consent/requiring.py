"""What training and publishing need somebody's word for, and the record of it in a manifest.

A manifest travels further than the ledger does, so it holds no names: only when the subject
agreed, to what, and fingerprints by which a withdrawal finds what was trained on somebody.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from adapters.dataset.report import ImportReport, Person
from adapters.dataset.roll import Speaker
from adapters.errors import NoConsent
from adapters.manifest import Manifest

from . import ledger as ledgers
from .agreements import Ledger, Purpose
from .names import Fingerprints, plain_all

STATED = "stated by the importer"


def grant_command(report: ImportReport) -> str:
    """What writes down that the dataset's subject agreed."""
    who, *also = _one_person(report)
    words = ["understudy", "consent", "grant", who, *(w for name in also for w in ("--also", name))]
    return shlex.join([*words, "--persona", report.persona])


def grant_stated(home: Path, report: ImportReport) -> None:
    """Write down that the dataset's subject agreed, as whoever imports says."""
    who, *also = _one_person(report)
    ledgers.grant(home, who, also=also, persona=report.persona, note=STATED)


def refuse_withdrawn(ledger: Ledger, persona: str, subjects: Sequence[Speaker]) -> None:
    """Raises NoConsent where who is to be the persona has withdrawn their consent."""
    for who in subjects:
        if ledger.withdrawn(plain_all((who.name, who.id))):
            again = shlex.join(["understudy", "consent", "grant", who.name, "--persona", persona])
            raise NoConsent(
                f"{who.name} withdrew their consent, so nothing of theirs is imported; if they "
                f"agreed again: {again}"
            )


def missing(home: Path, report: ImportReport, to: Purpose = "train") -> list[str]:
    """Names of the persona in the export that nobody agreed for. Raises BadLedger."""
    return _missing(ledgers.read(home), report, to)


def record(home: Path, report: ImportReport) -> dict[str, Any]:
    """The consent record of an adapter that is trained on the dataset now.

    Raises BadLedger, and NoConsent with what to do where somebody did not agree.
    """
    ledger = ledgers.read(home)
    again = shlex.join(
        ["understudy", "import", report.format, "FILE", "--persona", report.persona]
        + [word for name in report.persona_speakers for word in ("--speaker", name)]
    )
    if report.people is None:
        raise NoConsent(
            f"the dataset of {report.persona} does not say who speaks in its rows, as it is of an "
            f"earlier version; import the chat again: {again}"
        )
    if names := _missing(ledger, report, "train"):
        raise NoConsent(
            f"nobody wrote down that {' and '.join(names)} agreed to be learned from; if they "
            f"did: {grant_command(report)}"
        )
    stand = Fingerprints.of(home)
    withdrawn = {stand.fingerprint(name): name for name in sorted(ledger.withdrawn_names)}
    for person in report.people:
        if person.role == "third party":
            _check_third_party(ledger, withdrawn, person, report.persona, again)
    return _record(ledger, stand, report)


def check_run(home: Path, run: Manifest, report: ImportReport | None) -> None:
    """Raises NoConsent unless the run may be published; `report` is its dataset's, if known."""
    ledger, name = ledgers.read(home), run.persona
    if not run.consent or not run.consent.get("subjects"):
        raise NoConsent(
            f"nobody wrote down who agreed when {name} was trained; train it again: "
            f"understudy train {name}"
        )
    stand = Fingerprints.of(home)
    for withdrawal in ledger.withdrawals:
        if withdrawal.at >= run.created_at and trained_on(
            run, stand.fingerprints(withdrawal.names)
        ):
            raise NoConsent(
                f"{name} was trained on messages of somebody who withdrew their consent on "
                f"{withdrawal.at:%Y-%m-%d}, so it is not published; train it again: "
                f"understudy train {name}"
            )
    agreed = [
        stand.fingerprints(entry.names)
        for entry in ledger.standing
        if entry.persona == name and "serve" in entry.to
    ]
    for subject in run.consent["subjects"]:
        if not any(fingerprints.intersection(subject) for fingerprints in agreed):
            command = f"understudy consent grant WHO --persona {name}"
            raise NoConsent(
                f"nobody wrote down that the person behind {name} agreed to its being served; if "
                f"they did: {grant_command(report) if report else command}"
            )


def trained_on(manifest: Manifest, fingerprints: frozenset[str]) -> bool:
    """Whether one of these people is in the manifest's consent record."""
    return not fingerprints.isdisjoint(_fingerprints(manifest.consent or {}))


def _fingerprints(consent: dict[str, Any]) -> Iterator[str]:
    for kind in ("subjects", "third_parties"):
        people = consent.get(kind)
        for person in people if isinstance(people, list) else ():
            yield from (one for one in person if isinstance(one, str))


def _missing(ledger: Ledger, report: ImportReport, to: Purpose) -> list[str]:
    return [
        names[0]
        for names in _subjects(report)
        if ledger.subject(report.persona, plain_all(names), to) is None
    ]


def _check_third_party(
    ledger: Ledger, withdrawn: Mapping[str, str], person: Person, persona: str, again: str
) -> None:
    for fingerprint in person.fingerprints:
        if name := withdrawn.get(fingerprint):
            who = person.name or name
            raise NoConsent(
                f"{who} withdrew their consent and still speaks in the dataset of {persona}; "
                f"remove that: {shlex.join(['understudy', 'consent', 'revoke', who])}"
            )
    if not person.hidden and not ledger.third_party(plain_all(person.called)):
        raise NoConsent(
            f"{person.name} speaks in the dataset of {persona} under their own name, and nobody "
            f"wrote down that they agreed; if they did: "
            f"{shlex.join(['understudy', 'consent', 'grant', person.name])}, else import the chat "
            f"again: {again}"
        )


def _record(ledger: Ledger, stand: Fingerprints, report: ImportReport) -> dict[str, Any]:
    entries = [
        entry
        for names in _subjects(report)
        if (entry := ledger.subject(report.persona, plain_all(names), "train"))
    ]
    third = [person for person in report.people or () if person.role == "third party"]
    return {
        "agreed": max(entry.agreed for entry in entries).isoformat(),
        "to": sorted(set.intersection(*(set(entry.to) for entry in entries))),
        "subjects": [sorted(stand.fingerprints(names)) for names in _subjects(report)],
        "third_parties": [sorted(person.fingerprints) for person in third],
        "third_parties_who_agreed": sum(not person.hidden for person in third),
        "others": report.others,
    }


def _subjects(report: ImportReport) -> list[tuple[str, ...]]:
    """What each person behind the persona is called in the export."""
    people = [person.called for person in report.people or () if person.role == "subject"]
    return people or [(name,) for name in report.persona_speakers]


def _one_person(report: ImportReport) -> list[str]:
    """All their names, once each, then their ids."""
    people = _subjects(report)
    ids = [further for names in people for further in names[1:]]
    return list(dict.fromkeys([*(names[0] for names in people), *ids]))
