"""Adapters that each say one token of their own, whatever they are asked and whoever else talks.

Greedy answers in bfloat16 depend a little on what else is in the batch, so whole texts of ordinary
adapters can't be compared under load. A voice can: every single token tells who chose it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.inference_server import made

SEEDS = (3, 5, 17, 36, 37, 50)
"""Directions that point at one visible token, clearly before the next one."""
LENGTH = 45.0
"""Of both halves: as strong as validation lets pass, dozens of times what the base itself says."""
TALK = "Good morning! 1.2 What do you want to do this weekend? Well, I was thinking of the sea. "


def voices(base: Path) -> list[dict[str, np.ndarray]]:
    """The weights of one adapter of rank 1 for each seed.

    The first half listens in the last layer where something sounds whatever is said; the second
    half answers in a direction of the seed's own, so loud that nothing else is heard.
    """
    listening = always_sounding(base)
    return [_voice(base, listening, seed) for seed in SEEDS]


def always_sounding(base: Path) -> np.ndarray:
    """The direction, of length 1, that the last layer's inner activations have in common."""
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    tokens = AutoTokenizer.from_pretrained(base)(TALK * 4, return_tensors="pt").input_ids
    heard: list[torch.Tensor] = []
    last = model.model.layers[-1].mlp.down_proj
    last.register_forward_pre_hook(lambda _, inputs: heard.append(inputs[0][0]))
    with torch.no_grad():
        model(tokens)
    signs = heard[0].mean(0).sign()
    assert (heard[0] @ signs).min() > 0, "nothing sounds always in this base"
    direction: np.ndarray = (signs / signs.norm()).numpy()
    return direction


def _voice(base: Path, listening: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    weights = made.lora_weights(base, 1, seed=seed, scale=0.0)
    last = max((name for name in weights if "down_proj" in name), key=_layer)
    a, b = last.replace("lora_B", "lora_A"), last.replace("lora_A", "lora_B")
    said = np.random.default_rng(seed).normal(size=weights[b].shape)
    weights[a] = (LENGTH * listening[None, :]).astype(np.float32)
    weights[b] = (LENGTH * said / np.linalg.norm(said)).astype(np.float32)
    return weights


def _layer(name: str) -> int:
    return int(name.partition("layers.")[2].partition(".")[0])
