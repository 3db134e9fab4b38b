"""Files that come with messages: texts are read, pictures looked at where the model takes them.

What a file is, its bytes say; its name and size are only good for leaving it alone. Whatever is
not read is named, to the persona and to the person.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Literal

import aiohttp
import discord

from bot.around import Picture
from bot.keeping import keep
from bot.prompt import cut

log = logging.getLogger(__name__)

TEXT_MAX_BYTES = 64 * 1024
TEXTS_AT_ONCE = 3
TEXTS_MAX_CHARS = 9_000
"""Of all texts of a message together; they are remembered with it."""
PICTURE_MAX_BYTES = 4 * 2**20
PICTURES_AT_ONCE = 4
READ_WITHIN_S = 5.0
TOLD_AGAIN_AFTER_S = 3600.0
TOLD_MAX = 1000
NAME_MAX_CHARS = 60
ODD_SHARE = 0.05
"""A text has fewer control characters than that."""

BLIND = "I can't look at pictures."

TEXT_TYPES = ("text/", "application/json", "application/xml", "application/yaml",
              "application/x-yaml", "application/toml", "application/javascript",
              "application/sql", "application/x-sh")  # fmt: skip
TEXT_NAMES = re.compile(
    r".*\.(txt|md|markdown|rst|log|csv|tsv|jsonl?|ndjson|xml|ya?ml|toml|ini|cfg|conf|properties"
    r"|html?|css|jsx?|mjs|tsx?|pyi?|ipynb|java|kts?|c|h|cc|cpp|hpp|cs|go|rs|rb|php|pl|lua|r|sh|bash"
    r"|bat|ps1|sql|swift|scala|hs|exs?|erl|clj|dart|vue|svelte|tex|bib|srt|vtt|diff|patch|gradle)",
    re.IGNORECASE,
)
PICTURE_NAMES = re.compile(r".*\.(png|jpe?g|gif|webp|bmp|heic|avif|svg)", re.IGNORECASE)
MAGIC = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
)
_ODD = re.compile(r"[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f]")

Kind = Literal["text", "picture", "voice message", "audio", "video", "file"]


class Unread(Exception):
    """Why a file was not read, as an end of “I could not read NAME: …”."""


@dataclass(frozen=True, slots=True)
class Read:
    """`words` are what the persona is told of the files, `notes` what the person is."""

    words: str = ""
    notes: tuple[str, ...] = ()


class Files:
    def __init__(self, *, pictures: bool, within_s: float = READ_WITHIN_S) -> None:
        """`pictures`: the model takes them."""
        self._pictures = pictures
        self._within_s = within_s
        self._told: dict[int, float] = {}

    async def read(self, message: discord.Message) -> Read:
        """What there is to read, at once and within the time; never fails."""
        attachments = message.attachments
        if not attachments:
            return Read()
        texts = [one for one in attachments if kind(one) == "text"]
        found = await asyncio.gather(*(self._text(one, texts.index(one)) for one in texts))
        contents, room = dict(zip(texts, found, strict=True)), TEXTS_MAX_CHARS
        words: list[str] = []
        notes: list[str] = []
        for one in attachments:
            content = contents.get(one)
            if isinstance(content, str):
                block = _block(one, content, room)
                room -= min(len(content), room)
                words.append(block)
                continue
            words.append(named(one, content))
            if content is not None:
                notes.append(f"I could not read {clean(one.filename)}: {content}.")
            elif kind(one) != "picture":
                notes.append(_beyond_me(one))
            elif not self._pictures and self._to_be_told(message.channel.id):
                notes.append(BLIND)
        return Read("\n".join(words), tuple(dict.fromkeys(notes)))

    async def pictures(self, *messages: discord.Message) -> tuple[Picture, ...]:
        """Where the model takes them: true pictures, the first few; never fails."""
        if not self._pictures:
            return ()
        every = [one for message in messages for one in message.attachments]
        some = [one for one in every if kind(one) == "picture"][:PICTURES_AT_ONCE]
        found = await asyncio.gather(*(self._picture(one) for one in some))
        return tuple(one for one in found if one is not None)

    async def _text(self, attachment: discord.Attachment, place: int) -> str | Unread:
        try:
            if place >= TEXTS_AT_ONCE:
                raise Unread(f"I read {TEXTS_AT_ONCE} files at a time")
            return _decoded(await self._bytes(attachment, TEXT_MAX_BYTES, "64 kB"))
        except Unread as reason:
            return reason

    async def _picture(self, attachment: discord.Attachment) -> Picture | None:
        try:
            data = await self._bytes(attachment, PICTURE_MAX_BYTES, "4 MB")
        except Unread as reason:
            log.info("a picture was not looked at: %s", reason)
            return None
        kinds = (media_type for magic, media_type in MAGIC if magic.match(data))
        media_type = next(kinds, None)
        return Picture(media_type, data) if media_type else None

    async def _bytes(self, attachment: discord.Attachment, most: int, called: str) -> bytes:
        if attachment.size > most:
            raise Unread(f"it is larger than {called}")
        try:
            async with asyncio.timeout(self._within_s):
                data = await attachment.read()
        except TimeoutError:
            raise Unread("it took Discord too long to hand it over") from None
        except (discord.DiscordException, aiohttp.ClientError) as error:
            log.info("a file could not be read: %s", error)
            raise Unread("Discord did not hand it over") from None
        if len(data) > most:
            raise Unread(f"it is larger than {called}")
        return data

    def _to_be_told(self, channel_id: int) -> bool:
        """Once in a while is enough."""
        now = monotonic()
        if now - self._told.get(channel_id, -TOLD_AGAIN_AFTER_S) < TOLD_AGAIN_AFTER_S:
            return False
        keep(self._told, channel_id, now, TOLD_MAX)
        return True


def kind(attachment: discord.Attachment) -> Kind:
    media_type, name = (attachment.content_type or "").lower(), attachment.filename
    if attachment.is_voice_message():
        return "voice message"
    if media_type.startswith("image/") or PICTURE_NAMES.fullmatch(name):
        return "picture"
    if media_type.startswith("audio/"):
        return "audio"
    if TEXT_NAMES.fullmatch(name) or media_type.startswith(TEXT_TYPES):
        return "text"
    return "video" if media_type.startswith("video/") else "file"


def named(attachment: discord.Attachment, reason: Unread | None = None) -> str:
    """A file in short words: “[picture: cat.png]”."""
    why = f", not read: {reason}" if reason else ""
    return f"[{_called(attachment)}{why}]"


def named_all(attachments: Sequence[discord.Attachment]) -> str:
    return " ".join(map(named, attachments))


def clean(filename: str) -> str:
    """A name on one line that ends no bracket and formats nothing."""
    return re.sub(r"[^\w .()+-]|_{2,}", "_", filename)[-NAME_MAX_CHARS:].strip() or "nameless"


def _called(attachment: discord.Attachment) -> str:
    what = kind(attachment)
    if what == "voice message":
        return what
    return f"{'file' if what == 'text' else what}: {clean(attachment.filename)}"


def _beyond_me(attachment: discord.Attachment) -> str:
    name = clean(attachment.filename)
    match kind(attachment):
        case "voice message":
            return "I can't listen to voice messages."
        case "audio":
            return f"I can't listen to {name}."
        case "video":
            return f"I can't watch {name}."
    return f"I can't read {name}."


def _block(attachment: discord.Attachment, content: str, room: int) -> str:
    name = clean(attachment.filename)
    short = cut(content, room)
    note = "" if short == content else f", {len(content)} characters, the middle is left out"
    return f"[file: {name}{note}]\n{short}\n[end of {name}]"


def _decoded(data: bytes) -> str:
    """Raises Unread for what is no text, whatever it is called."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", errors="replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp1252", errors="replace")
    if "\0" in text or len(_ODD.findall(text)) > len(text) * ODD_SHARE:
        raise Unread("it is not text")
    return text.replace("\r\n", "\n").strip()
