"""Messages as Discord writes them in JSON; field names as in its documentation."""

from __future__ import annotations

from tests.fakes.discord.errors import Json
from tests.fakes.discord.nouns import THREAD_STARTER, Attachment, Face, Message, Thread
from tests.fakes.discord.payloads import face, member, thread, user
from tests.fakes.discord.world import World, now, snowflake_time


def attachment(subject: Attachment, world: World) -> Json:
    """The documented fields; the address carries the signature that Discord's would."""
    url = f"{world.cdn_url}{subject.path}?ex=7fffffff&is=65f1f1f1&hm={'0' * 64}"
    payload: Json = {
        "id": subject.id,
        "filename": subject.filename,
        "size": len(subject.file.data),
        "url": url,
        "proxy_url": url,
    }
    if subject.content_type is not None:
        payload["content_type"] = subject.content_type
    if subject.file.description is not None:
        payload["description"] = subject.file.description
    if subject.file.width is not None:
        payload |= {"width": subject.file.width, "height": subject.file.height}
    return payload


def message(subject: Message, world: World, *, with_referenced: bool = True) -> Json:
    """What it replies to has no further message in it, only the reference to one."""
    payload: Json = {
        "id": subject.id,
        "channel_id": subject.channel.id,
        "author": _author(subject),
        "content": subject.content,
        "timestamp": snowflake_time(subject.id),
        "edited_timestamp": now() if subject.edits else None,
        "tts": False,
        "mention_everyone": "everyone" in subject.pinged,
        "mentions": [user(person) for person in subject.mentions],
        "mention_roles": [one.id for one in subject.mention_roles],
        "attachments": [attachment(one, world) for one in subject.attachments],
        "embeds": [],
        "pinned": False,
        "type": subject.type,
        "flags": subject.flags,
        "components": subject.components,
    }
    if subject.nonce is not None:
        payload["nonce"] = subject.nonce
    if subject.webhook_id is not None:
        payload["webhook_id"] = subject.webhook_id
    if subject.interaction is not None:
        payload["interaction_metadata"] = subject.interaction
    if subject.application_id is not None:
        payload["application_id"] = subject.application_id
    if subject.thread is not None and not subject.thread.deleted:
        payload["thread"] = thread(subject.thread, world)
    if subject.reply_to is not None:
        payload |= _reference(subject, world, with_referenced)
    return payload | subject.more


def _author(subject: Message) -> Json:
    return face(subject.author) if isinstance(subject.author, Face) else user(subject.author)


def _reference(subject: Message, world: World, with_referenced: bool) -> Json:
    assert subject.reply_to is not None
    # A reply is in the channel it answers to, a thread's first message points out of its thread.
    there = subject.channel
    if subject.type == THREAD_STARTER and isinstance(there, Thread):
        there = there.parent
    reference: Json = {"type": 0, "message_id": subject.reply_to, "channel_id": there.id}
    if subject.channel.guild_id is not None:
        reference["guild_id"] = subject.channel.guild_id
    if not with_referenced:
        return {"message_reference": reference}
    referenced = world.find_message(subject.reply_to)
    return {
        "message_reference": reference,
        # A deleted message is null here; one that was not looked up is left out.
        "referenced_message": referenced and message(referenced, world, with_referenced=False),
    }


def message_event(subject: Message, world: World) -> Json:
    """MESSAGE_CREATE and MESSAGE_UPDATE carry guild_id and the author's member besides."""
    payload = message(subject, world)
    guild = subject.channel.guild
    if guild is not None:
        payload["guild_id"] = guild.id
        if subject.webhook_id is None:
            payload["member"] = member(subject.author, guild)
        payload["mentions"] = [
            user(person) | {"member": member(person, guild)} for person in subject.mentions
        ]
    return payload
