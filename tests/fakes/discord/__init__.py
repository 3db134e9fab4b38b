"""A Discord for tests: the real gateway and REST protocol over real sockets, on this machine.

    discord = FakeDiscord()
    await discord.start()         # then point a bot at discord.api_url and discord.gateway_url
    ada = discord.person("Ada")
    asked = discord.asks(ada, "hello", discord.general)
    answer = await discord.final_answer(asked)

A file per subject:

    server         one aiohttp server, its life, and the gate every REST request passes
    world          who and what exists: people, channels, messages, permissions
    payloads       the world as Discord writes it in JSON
    gateway        websocket: HELLO, IDENTIFY, HEARTBEAT, READY, RESUME, …, and its faults
    sessions       opcodes, close codes, intents; sockets, and the sessions that outlive them
    messages       REST: messages, typing, channels
    validation     what Discord checks in a message before it takes it, and whom it pings
    commands       REST: application commands, and the check of their shape
    resolving      people and roles in a command's options
    interactions   REST: interaction callbacks, follow-ups
    limits         rate-limit buckets, their headers, their 429
    faults         what a test can break, and what was sent when
    people         what a person in front of a real Discord client can do
    sight          what such a person sees of the bot
    errors         Discord's error codes
    answers        JSON with the content type Discord uses

From Discord's documentation (discord-api-docs, October 2025): opcodes and close codes; intents and
what a bot without message content still sees; snowflakes; the JSON error shape and codes; 2,000
characters; nonce with enforce_nonce (the first message comes back, nothing new is made); allowed
mentions; a reply needs READ_MESSAGE_HISTORY; only the author edits content; 3 s for the first
answer to an interaction and 15 minutes for its token; at most 25 autocomplete choices; names and
numbers of commands; rate-limit headers and the body of a 429; invisible (ephemeral) answers are in
no channel's history; default_member_permissions and required options are the client's check.

Assumed, because the documentation leaves it open or tells people not to rely on it: the size of
buckets (5 sends, 5 edits, 5 typings per 5 s and channel, which is what is seen today) and that a
bucket is a fixed window from its first request; that a session lives 60 s after its socket; that a
client that sends no heartbeat for two intervals is closed with 4009; that a nonce is remembered for
120 s ("a few minutes"); that 4014 comes at once on IDENTIFY; the text of error messages.

Not here yet: voice, presences, reactions, webhooks, threads, sharding beyond accepting the field,
IDENTIFY's concurrency limit, guild commands, zstd-stream (discord.py falls back to zlib-stream).
"""

from tests.fakes.discord.faults import Fault
from tests.fakes.discord.interactions import Interaction
from tests.fakes.discord.server import FakeDiscord
from tests.fakes.discord.world import Channel, Message, Permission, User

__all__ = ["Channel", "FakeDiscord", "Fault", "Interaction", "Message", "Permission", "User"]
