"""Who can speak: the server's own list, else cards in a local folder, else one plain persona.

Knows where cards come from and how fresh they are; who speaks where is `places`'.
"""

from __future__ import annotations

import asyncio
import logging
import tomllib
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Any

from pydantic import ValidationError

from .cards import Persona
from .errors import NoPersonas, UnderstudyError, UnknownPersona
from .inference import InferenceServer

log = logging.getLogger(__name__)

FRESH_SECONDS = 10.0
PLAIN_NAME = "understudy"


class Personas:
    """The personas there are. The list is asked for again after `fresh_s` seconds."""

    def __init__(
        self,
        server: InferenceServer,
        cards: Path,
        default: str | None = None,
        fresh_s: float = FRESH_SECONDS,
    ) -> None:
        """`cards` is the folder of *.toml for servers that list no personas."""
        self._server = server
        self._cards = cards
        self._default = default
        self._fresh_s = fresh_s
        self._known: list[Persona] = []
        self._stale_at = 0.0
        self._asking = asyncio.Lock()

    async def list(self) -> list[Persona]:
        """All personas by name; the last known ones while the server is away.

        Raises ModelGone, ModelSlow, ModelFailed, PersonasRefused where none was ever known.
        """
        async with self._asking:
            if monotonic() >= self._stale_at:
                await self._refresh()
        return self._known

    async def get(self, name: str) -> Persona:
        """The persona of that name. Raises UnknownPersona, which says who there is."""
        known = await self.list()
        for persona in known:
            if persona.name == name:
                return persona
        raise UnknownPersona(name, [persona.name for persona in known])

    async def named(self, said: str) -> Persona:
        """The persona that somebody means, by its name or the one that people see.

        Raises UnknownPersona, which says who there is.
        """
        known, wanted = await self.list(), said.strip().casefold()
        for called in ("name", "display_name"):
            meant = [one for one in known if getattr(one, called).casefold() == wanted]
            if len(meant) == 1:
                return meant[0]
        raise UnknownPersona(said, [persona.name for persona in known])

    def look_again(self) -> None:
        """The list has changed: it is asked for when it is needed next."""
        self._stale_at = 0.0

    async def default(self) -> Persona:
        """Who speaks where nobody chose: DEFAULT_PERSONA, else the first by name.

        A character card that somebody imports is behind those who were trained: else a name early
        in the alphabet would change who speaks in every server.
        """
        if self._default:
            return await self.get(self._default)
        known = await self.list()
        if not known:
            raise NoPersonas
        return next((one for one in known if one.versions), known[0])

    async def chosen(self, name: str | None) -> Persona:
        """The chosen persona while it exists, else the default."""
        try:
            return await (self.get(name) if name else self.default())
        except UnknownPersona:
            if name is None:
                raise
            log.warning("the chosen persona %r is gone; the default speaks", name)
            return await self.default()

    async def _refresh(self) -> None:
        try:
            self._known = sorted(await self._ask(), key=lambda persona: persona.name)
        except UnderstudyError as error:
            if not self._known:
                raise
            log.warning("the list of personas stays as it was: %s", error)
        self._stale_at = monotonic() + self._fresh_s

    async def _ask(self) -> Sequence[Persona]:
        listed = await self._server.personas()
        if listed is not None:
            return [card for entry in listed if (card := _card(entry, "GET /personas"))]
        cards = await asyncio.to_thread(read_cards, self._cards)
        return cards or [await self._plain()]

    async def _plain(self) -> Persona:
        models = await self._server.models()
        if not models:
            raise NoPersonas("the server lists neither personas nor models")
        return Persona(name=PLAIN_NAME, display_name="Understudy", model=models[0].name)


def read_cards(folder: Path) -> list[Persona]:
    """The cards of a folder; a file's own name is the persona's where the card gives none."""
    cards = [_read_card(path) for path in sorted(folder.glob("*.toml"))]
    return [card for card in cards if card]


def _read_card(path: Path) -> Persona | None:
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        log.warning("the card %s can't be read and is left out: %s", path.name, error)
        return None
    named = {"name": path.stem, "display_name": str(raw.get("name", path.stem)).title()}
    return _card(named | raw, path.name)


def _card(raw: Any, source: str) -> Persona | None:
    try:
        return Persona.model_validate(raw)
    except ValidationError as error:
        where = ", ".join(".".join(map(str, e["loc"])) or "card" for e in error.errors())
        log.warning("a card from %s is left out; wrong in it: %s", source, where)
        return None
