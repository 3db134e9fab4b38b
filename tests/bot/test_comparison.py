"""Comparisons with a real Redis and a model server on a real socket."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest

from bot.comparison import Alike, ComparisonEnded, ComparisonGone, Pair, VotedAlready
from bot.errors import OverLimit, StoppingNow, SwitchedOff, UnknownVersion
from bot.messages import Incoming
from bot.settings import Settings
from bot.votes import Tally
from bot.wiring import App, wire
from tests.bot.conftest import settings_for
from tests.fakes.model import Fault, ModelServer, persona


@dataclass
class KeptBoard:
    shown: dict[int, list[str]] = field(default_factory=lambda: {0: [], 1: []})
    waits: list[int] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def show(self, side: int, text: str) -> None:
        self.shown[side].append(text)
        self.begun.set()

    async def waiting(self, side: int, ahead: int) -> None:
        self.waits.append(side)

    @property
    def final(self) -> list[str]:
        return [self.shown[side][-1] for side in (0, 1)]


def words_of(question: dict[str, Any]) -> list[str]:
    return ["I", " am ", question["model"], "."]


@pytest.fixture
def maya() -> str:
    """A persona of one's own, so that its tallies are."""
    return f"maya-{uuid4().hex[:8]}"


@pytest.fixture
def model(model: ModelServer, maya: str) -> ModelServer:
    grown = persona(maya, display_name="Maya", current=3, versions=[1, 2, 3])
    terse = {"version": 1, "speaker_label": "", "burst_separator": "\n", "window_messages": 1}
    tom = persona("tom", current=None, versions=[], prompt_format=terse, sampling={"top_k": 5})
    model.personas, model.speaks = [grown, tom], words_of
    return model


def line(place: str, text: str = "Who are you?") -> Incoming:
    return Incoming(place, str(uuid4()), f"test:{uuid4()}", "Ada", text, (f"{place}-server",))


async def compared(
    app: App, said: Incoming, *names: tuple[str, int | None], blind: bool = False
) -> tuple[Pair, KeptBoard, str | None]:
    contenders = [await app.comparisons.contender(*name) for name in names]
    pair = await app.comparisons.begin(said, contenders, blind=blind)
    board = KeptBoard()
    return pair, board, await app.comparisons.answer(pair, board)


async def test_each_side_answers_the_line_alone_in_its_own_way(
    app: App, place: str, model: ModelServer, maya: str
) -> None:
    pair, board, _ = await compared(app, line(place), (maya, None), ("tom", None))
    assert pair.labels == ("Maya, version 3", "Tom")
    assert board.final == [f"I am {maya}.", "I am tom."]
    first, second = sorted(model.questions, key=lambda question: question["model"] == "tom")
    assert first["messages"][1:] == [{"role": "user", "content": "Ada: Who are you?"}]
    assert second["messages"][1:] == [{"role": "user", "content": "Who are you?"}]
    assert (first["temperature"], second.get("temperature")) == (0.8, None)
    assert (first.get("top_k"), second["top_k"]) == (None, 5)


async def test_a_comparison_is_not_remembered(
    app: App, place: str, model: ModelServer, maya: str
) -> None:
    said = line(place)
    await compared(app, said, (maya, None), ("tom", None))
    assert (await app.people.show(said.author_id)).conversations == ()
    model.questions.clear()
    await compared(app, said, (maya, None), ("tom", None))
    assert all(len(question["messages"]) == 2 for question in model.questions)


async def test_one_persona_is_compared_at_two_ages(
    app: App, place: str, model: ModelServer, maya: str
) -> None:
    pair, board, _ = await compared(app, line(place), (maya, 2), (maya, None))
    assert pair.labels == ("Maya, version 2", "Maya, version 3")
    assert board.final == [f"I am {maya}@2.", f"I am {maya}."]


async def test_alike_sides_and_unknown_versions_are_refused(
    app: App, place: str, model: ModelServer, maya: str
) -> None:
    with pytest.raises(Alike):
        await compared(app, line(place), (maya, 3), (maya, None))
    with pytest.raises(UnknownVersion, match=r"Maya has no version 9\. There are: 1, 2, 3"):
        await app.comparisons.contender(maya, 9)
    assert model.questions == []


async def test_a_failure_is_said_on_its_side_and_the_other_goes_on(
    app: App, place: str, model: ModelServer, maya: str
) -> None:
    model.faults.extend([Fault(status=404)])
    _, board, comparison = await compared(app, line(place), (maya, 2), (maya, 1))
    assert comparison is None
    failed = next(text for text in board.final if "I am" not in text)
    assert "of Maya is not loaded on the server right now" in failed
    assert sum(text.startswith("I am maya") for text in board.final) == 1


async def test_votes_count_for_persona_and_version_once_a_person(
    app: App, place: str, model: ModelServer, maya: str
) -> None:
    _, _, comparison = await compared(app, line(place), (maya, 2), ("tom", None))
    assert comparison is not None
    voters = [f"test:{uuid4()}" for _ in range(3)]
    for voter, side in zip(voters, (0, 0, 1), strict=True):
        await app.comparisons.vote(comparison, voter, side)
    with pytest.raises(VotedAlready):
        await app.comparisons.vote(comparison, voters[0], 1)
    open_until_now, (first, second) = await app.comparisons.end(comparison)
    assert open_until_now
    assert (first.label, first.votes, second.label, second.votes) == (
        "Maya, version 2",
        2,
        "Tom",
        1,
    )
    assert first.ever == Tally(2, 1)
    assert await app.votes.counts(maya) == {f"{maya}@2@1": Tally(2, 1)}  # as the stub tells it


async def test_who_ends_a_comparison_ends_the_votes(
    app: App, place: str, model: ModelServer, maya: str
) -> None:
    _, _, comparison = await compared(app, line(place), (maya, 2), (maya, 3))
    assert comparison is not None
    assert (await app.comparisons.end(comparison))[0]
    assert not (await app.comparisons.end(comparison))[0]
    with pytest.raises(ComparisonEnded):
        await app.comparisons.vote(comparison, "test:ada", 0)
    with pytest.raises(ComparisonGone):
        await app.comparisons.vote("never", "test:ada", 0)
    with pytest.raises(ComparisonGone):
        await app.comparisons.end("never")


async def test_votes_outlive_the_process(
    settings: Settings, place: str, model: ModelServer, maya: str
) -> None:
    async with wire(settings) as app:
        _, _, comparison = await compared(app, line(place), (maya, 2), (maya, 3))
    assert comparison is not None
    async with wire(settings) as app:
        await app.comparisons.vote(comparison, f"test:{uuid4()}", 1)
        _, results = await app.comparisons.end(comparison)
    assert [result.votes for result in results] == [0, 1]


async def test_blind_sides_come_in_any_order_under_letters(
    app: App, place: str, model: ModelServer, maya: str
) -> None:
    contenders = [await app.comparisons.contender(name) for name in (maya, "tom")]
    orders = set()
    for _ in range(40):
        pair = await app.comparisons.begin(line(place), contenders, blind=True)
        assert pair.labels == ("A", "B")
        orders.add(tuple(one.persona.name for one in pair.contenders))
    assert orders == {(maya, "tom"), ("tom", maya)}


async def test_the_result_of_a_blind_one_tells_who_was_who(
    app: App, place: str, model: ModelServer, maya: str
) -> None:
    pair, board, comparison = await compared(
        app, line(place), (maya, None), ("tom", None), blind=True
    )
    assert comparison is not None
    assert await app.comparisons.vote(comparison, f"test:{uuid4()}", 0) == "A"
    _, results = await app.comparisons.end(comparison)
    assert [result.called for result in results] == ["A", "B"]
    assert [result.label for result in results] == [one.label for one in pair.contenders]
    assert [f"I am {one.persona.name}." for one in pair.contenders] == board.final


async def test_both_answers_count_against_the_limit_all_or_none(
    redis_home: Any, model: ModelServer, place: str, maya: str
) -> None:
    limited = settings_for(redis_home, model, limit_messages_per_minute=3)
    async with wire(limited) as app:
        said = line(place)
        await compared(app, said, (maya, None), ("tom", None))
        with pytest.raises(OverLimit, match=r"^That was a lot at once\. I can answer you again in"):
            await compared(app, said, (maya, None), ("tom", None))
        left = (await app.limits.left(said.author_id)).person.messages
        assert left is not None
        assert left.left == 1
    assert len(model.questions) == 2


async def test_both_answers_tokens_are_settled(
    redis_home: Any, model: ModelServer, place: str, maya: str
) -> None:
    model.total_tokens = 100
    limited = settings_for(redis_home, model, limit_tokens_per_day=1000)
    async with wire(limited) as app:
        said = line(place)
        await compared(app, said, (maya, None), ("tom", None))
        left = (await app.limits.left(said.author_id)).person.tokens
        assert left is not None
        assert left.left == 800


async def test_answers_pass_the_gate_of_the_conversation(
    redis_home: Any, model: ModelServer, place: str, maya: str
) -> None:
    model.pace_s = 0.01
    async with wire(settings_for(redis_home, model, limit_concurrent_answers=1)) as app:
        _, board, _ = await compared(app, line(place), (maya, None), ("tom", None))
    assert model.most_speaking == 1
    assert board.final == [f"I am {maya}.", "I am tom."]


async def test_bounds_of_a_place_hold_and_where_it_is_off_nobody_answers(
    app: App, place: str, model: ModelServer, maya: str
) -> None:
    await app.places.change(f"{place}-server", max_tokens_max=7)
    await app.places.change(place, temperature=0.1)
    await compared(app, line(place), (maya, None), ("tom", None))
    assert {question["max_tokens"] for question in model.questions} == {7}
    assert 0.1 not in [question.get("temperature") for question in model.questions]
    await app.places.change(f"{place}-server", mode="off")
    with pytest.raises(SwitchedOff):
        await compared(app, line(place), (maya, None), ("tom", None))


async def test_the_end_of_the_process_cuts_slow_answers_off_and_both_say_so(
    settings: Settings, place: str, model: ModelServer, maya: str
) -> None:
    model.pace_s = 3600
    async with wire(settings) as app:
        contenders = [await app.comparisons.contender(maya, n) for n in (1, 2)]
        pair, board = await app.comparisons.begin(line(place), contenders), KeptBoard()
        answering = asyncio.create_task(app.comparisons.answer(pair, board))
        await board.begun.wait()
        await app.asking.drain(0)
        assert answering.cancelled()
        with pytest.raises(StoppingNow):
            await app.comparisons.begin(line(place), contenders)
    assert all(StoppingNow.spoken in text for text in board.final)
