"""What a request carries: JSON, or JSON with files beside it (multipart/form-data)."""

from __future__ import annotations

import json
from email import message_from_bytes
from email.message import Message as Part
from typing import Any

from aiohttp import web

from tests.fakes.discord import errors
from tests.fakes.discord.errors import Json
from tests.fakes.discord.nouns import File


async def read_json(request: web.Request) -> Json:
    """The fields; uploaded files are in "files", described by their "attachments"."""
    body = carried(request, await request.read())
    if not isinstance(body, dict):
        raise errors.invalid_json()
    return body


def carried(request: web.Request, raw: bytes) -> Any:
    """What was sent, or None where it can't be read."""
    try:
        if request.content_type == "multipart/form-data":
            return _with_files(request.headers["Content-Type"], raw)
        return json.loads(raw)
    except ValueError:
        return None


def _with_files(content_type: str, raw: bytes) -> Json:
    form = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + raw)
    body: Json = {}
    files: dict[str, File] = {}
    for part in form.get_payload():
        assert isinstance(part, Part)
        name = str(part.get_param("name", header="content-disposition"))
        data = part.get_payload(decode=True)
        assert isinstance(data, bytes)
        if name == "payload_json":
            body |= json.loads(data)
        else:
            number = name.removeprefix("files[").removesuffix("]")
            files[number] = File(part.get_filename() or "unknown", data)
    described = body.get("data", body)
    # An attachment of the request describes a new file by its number, a kept one by its id.
    for one in described.get("attachments") or []:
        number = str(one["id"])
        if number in files:
            name = one.get("filename") or files[number].name
            files[number] = File(
                name, files[number].data, description=one.get("description") or None
            )
    described["files"] = list(files.values())
    return body
