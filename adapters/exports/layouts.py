"""One dialogue in each shape that trainers read; knows nothing of files.

    chat                {"messages": [{"role", "content"}, …]}: nothing is lost
    prompt_completions  {"prompt", "completion"}, one for each answer: no system prompt
    sharegpt            {"conversations": [{"from", "value"}, …], "system"}
    alpaca              {"instruction", "input", "output", "system", "history"}

None carries the row's time: OpenAI refuses keys that it does not know.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from adapters.manifest import PromptFormat

from .dialogue import BETWEEN, Dialogue

SEPARATOR = "\n\n###\n\n"
"""Ends every prompt, as OpenAI's own tool of the time had it."""
STOP = " END"
"""Ends every completion; to be given as `stop` when the model is asked."""
LONGEST_PAIR = 10_000
"""Characters of prompt and completion from which that tool wants a pair removed."""

Example = dict[str, Any]


@dataclass(frozen=True)
class Voice:
    """Who the persona is where a format has no roles."""

    display_name: str
    layout: PromptFormat

    @property
    def label(self) -> str:
        return self.layout.speaker_label.replace("{name}", self.display_name)


LayOut = Callable[[Dialogue, Voice, Counter[str]], Iterator[Example]]
"""The examples of one dialogue; counts the answers that had to be left out, by reason."""


def chat(dialogue: Dialogue, _voice: Voice, _left_out: Counter[str]) -> Iterator[Example]:
    """A system prompt, if there is one, then user and assistant by turns."""
    messages = [{"role": "system", "content": dialogue.system}] if dialogue.system else []
    for asked, answered in dialogue.exchanges:
        messages += [
            {"role": "user", "content": asked},
            {"role": "assistant", "content": answered},
        ]
    yield {"messages": messages}


def sharegpt(dialogue: Dialogue, _voice: Voice, _left_out: Counter[str]) -> Iterator[Example]:
    """The system prompt beside the turns: FastChat takes no other sides than human and gpt."""
    turns = []
    for asked, answered in dialogue.exchanges:
        turns += [{"from": "human", "value": asked}, {"from": "gpt", "value": answered}]
    yield {"id": f"row-{dialogue.number}", "conversations": turns, "system": dialogue.system}


def alpaca(dialogue: Dialogue, _voice: Voice, _left_out: Counter[str]) -> Iterator[Example]:
    """The last exchange, and those before it as `history`, whose answers are learned as well by
    trainers that know it."""
    *history, (asked, answered) = dialogue.exchanges
    yield {
        "instruction": asked,
        "input": "",
        "output": answered,
        "system": dialogue.system,
        "history": [list(exchange) for exchange in history],
    }


def prompt_completions(
    dialogue: Dialogue, voice: Voice, left_out: Counter[str]
) -> Iterator[Example]:
    """Each answer, asked for by what was said before it.

    The system prompt is not said: that tool wants whatever all prompts begin with removed.
    """
    said: list[str] = []
    for asked, answered in dialogue.exchanges:
        said.append(asked)
        completion = f" {answered}{STOP}"
        prompt = _latest(said, LONGEST_PAIR - len(SEPARATOR) - len(completion)) + SEPARATOR
        said.append(voice.label + answered)
        if reason := _unfit(prompt, completion):
            left_out[reason] += 1
        else:
            yield {"prompt": prompt, "completion": completion}


def _latest(said: list[str], room: int) -> str:
    """The latest of these that fit, at least the last one."""
    first = len(said) - 1
    size = len(said[first])
    while first and size + len(BETWEEN) + len(said[first - 1]) <= room:
        first -= 1
        size += len(BETWEEN) + len(said[first])
    return BETWEEN.join(said[first:])


def _unfit(prompt: str, completion: str) -> str | None:
    if prompt.find(SEPARATOR) + len(SEPARATOR) != len(prompt):
        return "the separator itself was said"
    if completion.find(STOP) + len(STOP) != len(completion):
        return f"{STOP.strip()} itself was said"
    if len(prompt) + len(completion) > LONGEST_PAIR:
        return f"longer than {LONGEST_PAIR:,} characters"
    return None
