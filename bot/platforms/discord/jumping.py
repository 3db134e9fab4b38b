"""The lines above an answer: whom it answers and a link to what they said, where it can't be a
reply, and what was asked about a message.

What was said is not quoted: a message that its author edits or deletes would stay as it was.
"""

from __future__ import annotations

import re

import discord

from .listening import SUBTEXT

LEADS = re.compile(r"-# ↪ <@\d+> \[.*\]\(https://discord\.com/channels/\d+/\d+/(\d+)\)(?:\n|$)")
ASKS = re.compile(r"-# <@!?\d+> asks(?: me about this|: .*)(?:\n|$)")
ASKED_MAX_CHARS = 200
LABEL = "this message"


def jump_line(asked: discord.Message) -> str:
    """Ends with the line break; pings the author where the sender allows that."""
    return f"{SUBTEXT}↪ <@{asked.author.id}> [{LABEL}]({asked.jump_url})\n"


def leading(content: str) -> str:
    """The jump line with which a message begins; empty where it has none."""
    found = LEADS.match(content)
    return found[0] if found else ""


def leads_to(content: str) -> int | None:
    """The message that a jump line leads to; None where there is no such line."""
    found = LEADS.match(content)
    return int(found[1]) if found else None


def asking_line(asker: discord.abc.User, question: str) -> str:
    """Others see what was asked, and the asker is told of the answer."""
    if not question:
        return f"{SUBTEXT}{asker.mention} asks me about this\n"
    line = " ".join(question.split())
    short = line if len(line) <= ASKED_MAX_CHARS else line[: ASKED_MAX_CHARS - 1] + "…"
    return f"{SUBTEXT}{asker.mention} asks: {discord.utils.escape_markdown(short)}\n"


def asked_above(content: str) -> str:
    """The line of who asked, below the jump line if there is one; empty where there is none."""
    found = ASKS.match(without_jump_line(content))
    return found[0] if found else ""


def without_jump_line(content: str) -> str:
    """What the persona said."""
    return content.removeprefix(leading(content))


def answered_id(message: discord.Message) -> int | None:
    """Which message one of the bot's answers, by its reply or its jump line; None for others, for
    what was asked about a message, and for what goes on where another message began."""
    if asked_above(message.content):
        return None
    if message.type is discord.MessageType.reply and message.reference is not None:
        return message.reference.message_id
    return leads_to(message.content) if message.webhook_id is not None else None


def visible(text: str) -> str:
    """Without control characters; those that turn the direction of writing are among them."""
    return "".join(one for one in text if one.isprintable() or one.isspace())
