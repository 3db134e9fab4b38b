"""The line above an answer that can't be a reply: whom it answers, and a link to what they said.

Text of people goes into it as text: no markdown, no mention, no trick with the writing direction.
"""

from __future__ import annotations

import re

import discord

from .listening import readable

QUOTED_CHARS = 60
LEADS = re.compile(r"-# ↪ <@\d+> \[.*\]\(https://discord\.com/channels/\d+/\d+/(\d+)\)(?:\n|$)")
ADDRESS = re.compile(r"\w+://\S*")
MARKUP = re.compile(r"([\\`*_~|<>#:-])")
ROUND = str.maketrans("[]", "()")
"""Square brackets would end the link's text."""


def jump_line(asked: discord.Message) -> str:
    """Ends with the line break; pings the author where the sender allows that."""
    me = asked.guild.me if asked.guild is not None else asked.author
    label = f"“{quoted(words)}”" if (words := readable(me, asked)) else "this message"
    return f"-# ↪ <@{asked.author.id}> [{label}]({asked.jump_url})\n"


def leading(content: str) -> str:
    """The jump line with which a message begins; empty where it has none."""
    found = LEADS.match(content)
    return found[0] if found else ""


def asked_id(answer: discord.Message) -> int | None:
    """The message that one of the bot's answers: it replies to it, or leads with a link to it."""
    if answer.reference is not None:
        return answer.reference.message_id
    found = LEADS.match(answer.content)
    return int(found[1]) if found else None


def without_jump_line(content: str) -> str:
    """What the persona said."""
    return content.removeprefix(leading(content))


def quoted(text: str) -> str:
    """A short piece of somebody's text that is nothing but text between “ and ”."""
    # A link's text that looks like another address is not shown as a link.
    text = ADDRESS.sub("(link)", text)
    text = " ".join(visible(text).split())
    if len(text) > QUOTED_CHARS:
        text = text[:QUOTED_CHARS].rstrip() + "…"
    return MARKUP.sub(r"\\\1", text.translate(ROUND)).replace("@", "@\u200b")


def visible(text: str) -> str:
    """Without control characters; those that turn the direction of writing are among them."""
    return "".join(one for one in text if one.isprintable() or one.isspace())
