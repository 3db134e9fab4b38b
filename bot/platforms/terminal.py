"""The terminal: a conversation in one's own process, line by line, the answer as it comes.

Knows the screen and the keyboard; what is said and remembered is the conversation's.
"""

from __future__ import annotations

import getpass
import re
import secrets
import sys
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from bot.cards import Persona
from bot.errors import UnderstudyError
from bot.memory import Turn
from bot.messages import Incoming, waiting_line
from bot.settings import Settings
from bot.voice import Speech
from bot.wiring import App, speaking, wire

from .keyboard import Keyboard

DRAFT_SECONDS = 0.03
HELP = """\
/persona NAME  talk to somebody else      /reset  forget this conversation
/personas      who there is               /quit   leave (or Ctrl-D)
Ctrl-C stops an answer."""

_UNSHOWABLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


async def chat(settings: Settings, persona: str | None = None, once: str | None = None) -> None:
    """Talk until the end of input, or say `once` and print the reply alone, not remembered.

    Raises UnderstudyError where the talk can't begin, or the one reply can't be given.
    """
    if once is not None:
        print(printable(await ask(settings, once, persona)))
        return
    async with wire(settings, draft_seconds=DRAFT_SECONDS) as app:
        await Terminal(app, Screen(sys.stdout.isatty()), Keyboard()).talk(persona)


async def ask(settings: Settings, text: str, persona: str | None = None) -> str:
    """One reply to one line, in a conversation of its own. Needs no Redis, remembers nothing.

    Raises UnderstudyError; a reply that breaks off is a failure, too.
    """
    async with speaking(settings, DRAFT_SECONDS) as able:
        who = await (able.personas.get(persona) if persona else able.personas.default())
        turn = Turn("1", "terminal:once", _own_name(), text)
        speech = Speech()
        async with aclosing(able.voice.speak(who, [turn], speech)) as drafts:
            async for _ in drafts:
                pass
        return speech.text


def printable(text: str) -> str:
    """A text without what steers a terminal: escape sequences lose their escape."""
    return _UNSHOWABLE.sub("", text)


@dataclass(slots=True)
class Screen:
    """Standard output; colours only where a person looks at it."""

    coloured: bool

    def write(self, text: str) -> None:
        sys.stdout.write(printable(text))
        sys.stdout.flush()

    def line(self, text: str = "") -> None:
        self.write(text + "\n")

    def aside(self, text: str) -> None:
        """What is not part of the conversation; not for a pipe to read."""
        if self.coloured:
            self._styled("2", text + "\n")
        else:
            print(printable(text), file=sys.stderr)

    def name(self, text: str) -> None:
        """Who speaks, before what they say; a pipe gets the words alone."""
        if self.coloured:
            self._styled("1;36", f"{text}  ")

    def passing(self, text: str = "") -> None:
        """An aside in the line one is in; what comes next takes its place."""
        if self.coloured:
            sys.stdout.write("\r\x1b[K")
            self._styled("2", text)
        elif text:
            self.aside(text)

    def _styled(self, style: str, text: str) -> None:
        sys.stdout.write(f"\x1b[{style}m{printable(text)}\x1b[0m")
        sys.stdout.flush()


@dataclass(slots=True)
class TerminalReply:
    """An answer that grows on the screen; only what is new is written."""

    screen: Screen
    name: str
    shown: str = ""
    finished: bool = False
    shown_as: tuple[str, ...] = ()
    """A screen gives its lines no ids."""
    _begun: bool = field(default=False)
    _waiting: bool = field(default=False)

    async def working(self, persona: Persona) -> None:  # noqa: ARG002 (`name` is it)
        self._begin()

    async def waiting(self, ahead: int) -> None:
        self.screen.passing(waiting_line(ahead))
        self._waiting, self._begun = True, False

    async def draft(self, text: str) -> None:
        self._begin()
        self._show(text)

    async def finish(self, text: str, failure: UnderstudyError | None = None) -> None:  # noqa: ARG002
        self._begin()
        if not text.startswith(self.shown):
            self.screen.write("\n")
            self.shown = ""
        self._show(text)
        self.screen.line()
        self.finished = True

    async def withdraw(self) -> None:
        """Here nobody can go on typing before there is an answer."""

    async def notice(self, text: str, for_s: float) -> None:  # noqa: ARG002 (it scrolls away)
        self.screen.aside(text)
        self.finished = True

    def _begin(self) -> None:
        if not self._begun:
            if self._waiting:
                self.screen.passing()
            self._begun = True
            self.screen.name(self.name)

    def _show(self, text: str) -> None:
        self.screen.write(text[len(self.shown) :])
        self.shown = text


class Terminal:
    """One person, one conversation; it goes on where it ended last time."""

    def __init__(self, app: App, screen: Screen, keyboard: Keyboard) -> None:
        self._app = app
        self._screen = screen
        self._keyboard = keyboard
        self._me = _own_name()
        self._conversation = f"terminal:{self._me}"

    async def talk(self, persona: str | None) -> None:
        """Until the end of input. Raises UnderstudyError where nobody can speak at all."""
        if persona:
            await self._app.personas.get(persona)
            await self._app.places.change(self._conversation, persona=persona)
        self._greet(await self._who())
        while (line := await self._keyboard.line("› ")) is not None:
            if line.strip() == "/quit":
                return
            if line.strip():
                await self._keyboard.interruptible(self._take(line.strip()))

    async def _take(self, line: str) -> None:
        command, _, rest = line.partition(" ")
        try:
            if act := self._commands().get(command):
                await act(rest.strip())
            elif command.startswith("/"):
                self._screen.aside(HELP)
            else:
                await self._say(line)
        except UnderstudyError as error:
            self._screen.aside(error.spoken)

    async def _say(self, text: str) -> None:
        reply = TerminalReply(self._screen, (await self._who()).display_name)
        message_id = secrets.token_hex(8)
        message = Incoming(self._conversation, message_id, f"terminal:{self._me}", self._me, text)
        await self._app.conversation.answer(message, reply)
        if not reply.finished:
            self._screen.aside("(still too much at once)")

    def _commands(self) -> dict[str, Callable[[str], Awaitable[None]]]:
        return {
            "/persona": self._switch,
            "/personas": self._list,
            "/reset": self._reset,
        }

    async def _switch(self, name: str) -> None:
        if not name:
            return await self._list(name)
        persona = await self._app.personas.get(name)
        await self._app.places.change(self._conversation, persona=persona.name)
        self._greet(persona)
        return None

    async def _list(self, _: str) -> None:
        here = await self._who()
        for persona in await self._app.personas.list():
            mark = "●" if persona.name == here.name else " "
            version = f"  version {persona.current}" if persona.current else ""
            self._screen.aside(f"{mark} {persona.name}  {persona.display_name}{version}")

    async def _reset(self, _: str) -> None:
        await self._app.memory.reset(self._conversation)
        self._screen.aside("Forgotten. We begin anew.")

    async def _who(self) -> Persona:
        (here,) = await self._app.places.read(self._conversation)
        return await self._app.personas.chosen(here.persona)

    def _greet(self, persona: Persona) -> None:
        self._screen.aside(
            f"You talk with {persona.display_name}. /help says what else you can do."
        )
        if persona.greeting and self._screen.coloured:
            self._screen.name(persona.display_name)
            self._screen.line(persona.greeting)


def _own_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "someone"
