"""Measure the starter model: bits per UTF-8 byte of message text on the held-out dialogues.

python -m adapters.starter.evaluate DIALOGUES MODEL
"""

from __future__ import annotations

import argparse
import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, PreTrainedModel

from . import dialogues, tokenizer


def report(folder: Path, held_out: Sequence[dialogues.Dialogue]) -> str:
    """Bits per byte by source and over all, a line each."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokens = Tokenizer.from_file(str(folder / "tokenizer.json"))
    bits: dict[str, float] = defaultdict(float)
    size: dict[str, int] = defaultdict(int)
    for dialogue in held_out:
        conversation = dialogues.plain(dialogue)
        spoken = [message for message in conversation if message.role != "system"]
        bits[dialogue.source] += bits_of(model, tokens, conversation)
        size[dialogue.source] += sum(len(message.text.encode()) for message in spoken)
    lines = [f"{source}: {bits[source] / size[source]:.3f}" for source in sorted(bits)]
    total = sum(bits.values()) / sum(size.values())
    return "\n".join([*lines, f"all: {total:.3f} bits per byte over {sum(size.values())} bytes"])


def bits_of(
    model: PreTrainedModel, tokens: Tokenizer, conversation: Sequence[dialogues.Message]
) -> float:
    """Bits to say the conversation's messages, each with its end tag, given what came before.

    The system prompt and the role tags are context, not counted. A dialogue longer than the
    model's context is measured in windows that overlap by half.
    """
    ids, counted = [], []
    for role, text in tokenizer.encode(tokens, [conversation])[0]:
        ids += [tokens.token_to_id(tokenizer.ROLES[role]), *text]
        counted += [False, *[role != "system"] * len(text)]
    window = model.config.max_position_embeddings
    bits, done = 0.0, 1
    while done < len(ids):
        start = 0 if len(ids) <= window else max(0, done - window // 2)
        row = torch.tensor([ids[start : start + window]])
        with torch.inference_mode():
            logits = model(input_ids=row[:, :-1]).logits[0]
            losses = F.cross_entropy(logits, row[0, 1:], reduction="none")
        fresh = torch.arange(start + 1, start + row.shape[1]) >= done
        mask = torch.tensor(counted[start + 1 : start + row.shape[1]]) & fresh
        bits += losses[mask].sum().item() / math.log(2)
        done = start + row.shape[1]
    return bits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dialogues", type=Path)
    parser.add_argument("model", type=Path)
    options = parser.parse_args()
    held_out = [d for d in dialogues.read(options.dialogues) if d.held_out]
    print(report(options.model, held_out))


if __name__ == "__main__":
    main()
