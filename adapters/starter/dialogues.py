"""Open dialogues, rendered as the conversations the starter model learns from.

Knows the JSONL files `{src, id, turns: [{s, t}], persona_A?, persona_B?}` and the ways a
conversation can be laid out (with and without a system prompt, speaker labels, bursts);
knows nothing of tokens or models.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SOURCES = (
    "self_dialogue",
    "topical_chat_valid_test",
    "synthetic_persona_chat_valid_test",
    "personachat_valid_test",
    "chatterbot_english",
    "taskmaster4_sample",
)
NAMES = (  # noqa: SIM905 (two hundred quotes would be no easier to read)
    "Aisha Alex Amir Ana Andrei Anna Ben Bilal Bruno Carla Carlos Chen Chloe Clara Dan Daniel "
    "David Deniz Dora Elena Eli Ella Emil Emma Eva Farah Felix Finn Freya Gabe Grace Greta Hana "
    "Hannah Harry Hugo Ida Imani Ines Iris Isaac Ivan Jack Jamal Jana Jane Jin Joe Jonas Julia "
    "Kai Karim Kate Kenji Kim Lara Layla Lea Leo Lily Lin Lisa Liz Lucas Luna Maja Marco Maria "
    "Mark Marta Max Maya Mei Mia Mike Mina Mira Nadia Nick Nina Noah Nora Olga Oliver Omar Oscar "
    "Otto Paul Petra Priya Rachel Rafael Ravi Rita Rosa Ruth Sam Samir Sara Sofia Sven Tara Theo "
    "Tim Tom Tomas Uma Vera Victor Wei Will Yara Yuki Yusuf Zara Zoe"
).split()
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=\S)")
SPACE_BEFORE_PUNCTUATION = re.compile(r"\s+([.,!?;:)])")


@dataclass(frozen=True)
class Dialogue:
    source: str
    id: str
    turns: tuple[tuple[str, str], ...]
    """(speaker, text), in order."""
    facts: dict[str, tuple[str, ...]]
    """What is known of a speaker: short sentences in the first person."""

    @property
    def held_out(self) -> bool:
        """One dialogue in a hundred, chosen by its id alone, is never trained on."""
        digest = hashlib.sha256(f"{self.source}:{self.id}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % 100 == 0


@dataclass(frozen=True)
class Message:
    role: str
    text: str


def read(folder: Path) -> Iterator[Dialogue]:
    """The dialogues of every source that may be redistributed in a model."""
    for name in SOURCES:
        with (folder / f"{name}.jsonl").open(encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                turns = tuple((turn["s"], turn["t"].strip()) for turn in row["turns"])
                facts = {
                    speaker: tuple(row[f"persona_{speaker}"])
                    for speaker in {speaker for speaker, text in turns if text}
                    if f"persona_{speaker}" in row
                }
                spoken = tuple((speaker, text) for speaker, text in turns if text)
                if spoken:
                    yield Dialogue(row["src"], str(row["id"]), spoken, facts)


def plain(dialogue: Dialogue) -> list[Message]:
    """The one fixed layout that held-out figures are measured in: no names, no augmentation."""
    speakers = sorted({speaker for speaker, _ in dialogue.turns})
    persona = next(iter(sorted(dialogue.facts)), speakers[-1])
    system = " ".join(dialogue.facts.get(persona, ()))
    return _merge(
        system, [("assistant" if s == persona else "user", text) for s, text in dialogue.turns]
    )


def varied(dialogue: Dialogue, rng: random.Random) -> list[Message]:
    """A random layout: who is the persona, names or none, a system prompt or none, bursts."""
    speakers = sorted({speaker for speaker, _ in dialogue.turns})
    persona = rng.choice(sorted(dialogue.facts) or speakers)
    facts = " ".join(dialogue.facts.get(persona, ()))
    turns = list(dialogue.turns)
    if dialogue.source == "personachat" and rng.random() < 0.5:
        turns = [(s, SPACE_BEFORE_PUNCTUATION.sub(r"\1", text)) for s, text in turns]
    if rng.random() < 0.1:
        turns = [(s, part) for s, text in turns for part in SENTENCE_END.split(text)]
    if rng.random() < 0.4:
        return _merge(facts, [("assistant" if s == persona else "user", t) for s, t in turns])
    names = dict(zip(speakers, rng.sample(NAMES, len(speakers)), strict=True))
    others = " and ".join(name for speaker, name in names.items() if speaker != persona)
    system = rng.choice(
        (
            f"You are {names[persona]}.",
            f"You are {names[persona]}, chatting with {others or 'a friend'}.",
            f"You are {names[persona]}. You are chatting with friends.",
        )
    )
    return _merge(
        f"{system} {facts}".strip(),
        [
            ("assistant", text) if s == persona else ("user", f"{names[s]}: {text}")
            for s, text in turns
        ],
    )


def _merge(system: str, turns: list[tuple[str, str]]) -> list[Message]:
    """Neighbouring turns of one role become one message, a line each."""
    messages = [Message("system", system)] if system else []
    for role, text in turns:
        if messages and messages[-1].role == role:
            messages[-1] = Message(role, f"{messages[-1].text}\n{text}")
        else:
            messages.append(Message(role, text))
    return messages
