"""Which versions appeared since the last look. Knows numbers only."""

from __future__ import annotations


class News:
    """What the first look finds is not news: it was published before anybody watched."""

    def __init__(self) -> None:
        self._newest: dict[str, int] | None = None
        self._again: dict[str, int] = {}

    def of(self, published: dict[str, set[int]]) -> dict[str, int]:
        """The newest version of each persona that has one newer than all seen before."""
        newest = {name: max(versions, default=0) for name, versions in published.items()}
        known = newest if self._newest is None else self._newest
        fresh = {name: v for name, v in newest.items() if v > known.get(name, 0)}
        again = {name: v for name, v in self._again.items() if v in published.get(name, ())}
        self._again = {}
        # What was withdrawn stays known: it is no news when it comes back.
        self._newest = {
            name: max(known.get(name, 0), newest.get(name, 0)) for name in known | newest
        }
        return again | fresh

    def repeat(self, name: str, version: int) -> None:
        """Tell of a version at the next look once more, unless a newer one comes."""
        self._again[name] = version
