"""What is chosen where: one conversation, its channel, its server; the narrowest choice wins.

Knows the rule of precedence and Redis's keys for one place; a place is an id to it, of whatever
platform, and who may choose there is the platform's.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from time import monotonic
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .cards import DEFAULT_MAX_TOKENS, Persona, Sampling
from .errors import ListFull, MemoryGone, UnfitSetting
from .floor import Lines
from .keeping import keep
from .lists import ENLIST, ENTRIES_MAX, Entries
from .store import Ask, Store, flat, pairs

log = logging.getLogger(__name__)

FRESH_SECONDS = 10.0
SEEN_MAX = 10_000
"""So many places are kept at hand; the one looked up longest ago goes first."""

BOTS_MAX = 25

Mode = Literal["mention", "always", "off"]


class PlaceSettings(BaseModel):
    """What was chosen in one place, or, merged, what holds there; None: nothing was said.

    The bounds (…_max) are an administrator's; they hold in all narrower places, too.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    persona: str | None = Field(default=None, min_length=1, max_length=64)
    mode: Mode | None = None
    """Which messages are meant for the bot: those that mention it, all, or none."""
    faces: bool | None = None
    """Personas show their own name and avatar."""
    own: bool | None = None
    """A thread of the bot's: it speaks there unasked."""
    bots: Entries | None = Field(default=None, max_length=BOTS_MAX)
    """Ids of other bots that may talk to it."""
    feedback: bool | None = None
    """Consent to keep feedback."""

    blocked: Entries | None = None
    """People, roles and channels that are not answered; this wins over the lists below."""
    allowed: Entries | None = None
    """Where anybody is on it: people and roles that alone are answered."""
    allowed_channels: Entries | None = None
    """Where any is on it: the only channels with answers."""

    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0.01, le=1)
    top_k: int | None = Field(default=None, ge=1, le=1000)
    max_tokens: int | None = Field(default=None, ge=1, le=4096)

    temperature_max: float | None = Field(default=None, ge=0, le=2)
    top_p_max: float | None = Field(default=None, ge=0.01, le=1)
    top_k_max: int | None = Field(default=None, ge=1, le=1000)
    max_tokens_max: int | None = Field(default=None, ge=1, le=4096)
    scene_turns_max: int | None = Field(default=None, ge=1, le=20)


NOTHING_CHOSEN = PlaceSettings()

UNSET = {"temperature": 1.0, "top_p": 1.0, "top_k": inf, "max_tokens": DEFAULT_MAX_TOKENS}
"""What can be chosen of a persona's sampling, and what it is where nobody says anything."""


def merged(settings: Iterable[PlaceSettings]) -> PlaceSettings:
    """What holds, of what was said from the narrowest place to the widest: the first that says
    something wins; of bounds the tightest holds, so no place loosens a wider one's."""
    said: dict[str, list[object]] = {}
    for one in settings:
        for name in one.model_fields_set:
            if (value := getattr(one, name)) is not None:
                said.setdefault(name, []).append(value)
    return PlaceSettings.model_validate(
        {name: min(all_) if name.endswith("_max") else all_[0] for name, all_ in said.items()}  # type: ignore[type-var]  # bounds are numbers
    )


def sampled(persona: Persona, here: PlaceSettings) -> Persona:
    """The persona as it speaks here: its own sampling, then the choices, within the bounds."""
    own = {**persona.sampling.given(), "max_tokens": persona.sampling.max_tokens}
    drawn = dict(own)
    for name, unset in UNSET.items():
        if (chosen := getattr(here, name)) is not None:
            drawn[name] = chosen
        bound = getattr(here, f"{name}_max")
        if bound is not None and _size(drawn.get(name), unset) > bound:
            drawn[name] = bound
    if drawn == own:
        return persona
    return persona.model_copy(update={"sampling": Sampling.model_validate(drawn)})


def _size(value: object, unset: float) -> float:
    """How far a card's value goes; servers take a number below 0, or a top_k of 0, for no limit."""
    if not isinstance(value, int | float) or value < 0 or (value == 0 and unset == inf):
        return unset
    return value


# Conversations had their persona in a key of memory's; it counts until somebody chooses anew.
_READ = """
local said = redis.call('HGETALL', KEYS[1])
if redis.call('HEXISTS', KEYS[1], 'persona') == 0 then
  local before = redis.call('GET', KEYS[2])
  if before then
    said[#said + 1] = 'persona'
    said[#said + 1] = before
  end
end
return said
"""

# ARGV: pairs of field and value, '' to remove it
_CHANGE = (
    """
for i = 1, #ARGV, 2 do
  if ARGV[i] == 'persona' then redis.call('DEL', KEYS[2]) end
  if ARGV[i + 1] == '' then
    redis.call('HDEL', KEYS[1], ARGV[i])
  else
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
"""
    + _READ
)


@dataclass(frozen=True, slots=True)
class _Seen:
    settings: PlaceSettings
    stale_at: float


class Places:
    """The settings of every place, in Redis; those looked at often are kept at hand as well."""

    def __init__(self, store: Store, fresh_s: float = FRESH_SECONDS) -> None:
        """What `glance` knows is looked up again after `fresh_s` seconds."""
        self._store = store
        self._fresh_s = fresh_s
        self._seen: dict[str, _Seen] = {}
        self._lines = Lines()
        self._looking: set[asyncio.Task[None]] = set()

    def reading(self, *places: str) -> list[Ask[PlaceSettings]]:
        """To be asked with other things in one trip; in the order of the places."""
        return [Ask(_READ, _keys(place), (), _settings) for place in places]

    async def read(self, *places: str) -> tuple[PlaceSettings, ...]:
        """What was chosen in each place, as it is now. Raises MemoryGone."""
        return tuple(await self._store.ask_all(*self.reading(*places)))

    async def change(self, place: str, **fields: object) -> PlaceSettings:
        """Choose these here, None to choose nothing any more; what is chosen here then.

        Raises UnfitSetting, which says what can be chosen, and MemoryGone.
        """
        stored = flat({name: _stored(value) for name, value in _fit(fields).items()})
        settings = await self._store.ask(Ask(_CHANGE, _keys(place), tuple(stored), _settings))
        self._note(place, settings)
        return settings

    async def enlist(
        self, place: str, field: str, entry: str, *, listed: bool = True, room: int = ENTRIES_MAX
    ) -> PlaceSettings:
        """Put an entry on one of this place's lists, or take it off, whoever else does so at the
        same time; what is chosen here then. The list holds `room` entries.

        Raises ListFull, UnfitSetting and MemoryGone.
        """
        _fit({field: (entry,)})
        args = (field, entry, int(listed), room)
        settings = await self._store.ask(Ask(ENLIST + _READ, _keys(place), args, _settings))
        self._note(place, settings)
        if listed and entry not in (getattr(settings, field) or ()):
            raise ListFull(room)
        return settings

    async def glance(self, *places: str) -> PlaceSettings:
        """What holds here, narrowest place first, as this process knows it: cheap enough for
        every message seen.

        The first look waits for Redis, later ones never: they are looked up again behind the
        caller's back. Who asks first is answered first. While Redis is away, what was known holds.
        """
        if not places:
            return NOTHING_CHOSEN
        with self._lines.of(places[0]) as line:
            async with line.door:
                if not all(place in self._seen for place in places):
                    await self._look(places)
                elif any(monotonic() >= self._seen[place].stale_at for place in places):
                    self._look_again(places)
        return merged(self._known(place) for place in places)

    async def close(self) -> None:
        """Ends the looks under way; call it before the store is closed."""
        for task in self._looking:
            task.cancel()
        await asyncio.gather(*self._looking, return_exceptions=True)

    def _look_again(self, places: tuple[str, ...]) -> None:
        for place in places:  # one look is enough
            self._note(place, self._known(place))
        task = asyncio.create_task(self._look(places))
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)

    async def _look(self, places: tuple[str, ...]) -> None:
        before = [self._known(place) for place in places]
        try:
            found = await self.read(*places)
        except MemoryGone:
            log.warning("settings of places can't be looked up; what was known holds")
            found = tuple(before)
        for place, was, settings in zip(places, before, found, strict=True):
            if self._known(place) is was:  # else it was changed here meanwhile
                self._note(place, settings)

    def _known(self, place: str) -> PlaceSettings:
        seen = self._seen.get(place)
        return seen.settings if seen else NOTHING_CHOSEN

    def _note(self, place: str, settings: PlaceSettings) -> None:
        keep(self._seen, place, _Seen(settings, monotonic() + self._fresh_s), SEEN_MAX)


def _keys(place: str) -> tuple[str, str]:
    return f"understudy:place:{{{place}}}", f"understudy:conversation:{{{place}}}:persona"


def _stored(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _fit(fields: dict[str, object]) -> dict[str, object]:
    """The fields as they are kept. Raises UnfitSetting."""
    unknown = fields.keys() - PlaceSettings.model_fields.keys()
    if unknown:
        raise TypeError(f"no such setting: {', '.join(sorted(unknown))}")
    try:
        settings = PlaceSettings.model_validate(fields)
    except ValidationError as error:
        raise UnfitSetting(
            # pydantic says "Input should be …", "String should have …".
            (str(problem["loc"][0]), problem["msg"].partition(" ")[2])
            for problem in error.errors(include_url=False)
        ) from None
    return {name: getattr(settings, name) for name in fields}


def _settings(reply: list[str]) -> PlaceSettings:
    """What Redis holds; what another version of the bot wrote there is nothing said."""
    said = dict(pairs(reply))
    try:
        return PlaceSettings.model_validate(said)
    except ValidationError as error:
        odd = {problem["loc"][0] for problem in error.errors()}
        log.warning("settings of a place are left out, they make no sense: %s", odd)
        return PlaceSettings.model_validate({n: v for n, v in said.items() if n not in odd})
