"""From a finished run to an immutable version in the registry, and back to an earlier one.

Light: no torch. Knows nothing of servers; where one runs, it is the one to ask for a rollback.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from .consent import ledger, requiring
from .dataset import store
from .dataset.report import ImportReport, display_name
from .errors import NoDataset, NothingToRollBack, RegistryRefused
from .manifest import Card, Manifest, Sampling, file_digest
from .registry import Registry, RegistryError, UnknownPersona, checked
from .training import run as runs

STARTERS = (
    "I am going to be home late today, sorry.",
    "What do you want to do this weekend?",
    "Can't seem to reach you. All okay?",
)
"""Generic on purpose: lines of a private chat don't belong where everybody sees them."""
SAMPLING = Sampling(temperature=0.6, min_p=0.1, repetition_penalty=1.1)
"""Small models fall into loops without the penalty, and into made-up words without min-p (read
side by side at temperatures of 0.4 to 0.8)."""


class Published(BaseModel):
    """`new` is false where the same run was published before, as `version`."""

    model_config = ConfigDict(frozen=True)

    persona: str
    version: int
    new: bool
    current: int | None
    """What the persona should serve now; a later version waits for a reload."""

    @property
    def sentence(self) -> str:
        if not self.new:
            return f"this training is already {self.persona}@{self.version}; nothing was published"
        if self.current == self.version:
            return f"published {self.persona}@{self.version}, which is current now"
        return (
            f"published {self.persona}@{self.version}; {self.persona}@{self.current} is current "
            "until a reload"
        )

    def as_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")


class RolledBack(BaseModel):
    model_config = ConfigDict(frozen=True)

    persona: str
    version: int
    previous: int

    @property
    def sentence(self) -> str:
        return f"{self.persona} is back at version {self.version} (it was {self.previous})"

    def as_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")


def publish(home: Path, registry: Registry, name: str) -> Published:
    """Copies the persona's run into the registry as its next version.

    Makes the persona's card where there is none. Raises AdaptersError: NoConsent where somebody
    withdrew since the training, or nobody agreed that the persona is served.
    """
    with _spoken(), ledger.held(home):  # a withdrawal comes before the version or finds it
        return _publish(home, registry, checked(name))


def _publish(home: Path, registry: Registry, name: str) -> Published:
    run = runs.load(home, name)
    requiring.check_run(home, run.manifest, _dataset(home, name))
    known = _version_of(registry, run.manifest)
    if known is not None:
        if registry.current(name) is None:  # a publisher was killed before it wrote this
            registry.set_current(name, known)
        return Published(persona=name, version=known, new=False, current=registry.current(name))
    now = datetime.now(UTC).replace(microsecond=0)
    _ensure_card(home, registry, run.manifest)
    version = registry.publish(run.folder, run.manifest.model_copy(update={"created_at": now}))
    return Published(persona=name, version=version, new=True, current=registry.current(name))


def rollback(registry: Registry, name: str) -> RolledBack:
    """Makes the version before the current one current. For when no server runs.

    Raises AdaptersError.
    """
    with _spoken():
        return _rollback(registry, checked(name))


def _rollback(registry: Registry, name: str) -> RolledBack:
    registry.card(name)
    current = registry.current(name)
    marked = registry.revoked(name)
    earlier = [v for v in registry.versions(name) if current and v < current and v not in marked]
    if current is None or not earlier:
        at = f"it is at version {current}" if current else "nothing of it was published"
        raise NothingToRollBack(f"{name} has no earlier version to go back to; {at}")
    registry.set_current(name, earlier[-1])
    return RolledBack(persona=name, version=earlier[-1], previous=current)


@contextmanager
def _spoken() -> Iterator[None]:
    """The registry's own sentences, as errors of this package."""
    try:
        yield
    except RegistryError as error:
        raise RegistryRefused(str(error)) from error


def _version_of(registry: Registry, manifest: Manifest) -> int | None:
    """The version that holds exactly these files, if they were published before."""
    for version in reversed(registry.versions(manifest.persona)):
        published = registry.manifest(manifest.persona, version)
        same = published.files == manifest.files and published.dataset == manifest.dataset
        if same and _whole(registry, published, version):
            return version
    return None


def _whole(registry: Registry, manifest: Manifest, version: int) -> bool:
    """Whether a version's files are still those that were published; a spoiled one is no use."""
    try:
        folder = registry.fetch(manifest.persona, version)
        return all(file_digest(folder / name) == sha for name, sha in manifest.files.items())
    except (OSError, RegistryError):
        return False


def _ensure_card(home: Path, registry: Registry, manifest: Manifest) -> None:
    try:
        registry.card(manifest.persona)
        return
    except UnknownPersona:
        called = _display_name(home, manifest.persona)
    registry.save_card(
        Card(
            name=manifest.persona,
            display_name=called,
            system_prompt=manifest.system_prompt,
            sampling=SAMPLING,
            greeting=f"Hi, this is {called}.",
            starters=STARTERS,
            prompt_format=manifest.prompt_format,
        )
    )


def _display_name(home: Path, persona: str) -> str:
    report = _dataset(home, persona)
    return report.display_name if report else display_name(persona)


def _dataset(home: Path, persona: str) -> ImportReport | None:
    """The report of its dataset; a run can be published after that was removed."""
    try:
        return store.report(home, persona)
    except NoDataset:
        return None
