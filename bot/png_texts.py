"""The texts that a PNG carries beside its picture, of those keywords that hold character cards.

The picture is never decoded: a decoder for it would be more to trust than the 40 lines here.
Knows nothing of what the texts say.
"""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from collections.abc import Iterator

from .errors import BadCharacterCard

SIGNATURE = b"\x89PNG\r\n\x1a\n"
KEYWORDS = (b"ccv3", b"chara")
"""The newer one first: a card may be there in both forms."""
TEXT_MAX_BYTES = 3 * 1024**2
CHUNKS_MAX = 50_000
DAMAGED = "That PNG is damaged. Send the file as it was exported."


def embedded(png: bytes) -> list[bytes]:
    """What stands under the keywords, in base64. Raises BadCharacterCard."""
    texts: dict[bytes, bytes] = {}
    for kind, data in _chunks(png):
        keyword, _, rest = data.partition(b"\0")
        if keyword.lower() in KEYWORDS:
            texts.setdefault(keyword.lower(), _text(kind, rest))
    return [texts[keyword] for keyword in KEYWORDS if keyword in texts]


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The text chunks, each with its checksum checked, up to the end of the picture."""
    at = len(SIGNATURE)
    for _ in range(CHUNKS_MAX):
        if at + 12 > len(png):
            return
        length, kind = struct.unpack_from(">I4s", png, at)
        end = at + 8 + length
        if end + 4 > len(png):
            raise BadCharacterCard(spoken=DAMAGED)
        if kind in (b"tEXt", b"zTXt", b"iTXt"):
            data = png[at + 8 : end]
            if zlib.crc32(kind + data) != struct.unpack_from(">I", png, end)[0]:
                raise BadCharacterCard(spoken=DAMAGED)
            yield kind, data
        if kind == b"IEND":
            return
        at = end + 4


def _text(kind: bytes, rest: bytes) -> bytes:
    """What stands after the keyword, unpacked where it is packed."""
    if kind == b"tEXt":
        return rest
    if kind == b"zTXt":  # method, packed text
        return _unpacked(rest[1:])
    # packed or not, method, language, translated keyword, text
    packed, text = rest[:1] == b"\x01", rest[2:].split(b"\0", 2)[-1]
    return _unpacked(text) if packed else text


def _unpacked(packed: bytes) -> bytes:
    """A few bytes can hold gigabytes; no more than fits is unpacked."""
    unpacking = zlib.decompressobj()
    try:
        text = unpacking.decompress(packed, TEXT_MAX_BYTES + 1)
    except zlib.error:
        raise BadCharacterCard(spoken=DAMAGED) from None
    if len(text) > TEXT_MAX_BYTES:
        raise BadCharacterCard(spoken="The text in that PNG is far too long for a character card.")
    return text


def decoded(text: bytes) -> bytes:
    """Raises BadCharacterCard."""
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise BadCharacterCard(spoken=DAMAGED) from None
