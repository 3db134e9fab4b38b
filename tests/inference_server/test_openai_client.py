"""The official `openai` client, unchanged, against the server as it ships."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any, Literal

import openai
import pytest
from pydantic import BaseModel, Field

from tests.inference_server.stage import QUESTION

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ASKED = [{"role": "user", "content": QUESTION}]
GREEDY: dict[str, Any] = {"model": "maya", "messages": ASKED, "max_tokens": 24, "temperature": 0}
DRAWN = {**GREEDY, "temperature": 1.0}
VERSION = "X-Understudy-Version"
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


class Plan(BaseModel):
    """What a model without any sense can still fill in."""

    day: Literal["Saturday", "Sunday"]
    place: Annotated[str, Field(max_length=12)]
    people: Annotated[int, Field(ge=0, le=9)]


@pytest.fixture
def client(stage) -> Iterator[openai.OpenAI]:
    server = stage.server
    url = f"{server.url}/v1"
    with openai.OpenAI(base_url=url, api_key=server.inference_key, max_retries=0) as client:
        yield client


@pytest.fixture
async def async_client(stage) -> AsyncIterator[openai.AsyncOpenAI]:
    server = stage.server
    url = f"{server.url}/v1"
    async with openai.AsyncOpenAI(base_url=url, api_key=server.inference_key) as client:
        yield client


def text_of(answer: Any) -> str:
    text: str = answer.choices[0].message.content
    return text


def said(client: openai.OpenAI, **fields: Any) -> str:
    return text_of(client.chat.completions.create(**{**GREEDY, **fields}))


def joined(chunks: list[Any], index: int = 0) -> str:
    choices = [choice for chunk in chunks for choice in chunk.choices if choice.index == index]
    return "".join(choice.delta.content or "" for choice in choices)


def test_models_lists_the_base_and_every_persona_with_its_current_version(client):
    models = {model.id: model for model in client.models.list()}
    assert {"base", "maya", "tom", "ivy", "zoe"} <= models.keys()
    assert models["base"].parent is None
    assert {models[name].parent for name in ("maya", "tom", "zoe")} == {"base"}
    assert (models["maya"].root, models["maya"].current) == ("maya@1", 1)
    assert (models["zoe"].root, models["zoe"].current) == ("base", None)
    assert models["maya"].max_model_len > 100


def test_a_chat_is_the_same_whole_and_streamed(client):
    whole = client.chat.completions.create(**GREEDY)
    assert (whole.model, whole.choices[0].message.role) == ("maya", "assistant")
    assert whole.usage.completion_tokens == 24
    with client.chat.completions.create(**GREEDY, stream=True) as stream:
        chunks = list(stream)
    assert {chunk.model for chunk in chunks} == {"maya"}
    assert joined(chunks) == text_of(whole)
    assert all(chunk.usage is None for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == whole.choices[0].finish_reason


def test_a_stream_ends_with_its_usage_where_that_is_asked_for(client):
    options = {"include_usage": True}
    with client.chat.completions.create(**GREEDY, stream=True, stream_options=options) as stream:
        *chunks, last = stream
    assert last.choices == []
    assert last.usage.completion_tokens == 24
    assert last.usage.prompt_tokens > 5
    assert all(chunk.choices for chunk in chunks)


def test_a_completion_is_the_same_whole_and_streamed(client):
    ask: dict[str, Any] = {"model": "tom", "prompt": "Hello", "max_tokens": 12, "temperature": 0}
    whole = client.completions.create(**ask)
    with client.completions.create(**ask, stream=True) as stream:
        chunks = list(stream)
    assert (whole.model, {chunk.model for chunk in chunks}) == ("tom", {"tom"})
    assert "".join(chunk.choices[0].text for chunk in chunks) == whole.choices[0].text
    several = client.completions.create(**{**ask, "prompt": ["Hello", "Goodbye"]})
    assert [choice.index for choice in several.choices] == [0, 1]
    assert several.choices[0].text == whole.choices[0].text


def test_the_raw_answer_says_which_version_spoke(client):
    for asked, version in (("maya", "maya@1"), ("maya@1", "maya@1"), ("zoe", "base")):
        raw = client.chat.completions.with_raw_response.create(**{**GREEDY, "model": asked})
        assert raw.headers[VERSION] == version
        assert raw.parse().model == asked
    streaming = client.chat.completions.with_streaming_response
    with streaming.create(**GREEDY, stream=True) as raw:
        assert raw.headers[VERSION] == "maya@1"


async def test_the_asynchronous_client_asks_several_at_once(async_client):
    create = async_client.chat.completions.create
    names = ["maya", "tom", "base", "zoe"]
    first, again = [
        await asyncio.gather(*(create(**{**GREEDY, "model": name}) for name in names))
        for _ in range(2)
    ]
    assert [answer.model for answer in first] == names
    assert len({text_of(answer) for answer in first}) == 3
    assert [text_of(answer) for answer in first] == [text_of(answer) for answer in again]
    stream = await create(**GREEDY, stream=True)
    chunks = [chunk async for chunk in stream]
    assert joined(chunks) == text_of(first[0])
    assert "maya" in {model.id async for model in async_client.models.list()}
    with pytest.raises(openai.NotFoundError):
        await create(**{**GREEDY, "model": "mayo"})


def test_logprobs_come_with_every_token(client):
    answer = client.chat.completions.create(**GREEDY, logprobs=True, top_logprobs=3)
    tokens = answer.choices[0].logprobs.content
    assert len(tokens) == answer.usage.completion_tokens
    for token in tokens:
        assert len(token.top_logprobs) == 3
        assert token.logprob == max(top.logprob for top in token.top_logprobs)
    old = client.completions.create(model="maya", prompt="Hi", max_tokens=3, logprobs=2)
    assert len(old.choices[0].logprobs.token_logprobs) == 3


def test_an_answer_ends_before_a_stop_text(client):
    whole = said(client)
    stop = whole[len(whole) // 2 :][:4]
    cut = client.chat.completions.create(**GREEDY, stop=["§§", stop])
    assert text_of(cut) == whole[: whole.index(stop)]
    assert cut.choices[0].finish_reason == "stop"


def test_several_answers_are_drawn_for_one_question(client):
    answer = client.chat.completions.create(**DRAWN, n=3)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert len({choice.message.content for choice in answer.choices}) == 3
    with client.chat.completions.create(**DRAWN, n=2, seed=5, stream=True) as stream:
        chunks = list(stream)
    assert joined(chunks, 0)
    assert joined(chunks, 0) != joined(chunks, 1)


def test_a_seed_draws_the_same_answer_again(client):
    drawn = [said(client, temperature=1.0, seed=seed) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_vllm_s_own_parameters_pass_through(client):
    def certain(**extra: float) -> bool:
        """Whether each token was a likeliest one (there may be several, with coarse numbers)."""
        answer = client.chat.completions.create(
            **{**GREEDY, "temperature": 2.0, "seed": 1}, logprobs=True, top_logprobs=2,
            extra_body=extra,
        )  # fmt: skip
        tokens = answer.choices[0].logprobs.content
        return all(t.logprob == max(top.logprob for top in t.top_logprobs) for t in tokens)

    assert not certain()
    assert certain(top_k=1)
    assert certain(min_p=1.0)
    assert said(client, extra_body={"repetition_penalty": 2.0}) != said(client)
    for wrong in ({"top_k": -5}, {"min_p": 7}, {"repetition_penalty": 0}):
        with pytest.raises(openai.BadRequestError, match=next(iter(wrong))):
            said(client, extra_body=wrong)


def test_what_else_openai_s_clients_send_is_taken(client):
    fields = {"user": "42", "metadata": {"a": "b"}, "store": False, "service_tier": "auto",
              "parallel_tool_calls": False, "max_completion_tokens": 3, "logit_bias": {"7": -100},
              "presence_penalty": 0.5, "frequency_penalty": 0.5, "top_p": 0.9}  # fmt: skip
    parts = [{"type": "text", "text": QUESTION}]
    messages = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": parts}]
    assert said(client, messages=messages, **fields)


def test_a_schema_is_followed_to_the_letter(client):
    answer = client.chat.completions.parse(
        **{**GREEDY, "max_tokens": 200}, response_format=Plan
    ).choices[0]
    assert answer.finish_reason == "stop"
    assert isinstance(answer.message.parsed, Plan)
    schema = {"name": "plan", "schema": Plan.model_json_schema()}
    shape = {"type": "json_schema", "json_schema": schema}
    drawn = said(client, response_format=shape, max_tokens=200, temperature=1.0, model="tom")
    assert Plan.model_validate_json(drawn)


def test_other_structures_are_followed_too(client):
    choice = {"structured_outputs": {"choice": ["tea", "coffee"]}}
    assert said(client, extra_body=choice) in ("tea", "coffee")
    pattern = {"structured_outputs": {"regex": "[0-9]{2}:[0-9]{2}"}}
    assert said(client, extra_body=pattern)[2] == ":"
    free = said(client, response_format={"type": "json_object"})
    assert free.lstrip().startswith("{")
    assert said(client, response_format={"type": "text"}) == said(client)


def test_tools_the_base_can_t_use_are_refused_unless_they_are_not_to_be_used(client):
    with pytest.raises(openai.BadRequestError, match="tool"):
        said(client, tools=[WEATHER])
    with pytest.raises(openai.BadRequestError, match="tool"):
        said(client, tools=[WEATHER], tool_choice="required")
    assert said(client, tools=[WEATHER], tool_choice="none")


def test_errors_are_the_client_s_own_exceptions(client, stage):
    with pytest.raises(openai.NotFoundError, match="does not exist") as unknown:
        said(client, model="mayo")
    assert (unknown.value.code, unknown.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.BadRequestError, match="temperature") as bad:
        said(client, temperature=-3)
    assert bad.value.type
    with pytest.raises(openai.BadRequestError, match="context length"):
        said(client, messages=[{"role": "user", "content": "word " * 5000}])
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model="maya", input="hi")
    with pytest.raises(openai.APIStatusError) as large:
        said(client, messages=[{"role": "user", "content": "x" * 3_000_000}])
    assert large.value.status_code == 413
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="wrong").models.list()
    with pytest.raises(openai.APITimeoutError):  # seconds of work, whoever is held up
        said(client.with_options(timeout=0.05), max_tokens=400, extra_body={"ignore_eos": True})


def test_a_bad_request_for_a_stream_is_an_exception_too(client):
    with pytest.raises(openai.APIError, match="vocab"):  # noqa: SIM117
        with client.chat.completions.create(
            **GREEDY, stream=True, extra_body={"stop_token_ids": [10**6]}
        ) as stream:
            list(stream)


@pytest.mark.parametrize("persona", ["zoe", "tom"])
def test_a_card_s_prompt_and_sampling_are_the_bot_s_to_apply(client, stage, persona):
    """The same words in, the same words out, whatever the card says."""
    card = stage.registry.card(persona)
    loud = {
        "system_prompt": "Answer in French. " * 9,
        "sampling": {"temperature": 2, "max_tokens": 1},
    }
    create = client.chat.completions.create

    def asked() -> list[tuple[str, int, int]]:
        greedy = create(**{**GREEDY, "model": persona})
        unsaid = create(model=persona, messages=ASKED, seed=3)
        return [
            (text_of(answer), answer.usage.prompt_tokens, answer.usage.completion_tokens)
            for answer in (greedy, unsaid)
        ]

    before = asked()
    try:
        stage.registry.save_card(type(card).model_validate({**card.model_dump(), **loud}))
        assert asked() == before
    finally:
        stage.registry.save_card(card)
    assert before[0][1] == create(**{**GREEDY, "model": "base"}).usage.prompt_tokens
    with_prompt = [{"role": "system", "content": loud["system_prompt"]}, *ASKED]
    assert said(client, model=persona, messages=with_prompt) != before[0][0]
