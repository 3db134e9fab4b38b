"""A dataset of Maya's with rows of our own, and what an export made of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from adapters.dataset import store
from adapters.dataset.render import ChatMessage
from adapters.exports import Exported
from adapters.imports import import_chat
from tests.adapters.conftest import long_chat

Talk = Sequence[str]
"""What is said by turns, somebody else first."""


def agreed(home: Path) -> Path:
    """A home where Maya agreed and 60 days of her are imported."""
    chat = home.parent / "chat.txt"
    chat.write_text("\n".join(long_chat()))
    import_chat("whatsapp", chat, "maya", ["Maya"], home, consent=True)
    return home


def say(
    home: Path, talks: Sequence[Talk], held_out: Sequence[Talk] = (), system: str = "Be Maya."
) -> None:
    """Puts rows in place of Maya's own."""
    report = store.report(home, "maya")
    with store.rewritten(home, "maya") as rows:
        for late, these in ((False, talks), (True, held_out)):
            for talk in these:
                messages: list[ChatMessage] = [{"role": "system", "content": system}] * bool(system)
                for at, text in enumerate(talk):
                    messages.append({"role": ("user", "assistant")[at % 2], "content": text})
                rows.add(store.encoded({"messages": messages, "at": "2020-01-01"}), held_out=late)
        rows.describe(report)


def examples(exported: Exported, name: str = "train") -> list[dict[str, object]]:
    file = next(exported.folder.glob(f"{name}.json*"))
    text = file.read_text("utf-8")
    if file.suffix == ".json":
        return list(json.loads(text))
    return [json.loads(line) for line in text.splitlines()]  # which knows many ends of lines


def only(exports: Sequence[Exported]) -> Exported:
    assert len(exports) == 1
    return exports[0]
