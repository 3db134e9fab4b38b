"""Keys from settings and files: which ones open a door, and which can't guard a server at all."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from inference_server.keys import BadKeys, Door, Keys
from inference_server.settings import ServerSettings


def keys(**settings: object) -> Keys:
    fields = {"inference_api_key": "one", "admin_api_key": "bosss-key", **settings}
    return Keys.of(ServerSettings(_env_file=None, **fields))


def holder(of: Keys, key: str, door: Door = Door.INFERENCE) -> str | None:
    return of.holder(door, [b"Bearer " + key.encode()])


def test_several_keys_open_the_same_door_and_each_is_known_by_its_name():
    several = keys(
        inference_api_keys="bot=key-two= phone=key-thr=ee==",
        admin_api_keys="ann=anns-key bob=bobs-key",
    )
    assert holder(several, "one") == "INFERENCE_API_KEY"
    assert holder(several, "key-two=") == "bot"
    assert holder(several, "key-thr=ee==") == "phone"
    assert holder(several, "anns-key", Door.ADMIN) == "ann"
    assert holder(several, "bobs-key", Door.ADMIN) == "bob"
    assert holder(several, "anns-key") is None
    assert holder(several, "key-two=", Door.ADMIN) is None


def test_only_digests_are_kept():
    several = keys(inference_api_keys="bot=secret-two")
    assert "secret-two" not in repr(vars(several))
    assert "bosss-key" not in repr(vars(several))


def test_a_file_of_keys_is_read_again_when_it_changes(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("inference_server.keys.LOOK_EVERY_S", 0)
    path = tmp_path / "keys"
    path.write_text("# rotated every month\nold first-key\n\n")
    rotating = keys(inference_api_keys_file=path)
    assert holder(rotating, "first-key") == "old"
    _write(path, "old first-key\nnew second-key\n")
    assert holder(rotating, "first-key") == "old"
    assert holder(rotating, "second-key") == "new"
    with caplog.at_level(logging.INFO):
        _write(path, "new second-key\n")
        assert holder(rotating, "first-key") is None
    assert "INFERENCE_API_KEY, new, ADMIN_API_KEY" in caplog.text
    assert rotating.trouble is None
    assert "second-key" not in caplog.text


@pytest.mark.parametrize(
    "broken", ["new second-key third\n", "new bosss-key\n", "a b\x00c\n", None]
)
def test_a_file_that_breaks_leaves_the_keys_as_they_were_and_says_so_once(
    tmp_path, monkeypatch, caplog, broken
):
    monkeypatch.setattr("inference_server.keys.LOOK_EVERY_S", 0)
    path = tmp_path / "keys"
    path.write_text("old first-key\n")
    rotating = keys(inference_api_keys_file=path)
    if broken is None:
        path.unlink()
    else:
        _write(path, broken)
    for _ in range(3):
        assert holder(rotating, "first-key") == "old"
    assert str(rotating.trouble).startswith("keys stay as they were")
    assert "second-key" not in str(rotating.trouble)
    assert len(caplog.records) == 1
    assert "keys stay as they were" in caplog.text
    assert "second-key" not in caplog.text
    _write(path, "new third-key\n")
    assert holder(rotating, "third-key") == "new"
    assert rotating.trouble is None


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"inference_api_key": ""}, "INFERENCE_API_KEY is not set"),
        ({"admin_api_key": ""}, "ADMIN_API_KEY is not set"),
        ({"admin_api_key": "one"}, "must not be the same key"),
        ({"admin_api_keys": "ann=shared-key", "inference_api_key": "shared-key"}, "the same key"),
        ({"inference_api_key": "with space"}, "INFERENCE_API_KEY holds spaces"),
        ({"inference_api_key": "schlüssel"}, "outside ASCII"),
        ({"inference_api_keys": "nameless"}, "one has no name"),
        ({"inference_api_keys": "bot="}, "8 characters at least"),
        ({"inference_api_keys": "c2VjcmV0IQ=="}, "shorter or has no name"),
        ({"inference_api_keys": "c2VjcmV0IQ="}, "shorter or has no name"),
        ({"inference_api_keys": "b/t=long-enough"}, "a key's name is"),
        ({"inference_api_keys": "bot=first-key bot=second-key"}, "have the same name"),
        ({"metrics": "key"}, "METRICS_API_KEY is not set"),
        ({"inference_api_keys_file": Path("nowhere")}, "INFERENCE_API_KEYS_FILE: nowhere can't be"),
    ],
)
def test_keys_that_can_t_guard_a_server_are_refused_in_a_sentence(settings, sentence):
    with pytest.raises(BadKeys, match=sentence) as refused:
        keys(**settings)
    for secret in ("bosss-key", "c2VjcmV0", "with space", "schlüssel", "nameless"):
        assert secret not in str(refused.value)


def _write(path: Path, text: str) -> None:
    """As an editor does: the file is another one afterwards."""
    beside = path.with_suffix(".new")
    beside.write_text(text)
    beside.replace(path)
