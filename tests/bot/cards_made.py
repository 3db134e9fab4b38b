"""Character cards as other programs write them, small ones of our own."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from typing import Any

V1 = {
    "name": "Séraphina Noir",
    "description": "{{char}} guards a forest.\r\n{{User}} is lost in it.",
    "personality": "kind, {{char}} never lies",
    "scenario": "<USER> wakes up in a glade.",
    "first_mes": "*{{char}} looks at {{user}}.* Take {{user}}'s time.",
    "mes_example": "<START>\n{{user}}: Who are you?\n{{char}}: I am {{char}}.",
}
V2 = {
    **V1,
    "spec": "chara_card_v2",
    "spec_version": "2.0",
    "data": {
        **V1,
        "creator_notes": "Made by a stranger.",
        "system_prompt": "{{original}} Write in the past tense.",
        "post_history_instructions": "Never speak for {{user}}.",
        "alternate_greetings": ["Hello.", "Good evening."],
        "character_book": {"entries": [{"keys": ["elf"], "content": "Elves are old."}]},
        "tags": ["forest"],
        "creator": "somebody",
        "character_version": "1.1",
        "extensions": {"depth_prompt": {"prompt": "", "depth": 4}},
    },
}
V3 = {
    "spec": "chara_card_v3",
    "spec_version": "3.0",
    "data": {
        **V1,
        "nickname": "Sera",
        "assets": [{"type": "icon", "uri": "ccdefault:", "name": "main", "ext": "png"}],
        "group_only_greetings": [],
    },
}


def as_json(card: Any) -> bytes:
    return json.dumps(card).encode()


def chunk(kind: bytes, data: bytes, crc: int | None = None) -> bytes:
    crc = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)


def png(*chunks: bytes) -> bytes:
    """A picture of one grey pixel with these chunks before its end."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    pixel = chunk(b"IDAT", zlib.compress(b"\0\0"))
    return b"\x89PNG\r\n\x1a\n" + header + pixel + b"".join(chunks) + chunk(b"IEND", b"")


def text(card: Any, keyword: bytes = b"chara") -> bytes:
    return chunk(b"tEXt", keyword + b"\0" + base64.b64encode(as_json(card)))


def packed(card: Any, kind: bytes = b"zTXt") -> bytes:
    squeezed = zlib.compress(base64.b64encode(as_json(card)))
    between = b"\0\0" if kind == b"zTXt" else b"\0\1\0\0\0"
    return chunk(kind, b"chara" + between + squeezed)
