"""How those who are not the persona appear in its rows: as themselves only where they agreed.

Who withdrew is left out, whatever was asked for. Knows the ledger and names; nothing of rows.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from pathlib import Path

from adapters.dataset.building import Others
from adapters.dataset.report import Person
from adapters.dataset.scratch import Speaker
from adapters.errors import BadRequest

from .agreements import Ledger
from .names import Stand, plain, plain_all

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


def others(
    ledger: Ledger,
    home: Path,
    speakers: Sequence[Speaker],
    subjects: Set[int],
    setting: str,
    display_name: str,
) -> Others:
    """What becomes of each speaker but the subjects, by number."""
    left_out, hidden = set[int](), set[int]()
    for number, speaker in enumerate(speakers):
        names = plain_all((speaker.name, speaker.id))
        if number in subjects:
            continue
        if ledger.withdrawn(names):
            left_out.add(number)
        elif not ledger.third_party(names):
            hidden.add(number)
    if setting == DROP:
        return Others(left_out=left_out | hidden)
    if setting == PLACEHOLDER:
        return Others(placeholders=hidden, left_out=left_out)
    made_up = _made_up(home, speakers, hidden, display_name) if hidden else {}
    return Others(names=made_up, left_out=left_out)


def remembered(home: Path, people: Sequence[Person]) -> tuple[Person, ...]:
    """People as a report keeps them: beside a made-up name stands nothing that says whose."""
    stand = Stand.of(home)
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
    home: Path, speakers: Sequence[Speaker], hidden: Set[int], display_name: str
) -> dict[int, str]:
    """A made-up name for each name: none that is somebody's in the export, nor twice the same."""
    stand = Stand.of(home)
    taken = {plain(word) for speaker in speakers for word in speaker.name.split()}
    taken |= {plain(word) for word in display_name.split()} | {plain(display_name)}
    by_name: dict[str, str] = {}
    for number in sorted(hidden):
        name = plain(speakers[number].name)
        if name not in by_name:
            by_name[name] = stand.pseudonym(name, taken)
            taken.add(plain(by_name[name]))
    return {number: by_name[plain(speakers[number].name)] for number in hidden}
