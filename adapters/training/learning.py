"""The training itself: PEFT's LoRA under TRL's SFTTrainer, and the held-out loss before and after.

Knows token ids and a model; nothing of personas, manifests or where things are kept. Everything
heavy is imported here, so this module is imported only inside `train`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from datasets import Dataset
from peft import LoraConfig, PeftModel
from safetensors import SafetensorError
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PrinterCallback,
    TrainerCallback,
)
from trl import SFTConfig, SFTTrainer

from adapters.errors import BadBaseModel

from .base import BaseModel
from .encode import IGNORED, Encoded
from .recipe import MAX_TOKENS, Recipe


@dataclass(frozen=True)
class Loaded:
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase

    @property
    def max_tokens(self) -> int:
        context = getattr(self.model.config.get_text_config(), "max_position_embeddings", None)
        return min(MAX_TOKENS, context or MAX_TOKENS)


@dataclass(frozen=True)
class Loss:
    """How surprised a model is by what the persona said, ends of turns included."""

    nats: float
    tokens: int
    bytes: int

    @property
    def per_token(self) -> float:
        return self.nats / self.tokens

    @property
    def bits_per_byte(self) -> float:
        return self.nats / math.log(2) / self.bytes


def load(base: BaseModel) -> Loaded:
    """The base model and its tokenizer. Raises BadBaseModel."""
    on_gpu = torch.cuda.is_available()
    try:
        tokenizer = AutoTokenizer.from_pretrained(base.folder)
        model = AutoModelForCausalLM.from_pretrained(
            base.folder, dtype=torch.bfloat16 if on_gpu else torch.float32
        ).to("cuda" if on_gpu else "cpu")
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise BadBaseModel(f"the base model {base.name} can't be loaded: {error}") from error
    if not tokenizer.is_fast:
        raise BadBaseModel(f"the base model {base.name} has no tokenizer.json")
    if not tokenizer.chat_template:
        raise BadBaseModel(
            f"the base model {base.name} has no chat template; choose a chat (instruct) model"
        )
    return Loaded(model, tokenizer)


def learn(
    loaded: Loaded,
    rows: Sequence[Encoded],
    recipe: Recipe,
    seed: int,
    scratch: Path,
    callbacks: Sequence[TrainerCallback] = (),
) -> PeftModel:
    """Trains a fresh adapter on the rows and returns the model that carries it."""
    trainer = (SFTTrainer if torch.cuda.is_available() else _OnProcessor)(
        model=loaded.model,
        args=_arguments(recipe, seed, scratch),
        train_dataset=Dataset.from_list(
            [{"input_ids": row.input_ids, "labels": row.labels} for row in rows]
        ),
        processing_class=loaded.tokenizer,
        peft_config=LoraConfig(
            r=recipe.rank,
            lora_alpha=recipe.alpha,
            lora_dropout=recipe.dropout,
            target_modules="all-linear",
            bias="none",
            task_type="CAUSAL_LM",
        ),
        callbacks=list(callbacks),
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return trainer.model


class _OnProcessor(SFTTrainer):  # type: ignore[misc]
    """TRL's loss in tiles spares GPU memory and takes two thirds of a step on a CPU; this is the
    same loss over the persona's tokens at once."""

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,  # noqa: ARG002
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor:
        labels = inputs.pop("labels")[:, 1:]
        logits = model(**inputs, use_cache=False).logits[:, :-1]
        spoken = labels != IGNORED
        nats = torch.nn.functional.cross_entropy(
            logits[spoken].float(), labels[spoken], reduction="sum"
        )
        return nats / (num_items_in_batch or spoken.sum().clamp(min=1))


def _arguments(recipe: Recipe, seed: int, scratch: Path) -> SFTConfig:
    at_once = min(recipe.rows_at_once, recipe.rows_per_step)
    return SFTConfig(
        output_dir=str(scratch),
        num_train_epochs=recipe.epochs,
        per_device_train_batch_size=at_once,
        gradient_accumulation_steps=max(1, recipe.rows_per_step // at_once),
        learning_rate=recipe.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=recipe.warmup_share,
        weight_decay=0.0,
        train_sampling_strategy="group_by_length",
        gradient_checkpointing=recipe.recompute_activations,
        bf16=_fast_in_bfloat16(),
        use_cpu=not torch.cuda.is_available(),
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
        dataloader_pin_memory=torch.cuda.is_available(),
        seed=seed,
        data_seed=seed,
        save_strategy="no",
        logging_steps=5,
        report_to="none",
        disable_tqdm=True,
    )


def _fast_in_bfloat16() -> bool:
    """On a processor without instructions for it, bfloat16 is emulated and slower than float32."""
    cpu = torch.cpu
    fast = cpu._is_avx512_bf16_supported() or cpu._is_amx_tile_supported()
    return bool(torch.cuda.is_available() or fast)


@torch.inference_mode()  # type: ignore[misc]
def measure(model: PreTrainedModel | PeftModel, rows: Sequence[Encoded]) -> Loss:
    """The loss over the persona's tokens of these rows, a row at a time, in the weights' type."""
    model.eval()
    nats, tokens = 0.0, 0
    for row in rows:
        ids = torch.tensor([row.input_ids], device=model.device)
        labels = torch.tensor(row.labels[1:], device=model.device)
        logits = model(input_ids=ids, use_cache=False).logits[0, :-1].float()
        nats += torch.nn.functional.cross_entropy(
            logits, labels, ignore_index=IGNORED, reduction="sum"
        ).item()
        tokens += int((labels != IGNORED).sum())
    return Loss(nats, tokens, sum(row.spoken_bytes for row in rows))
