"""What other trainers ask of their files, as their sources say it; each rule names its source.

They are not installed here, as each pins its own torch; tests that use them run where they are.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import datasets

Example = dict[str, Any]


def loaded(file: Path, cache: Path) -> list[Example]:
    """As all of them do: `datasets.load_dataset`, by the file's ending (LLaMA-Factory:
    data/loader.py, Axolotl: utils/data/shared.py, TRL)."""
    assert file.suffix in (".json", ".jsonl")
    found = datasets.load_dataset("json", data_files=str(file), split="train", cache_dir=str(cache))
    rows: list[Example] = found.to_list()
    return rows


def openai_chat_errors(examples: Iterable[Any]) -> set[str]:
    """The format checks of openai-cookbook, examples/Chat_finetuning_data_prep.ipynb."""
    found = set()
    for example in examples:
        if not isinstance(example, dict):
            found.add("data_type")
            continue
        messages = example.get("messages") or []
        if not messages:
            found.add("missing_messages_list")
        for message in messages:
            if not {"role", "content"} <= message.keys():
                found.add("message_missing_key")
            if message.keys() - {"role", "content", "name", "function_call", "weight"}:
                found.add("message_unrecognized_key")
            if message.get("role") not in ("system", "user", "assistant", "function"):
                found.add("unrecognized_role")
            if not isinstance(message.get("content"), str) or not message["content"]:
                found.add("missing_content")
        if all(message.get("role") != "assistant" for message in messages):
            found.add("example_missing_assistant_message")
    return found


def prepare_data_findings(pairs: Sequence[Example]) -> set[str]:
    """What `openai tools fine_tunes.prepare_data` would change: openai-python 0.28,
    openai/validators.py."""
    prompts = [pair.get("prompt", "") for pair in pairs]
    completions = [pair.get("completion", "") for pair in pairs]
    ending, stop = _common_ending(prompts), _common_ending(completions)
    wrong = {
        "columns": any(pair.keys() != {"prompt", "completion"} for pair in pairs),
        "empty": not all(prompts) or not all(completions),
        "duplicates": len(set(zip(prompts, completions, strict=True))) < len(pairs),
        "long": any(len(p) + len(c) > 10_000 for p, c in zip(prompts, completions, strict=True)),
        "identical": len(set(prompts)) == 1 or len(set(completions)) == 1,
        "no separator": not ending,
        "long separator": len(ending) > 10,
        "separator inside": bool(ending) and any(ending in p[: -len(ending)] for p in prompts),
        "prompt prefix": len(os.path.commonprefix(prompts)) > 12,
        "completion prefix": len(os.path.commonprefix(completions)) >= 5,
        "no stop": not stop,
        "long stop": len(stop) > 10,
        "stop inside": bool(stop) and any(stop in c[: -len(stop)] for c in completions),
        "no leading space": any(c[:1] != " " for c in completions),
    }
    return {name for name, is_wrong in wrong.items() if is_wrong}


def _common_ending(texts: Sequence[str]) -> str:
    return os.path.commonprefix([text[::-1] for text in texts])[::-1]


def fastchat_turns(example: Example) -> list[tuple[str, str]]:
    """FastChat, fastchat/train/train.py, `preprocess`: these two sides alone, human first, by
    turns. Raises KeyError and AssertionError as that does."""
    roles = {"human": "USER", "gpt": "ASSISTANT"}
    turns = [(roles[turn["from"]], turn["value"]) for turn in example["conversations"]]
    for at, (role, _) in enumerate(turns):
        assert role == ("USER", "ASSISTANT")[at % 2]
    return turns


def alpaca_text(example: Example) -> str:
    """stanford_alpaca, train.py, `SupervisedDataset`: the prompt it makes, and what is learned."""
    given = f"\n\n### Input:\n{example['input']}" if example.get("input", "") != "" else ""
    return f"### Instruction:\n{example['instruction']}{given}\n\n### Response:{example['output']}"


def llama_factory_pairs(folder: Path, name: str, cache: Path) -> list[list[tuple[str, str]]]:
    """LLaMA-Factory, data/parser.py and data/converter.py (`SharegptDatasetConverter`): what is
    read of the data set that dataset_info.json calls `name`, as (question, learned answer).
    Raises AssertionError where it would skip the example."""
    about = json.loads((folder / "dataset_info.json").read_text("utf-8"))[name]
    assert about["formatting"] == "sharegpt"
    tags, column = about["tags"], about["columns"]["messages"]
    found = []
    for example in loaded(folder / about["file_name"], cache):
        turns = [(turn[tags["role_tag"]], turn[tags["content_tag"]]) for turn in example[column]]
        if turns[0][0] == tags["system_tag"]:
            del turns[0]
        assert len(turns) % 2 == 0
        assert [role for role, _ in turns[::2]] == [tags["user_tag"]] * (len(turns) // 2)
        assert [role for role, _ in turns[1::2]] == [tags["assistant_tag"]] * (len(turns) // 2)
        texts = [text for _, text in turns]
        found.append(list(zip(texts[::2], texts[1::2], strict=True)))
    return found


def llama_factory_alpaca_pairs(example: Example) -> list[tuple[str, str]]:
    """LLaMA-Factory, data/converter.py, `AlpacaDatasetConverter`, with `history` and `system`."""
    asked = "\n".join(filter(None, [example["instruction"], example["input"]]))
    history = [(asked, answered) for asked, answered in example["history"]]
    return [*history, (asked, example["output"])]
