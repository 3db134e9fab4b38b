"""Telegram Desktop's "Export chat history" or whole account, as JSON or as HTML.

Knows nothing of personas or datasets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from adapters.errors import BadExport
from adapters.imports.entries import Export, opened
from adapters.messages import Message, Options, Tally

from . import chats, history

LOOKED_FOR = "Telegram: result.json or messages.html of Telegram Desktop"
CHAT_TYPE = re.compile(
    r'"type"\s*:\s*"(?:personal_chat|bot_chat|saved_messages|replies|verify_codes'
    r'|(?:private|public)_(?:group|supergroup|channel))"'
)
ACCOUNT = re.compile(r'"(?:left_)?chats"\s*:\s*\{|Telegram is ad free')
MESSAGE = re.compile(r'"(?:date_unixtime|text_entities|from_id)"\s*:')


def read(path: Path, tally: Tally, options: Options) -> Iterator[Message]:
    """The messages of an export, chat after chat. Raises BadExport where it is none."""
    with opened(path, options.watch) as export:
        if names := _json(export):
            yield from chats.read(export, names, tally)
        elif names := _html(export):
            yield from history.read(export, names, tally)
        else:
            raise BadExport(
                f"{path} is not a Telegram export: it holds neither result.json nor messages.html; "
                'in Telegram Desktop choose "Export chat history" and the format JSON'
            )


def detect(export: Export) -> str | None:
    """Why this looks like Telegram's, if it does."""
    if names := _json(export):
        return f"{names[0]} is JSON with Telegram's kinds of chats and messages"
    if names := _html(export):
        return f"{names[0]} is a page of Telegram Desktop's HTML export"
    return None


def _json(export: Export) -> list[str]:
    return [name for name in export.ending(".json") if _is_ours(export.head_text(name))]


def _is_ours(head: str) -> bool:
    if not head.lstrip().startswith("{"):
        return False
    if CHAT_TYPE.search(head) or ACCOUNT.search(head):
        return True
    return '"messages"' in head and bool(MESSAGE.search(head)) and '"type"' in head


def _html(export: Export) -> list[str]:
    pages = [n for n in export.ending(".html") if history.PAGE.search(n)]
    return [n for n in pages if 'class="page_wrap"' in export.head_text(n)]
