"""What there is to export for: each format's shape, files, losses and the command that runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from adapters.errors import BadRequest

from . import configs
from .configs import ADAPTER, Files
from .layouts import SEPARATOR, STOP, LayOut, alpaca, chat, prompt_completions, sharegpt

ALL = "all"
UPLOAD = (
    'curl https://api.openai.com/v1/files -H "Authorization: Bearer $OPENAI_API_KEY" '
    "-F purpose=fine-tune -F file=@{train}"
)


@dataclass(frozen=True)
class Format:
    name: str
    lay_out: LayOut
    ending: str
    """.jsonl: an example a line; .json: one list of them, as those trainers read files whole."""
    command: str
    """Runs the other tool, in the folder."""
    about: str
    """What becomes of the rows, and what is lost."""
    further: Callable[[Files], dict[str, str]] = lambda _: {}
    """Other files of the folder, and what is in them."""


FORMATS = {
    format.name: format
    for format in (
        Format(
            "openai", chat, ".jsonl", UPLOAD,
            "every answer is learned (none has a `weight` of 0)",
        ),
        Format(
            "prompt-completion", prompt_completions, ".jsonl", UPLOAD,
            f"one example for each answer, without the system prompt; ask with a prompt that ends "
            f"in {SEPARATOR!r}, and with {STOP!r} as stop",
        ),
        Format(
            "sharegpt", sharegpt, ".json",
            "python -m fastchat.train.train --model_name_or_path lmsys/vicuna-7b-v1.5 "
            f"--data_path {{train}} --lazy_preprocess True --output_dir {ADAPTER}",
            "every answer is learned; the system prompt is beside the turns, where FastChat does "
            "not look, and FastChat can only train models of the Llama family",
        ),
        Format(
            "alpaca", alpaca, ".json",
            "torchrun train.py --model_name_or_path {base} --data_path {train} "
            f"--output_dir {ADAPTER}",
            "train.py is stanford_alpaca's, which knows neither `history` nor `system`, and learns "
            "the last answer of each row from the line before it alone; LLaMA-Factory knows both",
        ),
        Format(
            "axolotl", chat, ".jsonl", "axolotl train axolotl.yaml",
            "every answer is learned; rows longer than `sequence_len` are left out by Axolotl",
            configs.axolotl,
        ),
        Format(
            "llama-factory", chat, ".jsonl", "llamafactory-cli train train.yaml",
            "every answer is learned; rows longer than `cutoff_len` are cut by LLaMA-Factory; add "
            "bf16=false to the command where no GPU knows bfloat16",
            configs.llama_factory,
        ),
    )
}  # fmt: skip


def chosen(names: Iterable[str]) -> list[Format]:
    """The formats of these names, each once. Raises BadRequest."""
    asked = dict.fromkeys(names)
    if unknown := [name for name in asked if name not in FORMATS and name != ALL]:
        raise BadRequest(f"can't export for {unknown[0]!r}; there is: {', '.join(FORMATS)}, {ALL}")
    return list(FORMATS.values()) if ALL in asked else [FORMATS[name] for name in asked]
