"""What people see around a message, in its place in the window; never what was to be forgotten."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest

from bot.around import Around, Heard, Picture, Seen
from bot.budget import PICTURE_TOKENS
from bot.cards import Persona, PromptFormat
from bot.context import merged
from bot.memory import Recalled, Turn
from bot.messages import Incoming
from bot.wiring import App, wire
from tests.bot.asked import ask
from tests.bot.conftest import settings_for
from tests.bot.retold import InPlace
from tests.fakes.model import ModelServer
from tests.fakes.reply import KeptReply
from tests.fakes.wire_tap import wire_tap

MAYA = Persona(name="maya", display_name="Maya")
_ids = count(100_000)


def heard(text: str, author: str = "Bee", number: int | None = None, **more: object) -> Heard:
    number = next(_ids) if number is None else number
    values = {"at_ms": number, "person": True, **more}
    return Heard(str(number), f"test:{author}", author, text, **values)  # type: ignore[arg-type]


def turn(number: int, text: str, author: str = "Ada") -> Turn:
    return Turn(str(number), f"test:{author}", author, text)


def answer(number: int, text: str) -> Turn:
    return Turn(f"{number}:answer", "persona:maya", "Maya", text)


def anchors(window: tuple[Turn, ...]) -> list[Heard]:
    """As a platform hears people's own messages, too."""
    said = [one for one in window if one.message_id.isdigit()]
    return [heard(one.text, one.author_name, int(one.message_id)) for one in said]


def texts(
    window: tuple[Turn, ...],
    seen: Seen,
    persona: Persona = MAYA,
    *,
    reset_at_ms: int = 0,
    marks: dict[str, int] | None = None,
) -> list[str]:
    everybody = {line.author_id: 0 for line in (*seen.heard, *seen.chain)}
    recalled = Recalled(window, reset_at_ms)
    return [one.text for one in merged(recalled, seen, persona, everybody | (marks or {}))]


WINDOW = (turn(10, "one"), answer(10, "First."), turn(20, "two"), answer(20, "Second."),
          turn(30, "three"))  # fmt: skip


def test_lines_stand_where_people_saw_them() -> None:
    lines = [heard("before", number=5), heard("between", number=15), heard("late", number=25)]
    seen = Seen(tuple(sorted([*lines, *anchors(WINDOW)], key=lambda line: line.at_ms)))
    assert texts(WINDOW, seen) == [
        "before", "one", "First.", "between", "two", "Second.", "late", "three"
    ]  # fmt: skip


def test_what_is_remembered_is_not_said_twice() -> None:
    seen = Seen(tuple(anchors(WINDOW)))
    assert texts(WINDOW, seen) == [one.text for one in WINDOW]


def test_lines_between_messages_that_are_not_remembered_any_more_keep_their_order() -> None:
    seen = Seen((heard("a", number=15), heard("b", number=16), *anchors(WINDOW[-1:])))
    assert texts(WINDOW, seen) == ["one", "First.", "two", "Second.", "a", "b", "three"]


def test_others_talk_leaves_half_of_the_window_to_the_conversation() -> None:
    persona = MAYA.model_copy(update={"prompt_format": PromptFormat(window_messages=4)})
    seen = Seen(tuple(heard(str(number), number=21 + number) for number in range(8)))
    assert texts(WINDOW, seen, persona)[-5:] == ["two", "Second.", "6", "7", "three"]


def test_talk_fills_what_a_short_conversation_leaves() -> None:
    persona = MAYA.model_copy(update={"prompt_format": PromptFormat(window_messages=4)})
    seen = Seen(tuple(heard(str(number), number=number) for number in range(8)))
    assert texts((turn(30, "hi"),), seen, persona) == ["5", "6", "7", "hi"]


def test_nothing_from_before_a_reset_comes_back() -> None:
    chain = (heard("x", number=5), heard("y", number=6))
    seen = Seen((heard("old", number=21), heard("new", number=23)), chain)
    said = texts((turn(30, "hi"),), seen, reset_at_ms=22)
    assert said == ["new", "y", "hi"]  # what somebody points at is part of what they say


def test_nothing_of_who_was_forgotten_comes_back_and_nothing_of_who_may_have_been() -> None:
    seen = Seen((heard("bee", "Bee", 21), heard("cat", "Cat", 22), heard("bee again", "Bee", 25)))
    assert texts((turn(30, "hi"),), seen, marks={"test:Bee": 24}) == ["cat", "bee again", "hi"]
    turns = merged(Recalled((turn(30, "hi"),)), seen, MAYA, {"test:Bee": 0})
    assert [one.text for one in turns] == ["bee", "bee again", "hi"]


def test_a_machine_is_shown_without_anybodys_mark() -> None:
    seen = Seen((heard("beep", "Robot", person=False),))
    turns = merged(Recalled((turn(30, "hi"),)), seen, MAYA, {})
    assert [one.author_name for one in turns] == ["Robot", "Ada"]


def test_a_chain_stands_before_the_question_and_only_what_is_out_of_sight() -> None:
    chain = (heard("root", number=1), heard("two", number=20), heard("leaf", number=2))
    assert texts(WINDOW, Seen(chain=chain))[-3:] == ["root", "leaf", "three"]


def test_what_is_pointed_at_is_shown_once_more_unless_it_is_just_above() -> None:
    assert texts(WINDOW, Seen(chain=(heard("one", number=10),)))[-2:] == ["one", "three"]
    above = (*WINDOW[:-2], turn(25, "above"), WINDOW[-1])
    assert texts(above, Seen(chain=(heard("above", number=25),)))[-3:] == [
        "two", "above", "three"
    ]  # fmt: skip


def test_own_words_are_known_by_what_they_say() -> None:
    own = heard("Second.", "", 21, own=True)
    assert texts(WINDOW, Seen(chain=(own,))) == [one.text for one in WINDOW]


def test_own_words_out_of_the_window_are_the_personas_and_another_face_is_another() -> None:
    chain = (heard("mine", "", 1, own=True), heard("Tom's", "Tom", 2, own=True))
    turns = merged(
        Recalled((turn(30, "hi"),)), Seen(chain=chain), MAYA, {"test:": 0, "test:Tom": 0}
    )
    assert [(one.author_id, one.author_name) for one in turns] == [
        ("test:Ada", "Ada"),  # a persona never begins: somebody wordless does
        ("persona:maya", "Maya"),
        ("test:Tom", "Tom"),
        ("test:Ada", "Ada"),
    ]


# -- in the story ---------------------------------------------------------------------------


def asking(place: str, text: str, seen: Seen, author: str = "Ada") -> Incoming:
    async def look() -> Seen:
        return seen

    people = frozenset(line.author_id for line in seen.heard if line.person)
    said = Incoming(place, str(next(_ids)), f"test:{author}", author, text)
    return replace(said, around=Around(people, look))


def told(model: ModelServer) -> list[str]:
    return [one["content"] for one in model.questions[-1]["messages"][1:]]


@pytest.fixture
def place() -> str:
    return f"test:{uuid4()}"


async def test_others_talk_reaches_the_model_and_never_memory(
    app: App, place: str, model: ModelServer
) -> None:
    seen = Seen((heard("rain again"), heard("so wet", "Cat")))
    await app.conversation.answer(asking(place, "well?", seen), KeptReply())
    assert told(model) == ["Bee: rain again\nCat: so wet\nAda: well?"]
    assert model.questions[-1]["stop"] == ["\nAda:", "\nCat:", "\nBee:"]
    await ask(app, place, "and now?")
    assert told(model)[0] == "Ada: well?"
    overview = await app.people.show("test:Bee")
    assert overview.messages == 0


async def test_a_reset_holds_for_what_is_heard(app: App, place: str, model: ModelServer) -> None:
    seen = Seen((heard("old", at_ms=1000), heard("new", at_ms=3000)))
    await app.memory.reset(place, 2000)
    await app.conversation.answer(asking(place, "well?", seen), KeptReply())
    assert told(model) == ["Bee: new\nAda: well?"]


async def test_a_person_forgotten_is_forgotten_in_what_any_process_heard(
    app: App, place: str, model: ModelServer
) -> None:
    bee = f"Bee {uuid4()}"
    seen = Seen((heard("secret", bee, at_ms=1000), heard("not secret", bee, at_ms=3000)))
    await app.people.forget(f"test:{bee}", 2000)
    await app.conversation.answer(asking(place, "well?", seen), KeptReply())
    assert told(model) == [f"{bee}: not secret\nAda: well?"]
    # … and where the look finds somebody of whom nobody knew before.
    unknown = asking(place, "well?", seen)
    assert unknown.around is not None
    unknown = replace(unknown, around=replace(unknown.around, authors=frozenset()))
    await app.conversation.answer(unknown, KeptReply())
    assert "secret" not in told(model)[-1].replace("not secret", "")


async def test_who_asks_is_forgotten_too(app: App, place: str, model: ModelServer) -> None:
    ada = f"Ada {uuid4()}"
    seen = Seen((heard("mine, from before", ada, at_ms=1000),))
    await app.people.forget(f"test:{ada}", 2000)
    await app.conversation.answer(asking(place, "hi", seen, ada), KeptReply())
    assert told(model) == [f"{ada}: hi"]


async def test_what_others_say_costs_no_round_trip(
    redis_home: Path, place: str, model: ModelServer
) -> None:
    seen = Seen((heard("rain"), heard("wet", "Cat"), heard("beep", "Robot", person=False)))
    async with (
        wire_tap(redis_home / "run" / "redis.sock") as tap,
        wire(settings_for(redis_home, model, redis_url=tap.url)) as app,
    ):
        await ask(app, place)  # the connection is made
        before = tap.round_trips
        await app.conversation.answer(asking(place, "well?", seen), KeptReply())
        assert tap.round_trips - before == 2


async def test_the_question_stays_whole_however_much_was_said_around_it(
    app: App, place: str, model: ModelServer
) -> None:
    seen = Seen(tuple(heard("blah " * 100) for _ in range(16)))
    await app.conversation.answer(asking(place, "what do you think?", seen), KeptReply())
    assert told(model)[-1].endswith("Ada: what do you think?")


async def test_pictures_go_with_the_question_and_take_their_room(
    app: App, place: str, model: ModelServer
) -> None:
    model.models = [{"id": "base", "max_model_len": 8192}]
    picture = Picture("image/png", b"\x89PNG")
    seen = Seen((heard("look"),), pictures=(picture,) * 3)
    await app.conversation.answer(asking(place, "what is it?", seen), KeptReply())
    text, *pictures = model.questions[-1]["messages"][-1]["content"]
    assert text == {"type": "text", "text": "Bee: look\nAda: what is it?"}
    assert pictures == [{"type": "image_url", "image_url": {"url": picture.url}}] * 3


async def test_pictures_leave_room_for_words(app: App, place: str, model: ModelServer) -> None:
    model.models = [{"id": "base", "max_model_len": 2 * PICTURE_TOKENS + 200}]
    seen = Seen(pictures=(Picture("image/png", b"\x89PNG"),) * 3)
    await app.conversation.answer(asking(place, "what is it?", seen), KeptReply())
    assert len(model.questions[-1]["messages"][-1]["content"]) == 2  # the words, and one of three


async def test_what_is_overheard_is_counted_once(app: App, place: str, model: ModelServer) -> None:
    lines = tuple(heard("a long story " * 40 + f"number {number}") for number in range(3))
    for text in ("well?", "and now?"):
        await app.conversation.answer(asking(place, text, Seen(lines)), KeptReply())
    assert [model.tokenized.count(line.text) for line in lines] == [1, 1, 1]


async def test_another_answer_sees_what_stands_around_its_question(
    app: App, place: str, model: ModelServer
) -> None:
    seen = Seen((heard("rain again"), heard("so wet", place)))
    said = asking(place, "well?", seen)
    await app.conversation.answer(said, InPlace(shown_as=("shown",)))
    await app.people.forget(f"test:{place}")
    press = replace(said, message_id="press", text="")
    await app.conversation.again(press, "shown", InPlace(shown_as=("shown",)))
    assert told(model) == ["Bee: rain again\nAda: well?"]
