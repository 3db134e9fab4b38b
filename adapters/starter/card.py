"""Write the starter model's card: what it is, how good it is, and ten unedited samples.

python -m adapters.starter.card DIALOGUES MODEL --tokens-seen 23.1 --minutes 92
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from . import dialogues, evaluate

SEED = 1
TEMPERATURE, TOP_P, MAX_NEW_TOKENS = 0.8, 0.95, 60
ASKED: tuple[tuple[str, str], ...] = (
    ("", "Hi, how are you?"),
    ("", "What did you do today?"),
    ("", "Have you seen any good films lately?"),
    ("", "What's your favorite food?"),
    ("", "Do you like music?"),
    ("You are Anna. I have two dogs. I am a nurse.", "Do you have any pets?"),
    ("You are Ben. I play the guitar. I live in Canada.", "Where do you live?"),
    ("You are Maya. You are chatting with friends.", "Tom: I am late again, sorry!"),
    ("You are Sam, chatting with Kate.", "Kate: What are your plans for tonight?"),
    ("", "Why is the sky blue?"),
)
CARD = """\
---
license: other
language: en
pipeline_tag: text-generation
---

# The starter model

A {parameters:.1f} M-parameter chat model of the Qwen3 architecture, trained from nothing for
Understudy so that everything works offline and within seconds. It makes small talk; it knows
nothing, and what it says is not to be relied on. bfloat16 safetensors, {size:.1f} MB; context
{context} tokens; byte-level BPE with {vocabulary} tokens.

It follows a system prompt that says who it is ("You are Maya. You are chatting with friends.",
with first-person facts behind it), several turns, and speakers named in the text ("Tom: …").

## Training

{tokens:.1f} M tokens with `python -m adapters.starter.train`, {how}. Muon for the matrices, AdamW
for the rest, a constant rate and then a linear decay by the clock. Every epoch lays the dialogues
out anew: with and without names, system prompts and bursts.

## Data

{dialogues} dialogues; one in a hundred ({held_out}), chosen by its id, was held out of everything,
the tokenizer included.

| source | dialogues | licence |
| --- | --- | --- |
{sources}

The texts themselves are not part of this project. The Topical-Chat agreement and the attributions
of the Creative Commons sources apply to what is made from them.

## Held-out figure

Bits per UTF-8 byte of message text, end of turn included, template tags and system prompts
excluded, on the held-out dialogues (`python -m adapters.starter.evaluate DIALOGUES MODEL`):

{figures}

## Ten samples, unedited

Temperature {temperature}, top-p {top_p}, seed {seed}, one after the other.

{samples}
"""
LICENCES = {
    "self_dialogue": ("Self-dialogue Corpus", "BSD-3-Clause"),
    "topical_chat": ("Topical-Chat, validation and test", "CDLA-Sharing-1.0"),
    "synthetic_persona_chat": ("Synthetic-Persona-Chat, validation and test", "CC BY 4.0"),
    "personachat": ("Persona-Chat, validation and test", "MIT"),
    "chatterbot": ("chatterbot-corpus, English", "BSD-3-Clause"),
    "taskmaster4": ("Taskmaster-4, a sample", "CC BY 4.0"),
}


def samples(folder: Path) -> str:
    """One answer to each of `ASKED`."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    torch.manual_seed(SEED)
    lines = []
    for system, asked in ASKED:
        messages = [{"role": "system", "content": system}] if system else []
        prompt = tokenizer.apply_chat_template(
            [*messages, {"role": "user", "content": asked}],
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
        )
        out = model.generate(
            **prompt, do_sample=True, temperature=TEMPERATURE, top_p=TOP_P, top_k=0,
            max_new_tokens=MAX_NEW_TOKENS, pad_token_id=tokenizer.pad_token_id,
        )  # fmt: skip
        answer = tokenizer.decode(out[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True)
        who = f"*{system}*<br>" if system else ""
        said = answer.strip().replace("\n", "<br>\n> ")
        lines.append(f"> {who}{asked}<br>\n> **{said}**\n")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dialogues", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--tokens-seen", type=float, required=True, help="in millions")
    parser.add_argument("--how", required=True, help="runs, minutes and machine")
    options = parser.parse_args()

    everything = list(dialogues.read(options.dialogues))
    held_out = [d for d in everything if d.held_out]
    counts = Counter(d.source for d in everything)
    figures = evaluate.report(options.model, held_out)
    model = AutoModelForCausalLM.from_pretrained(options.model)
    text = CARD.format(
        parameters=model.num_parameters() / 1e6,
        size=(options.model / "model.safetensors").stat().st_size / 1e6,
        context=model.config.max_position_embeddings,
        vocabulary=model.config.vocab_size,
        tokens=options.tokens_seen,
        how=options.how,
        dialogues=len(everything),
        held_out=len(held_out),
        sources="\n".join(
            f"| {LICENCES[s][0]} | {n} | {LICENCES[s][1]} |" for s, n in counts.items()
        ),
        figures="\n".join(f"    {line}" for line in figures.splitlines()),
        temperature=TEMPERATURE,
        top_p=TOP_P,
        seed=SEED,
        samples=samples(options.model),
    )
    (options.model / "README.md").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
