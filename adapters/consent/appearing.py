"""How those who are not the persona appear in its rows: as themselves only where they agreed.

Who withdrew is left out, whatever was asked for. Knows the ledger and names; nothing of rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from adapters.dataset.people import SOMEONE, Others
from adapters.dataset.report import Person
from adapters.dataset.roll import Speaker
from adapters.errors import BadRequest

from .agreements import Ledger
from .names import Fingerprints, plain, plain_all

PSEUDONYM, PLACEHOLDER, DROP = "pseudonym", "placeholder", "drop"
SETTINGS = {
    PSEUDONYM: "under a made-up name, always the same",
    PLACEHOLDER: "it is said that somebody spoke, not what",
    DROP: "their messages are left out",
}


def checked(setting: str) -> str:
    """The setting itself, or BadRequest."""
    if setting not in SETTINGS:
        known = ", ".join(SETTINGS)
        raise BadRequest(f"there is no way {setting!r} for others to appear; there is: {known}")
    return setting


@dataclass(frozen=True)
class Standing:
    """The numbers of the speakers, by what they agreed to."""

    themselves: Set[int]
    """The subjects, and who agreed to appear."""
    hidden: Set[int]
    withdrawn: Set[int]


def standing(ledger: Ledger, speakers: Sequence[Speaker], subjects: Set[int]) -> Standing:
    themselves, hidden, withdrawn = set(subjects), set[int](), set[int]()
    for number, speaker in enumerate(speakers):
        names = plain_all((speaker.name, speaker.id))
        if number in subjects:
            continue
        if ledger.withdrawn(names):
            withdrawn.add(number)
        elif ledger.third_party(names):
            themselves.add(number)
        else:
            hidden.add(number)
    return Standing(themselves, hidden, withdrawn)


def others(
    standing: Standing,
    speakers: Sequence[Speaker],
    setting: str,
    made_up: Callable[[str], str],
) -> Others:
    """How everybody appears but the subjects; `made_up` makes another name of a name."""
    absent = standing.hidden | standing.withdrawn
    if setting == DROP:
        return Others(dict.fromkeys(absent, SOMEONE), left_out=absent)
    if setting == PLACEHOLDER:
        names = dict.fromkeys(absent, SOMEONE)
        return Others(names, placeholders=standing.hidden, left_out=standing.withdrawn)
    names = dict.fromkeys(standing.withdrawn, SOMEONE)
    names |= _made_up(speakers, standing.hidden, made_up)
    return Others(names, left_out=standing.withdrawn)


def remembered(home: Path, people: Sequence[Person]) -> tuple[Person, ...]:
    """People as a report keeps them: beside a made-up name stands nothing that says whose."""
    stand = Fingerprints.of(home)
    return tuple(
        person.model_copy(
            update={
                "fingerprints": tuple(sorted(stand.fingerprints(person.called))),
                **({} if _as_themselves(person) else {"name": "", "id": ""}),
            }
        )
        for person in people
    )


def _as_themselves(person: Person) -> bool:
    return person.role == "subject" or person.shown == person.name


def _made_up(
    speakers: Sequence[Speaker], hidden: Set[int], made_up: Callable[[str], str]
) -> dict[int, str]:
    """The same made-up name for the same name, and never for two."""
    by_name: dict[str, str] = {}
    given: Counter[str] = Counter()
    for number in sorted(hidden):
        name = plain(speakers[number].name)
        if name not in by_name:
            made = made_up(name)
            given[made] += 1
            by_name[name] = made if given[made] == 1 else f"{made} {given[made]}"
    return {number: by_name[plain(speakers[number].name)] for number in hidden}
