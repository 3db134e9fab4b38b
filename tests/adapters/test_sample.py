"""The chat that ships with the project: imported whole, and two voices that can be told apart."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.imports import import_chat

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "adapters" / "samples" / "maya-and-tom.txt"
STARTER = ROOT / "adapters" / "starter" / "model"
VOICES = {"maya": "Maya", "tom": "Tom"}
TRAIN = """
import sys
from pathlib import Path
from adapters.training import train
train(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
"""
SURPRISES = """
import json, sys
from pathlib import Path
from peft import PeftModel
from adapters.dataset import store
from adapters.training import base, encode, learning
home, found = Path(sys.argv[1]), {}
for name in ("maya", "tom"):
    rows = store.load(home, name).held_out
    for adapter in (None, "maya", "tom"):
        loaded = learning.load(base.find(sys.argv[2]))
        model = loaded.model
        if adapter:
            model = PeftModel.from_pretrained(model, home / "runs" / adapter)
        encoded = [encode.encode(loaded.tokenizer, row["messages"], 1024) for row in rows]
        found[f"{name} by {adapter}"] = learning.measure(model, encoded).per_token
print(json.dumps(found))
"""


@pytest.mark.parametrize("persona", VOICES)
def test_every_line_of_the_sample_is_understood(persona: str, tmp_path: Path) -> None:
    report = import_chat("whatsapp", SAMPLE, persona, [VOICES[persona]], tmp_path)
    bins = (report.kept, report.merged, report.system, report.media, report.deleted)
    assert sum(bins) == report.lines == len(SAMPLE.read_text("utf-8").splitlines())
    assert report.unparsed == 0
    assert min(bins) > 0
    assert report.kept >= 1200
    assert report.date_order == "dmy"
    share = report.held_out_messages / (report.held_out_messages + report.learned)
    assert 0.08 < share < 0.15


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_each_voice_is_closer_to_its_own_adapter_than_to_the_base_and_the_other(
    tmp_path: Path,
) -> None:
    if not STARTER.is_dir():
        pytest.skip("the starter model (adapters/starter/model) is not there yet")
    for persona, speaker in VOICES.items():
        import_chat("whatsapp", SAMPLE, persona, [speaker], tmp_path, consent=True)
        run("-c", TRAIN, persona, str(tmp_path), str(STARTER))
    surprise = json.loads(run("-c", SURPRISES, str(tmp_path), str(STARTER)))
    for persona, other in (("maya", "tom"), ("tom", "maya")):
        own = math.exp(surprise[f"{persona} by {persona}"])
        assert own < 0.75 * math.exp(surprise[f"{persona} by None"])
        assert own < math.exp(surprise[f"{persona} by {other}"])


def run(*arguments: str) -> str:
    """Standard output of a Python of our own, where torch starts as it does for users."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
