"""Which keys go where."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from deploy.local.settings import Settings, for_libraries


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def settings(**values: Any) -> Settings:
    return Settings(understudy_home=Path("home"), **values)


def test_a_generated_key_is_never_told_to_a_foreign_server() -> None:
    told = settings(inference_url="https://models.example/v1").environment()
    assert told["INFERENCE_URL"] == "https://models.example/v1"
    assert "INFERENCE_API_KEY" not in told
    assert "ADMIN_API_KEY" not in told


def test_a_foreign_server_gets_the_key_that_was_given_for_it() -> None:
    told = settings(
        inference_url="https://models.example", inference_api_key=SecretStr("theirs")
    ).environment()
    assert told["INFERENCE_API_KEY"] == "theirs"
    assert "ADMIN_API_KEY" not in told


def test_our_own_server_named_by_url_gets_our_keys() -> None:
    ours = settings(inference_url="http://localhost:8123/v1")
    with ours.home.announced("inference", url="http://127.0.0.1:8123"):
        assert ours.environment()["INFERENCE_API_KEY"] == ours.home.key("inference")


def test_keys_that_are_given_are_not_made() -> None:
    given = settings(inference_api_key=SecretStr("a"), admin_api_key=SecretStr("b"))
    told = given.environment("http://127.0.0.1:9")
    assert (told["INFERENCE_API_KEY"], told["ADMIN_API_KEY"]) == ("a", "b")
    assert not (given.home.root / "keys").exists()


def test_the_registry_lives_in_the_state_folder_unless_it_is_given() -> None:
    assert settings().registry == str(Path("home").absolute() / "registry")
    assert settings(registry_url="/elsewhere").registry == "/elsewhere"


def test_what_env_says_to_libraries_is_passed_on_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("AWS_ACCESS_KEY_ID=me\nHF_TOKEN=\nDISCORD_TOKEN=secret\n")
    assert for_libraries(tmp_path / ".env") == {"AWS_ACCESS_KEY_ID": "me"}
    assert for_libraries(tmp_path / "none") == {}
