"""The scenes that are played in this process: where, and who may be heard in them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager

from .asking import Asking
from .cards import Persona
from .errors import UnderstudyError
from .memory import Turn
from .messages import Incoming, as_remembered
from .noting import Noting
from .scene import Scene, time_to_read


class SceneUnderWay(UnderstudyError):
    spoken = "A scene is being played here. Stop it first, or wait for its end."


class Scenes:
    """The scenes of this process, one at a time in a conversation.

    Their lines are remembered there; what people say meanwhile is only heard.
    """

    def __init__(self, asking: Asking, noting: Noting, tokens_max: int) -> None:
        self._asking = asking
        self._noting = noting
        self.tokens_max = tokens_max
        self.pause_s: Callable[[str], float] = time_to_read
        self._playing: dict[str, Scene] = {}

    @asynccontextmanager
    async def scene(
        self, said: Incoming, cast: Sequence[Persona], turns: int
    ) -> AsyncIterator[Scene]:
        """A scene with its place and leave for its first line, for as long as the block runs.

        Raises SceneUnderWay, and what Asking.admit raises.
        """
        if said.conversation in self._playing:
            raise SceneUnderWay
        scene = Scene(self._asking, self._noting, said, cast, turns, self.tokens_max, self.pause_s)
        self._playing[said.conversation] = scene
        try:
            await scene.admit()
            yield scene
        finally:
            del self._playing[said.conversation]

    def hear(self, said: Incoming) -> bool:
        """Whether a scene is being played where somebody said this; it hears it then."""
        scene = self.at(said.conversation)
        if scene is None:
            return False
        text = as_remembered(said.text)
        scene.hear(Turn(said.message_id, said.author_id, said.author_name, text))
        return True

    def edit(self, conversation: str, message_id: str, text: str) -> None:
        """What somebody said there reads otherwise now."""
        if (scene := self._playing.get(conversation)) is not None:
            scene.edit(message_id, as_remembered(text))

    def delete(self, conversation: str, message_ids: Collection[str]) -> None:
        """These messages are gone."""
        if (scene := self._playing.get(conversation)) is not None:
            scene.forget(lambda line: line.message_id in message_ids)

    def forget(self, author_id: str) -> None:
        """Nothing that this person said is known any more, in any scene of this process."""
        for scene in list(self._playing.values()):
            scene.forget(lambda line: line.author_id == author_id)

    def reset(self, conversation: str) -> None:
        """What was said there is forgotten, and a scene with it."""
        if (scene := self._playing.get(conversation)) is not None:
            scene.forget(lambda _: True)

    def at(self, conversation: str) -> Scene | None:
        """The scene that is played there now."""
        return self._playing.get(conversation)

    def find(self, scene_id: str) -> Scene | None:
        """The scene while it is played."""
        return next((one for one in self._playing.values() if one.id == scene_id), None)
