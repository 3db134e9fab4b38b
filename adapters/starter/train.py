"""Train the starter model on one machine in a fixed time.

    python -m adapters.starter.train DIALOGUES OUT --minutes 100

Qwen3 architecture (so that vLLM serves it as it is), Muon for the matrices and AdamW for the
rest, a constant learning rate and then a linear decay, both by the clock, so that a slow
machine still ends with a finished model. The figure and the samples are `evaluate`'s.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor
from transformers import Qwen3Config, Qwen3ForCausalLM

from . import dialogues, evaluate, tokenizer

CONTEXT = 1024
HEAD_DIM = 64
SHORT, LONG = 512, 1024
"""Tokens a row: short rows first (attention is cheaper), long ones at the end."""
TOKENS_PER_STEP = 4096
LONG_FROM = 0.7
"""The part of the time after which rows are long."""
MUON_LR, ADAM_LR, MUON_DECAY = 0.012, 2e-3, 0.05
WARMUP_STEPS = 60
CHECKPOINT_MINUTES = 6


def config(tokens: Tokenizer) -> Qwen3Config:
    return Qwen3Config(
        vocab_size=tokenizer.VOCABULARY,
        hidden_size=320,
        intermediate_size=832,
        num_hidden_layers=6,
        num_attention_heads=5,
        num_key_value_heads=5,
        head_dim=HEAD_DIM,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokens.token_to_id(tokenizer.END),
        pad_token_id=tokens.token_to_id(tokenizer.END_OF_TEXT),
    )


def rows(tokens: Tokenizer, train: list[dialogues.Dialogue], seed: int) -> Iterator[Tensor]:
    """Endless stream of training rows: every epoch shuffles and lays the dialogues out anew.

    Yields int64 tensors of a dialogue each, role tags included.
    """
    tags = {role: tokens.token_to_id(tag) for role, tag in tokenizer.ROLES.items()}
    stop = tokens.token_to_id(tokenizer.END_OF_TEXT)
    rng = random.Random(seed)  # noqa: S311
    while True:
        rng.shuffle(train)
        for start in range(0, len(train), 2000):
            batch = [dialogues.varied(d, rng) for d in train[start : start + 2000]]
            for conversation in tokenizer.encode(tokens, batch):
                ids = [token for role, text in conversation for token in (tags[role], *text)]
                yield torch.tensor([*ids, stop])


def batches(stream: Iterator[Tensor], width: int) -> Iterator[Tensor]:
    """Packed int64 batches [TOKENS_PER_STEP / width, width + 1]."""
    count = TOKENS_PER_STEP // width * (width + 1)
    held = torch.empty(0, dtype=torch.long)
    while True:
        while len(held) < count:
            held = torch.cat([held, *(next(stream) for _ in range(16))])
        yield held[:count].view(-1, width + 1)
        held = held[count:]


class Optimizers:
    """Muon for the matrices, AdamW for the rest, both at one scale of their own rates."""

    def __init__(self, model: Qwen3ForCausalLM) -> None:
        named = list(model.named_parameters())
        matrices = [p for name, p in named if p.ndim == 2 and "embed" not in name]
        rest = [p for name, p in named if p.ndim != 2 or "embed" in name]
        self._all: list[tuple[torch.optim.Optimizer, float]] = [
            (
                torch.optim.Muon(
                    matrices, lr=MUON_LR, momentum=0.95, weight_decay=MUON_DECAY,
                    adjust_lr_fn="original",
                ),
                MUON_LR,
            ),
            (torch.optim.AdamW(rest, lr=ADAM_LR, betas=(0.9, 0.95), weight_decay=0.0), ADAM_LR),
        ]  # fmt: skip

    def step(self, scale: float) -> None:
        for optimizer, rate in self._all:
            for group in optimizer.param_groups:
                group["lr"] = rate * scale
            optimizer.step()
            optimizer.zero_grad()


def learn(
    model: Qwen3ForCausalLM,
    tokens: Tokenizer,
    stream: Iterator[Tensor],
    out: Path,
    seconds: float,
    decay_from: float,
) -> int:
    """Train until the clock says stop; returns the number of tokens seen.

    `decay_from` is the part of the time after which the learning rate falls to zero.
    """

    def loss_of(ids: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(input_ids=ids[:, :-1], use_cache=False).logits
        return F.cross_entropy(logits.flatten(0, 1).float(), ids[:, 1:].flatten())

    compiled = torch.compile(loss_of, dynamic=False)
    optimizers = Optimizers(model)
    short, long = batches(stream, SHORT), batches(stream, LONG)
    began = saved = time.monotonic()
    step, smooth = 0, 0.0
    while (spent := (time.monotonic() - began) / seconds) < 1:
        loss = compiled(next(short if spent < LONG_FROM else long))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizers.step(min(1.0, (step + 1) / WARMUP_STEPS, (1 - spent) / (1 - decay_from)))
        step += 1
        smooth = 0.98 * smooth + 0.02 * loss.item()
        if step % 50 == 0:
            rate = step * TOKENS_PER_STEP / (time.monotonic() - began)
            mean = smooth / (1 - 0.98**step)
            print(f"{spent:6.1%} step {step} loss {mean:.3f} {rate:.0f} tokens/s", flush=True)
        if time.monotonic() - saved > CHECKPOINT_MINUTES * 60:
            saved = time.monotonic()
            save(model, tokens, out.with_name(out.name + "-checkpoint"))
    return step * TOKENS_PER_STEP


def save(model: Qwen3ForCausalLM, tokens: Tokenizer, folder: Path) -> None:
    """bfloat16 safetensors, tokenizer and chat template."""
    whole = Qwen3ForCausalLM(model.config)
    whole.load_state_dict(model.state_dict())
    whole.bfloat16().save_pretrained(folder)
    tokenizer.save(tokens, folder, CONTEXT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dialogues", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=100)
    parser.add_argument("--decay-from", type=float, default=0.6, help="part of the time")
    parser.add_argument("--resume", type=Path, help="go on from this checkpoint's weights")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    everything = list(dialogues.read(options.dialogues))
    train = [d for d in everything if not d.held_out]
    held_out = [d for d in everything if d.held_out]
    print(f"{len(train)} dialogues to train on, {len(held_out)} held out", flush=True)
    if options.resume:
        tokens = Tokenizer.from_file(str(options.resume / "tokenizer.json"))
        model = Qwen3ForCausalLM.from_pretrained(options.resume, dtype=torch.float32)
    else:
        tokens = tokenizer.train(text for d in train for _, text in d.turns)
        model = Qwen3ForCausalLM(config(tokens))
    print(f"{model.num_parameters() / 1e6:.1f} M parameters", flush=True)
    stream, seconds = rows(tokens, train, options.seed), options.minutes * 60
    seen = learn(model, tokens, stream, options.out, seconds, options.decay_from)
    save(model, tokens, options.out)
    print(f"{seen / 1e6:.1f} M tokens seen", flush=True)
    print(evaluate.report(options.out, held_out), flush=True)


if __name__ == "__main__":
    main()
