import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.errors import ModelGone, NoPersonas, PersonasRefused, UnknownPersona
from bot.inference import InferenceServer, http_session
from bot.personas import Personas
from tests.fakes.model import KEY, ModelServer, model_server, persona


@asynccontextmanager
async def personas_of(
    url: str, folder: Path = Path("none"), default: str | None = None, **more: Any
) -> AsyncIterator[Personas]:
    async with http_session(url) as session:
        server = InferenceServer(url, SecretStr(KEY), session)
        yield Personas(server, folder, default, **more)


async def names(personas: Personas) -> list[str]:
    return [persona.name for persona in await personas.list()]


async def test_the_servers_list_comes_by_name_and_the_first_is_the_default(
    model: ModelServer,
) -> None:
    model.personas = [persona("tom"), persona("maya")]
    async with personas_of(model.url) as personas:
        assert await names(personas) == ["maya", "tom"]
        assert (await personas.default()).name == "maya"
        assert (await personas.get("tom")).sampling.max_tokens == 120
        with pytest.raises(UnknownPersona) as caught:
            await personas.get("zoe")
        assert "maya, tom" in caught.value.spoken
    assert model.asked == ["GET /personas"]


async def test_an_imported_card_with_an_earlier_name_does_not_become_the_default(
    model: ModelServer,
) -> None:
    card = persona("aaron", current=None, versions=[])
    model.personas = [card, persona("maya")]
    async with personas_of(model.url) as personas:
        assert (await personas.default()).name == "maya"
    model.personas = [persona("zoe", current=None, versions=[]), card]
    async with personas_of(model.url) as personas:
        assert (await personas.default()).name == "aaron"


async def test_the_default_can_be_set_and_a_wrong_one_is_said(model: ModelServer) -> None:
    model.personas = [persona("tom"), persona("maya")]
    async with personas_of(model.url, default="tom") as personas:
        assert (await personas.default()).name == "tom"
    async with personas_of(model.url, default="zoe") as personas:
        with pytest.raises(UnknownPersona):
            await personas.default()


async def test_the_last_known_list_serves_while_the_server_is_away() -> None:
    async with model_server() as server, personas_of(server.url, fresh_s=0) as personas:
        assert await names(personas) == ["maya"]
        server.personas_status = 500
        assert await names(personas) == ["maya"]
        server.personas_status, server.personas = 200, [persona("tom")]
        assert await names(personas) == ["tom"]


async def test_a_server_that_was_never_there_is_a_sentence() -> None:
    async with model_server() as server:
        pass
    async with personas_of(server.url) as personas:
        with pytest.raises(ModelGone):
            await personas.list()


async def test_a_wrong_key_is_not_taken_for_a_foreign_server(model: ModelServer) -> None:
    model.key = "another"
    async with personas_of(model.url) as personas:
        with pytest.raises(PersonasRefused):
            await personas.list()


async def test_a_foreign_server_speaks_through_local_cards_that_name_the_model(
    model: ModelServer, tmp_path: Path
) -> None:
    model.personas = None
    (tmp_path / "maya.toml").write_text('model = "llama3"\nsystem_prompt = "Be Maya."\n', "utf-8")
    (tmp_path / "tom.toml").write_text('display_name = "Tom B."\nmodel = "x"\n', "utf-8")
    (tmp_path / "broken.toml").write_text("display_name = ", "utf-8")
    (tmp_path / "wrong.toml").write_text("sampling = 7", "utf-8")
    (tmp_path / "odd.toml").write_text("name = 7", "utf-8")
    async with personas_of(model.url, tmp_path) as personas:
        maya, tom = await personas.list()
    assert (maya.name, maya.display_name, maya.served_as) == ("maya", "Maya", "llama3")
    assert tom.display_name == "Tom B."


async def test_a_foreign_server_without_cards_speaks_as_its_first_model(
    model: ModelServer,
) -> None:
    model.personas, model.models = None, [{"id": "llama3"}, {"id": "other"}]
    async with personas_of(model.url) as personas:
        assert (await personas.default()).served_as == "llama3"


async def test_no_persona_at_all_is_a_sentence_that_says_what_to_do(model: ModelServer) -> None:
    model.personas = []
    async with personas_of(model.url) as personas:
        with pytest.raises(NoPersonas, match="understudy publish"):
            await personas.default()


async def test_one_malformed_persona_does_not_take_the_others_down(model: ModelServer) -> None:
    model.personas = [{"name": "broken"}, persona("maya")]
    async with personas_of(model.url) as personas:
        assert await names(personas) == ["maya"]


async def test_many_at_once_ask_the_server_once(model: ModelServer) -> None:
    async with personas_of(model.url) as personas:
        await asyncio.gather(*(personas.list() for _ in range(20)))
    assert model.asked == ["GET /personas"]


@pytest.mark.parametrize(
    ("said", "name"),
    [("tom", "tom"), ("TOM", "tom"), ("Maya Lind", "maya"), (" maya lind ", "maya")],
)
async def test_people_are_called_by_either_name(model: ModelServer, said: str, name: str) -> None:
    model.personas = [
        persona("maya", display_name="Maya Lind"),
        persona("tom", display_name="Eve"),
        persona("eve", display_name="Tom"),  # a name wins over what another one shows
    ]
    async with personas_of(model.url) as personas:
        assert (await personas.named(said)).name == name


@pytest.mark.parametrize("said", ["zoe", "", "Twin"])
async def test_nobody_is_guessed(model: ModelServer, said: str) -> None:
    model.personas = [persona("a", display_name="Twin"), persona("b", display_name="Twin")]
    async with personas_of(model.url) as personas:
        with pytest.raises(UnknownPersona):
            await personas.named(said)


async def test_the_list_is_asked_for_again_when_it_has_changed(model: ModelServer) -> None:
    async with personas_of(model.url) as personas:
        assert await names(personas) == ["maya"]
        model.personas = [persona("maya"), persona("new")]
        assert await names(personas) == ["maya"]
        personas.look_again()
        assert await names(personas) == ["maya", "new"]
