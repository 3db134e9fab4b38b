import pytest
from pydantic import SecretStr

from bot.admin import Admin, Rollout
from bot.errors import (
    AdminError,
    AdminGone,
    AdminLocked,
    NoAdmin,
    RolloutBusy,
    RolloutFailed,
    UnderstudyError,
    UnknownPersona,
)
from bot.inference import http_session
from bot.server_status import RolloutState, without_addresses
from tests.fakes.admin import AdminRoutes
from tests.fakes.model import ADMIN_KEY, ModelServer, model_server, persona


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
        assert not (await admin.status()).ready
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


# What else our server tells and takes


async def test_versions_and_status_are_read_as_our_server_tells_them(model: ModelServer) -> None:
    model.personas = [persona("maya", current=2, versions=[1, 2])]
    model.admin = AdminRoutes(model.personas, degraded={"maya": "slow"})
    async with http_session(model.url) as session:
        admin = Admin(model.url, SecretStr(ADMIN_KEY), session)
        versions = await admin.versions("maya")
        status = await admin.status()
        assert await admin.versions("nobody") is None
    assert versions is not None
    assert [(one.version, one.day, one.serving) for one in versions] == [
        (1, "2026-03-01", False),
        (2, "2026-03-02", True),
    ]
    assert (status.ready, status.degraded) == (True, {"maya": "slow"})
    assert status.personas["maya"].serving == 2


async def test_a_card_is_checked_by_the_server_and_its_sentence_is_told(
    model: ModelServer,
) -> None:
    model.admin = AdminRoutes(model.personas or [])
    async with http_session(model.url) as session:
        admin = Admin(model.url, SecretStr(ADMIN_KEY), session)
        await admin.put("elf", {"display_name": "Elf"})
        with pytest.raises(AdminError) as caught:
            await admin.put("elf", {"display_name": "E" * 81})
        assert "display_name: String should have at most 80" in caught.value.spoken
        with pytest.raises(AdminError) as caught:
            await admin.put("base", {"display_name": "Elf"})
        assert "base model's own name" in caught.value.spoken
        with pytest.raises(UnknownPersona):
            await admin.put("../elf", {"display_name": "Elf"})


async def test_a_server_that_is_not_ours_is_called_so(model: ModelServer) -> None:
    model.admin_answer = (404, {"detail": "Not Found"})
    async with http_session(model.url) as session:
        admin = Admin(model.url, SecretStr(ADMIN_KEY), session)
        with pytest.raises(NoAdmin):
            await admin.status()
        with pytest.raises(NoAdmin):
            await admin.put("elf", {"display_name": "Elf"})


@pytest.mark.parametrize(
    ("rollout", "progress"),
    [
        ({"step": "validate"}, "validate …"),
        ({"step": "validate", "seconds": {"validate": 0.1}}, "validate …"),
        ({"step": "probe", "seconds": {"validate": 1, "load": 2}}, "validate ✓ load ✓ probe …"),
        ({"step": "flip", "seconds": {"validate": 1}}, "validate ✓ flip …"),  # loaded before
        ({"step": "done", "seconds": {"validate": 1, "flip": 1}}, "validate ✓ flip ✓"),
        ({"step": "a step of tomorrow"}, ""),
    ],
)
def test_progress_names_the_steps_that_were_taken(
    rollout: dict[str, object], progress: str
) -> None:
    assert RolloutState.model_validate(rollout).progress == progress


def test_no_address_is_ever_told() -> None:
    told = "can't read s3://key:pass@host/b?sig=1, nor http://x.y; try again"
    assert without_addresses(told) == "can't read (an address) nor (an address) try again"
