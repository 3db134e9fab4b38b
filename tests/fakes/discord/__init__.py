"""A Discord for tests: the real gateway and REST protocol over real sockets, on this machine.

    discord = FakeDiscord()
    await discord.start()         # then point a bot at discord.api_url and discord.gateway_url
    ada = discord.person("Ada")
    asked = discord.asks(ada, "hello", discord.general)
    answer = await discord.final_answer(asked)
    discord.edits(asked, "hello!")
    pressed = discord.presses(ada, answer[0], "Again")
    thread = discord.starts_thread(ada, "Talk", message=asked)
    discord.grants(discord.bot_role, Permission.MANAGE_WEBHOOKS)

A file per subject:

    server         one aiohttp server, its life, and the gate every REST request passes
    routes         which request goes where
    nouns          the things there are: users, guilds, channels, messages, files
    permissions    what may be done: flags, and how roles and overwrites add up
    world          who and what exists, and who may do what where
    payloads       the world as Discord writes it in JSON; messages in message_payloads
    gateway        websocket: HELLO, IDENTIFY, HEARTBEAT, READY, RESUME, …, and its faults
    audience       whom an event is told: intents, shards, what the bot may see
    starts         how many sessions may start, and when
    sessions       opcodes, close codes, intents; sockets, and the sessions that outlive them
    posting        how every message of anybody comes to be, changes and goes
    messages       REST: messages, history, typing, channels
    threads        REST: public threads
    thread_life    how threads come to be, sleep, wake and go, and who is in them
    webhooks       REST: webhooks of channels; their messages in webhook_messages
    bodies         what a request carries: JSON, or JSON with files beside it
    validation     what Discord checks in a message before it takes it, and whom it pings
    commands       REST: application commands, and the check of their shape
    interaction    one interaction, from the person's act to what came of it
    interactions   REST: interaction callbacks, follow-ups
    components     what Discord checks in buttons, menus and modals
    limits         rate-limit buckets, their headers, their 429
    faults         what a test can break, and what was sent when
    people         what a person in front of a real Discord client says, and where
    gestures       what a person does with the bot's commands
    resolving      people, roles, channels and files in a command's options
    pressing       what a person does with buttons, menus, modals and the message menu
    moderators     what those who run a server do
    sight          what such a person sees of the bot
    errors         Discord's error codes
    answers        JSON with the content type Discord uses

From Discord's documentation (discord-api-docs, August 2026):

    gateway       opcodes and close codes; intents, and what a bot without message content still
                  sees (the same in history); a guild's shard, and the first one for what has no
                  guild; a channel's last_message_id, which may be a deleted one's; one IDENTIFY
                  per 5 s and bucket of max_concurrency, else INVALID_SESSION
    messages      a replied-to message has a reference of its own, and no further message in it;
                  snowflakes; 2,000 characters; nonce with enforce_nonce (the first message comes
                  back, nothing new is made); allowed mentions; a reply needs READ_MESSAGE_HISTORY;
                  only the author edits content; `attachments` of an edit are those that stay;
                  history's anchors exclude each other
    threads       one from a message has its id; no SEND_MESSAGES but SEND_MESSAGES_IN_THREADS;
                  active ones are in GUILD_CREATE; a message wakes one (THREAD_UPDATE, then
                  THREAD_MEMBER_UPDATE); asleep, nothing is edited in it; a locked one is for
                  moderators; the first message of one from a message only points to that one
    webhooks      MANAGE_WEBHOOKS, names, the token that needs nothing else, thread_id, wait; no
                  nonce and no reply; the author is a face with the webhook's id; at most 15
                  (30007); in a forum a thread must be named (220001)
    permissions   how roles and overwrites add up, what goes with VIEW_CHANNEL and SEND_MESSAGES;
                  THREAD_LIST_SYNC where the bot gains sight of a channel; GUILD_MEMBER_UPDATE of
                  the bot itself without the members intent; GUILD_DELETE without `unavailable`
    components    5 rows of up to 5 buttons or one menu; lengths, styles, unique custom ids; ids are
                  numbered; a deferred update (6) and an update (7) change the message pressed on;
                  a modal can't answer a modal; a person's webhook shows no buttons
    interactions  3 s for the first answer and 15 minutes for the token; at most 25 autocomplete
                  choices; names and numbers of commands; ephemeral answers are in no channel's
                  history; default_member_permissions and required options are the client's check;
                  15 commands in the message menu, with names of any case; a file given to a
                  command is an id, and in `resolved.attachments` with its address
    REST          the JSON error shape and codes; rate-limit headers and the body of a 429

Assumed, because the documentation leaves it open or tells people not to rely on it:

    gateway       a session lives 60 s after its socket; a client that sends no heartbeat for two
                  intervals is closed with 4009; 4014 comes at once on IDENTIFY; an
                  IDENTIFY too early does not count; nothing is told of
                  messages in a channel that the bot can't see (of the channel itself it is);
                  GUILD_CREATE of a server just joined has no `unavailable`
    messages      a nonce is remembered for 120 s ("a few minutes"); `around` is half before and
                  half after; underscores stand for what a file's name may not have; the files of
                  a deleted message are 404
    threads       who says something in one is in it, a webhook is not; the author of its first
                  message is who started it; no message 18 (THREAD_CREATED) in the parent; no
                  thread falls asleep by itself; a channel's threads go with it without events
    webhooks      5 messages and 5 edits per 2 s and webhook; the avatar's hash; a name for one
                  message obeys the rules for the webhook's; it may ping everyone; a deleted
                  channel's are unknown (10015); in a thread a message needs its thread_id
    components    a button needs a label or an emoji; a new message that answers a press is of
                  type 0 and no reply; everybody who sees a message may press its buttons
    interactions  the bot is told of an ephemeral message by no event; a follow-up in place of
                  "thinking" keeps its own flags but for ephemeral; a command's file has an
                  address like any other's (Discord's begins with /ephemeral-attachments)
    REST          5 sends, 5 edits, 5 typings per 5 s and channel (what is seen today); a bucket is
                  a fixed window from its first request; the text of error messages

People are not checked: a test may let anybody say anything anywhere. The bot's global limit (50
requests a second) is there for the test that asks for it: `limits.of_everything`.

Not here yet: voice, presences, reactions, stickers, polls and embeds (but as JSON that a test
gives), components other than buttons,
string selects and text inputs (no IS_COMPONENTS_V2), user commands used by people, outages of
guilds, a nick for each guild, guilds by REST, members by REST other than one by one or by
REQUEST_GUILD_MEMBERS, bulk delete by the bot, webhook avatars by upload, private threads, archived
threads by REST, forum posts by the bot (people start them like threads; the first message has an
id of its own here), guild commands, 4011 (too many guilds for one shard), the end of the session
starts of a day, zstd-stream (discord.py falls back to zlib-stream).
"""

from tests.fakes.discord.faults import Fault
from tests.fakes.discord.interaction import Interaction
from tests.fakes.discord.nouns import Channel, File, Guild, Message, Role, Thread, User
from tests.fakes.discord.permissions import Permission
from tests.fakes.discord.server import FakeDiscord

__all__ = [
    "Channel",
    "FakeDiscord",
    "Fault",
    "File",
    "Guild",
    "Interaction",
    "Message",
    "Permission",
    "Role",
    "Thread",
    "User",
]
