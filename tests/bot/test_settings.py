from pathlib import Path

import pytest
from pydantic import ValidationError

from bot.errors import WrongSettings
from bot.settings import Settings, load


def test_the_environment_wins_over_the_file_and_empty_is_not_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text(
        "DEFAULT_PERSONA=zoë\nLIMIT_MESSAGES_PER_MINUTE=3\nDISCORD_TOKEN=\nOTHER=1\n", "utf-8"
    )
    monkeypatch.setenv("LIMIT_MESSAGES_PER_MINUTE", "7")
    settings = load()
    assert settings.default_persona == "zoë"
    assert settings.limit_messages_per_minute == 7
    assert settings.discord_token is None
    assert settings.understudy_home == Path("data")


@pytest.mark.parametrize("url", ["http://h:1", "http://h:1/", "http://h:1/v1", "http://h:1/v1/"])
def test_the_inference_url_is_good_with_or_without_v1(url: str) -> None:
    settings = Settings(inference_url=url)
    assert settings.inference_root == "http://h:1"
    assert settings.inference_api == "http://h:1/v1"


def test_a_mistake_is_named_and_its_value_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIMIT_MESSAGES_PER_MINUTE", "a-secret-by-mistake")
    monkeypatch.setenv("INFERENCE_URL", "my-secret-host")
    with pytest.raises(WrongSettings) as caught:
        load()
    assert "LIMIT_MESSAGES_PER_MINUTE" in caught.value.spoken
    assert "INFERENCE_URL: Value error, must begin with http" in caught.value.spoken
    assert "secret" not in str(caught.value)


def test_secrets_are_not_shown_and_settings_do_not_change() -> None:
    settings = Settings(discord_token="hush", redis_url="redis://:hush@host")  # type: ignore[arg-type]
    assert "hush" not in repr(settings)
    with pytest.raises(ValidationError):
        settings.default_persona = "tom"  # type: ignore[misc]
