"""The world as Discord writes it in JSON; field names and examples as in its documentation."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.fakes.discord.errors import Json
from tests.fakes.discord.world import (
    DIRECT_MESSAGE,
    DISCORD_EPOCH_MS,
    Channel,
    Guild,
    Message,
    Role,
    User,
    World,
)

JOINED = "2024-03-13T19:19:14.040000+00:00"


def user(person: User) -> Json:
    return {
        "id": person.id,
        "username": person.username,
        "global_name": None if person.bot else person.display_name,
        "discriminator": "0" if not person.bot else "1337",
        "avatar": None,
        "bot": person.bot,
        "public_flags": 0,
    }


def own_user(person: User) -> Json:
    return user(person) | {"verified": True, "mfa_enabled": True, "email": None, "flags": 0}


def member(person: User) -> Json:
    """A guild member without its user, as messages carry it."""
    return {
        "nick": person.nick,
        "avatar": None,
        "roles": [one.id for one in person.roles],
        "joined_at": JOINED,
        "premium_since": None,
        "deaf": False,
        "mute": False,
        "pending": False,
        "flags": 0,
        "communication_disabled_until": None,
    }


def full_member(person: User) -> Json:
    return member(person) | {"user": user(person)}


def role(subject: Role, position: int) -> Json:
    payload: Json = {
        "id": subject.id,
        "name": subject.name,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "icon": None,
        "unicode_emoji": None,
        "position": position,
        "permissions": str(int(subject.permissions)),
        "managed": subject.bot_id is not None,
        "mentionable": False,
        "flags": 0,
    }
    if subject.bot_id is not None:
        payload["tags"] = {"bot_id": subject.bot_id}
    return payload


def channel(subject: Channel) -> Json:
    if subject.kind == DIRECT_MESSAGE:
        assert subject.recipient is not None
        return {
            "id": subject.id,
            "type": DIRECT_MESSAGE,
            "last_message_id": None,
            "recipients": [user(subject.recipient)],
            "flags": 0,
        }
    overwrites = []
    if subject.denied_to_bot and subject.guild_id is not None:
        overwrites = [
            {
                "id": subject.guild_id,
                "type": 0,
                "allow": "0",
                "deny": str(int(subject.denied_to_bot)),
            }
        ]
    return {
        "id": subject.id,
        "guild_id": subject.guild_id,
        "name": subject.name,
        "type": subject.kind,
        "position": 0,
        "permission_overwrites": overwrites,
        "rate_limit_per_user": 0,
        "nsfw": False,
        "topic": None,
        "last_message_id": None,
        "parent_id": None,
        "flags": 0,
    }


def guild_create(guild: Guild, bot: User) -> Json:
    """GUILD_CREATE: without the members intent only the bot's own member is in it."""
    return {
        "id": guild.id,
        "name": guild.name,
        "icon": None,
        "splash": None,
        "discovery_splash": None,
        "owner_id": guild.owner.id,
        "afk_channel_id": None,
        "afk_timeout": 300,
        "verification_level": 0,
        "default_message_notifications": 1,
        "explicit_content_filter": 0,
        "roles": [role(one, position) for position, one in enumerate(guild.roles)],
        "emojis": [],
        "features": [],
        "mfa_level": 0,
        "application_id": None,
        "system_channel_id": None,
        "system_channel_flags": 0,
        "rules_channel_id": None,
        "vanity_url_code": None,
        "description": None,
        "banner": None,
        "premium_tier": 0,
        "preferred_locale": "en-US",
        "public_updates_channel_id": None,
        "nsfw_level": 0,
        "premium_progress_bar_enabled": False,
        "safety_alerts_channel_id": None,
        "joined_at": JOINED,
        "large": False,
        "unavailable": False,
        "member_count": len(guild.members),
        "voice_states": [],
        "members": [full_member(bot)],
        "channels": [channel(one) for one in guild.channels if not one.deleted],
        "threads": [],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def message(subject: Message, world: World, *, with_reference: bool = True) -> Json:
    payload: Json = {
        "id": subject.id,
        "channel_id": subject.channel.id,
        "author": user(subject.author),
        "content": subject.content,
        "timestamp": snowflake_time(subject.id),
        "edited_timestamp": _now() if subject.edits else None,
        "tts": False,
        "mention_everyone": "everyone" in subject.pinged,
        "mentions": [user(person) for person in subject.mentions],
        "mention_roles": [one.id for one in subject.mention_roles],
        "attachments": [],
        "embeds": [],
        "pinned": False,
        "type": subject.type,
        "flags": subject.flags,
        "components": [],
    }
    if subject.nonce is not None:
        payload["nonce"] = subject.nonce
    if subject.webhook_id is not None:
        payload["webhook_id"] = subject.webhook_id
    if subject.reply_to is not None and with_reference:
        payload |= _reference(subject, world)
    return payload


def _reference(subject: Message, world: World) -> Json:
    assert subject.reply_to is not None
    reference: Json = {"type": 0, "message_id": subject.reply_to, "channel_id": subject.channel.id}
    if subject.channel.guild_id is not None:
        reference["guild_id"] = subject.channel.guild_id
    referenced = world.find_message(subject.reply_to)
    return {
        "message_reference": reference,
        # A deleted message is null here; one that was not looked up is left out.
        "referenced_message": referenced and message(referenced, world, with_reference=False),
    }


def message_event(subject: Message, world: World) -> Json:
    """MESSAGE_CREATE and MESSAGE_UPDATE carry guild_id and the author's member besides."""
    payload = message(subject, world)
    if subject.channel.guild_id is not None:
        payload["guild_id"] = subject.channel.guild_id
        if subject.webhook_id is None:
            payload["member"] = member(subject.author)
        payload["mentions"] = [
            user(person) | {"member": member(person)} for person in subject.mentions
        ]
    return payload


def application(world: World, application_id: str) -> Json:
    return {
        "id": application_id,
        "name": world.bot.display_name,
        "icon": None,
        "description": "",
        "bot_public": True,
        "bot_require_code_grant": False,
        "bot": user(world.bot),
        "owner": user(world.owner),
        "summary": "",
        "verify_key": "0" * 64,
        "team": None,
        "flags": 1 << 19,
    }


def snowflake_time(snowflake: str) -> str:
    at_ms = (int(snowflake) >> 22) + DISCORD_EPOCH_MS
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()


def _now() -> str:
    return datetime.now(UTC).isoformat()
