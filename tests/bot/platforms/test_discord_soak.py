"""A crowd on Discord, under its true limits: nothing lost or doubled, in order, in bounded memory.

The bot runs in a process of its own; people, Discord and the model are in this one.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

import bot
from tests.fakes.discord import Channel, FakeDiscord, Message, User
from tests.fakes.discord.limits import Bucket, Limit
from tests.fakes.model import KEY, ModelServer, model_server, persona
from tests.inference_server.processes import cpu_seconds

WORDS, PACE_S = [" word"] * 20, 0.03
WHOLE = "".join(WORDS).strip()
LOOK_EVERY_S = 0.1
MOST_MB, GROWTH = 150, 1.2
START_WITHIN_S, STOP_WITHIN_S = 60, 30


@dataclass
class Crowd:
    """People who each ask again as soon as they have their answer, until they said enough."""

    discord: FakeDiscord
    channels: list[Channel]
    people: list[tuple[User, Channel]]
    questions_each: int
    asked: list[Message] = field(default_factory=list)
    took_s: list[float] = field(default_factory=list)
    _waiting: dict[str, tuple[int, int, float]] = field(default_factory=dict)
    """By message: who asked it, which of theirs it is, and when."""
    _replies: dict[str, Message] = field(default_factory=dict)
    _looked_at: int = 0

    @property
    def all(self) -> int:
        return len(self.people) * self.questions_each

    async def talk(self, within_s: float, watch: Watch) -> None:
        """Until everybody has all answers; one eye for all, else a thousand look at all."""
        deadline = time.monotonic() + within_s
        for number in range(len(self.people)):
            self._ask(number, 0)
        while self._waiting and time.monotonic() < deadline:
            await asyncio.sleep(LOOK_EVERY_S)
            self._look()
            watch.look(len(self.took_s) / self.all)

    def _ask(self, number: int, which: int) -> None:
        person, channel = self.people[number]
        message = self.discord.asks(person, f"question {which} of {number}", channel)
        self.asked.append(message)
        self._waiting[message.id] = number, which, time.monotonic()

    def _look(self) -> None:
        messages = self.discord.world.messages
        for one in messages[self._looked_at :]:
            if one.author is self.discord.bot and one.reply_to is not None:
                self._replies[one.reply_to] = one
        self._looked_at = len(messages)
        for asked_id in list(self._waiting):
            reply = self._replies.get(asked_id)
            if reply is not None and reply.content == WHOLE:
                number, which, at_s = self._waiting.pop(asked_id)
                self.took_s.append(time.monotonic() - at_s)
                if which + 1 < self.questions_each:
                    self._ask(number, which + 1)


@dataclass
class Watch:
    """The bot's memory while it works: what it had when warm, and the most it had."""

    process: psutil.Process
    warm_mb: float = 0.0
    last_mb: float = 0.0

    def look(self, done: float) -> None:
        self.last_mb = self.process.memory_info().rss / 2**20
        if not self.warm_mb and done >= 0.3:
            self.warm_mb = self.last_mb


@asynccontextmanager
async def bot_process(
    discord: FakeDiscord, model: ModelServer, home: Path, folder: Path
) -> AsyncIterator[psutil.Process]:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(bot.__file__).parent.parent),
        "DISCORD_TOKEN": discord.token,
        "DISCORD_API_URL": discord.api_url,
        "UNDERSTUDY_HOME": str(home),
        "INFERENCE_URL": model.url,
        "INFERENCE_API_KEY": KEY,
        "CATCH_UP_MINUTES": "0",
    }
    with (folder / "bot.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", env=environment, cwd=folder, stdout=log, stderr=log
        )
    try:
        await discord.until_online(START_WITHIN_S)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_WITHIN_S)
        except TimeoutError:
            process.kill()
            await process.wait()


async def soak(
    home: Path, folder: Path, *, people: int, channels: int, each: int, within_s: float
) -> tuple[Crowd, Watch]:
    async with FakeDiscord() as discord, model_server() as model:
        discord.limits.of_everything = Bucket(Limit(50, 1.0))
        model.words, model.pace_s, model.personas = WORDS, PACE_S, [persona("maya")]
        rooms = [discord.channel(f"room-{number}") for number in range(channels)]
        all_people = [
            (discord.person(f"Person {number}"), rooms[number % channels])
            for number in range(people)
        ]
        crowd = Crowd(discord, rooms, all_people, each)
        async with bot_process(discord, model, home, folder) as process:
            watch = Watch(process)
            cpu_s, began_s = cpu_seconds(process.pid), time.monotonic()
            await crowd.talk(within_s, watch)
            took_s = time.monotonic() - began_s
            cpu_s = cpu_seconds(process.pid) - cpu_s
            check(crowd)
        print_figures(crowd, watch, took_s, cpu_s)
        return crowd, watch


def check(crowd: Crowd) -> None:
    said = [one for channel in crowd.channels for one in crowd.discord.seen(channel)]
    answers = Counter(one.reply_to for one in said if one.content == WHOLE)
    lost = [one for one in crowd.asked if not answers[one.id]]
    assert not lost, f"{len(lost)} of {len(crowd.asked)} have no answer"
    assert len(crowd.asked) == crowd.all
    assert set(answers.values()) == {1}, "a message has two answers"
    assert len(said) == crowd.all, "something else was said"
    for channel in crowd.channels:
        asked = [one.id for one in crowd.asked if one.channel is channel]
        assert [one.reply_to for one in crowd.discord.seen(channel)] == asked


def print_figures(crowd: Crowd, watch: Watch, took_s: float, cpu_s: float) -> None:
    waits, sent = sorted(crowd.took_s), len(crowd.discord.sent)
    print(
        f"{len(crowd.people)} people in {len(crowd.channels)} channels, {crowd.all} answers"
        f" in {took_s:.0f} s: {crowd.all / took_s:.1f} a second; a person waited"
        f" {statistics.median(waits):.1f} s (99 of 100: {waits[int(len(waits) * 0.99)]:.1f} s)."
        f" {sent} requests to Discord, {len(crowd.discord.rate_limited)} refused with 429."
        f" The bot used {1000 * cpu_s / crowd.all:.1f} ms of processor a turn; memory"
        f" {watch.warm_mb:.0f} MB when warm, {watch.last_mb:.0f} MB at the end."
    )


async def test_fifty_people_in_ten_channels_are_answered_once_and_in_order(
    redis_home: Path, tmp_path: Path
) -> None:
    crowd, watch = await soak(redis_home, tmp_path, people=50, channels=10, each=2, within_s=120)
    assert len(crowd.took_s) == 100
    assert watch.last_mb < MOST_MB


@pytest.mark.soak
@pytest.mark.timeout(1200)
async def test_a_thousand_people_in_two_hundred_channels_are_answered_once_and_in_order(
    redis_home: Path, tmp_path: Path
) -> None:
    crowd, watch = await soak(redis_home, tmp_path, people=1000, channels=200, each=3, within_s=900)
    assert len(crowd.discord.rate_limited) < len(crowd.discord.sent) / 100
    assert watch.last_mb < MOST_MB
    assert watch.last_mb < watch.warm_mb * GROWTH
