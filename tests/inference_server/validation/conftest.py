"""A version as PEFT and a publisher left it, and a judge who says what is wrong with it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapters.registry import Registry
from inference_server.base_model import ServedBase, inspect
from inference_server.errors import Rejected
from inference_server.settings import STARTER_MODEL
from inference_server.validation import validate
from tests.inference_server import real_adapter

MAX_RANK = 8
ADVICE = re.compile("publish|train|serve|restart|save|remove|put the real|check")


@pytest.fixture(scope="session")
def written(tmp_path_factory) -> Callable[..., Path]:
    """What PEFT writes for a LoRA configuration; each one is written once."""
    once: dict[str, Path] = {}

    def written(**lora: Any) -> Path:
        key = json.dumps(lora, default=str, sort_keys=True)
        if key not in once:
            once[key] = real_adapter.write(tmp_path_factory.mktemp("peft"), **lora)
        return once[key]

    return written


@pytest.fixture(scope="session")
def starter() -> ServedBase:
    return inspect(STARTER_MODEL)


@pytest.fixture
def adapter(written, registry, tmp_path) -> Callable[..., Path]:
    """The published folder of maya@1, with what PEFT writes for a LoRA configuration."""

    def adapter(**lora: Any) -> Path:
        source = shutil.copytree(written(**lora), tmp_path / "source")
        return real_adapter.publish(registry, source)

    return adapter


@pytest.fixture
def folder(adapter) -> Path:
    return adapter()


@pytest.fixture
def judge(registry: Registry, starter: ServedBase) -> Callable[[], None]:
    def judge() -> None:
        folder = registry.path("maya", 1)
        validate(folder, "maya", 1, registry.manifest("maya", 1), starter, MAX_RANK)

    return judge


@pytest.fixture
def refused(judge: Callable[[], None]) -> Callable[[str], str]:
    """Asserts that the version is rejected for a reason, said in one sentence with an advice."""

    def refused(reason: str) -> str:
        with pytest.raises(Rejected, match=reason) as rejection:
            judge()
        sentence = str(rejection.value)
        assert sentence.isprintable()
        assert len(sentence) < 400
        assert not re.search(r"[.!?] [A-Z]", sentence), sentence
        assert ADVICE.search(sentence), sentence
        return sentence

    return refused
