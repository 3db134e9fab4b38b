"""The world as Discord writes it in JSON, but for messages; fields as in its documentation."""

from __future__ import annotations

from hashlib import md5

from tests.fakes.discord.errors import Json
from tests.fakes.discord.nouns import (
    DIRECT_MESSAGE,
    VOICE_CHANNEL,
    Channel,
    Face,
    Guild,
    Role,
    Thread,
    User,
    Webhook,
)
from tests.fakes.discord.world import World

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


def face(subject: Face) -> Json:
    """The author of a webhook's message; Discord keeps its own copy of the avatar."""
    avatar = None
    if subject.avatar_url is not None:
        avatar = md5(subject.avatar_url.encode(), usedforsecurity=False).hexdigest()
    return user(subject) | {"discriminator": "0000", "avatar": avatar}


def own_user(person: User) -> Json:
    return user(person) | {"verified": True, "mfa_enabled": True, "email": None, "flags": 0}


def member(person: User, guild: Guild) -> Json:
    """A guild member without its user, as messages carry it."""
    there = guild.member(person)
    return {
        "nick": person.nick,
        "avatar": None,
        "roles": [one.id for one in there.roles] if there is not None else [],
        "joined_at": JOINED,
        "premium_since": None,
        "deaf": False,
        "mute": False,
        "pending": False,
        "flags": 0,
        "communication_disabled_until": None,
    }


def full_member(person: User, guild: Guild) -> Json:
    return member(person, guild) | {"user": user(person)}


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
    overwrites = [
        {"id": one.id, "type": one.kind, "allow": str(int(one.allow)), "deny": str(int(one.deny))}
        for one in subject.overwrites.values()
    ]
    audible = {"bitrate": 64_000, "user_limit": 0} if subject.kind == VOICE_CHANNEL else {}
    return audible | {
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


def thread(subject: Thread, world: World) -> Json:
    """A thread as a channel, with the bot's own membership where it is in it."""
    said = [one for one in world.messages if one.channel is subject]
    payload: Json = {
        "id": subject.id,
        "guild_id": subject.guild_id,
        "parent_id": subject.parent.id,
        "owner_id": subject.owner.id,
        "name": subject.name,
        "type": subject.kind,
        "last_message_id": said[-1].id if said else None,
        "message_count": sum(not one.deleted for one in said),
        "total_message_sent": len(said),
        "member_count": min(len(subject.members), 50),
        "rate_limit_per_user": 0,
        "flags": 0,
        "thread_metadata": {
            "archived": subject.archived,
            "auto_archive_duration": subject.archive_minutes,
            "archive_timestamp": subject.archived_at,
            "locked": subject.locked,
            "create_timestamp": subject.created_at,
        },
    }
    if world.bot in subject.members:
        payload["member"] = thread_member(subject, world.bot)
    return payload


def thread_member(subject: Thread, person: User) -> Json:
    return {
        "id": subject.id,
        "user_id": person.id,
        "join_timestamp": subject.created_at,
        "flags": 1,
    }


def place(subject: Channel, world: World) -> Json:
    """A channel or a thread."""
    return thread(subject, world) if isinstance(subject, Thread) else channel(subject)


def webhook(subject: Webhook) -> Json:
    return {
        "id": subject.id,
        "type": 1,
        "guild_id": subject.channel.guild_id,
        "channel_id": subject.channel.id,
        "user": user(subject.creator),
        "name": subject.name,
        "avatar": None,
        "token": subject.token,
        "application_id": subject.application_id,
    }


def guild_create(guild: Guild, world: World) -> Json:
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
        "members": [full_member(world.bot, guild)],
        "channels": [channel(one) for one in guild.channels if not one.deleted],
        "threads": [thread(one, world) for one in world.active_threads(guild)],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


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
