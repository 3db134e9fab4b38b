"""What people take back of a scene, none of its personas knows any more."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.messages import Incoming
from bot.scene import FORGOTTEN
from bot.scenes import Scenes
from bot.wiring import App
from tests.bot.played import heard, playing, topic
from tests.fakes.model import ModelServer, persona


@pytest.fixture
def model(model: ModelServer) -> ModelServer:
    model.personas, model.words = [persona("maya"), persona("tom")], ["I", " see."]
    return model


Change = Callable[[Scenes, Incoming], None]


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (lambda scenes, said: None, "\nBen: secret"),
        (lambda scenes, said: scenes.edit(said.conversation, said.message_id, "ok"), "\nBen: ok"),
        (lambda scenes, said: scenes.delete(said.conversation, [said.message_id]), ""),
        (lambda scenes, said: scenes.forget(said.author_id), ""),
        (
            lambda scenes, said: scenes.delete(f"{said.conversation}-2", [said.message_id]),
            "\nBen: secret",
        ),
    ],
    ids=["nothing", "edit", "delete", "forget", "elsewhere"],
)
async def test_a_line_is_known_as_people_see_it(
    app: App, place: str, model: ModelServer, change: Change, left: str
) -> None:
    async with playing(app, topic(place), "maya", "tom", turns=2, pause_s=0.2) as joined:
        _, scenes, stage = joined
        await stage.spoke.wait()
        said = heard(place, "secret")
        scenes.hear(said)
        change(scenes, said)
    latest = model.questions[-1]["messages"][-1]["content"]
    assert latest == f"Ada: the sea\nMaya: I see.{left}"


@pytest.mark.parametrize("everything", [True, False], ids=["reset", "forget"])
async def test_a_scene_ends_with_what_it_is_about(
    app: App, place: str, model: ModelServer, everything: bool
) -> None:
    said = topic(place)
    async with playing(app, said, "maya", "tom") as (_, scenes, stage):
        await stage.spoke.wait()
        if everything:
            scenes.reset(place)
        else:
            scenes.forget(said.author_id)
    assert stage.told == [FORGOTTEN]
    assert len(model.questions) == 1
