"""Runs the real server and writes down, for a test, what each of its engines holds and says.

    python -m tests.inference_server.witness …          as `python -m inference_server …`

Once after each probe, which is before the flip, and once after each version is removed: lines of
JSON in UNDERSTUDY_HOME. Everything is wrapped from here: the server's own code knows nothing of it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from inference_server import launch
from inference_server.__main__ import command_line
from tests.inference_server.stage import QUESTION

MODULE = "tests.inference_server.witness"
NOTES = "witness.jsonl"
PROBED, REMOVED = "probed", "removed"
GREEDY = {"temperature": 0, "max_tokens": 16}


def read_notes(home: Path, what: str, version: str) -> dict[str, Any]:
    """The latest note about a version."""
    notes = [json.loads(line) for line in (home / NOTES).read_text().splitlines()]
    return [note for note in notes if (note["what"], note["version"]) == (what, version)][-1]


async def note(engine: Any, what: str, version: str, **fields: Any) -> None:
    held = await engine._client.engine_core.call_utility_all_async("list_loras")
    names = {request.lora_int_id: name for name, request in engine._models.lora_requests.items()}
    holds = [sorted(names.get(number, str(number)) for number in numbers) for numbers in held]
    line = json.dumps({"what": what, "version": version, "holds": holds, **fields})
    with (Path(os.environ["UNDERSTUDY_HOME"]) / NOTES).open("a") as notes:
        notes.write(line + "\n")


def wrap() -> None:
    from inference_server import rollout
    from inference_server.engine import VllmEngine

    probe, remove = rollout.probe, VllmEngine.remove

    async def probed(engine: VllmEngine, version: str, questions: Any) -> None:
        await probe(engine, version, questions)
        asked = [{"role": "user", "content": QUESTION}]
        ranks = range(engine.engines)
        says = [(await engine.answer(version, asked, GREEDY, rank)).text for rank in ranks]
        await note(engine, PROBED, version, says=says)

    async def removed(self: VllmEngine, name: str) -> None:
        await remove(self, name)
        await note(self, REMOVED, name)

    rollout.probe, VllmEngine.remove = probed, removed  # type: ignore[method-assign]


def main() -> None:
    prepare = launch.prepare_environment

    def prepared(*arguments: Any) -> None:
        prepare(*arguments)
        wrap()  # imports vLLM, which reads its environment

    launch.prepare_environment = prepared
    command_line()


if __name__ == "__main__":
    main()
