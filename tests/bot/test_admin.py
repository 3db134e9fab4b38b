import pytest
from pydantic import SecretStr

from bot.admin import Admin, Rollout
from bot.errors import (
    AdminError,
    AdminGone,
    AdminLocked,
    RolloutBusy,
    RolloutFailed,
    UnderstudyError,
    UnknownPersona,
)
from bot.inference import http_session
from tests.fakes.model import ADMIN_KEY, ModelServer, model_server


async def reload(url: str, key: str | None = ADMIN_KEY, name: str = "maya") -> Rollout:
    async with http_session(url) as session:
        return await Admin(url, SecretStr(key) if key else None, session).reload(name, 3)


async def test_a_reload_says_who_speaks_now_and_before(model: ModelServer) -> None:
    model.admin_answer = (200, {"persona": "maya", "version": 3, "previous": 2, "seconds": 0.4})
    assert await reload(model.url) == Rollout(persona="maya", version=3, previous=2, seconds=0.4)
    assert model.asked == ["POST /admin/personas/maya/reload"]
    assert model.questions == [{"version": 3}]


async def test_rollback_and_status_ask_their_routes(model: ModelServer) -> None:
    model.admin_answer = (200, {"persona": "maya", "version": None, "previous": 1})
    async with http_session(model.url) as session:
        admin = Admin(model.url, SecretStr(ADMIN_KEY), session)
        assert (await admin.rollback("maya")).version is None
        assert (await admin.status())["persona"] == "maya"
    assert model.asked == ["POST /admin/personas/maya/rollback", "GET /admin/status"]


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (409, {"error": "busy", "state": "loading"}, RolloutBusy, "Another rollout of maya"),
        (
            422,
            {"error": {"message": "no"}, "step": "probe", "reason": "it said nothing"},
            RolloutFailed,
            "probe”: it said nothing",
        ),
        (422, {"error": {"message": "rank too big"}}, RolloutFailed, "rank too big"),
        (404, {"error": {"message": "no such persona"}}, AdminError, "no such persona"),
        (500, "oh", AdminError, "refused"),
        (200, {"unexpected": 1}, AdminError, "refused"),
    ],
)
async def test_each_refusal_says_what_the_server_says(
    model: ModelServer, status: int, body: object, error: type[UnderstudyError], words: str
) -> None:
    model.admin_answer = (status, body)
    with pytest.raises(error) as caught:
        await reload(model.url)
    assert words in caught.value.spoken


async def test_a_missing_or_wrong_key_is_a_sentence_about_the_key(model: ModelServer) -> None:
    for key in (None, "wrong-admin-key"):
        with pytest.raises(AdminLocked, match=r"ADMIN_API_KEY|401") as caught:
            await reload(model.url, key)
        assert "ADMIN_API_KEY" in caught.value.spoken
        assert "wrong-admin-key" not in str(caught.value)


async def test_a_server_that_is_away_changed_nothing() -> None:
    async with model_server() as server:
        pass
    with pytest.raises(AdminGone, match="Connect") as caught:
        await reload(server.url)
    assert "Nothing was changed" in caught.value.spoken


@pytest.mark.parametrize("name", ["../admin", "maya/../tom", "", "Maya", "a" * 33, "maya?x"])
async def test_a_name_is_never_joined_to_a_path_unchecked(model: ModelServer, name: str) -> None:
    with pytest.raises(UnknownPersona):
        await reload(model.url, name=name)
    assert model.asked == []
