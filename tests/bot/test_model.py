"""Every way in which a model server fails, on a real socket."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from bot.cards import Sampling
from bot.errors import (
    ModelBroke,
    ModelBusy,
    ModelError,
    ModelFailed,
    ModelGone,
    ModelLocked,
    ModelMissing,
    ModelRefused,
    ModelSlow,
    ModelSpeechless,
)
from bot.model import Model, Patience, Question, Usage, model_client
from bot.prompt import ChatMessage
from bot.speech import own_words
from tests.fakes.model import KEY, Fault, ModelServer, model_server

HI: list[ChatMessage] = [{"role": "user", "content": "hi"}]


def question(**more: Any) -> Question:
    sampling = Sampling.model_validate(more.pop("sampling", {}))
    values = {"model": "maya", "messages": HI, "stops": [], "max_tokens": 50}
    return Question(**{**values, **more}, sampling=sampling)


async def said(server_url: str, patience: Patience | None = None, key: str = KEY) -> list[str]:
    async with model_client(f"{server_url}/v1", SecretStr(key)) as client:
        return [d async for d in Model(client, patience, retry_after_s=0).stream(question())]


async def test_the_words_come_as_they_are_made(model: ModelServer) -> None:
    assert await said(model.url) == ["Hello", " there", "."]


async def test_sampling_is_the_personas_and_what_openai_does_not_name_goes_along(
    model: ModelServer,
) -> None:
    sampling = {"temperature": 0.3, "top_p": 0.9, "max_tokens": 7, "top_k": 40, "min_p": None}
    asked = question(sampling=sampling, stops=["\na", "\nb", "\nc", "\nd", "\ne"])
    async with model_client(f"{model.url}/v1", SecretStr(KEY)) as client:
        assert [delta async for delta in Model(client).stream(asked)]
    sent = model.questions[0]
    assert (sent["temperature"], sent["top_p"], sent["top_k"]) == (0.3, 0.9, 40)
    assert sent["stop"] == ["\na", "\nb", "\nc", "\nd"]
    assert sent["max_tokens"] == 50
    assert "min_p" not in sent


async def test_a_card_changes_neither_who_is_asked_nor_how_it_is_answered(
    model: ModelServer,
) -> None:
    asked = question(sampling={"model": "tom", "stream": False, "messages": []})
    async with model_client(f"{model.url}/v1", SecretStr(KEY)) as client:
        assert [delta async for delta in Model(client).stream(asked)]
    sent = model.questions[0]
    assert (sent["model"], sent["stream"], sent["messages"]) == ("maya", True, HI)


@pytest.mark.parametrize(
    ("fault", "error", "attempts"),
    [
        (Fault(status=401), ModelLocked, 1),
        (Fault(status=403), ModelLocked, 1),
        (Fault(status=404), ModelMissing, 1),
        (Fault(status=400), ModelRefused, 1),
        (Fault(status=429), ModelBusy, 2),
        (Fault(status=503), ModelBusy, 2),
        (Fault(status=500), ModelFailed, 2),
        (Fault(status=502), ModelFailed, 2),
        (Fault(status=504), ModelSlow, 1),
        (Fault(cut=True), ModelBroke, 2),
        (Fault(garbage='{"choices'), ModelBroke, 2),
        (Fault(garbage='{"choices": [{"delta": null}]}'), ModelBroke, 2),
        (Fault(garbage='{"choices": [{"delta": {"content": 7}}]}'), ModelBroke, 2),
        (Fault(garbage='"words"'), ModelBroke, 2),
        (Fault(garbage='{"error": {"message": "out of memory"}}'), ModelBroke, 2),
        (Fault(silent=True), ModelSlow, 1),
    ],
    ids=repr,
)
async def test_each_failure_has_its_own_sentence_and_one_retry_at_most(
    model: ModelServer, fault: Fault, error: type[ModelError], attempts: int
) -> None:
    model.faults.extend([fault] * 3)
    with pytest.raises(error) as caught:
        await said(model.url, Patience(first_token_s=0.3 if fault.silent else 30))
    assert caught.type is error
    assert error.spoken != ModelError.spoken
    assert len(model.questions) == attempts
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("fault", [Fault(status=500), Fault(status=429), Fault(cut=True)], ids=repr)
async def test_a_passing_failure_before_the_first_word_is_not_noticed(
    model: ModelServer, fault: Fault
) -> None:
    model.faults.append(fault)
    assert await said(model.url) == ["Hello", " there", "."]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(after_words=2, cut=True),
        Fault(after_words=2, garbage="{"),
        Fault(unfinished=True),
    ],
    ids=repr,
)
async def test_nothing_is_asked_again_once_words_were_said(
    model: ModelServer, fault: Fault
) -> None:
    model.faults.append(fault)
    words: list[str] = []

    async def listen() -> None:
        async with model_client(f"{model.url}/v1", SecretStr(KEY)) as client:
            async for delta in Model(client, retry_after_s=0).stream(question()):
                words.append(delta)

    with pytest.raises(ModelBroke):
        await listen()
    assert words[:2] == ["Hello", " there"]
    assert len(model.questions) == 1


async def test_a_busy_server_is_asked_again_when_it_says_so_and_the_person_is_told(
    model: ModelServer,
) -> None:
    model.faults.extend([Fault(status=429, retry_after="0")] * 3)
    told = []

    async def busy() -> None:
        told.append(len(model.questions))

    async with model_client(f"{model.url}/v1", SecretStr(KEY)) as client:
        answer = Model(client, retry_after_s=0).stream(question(), busy=busy)
        assert [delta async for delta in answer] == ["Hello", " there", "."]
    assert told == [1, 2, 3]


async def test_a_busy_server_is_waited_for_no_longer_than_for_a_first_token(
    model: ModelServer,
) -> None:
    model.faults.extend([Fault(status=429, retry_after="2")] * 3)
    began = time.monotonic()
    with pytest.raises(ModelBusy):
        await said(model.url, Patience(first_token_s=1))
    assert time.monotonic() - began < 1
    assert len(model.questions) == 1


async def test_what_an_answer_cost_is_what_the_server_counted(model: ModelServer) -> None:
    model.total_tokens, usage = 321, Usage()
    async with model_client(f"{model.url}/v1", SecretStr(KEY)) as client:
        assert [delta async for delta in Model(client).stream(question(), usage)]
    assert usage.tokens == 321


async def test_a_server_that_refuses_to_be_asked_for_usage_is_not_asked_again(
    model: ModelServer,
) -> None:
    model.knows_usage, usage = False, Usage()
    async with model_client(f"{model.url}/v1", SecretStr(KEY)) as client:
        talker = Model(client)
        for _ in range(2):
            words = [delta async for delta in talker.stream(question(), usage)]
            assert words == ["Hello", " there", "."]
    assert usage.tokens is None
    assert ["stream_options" in asked for asked in model.questions] == [True, False, False]


async def test_a_pause_between_words_that_is_too_long_ends_the_answer(model: ModelServer) -> None:
    model.faults.append(Fault(after_words=1, silent=True))
    began = time.monotonic()
    with pytest.raises(ModelSlow):
        await said(model.url, Patience(first_token_s=30, between_tokens_s=0.2))
    assert time.monotonic() - began < 2


async def test_an_answer_that_takes_too_long_in_all_ends(model: ModelServer) -> None:
    model.words, model.pace_s = ["word "] * 1000, 0.02
    with pytest.raises(ModelSlow):
        await said(model.url, Patience(total_s=0.3))


async def test_nobody_listening_is_said_at_once() -> None:
    async with model_server() as server:
        pass
    began = time.monotonic()
    with pytest.raises(ModelGone):
        await said(server.url)
    assert time.monotonic() - began < 2


async def test_an_answer_without_words_is_asked_for_once_more(model: ModelServer) -> None:
    model.words = []
    with pytest.raises(ModelSpeechless):
        await said(model.url)
    assert len(model.questions) == 2


async def test_a_wrong_key_is_said_and_never_shown(model: ModelServer) -> None:
    with pytest.raises(ModelLocked) as caught:
        await said(model.url, key="wrong-key-of-mine")
    assert "wrong-key-of-mine" not in str(caught.value)


async def test_leaving_early_ends_the_answer_on_the_server(model: ModelServer) -> None:
    model.words, model.pace_s = ["word "] * 500, 0.01
    async with model_client(f"{model.url}/v1", SecretStr(KEY)) as client:
        answer = Model(client).stream(question())
        assert await anext(answer) == "word "
        await answer.aclose()
        for _ in range(100):
            if not model.speaking:
                break
            await asyncio.sleep(0.02)
    assert model.speaking == 0


@pytest.mark.parametrize(
    ("words", "heard"),
    [
        (["hi\nTom: hello"], "hi"),
        (["hi", "\n", "To", "m", ": x"], "hi"),
        (["hi\nTo", "morrow"], "hi\nTomorrow"),
        (["hi\n"], "hi\n"),
        (["Ma", "ya: ", "hi"], "hi"),
        (["  \n", "hi"], "hi"),
        (["Mayan gold"], "Mayan gold"),
        (["Ma"], "Ma"),
        (["Maya:"], ""),
    ],
)
async def test_only_the_personas_own_words_are_heard(words: list[str], heard: str) -> None:
    async def deltas() -> AsyncIterator[str]:
        for word in words:
            yield word

    assert "".join([w async for w in own_words(deltas(), ["\nTom:", "\nInes:"], "Maya:")]) == heard
