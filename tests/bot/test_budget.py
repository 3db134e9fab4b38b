import pytest
from pydantic import SecretStr

from bot.budget import Budget, Prompt
from bot.cards import Persona
from bot.inference import InferenceServer, http_session
from bot.memory import Turn
from tests.fakes.model import KEY, ModelServer, persona


def card(**more: object) -> Persona:
    return Persona.model_validate({**persona("maya"), **more})


def turn(place: int, text: str, tokens: str = "") -> Turn:
    return Turn(str(place), "test:Tom", "Tom", text, tokens)


async def prompt(model: ModelServer, window: list[Turn], who: Persona | None = None) -> Prompt:
    async with http_session(model.url) as session:
        server = InferenceServer(model.url, SecretStr(KEY), session)
        return await Budget(server).prompt(who or card(), window)


def tokens_of(prompt: Prompt) -> int:
    """As the stub counts: words."""
    return sum(len(message["content"].split()) for message in prompt.messages)


async def test_nobody_is_asked_to_count_while_the_bytes_fit(model: ModelServer) -> None:
    made = await prompt(model, [turn(n, "a few words") for n in range(10)])
    assert model.tokenized == []
    assert made.counts == {}
    assert made.messages[1]["content"].count("\n") == 9


async def test_beyond_the_bytes_each_message_is_counted_once_and_the_newest_are_kept(
    model: ModelServer,
) -> None:
    window = [turn(n, f"message{n} " + "ab " * 200) for n in range(8)]  # 201 tokens, 600 bytes
    made = await prompt(model, window)
    content = made.messages[1]["content"]
    assert "message7" in content
    assert "message4" in content
    assert "message0" not in content
    assert tokens_of(made) + made.max_tokens <= 1024
    assert made.counts == {str(n): "201 base" for n in range(8)}
    assert len(model.tokenized) == 8 + 1  # and the system prompt


async def test_stored_counts_are_not_counted_again(model: ModelServer) -> None:
    window = [turn(n, "ab " * 200, "200 base") for n in range(8)]
    made = await prompt(model, window)
    assert len(model.tokenized) == 1  # the system prompt
    assert made.counts == {}


async def test_a_system_prompt_is_counted_once(model: ModelServer) -> None:
    async with http_session(model.url) as session:
        budget = Budget(InferenceServer(model.url, SecretStr(KEY), session))
        for _ in range(3):
            await budget.prompt(card(), [turn(n, "ab " * 200, "200 base") for n in range(8)])
        assert model.tokenized == [card().system_prompt]
        await budget.prompt(card(system_prompt="Be kind."), [turn(1, "ab " * 400, "400 base")])
    assert model.tokenized[1:] == ["Be kind."]


async def test_counts_of_another_base_model_are_made_anew(model: ModelServer) -> None:
    made = await prompt(model, [turn(n, "ab " * 200, "7 other") for n in range(8)])
    assert made.counts["0"] == "200 base"


@pytest.mark.parametrize("counts_tokens", [True, False])
async def test_a_message_that_is_too_long_is_cut_with_a_mark(
    model: ModelServer, counts_tokens: bool
) -> None:
    model.counts_tokens = counts_tokens
    made = await prompt(model, [turn(0, "old"), turn(1, "first " + "so " * 5000 + "last")])
    assert len(made.messages) == 2
    content = made.messages[1]["content"]
    assert content.startswith("Tom: first so")
    assert content.endswith("so last")
    assert " […] " in content
    assert tokens_of(made) + made.max_tokens <= 1024


async def test_text_that_grows_by_being_neutralised_still_fits(model: ModelServer) -> None:
    model.counts_tokens = False
    made = await prompt(model, [turn(1, "<s>" * 5000)])
    assert len(made.messages[1]["content"].encode()) <= 3 * 1024
    assert "<s>" not in made.messages[1]["content"]


async def test_a_system_prompt_that_is_too_long_leaves_room_for_the_talk(
    model: ModelServer,
) -> None:
    made = await prompt(model, [turn(1, "hello?")], card(system_prompt="be kind " * 3000))
    assert made.messages[0]["content"].startswith("be kind")
    assert made.messages[1]["content"] == "Tom: hello?"
    assert tokens_of(made) + made.max_tokens <= 1024


async def test_a_foreign_server_that_does_not_count_is_asked_once_only(model: ModelServer) -> None:
    model.counts_tokens = False
    async with http_session(model.url) as session:
        server = InferenceServer(model.url, SecretStr(KEY), session)
        for _ in range(3):
            await server.count_tokens("maya", "text")
    assert model.asked.count("POST /tokenize") == 1


async def test_an_unknown_context_is_taken_for_4096_and_a_known_one_bounds_the_answer(
    model: ModelServer,
) -> None:
    model.models = [{"id": "gpt"}]
    window = [turn(n, "ab " * 200) for n in range(5)]
    assert (await prompt(model, window)).messages[1]["content"].count("Tom:") == 5
    model.models = [{"id": "tiny", "max_model_len": 128}]
    assert (await prompt(model, [turn(1, "hi")])).max_tokens == 64


async def test_the_window_is_the_one_the_persona_was_trained_on(model: ModelServer) -> None:
    layout = {"version": 1, "window_messages": 3}
    made = await prompt(model, [turn(n, str(n)) for n in range(9)], card(prompt_format=layout))
    assert made.messages[1]["content"] == "Tom: 6\nTom: 7\nTom: 8"
