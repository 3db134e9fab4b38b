"""The audit log: who, what, when and what came of it, and what happens when it can't be kept."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from inference_server.audit import Audit
from inference_server.errors import Busy


@pytest.fixture
def audit(tmp_path: Path) -> Iterator[Audit]:
    audit = Audit(tmp_path / "logs" / "audit.jsonl")
    yield audit
    audit.close()


def entries(audit: Audit) -> list[dict]:
    return [json.loads(line) for line in audit.path.read_text().splitlines()]


def test_an_action_is_written_when_it_begins_and_when_it_ends(audit):
    with audit.action("ann", "reload", "maya") as action:
        (began,) = entries(audit)
        action.outcome = "version 2 serves"
    _, ended = entries(audit)
    assert began.items() >= {"event": "began", "who": "ann", "action": "reload"}.items()
    assert ended.items() >= {"event": "ended", "outcome": "version 2 serves"}.items()
    assert began["id"] == ended["id"]
    assert stat.S_IMODE(audit.path.stat().st_mode) == 0o600


def test_a_refusal_is_an_outcome_and_so_is_breaking_off(audit):
    with pytest.raises(Busy), audit.action("ann", "reload", "maya"):
        raise Busy("maya", "load")
    with pytest.raises(KeyboardInterrupt), audit.action("ann", "reload", "maya"):
        raise KeyboardInterrupt
    assert [entry.get("outcome") for entry in entries(audit)] == [
        None,
        "refused: another rollout of maya is under way (step: load)",
        None,
        "broken off",
    ]


def test_what_is_written_stays_one_line_whatever_it_holds(audit):
    with audit.action("ann", "card", 'ma\nya"} \x1b[31m'):
        pass
    assert len(entries(audit)) == 2
    assert "\x1b" not in audit.path.read_text()


def test_a_log_that_can_t_be_written_is_said_and_the_action_goes_on(tmp_path, caplog):
    (tmp_path / "logs").write_text("a file where a folder should be")
    audit = Audit(tmp_path / "logs" / "audit.jsonl")
    with audit.action("ann", "reload", "maya") as action:
        action.outcome = "done"
    assert caplog.text.count("can't be written") == 2
    assert "can't be written" in str(audit.trouble)
    (tmp_path / "logs").unlink()
    with audit.action("ann", "reload", "maya"):
        assert audit.trouble is None
    audit.close()


def test_a_long_log_is_continued_in_a_new_file(tmp_path, monkeypatch):
    monkeypatch.setattr("inference_server.audit.MAX_BYTES", 2000)
    audit = Audit(tmp_path / "audit.jsonl")
    for _ in range(20):
        with audit.action("ann", "reload", "maya"):
            pass
    assert len(list(tmp_path.iterdir())) > 2
    assert audit.path.stat().st_size <= 2000
    audit.close()
